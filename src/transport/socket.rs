//! The way to a server's socket, and who is behind it.

use std::{
    path::{Path, PathBuf},
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use mysql_async::Conn;
use tokio::time;

use super::{Login, RunError, SqlError, bridge, bridge::NoBridge, line::Line, ready_sql::Fresh, sql};
use crate::model::duration;

/// Prints who owns a socket. Argument: SOCKET.
const OWNER: &str = r#"[ -S "$1" ] && stat -c %u -- "$1""#;

impl Line {
    /// Opens a connection to a server.
    ///
    /// sshd opens a forwarded socket as the login user. Where that user has to become root first, a small program on the
    /// host passes the bytes on instead, so that the server sees root; so it does where sshd forwards nothing. And it sees
    /// who is behind the socket: a driver hands a password over in clear on a unix socket, and it goes to nobody but the
    /// server. sshd can't see that: what it forwards must lie where nobody else can exchange it.
    pub(super) async fn connect(&self, login: &Login, limit: Duration) -> Result<Fresh, SqlError> {
        // Its number is known some time after the server lists it.
        let _one_more = self.connecting.one_more();
        let connection = self.reach(login, limit).await?;
        Ok(Fresh { id: self.own(connection.id()), connection })
    }

    async fn reach(&self, login: &Login, limit: Duration) -> Result<Conn, SqlError> {
        let plain = self.target.sudo.is_none() && !login.shared;
        let (mut forwarded, begun) = (None, Instant::now());
        if self.may_forward(login) {
            match self.forwarded(login, limit).await {
                // Where sshd forwards nothing it says so at once. A server that hangs does so by any way.
                Err(SqlError::Connect { why, .. }) if begun.elapsed() < limit => forwarded = Some(why),
                other => return other,
            }
        }
        let failed = |why: String| SqlError::Connect { socket: login.socket.clone(), why };
        match self.bridged(login, limit).await? {
            Ok(local) => {
                let connection = sql::connect(&local, login, limit).await?;
                if forwarded.is_some() {
                    self.forwards_nothing.store(true, Ordering::Relaxed);
                }
                Ok(connection)
            }
            Err(NoBridge::Refused(why)) => Err(failed(why)),
            Err(NoBridge::Other) => Err(SqlError::Foreign { socket: login.socket.clone() }),
            // The owner of a socket is as good a witness where nobody else can exchange it.
            Err(NoBridge::NoTool) if plain && forwarded.is_none() && self.owned(login, limit).await? => {
                self.forwarded(login, limit).await
            }
            Err(NoBridge::NoTool) if login.shared => Err(failed(
                "others may exchange it where it lies, and there is no perl and no python3 on the host to see who is \
                 behind it; install one of them, or move the socket to a directory of the server's alone"
                    .into(),
            )),
            Err(NoBridge::NoTool) => Err(failed(format!(
                "{}there is no perl, python3, socat or ncat on the host to pass bytes to it; install one of them{}",
                forwarded.map(|why| format!("{why}; ")).unwrap_or_default(),
                match self.target.sudo {
                    Some(_) => ", or log in as root",
                    None => ", or allow it in sshd_config: AllowStreamLocalForwarding yes",
                }
            ))),
        }
    }

    /// Whether sshd is to forward the socket, as far as is known.
    pub(super) fn may_forward(&self, login: &Login) -> bool {
        let plain = self.target.sudo.is_none() && !login.shared;
        plain && login.password.is_none() && !self.forwards_nothing.load(Ordering::Relaxed)
    }

    /// Through a socket that ssh forwards.
    async fn forwarded(&self, login: &Login, limit: Duration) -> Result<Conn, SqlError> {
        let failed = |why: String| SqlError::Connect { socket: login.socket.clone(), why };
        let mux = self.mux().ok_or_else(|| failed("the connection is gone".into()))?;
        let local = self.scratch.path("s");
        let listen = openssh::Socket::UnixSocket { path: local.clone().into() };
        let connect = openssh::Socket::UnixSocket { path: Path::new(&login.socket).into() };
        mux.request_port_forward(openssh::ForwardType::Local, listen, connect)
            .await
            .map_err(|e| failed(e.to_string()))?;
        sql::connect(&local, login, limit).await
    }

    /// A local socket from which the bytes are passed on.
    async fn bridged(&self, login: &Login, limit: Duration) -> Result<Result<PathBuf, NoBridge>, SqlError> {
        let failed = |why: String| SqlError::Connect { socket: login.socket.clone(), why };
        let what = "pass bytes to the server's socket";
        let uid = login.server_uid.map(|uid| uid.to_string()).unwrap_or_default();
        let shared = if login.shared { "shared" } else { "" };
        let stand = async {
            let mut running = self.start(what, bridge::SCRIPT, &[&login.socket, &uid, shared]).await?;
            Ok::<_, RunError>(bridge::up(&mut running.stdout).await.map(|()| running))
        };
        let running = match time::timeout(limit, stand).await {
            Err(_) => return Err(failed(format!("no answer within {}", duration(limit)))),
            Ok(Err(error)) => return Err(failed(error.to_string())),
            Ok(Ok(Err(no))) => return Ok(Err(no)),
            Ok(Ok(Ok(running))) => running,
        };
        let local = self.scratch.path("s");
        bridge::serve(&local, running).map_err(|e| failed(e.to_string()))?;
        Ok(Ok(local))
    }

    /// Whether a socket belongs to root or to the server's user, so that a password may go there.
    async fn owned(&self, login: &Login, limit: Duration) -> Result<bool, SqlError> {
        let failed = |why: String| SqlError::Connect { socket: login.socket.clone(), why };
        let output = self
            .run("look whose socket it is", OWNER, &[&login.socket], b"", limit)
            .await
            .map_err(|e| failed(e.to_string()))?;
        let owner = output.text().trim().parse::<u32>().ok();
        Ok(owner.is_some_and(|owner| owner == 0 || Some(owner) == login.server_uid))
    }
}
