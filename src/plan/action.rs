//! What the executor does for a step, with all that it has to know.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Events, Failover, Hop, Switchover, UndeclaredChannel};
use crate::{
    desired::{DesiredAccount, DesiredChannel, DesiredDatabase, SeedPath},
    dialect::HEARTBEAT,
    doctor::AccountStatement,
    firewall::FirewallChange,
    gtid::Transactions,
    model::{BinlogPosition, Endpoint, Filters, GivenPosition, HostName},
    option_file::same_value,
    resource::Change,
    role_unit::RoleUnit,
};

/// What the executor does for a step. It owns all it needs, so nothing is left to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Change the packet filter under a dead man's switch.
    Firewall(Box<FirewallChange>),
    /// Make a plain resource of a role as it is declared.
    Resource(Box<Change>),
    /// Install the database server, and start it.
    InstallServer {
        /// Name of the package.
        package: String,
        /// The version or its beginning, where one is wished.
        version: Option<String>,
        /// systemd unit, where the inventory names one.
        unit: Option<String>,
        /// Whether it shall run and start at boot.
        start: bool,
    },
    /// Drop what an installation leaves open, off the binary log.
    RemoveLeftovers {
        /// Accounts: user and host.
        accounts: Vec<(String, String)>,
        /// Whether the empty database `test` goes, too.
        database: bool,
    },
    /// Issue a certificate for a server.
    Certificate(CertificatePlan),
    /// Write tandem's own option file; it is checked by the server's binary first.
    WriteOptionFile {
        /// Absolute path.
        path: String,
        /// Whole content.
        content: String,
        /// What the host is meanwhile.
        stage: FileStage,
    },
    /// Add a line to an option file of somebody's that includes a directory of tandem's.
    IncludeDirectory {
        /// The file.
        file: String,
        /// Its digest, as it was read.
        digest: String,
        /// The directory, which is made.
        directory: String,
    },
    /// `SET GLOBAL` of variables that need no restart.
    SetGlobal(Vec<(String, String)>),
    /// Take MySQL's `gtid_mode` one step further.
    GtidMode {
        /// The mode that it gets.
        phase: GtidPhase,
        /// Whether it is on its way to OFF.
        down: bool,
    },
    /// Take variables out of `mysqld-auto.cnf`; what runs stays.
    ResetPersisted(Vec<String>),
    /// Restart the service, or start it; the old option file comes back if the server does not.
    Restart {
        /// systemd unit.
        unit: String,
        /// Variables with the values that the server must report afterwards.
        expect: Vec<(String, String)>,
        /// The option file to put back if the server does not come up.
        option_file: Option<String>,
        /// Variables that are read at the start only and for which it is restarted.
        causes: Vec<String>,
        /// Whether `auto.cnf` is moved away first, so that the server makes itself a new UUID.
        new_uuid: bool,
        /// Channels of the host that run, and on which it has caught up before another server is restarted.
        follows: Vec<Hop>,
    },
    /// Start and enable a service that is stopped or disabled.
    StartService {
        /// systemd unit.
        unit: String,
        /// Whether it shall start at boot.
        enable: bool,
        /// The option file that was written because of what keeps it down, and is put back if it does not start.
        option_file: Option<String>,
    },
    /// Make the heartbeat and let it beat.
    Heartbeat {
        /// Whether the table is made, too.
        table: bool,
        /// Seconds between two stamps.
        interval: u64,
    },
    /// Make an account what it shall be, off the binary log.
    Account(AccountChange),
    /// Drop an account, off the binary log.
    DropAccount {
        /// User name.
        user: String,
        /// Host part.
        host: String,
    },
    /// Let nobody log in with the account of a host that is lost, off the binary log.
    LockAccount {
        /// User name.
        user: String,
        /// Host part.
        host: String,
    },
    /// Make an account with which nobody can log in from the address of a lost host, which a wider one would let in, off the
    /// binary log.
    KeepOut {
        /// User name.
        user: String,
        /// Host part.
        host: String,
    },
    /// Take such an account away, off the binary log.
    LetIn {
        /// User name.
        user: String,
        /// Host part.
        host: String,
    },
    /// Create a database, or change its defaults.
    Database {
        /// The wish.
        wish: DesiredDatabase,
        /// Whether it exists now.
        exists: bool,
    },
    /// Save transactions that only the host has, as SQL and as the binary logs that hold them.
    SaveErrant {
        /// The transactions.
        transactions: Vec<Transactions>,
        /// Whether all of them must be saved; else what the binary logs still hold will do, since the data are kept.
        all: bool,
    },
    /// Copy a source's data.
    Seed(SeedPlan),
    /// Let a source purge its binary logs again as it did before a copy that was cut off.
    RestoreRetention(std::collections::BTreeMap<String, String>),
    /// Compare a copy whose channel runs with its source, and take its record away if they are the same.
    CompareCopy(ComparePlan),
    /// Make, change or start a channel.
    Channel(Box<ChannelChange>),
    /// Wait until a replica has executed what its sources have.
    CatchUp {
        /// The channels that events take to it, those of the farthest source first.
        hops: Vec<Hop>,
        /// The hosts that stop taking writes for its sake.
        closing: Vec<HostName>,
        /// Whether that happens before or after they stop.
        moment: CatchUpPhase,
    },
    /// Let another host take the writes.
    Switchover(Box<Switchover>),
    /// Let a replica take the writes of a host that is gone.
    Failover(Box<Failover>),
    /// Let events run where clients write.
    Events(Events),
    /// End a channel that nobody declared.
    DropChannel(UndeclaredChannel),
    /// Record the host as the writer: the unit that opens it after a start of its server.
    RecordWriter(Box<RoleUnit>),
    /// Take that unit away: the host is not the one that is written to.
    ForgetWriter {
        /// Whether it is only put aside, until the switch of writes that follows has been made or has failed.
        aside: bool,
    },
}

/// For which time an option file is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum FileStage {
    /// The host is what it is declared to be.
    #[default]
    AsDeclared,
    /// Another host takes its writes while its server is restarted. The file keeps it closed, and so does the one that
    /// comes back if the server does not start.
    WritesAway {
        /// Variables that close it.
        closed: Vec<(String, String)>,
    },
    /// It takes the writes again.
    WritesBack {
        /// What the file was made by this plan, where it was.
        over: Option<String>,
    },
}

/// Where a new channel begins to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coordinates {
    /// Keep what the replica has; only other options change.
    Keep,
    /// The position that the seed of this replica recorded.
    OfSeed,
    /// Compute `gtid_slave_pos` from both servers' states right before the channel is made, by
    /// `gtid`'s rule: the source's position where the replica is at least as far, else the replica's.
    Compared,
    /// Where the replica stands with its present source, once the new one can go on from there.
    Moved {
        /// The present source, if it is one of ours.
        from: Option<HostName>,
        /// Where the channel reaches the present source.
        at: Endpoint,
        /// Whether what is written on the replica reaches the new source.
        two_way: bool,
        /// Whether the two have the same without a GTID that says so: then all that the new source logs is new.
        alike: bool,
    },
    /// Where the source stood when it was proven to hold no data; everything later is new. Empty
    /// values mean the source's very first event.
    At {
        /// As a GTID position.
        gtid: String,
        /// In its binary log.
        at: Option<BinlogPosition>,
        /// Whether the replica's own binary log starts over: what stands in it would be errant from now on.
        starts_over: bool,
    },
}

/// What a step is about that changes a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelTask {
    /// It is made.
    Make,
    /// It gets another source, with the replica's data and from its place.
    Move,
    /// The statement that stopped it is left out.
    LeaveOut,
    /// What was not executed is fetched again, since the relay log is gone or gets another name.
    FetchAgain,
    /// Some of its options change.
    Change,
    /// It is stopped and started, since another attempt to connect would succeed.
    Reconnect,
    /// It is started.
    Start,
}

impl Action {
    /// Whether settings that it makes leave its host read-only (`ON`), or open (`OFF`).
    pub fn sets_read_only(&self, to: &str) -> bool {
        self.sets("read_only", to)
    }

    /// Whether a variable of the server has this value after it.
    pub fn sets(&self, variable: &str, to: &str) -> bool {
        let (Action::SetGlobal(list) | Action::Restart { expect: list, .. }) = self else { return false };
        list.iter().any(|(name, value)| name == variable && same_value(name, value, to))
    }

    /// Whether a session that was opened before it may find another server, or other settings, than one that is opened
    /// after it.
    pub fn changes_sessions(&self) -> bool {
        match self {
            Action::Certificate(_)
            | Action::WriteOptionFile { .. }
            | Action::Account(_)
            | Action::DropAccount { .. }
            | Action::LockAccount { .. }
            | Action::KeepOut { .. }
            | Action::LetIn { .. }
            | Action::Database { .. }
            | Action::RestoreRetention(_)
            | Action::CompareCopy(_)
            | Action::Channel(_)
            | Action::CatchUp { .. }
            | Action::DropChannel(_) => false,
            Action::Seed(plan) => plan.method.is_whole(),
            _ => true,
        }
    }

    /// Whether the start of a server is the last that it changes.
    pub fn ends_with_a_start(&self) -> bool {
        matches!(self, Action::Restart { .. } | Action::StartService { .. })
    }
}

/// What to do to one channel, in this order: stop, change, start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelChange {
    /// The channel as it shall be.
    pub wish: DesiredChannel,
    /// What it is about.
    pub task: ChannelTask,
    /// Whether the channel exists now under this name.
    pub exists: bool,
    /// Whether `CHANGE MASTER` is needed, or only a start.
    pub change: bool,
    /// Where it begins to read when it is changed.
    pub coordinates: Coordinates,
    /// A statement about an account that does not belong on this host: the one event that stopped the
    /// applier, which is left out.
    pub skip: Option<AccountStatement>,
    /// What this channel alone shall apply, where that has to be said.
    pub filters: Option<Filters>,
    /// Sources of the host's other channels, where they hold something else than this one: their places stay as
    /// they are.
    pub others: Vec<HostName>,
}

/// What a seed copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedPlan {
    /// The source whose data it is.
    pub from: HostName,
    /// The host that the data is read from: the source, or a replica of it.
    pub donor: HostName,
    /// Databases that are copied.
    pub databases: Vec<String>,
    /// Tables whose engine knows no transactions; they are copied under a lock.
    pub locked_tables: Vec<(String, String)>,
    /// Whether accounts of the source are copied too.
    pub accounts: bool,
    /// Accounts of ours that are left out of the copy, by user name.
    pub own_users: Vec<String>,
    /// Estimated bytes before compression.
    pub bytes: u64,
    /// Databases on the replica that an unfinished copy of ours left there; see [`SeedPlan::goes_on_with`].
    pub leftovers: Vec<String>,
    /// Databases of the replica's own that are kept there, in a file or a directory, and give way.
    pub replaces: Vec<String>,
    /// Channels that end before the data is replaced: the replica's own, which can't go on, and those
    /// of hosts that replicate from it, whose places are not in its new binary logs.
    pub ends: Vec<EndedChannel>,
    /// Databases of the replica that stay, since its other sources give them.
    pub others: Vec<String>,
    /// Whether other channels of the replica bring data already: then its binary logs go on.
    pub beside: bool,
    /// How the data gets there.
    pub method: CopyMethod,
    /// The way of the bytes, where they flow through us at all.
    pub path: SeedPath,
    /// Where the donor is reached by the other hosts.
    pub address: String,
}

impl SeedPlan {
    /// Whether other sources bring something, too: then what is there already is theirs.
    pub fn has_other_sources(&self) -> bool {
        self.beside || self.others.iter().any(|database| database != HEARTBEAT)
    }

    /// Databases of the replica in which a copy row by row goes on with what it finds: only what differs from the source is
    /// carried. What else stands in its way is dropped before.
    pub fn goes_on_with(&self) -> impl Iterator<Item = &String> {
        let there =
            self.leftovers.iter().chain(&self.replaces).filter(|_| self.method == CopyMethod::Logical);
        there.filter(|name| self.databases.contains(name) && *name != HEARTBEAT)
    }
}

/// What of a copy is compared with its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparePlan {
    /// The source.
    pub from: HostName,
    /// Name of the channel from there; empty for the unnamed one.
    pub channel: String,
    /// Databases of the copy.
    pub databases: Vec<String>,
    /// Whether the source's accounts must be the same, too.
    pub accounts: bool,
    /// Accounts of ours, by user name; each server has its own.
    pub own_users: Vec<String>,
    /// The channel's delay in seconds.
    pub delay: u64,
}

impl ComparePlan {
    /// Whether the two are never at one position while anybody waits: each look at a row would take as long as the
    /// delay. Such a channel has none while the copy is compared.
    pub fn is_far_behind(&self) -> bool {
        self.delay > 60
    }
}

/// How a copy is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyMethod {
    /// Some databases, row by row, by an engine of our own between the two servers.
    Logical,
    /// The files of the whole server, by `mariadb-backup`.
    Physical {
        /// The unit that runs the replica's server.
        unit: String,
    },
    /// The whole server, fetched by MySQL's clone plugin.
    Clone(ClonePlan),
    /// Not at all: somebody has loaded the data, and it stands here.
    ByHand {
        /// In the source's binary log.
        at: GivenPosition,
    },
}

impl CopyMethod {
    /// Whether everything that the replica's server has is replaced, accounts and all.
    pub fn is_whole(&self) -> bool {
        matches!(self, CopyMethod::Physical { .. } | CopyMethod::Clone(_))
    }
}

/// User of the account by which a replica fetches a clone. Each copy makes it anew, and it ends with the copy.
pub const CLONE_USER: &str = "tandem_clone";

/// What the clone plugin has to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClonePlan {
    /// The unit that runs the replica's server.
    pub unit: String,
    /// Where the replica reaches the source.
    pub source: Endpoint,
    /// The address from which the replica comes, as the host part of an account.
    pub account_host: String,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// The authority's file on the replica, where the source's certificate is verified.
    pub tls_ca: Option<String>,
}

/// A channel that ends where a copy replaces a server's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedChannel {
    /// The host whose channel it is.
    pub host: HostName,
    /// The channel's name; empty for the unnamed one.
    pub name: String,
    /// From where it replicates.
    pub source: HostName,
}

/// A certificate that is to be issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificatePlan {
    /// The authority's directory on the controller.
    pub directory: std::path::PathBuf,
    /// Names and addresses that it must have.
    pub names: Vec<String>,
    /// Whether the server uses such a certificate already and can load the new one without a restart.
    pub reload: bool,
    /// Whether a certificate is issued, or the host only trusts other authorities than before.
    pub issue: bool,
    /// Whether the authority beside the inventory is trusted as it is, or is made first.
    pub authority: AuthorityPlan,
    /// Other authorities that the host trusts, too, as PEM.
    pub others: Vec<String>,
}

/// What becomes of the authority beside the inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorityPlan {
    /// It stays, and has this certificate.
    Keep(String),
    /// It is made: there is none.
    Make,
    /// Another one takes the place of the one with this certificate.
    Replace(String),
}

/// An account that is made, or becomes another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountChange {
    /// What it is afterwards.
    pub wish: DesiredAccount,
    /// What is done.
    pub task: AccountTask,
}

/// What is done to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountTask {
    /// It is made.
    Make,
    /// How it logs in changes: who uses it as it was does not get in the next time.
    ChangeLogin,
    /// Something else of it changes.
    Change,
    /// It logs in over TLS only from then on: who comes in clear text does not get in the next time.
    RequireTls,
}

/// A value of MySQL's `gtid_mode`, which goes from OFF to ON and back by one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GtidPhase {
    /// No transaction has a GTID.
    Off,
    /// New transactions have no GTID; those of a source may have one.
    OffPermissive,
    /// New transactions have one; those of a source need none.
    OnPermissive,
    /// Every transaction has one.
    On,
}

impl GtidPhase {
    /// All, from OFF to ON.
    pub const ALL: [GtidPhase; 4] =
        [GtidPhase::Off, GtidPhase::OffPermissive, GtidPhase::OnPermissive, GtidPhase::On];

    /// The mode of a server. What is unknown counts as OFF.
    pub fn of(mode: &str) -> Self {
        { Self::ALL }.into_iter().find(|phase| phase.to_string() == mode).unwrap_or(Self::Off)
    }

    /// What a server with this mode goes through on its way up, or down.
    pub fn way(self, down: bool) -> Vec<Self> {
        match down {
            false => { Self::ALL }.into_iter().filter(|phase| *phase > self).collect(),
            true => { Self::ALL }.into_iter().rev().filter(|phase| *phase < self).collect(),
        }
    }
}

impl fmt::Display for GtidPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            GtidPhase::Off => "OFF",
            GtidPhase::OffPermissive => "OFF_PERMISSIVE",
            GtidPhase::OnPermissive => "ON_PERMISSIVE",
            GtidPhase::On => "ON",
        })
    }
}

/// When a replica catches up, as seen from the hosts that stop taking writes for its sake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CatchUpPhase {
    /// Before they stop, so that nobody can write for a short time only.
    BeforeClosing,
    /// After they have stopped, or where none stops.
    AfterClosing,
}
