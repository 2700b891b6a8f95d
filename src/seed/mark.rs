//! The record of an unfinished copy on the replica.

use crate::{
    exec::{Fleet, StepError},
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
pub async fn read(host: &HostName, fleet: &Fleet<'_>) -> Result<SeedMarks, StepError> {
    let failed = |why: String| StepError::new(host, READ.what, why);
    let output = fleet.session(host)?.read(&READ, &[], limits::LOOK.time).await;
    let output = output.map_err(|e| failed(e.to_string()))?;
    match output.text().trim() {
        "" => Ok(SeedMarks::default()),
        text => serde_json::from_str(text).map_err(|e| failed(e.to_string())),
    }
}

/// Writes the records atomically.
pub async fn write(host: &HostName, marks: &SeedMarks, fleet: &Fleet<'_>) -> Result<(), StepError> {
    let text = serde_json::to_string(marks).unwrap_or_default();
    let tried = "note that a copy has begun";
    fleet
        .writer(host)?
        .run(tried, WRITE, &[], text.as_bytes(), limits::LOOK.time)
        .await
        .map(|_| ())
        .map_err(|e| StepError::new(host, tried, e))
}

/// Notes what was not the same when a copy was compared.
pub async fn differs(
    host: &HostName,
    from: &HostName,
    found: &[String],
    fleet: &Fleet<'_>,
) -> Result<(), StepError> {
    let mut marks = read(host, fleet).await?;
    let Some(mark) = marks.0.iter_mut().find(|mark| mark.from == from.as_str()) else { return Ok(()) };
    mark.differs = found.iter().take(MOST).cloned().collect();
    write(host, &marks, fleet).await
}

/// Takes a record away: the channel runs, and the copy is data like any other.
pub async fn forget(host: &HostName, from: &HostName, fleet: &Fleet<'_>) -> Result<(), StepError> {
    let mut marks = read(host, fleet).await?;
    marks.take(from.as_str());
    if !marks.0.is_empty() {
        return write(host, &marks, fleet).await;
    }
    let tried = "note that the copy is complete";
    fleet
        .writer(host)?
        .run(
            tried,
            "rm -f /var/lib/tandem/seed.json /var/lib/tandem/accounts.json",
            &[],
            b"",
            limits::LOOK.time,
        )
        .await
        .map(|_| ())
        .map_err(|e| StepError::new(host, tried, e))
}
