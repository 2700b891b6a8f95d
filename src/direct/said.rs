//! What a controller and the two programs of a copy say to each other: a line of JSON each.

use serde::{Deserialize, Serialize};

use super::tls::Keys;
use crate::{
    copy::{Copied, CopyError, Options, Progress, Scope, Written},
    dialect::{CopyEnd, Dialect},
    model::{Secret, ServerVersion},
    transport::{Login, Sink},
};

/// The first line: what one is there for.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    /// Where the data comes from: it listens.
    Give {
        /// Certificates.
        keys: Keys,
        /// The server's socket, and who is behind it.
        socket: Socket,
    },
    /// Where the data goes to: it connects.
    Take {
        /// Certificates.
        keys: Keys,
        /// Addresses of the other, the best first.
        addresses: Vec<String>,
        /// Its port.
        port: u16,
    },
    /// It writes databases of its host into its pipe, as a script of SQL.
    Keep {
        /// The server.
        server: Box<Door>,
        /// The databases.
        databases: Vec<String>,
    },
}

/// A server's socket, and who may be behind it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Socket {
    /// Its path.
    pub path: String,
    /// The server's user, where it is known.
    pub uid: Option<u32>,
    /// Whether others may exchange it where it lies.
    pub shared: bool,
}

impl Socket {
    /// That of a login.
    pub(crate) fn of(login: &Login) -> Self {
        Self { path: login.socket.clone(), uid: login.server_uid, shared: login.shared }
    }
}

/// How to log in to a server of a copy.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Door {
    version: ServerVersion,
    /// The socket on its own host.
    pub socket: Socket,
    user: String,
    password: Option<String>,
}

impl Door {
    /// That of a login.
    pub(crate) fn of(version: ServerVersion, login: &Login) -> Self {
        Self {
            version,
            socket: Socket::of(login),
            user: login.user.clone(),
            password: login.password.as_ref().map(|password| password.expose().to_owned()),
        }
    }

    /// Its server's words.
    pub(crate) fn dialect(&self) -> Dialect {
        Dialect::of(self.version)
    }

    /// The login behind it.
    pub(crate) fn login(&self) -> Login {
        Login {
            socket: self.socket.path.clone(),
            server_uid: self.socket.uid,
            shared: self.socket.shared,
            user: self.user.clone(),
            password: self.password.clone().map(Secret::new),
        }
    }
}

/// A copy row by row.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct CopyOrder {
    /// The server at the other host.
    pub source: Door,
    /// The server here.
    pub target: Door,
    /// What is copied.
    pub scope: Scope,
    /// How.
    pub options: Options,
}

/// What the controller wants of who takes.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// Copy row by row.
    Copy(Box<CopyOrder>),
    /// Make what rests on the rows: views, triggers, events.
    Finish,
    /// What a server does that does not move: the answer to [`Report::Look`].
    Sink(Sink),
    /// Fetch the bytes of the other's pipe into one's own.
    Fetch {
        /// Bytes per second, where that is bounded.
        rate: Option<u64>,
    },
}

/// What comes of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Report {
    /// It lives.
    Lives,
    /// It listens at this port of all addresses.
    Listens {
        /// The port.
        port: u16,
    },
    /// The other was reached, and has answered.
    Reached {
        /// At this address.
        address: String,
    },
    /// How far the rows are.
    Progress(Progress),
    /// Nothing moves at an end: what does its server do?
    Look {
        /// The end.
        end: CopyEnd,
    },
    /// All rows are there.
    Unfinished,
    /// All is there.
    Copied(Copied),
    /// How far the bytes are.
    Fetched {
        /// So many.
        bytes: u64,
        /// Whether the program that takes them is waited for.
        sink: bool,
    },
    /// The databases of its host are written.
    Kept(Written),
    /// All bytes are there, the other side's end of them included.
    Whole {
        /// So many.
        bytes: u64,
    },
    /// It ends without having done it.
    Failed(Failed),
}

/// Why it was not done.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Failed {
    /// Nobody can be reached at the other's addresses.
    Unreached {
        /// Each, and what it says.
        tried: Vec<(String, String)>,
    },
    /// The copy by rows.
    Copy(CopyError),
    /// The connection between the two hosts, or a file.
    Broken {
        /// What was tried, to be read after "could not".
        tried: String,
        /// The system's words.
        why: String,
    },
}

impl Failed {
    /// What the system says.
    pub(crate) fn broken(tried: &str) -> impl FnOnce(std::io::Error) -> Self {
        move |error| Self::Broken { tried: tried.to_owned(), why: error.to_string() }
    }
}
