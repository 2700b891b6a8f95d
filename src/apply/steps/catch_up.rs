//! A replica catches up with its sources before clients write to it.

use std::time::{Duration, Instant};

use super::channel::look;
use crate::{
    doctor::{Surroundings, explain_channel},
    exec::{Event, Events, Fleet, StepError},
    gtid::{GtidState, has_passed},
    model::{Family, limits},
    observe::{ChannelFacts, gtid_state},
    plan::{Hop, Step},
};

/// How long a channel may stand still while it catches up.
const STALLS: Duration = limits::CHANNEL_STALL.time;
/// How long a channel whose threads do not both run may take to run again.
const RETURNS: Duration = limits::CHANNEL_RETURN.time;
const POLL: Duration = limits::POLL;

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
    Place((String, u64)),
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
    let begun = Instant::now();
    let (mut last, mut moved) = (first.executed.clone(), Instant::now());
    loop {
        let channel = look(replica, &hop.channel, &mut reader, dialect).await?;
        let reached = match &goal {
            Goal::Place(place) => has_passed(&channel.executed, place),
            Goal::State(theirs) => {
                let ours = gtid_state(&reader, dialect).await;
                ours.map_err(|e| StepError::new(replica, "read its GTID state", e))?.has_all_of(theirs)
            }
        };
        if reached {
            reader.close().await;
            return Ok(());
        }
        if channel.executed != last {
            (last, moved) = (channel.executed.clone(), Instant::now());
        }
        let stands = !channel.running() && begun.elapsed() > RETURNS;
        if channel.sql_errno != 0 || stands || moved.elapsed() > STALLS {
            reader.close().await;
            let around = Surroundings { replica: replica.as_str(), source: from, ..Surroundings::default() };
            let why = match explain_channel(&channel, &around) {
                Some(trouble) => trouble.to_string(),
                None if channel.delay > 0 => format!("the channel is delayed by {} s", channel.delay),
                None => format!("it stands still at {}:{}", last.0, last.1),
            };
            return Err(failed(why).then(match closed {
                true => {
                    "Nobody can write now. Mend the channel and apply again, or declare the old writer again and apply."
                }
                false => "Clients can write where they could before; mend the channel first.",
            }));
        }
        events.send(Event::Progress {
            id: step.id.clone(),
            host: step.host.clone(),
            bytes: 0,
            total: 0,
            doing: format!("{replica} catches up with {from}, at {}:{}", last.0, last.1),
        });
        tokio::time::sleep(POLL).await;
    }
}

async fn goal(hop: &Hop, channel: &ChannelFacts, fleet: &Fleet<'_>) -> Result<Goal, StepError> {
    let Some(source) = &hop.from else { return Ok(Goal::Place(channel.read.clone())) };
    let dialect = fleet.dialect(source)?;
    let failed = |e| StepError::new(source, "look at its binary log", e);
    let reader = fleet.reader(source).await?;
    let goal = if dialect.family() == Family::MySql && channel.using_gtid != "No" {
        Goal::State(gtid_state(&reader, dialect).await.map_err(failed)?)
    } else {
        let rows = reader.query(&dialect.show_binlog()).await.map_err(failed)?;
        match rows.first() {
            Some(row) => {
                Goal::Place((row.text("file").map_err(failed)?, row.number("position").map_err(failed)?))
            }
            None => Goal::Place(channel.read.clone()),
        }
    };
    reader.close().await;
    Ok(goal)
}
