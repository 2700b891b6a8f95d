//! One ssh process per host, which carries everything else.
//!
//! Its own session runs `cat` and waits for the end of its input, which is a pipe of ours. So it ends,
//! with all that it carries, however this program ends.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    sync::Mutex,
    time::{self, Instant},
};

use super::{
    ConnectError, Target, askpass,
    frame::{Framed, Mark},
    script::word,
};
use crate::model::limits;

/// Of what ssh prints before it gives up.
const WORDS: u64 = 64 << 10;

/// A running master.
#[derive(Debug)]
pub(super) struct Master {
    child: Mutex<Child>,
    // Held open: its end is the end of the connection.
    pub(super) stdin: ChildStdin,
    mux: Arc<openssh::Session>,
    opening: Mutex<Option<Opening>>,
}

/// A master whose login may still turn out to run no command.
#[derive(Debug)]
struct Opening {
    stdout: Framed<ChildStdout>,
    stderr: ChildStderr,
    answering: Option<askpass::Answering>,
    /// ConnectTimeout bounds the TCP connection only; a login may hang later too.
    limit: Duration,
    until: Instant,
}

impl Master {
    /// Starts it and waits until the login is done.
    ///
    /// # Errors
    /// With what ssh said, and what to do about it.
    pub(super) async fn start(
        target: &Target,
        control: PathBuf,
        askpass_path: PathBuf,
    ) -> Result<Self, ConnectError> {
        let master = Self::begin(target, control, askpass_path).await?;
        master.settled(target).await?;
        Ok(master)
    }

    /// Starts it and waits until the host has let the user in: from then on it takes sessions. What its own session runs
    /// has not begun yet; see [`Master::settled`].
    ///
    /// # Errors
    /// As [`Master::start`].
    pub(super) async fn begin(
        target: &Target,
        control: PathBuf,
        askpass_path: PathBuf,
    ) -> Result<Self, ConnectError> {
        let mark = Mark::draw()
            .map_err(|e| ConnectError::local(&target.host, &target.destination, e.to_string()))?;
        let waits = format!("sh -c {}", word(&format!("echo \"{}\"; exec cat >/dev/null", mark.begin())));
        let mut master = Self::spawn(target, &control, askpass_path, (&waits, &mark))?;
        let Some(mut opening) = master.opening.get_mut().take() else { return Ok(master) };
        // ssh listens for sessions as soon as it is let in.
        let listens = async {
            while !control.exists() {
                time::sleep(limits::SSH_LISTENS).await;
            }
        };
        tokio::select! {
            biased;
            begun = time::timeout_at(opening.until, opening.stdout.begin()) => {
                master.judge(target, opening, begun.ok()).await?;
            }
            () = listens => *master.opening.get_mut() = Some(opening),
        }
        Ok(master)
    }

    /// Waits until its own session has shown that the login runs commands.
    ///
    /// # Errors
    /// As [`Master::start`].
    pub(super) async fn settled(&self, target: &Target) -> Result<(), ConnectError> {
        let mut waiting = self.opening.lock().await;
        let Some(mut opening) = waiting.take() else { return Ok(()) };
        let begun = time::timeout_at(opening.until, opening.stdout.begin()).await;
        self.judge(target, opening, begun.ok()).await.map(drop)
    }

    /// Gives what runs in its own session its input, and waits until it begins to print. Its output comes back.
    ///
    /// # Errors
    /// As [`Master::start`].
    pub(super) async fn feed(
        mut self,
        target: &Target,
        input: &[&[u8]],
    ) -> Result<(Self, Framed<ChildStdout>), ConnectError> {
        let Some(mut opening) = self.opening.get_mut().take() else {
            return Err(ConnectError::local(
                &target.host,
                &target.destination,
                "ssh has no pipes".to_owned(),
            ));
        };
        // It may have waited for its turn.
        opening.until = Instant::now() + opening.limit;
        let ready = async {
            for bytes in input {
                // What does not read its input has not begun, which is seen below.
                let _ = self.stdin.write_all(bytes).await;
            }
            let _ = self.stdin.flush().await;
            opening.stdout.begin().await
        };
        let begun = time::timeout_at(opening.until, ready).await;
        let stdout = self.judge(target, opening, begun.ok()).await?;
        Ok((self, stdout))
    }

    /// Starts ssh with a command for the login shell, and the frame of what that prints.
    pub(super) fn spawn(
        target: &Target,
        control: &Path,
        askpass_path: PathBuf,
        (remote, mark): (&str, &Mark),
    ) -> Result<Self, ConnectError> {
        let local = |said: String| ConnectError::local(&target.host, &target.destination, said);
        let answering = match &target.password {
            Some(password) => Some(
                askpass::Answering::begin(askpass_path, password.clone(), control.to_owned())
                    .map_err(|e| local(format!("no socket for the password: {e}")))?,
            ),
            None => None,
        };
        let mut command = ssh(target);
        command.args(["-M", "-S"]).arg(control).args(["-o", "ControlPersist=no"]);
        match &answering {
            Some(answering) => {
                let own = std::env::current_exe().map_err(|e| local(e.to_string()))?;
                command.env("SSH_ASKPASS", own).env("SSH_ASKPASS_REQUIRE", "force");
                command.env(askpass::VARIABLE, answering.path());
                command.args(["-o", "NumberOfPasswordPrompts=1", "-o", "BatchMode=no"]);
            }
            None => {
                command.args(["-o", "BatchMode=yes"]);
            }
        }
        command.args(["--", &target.destination]).arg(remote);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A process group of its own, so that Ctrl-C in the terminal reaches us and not the connection.
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn().map_err(|e| local(format!("ssh could not be started: {e}")))?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(local("ssh has no pipes".to_owned()));
        };

        let limit = target.connect_timeout + limits::LOGIN.time;
        let stdout = Framed::new(stdout, mark);
        let opening = Opening { stdout, stderr, answering, limit, until: Instant::now() + limit };
        let mux = Arc::new(openssh::Session::resume_mux(control.into(), None));
        Ok(Self { child: Mutex::new(child), stdin, mux, opening: Mutex::new(Some(opening)) })
    }

    /// What its session has come to: whether it has begun to print as it should, where it was in time.
    async fn judge(
        &self,
        target: &Target,
        opening: Opening,
        begun: Option<bool>,
    ) -> Result<Framed<ChildStdout>, ConnectError> {
        let Opening { stdout, mut stderr, answering, limit, .. } = opening;
        match begun {
            Some(true) => {
                // Whatever comes later on standard error would block the pipe if nobody read it.
                tokio::spawn(async move {
                    let mut sink = [0; 1024];
                    while matches!(stderr.read(&mut sink).await, Ok(n) if n > 0) {}
                });
                Ok(stdout)
            }
            Some(false) => {
                let mut said = Vec::new();
                let mut words = stderr.take(WORDS);
                let _ = time::timeout(limits::FAREWELL.time, words.read_to_end(&mut said)).await;
                let said = String::from_utf8_lossy(&said);
                if let Some(prompt) = answering.as_ref().and_then(askpass::Answering::refused) {
                    return Err(ConnectError::prompt(&target.host, &target.destination, &prompt));
                }
                let ended =
                    time::timeout(limits::FAREWELL.time, async { self.child.lock().await.wait().await })
                        .await;
                // ssh itself ends with 255; any other status is that of what ran on the host.
                if matches!(&ended, Ok(Ok(status)) if status.code() != Some(255)) {
                    return Err(ConnectError::shell(target, &said, &stdout.noise()));
                }
                let known_hosts = known_hosts_file(&target.args);
                Err(ConnectError::from_stderr(
                    &target.host,
                    &target.destination,
                    target.port,
                    known_hosts.as_deref(),
                    &said,
                ))
            }
            None => {
                let printed = stdout.noise();
                if printed.is_empty() {
                    return Err(ConnectError::timeout(&target.host, &target.destination, limit));
                }
                // It got in, and what runs there is something else.
                Err(ConnectError::shell(target, "", &printed))
            }
        }
    }

    /// What opens sessions on it.
    pub(super) fn mux(&self) -> Arc<openssh::Session> {
        self.mux.clone()
    }

    /// Ends the connection and everything it carries.
    pub(super) async fn end(self) {
        drop(self.stdin);
        let mut child = self.child.into_inner();
        if time::timeout(limits::FAREWELL.time, child.wait()).await.is_err() {
            let _ = child.kill().await;
        }
    }
}

/// ssh with the options that every connection of ours has. What the user gave comes first, since ssh
/// takes the first value of an option.
pub(super) fn ssh(target: &Target) -> Command {
    let mut command = Command::new("ssh");
    if let Some(config) = &target.ssh_config {
        command.arg("-F").arg(config);
    }
    command.args(&target.args);
    for option in [
        "StrictHostKeyChecking=yes",
        "ServerAliveInterval=15",
        "ServerAliveCountMax=3",
        "ForwardAgent=no",
        "ForwardX11=no",
        "ClearAllForwardings=yes",
        "PermitLocalCommand=no",
        "RequestTTY=no",
        "RemoteCommand=none",
        "LogLevel=ERROR",
    ] {
        command.args(["-o", option]);
    }
    command.args(["-o", &format!("ConnectTimeout={}", target.connect_timeout.as_secs().max(1))]);
    if let Some(port) = target.port {
        command.args(["-o", &format!("Port={port}")]);
    }
    if let Some(user) = &target.user {
        command.args(["-l", user]);
    }
    if let Some(key) = &target.key {
        command.arg("-i").arg(key);
    }
    command
}

/// The known_hosts file that the arguments name, for the message that tells how to add a key.
fn known_hosts_file(args: &[String]) -> Option<String> {
    args.iter()
        .find_map(|arg| arg.trim_start_matches("-o").trim().strip_prefix("UserKnownHostsFile="))
        .map(str::to_owned)
}
