//! One step of MySQL's `gtid_mode`.

use crate::{
    dialect::ReadStatement,
    exec::{Look, On, Rule, StepError, wait_until},
    model::limits,
    observe::channels,
    plan::GtidPhase,
};

/// Takes a server to this step. Before the last one no transaction of the other kind may be left anywhere: a
/// server with `gtid_mode = ON` refuses those without a GTID, and one with OFF those that have one.
pub(super) async fn run(on: On<'_>, (phase, down): (GtidPhase, bool)) -> Result<Option<String>, StepError> {
    if matches!(phase, GtidPhase::On | GtidPhase::Off) {
        for member in &on.fleet.desired.members {
            drained(on.at(member), phase == GtidPhase::Off).await?;
        }
        for member in &on.fleet.desired.members {
            caught_up(on.at(member)).await?;
        }
    }
    let tried = format!("set gtid_mode to {phase}");
    let failed = |e| on.failed(tried.clone(), e);
    let mut sql = on.statements().await?;
    if phase == GtidPhase::OffPermissive && !down {
        sql.run("SET GLOBAL enforce_gtid_consistency = ON").await.map_err(failed)?;
    }
    sql.run(&format!("SET GLOBAL gtid_mode = {phase}")).await.map_err(failed)?;
    if phase == GtidPhase::Off {
        sql.run("SET GLOBAL enforce_gtid_consistency = OFF").await.map_err(failed)?;
    }
    Ok(None)
}

/// Waits until a server has no running transaction without a GTID, or none with one.
async fn drained(on: On<'_>, with: bool) -> Result<(), StepError> {
    let (tried, count) = match with {
        false => (
            "wait for its transactions without a GTID",
            ReadStatement::counter("Ongoing_anonymous_transaction_count"),
        ),
        true => ("wait for its transactions with a GTID", ReadStatement::owned_gtids()),
    };
    let sql = on.reader().await?;
    let waited = wait_until(Rule::within(limits::GTID_DRAIN.time), async || {
        let left = sql.query_first(&count).await.and_then(|row| row.number::<u64>("value"));
        Ok(match left.map_err(|e| on.failed(tried, e))? {
            0 => Look::Done(()),
            left => Look::Moving(left),
        })
    });
    let drained = waited.await?;
    drained.map_err(|ended| {
        on.failed(tried, format!("{} have not ended", ended.at()))
            .then("End or wait for the long transaction, then apply again; it goes on from here.")
    })
}

/// Waits until every channel of a replica has executed what its source has written up to now.
async fn caught_up(on: On<'_>) -> Result<(), StepError> {
    let tried = "wait until it has everything of its sources";
    let failed = |e| on.failed(tried, e);
    let dialect = on.dialect()?;
    let sql = on.reader().await?;
    for channel in channels(&sql, dialect).await.map_err(failed)? {
        let of = |h: &&crate::desired::DesiredHost| {
            h.endpoint.address == channel.source_host && h.endpoint.port == channel.source_port
        };
        let Some(source) = on.fleet.desired.hosts.values().find(of).map(|h| &h.name) else { continue };
        let reader = on.at(source).reader().await?;
        let rows = reader.query(&on.at(source).dialect()?.show_binlog()).await;
        let goal = rows.and_then(|rows| rows.first().map(|r| r.position("file", "position")).transpose());
        let goal = goal.map_err(|e| StepError::new(source, "look at its binary log", e))?;
        let Some(goal) = goal.flatten() else { continue };
        let rule = Rule { halt: Some(limits::CHANNEL_RETURN.time), ..Rule::within(limits::GTID_DRAIN.time) };
        let waited = wait_until(rule, async || {
            let now = channels(&sql, dialect).await.map_err(failed)?;
            Ok::<_, StepError>(match now.iter().find(|c| c.name == channel.name) {
                None => Look::Done(()),
                Some(c) if c.has_executed(&goal) => Look::Done(()),
                Some(c) if c.running() => Look::Moving(c.stands_at()),
                Some(c) => Look::Halted(c.stands_at()),
            })
        });
        waited.await?.map_err(|ended| {
            on.failed(tried, format!("it stands at {} of {source}", ended.at()))
                .then("Mend the channel, then apply again; it goes on from here.")
        })?;
    }
    Ok(())
}
