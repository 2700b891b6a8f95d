//! A connection to one host, for reading.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use openssh::{Child, Stdio};
use tokio::{
    sync::{OnceCell, Semaphore},
    time,
};

use super::{
    ConnectError, Lifeline, Login, Output, ReadScript, RunError, Scratch, SqlError, SqlReader, Target,
    WritePermit, Writer,
    frame::Mark,
    master::{Master, Remote},
    running::{MOST, Running, Said},
    script::program,
};
use crate::model::HostName;

/// Scripts at the same time. sshd's MaxSessions is 10 by default; one is the master's own, one stays free for the user.
const CHANNELS: usize = 8;
/// Connections to one host. More than one is opened only where sshd allows few sessions on each.
const CONNECTIONS: usize = 8;

/// An open connection.
#[derive(Debug)]
pub struct Session {
    pub(super) target: Target,
    /// The first is there from the beginning, the others where it has no room for another session.
    connections: [OnceCell<Master>; CONNECTIONS],
    channels: Semaphore,
    pub(super) scratch: Arc<Scratch>,
    /// Whether sshd was found to forward no sockets.
    pub(super) forwards_nothing: AtomicBool,
}

impl Session {
    /// Connects and logs in.
    ///
    /// # Errors
    /// With the reason and the next step.
    pub async fn open(target: Target, scratch: Arc<Scratch>) -> Result<Self, ConnectError> {
        let session = Self {
            target,
            connections: Default::default(),
            channels: Semaphore::new(CHANNELS),
            scratch,
            forwards_nothing: AtomicBool::new(false),
        };
        session.master(&session.connections[0]).await?;
        Ok(session)
    }

    async fn master<'a>(&self, cell: &'a OnceCell<Master>) -> Result<&'a Master, ConnectError> {
        cell.get_or_try_init(|| Master::start(&self.target, self.scratch.path("c"), self.scratch.path("p")))
            .await
    }

    /// The host's name.
    pub fn host(&self) -> &HostName {
        &self.target.host
    }

    /// Runs a script that only reads.
    ///
    /// # Errors
    /// When the connection is lost, the time is over, or root can't be become. A script that ran
    /// and failed is no error here; see [`Output::status`].
    pub async fn read(
        &self,
        script: &ReadScript,
        args: &[&str],
        limit: Duration,
    ) -> Result<Output, RunError> {
        self.run(script.what, script.text, args, b"", limit).await
    }

    /// Opens SQL for reading.
    ///
    /// # Errors
    /// When the socket does not answer or the login is refused.
    pub async fn sql(&self, login: &Login, limit: Duration) -> Result<SqlReader, SqlError> {
        SqlReader::new(self.connect(login, limit).await?, limit).await
    }

    /// A way to change things on this host.
    pub fn writer<'a>(&'a self, _permit: &WritePermit) -> Writer<'a> {
        Writer::new(self)
    }

    /// Whether a fresh connection, one that no established state helps, gets in.
    ///
    /// # Errors
    /// With what ssh said.
    pub async fn confirm_fresh(&self) -> Result<(), ConnectError> {
        let scratch = self.scratch.path("f");
        let fresh = Master::start(&self.target, self.scratch.path("n"), scratch).await?;
        fresh.end().await;
        Ok(())
    }

    /// Ends the connection.
    pub async fn close(self) {
        for master in self.connections.into_iter().filter_map(OnceCell::into_inner) {
            master.end().await;
        }
    }

    /// Runs a script to its end.
    pub(super) async fn run(
        &self,
        what: &str,
        text: &str,
        args: &[&str],
        stdin: &[u8],
        limit: Duration,
    ) -> Result<Output, RunError> {
        let work = async {
            let _channel = self.channels.acquire().await.map_err(|_| self.lost(what))?;
            Ok(self.start(what, text, args).await?.finish(stdin).await)
        };
        let said = time::timeout(limit, work).await.map_err(|_| RunError::Timeout {
            host: self.target.host.clone(),
            what: what.to_owned(),
            after: limit,
        })??;
        match said {
            Said::Whole { status, stdout, stderr } => Ok(Output { status, stdout, stderr }),
            Said::Cut => Err(self.lost(what)),
            Said::TooMuch => {
                let host = self.target.host.clone();
                Err(RunError::TooMuch { host, what: what.to_owned(), most: MOST })
            }
        }
    }

    /// Starts a script and waits until it has begun.
    pub(super) async fn start(&self, what: &str, text: &str, args: &[&str]) -> Result<Running, RunError> {
        let mark = Mark::draw().map_err(|_| self.lost(what))?;
        let (command, password) = self.target.command();
        let child = self.channel(what, &command).await?;
        let program = program(&mark, text, args);
        let first = [password.as_ref().map_or(&[][..], |p| p.as_bytes()), program.as_bytes()];
        match Running::begin(child, &mark, &first).await {
            Some(Ok(running)) => Ok(running),
            Some(Err(_)) if !self.alive().await => Err(self.lost(what)),
            Some(Err((stdout, stderr))) => Err(self.target.not_begun(&stdout, &stderr)),
            None => Err(self.lost(what)),
        }
    }

    /// Runs a command on a connection that has room for it.
    async fn channel(&self, what: &str, command: &str) -> Result<Child<Arc<openssh::Session>>, RunError> {
        for cell in &self.connections {
            let fresh = !cell.initialized();
            let master = self.master(cell).await.map_err(|_| self.lost(what))?;
            let mut remote = master.mux().arc_raw_command(command);
            remote.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            match remote.spawn().await {
                Ok(child) => return Ok(child),
                Err(_) if master.mux().check().await.is_err() => return Err(self.lost(what)),
                // It lives, so it was the host that wanted no more sessions on it.
                Err(_) if fresh => break,
                Err(_) => {}
            }
        }
        Err(RunError::Full { host: self.target.host.clone() })
    }

    pub(super) fn lost(&self, what: &str) -> RunError {
        RunError::Lost { host: self.target.host.clone(), what: what.to_owned() }
    }

    /// The socket at which the first connection takes requests.
    pub(super) fn mux(&self) -> Option<Arc<openssh::Session>> {
        self.connections[0].get().map(Master::mux)
    }

    /// A connection of its own to a script, which no stream can hold up.
    pub(super) async fn lifeline(&self, text: &str, args: &[&str]) -> Result<Lifeline, ConnectError> {
        let mark = Mark::draw().map_err(|error| {
            ConnectError::local(&self.target.host, &self.target.destination, error.to_string())
        })?;
        let (command, password) = self.target.command();
        let program = program(&mark, text, args);
        let first = [password.as_ref().map_or(&[][..], |p| p.as_bytes()), program.as_bytes()];
        let (control, answers) = (self.scratch.path("l"), self.scratch.path("q"));
        let remote = Remote { command: &command, mark: &mark, first: &first };
        let (master, output) = Master::start_with(&self.target, control, answers, remote).await?;
        Ok(Lifeline::new(master, output))
    }

    /// Whether the master still lives.
    pub async fn alive(&self) -> bool {
        match self.mux() {
            Some(mux) => mux.check().await.is_ok(),
            None => false,
        }
    }
}
