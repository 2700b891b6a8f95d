//! What a step can disrupt, and what must be allowed by name for it. Values; `render` has the words.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Allow;
use crate::model::{Fact, HostName};

/// What a step can disrupt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Risk {
    /// The server is away for the time of a restart; so many client sessions are connected now.
    Restart {
        /// Sessions of clients, without replication's, the server's and our own; nothing where they were not read.
        sessions: Option<usize>,
    },
    /// Client sessions that are connected now are cut off, or it could not be read whether there are any.
    CutClients {
        /// Who.
        clients: Vec<CutClient>,
    },
    /// Writes on a host wait for the time of a lock.
    WriteLock {
        /// The host whose writes wait.
        on: HostName,
        /// Why a lock is needed at all.
        why: LockReason,
    },
    /// A replica's own data is replaced.
    ReplacesData {
        /// The replica.
        on: HostName,
        /// Its databases.
        databases: Vec<String>,
        /// Their size in bytes.
        bytes: u64,
        /// Where they are kept.
        kept: Kept,
    },
    /// The same, where what would be lost are transactions that only the replica has; they are saved first.
    DiscardsErrant {
        /// The replica.
        on: HostName,
        /// The transactions.
        transactions: Vec<String>,
        /// Its databases.
        databases: Vec<String>,
        /// Their size in bytes.
        bytes: u64,
        /// Where they are kept.
        kept: Kept,
    },
    /// A server's binary logs start over, or go on under another name, and somebody could need what is in them.
    ResetsBinlogs {
        /// What is lost with them.
        lost: Vec<LostLogs>,
    },
    /// A line is added to an option file of somebody's.
    EditsOptionFile {
        /// The file.
        file: String,
    },
    /// The authority that the fleet trusts gives way to another one.
    NewAuthority,
    /// Accounts may write on a host although it is read-only, and are locked there.
    LocksAccounts {
        /// The host.
        on: HostName,
        /// The accounts, as `user@host`.
        accounts: Vec<String>,
        /// Statements that take the privilege from them instead.
        revoke: Vec<String>,
    },
    /// A host is gone, and nothing makes sure that it takes no more writes.
    Unfenced {
        /// The host.
        lost: HostName,
    },
    /// Replicas could not be read: what they have received may be lost.
    SkipsUnread {
        /// The replicas.
        replicas: Vec<HostName>,
    },
    /// An account is dropped.
    DropsAccount,
    /// A channel ends.
    EndsChannel,
    /// Replication on this host pauses for a moment.
    ReplicationPause,
    /// The packet filter changes; the host takes it back by itself unless a fresh connection confirms it.
    Lockout,
    /// The source and the network carry the load of a copy.
    CopyLoad {
        /// Estimated bytes before compression.
        bytes: u64,
    },
    /// Something else that is worth a thought before the step.
    Note {
        /// What.
        note: Note,
    },
}

/// Who is cut off.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum CutClient {
    /// A session of a client.
    Session {
        /// Its user.
        user: String,
        /// From where it is connected.
        from: String,
    },
    /// A replica that no member is.
    Replica {
        /// From where it is connected.
        from: String,
    },
    /// Clients, if there are any.
    UnreadClients {
        /// Why they could not be read.
        why: String,
    },
    /// Replicas, if there are any.
    UnreadReplicas {
        /// Why they could not be read.
        why: String,
    },
}

/// Why writes have to wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum LockReason {
    /// A backup of the files ends at one position of the binary log.
    EndOfBackup,
    /// Tables whose engine knows no transactions are copied under a read lock.
    Tables {
        /// `database.table (engine)`.
        tables: Vec<String>,
    },
}

/// Where data is kept that a copy replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    /// The whole data directory, beside the new one.
    Directory,
    /// A dump in a file on the replica.
    File,
}

/// What is lost with binary logs that start over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum LostLogs {
    /// The places of replicas that the playbook does not declare.
    UndeclaredReplicas {
        /// Which.
        replicas: Vec<UndeclaredReplica>,
    },
    /// Perhaps those of replicas that could not be read.
    UnreadReplicas {
        /// Why not.
        why: String,
    },
    /// Changes of databases that are gone.
    ChangesOfGoneDatabases,
    /// It could not be read what they hold.
    Unread {
        /// Why not.
        why: String,
    },
    /// The files under another base name, and what replicas have not received of them.
    OtherBaseName {
        /// The base name that they have now; empty where it is unknown.
        running: String,
    },
}

/// A replica that is connected and that nobody declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UndeclaredReplica {
    /// Its `server_id`.
    pub server_id: u64,
    /// Its address; empty where the server does not tell it.
    pub from: String,
}

/// Something that is worth a thought before a step and has to be allowed by nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Note {
    /// Statements that GTIDs don't allow are refused from now on.
    GtidConsistency,
    /// A replica that is not declared and has no GTIDs would stop.
    ReplicasWithoutGtidStop,
    /// A replica that is not declared and begins by GTID would stop.
    ReplicasByGtidStop,
    /// A server's binary logs start over, and nobody needs them.
    BinlogsStartOver {
        /// The server.
        on: HostName,
        /// Whether that is so since it has no data of its own.
        holds_nothing: bool,
    },
    /// What is written on the former source reaches the replica only through other channels.
    FormerSourceLeft {
        /// The former source.
        former: String,
        /// The replica.
        replica: HostName,
    },
    /// One event is skipped.
    EventSkipped {
        /// The statement, in short.
        statement: String,
    },
    /// What a filter kept back does not come afterwards.
    FilteredStaysAway,
    /// Writes on a host wait for a moment and go on elsewhere; its clients are disconnected.
    WritesWait {
        /// The host.
        on: HostName,
        /// Seconds for which they wait at most.
        seconds: u64,
        /// Sessions of clients that end; nothing where they were not read.
        sessions: Option<usize>,
    },
    /// What each replica has received of a host that is gone.
    Received {
        /// The replicas, the one that takes the writes first.
        replicas: Vec<HasReceived>,
    },
    /// The host that is to be written to wrote something itself that none of the other replicas has.
    WroteItself {
        /// The host.
        on: HostName,
        /// The GTIDs, of MariaDB the newest of each domain.
        events: Vec<String>,
    },
    /// Accounts that a run has locked on the host that is to be written to, when it took no more writes, are let in again.
    LetsIn {
        /// The accounts, as `user@host`.
        accounts: Vec<String>,
    },
    /// Accounts are locked on the host that is to be written to, and stay so: who locked them is not known.
    StayLocked {
        /// The accounts, as `user@host`.
        accounts: Vec<String>,
    },
    /// A command makes sure first that lost hosts take no more writes.
    Fence {
        /// The command.
        command: String,
    },
    /// What was acknowledged on a lost host and received by no replica is gone.
    UnreceivedIsGone {
        /// The lost host.
        lost: HostName,
        /// Whether a replica was set to acknowledge what it had received (semi-synchronous replication).
        #[serde(default)]
        semi_sync: bool,
    },
    /// Events run on a host from then on.
    EventsRun {
        /// The events, as `database.name`.
        events: Vec<String>,
        /// Those that were disabled on the former writer, and stay so.
        disabled: Vec<String>,
        /// Whether nobody knows which were disabled, since the former writer is lost.
        unknown: bool,
        /// Whether the event scheduler runs there, or will.
        scheduler: bool,
    },
    /// Nobody can write until a host has the last event.
    NobodyCanWrite {
        /// The host.
        until: HostName,
    },
    /// The host puts its old option file back by itself if the server does not come up.
    OldFileComesBack,
    /// The server may fail again for the same cause.
    MayFailAgain,
    /// Clients can't write on a host any more, at once.
    WritesEnd {
        /// The host.
        on: HostName,
        /// Sessions of clients that are connected now; nothing where they were not read.
        sessions: Option<usize>,
    },
    /// Open sessions keep their old `auto_increment` values.
    SessionsKeepIncrement {
        /// `user@host` of the sessions.
        sessions: Vec<String>,
    },
    /// What an unfinished copy has left is gone on with: what is equal to the source stays.
    GoesOnWithCopy {
        /// Databases.
        databases: Vec<String>,
    },
    /// What an unfinished copy has left is dropped.
    DropsUnfinishedCopy {
        /// Databases.
        databases: Vec<String>,
    },
    /// Whether everything of the source can be copied row by row was not found out; the step looks before it changes
    /// anything.
    CopyUnforeseen {
        /// The source.
        source: HostName,
        /// Why not.
        why: String,
    },
    /// The replica's own channel ends and is made again.
    OwnChannelEnds {
        /// From where it comes.
        source: HostName,
    },
    /// The channel back to the copy's source ends meanwhile.
    ChannelBackEnds {
        /// Whose channel it is.
        of: HostName,
        /// From where it comes.
        from: HostName,
    },
    /// The channel of another host ends, and that host needs a copy, too.
    FollowerNeedsCopy {
        /// Whose channel it is.
        of: HostName,
        /// From where it comes.
        from: HostName,
    },
    /// Everything that a server has is replaced by a clone.
    ServerReplacedByClone {
        /// The server.
        on: HostName,
        /// From where the clone comes.
        source: HostName,
    },
    /// Everything that a server has is replaced by a copy of the files.
    ServerReplacedByFiles {
        /// The server.
        on: HostName,
    },
}

/// What a replica has received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HasReceived {
    /// The replica.
    pub replica: HostName,
    /// Its GTIDs, those that are not executed yet among them; without GTIDs the place in the source's binary log.
    pub at: String,
    /// What it lacks of what the first one has.
    pub lacks: Vec<String>,
}

impl From<Note> for Risk {
    fn from(note: Note) -> Self {
        Risk::Note { note }
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

    /// What has to be allowed by name before the step may run.
    pub fn gate(&self) -> Option<Allow> {
        match self {
            Risk::Restart { sessions } if *sessions != Some(0) => Some(Allow::Restart),
            Risk::CutClients { .. } => Some(Allow::CutClients),
            Risk::ReplacesData { .. } => Some(Allow::Reseed),
            Risk::DiscardsErrant { .. } => Some(Allow::DiscardErrant),
            Risk::ResetsBinlogs { .. } => Some(Allow::ResetBinlogs),
            Risk::EditsOptionFile { .. } => Some(Allow::EditOptionFile),
            Risk::NewAuthority => Some(Allow::NewAuthority),
            Risk::LocksAccounts { .. } => Some(Allow::LockAccounts),
            Risk::Unfenced { .. } => Some(Allow::Unfenced),
            Risk::SkipsUnread { .. } => Some(Allow::SkipUnread),
            Risk::DropsAccount => Some(Allow::DropAccount),
            Risk::EndsChannel => Some(Allow::DropChannel),
            Risk::Restart { .. }
            | Risk::WriteLock { .. }
            | Risk::ReplicationPause
            | Risk::Lockout
            | Risk::CopyLoad { .. }
            | Risk::Note { .. } => None,
        }
    }

    /// Whether data that exists on one host only is replaced.
    pub fn replaces_data(&self) -> bool {
        matches!(self, Risk::ReplacesData { .. } | Risk::DiscardsErrant { .. })
    }
}
