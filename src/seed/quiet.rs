//! A server that is to start anew with a clone starts without its channels and its events: both come along, and
//! neither is its own.
//!
//! The variables for that are persisted, since `mysqld-auto.cnf` is not cloned. What was there before is written
//! down on the host first, so that a run which was killed leaves nothing that the next one could not put back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    dialect::literal,
    exec::{On, Record, StepError},
};

const RECORD: Record<Before> =
    Record::new("/var/lib/tandem/quiet.json", "look for what a clone has switched off");

/// What is switched off, and how.
const QUIET: [(&str, &str); 2] = [("skip_replica_start", "ON"), ("event_scheduler", "OFF")];

/// What was there before.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Before {
    /// The values in `mysqld-auto.cnf`, of those variables that had one.
    persisted: BTreeMap<String, String>,
    /// The running value of `event_scheduler`.
    scheduler: String,
}

/// Lets the next start of the server be quiet.
pub(super) async fn begin(on: On<'_>) -> Result<(), StepError> {
    let tried = "let it start without channels and events";
    let failed = |e| on.failed(tried, e);
    let mut sql = on.statements().await?;
    if RECORD.read(on).await?.is_none() {
        let names = QUIET.map(|(name, _)| literal(name)).join(", ");
        let rows = sql
            .run(&format!(
                "SELECT VARIABLE_NAME AS name, VARIABLE_VALUE AS value FROM performance_schema.persisted_variables \
                 WHERE VARIABLE_NAME IN ({names})"
            ))
            .await
            .map_err(failed)?;
        let persisted = rows.iter().map(|r| Ok((r.text("name")?, r.text("value")?)));
        let persisted = persisted.collect::<Result<_, _>>().map_err(failed)?;
        let scheduler = sql.first("SELECT @@GLOBAL.event_scheduler AS value").await.map_err(failed)?;
        let before = Before { persisted, scheduler: scheduler.text("value").map_err(failed)? };
        RECORD.write(on, tried, &before).await?;
    }
    for (name, value) in QUIET {
        sql.run(&format!("SET PERSIST_ONLY {name} = {value}")).await.map_err(failed)?;
    }
    Ok(())
}

/// Puts back what was there before, if a clone has switched something off.
pub(super) async fn end(on: On<'_>) -> Result<(), StepError> {
    let Some(before) = RECORD.read(on).await? else { return Ok(()) };
    let tried = "let it start with channels and events again";
    let failed = |e| on.failed(tried, e);
    let mut sql = on.statements().await?;
    for (name, _) in QUIET {
        let statement = match before.persisted.get(name) {
            Some(value) => format!("SET PERSIST_ONLY {name} = {}", literal(value)),
            None => format!("RESET PERSIST IF EXISTS {name}"),
        };
        sql.run(&statement).await.map_err(failed)?;
    }
    // One that was started with DISABLED can't be changed.
    if matches!(before.scheduler.as_str(), "ON" | "OFF") {
        sql.run(&format!("SET GLOBAL event_scheduler = {}", before.scheduler)).await.map_err(failed)?;
    }
    RECORD.forget(on, tried).await
}
