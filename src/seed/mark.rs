//! The record of an unfinished copy on the replica.

use crate::{
    exec::{On, StepError},
    model::{HostName, limits},
    observe::SeedMarks,
    transport::ReadScript,
};

const WRITE: &str = concat!(
    include_str!("../transport/safe.sh"),
    r#"
set -e
umask 077
private_dir /var/lib/tandem
cat >/var/lib/tandem/seed.json.new
sync /var/lib/tandem/seed.json.new 2>/dev/null || true
mv /var/lib/tandem/seed.json.new /var/lib/tandem/seed.json
"#
);

const READ: ReadScript =
    ReadScript::new("read the copies' records", "cat /var/lib/tandem/seed.json 2>/dev/null || true");

/// Differences that are kept.
const MOST: usize = 50;

/// The records as they are now.
pub async fn read(on: On<'_>) -> Result<SeedMarks, StepError> {
    let failed = |why: String| on.failed(READ.what, why);
    let output = on.read(&READ, &[], limits::LOOK.time).await?;
    match output.text().trim() {
        "" => Ok(SeedMarks::default()),
        text => serde_json::from_str(text).map_err(|e| failed(e.to_string())),
    }
}

/// Writes the records atomically.
pub async fn write(on: On<'_>, marks: &SeedMarks) -> Result<(), StepError> {
    let text = serde_json::to_string(marks).unwrap_or_default();
    let tried = "note that a copy has begun";
    on.writer()?
        .run(tried, WRITE, &[], text.as_bytes(), limits::LOOK.time)
        .await
        .map(|_| ())
        .map_err(|e| on.failed(tried, e))
}

/// Notes what was not the same when a copy was compared.
pub async fn differs(on: On<'_>, from: &HostName, found: &[String]) -> Result<(), StepError> {
    let mut marks = read(on).await?;
    let Some(mark) = marks.0.iter_mut().find(|mark| mark.from == from.as_str()) else { return Ok(()) };
    mark.differs = found.iter().take(MOST).cloned().collect();
    write(on, &marks).await
}

/// Takes a record away: the channel runs, and the copy is data like any other.
pub async fn forget(on: On<'_>, from: &HostName) -> Result<(), StepError> {
    let mut marks = read(on).await?;
    marks.take(from.as_str());
    if !marks.0.is_empty() {
        return write(on, &marks).await;
    }
    let tried = "note that the copy is complete";
    on.writer()?
        .run(
            tried,
            "rm -f /var/lib/tandem/seed.json /var/lib/tandem/accounts.json",
            &[],
            b"",
            limits::LOOK.time,
        )
        .await
        .map(|_| ())
        .map_err(|e| on.failed(tried, e))
}
