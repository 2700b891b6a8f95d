//! A connection to one host, for reading.

use std::{sync::Arc, time::Duration};

use super::{
    ConnectError, HeldScript, Login, Output, ReadScript, RunError, Scratch, SqlError, SqlReader, Target,
    WritePermit, Writer, line::Line, master::Master,
};
use crate::model::HostName;

/// An open connection.
#[derive(Debug)]
pub struct Session {
    pub(super) line: Arc<Line>,
}

impl Session {
    /// Connects and logs in. Scripts and SQL can begin at once; [`Session::settled`] tells in time whether they can run.
    ///
    /// # Errors
    /// With the reason and the next step.
    pub async fn open(target: Target, scratch: Arc<Scratch>) -> Result<Self, ConnectError> {
        Ok(Self { line: Line::begin(target, scratch).await? })
    }

    /// Waits until the login has shown that it runs commands.
    ///
    /// # Errors
    /// With what it did in their place, and the next step.
    pub async fn settled(&self) -> Result<(), ConnectError> {
        self.line.settled().await
    }

    /// The host's name.
    pub fn host(&self) -> &HostName {
        &self.line.target.host
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
        self.line.run(script.what, script.text, args, b"", limit).await
    }

    /// Begins a script that only reads, and holds something on the host until what comes back is dropped.
    ///
    /// # Errors
    /// As [`Session::read`].
    pub async fn hold(&self, script: &ReadScript, args: &[&str]) -> Result<HeldScript, RunError> {
        self.line.hold(script.what, script.text, args).await
    }

    /// SQL for reading: over a connection that nobody uses any more, or a new one.
    ///
    /// # Errors
    /// When the socket does not answer or the login is refused.
    pub async fn sql(&self, login: &Login, limit: Duration) -> Result<SqlReader, SqlError> {
        match self.line.rested(login, limit) {
            Some(reader) => Ok(reader),
            None => {
                let fresh = self.line.fresh(login, limit).await?;
                Ok(SqlReader::new(fresh, login.clone(), limit, &self.line))
            }
        }
    }

    /// Opens a shell for a script that is to come soon.
    pub fn expect_script(&self) {
        self.line.open_shell();
    }

    /// Opens connections ahead, so that at least `number` wait for the next who ask, and from now on one for each that is
    /// taken. Only where the server lets a session wait for a while before its first statement.
    pub fn make_sql_ready(&self, login: &Login, number: usize) {
        self.line.ready_sql.keep();
        self.line.open_ahead(login, number);
    }

    /// Begins the connection that a run's lock will need, before a plan that is to be applied is ready.
    pub fn begin_lifeline(&self) {
        self.line.begin_lifeline();
    }

    /// Ends the connections that wait, and opens none: what a new session finds is about to change, or the server itself is.
    pub fn forget_sql(&self) {
        self.line.forget_sql();
    }

    /// The same over a new connection: what shows that the server takes one.
    ///
    /// # Errors
    /// As [`Session::sql`].
    pub async fn new_sql(&self, login: &Login, limit: Duration) -> Result<SqlReader, SqlError> {
        // Those that wait may be of the server that was there before.
        self.forget_sql();
        let fresh = self.line.connect(login, limit).await?;
        Ok(SqlReader::new(fresh, login.clone(), limit, &self.line))
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
        let (control, answers) = (self.line.scratch.path("n"), self.line.scratch.path("f"));
        let fresh = Master::start(&self.line.target, control, answers).await?;
        fresh.end().await;
        Ok(())
    }

    /// Ends the connection.
    pub async fn close(self) {
        // Nobody but a reader that looks for another connection in this very moment shares it.
        if let Some(line) = Arc::into_inner(self.line) {
            line.end().await;
        }
    }

    /// Whether the first connection still lives.
    pub async fn alive(&self) -> bool {
        self.line.alive().await
    }
}
