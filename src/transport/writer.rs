//! Changing things on a host.

use std::{marker::PhantomData, sync::Arc, time::Duration};

use openssh::{Child, ChildStdin};

use super::{
    ComingLifeline, ConnectError, Login, Output, RunError, Session, SqlError, SqlWriter,
    ready_sql::Fresh,
    running::{Running, ScriptErr, ScriptOut},
};
use crate::model::{HostName, without_hidden};

/// The right to change something. Only `apply` makes one, so code that plans or reports can't.
#[derive(Debug)]
pub struct WritePermit(());

impl WritePermit {
    /// For `apply` alone.
    pub(crate) fn for_apply() -> Self {
        Self(())
    }
}

/// What of tandem's own changes is meant to reach the replicas of a server. Everything else stays off the binary log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replicates {
    /// A declared database: it is made once, where clients write.
    Database,
    /// The table of the heartbeat, which is stamped where clients write.
    Heartbeat,
    /// An event that runs where clients write, and nowhere else.
    Event,
    /// The canary of `verify`, which is to arrive on the replicas.
    Canary,
    /// The empty transaction in the place of one that a replica leaves out, under the source's own id.
    LeftOut,
}

/// What can change things on one host.
#[derive(Debug, Clone, Copy)]
pub struct Writer<'a> {
    session: &'a Session,
}

impl<'a> Writer<'a> {
    pub(super) fn new(session: &'a Session) -> Self {
        Self { session }
    }

    /// The host's name.
    pub fn host(&self) -> &'a HostName {
        self.session.host()
    }

    /// The session itself, for reading.
    pub fn session(&self) -> &'a Session {
        self.session
    }

    /// Runs a script, whatever status it ends with. `stdin` may hold secrets, `args` may not.
    ///
    /// # Errors
    /// When it can't be run.
    pub async fn try_run(
        &self,
        what: &str,
        text: &str,
        args: &[&str],
        stdin: &[u8],
        limit: Duration,
    ) -> Result<Output, RunError> {
        self.session.line.run(what, text, args, stdin, limit).await
    }

    /// Runs a script and takes a failure for an error. `stdin` may hold secrets, `args` may not.
    ///
    /// # Errors
    /// When it can't be run, or ends with another status than 0.
    pub async fn run(
        &self,
        what: &str,
        text: &str,
        args: &[&str],
        stdin: &[u8],
        limit: Duration,
    ) -> Result<Output, RunError> {
        let output = self.try_run(what, text, args, stdin, limit).await?;
        if output.status == 0 {
            return Ok(output);
        }
        Err(RunError::Failed {
            host: self.host().clone(),
            what: what.to_owned(),
            status: output.status,
            stderr: tail(&output.stderr, 600),
        })
    }

    /// Starts a script whose streams are bytes that flow.
    ///
    /// # Errors
    /// When it can't be started.
    pub async fn stream(&self, what: &str, text: &str, args: &[&str]) -> Result<Stream<'a>, RunError> {
        let Running { stdin, stdout, stderr, child } = self.session.line.start(what, text, args).await?;
        let (host, what) = (self.host().clone(), what.to_owned());
        Ok(Stream { host, what, stdin, stdout, stderr, child, session: PhantomData })
    }

    /// Has a shell wait for each script to come.
    pub fn make_ready(&self) {
        self.session.line.make_ready();
    }

    /// Begins a connection of its own for a script, which no stream can hold up.
    ///
    /// # Errors
    /// With the reason and the next step.
    pub fn lifeline(&self) -> Result<ComingLifeline, ConnectError> {
        self.session.line.lifeline()
    }

    /// Opens SQL that may change things on this server alone: nothing that it does gets into the binary log. This is
    /// the one place that makes a session so.
    ///
    /// # Errors
    /// When the socket does not answer or the login is refused. Where the server keeps logging, so does the first statement.
    pub async fn local_sql(&self, login: &Login, limit: Duration) -> Result<SqlWriter, SqlError> {
        self.connect(login, &["SET SESSION sql_log_bin=0"], limit).await
    }

    /// Opens SQL whose changes are meant for the server's replicas, too. `_why` says for what.
    ///
    /// # Errors
    /// When the socket does not answer or the login is refused.
    pub async fn replicated_sql(
        &self,
        login: &Login,
        limit: Duration,
        _why: Replicates,
    ) -> Result<SqlWriter, SqlError> {
        self.connect(login, &[], limit).await
    }

    async fn connect(
        &self,
        login: &Login,
        settings: &[&str],
        limit: Duration,
    ) -> Result<SqlWriter, SqlError> {
        let line = &self.session.line;
        let Fresh { connection, id } = line.fresh(login, limit).await?;
        Ok(SqlWriter::new(connection, id, settings, limit))
    }
}

/// A running script.
#[derive(Debug)]
pub struct Stream<'a> {
    /// Where it runs.
    pub host: HostName,
    /// What it does, to be read after "to".
    pub what: String,
    /// Its input.
    pub stdin: ChildStdin,
    /// Its output.
    pub stdout: ScriptOut,
    /// Its messages.
    pub stderr: ScriptErr,
    /// The process. Its own exit status stands in what it prints: see [`ScriptOut`].
    pub child: Child<Arc<openssh::Session>>,
    pub(super) session: PhantomData<&'a Session>,
}

/// The end of a text, at a character's border.
pub(super) fn tail(text: &str, most: usize) -> String {
    let text = &*without_hidden(text.trim());
    let mut from = text.len().saturating_sub(most);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text[from..].to_owned()
}
