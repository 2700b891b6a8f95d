//! A host's own data as a script of SQL, written where it is: it goes into the pipe from which a program there makes a file.

use std::path::Path;

use tokio::{fs::OpenOptions, io::AsyncWriteExt, time::Instant};

use super::{Door, Failed, PIPE, Report, door, voice::Voice};
use crate::{
    copy::{self, Connect},
    dialect::Dialect,
    model::limits,
    transport::{Login, Sink, SqlError, SqlWriter, sql_at_host},
};

/// The socket here behind which this host's server is, where its own may be exchanged.
const NEAR: &str = "near";

/// The server of this host.
struct Server {
    dialect: Dialect,
    login: Login,
}

impl Connect for Server {
    fn dialect(&self) -> Dialect {
        self.dialect
    }

    async fn connect(&self) -> Result<SqlWriter, SqlError> {
        sql_at_host(&self.login, limits::STATEMENT.time).await
    }

    async fn look(&self) -> Sink {
        Sink::Works
    }
}

/// Writes databases into the pipe, once somebody reads it.
pub(super) async fn run(
    directory: &Path,
    (server, databases): (&Door, &[String]),
    voice: &Voice,
) -> Result<(), Failed> {
    let login = near(directory, server).map_err(Failed::broken("make a socket"))?;
    let server = Server { dialect: server.dialect(), login };
    let open = OpenOptions::new().write(true).open(directory.join(PIPE)).await;
    let mut pipe = open.map_err(Failed::broken("open a pipe"))?;
    let mut told = Instant::now();
    let mut on_progress = |bytes| {
        if told.elapsed() >= limits::TICK {
            told = Instant::now();
            voice.say(Report::Fetched { bytes, sink: false });
        }
    };
    let written = copy::write(&server, databases, &mut pipe, &mut on_progress).await;
    let written = written.map_err(Failed::Copy)?;
    pipe.flush().await.map_err(Failed::broken("write into a pipe"))?;
    drop(pipe);
    voice.say(Report::Kept(written));
    Ok(())
}

/// How a server of this host is reached, whoever may exchange its socket.
pub(super) fn near(directory: &Path, server: &Door) -> std::io::Result<Login> {
    let mut login = server.login();
    if server.socket.shared {
        let path = directory.join(NEAR);
        let socket = server.socket.clone();
        door::local(&path, move |near| {
            let socket = socket.clone();
            async move {
                let _ = socket.join(near).await;
            }
        })?;
        login.socket = path.to_string_lossy().into_owned();
    }
    Ok(login)
}
