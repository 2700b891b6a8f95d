//! The record of an unfinished copy on the replica.

use super::accounts;
use crate::{
    exec::{On, Record, StepError},
    model::{CopyDifference, HostName},
    observe::SeedMarks,
};

/// The copies that this replica has not finished.
const RECORD: Record<SeedMarks> = Record::new("/var/lib/tandem/seed.json", "read the copies' records");

/// Differences that are kept.
const MOST: usize = 50;

/// The records as they are now.
pub(crate) async fn read(on: On<'_>) -> Result<SeedMarks, StepError> {
    Ok(RECORD.read(on).await?.unwrap_or_default())
}

/// Writes the records atomically.
pub(super) async fn write(on: On<'_>, marks: &SeedMarks) -> Result<(), StepError> {
    RECORD.write(on, "note that a copy has begun", marks).await
}

/// Notes what was not the same when a copy was compared.
pub(crate) async fn differs(
    on: On<'_>,
    from: &HostName,
    mut marks: SeedMarks,
    found: &[CopyDifference],
) -> Result<(), StepError> {
    let Some(mark) = marks.0.iter_mut().find(|mark| mark.from == from.as_str()) else { return Ok(()) };
    mark.differs = found.iter().take(MOST).cloned().collect();
    write(on, &marks).await
}

/// Takes a record away: the channel runs, and the copy is data like any other.
pub(crate) async fn forget(on: On<'_>, from: &HostName, mut marks: SeedMarks) -> Result<(), StepError> {
    marks.take(from.as_str());
    if !marks.0.is_empty() {
        return write(on, &marks).await;
    }
    let tried = "note that the copy is complete";
    tokio::try_join!(RECORD.forget(on, tried), accounts::KEPT.forget(on, tried)).map(drop)
}
