//! A row from each writer to every host that it reaches, timed, and taken away again.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use futures_util::future::{join, join_all};

use super::{
    Counting, IdsProof, Remark, Verdict, Way, Web, ids,
    scratch::{CANARY, DATABASE, IDS, ScratchDatabase, tables_there},
    web::server,
};
use crate::{
    apply::{Fleet, StepError},
    dialect::literal,
    model::{HostName, duration},
    transport::{SqlReader, SqlWriter},
};

/// Rows that each writer inserts while the others do the same.
const TOGETHER: u64 = 20;

/// How long is waited for a row after an interrupt.
const UNDER_WAY: Duration = Duration::from_secs(5);

/// What the canaries have shown.
#[derive(Debug, Default)]
pub struct Flight {
    /// How long it took from a writer to a host; nothing where it did not come in time.
    pub arrivals: BTreeMap<(HostName, HostName), Option<Duration>>,
    /// Numbers that were given out at the same time.
    pub ids: Option<IdsProof>,
    /// What went wrong.
    pub errors: Vec<Remark>,
}

/// One run of canaries.
#[derive(Debug)]
pub struct Canaries<'a> {
    fleet: &'a Fleet<'a>,
    /// For each writer, the hosts that it reaches.
    ways: BTreeMap<HostName, BTreeMap<HostName, Way>>,
    /// How long a row may take beyond the delays that were asked for.
    wait: Duration,
    run: String,
}

impl<'a> Canaries<'a> {
    /// Prepares a run over all ways of a web.
    pub fn new(fleet: &'a Fleet<'a>, web: &Web, wait: Duration) -> Self {
        let ways = web.writers.iter().map(|w| (w.clone(), web.downstream(w, DATABASE, CANARY))).collect();
        let run = format!("{} {}", jiff::Timestamp::now(), std::process::id());
        Self { fleet, ways, wait, run }
    }

    /// Hosts that the run touches.
    pub fn hosts(&self) -> BTreeSet<HostName> {
        self.ways
            .iter()
            .flat_map(|(writer, ways)| std::iter::once(writer).chain(ways.keys()))
            .cloned()
            .collect()
    }

    /// Writers whose canaries come to a host along an edge.
    pub fn passed(&self, edge: usize, host: &HostName) -> Vec<&HostName> {
        let along = |way: &Way| way.edges.last() == Some(&edge);
        self.ways.iter().filter(|(_, ways)| ways.get(host).is_some_and(along)).map(|(w, _)| w).collect()
    }

    /// Lets them fly, and cleans up behind them whatever happens. `count` says whether numbers are given out
    /// on all writers at the same time too.
    pub async fn fly(&self, count: bool) -> Flight {
        let mut flight = Flight::default();
        if self.ways.values().all(BTreeMap::is_empty) || self.fleet.interrupt.is_cancelled() {
            return flight;
        }
        let scratch = match ScratchDatabase::look(&self.hosts(), self.fleet).await {
            Ok(scratch) => scratch,
            Err(error) => {
                flight.errors.push(remark(&error));
                return flight;
            }
        };
        let mut writers = BTreeMap::new();
        for host in self.ways.keys() {
            match self.writer(host).await {
                Ok(sql) => drop(writers.insert(host.clone(), sql)),
                Err(error) => flight.errors.push(remark(&error)),
            }
        }
        let made = self.make(&scratch, &mut writers, &mut flight).await;
        if made {
            self.send(&mut writers, &mut flight).await;
            if count && writers.len() > 1 {
                self.count_together(&mut writers, &mut flight).await;
            }
        }
        self.clean_up(&scratch, &mut writers, &mut flight).await;
        join_all(writers.into_values().map(SqlWriter::close)).await;
        flight
    }

    async fn writer(&self, host: &HostName) -> Result<SqlWriter, StepError> {
        let mut sql = self.fleet.sql(host).await?;
        sql.query("SET SESSION autocommit=1")
            .await
            .map_err(|e| StepError::new(host, "set up its connection", e))?;
        Ok(sql)
    }

    /// Every writer makes the tables itself, so that in its own stream of events they stand before its rows.
    async fn make(
        &self,
        scratch: &ScratchDatabase,
        writers: &mut BTreeMap<HostName, SqlWriter>,
        flight: &mut Flight,
    ) -> bool {
        for (host, sql) in writers {
            if let Err(error) = scratch.make(host, sql).await {
                flight.errors.push(remark(&error));
                return false;
            }
        }
        // The time of a row shall not hold the time of its table. Where a delay was asked for, nobody waits twice.
        let near = self.reached(|way| way.delay == 0);
        join_all(near.keys().map(|host| self.until(host, tables_there(), |n| n == 2, self.limit(0)))).await;
        true
    }

    /// Hosts that are reached by ways of a kind, with the longest delay of these.
    fn reached(&self, kind: impl Fn(&Way) -> bool) -> BTreeMap<HostName, u64> {
        let mut hosts = BTreeMap::new();
        for (host, way) in self.ways.values().flatten().filter(|(_, way)| kind(way)) {
            let delay: &mut u64 = hosts.entry(host.clone()).or_default();
            *delay = way.delay.max(*delay);
        }
        hosts
    }

    /// How long is waited for something on a way with this delay.
    fn limit(&self, delay: u64) -> Wait {
        Wait { begun: Instant::now(), limit: self.wait + Duration::from_secs(delay) }
    }

    fn server_id(&self, host: &HostName) -> u64 {
        server(self.fleet.observed, host).and_then(|s| s.number("server_id")).unwrap_or(0)
    }

    /// Inserts a row on every writer at once, and sees it arrive.
    async fn send(&self, writers: &mut BTreeMap<HostName, SqlWriter>, flight: &mut Flight) {
        let inserts = join_all(writers.iter_mut().map(|(host, sql)| async {
            let id = self.server_id(host);
            let insert = format!("INSERT INTO {CANARY} (origin, run) VALUES ({id}, {})", literal(&self.run));
            let done = sql.query(&insert).await;
            (
                host.clone(),
                done.map(|_| Instant::now()).map_err(|e| StepError::new(host, "put a canary there", e)),
            )
        }));
        let hosts = self.reached(|_| true);
        let arrivals = join_all(hosts.keys().map(|host| async { (host.clone(), self.arrivals(host).await) }));
        let (sent, arrived) = join(inserts, arrivals).await;
        let mut begun = BTreeMap::new();
        for (writer, result) in sent {
            match result {
                Ok(at) => drop(begun.insert(writer, at)),
                Err(error) => flight.errors.push(remark(&error)),
            }
        }
        for (host, result) in arrived {
            let seen = result.unwrap_or_else(|error| {
                flight.errors.push(remark(&error));
                BTreeMap::new()
            });
            for (writer, at) in &begun {
                if self.ways.get(writer).is_some_and(|ways| ways.contains_key(&host)) {
                    let took =
                        seen.get(&self.server_id(writer)).map(|seen| seen.saturating_duration_since(*at));
                    flight.arrivals.insert((writer.clone(), host.clone()), took);
                }
            }
        }
    }

    /// When the rows of which writers were seen on a host, by server id.
    async fn arrivals(&self, host: &HostName) -> Result<BTreeMap<u64, Instant>, StepError> {
        let expected: BTreeMap<u64, u64> = self
            .ways
            .iter()
            .filter_map(|(writer, ways)| Some((self.server_id(writer), ways.get(host)?.delay)))
            .collect();
        let longest = expected.values().max().copied().unwrap_or(0);
        let wait = self.limit(longest);
        let query = format!("SELECT origin FROM {DATABASE}.{CANARY} WHERE run = {}", literal(&self.run));
        let mut seen: BTreeMap<u64, Instant> = BTreeMap::new();
        let mut sql = reader(host, self.fleet).await?;
        let mut pause = Pause::default();
        while !wait.over(self.fleet) {
            // The table may not have arrived yet.
            let rows = sql.query(&query).await.unwrap_or_default();
            for id in rows.iter().filter_map(|r| r.number("origin")) {
                seen.entry(id).or_insert_with(Instant::now);
            }
            if expected.keys().all(|id| seen.contains_key(id)) {
                break;
            }
            pause.wait().await;
        }
        sql.close().await;
        Ok(seen)
    }

    /// Lets all writers insert at the same time, and looks at the numbers where they meet.
    async fn count_together(&self, writers: &mut BTreeMap<HostName, SqlWriter>, flight: &mut Flight) {
        let counting: Vec<Counting> = writers
            .keys()
            .map(|host| {
                let number = |name| server(self.fleet.observed, host).and_then(|s| s.number(name));
                Counting {
                    host: host.clone(),
                    increment: number("auto_increment_increment").unwrap_or(1),
                    offset: number("auto_increment_offset").unwrap_or(1),
                }
            })
            .collect();
        // Writers whose rows meet nowhere may give out what they like.
        let meet = |host: &HostName| {
            let from = counting.iter().filter(|c| c.host == *host || self.came(&c.host, host, flight));
            from.cloned().collect::<Vec<_>>()
        };
        let places: Vec<(HostName, Vec<Counting>)> = self
            .hosts()
            .into_iter()
            .map(|h| (h.clone(), meet(&h)))
            .filter(|(_, from)| from.len() > 1)
            .collect();
        if places.is_empty() {
            return;
        }
        let mut problem = places.iter().find_map(|(_, from)| ids::collision(from));
        let inserts = join_all(writers.iter_mut().map(|(host, sql)| async {
            let id = self.server_id(host);
            for _ in 0..TOGETHER {
                let insert = format!("INSERT INTO {IDS} (origin, run) VALUES ({id}, {})", literal(&self.run));
                sql.query(&insert)
                    .await
                    .map_err(|e| StepError::new(host, "insert a row for the proof", e))?;
            }
            Ok::<(), StepError>(())
        }))
        .await;
        flight.errors.extend(inserts.iter().filter_map(|r| r.as_ref().err()).map(remark));
        for (host, from) in &places {
            match self.collisions(host, from).await {
                Ok(None) => {}
                Ok(Some(said)) => problem = problem.or(Some(said)),
                Err(error) => flight.errors.push(remark(&error)),
            }
        }
        flight.ids = Some(IdsProof {
            verdict: if problem.is_some() { Verdict::Failed } else { Verdict::Proven },
            inserted: TOGETHER * counting.len() as u64,
            writers: counting,
            problem,
        });
    }

    fn came(&self, writer: &HostName, host: &HostName, flight: &Flight) -> bool {
        flight.arrivals.get(&(writer.clone(), host.clone())).is_some_and(Option::is_some)
    }

    /// Waits until the rows of these writers have met on a host; a number that stands there twice.
    async fn collisions(&self, host: &HostName, from: &[Counting]) -> Result<Option<String>, StepError> {
        let run = literal(&self.run);
        let origins: Vec<String> = from.iter().map(|c| self.server_id(&c.host).to_string()).collect();
        let these = format!("run = {run} AND origin IN ({})", origins.join(", "));
        let count = format!("SELECT COUNT(*) AS n FROM {DATABASE}.{IDS} WHERE {these}");
        let delay = self.reached(|_| true).get(host).copied().unwrap_or(0);
        let wait = self.limit(delay);
        let all = TOGETHER * from.len() as u64;
        if !self.until(host, count, move |n| n == all, wait).await? {
            return Ok(Some(format!("not all rows that were inserted at the same time came to {host}")));
        }
        let twice = format!(
            "SELECT id, COUNT(*) AS n FROM {DATABASE}.{IDS} WHERE {these} GROUP BY id HAVING COUNT(*) > 1 LIMIT 1"
        );
        let mut sql = reader(host, self.fleet).await?;
        let rows = sql.query(&twice).await;
        sql.close().await;
        let rows = rows.map_err(|e| StepError::new(host, "look at the numbers that were given out", e))?;
        Ok(rows.first().map(|r| format!("the number {} was given out {} times", r.text("id"), r.text("n"))))
    }

    /// Deletes the rows, sees the deletion arrive everywhere, and drops the database.
    async fn clean_up(
        &self,
        scratch: &ScratchDatabase,
        writers: &mut BTreeMap<HostName, SqlWriter>,
        flight: &mut Flight,
    ) {
        let run = literal(&self.run);
        for (host, sql) in writers.iter_mut() {
            for table in [CANARY, IDS] {
                let delete =
                    format!("DELETE FROM {table} WHERE origin = {} AND run = {run}", self.server_id(host));
                if let Err(error) = sql.query(&delete).await {
                    let next = "The next `tandem verify` removes what is left.";
                    flight.errors.push(remark(&StepError::new(host, "delete the canary", error).then(next)));
                }
            }
        }
        let query = format!(
            "SELECT (SELECT COUNT(*) FROM {DATABASE}.{CANARY} WHERE run = {run}) + \
             (SELECT COUNT(*) FROM {DATABASE}.{IDS} WHERE run = {run}) AS n"
        );
        let deleted = join_all(self.reached(|_| true).into_iter().map(|(host, delay)| {
            let wait = self.limit(delay);
            let query = query.clone();
            async move { (host.clone(), self.until(&host, query, |n| n == 0, wait).await) }
        }))
        .await;
        let mut clean = BTreeSet::new();
        for (host, done) in deleted {
            match done {
                Ok(true) => drop(clean.insert(host)),
                // Where the row itself did not come, that is what is told.
                Ok(false) if !self.ways.keys().any(|writer| self.came(writer, &host, flight)) => {}
                Ok(false) => flight.errors.push(Remark::new(
                    &host,
                    format!("the deletion of the canary did not arrive within {}", duration(self.wait)),
                )),
                Err(error) => flight.errors.push(remark(&error)),
            }
        }
        for (host, sql) in writers.iter_mut() {
            if let Some(late) = self.would_meet_rows(host, &clean, flight) {
                flight.errors.push(Remark::new(
                    host,
                    format!(
                        "the database `{DATABASE}` stays for now, since {late} has not executed what other writers did \
                         in it. The next `tandem verify` removes it."
                    ),
                ));
                continue;
            }
            self.drop_database(host, scratch, sql, flight).await;
        }
    }

    /// A host on which the rows of another writer could still come after the drop, and end replication there.
    fn would_meet_rows(
        &self,
        dropper: &HostName,
        clean: &BTreeSet<HostName>,
        flight: &Flight,
    ) -> Option<HostName> {
        let hosts = self.ways.get(dropper).into_iter().flat_map(BTreeMap::keys).chain([dropper]);
        hosts
            .into_iter()
            .find(|host| {
                self.ways.iter().any(|(other, ways)| {
                    let awaited = other != dropper && ways.contains_key(*host);
                    awaited && !(clean.contains(*host) && self.came(other, host, flight))
                })
            })
            .cloned()
    }

    async fn drop_database(
        &self,
        host: &HostName,
        scratch: &ScratchDatabase,
        sql: &mut SqlWriter,
        flight: &mut Flight,
    ) {
        // What another writer dropped has gone here too.
        let left = sql.query(&scratch.left()).await.ok().and_then(|rows| rows.first()?.number("n"));
        if left == Some(0) {
            return;
        }
        if let Err(error) = scratch.remove(host, sql).await {
            flight.errors.push(remark(&error));
            return;
        }
        let near = self.ways.get(host).into_iter().flatten().filter(|(_, way)| way.delay == 0);
        let gone = join_all(near.map(|(reached, _)| async {
            (reached.clone(), self.until(reached, scratch.left(), |n| n == 0, self.limit(0)).await)
        }))
        .await;
        for (reached, done) in gone {
            match done {
                // Of a host that is late, its canary has told already.
                Ok(_) => {}
                Err(error) => flight.errors.push(Remark::new(&reached, error)),
            }
        }
    }

    /// Waits on a host until a query's number is what is wanted. A table that is not there yet is waited for too.
    async fn until(
        &self,
        host: &HostName,
        query: String,
        enough: impl Fn(u64) -> bool,
        wait: Wait,
    ) -> Result<bool, StepError> {
        let mut sql = reader(host, self.fleet).await?;
        let mut pause = Pause::default();
        let mut reached = false;
        while !reached {
            let rows = sql.query(&query).await.unwrap_or_default();
            reached = rows.first().and_then(|r| r.number("n")).is_some_and(&enough);
            if reached || wait.over(self.fleet) {
                break;
            }
            pause.wait().await;
        }
        sql.close().await;
        Ok(reached)
    }
}

/// A connection that sees what others commit while it lives.
///
/// # Errors
/// When the login fails or the server does not take its settings.
pub(super) async fn reader(host: &HostName, fleet: &Fleet<'_>) -> Result<SqlReader, StepError> {
    let mut sql = fleet.reader(host).await?;
    sql.query("SET SESSION autocommit=1")
        .await
        .map_err(|e| StepError::new(host, "set up its connection", e))?;
    Ok(sql)
}

/// An error as a remark.
pub(super) fn remark(error: &StepError) -> Remark {
    let text = error.to_string();
    let about = format!("{}: ", error.host);
    Remark::new(&error.host, text.strip_prefix(&about).unwrap_or(&text))
}

/// A wait that has begun.
#[derive(Debug, Clone, Copy)]
struct Wait {
    begun: Instant,
    limit: Duration,
}

impl Wait {
    /// Whether it has been long enough. Who interrupts still waits for what is under way, so that it can be
    /// taken away again, but not for what is late.
    fn over(self, fleet: &Fleet<'_>) -> bool {
        let limit = if fleet.interrupt.is_cancelled() { self.limit.min(UNDER_WAY) } else { self.limit };
        self.begun.elapsed() >= limit
    }
}

/// Pauses that grow: short while an answer is near, long where it is not.
#[derive(Debug)]
pub(super) struct Pause(Duration);

impl Default for Pause {
    fn default() -> Self {
        Self(Duration::from_millis(2))
    }
}

impl Pause {
    /// Waits once.
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 5 / 4).min(Duration::from_millis(200));
    }
}
