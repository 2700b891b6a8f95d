//! One step of MySQL's `gtid_mode`.

use std::time::{Duration, Instant};

use crate::{
    dialect::ReadStatement,
    exec::{Fleet, StepError, journal::Journal, statements},
    gtid::has_passed,
    model::{HostName, limits},
    observe::channels,
    plan::GtidPhase,
    transport::{Row, SqlError},
};

/// How long transactions without a GTID may take to end, and to reach every replica.
const DRAINS: Duration = limits::GTID_DRAIN.time;
const POLL: Duration = limits::POLL;

/// Takes a server to this step. Before the last one no transaction of the other kind may be left anywhere: a
/// server with `gtid_mode = ON` refuses those without a GTID, and one with OFF those that have one.
pub async fn run(
    host: &HostName,
    (phase, down): (GtidPhase, bool),
    fleet: &Fleet<'_>,
    journal: &Journal,
) -> Result<Option<String>, StepError> {
    if matches!(phase, GtidPhase::On | GtidPhase::Off) {
        for member in &fleet.desired.members {
            drained(member, phase == GtidPhase::Off, fleet).await?;
        }
        for member in &fleet.desired.members {
            caught_up(member, fleet).await?;
        }
    }
    let tried = format!("set gtid_mode to {phase}");
    let failed = |e| StepError::new(host, tried.clone(), e);
    let mut sql = statements(host, fleet, journal).await?;
    if phase == GtidPhase::OffPermissive && !down {
        sql.run("SET GLOBAL enforce_gtid_consistency = ON").await.map_err(failed)?;
    }
    sql.run(&format!("SET GLOBAL gtid_mode = {phase}")).await.map_err(failed)?;
    if phase == GtidPhase::Off {
        sql.run("SET GLOBAL enforce_gtid_consistency = OFF").await.map_err(failed)?;
    }
    sql.sql.close().await;
    Ok(None)
}

/// Waits until a server has no running transaction without a GTID, or none with one.
async fn drained(host: &HostName, with: bool, fleet: &Fleet<'_>) -> Result<(), StepError> {
    let (tried, count) = match with {
        false => (
            "wait for its transactions without a GTID",
            ReadStatement::counter("Ongoing_anonymous_transaction_count"),
        ),
        true => ("wait for its transactions with a GTID", ReadStatement::owned_gtids()),
    };
    let sql = fleet.reader(host).await?;
    let begun = Instant::now();
    loop {
        let left = sql.query_first(&count).await.and_then(|row| row.number("value"));
        match left.map_err(|e| StepError::new(host, tried, e))? {
            0_u64 => break,
            left if begun.elapsed() > DRAINS => {
                return Err(StepError::new(host, tried, format!("{left} have not ended"))
                    .then("End or wait for the long transaction, then apply again; it goes on from here."));
            }
            _ => tokio::time::sleep(POLL).await,
        }
    }
    sql.close().await;
    Ok(())
}

/// Waits until every channel of a replica has executed what its source has written up to now.
async fn caught_up(host: &HostName, fleet: &Fleet<'_>) -> Result<(), StepError> {
    let tried = "wait until it has everything of its sources";
    let failed = |e| StepError::new(host, tried, e);
    let dialect = fleet.dialect(host)?;
    let sql = fleet.reader(host).await?;
    for channel in channels(&sql, dialect).await.map_err(failed)? {
        let of = |h: &&crate::desired::DesiredHost| {
            h.endpoint.address == channel.source_host && h.endpoint.port == channel.source_port
        };
        let Some(source) = fleet.desired.hosts.values().find(of).map(|h| &h.name) else { continue };
        let reader = fleet.reader(source).await?;
        let rows = reader.query(&fleet.dialect(source)?.show_binlog()).await;
        reader.close().await;
        let at = |row: &Row| Ok((row.text("file")?, row.number("position")?));
        let goal = rows.and_then(|rows| rows.first().map(at).transpose());
        let goal = goal.map_err(|e: SqlError| StepError::new(source, "look at its binary log", e))?;
        let Some(goal) = goal else { continue };
        let begun = Instant::now();
        loop {
            let now = channels(&sql, dialect).await.map_err(failed)?;
            match now.iter().find(|c| c.name == channel.name) {
                None => break,
                Some(c) if has_passed(&c.executed, &goal) => break,
                Some(c) if begun.elapsed() > DRAINS || !c.running() => {
                    let at = format!("it stands at {}:{} of {source}", c.executed.0, c.executed.1);
                    return Err(StepError::new(host, tried, at)
                        .then("Mend the channel, then apply again; it goes on from here."));
                }
                Some(_) => tokio::time::sleep(POLL).await,
            }
        }
    }
    sql.close().await;
    Ok(())
}
