//! What a run works with: connections, logins, secrets, and the facts the plan was made from.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use super::{
    StepError,
    event::{Event, Events},
    fence::Fences,
    journal::Journal,
};
use crate::{
    desired::Desired,
    dialect::{Dialect, ReadStatement},
    model::{Fact, HostName, Limits, Secret, SecretId, limits},
    observe::{HostFacts, Observed, ServerFacts},
    plan::{Policy, Step},
    transport::{Login, Output, ReadScript, Replicates, Session, SqlReader, SqlWriter, WritePermit, Writer},
};

/// The limit of a single statement that is expected to be quick.
pub(super) const STATEMENT: Duration = limits::STATEMENT.time;
/// The limit of a single script that is expected to be quick.
pub(crate) const SCRIPT: Duration = limits::SCRIPT.time;

/// Everything that steps need.
#[derive(Debug)]
pub(crate) struct Fleet<'a> {
    /// Open connections.
    pub sessions: &'a BTreeMap<HostName, Session>,
    /// How to log in to the servers.
    pub logins: &'a BTreeMap<HostName, Login>,
    /// Secrets by reference.
    pub secrets: &'a BTreeMap<SecretId, Secret>,
    /// The facts that the plan was made from.
    pub observed: &'a Observed,
    /// The wishes.
    pub desired: &'a Desired,
    /// What this run may do.
    pub policy: Policy,
    /// What bounds this run.
    pub limits: Limits,
    /// Cancelled when the user wants the run to end after the running steps.
    pub interrupt: CancellationToken,
    /// Sources whose binary logs are kept for a copy.
    pub holds: Holds,
    /// What hosts know this run by.
    pub run: String,
    /// Whether it still has their locks.
    pub fences: Fences,
    /// Where it is noted what was run.
    pub journal: &'a Journal,
    /// Where it is told how far the steps are.
    pub events: Events,
    pub(super) permit: WritePermit,
    streams: AtomicUsize,
}

/// Sources whose logs are held.
#[derive(Debug, Default)]
pub(crate) struct Holds(pub(crate) tokio::sync::Mutex<BTreeMap<HostName, Hold>>);

/// A source whose logs are held.
#[derive(Debug, Default)]
pub(crate) struct Hold {
    /// For so many copies at the same time.
    pub copies: usize,
    /// What its variables were before.
    pub variables: BTreeMap<String, String>,
}

/// No other run has it.
fn name_of_a_run() -> String {
    format!("{:016x}", RandomState::new().hash_one(std::process::id()))
}

impl<'a> Fleet<'a> {
    /// Puts a fleet together for a run.
    // All that a run works with comes together here, once.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn new(
        sessions: &'a BTreeMap<HostName, Session>,
        logins: &'a BTreeMap<HostName, Login>,
        secrets: &'a BTreeMap<SecretId, Secret>,
        observed: &'a Observed,
        desired: &'a Desired,
        policy: Policy,
        limits: Limits,
        interrupt: CancellationToken,
        journal: &'a Journal,
        events: Events,
    ) -> Self {
        Self {
            sessions,
            logins,
            secrets,
            observed,
            desired,
            policy,
            limits,
            interrupt,
            holds: Holds::default(),
            run: name_of_a_run(),
            fences: Fences::default(),
            journal,
            events,
            permit: WritePermit::for_apply(),
            streams: AtomicUsize::new(0),
        }
    }

    /// What is done on one host.
    pub(crate) fn on(&'a self, host: &'a HostName) -> On<'a> {
        On { host, fleet: self }
    }

    /// A long step has moved on: so many bytes of so many, and what it does now.
    pub(crate) fn progress(&self, step: &Step, (bytes, total): (u64, u64), doing: impl Into<String>) {
        let (id, host) = (step.id.clone(), step.host.clone());
        self.events.send(Event::Progress { id, host, bytes, total, doing: doing.into() });
    }

    /// A name for one more stream of this run. Hosts end what has it in its environment.
    pub(crate) fn stream_name(&self) -> String {
        format!("{}.{}", self.run, self.streams.fetch_add(1, Ordering::Relaxed))
    }

    /// User names of the replication accounts.
    pub(crate) fn own_users(&self) -> Vec<String> {
        self.desired.own_users().into_iter().collect()
    }
}

/// A host and the run that something is done for. Small enough to be handed on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct On<'a> {
    /// The host.
    pub host: &'a HostName,
    /// The run.
    pub fleet: &'a Fleet<'a>,
}

impl<'a> On<'a> {
    /// Another host of the same run.
    pub(crate) fn at(self, host: &'a HostName) -> Self {
        Self { host, ..self }
    }

    /// What failed here, to be read after "could not", and why.
    pub(crate) fn failed(self, tried: impl Into<String>, why: impl std::fmt::Display) -> StepError {
        StepError::new(self.host, tried, why)
    }

    /// The connection.
    pub(crate) fn session(self) -> Result<&'a Session, StepError> {
        self.fleet.sessions.get(self.host).ok_or_else(|| self.failed("use the connection", "there is none"))
    }

    /// What can change the host.
    pub(crate) fn writer(self) -> Result<Writer<'a>, StepError> {
        Ok(self.session()?.writer(&self.fleet.permit))
    }

    /// Runs a script that only reads; one that ran and failed is no error.
    pub(crate) async fn read(
        self,
        script: &ReadScript,
        args: &[&str],
        limit: Duration,
    ) -> Result<Output, StepError> {
        self.session()?.read(script, args, limit).await.map_err(|e| self.failed(script.what, e))
    }

    /// The facts as they were observed.
    pub(crate) fn facts(self) -> Result<&'a HostFacts, StepError> {
        let facts = self.fleet.observed.get(self.host).and_then(Fact::known);
        facts.ok_or_else(|| self.failed("look at its facts", "the host was not read"))
    }

    /// The server's facts as they were observed.
    pub(crate) fn server(self) -> Result<&'a ServerFacts, StepError> {
        self.facts()?.server.known().ok_or_else(|| self.failed("look at its server", "it was not read"))
    }

    /// The words of the server.
    pub(crate) fn dialect(self) -> Result<Dialect, StepError> {
        self.server().map(|s| Dialect::of(s.version))
    }

    /// How to log in to the server.
    pub(crate) fn login(self) -> Result<&'a Login, StepError> {
        let login = self.fleet.logins.get(self.host);
        login.ok_or_else(|| self.failed(LOG_IN, "no login has worked there"))
    }

    /// A secret's value.
    pub(crate) fn secret(self, id: &SecretId) -> Result<&'a Secret, StepError> {
        let secret = self.fleet.secrets.get(id);
        secret.ok_or_else(|| self.failed("use a secret", format!("{} has no value", id.0)))
    }

    /// Opens SQL connections ahead, so that at least `number` wait. Where the server can't be logged in to, or ends
    /// sessions that wait for their first statement, none.
    pub(crate) fn open_ahead(self, number: usize) {
        let (Ok(session), Ok(login), Ok(server)) = (self.session(), self.login(), self.server()) else {
            return;
        };
        // The run itself may give it another one.
        let declared = self.fleet.desired.hosts.get(self.host);
        let wish = declared.and_then(|host| host.setting("wait_timeout")?.values.last());
        let waits = |seconds: &str| {
            seconds.parse::<u64>().is_ok_and(|seconds| seconds > 2 * limits::SQL_READY.time.as_secs())
        };
        if server.variable("wait_timeout").is_some_and(waits) && wish.is_none_or(|value| waits(value)) {
            session.make_sql_ready(login, number);
        }
    }

    /// SQL that only reads.
    pub(crate) async fn reader(self) -> Result<SqlReader, StepError> {
        let reader = self.session()?.sql(self.login()?, STATEMENT).await;
        reader.map_err(|e| self.failed(LOG_IN, e))
    }

    /// Numbers of the run's own sessions on the server.
    pub(crate) async fn own_sessions(self) -> Result<Vec<u64>, StepError> {
        let reader = self.reader().await?;
        let failed = |e| self.failed("list its sessions", e);
        let rows = reader.query(ReadStatement::sessions()).await.map_err(failed)?;
        reader.own_are_known().await;
        let ids = rows.iter().map(|row| row.number("id")).collect::<Result<Vec<u64>, _>>().map_err(failed)?;
        Ok(ids.into_iter().filter(|id| reader.is_own(*id)).collect())
    }

    /// SQL that may change this server alone; nothing of it gets into the binary log, nor into the journal.
    pub(crate) async fn local_sql(self) -> Result<SqlWriter, StepError> {
        let sql = self.writer()?.local_sql(self.login()?, STATEMENT).await;
        sql.map_err(|e| self.failed(LOG_IN, e))
    }

    /// SQL whose changes are meant for the server's replicas, too.
    pub(crate) async fn replicated_sql(self, why: Replicates) -> Result<SqlWriter, StepError> {
        let sql = self.writer()?.replicated_sql(self.login()?, STATEMENT, why).await;
        sql.map_err(|e| self.failed(LOG_IN, e))
    }

    /// Notes in the journal what was run here. `text` has secrets replaced by `***` already.
    pub(crate) fn ran(self, text: &str, begun: Instant, result: &str) {
        self.fleet.journal.ran(self.host, text, begun.elapsed(), result);
    }
}

const LOG_IN: &str = "log in to the server";
