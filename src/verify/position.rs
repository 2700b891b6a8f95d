//! Waiting until a replica has executed what its source had logged at a moment.
//!
//! File and position are compared, since every version has them, with GTIDs or without, and they move on over
//! events that a filter leaves out. Where appliers of several domains run out of order, a replica may name a
//! place a moment too early; nobody relies on one such look alone.

use std::{collections::BTreeMap, time::Duration};

use super::{ChannelGraph, Edge, canary::proof_rule};
use crate::{
    dialect::{Dialect, ReadStatement},
    exec::{Fleet, Look, Rule, StepError, wait_until},
    model::{BinlogPosition, HostName, duration},
    observe,
    transport::SqlReader,
};

/// Connections that watch positions.
#[derive(Debug)]
pub(super) struct Positions<'a> {
    fleet: &'a Fleet<'a>,
    graph: &'a ChannelGraph,
    /// How long a replica may take beyond the delay that was asked for.
    wait: Duration,
    readers: BTreeMap<HostName, SqlReader>,
}

impl<'a> Positions<'a> {
    /// Opens nothing yet.
    pub(super) fn new(fleet: &'a Fleet<'a>, graph: &'a ChannelGraph, wait: Duration) -> Self {
        Self { fleet, graph, wait, readers: BTreeMap::new() }
    }

    /// Waits until a host has executed everything that another one has logged by now, hop by hop along these
    /// edges; the place in the first host's log.
    ///
    /// # Errors
    /// When a replica does not come so far in time, its channel has stopped, or a server can't be asked.
    pub(super) async fn carry(&mut self, edges: &[usize]) -> Result<Option<BinlogPosition>, StepError> {
        let mut first = None;
        for number in edges {
            let Some(edge) = self.graph.edges.get(*number) else { continue };
            let place = self.logged(&edge.source).await?;
            self.executed(edge, &place).await?;
            first.get_or_insert(place);
        }
        Ok(first)
    }

    /// Opens the connections to these hosts side by side.
    ///
    /// # Errors
    /// When a login fails.
    pub(super) async fn prepare(
        &mut self,
        hosts: impl IntoIterator<Item = &HostName>,
    ) -> Result<(), StepError> {
        let new = hosts.into_iter().filter(|host| !self.readers.contains_key(*host));
        let opened =
            new.map(|host| async { Ok::<_, StepError>((host.clone(), self.fleet.on(host).reader().await?)) });
        self.readers.extend(futures_util::future::try_join_all(opened).await?);
        Ok(())
    }

    async fn reader(&mut self, host: &HostName) -> Result<&mut SqlReader, StepError> {
        if !self.readers.contains_key(host) {
            let sql = self.fleet.on(host).reader().await?;
            self.readers.insert(host.clone(), sql);
        }
        self.readers.get_mut(host).ok_or_else(|| StepError::new(host, "use the connection", "there is none"))
    }

    async fn logged(&mut self, host: &HostName) -> Result<BinlogPosition, StepError> {
        let statement = self.fleet.on(host).dialect()?.show_binlog();
        let rows = self
            .reader(host)
            .await?
            .query(&statement)
            .await
            .map_err(|e| StepError::new(host, "look at its binary log", e))?;
        let row = rows.first().ok_or_else(|| StepError::new(host, "look at its binary log", "it is off"))?;
        let failed = |why: String| StepError::new(host, "look at its binary log", why);
        let at = row.position("file", "position").map_err(|e| failed(e.to_string()))?;
        at.ok_or_else(|| failed("it has no file".to_owned()))
    }

    async fn executed(&mut self, edge: &Edge, place: &BinlogPosition) -> Result<(), StepError> {
        let limit = self.wait + Duration::from_secs(edge.delay);
        let (dialect, interrupt) = (self.fleet.on(&edge.replica).dialect()?, self.fleet.interrupt.clone());
        let rule = Rule { interrupt: Some(&interrupt), ..proof_rule(limit) };
        let sql = self.reader(&edge.replica).await?;
        let channel = Channel { replica: &edge.replica, source: &edge.source, name: &edge.status.name };
        channel.executes(place, sql, dialect, rule).await
    }

    /// Seconds by which a replica is behind on an edge, without the delay that was asked for.
    ///
    /// # Errors
    /// When the replica can't be asked.
    pub(super) async fn lag(&mut self, edge: usize) -> Result<u64, StepError> {
        let Some(edge) = self.graph.edges.get(edge) else { return Ok(0) };
        let dialect = self.fleet.on(&edge.replica).dialect()?;
        let channels = observe::channels(self.reader(&edge.replica).await?, dialect)
            .await
            .map_err(|e| StepError::new(&edge.replica, "look at its channels", e))?;
        let channel = channels.iter().find(|c| c.name == edge.status.name);
        Ok(channel.and_then(|c| c.seconds_behind).unwrap_or(0).saturating_sub(edge.delay))
    }

    /// Statements that run on a host now.
    ///
    /// # Errors
    /// When it can't be asked.
    pub(super) async fn load(&mut self, host: &HostName) -> Result<u64, StepError> {
        let row = self.reader(host).await?.query_first(&ReadStatement::counter("Threads_running")).await;
        row.and_then(|row| row.number("value")).map_err(|e| StepError::new(host, "look at its load", e))
    }
}

/// The channel that is waited for.
struct Channel<'a> {
    replica: &'a HostName,
    source: &'a HostName,
    name: &'a str,
}

impl Channel<'_> {
    /// Waits until it has executed a place. One that has stopped is not waited for.
    async fn executes(
        &self,
        place: &BinlogPosition,
        sql: &SqlReader,
        dialect: Dialect,
        rule: Rule<'_>,
    ) -> Result<(), StepError> {
        let host = self.replica;
        let tried = format!("catch up with {}", self.source);
        let failed = |why: String| StepError::new(host, tried.clone(), why);
        let waited = wait_until(rule, async || {
            let channels = observe::channels(sql, dialect)
                .await
                .map_err(|e| StepError::new(host, "look at its channels", e))?;
            let channel = channels.into_iter().find(|c| c.name == self.name);
            let channel = channel.ok_or_else(|| failed("the channel is gone".to_owned()))?;
            if channel.has_executed(place) {
                return Ok(Look::Done(()));
            }
            if !channel.running() {
                let why = format!("receiver {}, applier {}", channel.io_running, channel.sql_running);
                return Err(failed(why).then("See `tandem doctor`."));
            }
            Ok(Look::Moving(channel.stands_at()))
        });
        waited.await?.map_err(|ended| {
            let limit = duration(rule.limit.unwrap_or_default());
            let why = format!("it is at {} and not yet at {place} after {limit}", ended.at());
            failed(why).then("Give it longer with --wait, or verify when less is written.")
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::{model::ServerVersion, transport::Recording};

    const SHORT: Duration = Duration::from_millis(60);

    /// Whether a place is reached on what a server showed, and whether that took all the time it might.
    async fn waits(server: &str, recording: &str, place: (&str, u64)) -> (bool, bool) {
        let version = match server {
            "mariadb-10.11" => "10.11.6-MariaDB",
            _ => "9.7.0",
        };
        let dialect = Dialect::of(ServerVersion::parse(version).expect("a version"));
        let sql = SqlReader::replay(Recording::of_file(&format!("{server}/{recording}.jsonl")));
        let (replica, source) = (HostName::from("db-b"), HostName::from("db-a"));
        let channel = Channel { replica: &replica, source: &source, name: "" };
        let place = BinlogPosition::new(place.0, place.1).expect("a place");
        let rule = Rule { every: Some(Duration::from_millis(2)), ..Rule::within(SHORT) };
        let begun = Instant::now();
        let waited = channel.executes(&place, &sql, dialect, rule).await;
        (waited.is_ok(), begun.elapsed() >= SHORT)
    }

    #[tokio::test]
    async fn a_channel_is_waited_for_as_long_as_it_runs() {
        for server in ["mariadb-10.11", "mysql-9.7"] {
            let log = if server == "mysql-9.7" { "binlog" } else { "mysql-bin" };
            let (near, far) = (format!("{log}.000001"), format!("{log}.999999"));
            let (near, far) = ((near.as_str(), 4), (far.as_str(), 4));
            assert_eq!(waits(server, "running", near).await, (true, false), "{server}");
            assert_eq!(waits(server, "running", far).await, (false, true), "{server}");
            assert_eq!(waits(server, "stopped", far).await, (false, false), "{server}");
            assert_eq!(waits(server, "duplicate-row", far).await, (false, false), "{server}");
        }
    }
}
