//! A connection to one host, for reading.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use openssh::{Child, Stdio};
use tokio::{io::AsyncWriteExt, sync::Semaphore, time};

use super::{
    ConnectError, Lifeline, Login, Output, ReadScript, RunError, SqlError, SqlReader, Sudo, Target,
    WritePermit, Writer, bridge, master::Master, script::command_line, script::word, sql,
};
use crate::model::HostName;

/// sshd's MaxSessions is 10 by default; one is the master's own, one stays free for the user.
const CHANNELS: usize = 8;

/// A private directory of this run for control and forwarded sockets. It is removed when dropped.
#[derive(Debug)]
pub struct Scratch {
    directory: tempfile::TempDir,
    next: AtomicUsize,
}

impl Scratch {
    /// Makes the directory. A path of a unix socket has 108 bytes at most, so it is a short one.
    ///
    /// # Errors
    /// When no directory can be made.
    pub fn new() -> std::io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("tandem-").rand_bytes(8);
        let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|p| p.is_dir());
        let directory = match own.filter(|p| p.as_os_str().len() < 60) {
            Some(runtime) => builder.tempdir_in(runtime),
            None => builder.tempdir_in("/tmp"),
        }?;
        Ok(Self { directory, next: AtomicUsize::new(0) })
    }

    /// A fresh short path.
    pub fn path(&self, kind: &str) -> PathBuf {
        self.directory.path().join(format!("{}{kind}", self.next.fetch_add(1, Ordering::Relaxed)))
    }
}

/// An open connection.
#[derive(Debug)]
pub struct Session {
    target: Target,
    master: Master,
    mux: openssh::Session,
    channels: Semaphore,
    scratch: Arc<Scratch>,
}

impl Session {
    /// Connects and logs in.
    ///
    /// # Errors
    /// With the reason and the next step.
    pub async fn open(target: Target, scratch: Arc<Scratch>) -> Result<Self, ConnectError> {
        let master = Master::start(&target, scratch.path("c"), scratch.path("p")).await?;
        let control: Box<Path> = master.control().into();
        let mux = openssh::Session::resume_mux(control, None);
        Ok(Self { target, master, mux, channels: Semaphore::new(CHANNELS), scratch })
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
        let local = self.forward(&login.socket).await?;
        SqlReader::new(sql::connect(&local, login, limit).await?, limit).await
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
        self.master.end().await;
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
        let lost = || RunError::Lost { host: self.target.host.clone(), what: what.to_owned() };
        let work = async {
            let _channel = self.channels.acquire().await.map_err(|_| lost())?;
            let (mut child, password) = self.spawn(text, args).await.map_err(|_| lost())?;
            let mut input = child.stdin().take().ok_or_else(lost)?;
            let feed = async move {
                // A script that ends early closes its input; that is not an error.
                if let Some(password) = password {
                    let _ = input.write_all(password.as_bytes()).await;
                }
                let _ = input.write_all(stdin).await;
                let _ = input.shutdown().await;
                drop(input);
            };
            let (output, ()) = tokio::join!(child.wait_with_output(), feed);
            let output = output.map_err(|_| lost())?;
            Ok(Output {
                status: output.status.code().unwrap_or(255),
                stdout: output.stdout,
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            })
        };
        let output = time::timeout(limit, work).await.map_err(|_| RunError::Timeout {
            host: self.target.host.clone(),
            what: what.to_owned(),
            after: limit,
        })??;
        self.check_sudo(&output)?;
        Ok(output)
    }

    /// Starts a script with all three streams as pipes. What comes back beside it must be written
    /// to its input first.
    pub(super) async fn spawn(
        &self,
        text: &str,
        args: &[&str],
    ) -> Result<(Child<&openssh::Session>, Option<zeroize::Zeroizing<String>>), openssh::Error> {
        let (line, password) = self.wrap(command_line(text, args));
        let mut command = self.mux.raw_command(line);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok((command.spawn().await?, password))
    }

    /// Puts sudo in front of a command line.
    fn wrap(&self, line: String) -> (String, Option<zeroize::Zeroizing<String>>) {
        let Some(Sudo { user, password }) = &self.target.sudo else { return (line, None) };
        let user = word(user);
        match password {
            None => (format!("LC_ALL=C sudo -n -H -u {user} -- {line}"), None),
            Some(password) => {
                // The first line of the input is the password. Both `read` and `sudo -S` take it byte
                // by byte, so the rest is the script's. Where sudo wants no password, none is given to
                // it. `-k` keeps sudo from noting anywhere that this login has given one.
                let script = format!(
                    "export LC_ALL=C\n\
                     if sudo -n -k true 2>/dev/null; then IFS= read -r p; exec sudo -n -H -u {user} -- {line}; fi\n\
                     exec sudo -k -S -p '' -H -u {user} -- {line}"
                );
                let mut first = zeroize::Zeroizing::new(String::with_capacity(password.expose().len() + 1));
                first.push_str(password.expose());
                first.push('\n');
                (format!("sh -c {}", word(&script)), Some(first))
            }
        }
    }

    fn check_sudo(&self, output: &Output) -> Result<(), RunError> {
        if self.target.sudo.is_none() || output.status == 0 || !output.stdout.is_empty() {
            return Ok(());
        }
        let text = &output.stderr;
        let user = self.target.user.as_deref().unwrap_or("the login");
        let next = if text.contains("a password is required") || text.contains("no password was provided") {
            match self.target.sudo.as_ref().and_then(|s| s.password.as_ref()) {
                Some(_) => format!("Check ansible_become_password of {user}"),
                None => "Set ansible_become_password, or allow sudo without one".to_owned(),
            }
        } else if text.contains("incorrect password") || text.contains("Sorry, try again") {
            format!("Check ansible_become_password of {user}")
        } else if text.contains("not in the sudoers") || text.contains("is not allowed to") {
            format!("Let {user} use sudo on this host")
        } else if text.contains("you must have a tty") {
            "Take `requiretty` out of sudoers for this login".to_owned()
        } else if text.contains("sudo: not found") || text.contains("sudo: command not found") {
            "Install sudo, or log in as root".to_owned()
        } else {
            return Ok(());
        };
        let said = text.lines().rfind(|l| !l.trim().is_empty()).unwrap_or_default();
        let said = said.trim_start_matches("sudo:").trim().to_owned();
        Err(RunError::Sudo { host: self.target.host.clone(), said, next })
    }

    /// A local socket that leads to one of the host.
    ///
    /// sshd opens a forwarded socket as the login user. Where that user has to become root first, a
    /// small bridge runs under sudo instead, so that the server sees root.
    pub(super) async fn forward(&self, remote: &str) -> Result<PathBuf, SqlError> {
        let local = self.scratch.path("s");
        let failed = |why: String| SqlError::Connect { socket: remote.to_owned(), why };
        if self.target.sudo.is_some() {
            let (command, password) = self.wrap(command_line(bridge::SCRIPT, &[remote]));
            bridge::serve(&local, self.master.control(), command, password)
                .map_err(|e| failed(e.to_string()))?;
        } else {
            let listen = openssh::Socket::UnixSocket { path: local.clone().into() };
            let connect = openssh::Socket::UnixSocket { path: PathBuf::from(remote).into() };
            self.mux
                .request_port_forward(openssh::ForwardType::Local, listen, connect)
                .await
                .map_err(|e| failed(e.to_string()))?;
        }
        Ok(local)
    }

    /// A connection of its own to a script, which no stream can hold up.
    pub(super) async fn lifeline(&self, text: &str, args: &[&str]) -> Result<Lifeline, ConnectError> {
        let (line, password) = self.wrap(command_line(text, args));
        let (control, answers) = (self.scratch.path("l"), self.scratch.path("q"));
        let (master, lines) = Master::start_with(&self.target, control, answers, &line).await?;
        Lifeline::begin(master, lines, password).await.map_err(|error| {
            ConnectError::local(&self.target.host, &self.target.destination, error.to_string())
        })
    }

    /// Whether the master still lives.
    pub async fn alive(&self) -> bool {
        self.mux.check().await.is_ok()
    }
}
