//! Where a channel begins, and how far it has come.

use super::Work;
use crate::{
    desired::Positioning,
    dialect::{ReadStatement, set_slave_pos, set_slave_pos_to_own_end},
    exec::{Look, Rule, Statements, StepError, wait_until},
    gtid::{
        GtidForm, GtidRelation, GtidSet, GtidState, MariaDbGtid, MySqlGtid, Position, ServerGtid, purged_by,
        relation,
    },
    model::{BinlogPosition, HostName, ThreadState, limits},
    observe::{BinlogFacts, ChannelFacts, SeedCoordinates, channels, gtid_state, gtid_state_with_start},
    plan::Coordinates,
    transport::SqlReader,
    words,
};

/// How often a position is worked out anew when clients write meanwhile.
const ATTEMPTS: usize = 40;

/// What a source had when its channel was started.
pub(super) enum Goal {
    /// The end of its binary log.
    At(BinlogPosition),
    /// What it had executed. A channel with auto-position is sent only what it lacks, and stands still in
    /// the file behind the last of it.
    Set(GtidSet),
}

impl Work<'_> {
    /// Makes the server ready to begin where the plan says. What comes back is a place in the source's
    /// binary log, for channels without GTIDs.
    pub(super) async fn begin_at(
        &self,
        coordinates: &Coordinates,
        seed: Option<SeedCoordinates>,
        sql: &mut Statements<'_>,
    ) -> Result<Option<BinlogPosition>, StepError> {
        let gtid = self.wish.positioning == Positioning::Gtid;
        if let Coordinates::At { starts_over: true, .. } = coordinates {
            sql.run(self.dialect.reset_binlogs())
                .await
                .map_err(|e| self.failed("start its binary logs over", e))?;
        }
        match (coordinates, gtid) {
            (Coordinates::Keep, _) => self.keep(gtid, sql).await,
            (Coordinates::OfSeed, _) => {
                let none = || self.failed("read the copy's coordinates", "the copy is not complete");
                let seed = seed.ok_or_else(none)?;
                if gtid {
                    self.begin_at_gtid(&seed.gtid, sql).await?;
                }
                match (gtid, seed.at) {
                    (true, _) => Ok(None),
                    (false, Some(at)) => Ok(Some(at)),
                    (false, None) => Err(self.failed("read the copy's coordinates", "only GTIDs tell them")),
                }
            }
            (Coordinates::At { gtid: text, .. }, true) => {
                self.begin_at_gtid(text, sql).await?;
                Ok(None)
            }
            (Coordinates::At { at: Some(at), .. }, false) => Ok(Some(at.clone())),
            (Coordinates::At { at: None, .. }, false) => self.first_event().await.map(Some),
            (Coordinates::Moved { .. }, false) => {
                Err(self.failed("find its place in another binary log", "only GTIDs can tell it"))
            }
            (Coordinates::Compared | Coordinates::Moved { .. }, true) => {
                match self.dialect.gtid_form() {
                    GtidForm::Positions => self.meet(sql).await?,
                    GtidForm::Sets => self.is_not_purged().await?,
                }
                Ok(None)
            }
            (Coordinates::Compared, false) => self.way_back_by_file().await.map(Some),
        }
    }

    /// Waits until this server has all that its present source had a moment ago, and the new source can go on
    /// from there. The old channel runs until then; one that stands still is not waited for.
    pub(super) async fn ready_to_move(
        &self,
        from: Option<&HostName>,
        two_way: bool,
        alike: bool,
    ) -> Result<(), StepError> {
        let source = &self.wish.source;
        let tried = format!("wait until {source} can go on from where {} stands", self.on.host);
        // A source that is lost for good has nothing more to give.
        let goal = match from {
            Some(from) => self.gtid(from).await.ok(),
            None => None,
        };
        let mut reader = self.on.reader().await?;
        let mut why = String::new();
        let rule = Rule::moving(limits::CHANNEL_STALL.time, limits::CHANNEL_RETURN.time);
        let waited = wait_until(rule, async || {
            let runs = self.look(&mut reader).await?.running();
            let (mut new, own) = (self.gtid_with_start(source).await?, self.gtid(self.on.host).await?);
            if alike {
                new = new.whole();
            }
            let mut others = Vec::new();
            for other in self.others {
                others.push(self.gtid(other).await?);
            }
            let own = own.without(&others.iter().collect::<Vec<_>>(), &new);
            let drained = goal.as_ref().is_none_or(|goal| own.has_all_of(goal));
            let fits = relation(&new, &own, two_way) == Some(GtidRelation::Follows)
                || (new.is_blank() && own.is_blank());
            if fits && (drained || !runs) {
                return Ok(Look::Done(()));
            }
            why = match purged_by(&new, &own) {
                Some(purged) => words::purged(&purged),
                None if !fits => {
                    format!("{} has events that {source} has not, or the other way round", self.on.host)
                }
                None => "it does not catch up with its present source".to_owned(),
            };
            self.tell(format!("waiting until {source} can take over"));
            let at = own.position();
            Ok::<_, StepError>(if runs { Look::Moving(at) } else { Look::Halted(at) })
        });
        let ready = waited.await?;
        ready.map_err(|_| self.failed(&tried, why).then("The channel is as it was."))
    }

    /// A server's GTID state with the beginning of its oldest binary log.
    async fn gtid_with_start(&self, host: &HostName) -> Result<GtidState, StepError> {
        let reader = self.on.at(host).reader().await?;
        let state = gtid_state_with_start(&reader, self.on.at(host).dialect()?).await;
        state.map_err(|e| StepError::new(host, "read its GTID state", e))
    }

    /// Everything before these GTIDs counts as known.
    async fn begin_at_gtid(&self, text: &str, sql: &mut Statements<'_>) -> Result<(), StepError> {
        let unreadable = |e: &dyn std::fmt::Display| self.failed("read a GTID position", e);
        match self.dialect.gtid_form() {
            GtidForm::Positions => {
                let position = text.parse().map_err(|e: crate::gtid::GtidError| unreadable(&e))?;
                self.set_position(&position, sql).await
            }
            GtidForm::Sets => {
                let set: GtidSet = text.parse().map_err(|e: crate::gtid::GtidSetError| unreadable(&e))?;
                let own = self.mysql(self.on.host).await?;
                let unknown = set.subtract(&own.executed);
                if unknown.is_empty() {
                    return Ok(());
                }
                // A plus sign adds to what was purged; both must have nothing in common. Before MySQL 8.0 there is none, and
                // nothing is taken once something was executed (error 1840).
                if !self.dialect.adds_to_purged() && !own.executed.is_empty() {
                    let why = format!(
                        "it has executed {} of its own, and before MySQL 8.0 none can be added",
                        own.executed
                    );
                    return Err(self
                        .failed("set its GTID position", why)
                        .then("Where nobody replicates from it, run RESET MASTER there, then apply again."));
                }
                let paused = self.pause_others(sql).await?;
                let done = sql.run(&self.dialect.add_executed(&unknown.to_string())).await;
                self.go_on(&paused, sql).await?;
                done.map(|_| ()).map_err(|e| self.failed("set its GTID position", e))
            }
        }
    }

    /// A replica of MySQL that has followed by file and position may hold transactions whose GTIDs it never
    /// heard of: those of a time when it was copied, or when `gtid_mode` was off. Before it asks by GTID it
    /// counts as executed what its source had at a place that it has passed, or it would get them again.
    pub(super) async fn learn_gtids(&self, sql: &mut Statements<'_>) -> Result<(), StepError> {
        let gtid = self.wish.positioning == Positioning::Gtid;
        if !gtid || self.dialect.always_has_gtids() {
            return Ok(());
        }
        let tried = "learn which GTIDs it has by its place in the source's binary log";
        let mut own = self.on.reader().await?;
        let channel = self.look(&mut own).await?;
        if !channel.using_gtid.by_file() {
            return Ok(());
        }
        // One answer has both, so they belong together.
        let source = self.on.at(&self.wish.source).reader().await?;
        let row = source.query_first(&self.on.at(&self.wish.source).dialect()?.show_binlog()).await;
        let failed = |e| StepError::new(&self.wish.source, "look at its binary log", e);
        let row = row.map_err(failed)?;
        let goal = row.position("file", "position").map_err(failed)?;
        let goal = goal.ok_or_else(|| self.failed(tried, "the source's binary log has no file"))?;
        let had: GtidSet = row
            .need("executed_gtid_set")
            .map_err(failed)?
            .parse()
            .map_err(|e: crate::gtid::GtidSetError| self.failed(tried, e))?;
        let rule = Rule::moving(limits::CHANNEL_STALL.time, limits::CHANNEL_RETURN.time);
        let waited = wait_until(rule, async || {
            let channel = self.look(&mut own).await?;
            if channel.has_executed(&goal) {
                return Ok(Look::Done(()));
            }
            self.tell(format!("waiting until {goal} is executed"));
            let at = channel.stands_at();
            Ok::<_, StepError>(if channel.running() { Look::Moving(at) } else { Look::Halted(at) })
        });
        let passed = waited.await?;
        passed.map_err(|ended| {
            let at = format!("it stands at {}, not at {goal}", ended.at());
            self.failed(tried, at).then("Mend the channel as it is, then apply again.")
        })?;
        self.begin_at_gtid(&had.to_string(), sql).await
    }

    /// The source must still have everything that this server lacks, or it would refuse it (error 1236).
    async fn is_not_purged(&self) -> Result<(), StepError> {
        let (source, own) = (self.mysql(&self.wish.source).await?, self.mysql(self.on.host).await?);
        let missing = source.purged.subtract(&own.executed);
        if missing.is_empty() {
            return Ok(());
        }
        Err(self
            .failed(
                &format!("begin where {} stands", self.on.host),
                format!("{} has purged {missing}, which it lacks", self.wish.source),
            )
            .then("Apply again; the replica has to be copied anew."))
    }

    /// A channel that keeps its place. What was received and not executed is fetched again, so the
    /// source must still have it.
    async fn keep(&self, gtid: bool, sql: &mut Statements<'_>) -> Result<Option<BinlogPosition>, StepError> {
        let mut reader = self.on.reader().await?;
        let executed = self.look(&mut reader).await?.executed;
        drop(reader);
        if let Some(file) = executed.as_ref().map(BinlogPosition::file)
            && self.dialect.begins_again_by_file()
        {
            // Only where the source answers; else its address or password is what is being changed.
            if let Ok(binlogs) = self.source_logs().await
                && !binlogs.iter().any(|log| log == file)
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

    /// The coordinates of a copy, where the channel begins there.
    pub(super) async fn seed_of(
        &self,
        coordinates: &Coordinates,
    ) -> Result<Option<SeedCoordinates>, StepError> {
        let Coordinates::OfSeed = coordinates else { return Ok(None) };
        let marks = crate::seed::read_marks(self.on).await?;
        Ok(marks.from(&self.wish.source).and_then(|mark| mark.loaded.clone()))
    }

    /// Sets `gtid_slave_pos`. A server refuses a position behind its own events (error 1947), so those
    /// domains in which it has written itself stand where its own log stands.
    async fn set_position(&self, wished: &Position, sql: &mut Statements<'_>) -> Result<(), StepError> {
        let wanted = |own: &ServerGtid| {
            // The places of the other channels stay as they are.
            let mut position = match self.others.is_empty() {
                true => Position::default(),
                false => own.slave_pos.clone(),
            };
            wished.iter().for_each(|event| position.set(event));
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
        let own = self.state(self.on.host).await?;
        if own.slave_pos == wanted(&own) {
            return Ok(own.slave_pos);
        }
        let paused = self.pause_others(sql).await?;
        let written = self.overwrite_position(wanted, sql).await;
        self.go_on(&paused, sql).await?;
        written
    }

    /// Stops the host's other channels: the server refuses another position while one runs (error 1198). One
    /// that a run leaves stopped is started by the next.
    async fn pause_others(&self, sql: &mut Statements<'_>) -> Result<Vec<String>, StepError> {
        let reader = self.on.reader().await?;
        let list = channels(&reader, self.dialect).await;
        let list = list.map_err(|e| self.failed("look at its channels", e))?;
        let runs = |c: &&ChannelFacts| c.io_running != ThreadState::No || c.sql_running != ThreadState::No;
        let others = list.iter().filter(runs).map(|c| &c.name).filter(|name| **name != self.wish.name);
        let others: Vec<String> = others.cloned().collect();
        for name in &others {
            let stopped = sql.run(&self.dialect.stop_channel(name)).await;
            stopped.map_err(|e| self.failed("stop its other channels for a moment", e))?;
        }
        Ok(others)
    }

    async fn go_on(&self, paused: &[String], sql: &mut Statements<'_>) -> Result<(), StepError> {
        for name in paused {
            let started = sql.run(&self.dialect.start_channel(name)).await;
            started.map_err(|e| self.failed("start its other channels again", e))?;
        }
        Ok(())
    }

    async fn overwrite_position(
        &self,
        wanted: impl Fn(&ServerGtid) -> Position,
        sql: &mut Statements<'_>,
    ) -> Result<Position, StepError> {
        const OVERTAKEN: u16 = 1947;
        let failed = |e| self.failed("set its GTID position", e);
        for attempt in 0..ATTEMPTS {
            let own = self.state(self.on.host).await?;
            let position = wanted(&own);
            if own.slave_pos == position {
                return Ok(position);
            }
            // A server that is written to all the time overtakes every look; then it has to look itself.
            let by_itself = attempt >= ATTEMPTS / 2 && own.binlog_state.position() == position;
            let statement = match by_itself {
                true => set_slave_pos_to_own_end(),
                false => set_slave_pos(&position.to_string()),
            };
            match sql.run(&statement).await {
                Ok(_) if by_itself => return Ok(self.state(self.on.host).await?.slave_pos),
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
        let (position, there) =
            tokio::join!(self.write_position(everything, sql), self.state(&self.wish.source));
        let (position, mut there) = (position?, Some(there?));
        let rule = Rule { stall: Some(limits::CHANNEL_STALL.time), ..Rule::default() };
        let mut awaited = String::new();
        let waited = wait_until(rule, async || {
            let source = match there.take() {
                Some(at_first) => at_first,
                None => self.state(&self.wish.source).await?,
            };
            let has = |event: &MariaDbGtid| source.has(event.domain).is_some_and(|has| has.seq < event.seq);
            let Some(event) = position.iter().find(has) else { return Ok(Look::Done(())) };
            awaited = event.to_string();
            self.tell(format!("waiting until {} has {event}", self.wish.source));
            Ok::<_, StepError>(Look::Moving(source.has(event.domain).map(|has| has.seq)))
        });
        waited.await?.map_err(|_| {
            self.failed(
                &format!("wait until {} has everything of {}", self.wish.source, self.on.host),
                format!("it does not get to {awaited}"),
            )
        })
    }

    async fn gtid(&self, host: &HostName) -> Result<GtidState, StepError> {
        let reader = self.on.at(host).reader().await?;
        let state = gtid_state(&reader, self.on.at(host).dialect()?).await;
        state.map_err(|e| StepError::new(host, "read its GTID state", e))
    }

    async fn state(&self, host: &HostName) -> Result<ServerGtid, StepError> {
        match self.gtid(host).await? {
            GtidState::MariaDb(state) => Ok(state),
            GtidState::MySql(_) => Err(StepError::new(host, "read its GTID state", "it is no MariaDB")),
        }
    }

    async fn mysql(&self, host: &HostName) -> Result<MySqlGtid, StepError> {
        match self.gtid(host).await? {
            GtidState::MySql(state) => Ok(state),
            GtidState::MariaDb(_) => Err(StepError::new(host, "read its GTID state", "it is no MySQL")),
        }
    }

    /// Where the source's own log stood when the copy was loaded onto it: everything later is its own,
    /// or comes from here and is skipped by its server id.
    async fn way_back_by_file(&self) -> Result<BinlogPosition, StepError> {
        let facts = self.on.at(&self.wish.source).facts()?;
        let mark = facts.seeds.known().and_then(|m| m.from(self.on.host)).and_then(|m| m.loaded.clone());
        match mark.and_then(|at| at.own) {
            Some(own) => Ok(own),
            None => self.first_event().await,
        }
    }

    /// The first event that the source still has.
    async fn first_event(&self) -> Result<BinlogPosition, StepError> {
        let oldest = self.source_binlog().await?.oldest;
        BinlogPosition::start_of(oldest)
            .ok_or_else(|| StepError::new(&self.wish.source, "look at its binary log", "it has no file"))
    }

    async fn source_logs(&self) -> Result<Vec<String>, StepError> {
        let reader = self.on.at(&self.wish.source).reader().await?;
        let rows = reader.query(&ReadStatement::binary_logs()).await;
        let rows = rows.map_err(|e| StepError::new(&self.wish.source, "look at its binary logs", e))?;
        let names = rows.iter().map(|row| row.text("log_name")).collect::<Result<_, _>>();
        names.map_err(|e| StepError::new(&self.wish.source, "look at its binary logs", e))
    }

    async fn source_binlog(&self) -> Result<BinlogFacts, StepError> {
        let source = &self.wish.source;
        let reader = self.on.at(source).reader().await?;
        let failed = |e| StepError::new(source, "look at its binary log", e);
        let shows = self.on.at(source).dialect()?.show_binlog();
        let (status, oldest) =
            tokio::try_join!(reader.query(shows), reader.query_first(ReadStatement::binary_logs()))
                .map_err(failed)?;
        let row =
            status.first().ok_or_else(|| StepError::new(source, "look at its binary log", "it is off"))?;
        Ok(BinlogFacts {
            end: row.position("file", "position").map_err(failed)?,
            oldest: oldest.text("log_name").map_err(failed)?,
            ..BinlogFacts::default()
        })
    }

    /// What has to be here before the channel counts as caught up.
    pub(super) async fn goal(&self) -> Result<Goal, StepError> {
        let sets = self.wish.positioning == Positioning::Gtid && self.dialect.gtid_form() == GtidForm::Sets;
        if sets {
            return Ok(Goal::Set(self.mysql(&self.wish.source).await?.executed));
        }
        let end = self.source_binlog().await?.end;
        end.map(Goal::At)
            .ok_or_else(|| StepError::new(&self.wish.source, "look at its binary log", "it has no file"))
    }

    /// Whether the goal is reached, and where the channel stands. With a delay, what was received counts.
    pub(super) async fn progress(
        &self,
        channel: &ChannelFacts,
        goal: &Goal,
        reader: &mut SqlReader,
    ) -> Result<(bool, String), StepError> {
        let delayed = self.wish.delay > 0;
        match goal {
            Goal::At(goal) => {
                let reached = if delayed { &channel.read } else { &channel.executed };
                let at = match (channel.gtid_io_pos.is_empty(), reached) {
                    (true, Some(reached)) => reached.to_string(),
                    (true, None) => "no position yet".to_owned(),
                    (false, _) => channel.gtid_io_pos.clone(),
                };
                Ok((reached.as_ref().is_some_and(|at| at.has_reached(goal)), at))
            }
            Goal::Set(goal) => {
                let state = gtid_state(reader, self.dialect).await;
                let state = state.map_err(|e| self.failed("read its GTID state", e))?;
                let executed = state.mysql().map(|s| s.executed.clone()).unwrap_or_default();
                let received: GtidSet = channel.gtid_io_pos.parse().unwrap_or_default();
                let has = if delayed { executed.union(&received) } else { executed };
                Ok((has.contains_all(goal), has.to_string()))
            }
        }
    }
}
