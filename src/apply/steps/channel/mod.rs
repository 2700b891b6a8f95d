//! A replication channel: its coordinates, its options, and the proof that it moves.

use std::time::{Duration, Instant};

mod back;
mod begin;

use begin::Goal;

use crate::{
    desired::DesiredChannel,
    dialect::{ChannelStatement, Dialect},
    doctor::{AccountStatement, ChannelContext, Layer, explain_channel, explain_down, failed_transaction},
    exec::{Ended, Fleet, Look, On, Rule, Statements, StepError, wait_until},
    model::{Fact, HostName, ThreadState, limits},
    observe::{ChannelFacts, Probe, channels, try_ports},
    plan::{ChannelChange, Coordinates, Step},
    transport::{Replicates, SqlReader},
    words::cause,
};

/// Makes, changes or starts a channel, and waits until it has caught up with where its source stands now.
pub(super) async fn run(
    step: &Step,
    change: &ChannelChange,
    fleet: &Fleet<'_>,
) -> Result<Option<String>, StepError> {
    let host = &step.host;
    let on = fleet.on(host);
    let wish = &change.wish;
    let dialect = on.dialect()?;
    let work = Work { step, on, wish, others: &change.others, dialect };
    let mut sql = on.statements().await?;
    match &change.coordinates {
        Coordinates::Keep if change.exists && change.change => work.learn_gtids(&mut sql).await?,
        Coordinates::Moved { from, two_way, alike, .. } => {
            work.ready_to_move(from.as_ref(), *two_way, *alike).await?;
        }
        _ => {}
    }
    let old = match change.exists && change.change {
        true => Some(work.present().await?),
        false => None,
    };
    if change.exists {
        // Both words are no errors for a channel that is stopped or lost its relay log.
        let stopped = sql.run(&dialect.stop_channel(&wish.name)).await;
        stopped.map_err(|e| on.failed("stop the channel", e))?;
    }
    if change.change
        && let Err(error) = work.change(change, &mut sql).await
    {
        return Err(work.put_back(old.as_ref(), error, &mut sql).await);
    }
    if let Some(filters) = &change.filters {
        for statement in dialect.filter_channel(&wish.name, filters) {
            let done = sql.run(&statement).await;
            done.map_err(|e| on.failed(format!("filter the channel from {}", wish.source), e))?;
        }
    }
    if let Some(statement) = &change.skip {
        work.leave_out(statement).await?;
    }
    let start = dialect.start_channel(&wish.name);
    let (started, goal) = tokio::join!(sql.run(&start), work.goal());
    started.map_err(|e| on.failed(format!("start the channel from {}", wish.source), e))?;
    let moves = async { work.wait_until_it_moves(goal?).await };
    match moves.await {
        Err(error) => Err(work.put_back(old.as_ref(), error, &mut sql).await),
        Ok(note) => Ok(Some(note)),
    }
}

/// A channel as it is now.
pub(super) async fn look(
    host: &HostName,
    name: &str,
    reader: &mut SqlReader,
    dialect: Dialect,
) -> Result<ChannelFacts, StepError> {
    let list = channels(reader, dialect).await;
    let list = list.map_err(|e| StepError::new(host, "look at its channels", e))?;
    let found = list.into_iter().find(|c| c.name == name);
    found.ok_or_else(|| StepError::new(host, "look at the channel", "it is not there any more"))
}

/// Whether a channel that has tried for so long will not connect, or apply, by trying again.
fn is_hopeless(channel: &ChannelFacts, tried: Duration) -> bool {
    let denied = matches!(channel.io_errno, 1045 | 1130 | 1593 | 2005 | 2061 | 13117);
    channel.sql_errno != 0
        || (channel.io_errno != 0 && channel.io_running == ThreadState::No)
        || (denied && tried > limits::CHANNEL_DENIED.time)
        || (channel.io_errno != 0
            && channel.io_running == ThreadState::Connecting
            && tried > limits::CHANNEL_FAILED.time)
}

struct Work<'a> {
    step: &'a Step,
    on: On<'a>,
    wish: &'a DesiredChannel,
    /// Sources of the host's other channels, which hold something else.
    others: &'a [HostName],
    dialect: Dialect,
}

impl Work<'_> {
    fn failed(&self, tried: &str, why: impl std::fmt::Display) -> StepError {
        self.on.failed(tried, why)
    }

    /// `CHANGE MASTER` with everything that it says.
    async fn change(&self, change: &ChannelChange, sql: &mut Statements<'_>) -> Result<(), StepError> {
        let tried = format!("set up the channel from {}", self.wish.source);
        // The general log and the slow log would keep the password in clear text.
        let quiet = sql.run(self.dialect.statement_logs(false));
        let (quiet, seed) = tokio::join!(quiet, self.seed_of(&change.coordinates));
        quiet.map_err(|e| self.failed(&tried, e))?;
        let begin = self.begin_at(&change.coordinates, seed?, sql).await?;
        let password = self.on.secret(&self.wish.password)?;
        let statement = ChannelStatement {
            name: &self.wish.name,
            host: &self.wish.endpoint.address,
            port: self.wish.endpoint.port,
            user: &self.wish.user,
            password: password.expose(),
            tls: self.wish.tls.encrypted(),
            tls_ca: self.wish.tls_authority(),
            tls_verify: self.wish.tls == crate::desired::Tls::VerifyIdentity,
            delay: self.wish.delay,
            coordinates: begin.as_ref(),
        };
        let statement = self.dialect.change_channel(&statement);
        let all = [statement, self.dialect.statement_logs(true).to_owned().into()];
        sql.run_statements(&all).await.map(drop).map_err(|e| self.failed(&tried, e))
    }

    /// Leaves out the one event that stops the applier, if it still is the one that was planned.
    async fn leave_out(&self, statement: &AccountStatement) -> Result<(), StepError> {
        let mut reader = self.on.reader().await?;
        let channel = self.look(&mut reader).await?;
        if AccountStatement::that_stopped(&channel).as_ref() != Some(statement) {
            return Err(StepError::stale(
                self.on.host,
                format!("leave out {statement}"),
                "another event stops the channel by now",
            )
            .then("Look at another plan."));
        }
        let tried = format!("leave out {statement}");
        let gtid = failed_transaction(&channel.sql_error);
        let mut sql = self.on.replicated(Replicates::LeftOut).await?;
        for statement in self.dialect.leave_out(&self.wish.name, gtid) {
            sql.run(&statement).await.map_err(|e| self.failed(&tried, e))?;
        }
        Ok(())
    }

    fn tell(&self, doing: String) {
        self.on.fleet.progress(self.step, (0, 0), doing);
    }

    /// Both threads run, no error stands, and what the source had at the start is here.
    async fn wait_until_it_moves(&self, goal: Goal) -> Result<String, StepError> {
        let begun = Instant::now();
        let mut last = None;
        let mut reader = self.on.reader().await?;
        let rule = Rule::moving(limits::CHANNEL_STALL.time, limits::CHANNEL_CONNECT.time);
        let waited = wait_until(rule, async || {
            let channel = self.look(&mut reader).await?;
            let found = if channel.running() && channel.without_error() {
                let (reached, at) = self.progress(&channel, &goal, &mut reader).await?;
                if !reached {
                    self.tell(format!("catching up, at {at}"));
                }
                if reached { Look::Done(Some(at)) } else { Look::Moving(Some(at)) }
            } else if is_hopeless(&channel, begun.elapsed()) {
                Look::Done(None)
            } else {
                self.tell(format!("receiver {}, applier {}", channel.io_running, channel.sql_running));
                Look::Halted(None)
            };
            last = Some(channel);
            Ok::<_, StepError>(found)
        });
        let waited = waited.await?;
        match (waited, last) {
            // A source without an event has no position to be at.
            (Ok(Some(at)), _) if at.is_empty() => Ok("both threads run".to_owned()),
            (Ok(Some(at)), _) => Ok(format!("both threads run, at {at}")),
            (Ok(None) | Err(Ended::Halted(_)), Some(channel)) => Err(self.explain(&channel).await),
            (Ok(None), None) => Err(self.failed("catch up with its source", "it was not looked at")),
            (Err(ended), _) => {
                let at = ended.at().unwrap_or_default();
                Err(self.failed("catch up with its source", format!("it stands still at {at}")))
            }
        }
    }

    /// The channel as it is before anything is done to it.
    async fn present(&self) -> Result<ChannelFacts, StepError> {
        let mut reader = self.on.reader().await?;

        self.look(&mut reader).await
    }

    async fn look(&self, reader: &mut SqlReader) -> Result<ChannelFacts, StepError> {
        look(self.on.host, &self.wish.name, reader, self.dialect).await
    }

    /// The failing layer, found out afresh: what was observed before the run may have changed by it.
    async fn explain(&self, channel: &ChannelFacts) -> StepError {
        let tried = format!("replicate from {}", self.wish.source);
        let reach = match self.on.session() {
            Ok(session) => try_ports(session, [(self.wish.endpoint.clone(), Probe::Any)])
                .await
                .remove(&self.wish.endpoint),
            Err(_) => None,
        };
        let source = self.on.fleet.observed.get(&self.wish.source).and_then(Fact::known);
        let runs = match self.on.at(&self.wish.source).reader().await {
            // A connection of before tells nothing until it is used.
            Ok(reader) if reader.query(crate::dialect::ReadStatement::globals(&["port"])).await.is_ok() => {
                Some(true)
            }
            _ => source.and_then(|s| s.service.known()).map(|_| false),
        };
        let channel_context = ChannelContext {
            replica: self.on.host.as_str(),
            source: self.wish.source.as_str(),
            source_runs: runs,
            reach: reach.as_ref(),
            relay_log: None,
            source_down_because: source.and_then(explain_down),
        };
        match explain_channel(channel, &channel_context) {
            Some(found) => {
                let said = match cause::said(&found) {
                    said if said.is_empty() => said,
                    said => format!(" The server says: {said}"),
                };
                let layer =
                    if found.layer == Layer::Unknown { String::new() } else { format!("{}: ", found.layer) };
                self.failed(&tried, format!("{layer}{}", cause::clause(&found)))
                    .then(format!("{}{said}", cause::next(&found)))
            }
            None => self
                .failed(&tried, format!("receiver {}, applier {}", channel.io_running, channel.sql_running)),
        }
    }
}
