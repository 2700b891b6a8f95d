//! The heartbeat: a table that goes through the binary log, and an event that does not.

use crate::{
    exec::{Fleet, StepError, journal::Journal, replicated, statements},
    model::HostName,
    transport::Replicates,
};

/// Makes it, and lets it beat.
pub async fn run(
    host: &HostName,
    (table, interval): (bool, u64),
    fleet: &Fleet<'_>,
    journal: &Journal,
) -> Result<Option<String>, StepError> {
    let dialect = fleet.dialect(host)?;
    let failed = |e| StepError::new(host, "make the heartbeat", e);
    if table {
        let mut sql = replicated(host, Replicates::Heartbeat, fleet, journal).await?;
        for statement in dialect.make_heartbeat_table() {
            sql.run(&statement).await.map_err(failed)?;
        }
    }
    let mut sql = statements(host, fleet, journal).await?;
    for statement in dialect.make_heartbeat_event(interval) {
        sql.run(&statement).await.map_err(failed)?;
    }
    Ok(None)
}
