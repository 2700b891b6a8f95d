//! One ssh process per host, which carries everything else.
//!
//! Its own session runs `cat` and waits for the end of its input, which is a pipe of ours. So it ends,
//! with all that it carries, however this program ends.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time,
};

use super::{ConnectError, Target, askpass};
use crate::model::limits;

const READY: &str = "tandem-ready";

/// A running master.
#[derive(Debug)]
pub struct Master {
    child: Child,
    // Held open: its end is the end of the connection.
    pub(super) stdin: ChildStdin,
    control: PathBuf,
}

impl Master {
    /// Starts it and waits until the login is done.
    ///
    /// # Errors
    /// With what ssh said, and what to do about it.
    pub async fn start(
        target: &Target,
        control: PathBuf,
        askpass_path: PathBuf,
    ) -> Result<Self, ConnectError> {
        Self::start_with(target, control, askpass_path, "exec cat >/dev/null").await.map(|(master, _)| master)
    }

    /// The same with a command of its own, whose output comes back by lines.
    pub(super) async fn start_with(
        target: &Target,
        control: PathBuf,
        askpass_path: PathBuf,
        remote: &str,
    ) -> Result<(Self, Lines<BufReader<ChildStdout>>), ConnectError> {
        let local = |said: String| ConnectError::local(&target.host, &target.destination, said);
        let answering = match &target.password {
            Some(password) => Some(
                askpass::Answering::begin(askpass_path, password.clone())
                    .map_err(|e| local(format!("no socket for the password: {e}")))?,
            ),
            None => None,
        };
        let mut command = ssh(target);
        command.args(["-M", "-S"]).arg(&control).args(["-o", "ControlPersist=no"]);
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
        command.args(["--", &target.destination]).arg(format!("echo {READY}; {remote}"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A process group of its own, so that Ctrl-C in the terminal reaches us and not the connection.
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn().map_err(|e| local(format!("ssh could not be started: {e}")))?;
        let (Some(stdin), Some(stdout), Some(mut stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(local("ssh has no pipes".into()));
        };

        let mut lines = BufReader::new(stdout).lines();
        let ready = async {
            while let Ok(Some(line)) = lines.next_line().await {
                if line.trim_end().ends_with(READY) {
                    return true;
                }
            }
            false
        };
        // ConnectTimeout bounds the TCP connection only; a login may hang later too.
        let limit = target.connect_timeout + limits::LOGIN.time;
        match time::timeout(limit, ready).await {
            Ok(true) => {
                // Whatever comes later on standard error would block the pipe if nobody read it.
                tokio::spawn(async move {
                    let mut sink = [0; 1024];
                    while matches!(stderr.read(&mut sink).await, Ok(n) if n > 0) {}
                });
                Ok((Self { child, stdin, control }, lines))
            }
            Ok(false) => {
                let mut said = Vec::new();
                let _ = time::timeout(limits::FAREWELL.time, stderr.read_to_end(&mut said)).await;
                let said = String::from_utf8_lossy(&said);
                let known_hosts = known_hosts_file(&target.args);
                Err(ConnectError::from_stderr(
                    &target.host,
                    &target.destination,
                    target.port,
                    known_hosts.as_deref(),
                    &said,
                ))
            }
            Err(_) => Err(ConnectError::timeout(&target.host, &target.destination, limit)),
        }
    }

    /// Where other ssh processes reach it.
    pub fn control(&self) -> &Path {
        &self.control
    }

    /// Ends the connection and everything it carries.
    pub async fn end(mut self) {
        drop(self.stdin);
        if time::timeout(limits::FAREWELL.time, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

/// ssh with the options that every connection of ours has. What the user gave comes first, since ssh
/// takes the first value of an option.
pub fn ssh(target: &Target) -> Command {
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
