//! A replica catches up with its sources before clients write to it.

use std::time::{Duration, Instant};

use super::channel::look;
use crate::{
    dialect::Dialect,
    doctor::{ChannelContext, explain_channel},
    exec::{Fleet, Look, Rule, StepError, wait_until},
    gtid::{GtidForm, GtidState},
    model::{BinlogPosition, HostName, limits},
    observe::{ChannelFacts, gtid_state},
    plan::{Hop, Step},
    transport::SqlReader,
    words,
};

/// Waits, hop by hop, until what the farthest source has is here. `closed` says that nobody takes writes meanwhile.
pub(super) async fn run(
    step: &Step,
    hops: &[Hop],
    closed: bool,
    fleet: &Fleet<'_>,
) -> Result<Option<String>, StepError> {
    let begun = Instant::now();
    for hop in hops {
        catch_up(step, hop, closed, fleet).await?;
    }
    Ok(Some(match begun.elapsed() {
        short if short < Duration::from_secs(1) => "it had everything".to_owned(),
        long => format!("it was {:.1} s behind", long.as_secs_f64()),
    }))
}

/// Waits until a server that was restarted has on each channel what its source has by now: before that no other one is
/// restarted.
pub(super) async fn after_restart(step: &Step, hops: &[Hop], fleet: &Fleet<'_>) -> Result<(), StepError> {
    for hop in hops {
        let caught_up = catch_up(step, hop, false, fleet).await;
        caught_up.map_err(|error| {
            error.then("No other server was restarted. Once it follows again, run `tandem apply` again.")
        })?;
    }
    Ok(())
}

/// What a replica must have executed.
enum Goal {
    /// The end of the source's binary log; or the end of what was received, where nobody knows what else it has.
    At(Option<BinlogPosition>),
    /// The source's transactions: a channel with auto-position is sent only what it lacks.
    State(GtidState),
}

async fn catch_up(step: &Step, hop: &Hop, closed: bool, fleet: &Fleet<'_>) -> Result<(), StepError> {
    let replica = &hop.to;
    let from = hop.from.as_ref().map_or("its source", |host| host.as_str());
    let tried = format!("wait until {replica} has everything of {from}");
    let failed = |why: String| StepError::new(replica, &tried, why);
    let (dialect, reader) = (fleet.on(replica).dialect()?, fleet.on(replica).reader().await?);
    let mut watch = Watch { replica, channel: &hop.channel, dialect, reader };
    let source = async {
        match &hop.from {
            Some(source) => relation(source, fleet).await,
            None => Ok((None, None)),
        }
    };
    let (first, (end, state)) = tokio::try_join!(watch.look(), source)?;
    let goal = match state {
        Some(state) if !first.using_gtid.by_file() => Goal::State(state),
        _ => Goal::At(end.or_else(|| first.read.clone())),
    };
    let rule = Rule::moving(limits::CHANNEL_STALL.time, limits::CHANNEL_RETURN.time);
    let moves = |at: &str| {
        fleet.progress(step, (0, 0), format!("{replica} catches up with {from}, at {at}"));
    };
    let (reached, last) = watch.reach(&goal, rule, moves).await?;
    if reached {
        return Ok(());
    }
    let channel = last.unwrap_or(first);
    let channel_context =
        ChannelContext { replica: replica.as_str(), source: from, ..ChannelContext::default() };
    let why = match explain_channel(&channel, &channel_context) {
        Some(found) => words::cause::explanation(&found),
        None if channel.delay > 0 => format!("the channel is delayed by {} s", channel.delay),
        None => format!("it stands still at {}", channel.stands_at()),
    };
    Err(failed(why).then(match closed {
        true => "Nobody can write now. Mend the channel and apply again, or declare the old writer again and apply.",
        false => "Clients can write where they could before; mend the channel first.",
    }))
}

/// A channel that is looked at again and again.
struct Watch<'a> {
    replica: &'a HostName,
    channel: &'a str,
    dialect: Dialect,
    reader: SqlReader,
}

impl Watch<'_> {
    async fn look(&mut self) -> Result<ChannelFacts, StepError> {
        look(self.replica, self.channel, &mut self.reader, self.dialect).await
    }

    async fn has(&mut self, goal: &Goal, channel: &ChannelFacts) -> Result<bool, StepError> {
        Ok(match goal {
            Goal::At(None) => true,
            Goal::At(Some(goal)) => channel.has_executed(goal),
            Goal::State(wanted) => {
                let state = gtid_state(&self.reader, self.dialect).await;
                state.map_err(|e| StepError::new(self.replica, "read its GTID state", e))?.has_all_of(wanted)
            }
        })
    }

    /// Waits until a goal is reached, or an applier has stopped that goes on no more; whether it is, and how the channel
    /// stood at the last look. `moves` hears where it stands meanwhile.
    async fn reach(
        &mut self,
        goal: &Goal,
        rule: Rule<'_>,
        moves: impl Fn(&str),
    ) -> Result<(bool, Option<ChannelFacts>), StepError> {
        let mut last = None;
        let waited = wait_until(rule, async || {
            let channel = self.look().await?;
            let reached = self.has(goal, &channel).await?;
            let (at, runs, hopeless) = (channel.stands_at(), channel.running(), channel.sql_errno != 0);
            last = Some(channel);
            if reached || hopeless {
                return Ok(Look::Done(reached));
            }
            moves(&at);
            Ok::<_, StepError>(if runs { Look::Moving(at) } else { Look::Halted(at) })
        });
        let reached = waited.await?.unwrap_or(false);
        Ok((reached, last))
    }
}

/// Where a source stands: the end of its binary log, and its transactions, where it has sets of them.
async fn relation(
    source: &HostName,
    fleet: &Fleet<'_>,
) -> Result<(Option<BinlogPosition>, Option<GtidState>), StepError> {
    let dialect = fleet.on(source).dialect()?;
    let failed = |e| StepError::new(source, "look at its binary log", e);
    let reader = fleet.on(source).reader().await?;
    let state = async {
        match dialect.gtid_form() {
            GtidForm::Sets => gtid_state(&reader, dialect).await.map(Some),
            GtidForm::Positions => Ok(None),
        }
    };
    let log = dialect.show_binlog();
    let (rows, state) = tokio::try_join!(reader.query(&log), state).map_err(failed)?;
    let end = rows.first().map(|row| row.position("file", "position")).transpose().map_err(failed)?;
    Ok((end.flatten(), state))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::{gtid::MySqlGtid, model::ServerVersion, transport::Recording};

    // Longer than a look takes on a machine that is busy.
    const SHORT: Duration = Duration::from_millis(400);
    const LONG: Duration = Duration::from_secs(3600);

    /// How the wait for a place ends on what a server showed, and through which places it went.
    async fn waits(server: &str, recording: &str, goal: &Goal, rule: Rule<'_>) -> (bool, Vec<String>) {
        let version = ServerVersion::parse(match server {
            "mariadb-10.11" => "10.11.6-MariaDB",
            _ => "9.7.0",
        });
        let recording = Recording::of_file(&format!("{server}/{recording}.jsonl"));
        let replica = HostName::from("db-b");
        let mut watch = Watch {
            replica: &replica,
            channel: "",
            dialect: Dialect::of(version.expect("a version")),
            reader: SqlReader::replay(recording),
        };
        let passed = RefCell::new(Vec::new());
        let rule = Rule { every: Some(Duration::from_millis(2)), ..rule };
        let moves = |at: &str| passed.borrow_mut().push(at.to_owned());
        let (reached, _) = watch.reach(goal, rule, moves).await.expect("the server answers");
        (reached, passed.into_inner())
    }

    fn at(file: &str, offset: u64) -> Goal {
        Goal::At(BinlogPosition::new(file, offset))
    }

    /// Behind everything that was recorded.
    fn far(server: &str) -> Goal {
        at(if server == "mysql-9.7" { "binlog.999999" } else { "mysql-bin.999999" }, 4)
    }

    /// The applier stood behind a lock, and went on: recorded while a replica became the primary.
    #[tokio::test]
    async fn a_replica_that_moves_on_is_waited_for() {
        let executed = "20b7d57a-eac8-11f1-905a-02fc00000001:1-32".parse().expect("a set");
        let all = GtidState::MySql(MySqlGtid { executed, ..MySqlGtid::default() });
        let (mariadb, mysql) = ("mariadb-10.11", "mysql-9.7");
        for (server, goal) in [
            (mariadb, at("mysql-bin.000001", 6905)),
            (mysql, at("binlog.000002", 8619)),
            (mysql, Goal::State(all)),
        ] {
            let (reached, passed) = waits(server, "catching-up", &goal, Rule::moving(LONG, LONG)).await;
            assert!(reached && passed.len() > 2, "{server}: {passed:?}");
        }
        for server in [mariadb, mysql] {
            // Further on it never comes, and it stands still there.
            let (reached, passed) =
                waits(server, "catching-up", &far(server), Rule::moving(SHORT, LONG)).await;
            assert!(!reached && passed.first() != passed.last(), "{server}: {passed:?}");
        }
    }

    #[tokio::test]
    async fn one_that_stopped_is_given_up_at_once_where_it_broke_and_after_a_while_where_it_was_stopped() {
        for server in ["mariadb-10.11", "mysql-9.7"] {
            let far = far(server);
            let (reached, passed) = waits(server, "duplicate-row", &far, Rule::moving(LONG, LONG)).await;
            assert!(!reached && passed.is_empty(), "{server}: {passed:?}");
            let (reached, passed) = waits(server, "stopped", &far, Rule::moving(LONG, SHORT)).await;
            assert!(!reached && passed.len() > 1, "{server}: {passed:?}");
        }
    }
}
