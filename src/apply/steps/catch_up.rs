//! A replica catches up with its sources before clients write to it.

use std::time::{Duration, Instant};

use super::channel::look;
use crate::{
    doctor::{Surroundings, explain_channel},
    exec::{Event, Events, Fleet, Look, Rule, StepError, wait_until},
    gtid::{GtidForm, GtidState},
    model::{BinlogPosition, limits},
    observe::{ChannelFacts, gtid_state},
    plan::{Hop, Step},
};

/// Waits, hop by hop, until what the farthest source has is here. `closed` says that nobody takes writes meanwhile.
pub async fn run(
    step: &Step,
    hops: &[Hop],
    closed: bool,
    fleet: &Fleet<'_>,
    events: &Events,
) -> Result<Option<String>, StepError> {
    let begun = Instant::now();
    for hop in hops {
        catch_up(step, hop, closed, fleet, events).await?;
    }
    Ok(Some(match begun.elapsed() {
        short if short < Duration::from_secs(1) => "it had everything".to_owned(),
        long => format!("it was {:.1} s behind", long.as_secs_f64()),
    }))
}

/// What a replica must have executed.
enum Goal {
    /// The end of the source's binary log; or the end of what was received, where nobody knows what else it has.
    At(Option<BinlogPosition>),
    /// The source's transactions: a channel with auto-position is sent only what it lacks.
    State(GtidState),
}

async fn catch_up(
    step: &Step,
    hop: &Hop,
    closed: bool,
    fleet: &Fleet<'_>,
    events: &Events,
) -> Result<(), StepError> {
    let replica = &hop.to;
    let from = hop.from.as_ref().map_or("its source", |host| host.as_str());
    let tried = format!("wait until {replica} has everything of {from}");
    let failed = |why: String| StepError::new(replica, &tried, why);
    let dialect = fleet.dialect(replica)?;
    let mut reader = fleet.reader(replica).await?;
    let first = look(replica, &hop.channel, &mut reader, dialect).await?;
    let goal = goal(hop, &first, fleet).await?;
    let mut last = None;
    let rule = Rule::moving(limits::CHANNEL_STALL.time, limits::CHANNEL_RETURN.time);
    let waited = wait_until(rule, async || {
        let channel = look(replica, &hop.channel, &mut reader, dialect).await?;
        let reached = match &goal {
            Goal::At(None) => true,
            Goal::At(Some(goal)) => channel.has_executed(goal),
            Goal::State(theirs) => {
                let ours = gtid_state(&reader, dialect).await;
                ours.map_err(|e| StepError::new(replica, "read its GTID state", e))?.has_all_of(theirs)
            }
        };
        let at = channel.stands_at();
        let runs = channel.running();
        let hopeless = channel.sql_errno != 0;
        last = Some(channel);
        if reached {
            return Ok(Look::Done(true));
        }
        if hopeless {
            return Ok(Look::Done(false));
        }
        events.send(Event::Progress {
            id: step.id.clone(),
            host: step.host.clone(),
            bytes: 0,
            total: 0,
            doing: format!("{replica} catches up with {from}, at {at}"),
        });
        Ok::<_, StepError>(if runs { Look::Moving(at) } else { Look::Halted(at) })
    });
    let reached = waited.await?.unwrap_or(false);
    if reached {
        return Ok(());
    }
    let channel = last.unwrap_or(first);
    let around = Surroundings { replica: replica.as_str(), source: from, ..Surroundings::default() };
    let why = match explain_channel(&channel, &around) {
        Some(trouble) => trouble.to_string(),
        None if channel.delay > 0 => format!("the channel is delayed by {} s", channel.delay),
        None => format!("it stands still at {}", channel.stands_at()),
    };
    Err(failed(why).then(match closed {
        true => "Nobody can write now. Mend the channel and apply again, or declare the old writer again and apply.",
        false => "Clients can write where they could before; mend the channel first.",
    }))
}

async fn goal(hop: &Hop, channel: &ChannelFacts, fleet: &Fleet<'_>) -> Result<Goal, StepError> {
    let Some(source) = &hop.from else { return Ok(Goal::At(channel.read.clone())) };
    let dialect = fleet.dialect(source)?;
    let failed = |e| StepError::new(source, "look at its binary log", e);
    let reader = fleet.reader(source).await?;
    let goal = if dialect.gtid_form() == GtidForm::Sets && channel.using_gtid != "No" {
        Goal::State(gtid_state(&reader, dialect).await.map_err(failed)?)
    } else {
        let rows = reader.query(&dialect.show_binlog()).await.map_err(failed)?;
        match rows.first() {
            Some(row) => Goal::At(row.position("file", "position").map_err(failed)?),
            None => Goal::At(channel.read.clone()),
        }
    };
    Ok(goal)
}
