//! What a step can hurt, and what must be allowed by name for it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Allow;
use crate::model::{Fact, HostName};

/// What a step can hurt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Risk {
    /// The server is away for the time of a restart; so many client sessions are connected now.
    Restart {
        /// Sessions of clients, without replication's, the server's and our own; nothing where they were not read.
        sessions: Option<usize>,
    },
    /// Client sessions that are connected now are cut off, or it could not be read whether there are any.
    CutClients(Vec<String>),
    /// Writes on a host wait for the time of a lock.
    WriteLock {
        /// The host whose writes wait.
        host: HostName,
        /// Why a lock is needed at all.
        why: String,
    },
    /// A replica's own data is replaced.
    ReplacesData(String),
    /// A server's binary logs start over, or go on under another name, and somebody could need what is in them.
    ResetsBinlogs(String),
    /// The authority that the fleet trusts gives way to another one.
    NewAuthority,
    /// An account is dropped.
    DropsAccount,
    /// A channel ends.
    EndsChannel,
    /// Replication on this host pauses for a moment.
    ReplicationPause,
    /// The packet filter changes; the host takes it back by itself unless a fresh connection confirms it.
    Lockout,
    /// The source and the network carry the load of a copy of so many bytes.
    CopyLoad {
        /// Estimated bytes before compression.
        bytes: u64,
    },
    /// Something else, in words.
    Note(String),
}

/// What kind of harm a risk is, for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RiskKind {
    /// The server is away for the time of a restart.
    Restart,
    /// Client sessions are cut off.
    CutClients,
    /// Writes wait for the time of a lock.
    WriteLock,
    /// A replica's own data is replaced.
    ReplacesData,
    /// A server's binary logs start over, or go on under another name.
    ResetsBinlogs,
    /// The authority that the servers trust is replaced.
    NewAuthority,
    /// An account is dropped.
    DropsAccount,
    /// A channel ends.
    EndsChannel,
    /// Replication pauses for a moment.
    ReplicationPause,
    /// The packet filter changes.
    Lockout,
    /// A copy loads its source and the network.
    CopyLoad,
    /// Something else.
    Note,
}

/// A risk as a plan is written: its kind, the word that allows it, and a text for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RiskDocument {
    /// The kind.
    pub kind: RiskKind,
    /// The word of `--allow` without which the step is refused; null where nothing has to be allowed.
    pub allow: Option<Allow>,
    /// For people.
    pub text: String,
}

impl From<&Risk> for RiskDocument {
    fn from(risk: &Risk) -> Self {
        Self { kind: risk.kind(), allow: risk.gate(), text: risk.to_string() }
    }
}

impl Risk {
    /// A restart of a server with these sessions of clients.
    pub fn restart<T>(sessions: &Fact<Vec<T>>) -> Self {
        let sessions = match sessions {
            Fact::Known(sessions) => Some(sessions.len()),
            Fact::Absent => Some(0),
            Fact::Unread(_) => None,
        };
        Risk::Restart { sessions }
    }

    /// Its kind.
    pub fn kind(&self) -> RiskKind {
        match self {
            Risk::Restart { .. } => RiskKind::Restart,
            Risk::CutClients(_) => RiskKind::CutClients,
            Risk::WriteLock { .. } => RiskKind::WriteLock,
            Risk::ReplacesData(_) => RiskKind::ReplacesData,
            Risk::ResetsBinlogs(_) => RiskKind::ResetsBinlogs,
            Risk::NewAuthority => RiskKind::NewAuthority,
            Risk::DropsAccount => RiskKind::DropsAccount,
            Risk::EndsChannel => RiskKind::EndsChannel,
            Risk::ReplicationPause => RiskKind::ReplicationPause,
            Risk::Lockout => RiskKind::Lockout,
            Risk::CopyLoad { .. } => RiskKind::CopyLoad,
            Risk::Note(_) => RiskKind::Note,
        }
    }

    /// What has to be allowed by name before the step may run.
    pub fn gate(&self) -> Option<Allow> {
        match self {
            Risk::Restart { sessions } if *sessions != Some(0) => Some(Allow::Restart),
            Risk::CutClients(_) => Some(Allow::CutClients),
            Risk::ReplacesData(_) => Some(Allow::Reseed),
            Risk::ResetsBinlogs(_) => Some(Allow::ResetBinlogs),
            Risk::NewAuthority => Some(Allow::NewAuthority),
            Risk::DropsAccount => Some(Allow::DropAccount),
            Risk::EndsChannel => Some(Allow::DropChannel),
            Risk::Restart { .. }
            | Risk::WriteLock { .. }
            | Risk::ReplicationPause
            | Risk::Lockout
            | Risk::CopyLoad { .. }
            | Risk::Note(_) => None,
        }
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Risk::Restart { sessions: Some(0) } => {
                f.write_str("restart: the server is away for some seconds; no client is connected")
            }
            Risk::Restart { sessions: Some(1) } => {
                f.write_str("restart: the server is away for some seconds; 1 client session is cut")
            }
            Risk::Restart { sessions: None } => f.write_str(
                "restart: the server is away for some seconds; whether clients are connected could not be read",
            ),
            Risk::Restart { sessions: Some(sessions) } => {
                write!(f, "restart: the server is away for some seconds; {sessions} client sessions are cut")
            }
            Risk::CutClients(clients) => {
                write!(f, "cuts clients that are connected now: {}", clients.join(", "))
            }
            Risk::WriteLock { host, why } => write!(f, "writes on {host} wait for a moment: {why}"),
            Risk::ReplacesData(what) => write!(f, "replaces data: {what}"),
            Risk::ResetsBinlogs(what) => write!(f, "resets binary logs: {what}"),
            Risk::NewAuthority => f.write_str("replaces the authority that the servers trust"),
            Risk::DropsAccount => f.write_str("drops an account"),
            Risk::EndsChannel => {
                f.write_str("ends a channel: what its source writes from then on does not come any more")
            }
            Risk::ReplicationPause => f.write_str("replication pauses for a moment"),
            Risk::Lockout => f.write_str(
                "packet filter: taken back by the host itself unless a fresh connection confirms it",
            ),
            Risk::CopyLoad { bytes } => {
                write!(f, "load: about {} are read and sent", crate::model::bytes(*bytes))
            }
            Risk::Note(text) => f.write_str(text),
        }
    }
}
