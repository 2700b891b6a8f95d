//! What one host is, as far as it could be read.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    Answers, Content, DownFacts, ErrantFacts, EventFacts, FarEnd, LockedAdmins, Reach, RestartRecord,
    RetentionMark, SchemaFacts, SeedMarks, ValueMarks, ValuesAsked,
};
use crate::{
    certificate::CertificateFacts,
    dialect::{CopyDemands, CopyTakes},
    firewall::FirewallState,
    grant::AccountState,
    gtid::GtidState,
    model::{BinlogPosition, Endpoint, Fact, HostName, ServerVersion, ThreadState, UsingGtid},
    option_file,
    role_unit::{Lack, RoleUnitFacts},
};

/// A fleet as it was read: each host's facts, or why there are none.
pub type Observed = BTreeMap<HostName, Fact<HostFacts>>;

/// Everything that is known of one host.
#[derive(Debug, Clone, Default)]
pub struct HostFacts {
    /// The operating system.
    pub os: OsFacts,
    /// The database service.
    pub service: Fact<ServiceFacts>,
    /// Every option file that the server reads, in its order.
    pub option_files: Fact<option_file::Files>,
    /// What the server says of itself.
    pub server: Fact<ServerFacts>,
    /// What tells why the server is down; none where it runs.
    pub down: Option<DownFacts>,
    /// What the host's own switch has noted of the last restart, where something is noted.
    pub restart: Option<RestartRecord>,
    /// The packet filter.
    pub firewall: Fact<FirewallState>,
    /// The file system of the data directory.
    pub disk: Fact<DiskFacts>,
    /// Whether ports of sources answer from here, for the channels that are there.
    pub reach: BTreeMap<Endpoint, Reach>,
    /// Who is at the far end of channels whose end is to change, by declared source.
    pub far_ends: BTreeMap<HostName, FarEnd>,
    /// Copies of ours that have begun on this host and whose channels do not run yet.
    pub seeds: Fact<SeedMarks>,
    /// Values of `server_uuid` that this server has shared with another one until a run gave it its own: what both have
    /// written under them has the same ids. Nothing once a copy has made the two the same.
    pub shared_uuids: BTreeSet<String>,
    /// How long the server kept its binary logs before a copy that was cut off made it keep them all.
    pub retention: Fact<RetentionMark>,
    /// What its server has made of values that it was given and reports as others.
    pub values: Fact<ValueMarks>,
    /// The accounts that a run has locked there, when its writes went to another host.
    pub locked: Fact<LockedAdmins>,
    /// What its server has said of values that a plan would give it; nothing where none was asked for.
    pub asked: ValuesAsked,
    /// The unit that opens the recorded writer after a start of its server.
    pub role_unit: Fact<RoleUnitFacts>,
    /// What its server holds, table by table; absent unless a copy might destroy it.
    pub content: Fact<Content>,
    /// What its server holds that a copy row by row may not carry; nothing unless one is planned.
    pub demands: Option<Fact<CopyDemands>>,
    /// What its server takes of such a copy; nothing unless one is planned.
    pub takes: Option<Fact<CopyTakes>>,
    /// Transactions that it has as a replica and none of its sources; absent where nobody compared them.
    pub errant: Fact<Vec<ErrantFacts>>,
    /// Accounts that may write although the server is read-only; absent unless its writes might go to another host.
    pub admins: Fact<Vec<AdminWriter>>,
    /// Names of transactions that are prepared by XA and wait for their end; absent unless its writes might go to another
    /// host.
    pub prepared: Fact<Vec<String>>,
    /// Certificates of ours that lie on the host.
    pub certificate: CertificateFacts,
    /// What users' roles declare.
    pub resources: Answers,
    /// SHA-256 in hex of each channel's stored password, by file name such as `master.info`.
    pub channel_passwords: BTreeMap<String, String>,
}

impl HostFacts {
    /// What was found on this host as a replica of these sources.
    pub fn errant(&self) -> &[ErrantFacts] {
        self.errant.known().map(Vec::as_slice).unwrap_or_default()
    }

    /// What keeps a unit from opening the server after a start of it. A server that will be installed brings a unit and a
    /// client with it.
    pub fn lacks_for_role_unit(&self) -> Option<Lack> {
        let client = ["mariadb", "mysql"].iter().any(|tool| self.os.tools.contains_key(*tool));
        match (&self.server, self.service.known()) {
            _ if !self.os.systemd => Some(Lack::Systemd),
            (Fact::Absent, _) => None,
            (Fact::Known(_), service) if !service.is_some_and(ServiceFacts::running) => {
                Some(Lack::ServerUnit)
            }
            _ if !client => Some(Lack::Client),
            _ => None,
        }
    }

    /// The version of the server, or of the program that would run where it is down.
    pub fn version(&self) -> Option<ServerVersion> {
        let runs = self.server.known().map(|server| server.version);
        runs.or_else(|| self.down.as_ref().and_then(|down| down.version))
    }
}

/// The operating system and its tools.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OsFacts {
    /// `PRETTY_NAME`, such as `Debian GNU/Linux 12 (bookworm)`.
    pub pretty: String,
    /// `ID`, such as `debian`.
    pub id: String,
    /// The kernel's host name.
    pub hostname: String,
    /// Addresses of its interfaces, without loopback.
    pub addresses: Vec<String>,
    /// Whether the script ran as root.
    pub root: bool,
    /// Seconds since 1970 by the host's clock.
    pub clock: f64,
    /// Seconds by which the host's clock was ahead of this program's when it was read.
    pub ahead: Option<f64>,
    /// Whether systemd runs.
    pub systemd: bool,
    /// Programs that were found, by name, with their paths.
    pub tools: BTreeMap<String, String>,
}

/// The unit that runs the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceFacts {
    /// Unit name, such as `mariadb.service`.
    pub unit: String,
    /// `active`, `inactive`, `failed`, `activating`.
    pub active: String,
    /// Whether it starts at boot.
    pub enabled: bool,
    /// `success`, or why it ended.
    pub result: String,
    /// Main process, 0 where there is none.
    pub main_pid: u32,
    /// The user that it runs as; empty where the unit names none.
    pub user: String,
    /// Whether it is masked: it can't be started by anybody.
    pub masked: bool,
}

impl ServiceFacts {
    /// Whether the service runs.
    pub fn running(&self) -> bool {
        self.active == "active"
    }
}

/// Space on the data directory's file system, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskFacts {
    /// The data directory.
    pub datadir: String,
    /// Free for the server's user.
    pub free: u64,
    /// Size of the file system.
    pub total: u64,
    /// To whom the directory belongs; looked at where the server is down, empty else.
    pub owner: String,
    /// Kind of the file system as `stat -f` names it, such as `ext2/ext3` or `overlayfs`.
    pub file_system: String,
    /// Whether the directory can be renamed: it is no symbolic link, and no file system of its own.
    pub renamable: bool,
}

/// Users and hosts of accounts by which others replicate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replicating {
    /// Those that may replicate and do nothing else.
    pub let_in: BTreeSet<(String, String)>,
    /// Those of ours with which nobody can log in, so that a lost host is not let in by a wider account.
    pub kept_out: BTreeSet<(String, String)>,
}

/// A part of a server that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnreadPart {
    /// What it replicates from whom.
    Channels,
    /// Its own binary log.
    BinaryLog,
    /// Its GTID state.
    Gtids,
}

/// What a running server says of itself.
#[derive(Debug, Clone)]
pub struct ServerFacts {
    /// Family and version.
    pub version: ServerVersion,
    /// `@@version` as it is.
    pub version_text: String,
    /// `SHOW GLOBAL VARIABLES`, names in lower case.
    pub variables: BTreeMap<String, String>,
    /// Variables that can't change while the server runs.
    pub static_variables: BTreeSet<String>,
    /// Values that variables have when no option file names them.
    pub defaults: BTreeMap<String, String>,
    /// The least and the most that a variable takes which is a number, in the server's own words.
    pub ranges: BTreeMap<String, (String, String)>,
    /// The option file in which the server has found a value, where it names one.
    pub found_in: BTreeMap<String, String>,
    /// Variables that nobody has set since the server was started, as far as it tells.
    pub of_start: BTreeSet<String>,
    /// Values in `mysqld-auto.cnf` (SET PERSIST), which count more than every option file. MySQL only.
    pub persisted: BTreeMap<String, String>,
    /// The systemd unit that runs it.
    pub unit: String,
    /// Every account's user and host, and anonymous users that only have privileges on databases.
    pub account_names: BTreeSet<(String, String)>,
    /// Accounts by which others replicate.
    pub replicating: Replicating,
    /// Accounts that were read in full: those whose user name is one of ours.
    pub accounts: Vec<AccountState>,
    /// Databases but the server's own.
    pub databases: Vec<DatabaseFacts>,
    /// Events of the event scheduler, but the heartbeat.
    pub events: Fact<Vec<EventFacts>>,
    /// The binary log; absent where it is off.
    pub binlog: Fact<BinlogFacts>,
    /// GTID state.
    pub gtid: Fact<GtidState>,
    /// Channels on which this server is a replica.
    pub channels: Fact<Vec<ChannelFacts>>,
    /// What its schemas need of a replica.
    pub schema: Fact<SchemaFacts>,
    /// Sessions of clients, without the server's, replication's and our own.
    pub sessions: Fact<Vec<SessionFacts>>,
    /// The row by which lag is measured; absent where the role `heartbeat` was never used.
    pub heartbeat: Fact<HeartbeatFacts>,
    /// Server ids of the replicas that are connected now, each with the address that it gives, if any.
    pub connected_replicas: Fact<Vec<(u64, String)>>,
    /// Addresses from which replicas are connected now, as the server sees them.
    pub replica_addresses: Fact<BTreeSet<String>>,
}

/// What keeps clients from writing; the second keeps administrators, too.
pub(crate) const CLOSING: [&str; 2] = ["read_only", "super_read_only"];

/// The variables that decide whether clients can write; a server has those that its version knows.
pub(crate) const DECIDING: [&str; 3] = ["read_only", "super_read_only", "offline_mode"];

/// Whether clients can write to a server with these variables. MariaDB 12 has stages of `read_only` beside ON and OFF; each of
/// them stops some.
pub(crate) fn accepts_writes<'a>(variable: impl Fn(&str) -> Option<&'a str>) -> bool {
    let off = |name: &str| variable(name).is_none_or(|value| option_file::same_value(name, value, "OFF"));
    variable("read_only").is_some() && DECIDING.into_iter().all(off)
}

impl ServerFacts {
    /// What is known of a server that can't be asked, and why: its version.
    pub fn silent(version: ServerVersion, why: &str) -> Self {
        let unread = || why.to_owned();
        Self {
            version,
            version_text: String::new(),
            variables: BTreeMap::new(),
            static_variables: BTreeSet::new(),
            defaults: BTreeMap::new(),
            ranges: BTreeMap::new(),
            found_in: BTreeMap::new(),
            of_start: BTreeSet::new(),
            persisted: BTreeMap::new(),
            unit: String::new(),
            account_names: BTreeSet::new(),
            replicating: Replicating::default(),
            accounts: Vec::new(),
            databases: Vec::new(),
            events: Fact::Unread(unread()),
            binlog: Fact::Unread(unread()),
            gtid: Fact::Unread(unread()),
            channels: Fact::Unread(unread()),
            schema: Fact::Unread(unread()),
            sessions: Fact::Unread(unread()),
            heartbeat: Fact::Unread(unread()),
            connected_replicas: Fact::Unread(unread()),
            replica_addresses: Fact::Unread(unread()),
        }
    }

    /// The server, as it understands its option files.
    pub fn known(&self) -> option_file::Known<'_> {
        option_file::Known { version: self.version, variables: &self.variables }
    }

    /// A variable's running value.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// What of a server that answers could not be read all the same, such as its channels where the login may not see
    /// them.
    pub fn part_not_read(&self) -> Option<(UnreadPart, &str)> {
        let parts = [
            (UnreadPart::Channels, self.channels.unread()),
            (UnreadPart::BinaryLog, self.binlog.unread()),
            (UnreadPart::Gtids, self.gtid.unread()),
        ];
        parts.into_iter().find_map(|(part, why)| Some((part, why?)))
    }

    /// A variable that is a number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.variable(name)?.parse().ok()
    }

    /// Whether an `ON`/`OFF` variable is on.
    pub fn is_on(&self, name: &str) -> bool {
        self.variable(name)
            .is_some_and(|v| v.eq_ignore_ascii_case("on") || v == "1" || v.eq_ignore_ascii_case("yes"))
    }

    /// Whether clients can write.
    pub fn accepts_writes(&self) -> bool {
        accepts_writes(|name| self.variable(name))
    }

    /// Whether it has data, or gets some: an empty server that nobody has set up yet is none to write to.
    pub fn is_used(&self) -> bool {
        let channels = self.channels.known().is_some_and(|list| !list.is_empty());
        channels || self.databases.iter().any(|database| !database.is_empty())
    }

    /// Whether it has a channel from an address, whatever the channel's name.
    pub fn replicates_from(&self, address: &str, port: u16) -> bool {
        let channels = self.channels.known().into_iter().flatten();
        channels.into_iter().any(|c| c.source_host == address && c.source_port == port)
    }

    /// Bytes of all user databases together.
    pub fn data_bytes(&self) -> u64 {
        self.databases.iter().map(|d| d.bytes).sum()
    }
}

/// A database that is not the server's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatabaseFacts {
    /// Its name.
    pub name: String,
    /// Default character set.
    pub character_set: String,
    /// Default collation.
    pub collation: String,
    /// Tables and views.
    pub tables: u64,
    /// Data and indexes, estimated by the server.
    pub bytes: u64,
    /// Tables without transactions: name and engine.
    pub locked_tables: Vec<(String, String)>,
    /// Routines and events: they count as content too.
    pub programs: u64,
}

impl DatabaseFacts {
    /// Whether there is nothing in it at all.
    pub fn is_empty(&self) -> bool {
        self.tables == 0 && self.programs == 0
    }
}

/// The binary log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BinlogFacts {
    /// Its end; nothing where the server names no file.
    pub end: Option<BinlogPosition>,
    /// `binlog-do-db`, as `SHOW MASTER STATUS` has it.
    pub do_db: Vec<String>,
    /// `binlog-ignore-db`.
    pub ignore_db: Vec<String>,
    /// The oldest file that is still there.
    pub oldest: String,
    /// Whether the files hold changes of users' databases. Absent where databases are there anyway.
    pub changes: Fact<bool>,
}

/// A channel as the replica reports it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ChannelFacts {
    /// Connection or channel name; empty for the default one.
    pub name: String,
    /// Address of the source.
    pub source_host: String,
    /// Port of the source.
    pub source_port: u16,
    /// Replication account's user.
    pub user: String,
    /// `Yes`, `No`, `Connecting`, `Preparing`.
    pub io_running: ThreadState,
    /// `Yes` or `No`.
    pub sql_running: ThreadState,
    /// Number of the receiver's last error, 0 for none.
    pub io_errno: u32,
    /// Text of the receiver's last error.
    pub io_error: String,
    /// Number of the applier's last error, 0 for none.
    pub sql_errno: u32,
    /// Text of the applier's last error. It may repeat a statement and its values: it is shown through
    /// `transport::without_data` only.
    #[serde(serialize_with = "masked")]
    pub sql_error: String,
    /// Estimated lag, in seconds.
    pub seconds_behind: Option<u64>,
    /// Received up to this position of the source; nothing before the first contact.
    pub read: Option<BinlogPosition>,
    /// Executed up to this position of the source.
    pub executed: Option<BinlogPosition>,
    /// The place in its own relay log up to which it has executed that.
    pub relay: Option<BinlogPosition>,
    /// How it finds where to go on.
    pub using_gtid: UsingGtid,
    /// GTID position of the receiver.
    pub gtid_io_pos: String,
    /// Whether TLS is asked for.
    pub tls: bool,
    /// Whether the source's certificate is verified.
    pub tls_verify: bool,
    /// File of the authority against which the source's certificate is verified; empty for none.
    pub tls_ca: String,
    /// Delay in seconds.
    pub delay: u64,
    /// Server id of the source, 0 before the first contact.
    pub source_server_id: u64,
    /// What the applier does now.
    pub sql_state: String,
    /// What the receiver does now.
    pub io_state: String,
    /// SHA-256 in hex of the stored password, where the server keeps it in a table (MySQL).
    #[serde(skip)]
    pub password_digest: Option<String>,
    /// What it leaves out.
    pub filters: ChannelFilters,
    /// The same by where it was written.
    pub left_out: LeftOutOrigins,
}

fn masked<S: serde::Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&crate::transport::without_data(0, text))
}

/// Events that a channel leaves out by their origin. Empty lists leave out none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LeftOutOrigins {
    /// Events of servers with these ids.
    pub servers: Vec<String>,
    /// Events of these GTID domains (MariaDB).
    pub domains: Vec<String>,
    /// Events of all GTID domains but these (MariaDB).
    pub all_domains_but: Vec<String>,
}

/// What a channel applies, as the replica reports it. Empty lists filter nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ChannelFilters {
    /// Only these databases.
    pub databases: Vec<String>,
    /// All databases but these.
    pub ignore_databases: Vec<String>,
    /// Only these tables, as `database.table`.
    pub tables: Vec<String>,
    /// All tables but these.
    pub ignore_tables: Vec<String>,
    /// Only tables that fit one of these patterns of LIKE, as `database.table`.
    pub wild_tables: Vec<String>,
    /// All tables but those that fit.
    pub wild_ignore_tables: Vec<String>,
    /// Databases that get another name on the replica, as `from->to`.
    pub rewrites: Vec<String>,
}

impl ChannelFacts {
    /// Whether both threads run.
    pub fn running(&self) -> bool {
        self.io_running == ThreadState::Yes && self.sql_running == ThreadState::Yes
    }

    /// Whether everything up to a position of its source was executed.
    pub fn has_executed(&self, goal: &BinlogPosition) -> bool {
        self.executed.as_ref().is_some_and(|at| at.has_reached(goal))
    }

    /// Whether everything that was received was executed.
    pub fn has_executed_all(&self) -> bool {
        self.read.as_ref().is_none_or(|read| self.has_executed(read))
    }

    /// The position up to which events were executed, for a person.
    pub fn stands_at(&self) -> String {
        self.executed.as_ref().map_or_else(|| "no position yet".to_owned(), ToString::to_string)
    }

    /// Whether neither thread reports an error.
    pub fn without_error(&self) -> bool {
        self.io_errno == 0 && self.sql_errno == 0
    }
}

/// The heartbeat of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeartbeatFacts {
    /// The event's state and its interval in seconds, if it is there.
    pub event: Option<(String, u64)>,
    /// Whether the event stops where the server is read-only; those of earlier releases do not.
    pub minds_read_only: bool,
    /// The last stamp of each writer, by `server_id`, in microseconds since 1970 by the writer's clock.
    pub stamps: BTreeMap<u64, u64>,
}

/// A client's session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFacts {
    /// User name.
    pub user: String,
    /// Where it comes from, without the port; `localhost` for the socket.
    pub host: String,
    /// Current database, empty for none.
    pub database: String,
}

/// An account that may write although its server is read-only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AdminWriter {
    /// Its user.
    pub user: String,
    /// Its host part.
    pub host: String,
    /// Whether nobody can log in with it.
    pub locked: bool,
}
