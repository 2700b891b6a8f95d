//! A row from each writer to every host that it reaches, timed, and taken away again.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use futures_util::future::join;

use super::{
    ChannelGraph, Edge, IdsProof, Route,
    graph::server,
    scratch::{CANARY, IDS, ScratchDatabase},
};
use crate::{
    dialect::{ReadStatement, literal},
    exec::{Fleet, Look, Rule, StepError, wait},
    model::{HostName, in_parallel, limits},
    proof::{About, Doubt, Filter, Remark},
    transport::{Replicates, SqlWriter},
};

/// How long is waited for a row after an interrupt.
const UNDER_WAY: Duration = limits::CANARY_END.time;

/// What the canaries have shown.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    /// How long it took from a writer to a host; nothing where it did not come in time.
    pub arrivals: BTreeMap<(HostName, HostName), Option<Duration>>,
    /// Numbers that were given out at the same time.
    pub ids: Option<IdsProof>,
    /// What went wrong.
    pub errors: Vec<Remark>,
}

impl InFlight {
    /// Whether a writer's canary came to a host.
    pub(crate) fn came(&self, writer: &HostName, host: &HostName) -> bool {
        self.arrivals.get(&(writer.clone(), host.clone())).is_some_and(Option::is_some)
    }

    /// Notes each of several that went wrong.
    pub(super) fn fail_where(&mut self, results: impl IntoIterator<Item = Result<(), StepError>>) {
        results.into_iter().filter_map(Result::err).for_each(|error| self.fail(&error));
    }

    /// Notes what went wrong on a host.
    pub(crate) fn fail(&mut self, error: &StepError) {
        self.errors.push(Remark::from(error));
    }
}

/// One run of canaries.
#[derive(Debug)]
pub(crate) struct Canaries<'a> {
    pub(super) fleet: &'a Fleet<'a>,
    pub(super) sources: Vec<Source>,
    /// How long a row may take beyond the delays that were asked for.
    wait: Duration,
    run: String,
}

/// A writer, its database, and the hosts that it reaches.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) host: HostName,
    pub(super) scratch: ScratchDatabase,
    pub(super) ways: BTreeMap<HostName, Route>,
}

/// A writer with its open connection.
pub(super) struct Open<'a> {
    pub(super) source: &'a Source,
    pub(super) sql: SqlWriter,
}

impl<'a> Canaries<'a> {
    /// Prepares a run over all ways of a graph.
    pub(crate) fn new(fleet: &'a Fleet<'a>, graph: &ChannelGraph, wait: Duration) -> Self {
        let source = |host: &HostName| {
            let id = server(fleet.observed, host)?.number("server_id")?;
            let scratch = ScratchDatabase::of(id);
            let ways = graph.downstream(host, scratch.name(), CANARY);
            Some(Source { host: host.clone(), scratch, ways })
        };
        let sources = graph.writers.iter().filter_map(source).collect();
        let run = format!("{} {}", jiff::Timestamp::now(), std::process::id());
        Self { fleet, sources, wait, run }
    }

    fn forks(&self) -> usize {
        self.fleet.limits.forks
    }

    /// Writers whose databases are looked for side by side; for each of them several hosts are asked.
    fn writers_at_once(&self) -> usize {
        self.flying().count().clamp(1, self.forks().max(1))
    }

    /// Writers that reach anybody.
    fn flying(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(|s| !s.ways.is_empty())
    }

    /// Hosts that the run touches.
    pub(crate) fn hosts(&self) -> BTreeSet<HostName> {
        self.flying().flat_map(|s| s.ways.keys().chain([&s.host])).cloned().collect()
    }

    /// The filter of an edge that keeps the canaries out.
    pub(crate) fn kept_out(&self, edge: &Edge) -> Option<Filter> {
        self.sources.iter().find_map(|s| edge.filters.leaves_out(s.scratch.name(), CANARY))
    }

    /// Writers whose canaries come to a host along an edge.
    pub(crate) fn passed(&self, edge: usize, host: &HostName) -> Vec<&HostName> {
        let along = |way: &Route| way.edges.last() == Some(&edge);
        self.sources.iter().filter(|s| s.ways.get(host).is_some_and(along)).map(|s| &s.host).collect()
    }

    /// Lets them fly, and cleans up behind them whatever happens. `count` says whether numbers are given out
    /// on all writers at the same time too.
    pub(crate) async fn fly(&self, count: bool) -> InFlight {
        let mut flight = InFlight::default();
        if self.fleet.interrupt.is_cancelled() {
            return flight;
        }
        let mut open = Vec::new();
        let opened = self.flying().map(|source| async move { (source, self.open(source).await) });
        for (source, opened) in in_parallel(self.writers_at_once(), opened).await {
            match opened {
                Ok(sql) => open.push(Open { source, sql }),
                Err(error) => flight.fail(&error),
            }
        }
        let make = async |Open { source, sql }: &mut Open<'_>| source.scratch.make(&source.host, sql).await;
        flight.fail_where(in_parallel(self.forks(), open.iter_mut().map(make)).await);
        if flight.errors.is_empty() {
            self.wait_for_tables().await;
            self.send(&mut open, &mut flight).await;
            if count && open.len() > 1 {
                flight.ids = self.count_together(&mut open, &mut flight).await;
            }
        }
        self.clean_up(&mut open, &mut flight).await;
        flight
    }

    async fn open(&self, source: &Source) -> Result<SqlWriter, StepError> {
        // Hosts that are not reached now may be later.
        let looks = in_parallel(
            self.forks() / self.writers_at_once(),
            self.fleet.logins.keys().map(|host| source.scratch.left_on(self.fleet.on(host))),
        );
        let mut left = false;
        for look in looks.await {
            left |= look?;
        }
        let mut sql = self.fleet.on(&source.host).replicated_sql(Replicates::Canary).await?;
        if left {
            source.scratch.remove(&source.host, &mut sql).await?;
        }
        Ok(sql)
    }

    /// The time of a row shall not hold the time of its table. Where a delay was asked for, nobody waits twice.
    async fn wait_for_tables(&self) {
        let near = self.reached().filter(|(_, _, way)| way.delay == 0);
        let waits =
            near.map(|(source, host, _)| self.until(host, source.scratch.tables_there(), |n| n == 2, 0));
        in_parallel(self.forks(), waits).await;
    }

    /// Every writer with every host that it reaches.
    fn reached(&self) -> impl Iterator<Item = (&Source, &HostName, &Route)> {
        self.sources.iter().flat_map(|s| s.ways.iter().map(move |(host, way)| (s, host, way)))
    }

    /// Inserts a row on every writer at once, and sees it arrive.
    async fn send(&self, open: &mut [Open<'_>], flight: &mut InFlight) {
        let run = literal(&self.run);
        let inserts = in_parallel(
            (self.forks() / 2).max(1),
            open.iter_mut().map(|Open { source, sql }| {
                let insert = format!("INSERT INTO {} (run) VALUES ({run})", source.scratch.table(CANARY));
                async move {
                    let done = sql.query(&insert).await.map(|_| Instant::now());
                    (&source.host, done.map_err(|e| StepError::new(&source.host, "put a canary there", e)))
                }
            }),
        );
        let arrivals = in_parallel(
            self.forks() - self.forks() / 2,
            self.reached().map(|(source, host, way)| {
                let query = ReadStatement::count_with(source.scratch.name(), CANARY, "run", &self.run);
                async move { (source, host, self.until(host, query, |n| n == 1, way.delay).await) }
            }),
        );
        let (sent, arrived) = match self.forks() {
            1 => (inserts.await, arrivals.await),
            _ => join(inserts, arrivals).await,
        };
        let mut begun = BTreeMap::new();
        for (writer, result) in sent {
            match result {
                Ok(at) => drop(begun.insert(writer, at)),
                Err(error) => flight.fail(&error),
            }
        }
        for (source, host, result) in arrived {
            let Some(begun) = begun.get(&source.host) else { continue };
            match result {
                Ok(seen) => {
                    let took = seen.map(|at| at.saturating_duration_since(*begun));
                    flight.arrivals.insert((source.host.clone(), host.clone()), took);
                }
                Err(error) => flight.fail(&error),
            }
        }
    }

    /// Deletes the rows, sees the deletion arrive where the row did, and drops the databases.
    async fn clean_up(&self, open: &mut [Open<'_>], flight: &mut InFlight) {
        flight.fail_where(in_parallel(self.forks(), open.iter_mut().map(delete_rows)).await);
        let came = self.reached().filter(|(source, host, _)| flight.came(&source.host, host));
        let late = in_parallel(
            self.forks(),
            came.map(|(source, host, way)| {
                let query = ReadStatement::count_both(source.scratch.name(), [CANARY, IDS]);
                async move { (source, host, self.until(host, query, |n| n == 0, way.delay).await) }
            }),
        )
        .await;
        for (source, host, done) in late {
            match done {
                Ok(Some(_)) => {}
                Ok(None) => {
                    let why = Doubt::CanaryLeft { writer: source.host.clone(), waited: self.wait };
                    flight.errors.push(Remark::new(About::Host(host.clone()), why));
                }
                Err(error) => flight.fail(&error),
            }
        }
        let remove =
            async |Open { source, sql }: &mut Open<'_>| source.scratch.remove(&source.host, sql).await;
        flight.fail_where(in_parallel(self.forks(), open.iter_mut().map(remove)).await);
        let near = self.reached().filter(|(s, host, way)| way.delay == 0 && flight.came(&s.host, host));
        let gone = near.map(|(source, host, _)| self.until(host, source.scratch.there(), |n| n == 0, 0));
        in_parallel(self.forks(), gone).await;
    }

    /// Waits on a host until a query's number is what is wanted; when that was seen. A table that is not there
    /// yet is waited for too. `delay` is in seconds, beyond the usual wait.
    ///
    /// # Errors
    /// When the login fails.
    pub(super) async fn until(
        &self,
        host: &HostName,
        query: ReadStatement,
        enough: impl Fn(u64) -> bool,
        delay: u64,
    ) -> Result<Option<Instant>, StepError> {
        let (begun, limit) = (Instant::now(), self.wait + Duration::from_secs(delay));
        let sql = self.fleet.on(host).reader().await?;
        let seen = wait(proof_rule(limit), async || {
            let rows = sql.query(&query).await.unwrap_or_default();
            match rows.first().and_then(|r| r.number("n").ok()) {
                Some(n) if enough(n) => Look::Done(Some(Instant::now())),
                // Who interrupts still waits for what is under way, so that it can be taken away again, but not for
                // what is late.
                _ if self.fleet.interrupt.is_cancelled() && begun.elapsed() >= UNDER_WAY => Look::Done(None),
                _ => Look::Moving(()),
            }
        });
        let seen = seen.await.unwrap_or_default();
        Ok(seen)
    }
}

/// Deletes what a writer has put into its tables.
async fn delete_rows(Open { source, sql }: &mut Open<'_>) -> Result<(), StepError> {
    let deletes = [CANARY, IDS].map(|table| format!("DELETE FROM {}", source.scratch.table(table)));
    let answers = sql.query_all(&deletes.each_ref().map(String::as_str)).await;
    // A table that could not be made has no rows, and the second one is made after the first.
    let failed =
        answers.into_iter().filter_map(Result::err).find(|error| !matches!(error.code(), Some(1049 | 1146)));
    failed.map_or(Ok(()), |error| {
        let next = "The next `tandem verify` removes what is left.";
        Err(StepError::new(&source.host, "delete the canary", error).then(next))
    })
}

/// Waits so long in all, with pauses that grow: short while an answer is near, long where it is not.
pub(super) fn proof_rule<'a>(limit: Duration) -> Rule<'a> {
    let [first, every] = limits::PAUSES;
    Rule { first: Some(first), every: Some(every), ..Rule::within(limit) }
}
