//! One ssh process per host, which carries everything else.
//!
//! Its own session runs `cat` and waits for the end of its input, which is a pipe of ours. So it ends,
//! with all that it carries, however this program ends.

use std::{path::PathBuf, process::Stdio, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin, ChildStdout, Command},
    time,
};

use super::{
    ConnectError, Target, askpass,
    frame::{Framed, Mark},
    script::word,
};
use crate::model::limits;

/// Of what ssh prints before it gives up.
const WORDS: u64 = 64 << 10;

/// What runs at the other end of a connection of its own.
pub(super) struct Remote<'a> {
    /// For the login shell.
    pub command: &'a str,
    /// The frame of what it prints.
    pub mark: &'a Mark,
    /// What goes to its input before it begins to print.
    pub first: &'a [&'a [u8]],
}

/// A running master.
#[derive(Debug)]
pub struct Master {
    child: Child,
    // Held open: its end is the end of the connection.
    pub(super) stdin: ChildStdin,
    mux: Arc<openssh::Session>,
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
        let mark = Mark::draw()
            .map_err(|e| ConnectError::local(&target.host, &target.destination, e.to_string()))?;
        let waits = format!("sh -c {}", word(&format!("echo \"{}\"; exec cat >/dev/null", mark.begin())));
        let remote = Remote { command: &waits, mark: &mark, first: &[] };
        Self::start_with(target, control, askpass_path, remote).await.map(|(master, _)| master)
    }

    /// The same with a command of its own, whose output comes back.
    pub(super) async fn start_with(
        target: &Target,
        control: PathBuf,
        askpass_path: PathBuf,
        remote: Remote<'_>,
    ) -> Result<(Self, Framed<ChildStdout>), ConnectError> {
        let local = |said: String| ConnectError::local(&target.host, &target.destination, said);
        let answering = match &target.password {
            Some(password) => Some(
                askpass::Answering::begin(askpass_path, password.clone(), control.clone())
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
        command.args(["--", &target.destination]).arg(remote.command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A process group of its own, so that Ctrl-C in the terminal reaches us and not the connection.
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn().map_err(|e| local(format!("ssh could not be started: {e}")))?;
        let (Some(mut stdin), Some(stdout), Some(mut stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(local("ssh has no pipes".into()));
        };

        let mut stdout = Framed::new(stdout, remote.mark);
        let ready = async {
            for bytes in remote.first {
                // What does not read its input has not begun, which is seen below.
                let _ = stdin.write_all(bytes).await;
            }
            let _ = stdin.flush().await;
            stdout.begin().await
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
                let mux = Arc::new(openssh::Session::resume_mux(control.into(), None));
                Ok((Self { child, stdin, mux }, stdout))
            }
            Ok(false) => {
                let mut said = Vec::new();
                let mut words = stderr.take(WORDS);
                let _ = time::timeout(limits::FAREWELL.time, words.read_to_end(&mut said)).await;
                let said = String::from_utf8_lossy(&said);
                if let Some(prompt) = answering.as_ref().and_then(askpass::Answering::refused) {
                    return Err(ConnectError::prompt(&target.host, &target.destination, &prompt));
                }
                let ended = time::timeout(limits::FAREWELL.time, child.wait()).await;
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
            Err(_) => {
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
    pub fn mux(&self) -> Arc<openssh::Session> {
        self.mux.clone()
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
