//! Passwords for ssh, without putting them into an argument or an environment.
//!
//! ssh asks a program named in `SSH_ASKPASS`. That program is this one: it finds the path of a socket
//! in [`VARIABLE`], connects, and prints what it is given there. The socket stands in a directory that
//! only its owner may enter.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
};

use tokio::{io::AsyncWriteExt, net::UnixListener};

use crate::model::Secret;

/// Environment variable that tells the child where to ask.
pub const VARIABLE: &str = "TANDEM_ASKPASS_SOCKET";

/// The socket to ask, if this process was started by ssh for a password.
pub fn askpass_socket() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).map(PathBuf::from)
}

/// The child's side: asks at the socket and prints the answer for ssh.
///
/// # Errors
/// When the socket does not answer.
pub fn serve_askpass_request(socket: &Path) -> io::Result<()> {
    let mut answer = String::new();
    UnixStream::connect(socket)?.read_to_string(&mut answer)?;
    // ssh reads the password from here; it is the one thing this process is for.
    let mut out = io::stdout().lock();
    out.write_all(answer.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Our side: answers with a password until it is dropped.
#[derive(Debug)]
pub struct Answering {
    task: tokio::task::JoinHandle<()>,
    path: PathBuf,
}

impl Answering {
    /// Begins to listen at a path.
    ///
    /// # Errors
    /// When the socket can't be made.
    pub fn begin(path: PathBuf, password: Secret) -> io::Result<Self> {
        let listener = UnixListener::bind(&path)?;
        let task = tokio::spawn(async move {
            while let Ok((mut peer, _)) = listener.accept().await {
                let _ = peer.write_all(password.expose().as_bytes()).await;
            }
        });
        Ok(Self { task, path })
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.task.abort();
        let _ = std::fs::remove_file(&self.path);
    }
}
