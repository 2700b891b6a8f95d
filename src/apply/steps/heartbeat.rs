//! The heartbeat: a table that goes through the binary log, and an event that does not.

use crate::{
    exec::{On, StepError},
    transport::Replicates,
};

/// Makes it, and lets it beat.
pub(super) async fn run(on: On<'_>, (table, interval): (bool, u64)) -> Result<Option<String>, StepError> {
    let dialect = on.dialect()?;
    let failed = |e| on.failed("make the heartbeat", e);
    if table {
        let mut sql = on.replicated(Replicates::Heartbeat).await?;
        for statement in dialect.make_heartbeat_table() {
            sql.run(&statement).await.map_err(failed)?;
        }
    }
    let mut sql = on.statements().await?;
    for statement in dialect.make_heartbeat_event(interval) {
        sql.run(&statement).await.map_err(failed)?;
    }
    Ok(None)
}
