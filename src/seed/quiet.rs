//! A server that is to start anew with a clone starts without its channels and its events: both come along, and
//! neither is its own.
//!
//! The variables for that are persisted, since `mysqld-auto.cnf` is not cloned. What was there before is written
//! down on the host first, so that a run which was killed leaves nothing that the next one could not put back.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    dialect::literal,
    exec::{On, StepError},
    model::limits,
    transport::ReadScript,
};

const READ: ReadScript = ReadScript::new(
    "look for what a clone has switched off",
    "cat /var/lib/tandem/quiet.json 2>/dev/null || true",
);
const WRITE: &str = concat!(
    include_str!("../transport/safe.sh"),
    r#"
set -e
umask 077
private_dir /var/lib/tandem
cat >/var/lib/tandem/quiet.json.new
sync /var/lib/tandem/quiet.json.new 2>/dev/null || true
mv /var/lib/tandem/quiet.json.new /var/lib/tandem/quiet.json
"#
);
const LIMIT: Duration = limits::LOOK.time;

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
pub async fn begin(on: On<'_>) -> Result<(), StepError> {
    let tried = "let it start without channels and events";
    let failed = |e| on.failed(tried, e);
    let mut sql = on.statements().await?;
    if read(on).await?.is_none() {
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
        let text = serde_json::to_string(&before).unwrap_or_default();
        let written = on.writer()?.run(tried, WRITE, &[], text.as_bytes(), LIMIT).await;
        written.map_err(|e| on.failed(tried, e))?;
    }
    for (name, value) in QUIET {
        sql.run(&format!("SET PERSIST_ONLY {name} = {value}")).await.map_err(failed)?;
    }
    Ok(())
}

/// Puts back what was there before, if a clone has switched something off.
pub async fn end(on: On<'_>) -> Result<(), StepError> {
    let Some(before) = read(on).await? else { return Ok(()) };
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
    let removed = on.writer()?.run(tried, "rm -f /var/lib/tandem/quiet.json", &[], b"", LIMIT).await;
    removed.map(|_| ()).map_err(|e| on.failed(tried, e))
}

async fn read(on: On<'_>) -> Result<Option<Before>, StepError> {
    let failed = |why: String| on.failed(READ.what, why);
    let output = on.read(&READ, &[], LIMIT).await?;
    match output.text().trim() {
        "" => Ok(None),
        text => serde_json::from_str(text).map(Some).map_err(|e| failed(e.to_string())),
    }
}
