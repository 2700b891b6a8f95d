//! A replica takes the writes of a host that is gone: fence, nothing more received, all of it executed, superset, open.
//!
//! Up to the opening everything can be taken back: the channels start again. Behind it there is no way back, and none is
//! needed, since nobody else takes writes.

use std::process::Stdio;

use super::channel::look;
use crate::{
    doctor::{ChannelContext, explain_channel},
    exec::{Fleet, Look, Rule, StepError, wait_until},
    gtid::GtidState,
    model::{Endpoint, HostName, ThreadState, limits},
    observe::{ChannelFacts, Probe, Reach, gtid_state, try_ports},
    plan::{Failover, Hop, Receiver, Step},
    words,
};

/// Lets the step's host take the writes.
pub(super) async fn run(
    step: &Step,
    plan: &Failover,
    fleet: &Fleet<'_>,
) -> Result<Option<String>, StepError> {
    if let Some(command) = &plan.fence {
        let answered = who_answers(step, plan, fleet).await?;
        fence(step, plan, command).await?;
        is_fenced(step, answered, fleet).await?;
    }
    let unsynced = fleet.journal.sync_later();
    let mut stopped = Vec::new();
    let ready = async {
        stop(plan, fleet, &mut stopped).await?;
        for hop in &plan.hops {
            execute_all(step, hop, fleet).await?;
        }
        superset(step, plan, fleet).await
    };
    if let Err(error) = ready.await {
        let still = start_again(&stopped, fleet).await;
        let lost: Vec<&str> = plan.lost.iter().map(HostName::as_str).collect();
        let others = match still.as_slice() {
            [] => String::new(),
            still => format!(
                "; on {} the receiver stays stopped, as the applier is: a start would discard what was received",
                still.join(" and ")
            ),
        };
        return Err(error.then(format!(
            "{} was not opened, and the receivers from {} run again as before{others}.",
            step.host,
            lost.join(" and ")
        )));
    }
    open(step, plan, fleet).await?;
    drop(unsynced);
    let new = fleet.on(&step.host);
    let let_in = async { super::switchover::let_in(new, &plan.unlocks, &mut new.statements().await?).await };
    let let_in = let_in.await;
    super::events::run(new, &plan.events).await.and_then(|note| let_in.map(|()| note)).map_err(|error| {
        error.then(format!("{} takes the writes by now. Run `tandem apply` again for the rest.", step.host))
    })
}

/// Runs the user's command; whatever it does, only its status counts.
async fn fence(step: &Step, plan: &Failover, command: &str) -> Result<(), StepError> {
    let tried = "make sure that the lost host takes no more writes";
    let failed = |why: String| {
        let next = format!("{} was not opened. Fix the command of --fence.", step.host);
        StepError::new(&step.host, tried, why).then(next)
    };
    let lost: Vec<&str> = plan.lost.iter().map(HostName::as_str).collect();
    let run = tokio::process::Command::new("sh")
        .args(["-c", command])
        .env("TANDEM_LOST", lost.join(" "))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .status();
    match tokio::time::timeout(limits::FENCE.time, run).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(failed(format!("the command of --fence ended with {status}"))),
        Ok(Err(error)) => Err(failed(format!("the command of --fence can't be run: {error}"))),
        Err(_) => {
            Err(failed(format!("the command of --fence took longer than {} s", limits::FENCE.time.as_secs())))
        }
    }
}

/// The addresses at which lost hosts answer, as a server that hangs does.
async fn who_answers(step: &Step, plan: &Failover, fleet: &Fleet<'_>) -> Result<Vec<Endpoint>, StepError> {
    let lost = fleet.desired.lost.iter().filter(|lost| plan.lost.contains(&lost.host.name));
    let ends = lost.map(|lost| (lost.host.endpoint.clone(), Probe::Soon));
    let tried = try_ports(fleet.on(&step.host).session()?, ends).await;
    Ok(tried.into_iter().filter(|(_, reach)| *reach == Reach::Open).map(|(end, _)| end).collect())
}

/// A fence that says so and leaves a server that answered is none: it would take writes again once it goes on.
async fn is_fenced(step: &Step, answered: Vec<Endpoint>, fleet: &Fleet<'_>) -> Result<(), StepError> {
    if answered.is_empty() {
        return Ok(());
    }
    let ends = answered.into_iter().map(|end| (end, Probe::Soon));
    let tried = try_ports(fleet.on(&step.host).session()?, ends).await;
    match tried.into_iter().find(|(_, reach)| *reach == Reach::Open) {
        None => Ok(()),
        Some((end, _)) => {
            let tried = "make sure that the lost host takes no more writes";
            let why = format!("the command of --fence ended with 0, and {end} still answers");
            let next = format!(
                "{} was not opened. Use a command that cuts the lost host off, or switches it off.",
                step.host
            );
            Err(StepError::new(&step.host, tried, why).then(next))
        }
    }
}

/// Lets nothing more come from the lost hosts, on any replica.
async fn stop<'p>(
    plan: &'p Failover,
    fleet: &Fleet<'_>,
    stopped: &mut Vec<&'p Receiver>,
) -> Result<(), StepError> {
    let all = plan.receivers.iter().map(async |receiver| {
        let on = fleet.on(&receiver.host);
        let tried = format!("let nothing more come from {}", receiver.source);
        let mut sql = on.statements().await?;
        let statement = on.dialect()?.stop_receiver(&receiver.channel);
        sql.run(&statement).await.map_err(|e| on.failed(&tried, e))?;
        Ok(receiver)
    });
    let mut first = Ok(());
    for result in futures_util::future::join_all(all).await {
        match result {
            Ok(receiver) => stopped.push(receiver),
            Err(error) => first = first.and(Err(error)),
        }
    }
    first
}

/// Starts the receivers again, but where the applier stands still: MariaDB would discard what was received, and the source is
/// gone. Says where.
async fn start_again<'p>(stopped: &[&'p Receiver], fleet: &Fleet<'_>) -> Vec<&'p str> {
    let all = stopped.iter().map(async |receiver| {
        let on = fleet.on(&receiver.host);
        let (Ok(mut sql), Ok(mut reader), Ok(dialect)) =
            (on.statements().await, on.reader().await, on.dialect())
        else {
            return Some(receiver.host.as_str());
        };
        if dialect.start_discards_received() {
            let channel = look(&receiver.host, &receiver.channel, &mut reader, dialect).await;
            if !channel.is_ok_and(|channel| channel.sql_running == ThreadState::Yes) {
                return Some(receiver.host.as_str());
            }
        }
        // A channel that can't be started is found by the next look; there is nothing more to be done here.
        let _ = sql.run(&dialect.start_receiver(&receiver.channel)).await;
        None
    });
    futures_util::future::join_all(all).await.into_iter().flatten().collect()
}

/// Waits until a replica has executed what it has received.
async fn execute_all(step: &Step, hop: &Hop, fleet: &Fleet<'_>) -> Result<(), StepError> {
    let replica = &hop.to;
    let on = fleet.on(replica);
    let dialect = on.dialect()?;
    let from = hop.from.as_ref().map_or("its lost source", HostName::as_str);
    let tried = format!("wait until {replica} has executed what it has received");
    let mut reader = on.reader().await?;
    let source = match &hop.from {
        Some(source) => Some(has(fleet, source).await?),
        None => None,
    };
    let mut last: Option<ChannelFacts> = None;
    let rule = Rule {
        every: Some(limits::GLIMPSE),
        ..Rule::moving(limits::CHANNEL_STALL.time, limits::CHANNEL_RETURN.time)
    };
    let waited = wait_until(rule, async || {
        let channel = look(replica, &hop.channel, &mut reader, dialect).await?;
        let state = gtid_state(&reader, dialect).await.map_err(|e| on.failed("read its GTID state", e))?;
        let by_gtid = !channel.using_gtid.by_file() && !state.is_blank();
        let reached = match &source {
            Some(source) if by_gtid => state.has_all_of(source),
            // Half a transaction stays in the relay log for ever; positions count it, GTIDs don't.
            None if by_gtid => state.has_all_of(&state.with_received(&channel.gtid_io_pos)),
            _ => channel.has_executed_all() || dialect.has_applied_all(&channel.sql_state),
        };
        let (at, hopeless) = (channel.stands_at(), channel.sql_errno != 0);
        last = Some(channel);
        if reached || hopeless {
            return Ok(Look::Done(reached));
        }
        fleet.progress(step, (0, 0), format!("{replica} executes what it has received, at {at}"));
        Ok::<_, StepError>(Look::Moving(at))
    });
    if waited.await?.unwrap_or(false) {
        return Ok(());
    }
    let channel_context =
        ChannelContext { replica: replica.as_str(), source: from, ..ChannelContext::default() };
    let why = last.as_ref().and_then(|channel| explain_channel(channel, &channel_context));
    let why = why.map(|found| words::cause::explanation(&found));
    let why = why.unwrap_or_else(|| {
        let at = last.map(|channel| channel.stands_at()).unwrap_or_default();
        format!("it stands still at {at}")
    });
    Err(StepError::new(replica, tried, why))
}

/// What a host has, received and executed.
async fn has(fleet: &Fleet<'_>, host: &HostName) -> Result<GtidState, StepError> {
    let on = fleet.on(host);
    let reader = on.reader().await?;
    gtid_state(&reader, on.dialect()?).await.map_err(|e| on.failed("read its GTID state", e))
}

/// Nothing that another replica has received may be missing here.
async fn superset(step: &Step, plan: &Failover, fleet: &Fleet<'_>) -> Result<(), StepError> {
    let has_itself = has(fleet, &step.host).await?;
    for receiver in plan.receivers.iter().filter(|receiver| receiver.host != step.host) {
        let on = fleet.on(&receiver.host);
        let mut reader = on.reader().await?;
        let channel = look(&receiver.host, &receiver.channel, &mut reader, on.dialect()?).await?;
        let has_received = has(fleet, &receiver.host).await?.with_received(&channel.gtid_io_pos);
        let more = has_received.beyond(&has_itself);
        if !more.is_empty() {
            let why = format!("{} has received {}, which is not here", receiver.host, more.join(", "));
            return Err(StepError::stale(&step.host, "take the writes", why));
        }
    }
    Ok(())
}

/// The new writer trusts none of its former sources any more; then it is open.
async fn open(step: &Step, plan: &Failover, fleet: &Fleet<'_>) -> Result<(), StepError> {
    let new = fleet.on(&step.host);
    let dialect = new.dialect()?;
    let mut statements = Vec::new();
    for end in &plan.ends {
        statements.extend([dialect.stop_channel(&end.name), dialect.drop_channel(&end.name)]);
    }
    statements.extend(plan.open.iter().map(|(name, value)| super::variable::set(name, value)));
    let mut sql = new.statements().await?;
    sql.run_all(statements.iter().map(String::as_str)).await.map(drop).map_err(|e| {
        let error = new.failed(format!("open {} to writes", step.host), e);
        error.then("Perhaps no host accepts writes now. Run the same command again: it goes on from here.")
    })
}
