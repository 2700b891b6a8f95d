//! Whether a copy is what it shall be.

use std::collections::BTreeMap;

use crate::{
    apply::{Fleet, StepError},
    model::HostName,
    plan::SeedPlan,
    transport::{SqlError, SqlReader},
};

/// Tables, views, routines, triggers and events, counted for each database.
async fn count(sql: &mut SqlReader) -> Result<BTreeMap<String, String>, SqlError> {
    let rows = sql
        .query(
            "SELECT TABLE_SCHEMA AS db, CONCAT(LOWER(TABLE_TYPE), 's') AS what, COUNT(*) AS n FROM information_schema.TABLES GROUP BY 1, 2 \
             UNION ALL SELECT ROUTINE_SCHEMA, 'routines', COUNT(*) FROM information_schema.ROUTINES GROUP BY 1 \
             UNION ALL SELECT TRIGGER_SCHEMA, 'triggers', COUNT(*) FROM information_schema.TRIGGERS GROUP BY 1 \
             UNION ALL SELECT EVENT_SCHEMA, 'events', COUNT(*) FROM information_schema.EVENTS GROUP BY 1",
        )
        .await?;
    Ok(rows.iter().map(|r| (format!("{} of {}", r.text("what"), r.text("db")), r.text("n"))).collect())
}

/// Compares what the copy holds with the source. A table that was made or dropped while the copy ran
/// comes over the channel later, so a difference counts only if it was there before and is still there.
pub async fn contents(host: &HostName, plan: &SeedPlan, fleet: &Fleet<'_>) -> Result<(), StepError> {
    let failed = |e| StepError::new(host, "compare the copy with its source", e);
    let (mut here, mut there) = (fleet.reader(host).await?, fleet.reader(&plan.from).await?);
    let (copy, source) = (count(&mut here).await.map_err(failed)?, count(&mut there).await.map_err(failed)?);
    here.close().await;
    there.close().await;
    let of_plan = |what: &str| plan.databases.iter().any(|d| what.ends_with(&format!(" of {d}")));
    let missing: Vec<String> = source
        .iter()
        .filter(|(what, _)| of_plan(what) && !copy.contains_key(*what))
        .map(|(what, n)| format!("{n} {what}"))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(StepError::new(host, "find everything in the copy that its source has", missing.join(", "))
        .then("Apply again; the copy begins anew."))
}

/// Whether the source still has the log file at which the channel will begin.
pub async fn still_there(source: &HostName, file: &str, fleet: &Fleet<'_>) -> Result<(), StepError> {
    if file.is_empty() {
        return Ok(());
    }
    let mut sql = fleet.reader(source).await?;
    let rows = sql
        .query("SHOW BINARY LOGS")
        .await
        .map_err(|e| StepError::new(source, "look at its binary logs", e))?;
    sql.close().await;
    if rows.iter().any(|r| r.get("log_name") == Some(file)) {
        return Ok(());
    }
    Err(StepError::new(
        source,
        format!("find {file} among its binary logs"),
        "it was purged while the copy ran",
    )
    .then("Somebody purges them by hand or by a job of his own: let that rest for the time of the copy, then apply again."))
}
