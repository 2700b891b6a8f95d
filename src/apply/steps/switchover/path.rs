//! The way by which the last events come to the new writer.

use std::time::{Duration, Instant};

use crate::{
    dialect::{Dialect, LogEnd},
    exec::{Fleet, On, Statements, StepError},
    gtid::GtidForm,
    model::limits,
    observe::channels,
    plan::{Step, Switchover},
};

/// The channels, those of the farthest source first.
pub(super) struct LogPath<'a>(Vec<Link<'a>>);

struct Link<'a> {
    on: On<'a>,
    /// On the replica.
    sql: Statements<'a>,
    channel: String,
    by_set: bool,
}

impl<'a> LogPath<'a> {
    /// Opens a session on each replica of the way.
    pub(super) async fn open(
        step: &'a Step,
        plan: &'a Switchover,
        fleet: &'a Fleet<'a>,
    ) -> Result<Self, StepError> {
        let mut links = Vec::new();
        for hop in &plan.hops {
            let on = fleet.on(&hop.to);
            // It may have been made by an earlier step of the same plan.
            let list = channels(&on.reader().await?, on.dialect()?).await;
            let list = list.map_err(|e| on.failed("look at its channels", e))?;
            let Some(channel) = list.into_iter().find(|channel| channel.name == hop.channel) else {
                return Err(StepError::stale(&step.host, "follow the old writer", "its channel is gone"));
            };
            let sets = on.dialect()?.gtid_form() == GtidForm::Sets;
            let by_set = sets && !channel.using_gtid.by_file();
            links.push(Link { on, sql: on.statements().await?, channel: hop.channel.clone(), by_set });
        }
        Ok(Self(links))
    }

    /// Waits until the last replica is hardly behind, while writes go on.
    pub(super) async fn come_near(
        &mut self,
        old: &mut Statements<'_>,
        wait: Duration,
    ) -> Result<(), StepError> {
        let begun = Instant::now();
        loop {
            let once = Instant::now();
            let reached = self.reach(old, once, limits::SWITCHOVER_NEAR.time).await?;
            if reached && once.elapsed() < limits::NEAR {
                return Ok(());
            }
            if begun.elapsed() > wait {
                let last = self.0.last().map_or(old.on, |link| link.on);
                return Err(last
                    .failed("come near the old writer", format!("it stays behind for {} s", wait.as_secs()))
                    .then("Nothing was changed. Apply again when less is written."));
            }
        }
    }

    /// Waits until the last replica has executed everything of the old writer, which takes no writes meanwhile, and looks
    /// whether that was so.
    pub(super) async fn bring_the_last(
        &mut self,
        old: &mut Statements<'_>,
        locked: Instant,
        limit: Duration,
    ) -> Result<(), StepError> {
        let (on, by_set) = (old.on, self.0.first().is_some_and(|link| link.by_set));
        let before = end_of_log(old, by_set).await?;
        if !self.reach(old, locked, limit).await? {
            let last = self.0.last().map_or(on, |link| link.on);
            let why = format!("it did not have it within {} s", limit.as_secs_f32());
            return Err(last.failed(format!("get the last event of {}", on.host), why));
        }
        if end_of_log(old, by_set).await? != before {
            return Err(on.failed("let writes wait", "its binary log grew while it was locked"));
        }
        if locked.elapsed() > limit {
            let why = format!("that took longer than {} s", limit.as_secs_f32());
            return Err(on.failed("switch while writes wait", why));
        }
        Ok(())
    }

    /// Whether, host by host, each replica reaches the end of its source's binary log in time.
    async fn reach(
        &mut self,
        old: &mut Statements<'_>,
        begun: Instant,
        limit: Duration,
    ) -> Result<bool, StepError> {
        for n in 0..self.0.len() {
            let (before, rest) = self.0.split_at_mut(n);
            let link = &mut rest[0];
            let end = match before.last_mut() {
                Some(source) => end_of_log(&mut source.sql, link.by_set).await?,
                None => end_of_log(old, link.by_set).await?,
            };
            let left = limit.saturating_sub(begun.elapsed());
            if left.is_zero() || !link.wait(&end, left).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Link<'_> {
    async fn wait(&mut self, end: &LogEnd, limit: Duration) -> Result<bool, StepError> {
        let failed = |e| self.on.failed("wait for the last event", e);
        let dialect: Dialect = self.on.dialect()?;
        let statement = dialect.wait_for(end, &self.channel, limit);
        let rows = self.sql.run_within(&statement, limit).await.map_err(failed)?;
        let row = crate::transport::first(&rows, &statement).map_err(failed)?;
        Ok(row.number::<u8>("reached").map_err(failed)? == 1)
    }
}

/// Where a server's binary log ends, or what it has executed.
async fn end_of_log(sql: &mut Statements<'_>, by_set: bool) -> Result<LogEnd, StepError> {
    let on = sql.on;
    let failed = |e| on.failed("look at its binary log", e);
    let dialect = on.dialect()?;
    if by_set {
        let row = sql.first(dialect.executed_set()).await.map_err(failed)?;
        return Ok(LogEnd::Executed(row.text("executed").map_err(failed)?.replace(['\n', ' '], "")));
    }
    let row = sql.first(dialect.show_binlog().text()).await.map_err(failed)?;
    match row.position("file", "position").map_err(failed)? {
        Some(at) => Ok(LogEnd::At(at)),
        None => Err(on.failed("look at its binary log", "it names no file")),
    }
}
