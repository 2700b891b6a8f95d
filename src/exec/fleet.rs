//! What a run works with: connections, logins, secrets, and the facts the plan was made from.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::{StepError, fence::Fences};
use crate::{
    desired::Desired,
    dialect::Dialect,
    model::{Fact, HostName, Limits, Secret, SecretId, limits},
    observe::{HostFacts, Observed, ServerFacts},
    plan::Policy,
    transport::{Login, Replicates, Session, SqlReader, SqlWriter, WritePermit, Writer},
};

/// The limit of a single statement that is expected to be quick.
pub const STATEMENT: Duration = limits::STATEMENT.time;
/// The limit of a single script that is expected to be quick.
pub const SCRIPT: Duration = limits::SCRIPT.time;

/// Everything that steps need.
#[derive(Debug)]
pub struct Fleet<'a> {
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
    streams: AtomicUsize,
    permit: WritePermit,
}

/// Sources whose logs are held, and for how many copies at the same time.
#[derive(Debug, Default)]
pub struct Holds(pub(crate) tokio::sync::Mutex<BTreeMap<HostName, usize>>);

/// No other run has it.
fn name_of_a_run() -> String {
    format!("{:016x}", RandomState::new().hash_one(std::process::id()))
}

impl<'a> Fleet<'a> {
    /// Puts a fleet together for a run.
    // All that a run works with comes together here, once.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        sessions: &'a BTreeMap<HostName, Session>,
        logins: &'a BTreeMap<HostName, Login>,
        secrets: &'a BTreeMap<SecretId, Secret>,
        observed: &'a Observed,
        desired: &'a Desired,
        policy: Policy,
        limits: Limits,
        interrupt: CancellationToken,
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
            streams: AtomicUsize::new(0),
            permit: WritePermit::for_apply(),
        }
    }

    /// What can change a host.
    pub fn writer(&self, host: &HostName) -> Result<Writer<'_>, StepError> {
        let session = self.session(host)?;
        Ok(session.writer(&self.permit))
    }

    /// A name for one more stream of this run. Hosts end what has it in its environment.
    pub fn stream_name(&self) -> String {
        format!("{}.{}", self.run, self.streams.fetch_add(1, Ordering::Relaxed))
    }

    /// A host's connection.
    pub fn session(&self, host: &HostName) -> Result<&Session, StepError> {
        self.sessions.get(host).ok_or_else(|| StepError::new(host, "use the connection", "there is none"))
    }

    /// A host's facts as they were observed.
    pub fn facts(&self, host: &HostName) -> Result<&HostFacts, StepError> {
        self.observed
            .get(host)
            .and_then(Fact::known)
            .ok_or_else(|| StepError::new(host, "look at its facts", "the host was not read"))
    }

    /// A server's facts as they were observed.
    pub fn server(&self, host: &HostName) -> Result<&ServerFacts, StepError> {
        self.facts(host)?
            .server
            .known()
            .ok_or_else(|| StepError::new(host, "look at its server", "it was not read"))
    }

    /// The words of a server.
    pub fn dialect(&self, host: &HostName) -> Result<Dialect, StepError> {
        self.server(host).map(|s| Dialect::of(s.version))
    }

    /// How to log in to a server.
    pub fn login(&self, host: &HostName) -> Result<&Login, StepError> {
        self.logins
            .get(host)
            .ok_or_else(|| StepError::new(host, "log in to the server", "no login has worked there"))
    }

    /// SQL that may change this server alone; nothing of it gets into the binary log.
    pub async fn local_sql(&self, host: &HostName) -> Result<SqlWriter, StepError> {
        let login = self.login(host)?;
        self.writer(host)?
            .local_sql(login, STATEMENT)
            .await
            .map_err(|e| StepError::new(host, "log in to the server", e))
    }

    /// SQL whose changes are meant for the server's replicas, too.
    pub async fn replicated_sql(&self, host: &HostName, why: Replicates) -> Result<SqlWriter, StepError> {
        let login = self.login(host)?;
        self.writer(host)?
            .replicated_sql(login, STATEMENT, why)
            .await
            .map_err(|e| StepError::new(host, "log in to the server", e))
    }

    /// SQL that only reads.
    pub async fn reader(&self, host: &HostName) -> Result<SqlReader, StepError> {
        let login = self.login(host)?;
        self.session(host)?
            .sql(login, STATEMENT)
            .await
            .map_err(|e| StepError::new(host, "log in to the server", e))
    }

    /// User names of the replication accounts.
    pub fn own_users(&self) -> Vec<String> {
        self.desired.own_users().into_iter().collect()
    }

    /// A secret's value.
    pub fn secret(&self, host: &HostName, id: &SecretId) -> Result<&Secret, StepError> {
        self.secrets
            .get(id)
            .ok_or_else(|| StepError::new(host, "use a secret", format!("{} has no value", id.0)))
    }
}
