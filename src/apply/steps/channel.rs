//! A replication channel: its coordinates, its options, and the proof that it moves.

use std::time::{Duration, Instant};

use super::{super::journal::Journal, Events, Fleet, Statements, StepError, statements};
use crate::{
    apply::Event,
    desired::{ChannelWish, Positioning},
    dialect::{ChannelStatement, Dialect, literal},
    doctor::{Layer, Surroundings, explain_channel, explain_down},
    gtid::{Position, ServerGtid},
    model::{Fact, HostName},
    observe::{BinlogFacts, ChannelFacts, channels, gtid_state, try_ports},
    plan::{ChannelChange, Coordinates, Step},
    transport::SqlReader,
};

/// How long a channel may take to connect before its error is final. Two attempts of the server fit in.
const CONNECTS: Duration = Duration::from_secs(25);
/// How long a channel may stand still while it catches up.
const STALLS: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(150);
/// How often a position is worked out anew when clients write meanwhile.
const ATTEMPTS: usize = 40;

/// Makes, changes or starts a channel, and waits until it has caught up with where its source stands now.
pub async fn run(
    step: &Step,
    change: &ChannelChange,
    fleet: &Fleet<'_>,
    journal: &Journal,
    events: &Events,
) -> Result<Option<String>, StepError> {
    let host = &step.host;
    let wish = &change.wish;
    let dialect = fleet.dialect(host)?;
    let work = Work { step, host, wish, dialect, fleet, events };
    let mut sql = statements(host, fleet, journal).await?;
    if change.exists {
        // Both words are no errors for a channel that is stopped or lost its relay log.
        let stopped = sql.run(&dialect.stop_channel(&wish.name)).await;
        stopped.map_err(|e| StepError::new(host, "stop the channel", e))?;
    }
    if change.change {
        work.change(change, &mut sql).await?;
    }
    if let Some(statement) = &change.skip {
        work.leave_out(statement, &mut sql).await?;
    }
    sql.run(&dialect.start_channel(&wish.name))
        .await
        .map_err(|e| StepError::new(host, format!("start the channel from {}", wish.source), e))?;
    sql.sql.close().await;
    let note = work.wait_until_it_moves().await?;
    if change.coordinates == Coordinates::OfSeed {
        crate::seed::forget(host, fleet).await?;
    }
    Ok(Some(note))
}

struct Work<'a> {
    step: &'a Step,
    host: &'a HostName,
    wish: &'a ChannelWish,
    dialect: Dialect,
    fleet: &'a Fleet<'a>,
    events: &'a Events,
}

impl Work<'_> {
    fn failed(&self, tried: &str, why: impl std::fmt::Display) -> StepError {
        StepError::new(self.host, tried, why)
    }

    /// `CHANGE MASTER` with everything that it says.
    async fn change(&self, change: &ChannelChange, sql: &mut Statements<'_>) -> Result<(), StepError> {
        let gtid = self.wish.positioning == Positioning::Gtid;
        let file = match (&change.coordinates, gtid) {
            (Coordinates::Keep, _) => self.keep(gtid, sql).await?,
            (Coordinates::OfSeed, _) => {
                let seed = self.seed_coordinates().await?;
                if gtid {
                    self.set_position(&self.parse(&seed.0)?, sql).await?;
                }
                (!gtid).then_some((seed.1, seed.2))
            }
            (Coordinates::At { gtid: text, .. }, true) => {
                self.set_position(&self.parse(text)?, sql).await?;
                None
            }
            (Coordinates::At { file, position, .. }, false) if !file.is_empty() => {
                Some((file.clone(), *position))
            }
            (Coordinates::At { .. }, false) => Some((self.source_binlog().await?.oldest, 4)),
            (Coordinates::Compared, true) => {
                self.meet(sql).await?;
                None
            }
            (Coordinates::Compared, false) => Some(self.way_back_by_file().await?),
        };
        let password = self.fleet.secret(self.host, &self.wish.password)?;
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
            coordinates: file.as_ref().map(|(f, p)| (f.as_str(), *p)),
        };
        let text = self.dialect.change_channel(&statement);
        let shown = self.dialect.change_channel(&ChannelStatement { password: "***", ..statement });
        let tried = format!("set up the channel from {}", self.wish.source);
        // The general log and the slow log would keep the password in clear text.
        sql.run(self.dialect.statement_logs(false)).await.map_err(|e| self.failed(&tried, e))?;
        sql.run_as(&text, &shown).await.map_err(|e| self.failed(&tried, e))?;
        sql.run(self.dialect.statement_logs(true)).await.map_err(|e| self.failed(&tried, e))?;
        Ok(())
    }

    /// Leaves out the one event that stops the applier, if it still is the one that was planned.
    async fn leave_out(&self, statement: &str, sql: &mut Statements<'_>) -> Result<(), StepError> {
        let mut reader = self.fleet.reader(self.host).await?;
        let channel = self.look(&mut reader).await?;
        reader.close().await;
        let words: Vec<&str> = statement.split([' ', '@']).collect();
        let same =
            words.iter().all(|w| channel.sql_error.to_ascii_lowercase().contains(&w.to_ascii_lowercase()));
        if channel.sql_errno == 0 || !same {
            return Err(StepError::stale(
                self.host,
                format!("leave out {statement}"),
                "another event stops the channel by now",
            )
            .then("Look at another plan."));
        }
        let named = format!("SET SESSION default_master_connection = {}", literal(&self.wish.name));
        let tried = format!("leave out {statement}");
        sql.run(&named).await.map_err(|e| self.failed(&tried, e))?;
        sql.run("SET GLOBAL sql_slave_skip_counter = 1").await.map(|_| ()).map_err(|e| self.failed(&tried, e))
    }

    fn parse(&self, text: &str) -> Result<Position, StepError> {
        text.parse().map_err(|e| self.failed("read a GTID position", e))
    }

    /// A channel that keeps its place. What was received and not executed is fetched again, so the
    /// source must still have it.
    async fn keep(&self, gtid: bool, sql: &mut Statements<'_>) -> Result<Option<(String, u64)>, StepError> {
        let list = sql
            .run(self.dialect.show_channels())
            .await
            .map_err(|e| self.failed("look at its channels", e))?;
        let row = list.iter().find(|r| r.text("connection_name") == self.wish.name);
        let executed =
            row.map(|r| (r.text("relay_master_log_file"), r.number("exec_master_log_pos").unwrap_or(4)));
        let executed = executed.filter(|(file, _)| !file.is_empty());
        if let Some((file, _)) = &executed {
            // Only where the source answers; else its address or password is what is being changed.
            if let Ok(binlogs) = self.source_logs().await
                && !binlogs.contains(file)
            {
                return Err(self
                    .failed(
                        "fetch again what was received and not executed",
                        format!(
                            "{} has purged {file}, in which the last executed event stands",
                            self.wish.source
                        ),
                    )
                    .then("Nothing was changed. The replica has to be copied anew."));
            }
        }
        sql.run(&self.dialect.reset_channel(&self.wish.name))
            .await
            .map_err(|e| self.failed("drop the channel's relay logs", e))?;
        match (gtid, executed) {
            (true, _) => Ok(None),
            (false, Some(executed)) => Ok(Some(executed)),
            (false, None) => {
                Err(self.failed("find the last executed event", "the server does not say where it stands"))
            }
        }
    }

    async fn seed_coordinates(&self) -> Result<(String, String, u64), StepError> {
        let script =
            crate::transport::ReadScript::new("read the copy's coordinates", "cat /var/lib/tandem/seed.json");
        let output = self
            .fleet
            .session(self.host)?
            .read(&script, &[], Duration::from_secs(30))
            .await
            .map_err(|e| self.failed("read the copy's coordinates", e))?;
        let mark: Option<crate::observe::SeedMark> = serde_json::from_slice(&output.stdout).ok();
        match mark.and_then(|m| m.loaded) {
            Some(at) => Ok((at.gtid, at.file, at.position)),
            None => Err(self.failed("read the copy's coordinates", "the copy is not complete")),
        }
    }

    /// Sets `gtid_slave_pos`. A server refuses a position behind its own events (error 1947), so those
    /// domains in which it has written itself stand where its own log stands.
    async fn set_position(&self, wished: &Position, sql: &mut Statements<'_>) -> Result<(), StepError> {
        let wanted = |own: &ServerGtid| {
            let mut position = wished.clone();
            for event in own.binlog_state.position().iter() {
                if event.server == own.server_id {
                    position.set(event);
                }
            }
            position
        };
        self.write_position(wanted, sql).await.map(|_| ())
    }

    /// Sets `gtid_slave_pos` to what follows from this server's own state.
    ///
    /// A write of a client between the look and the setting makes the position older than the own log,
    /// which strict mode refuses (error 1947); then it is worked out anew.
    async fn write_position(
        &self,
        wanted: impl Fn(&ServerGtid) -> Position,
        sql: &mut Statements<'_>,
    ) -> Result<Position, StepError> {
        const OVERTAKEN: u16 = 1947;
        let failed = |e| self.failed("set its GTID position", e);
        for attempt in 0..ATTEMPTS {
            let own = self.state(self.host).await?;
            let position = wanted(&own);
            if own.slave_pos == position {
                return Ok(position);
            }
            // A server that is written to all the time overtakes every look; then it has to look itself.
            let by_itself = attempt >= ATTEMPTS / 2 && own.binlog_state.position() == position;
            let value = match by_itself {
                true => "@@GLOBAL.gtid_binlog_pos".to_owned(),
                false => literal(&position.to_string()),
            };
            match sql.run(&format!("SET GLOBAL gtid_slave_pos = {value}")).await {
                Ok(_) if by_itself => return Ok(self.state(self.host).await?.slave_pos),
                Ok(_) => return Ok(position),
                Err(error) if error.code() == Some(OVERTAKEN) && attempt + 1 < ATTEMPTS => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Err(self
            .failed("set its GTID position", "clients write faster than it can be set")
            .then("Apply again."))
    }

    /// The exact place to begin: everything that this server has, whoever wrote it. The source must
    /// have reached that place before the channel starts, or it would refuse it (error 1236).
    async fn meet(&self, sql: &mut Statements<'_>) -> Result<(), StepError> {
        let everything = |own: &ServerGtid| {
            let mut position = Position::default();
            for domain in own.domains() {
                if let Some(event) = own.has(domain) {
                    position.set(event);
                }
            }
            position
        };
        let position = self.write_position(everything, sql).await?;
        let begun = Instant::now();
        loop {
            let source = self.state(&self.wish.source).await?;
            let behind =
                position.iter().find(|event| source.has(event.domain).is_some_and(|has| has.seq < event.seq));
            let Some(event) = behind else { return Ok(()) };
            if begun.elapsed() > STALLS {
                return Err(self.failed(
                    &format!("wait until {} has everything of {}", self.wish.source, self.host),
                    format!("it does not get to {event}"),
                ));
            }
            self.tell(format!("waiting until {} has {event}", self.wish.source));
            tokio::time::sleep(POLL).await;
        }
    }

    async fn state(&self, host: &HostName) -> Result<ServerGtid, StepError> {
        let mut reader = self.fleet.reader(host).await?;
        let state = gtid_state(&mut reader).await.map_err(|e| StepError::new(host, "read its GTID state", e));
        reader.close().await;
        state
    }

    /// Where the source's own log stood when the copy was loaded onto it: everything later is its own,
    /// or comes from here and is skipped by its server id.
    async fn way_back_by_file(&self) -> Result<(String, u64), StepError> {
        let facts = self.fleet.facts(&self.wish.source)?;
        let mark = facts.seed.known().and_then(|m| m.loaded.clone());
        if let Some(at) = mark {
            return Ok((at.own_file, at.own_position));
        }
        Ok((self.source_binlog().await?.oldest, 4))
    }

    async fn source_logs(&self) -> Result<Vec<String>, StepError> {
        let mut reader = self.fleet.reader(&self.wish.source).await?;
        let rows = reader.query("SHOW BINARY LOGS").await;
        reader.close().await;
        let rows = rows.map_err(|e| StepError::new(&self.wish.source, "look at its binary logs", e))?;
        Ok(rows.iter().map(|r| r.text("log_name")).collect())
    }

    async fn source_binlog(&self) -> Result<BinlogFacts, StepError> {
        let source = &self.wish.source;
        let mut reader = self.fleet.reader(source).await?;
        let failed = |e| StepError::new(source, "look at its binary log", e);
        let status = reader.query(self.dialect.show_binlog()).await.map_err(failed)?;
        let logs = reader.query("SHOW BINARY LOGS").await.map_err(failed)?;
        reader.close().await;
        let row =
            status.first().ok_or_else(|| StepError::new(source, "look at its binary log", "it is off"))?;
        Ok(BinlogFacts {
            file: row.text("file"),
            position: row.number("position").unwrap_or(0),
            oldest: logs.first().map(|r| r.text("log_name")).unwrap_or_default(),
            ..BinlogFacts::default()
        })
    }

    fn tell(&self, doing: String) {
        self.events.send(Event::Progress {
            id: self.step.id.clone(),
            host: self.host.clone(),
            bytes: 0,
            total: 0,
            doing,
        });
    }

    /// Both threads run, no error stands, and the place where the source stood at the start is reached.
    async fn wait_until_it_moves(&self) -> Result<String, StepError> {
        let goal = self.source_binlog().await?;
        let goal = (goal.file, goal.position);
        let begun = Instant::now();
        let mut moved = Instant::now();
        let mut last = (String::new(), 0);
        let mut reader = self.fleet.reader(self.host).await?;
        loop {
            let channel = self.look(&mut reader).await?;
            if channel.running() && channel.without_error() {
                let reached = if self.wish.delay > 0 { &channel.read } else { &channel.executed };
                if *reached >= goal {
                    reader.close().await;
                    let at = if channel.gtid_io_pos.is_empty() {
                        format!("{}:{}", reached.0, reached.1)
                    } else {
                        channel.gtid_io_pos
                    };
                    return Ok(format!("both threads run, at {at}"));
                }
                if *reached != last {
                    last.clone_from(reached);
                    moved = Instant::now();
                }
                self.tell(format!("catching up, at {}:{}", reached.0, reached.1));
                if moved.elapsed() > STALLS {
                    return Err(self.failed(
                        "catch up with its source",
                        format!("it stands still at {}:{}", last.0, last.1),
                    ));
                }
            } else {
                let hopeless =
                    channel.sql_errno != 0 || (channel.io_errno != 0 && channel.io_running == "No");
                let denied = matches!(channel.io_errno, 1045 | 1130 | 1593 | 2005);
                let waited = begun.elapsed();
                if hopeless || waited > CONNECTS || (denied && waited > Duration::from_secs(1)) {
                    reader.close().await;
                    return Err(self.explain(&channel).await);
                }
                if channel.io_errno != 0
                    && waited > Duration::from_secs(3)
                    && channel.io_running == "Connecting"
                {
                    reader.close().await;
                    return Err(self.explain(&channel).await);
                }
                self.tell(format!("receiver {}, applier {}", channel.io_running, channel.sql_running));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn look(&self, reader: &mut SqlReader) -> Result<ChannelFacts, StepError> {
        let list =
            channels(reader, self.dialect).await.map_err(|e| self.failed("look at its channels", e))?;
        list.into_iter()
            .find(|c| c.name == self.wish.name)
            .ok_or_else(|| self.failed("look at the channel", "it is not there any more"))
    }

    /// The failing layer, found out afresh: what was observed before the run may have changed by it.
    async fn explain(&self, channel: &ChannelFacts) -> StepError {
        let tried = format!("replicate from {}", self.wish.source);
        let reach = match self.fleet.session(self.host) {
            Ok(session) => {
                try_ports(session, std::iter::once(&self.wish.endpoint)).await.remove(&self.wish.endpoint)
            }
            Err(_) => None,
        };
        let source = self.fleet.observed.get(&self.wish.source).and_then(Fact::known);
        let runs = match self.fleet.reader(&self.wish.source).await {
            Ok(reader) => {
                reader.close().await;
                Some(true)
            }
            Err(_) => source.and_then(|s| s.service.known()).map(|_| false),
        };
        let around = Surroundings {
            replica: self.host.as_str(),
            source: self.wish.source.as_str(),
            source_runs: runs,
            reach: reach.as_ref(),
            source_down_because: source.and_then(|s| explain_down(&s.error_log)),
        };
        match explain_channel(channel, &around) {
            Some(found) => {
                let said = if found.said.is_empty() {
                    String::new()
                } else {
                    format!(" The server says: {}", found.said)
                };
                let layer =
                    if found.layer == Layer::Unknown { String::new() } else { format!("{}: ", found.layer) };
                self.failed(&tried, format!("{layer}{}", found.cause.trim_end_matches('.')))
                    .then(format!("{}{said}", found.next))
            }
            None => self
                .failed(&tried, format!("receiver {}, applier {}", channel.io_running, channel.sql_running)),
        }
    }
}
