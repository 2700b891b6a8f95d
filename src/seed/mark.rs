//! The record of an unfinished copy on the replica.

use crate::{
    apply::{Fleet, StepError, journal::Journal},
    model::HostName,
    observe::SeedMark,
};

const WRITE: &str = r#"
set -e
umask 077
mkdir -p /var/lib/tandem
cat >/var/lib/tandem/seed.json.new
sync /var/lib/tandem/seed.json.new 2>/dev/null || true
mv /var/lib/tandem/seed.json.new /var/lib/tandem/seed.json
"#;

/// Writes the record atomically.
pub async fn write(
    host: &HostName,
    mark: &SeedMark,
    fleet: &Fleet<'_>,
    _journal: &Journal,
) -> Result<(), StepError> {
    let text = serde_json::to_string(mark).unwrap_or_default();
    let tried = "note that a copy has begun";
    let limit = std::time::Duration::from_secs(30);
    fleet
        .writer(host)?
        .run(tried, WRITE, &[], text.as_bytes(), limit)
        .await
        .map(|_| ())
        .map_err(|e| StepError::new(host, tried, e))
}

/// Takes the record away: the channel runs, and the copy is data like any other.
pub async fn forget(host: &HostName, fleet: &Fleet<'_>) -> Result<(), StepError> {
    let limit = std::time::Duration::from_secs(30);
    let tried = "note that the copy is complete";
    fleet
        .writer(host)?
        .run(tried, "rm -f /var/lib/tandem/seed.json", &[], b"", limit)
        .await
        .map(|_| ())
        .map_err(|e| StepError::new(host, tried, e))
}
