//! Whether a copy is what it shall be.

use std::collections::BTreeMap;

use crate::{
    dialect::{Dialect, ReadStatement},
    exec::{On, StepError},
    gtid::{GtidForm, GtidSet, Position},
    model::{BinlogPosition, HostName},
    plan::SeedPlan,
    transport::{SqlError, SqlReader},
};

/// The snapshot's place as the server has it, if it agrees with what the dump says. Should file and
/// position say something else than the GTIDs, neither can be trusted.
pub(super) async fn coordinates(
    on: On<'_>,
    at: &BinlogPosition,
    dumped: Option<&str>,
) -> Result<String, StepError> {
    let from = on.host;
    let mut sql = on.reader().await?;
    match on.dialect()?.gtid_form() {
        GtidForm::Positions => mariadb(from, at, dumped, &mut sql).await,
        GtidForm::Sets => mysql(from, at, dumped, &mut sql).await,
    }
}

/// MariaDB works out by itself which GTID position belongs to a file and a position.
async fn mariadb(
    from: &HostName,
    at: &BinlogPosition,
    dumped: Option<&str>,
    sql: &mut SqlReader,
) -> Result<String, StepError> {
    let tried = "work out the snapshot's GTID position";
    let rows = sql.query(&ReadStatement::gtid_at(at)).await.map_err(|e| StepError::new(from, tried, e))?;
    let worked_out = rows.first().and_then(|r| r.get("gtid")).map(str::to_owned);
    let canonical = |text: &str| text.parse::<Position>().ok().map(|p| p.to_string());
    match (worked_out, dumped) {
        (Some(server), Some(dump)) if canonical(&server) != canonical(dump) => {
            Err(disagree(from, format!("the dump says {dump}, the server says {server} for {at}")))
        }
        (Some(server), _) => Ok(server),
        (None, _) => {
            Err(StepError::new(from, tried, format!("{at} is not a place in its binary logs any more")))
        }
    }
}

/// MySQL can be asked for the event at a place: the snapshot has everything before it, and not this one.
async fn mysql(
    from: &HostName,
    at: &BinlogPosition,
    dumped: Option<&str>,
    sql: &mut SqlReader,
) -> Result<String, StepError> {
    // Without GTIDs there is nothing to compare.
    let Some(dumped) = dumped else { return Ok(String::new()) };
    let set: GtidSet =
        dumped.parse().map_err(|e| StepError::new(from, "read the snapshot's GTIDs in the dump", e))?;
    let rows = sql
        .query(&ReadStatement::binlog_events(at.file(), Some(at.offset()), 1))
        .await
        .map_err(|e| StepError::new(from, "look at the event behind the snapshot", e))?;
    // Such as `SET @@SESSION.GTID_NEXT= 'UUID:5'`, or another event where GTIDs are off.
    let event = rows.first().and_then(|row| row.get("info"));
    let next: Option<GtidSet> = event.and_then(|event| event.split('\'').nth(1)?.parse().ok());
    match next {
        Some(next) if !set.intersect(&next).is_empty() => {
            Err(disagree(from, format!("the dump has {dumped}, but {next} stands behind {at}")))
        }
        _ => Ok(set.to_string()),
    }
}

fn disagree(from: &HostName, why: String) -> StepError {
    StepError::new(from, "trust the snapshot's coordinates", why).then("Apply again; the copy begins anew.")
}

/// Tables, views, routines, triggers and events, counted for each database.
async fn count(sql: &SqlReader, dialect: Dialect) -> Result<BTreeMap<(String, String), String>, SqlError> {
    let rows = sql.query(&dialect.contents_of_databases()).await?;
    rows.iter().map(|r| Ok(((r.text("db")?, r.text("what")?), r.text("n")?))).collect()
}

/// Compares what the copy holds with the source. A table that was made or dropped while the copy ran
/// comes over the channel later, so a difference counts only if it was there before and is still there.
pub(super) async fn contents(on: On<'_>, plan: &SeedPlan) -> Result<(), StepError> {
    let failed = |e| on.failed("compare the copy with its source", e);
    let (here, there) = tokio::try_join!(on.reader(), on.at(&plan.donor).reader())?;
    let (copy, source) =
        tokio::try_join!(count(&here, on.dialect()?), count(&there, on.at(&plan.donor).dialect()?))
            .map_err(failed)?;
    let missing: Vec<String> = source
        .iter()
        .filter(|(of, _)| plan.databases.contains(&of.0) && !copy.contains_key(*of))
        .map(|((database, what), n)| format!("{n} {what} of {database}"))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(on
        .failed("find everything in the copy that its source has", missing.join(", "))
        .then("Apply again; the copy begins anew."))
}

/// Whether the source still has the log file at which the channel will begin.
pub(super) async fn still_there(on: On<'_>, at: Option<&BinlogPosition>) -> Result<(), StepError> {
    let Some(file) = at.map(BinlogPosition::file) else { return Ok(()) };
    let sql = on.reader().await?;
    let rows = sql
        .query(&ReadStatement::binary_logs())
        .await
        .map_err(|e| on.failed("look at its binary logs", e))?;
    if rows.iter().any(|r| r.get("log_name") == Some(file)) {
        return Ok(());
    }
    Err(on.failed(format!("find {file} among its binary logs"),
        "it was purged while the copy ran",
    )
    .then("Somebody purges them by hand or by a job of his own: let that rest for the time of the copy, then apply again."))
}
