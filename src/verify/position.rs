//! Waiting until a replica has executed what its source had logged at a moment.
//!
//! File and position are compared, since every version has them, with GTIDs or without, and they move on over
//! events that a filter leaves out. Where appliers of several domains run out of order, a replica may name a
//! place a moment too early; nobody relies on one such look alone.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use super::{
    Edge, Web,
    canary::{Pause, reader},
};
use crate::{
    dialect::ReadStatement,
    exec::{Fleet, StepError},
    model::{HostName, duration},
    observe,
    transport::{Row, SqlError, SqlReader},
};

/// A place in a source's binary log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    file: String,
    position: u64,
}

impl Place {
    /// Whether this place is not before another one of the same log. Files are numbered, and the numbers may
    /// get longer (`bin.999999`, `bin.1000000`).
    pub fn reaches(&self, other: &Place) -> bool {
        let number = |file: &str| file.rsplit('.').next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
        (number(&self.file), self.position) >= (number(&other.file), other.position)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.position)
    }
}

/// Connections that watch positions.
#[derive(Debug)]
pub struct Positions<'a> {
    fleet: &'a Fleet<'a>,
    web: &'a Web,
    /// How long a replica may take beyond the delay that was asked for.
    wait: Duration,
    readers: BTreeMap<HostName, SqlReader>,
}

impl<'a> Positions<'a> {
    /// Opens nothing yet.
    pub fn new(fleet: &'a Fleet<'a>, web: &'a Web, wait: Duration) -> Self {
        Self { fleet, web, wait, readers: BTreeMap::new() }
    }

    /// Waits until a host has executed everything that another one has logged by now, hop by hop along these
    /// edges; the place in the first host's log.
    ///
    /// # Errors
    /// When a replica does not come so far in time, its channel has stopped, or a server can't be asked.
    pub async fn carry(&mut self, edges: &[usize]) -> Result<Option<Place>, StepError> {
        let mut first = None;
        for number in edges {
            let Some(edge) = self.web.edges.get(*number) else { continue };
            let place = self.logged(&edge.source).await?;
            self.executed(edge, &place).await?;
            first.get_or_insert(place);
        }
        Ok(first)
    }

    async fn reader(&mut self, host: &HostName) -> Result<&mut SqlReader, StepError> {
        if !self.readers.contains_key(host) {
            let sql = reader(host, self.fleet).await?;
            self.readers.insert(host.clone(), sql);
        }
        self.readers.get_mut(host).ok_or_else(|| StepError::new(host, "use the connection", "there is none"))
    }

    async fn logged(&mut self, host: &HostName) -> Result<Place, StepError> {
        let statement = self.fleet.dialect(host)?.show_binlog();
        let rows = self
            .reader(host)
            .await?
            .query(&statement)
            .await
            .map_err(|e| StepError::new(host, "look at its binary log", e))?;
        let row = rows.first().ok_or_else(|| StepError::new(host, "look at its binary log", "it is off"))?;
        let at = |row: &Row| Ok(Place { file: row.text("file")?, position: row.number("position")? });
        at(row).map_err(|e: SqlError| StepError::new(host, "look at its binary log", e))
    }

    async fn executed(&mut self, edge: &Edge, place: &Place) -> Result<(), StepError> {
        let (host, source) = (&edge.replica, &edge.source);
        let limit = self.wait + Duration::from_secs(edge.delay);
        let (dialect, interrupt) = (self.fleet.dialect(host)?, self.fleet.interrupt.clone());
        let end = Instant::now() + limit;
        let sql = self.reader(host).await?;
        let mut pause = Pause::default();
        loop {
            let channels = observe::channels(sql, dialect)
                .await
                .map_err(|e| StepError::new(host, "look at its channels", e))?;
            let tried = format!("catch up with {source}");
            let Some(channel) = channels.into_iter().find(|c| c.name == edge.status.name) else {
                return Err(StepError::new(host, tried, "the channel is gone"));
            };
            let (file, position) = channel.executed.clone();
            let at = Place { file, position };
            if at.reaches(place) {
                return Ok(());
            }
            if !channel.running() {
                let why = format!("receiver {}, applier {}", channel.io_running, channel.sql_running);
                return Err(StepError::new(host, tried, why).then("See `tandem doctor`."));
            }
            if Instant::now() >= end || interrupt.is_cancelled() {
                let why = format!("it is at {at} and not yet at {place} after {}", duration(limit));
                return Err(StepError::new(host, tried, why)
                    .then("Give it longer with --wait, or verify when less is written."));
            }
            pause.wait().await;
        }
    }

    /// Seconds by which a replica is behind on an edge, without the delay that was asked for.
    ///
    /// # Errors
    /// When the replica can't be asked.
    pub async fn lag(&mut self, edge: usize) -> Result<u64, StepError> {
        let Some(edge) = self.web.edges.get(edge) else { return Ok(0) };
        let dialect = self.fleet.dialect(&edge.replica)?;
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
    pub async fn load(&mut self, host: &HostName) -> Result<u64, StepError> {
        let row = self.reader(host).await?.query_first(&ReadStatement::counter("Threads_running")).await;
        row.and_then(|row| row.number("value")).map_err(|e| StepError::new(host, "look at its load", e))
    }

    /// Ends the connections.
    pub async fn close(self) {
        futures_util::future::join_all(self.readers.into_values().map(SqlReader::close)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_in_the_order_of_their_numbers() {
        let place = |text: &str| {
            let (file, position) = text.split_once(':').expect("a place");
            Place { file: file.into(), position: position.parse().expect("a number") }
        };
        for (later, earlier) in [
            ("bin.000002:4", "bin.000001:900"),
            ("bin.1000000:4", "bin.999999:4"),
            ("bin.000001:10", "bin.000001:9"),
            ("bin.000001:9", "bin.000001:9"),
        ] {
            assert!(place(later).reaches(&place(earlier)), "{later} {earlier}");
            assert!(later == earlier || !place(earlier).reaches(&place(later)), "{later} {earlier}");
        }
    }
}
