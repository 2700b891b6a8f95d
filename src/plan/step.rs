//! The vocabulary of a plan.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    desired::{AccountWish, ChannelWish, DatabaseWish},
    firewall::FirewallChange,
    model::{Endpoint, Filters, HostName, Place},
    plan::Risk,
};

/// A step's name within a plan, stable from run to run, such as `db-b/option-file`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct StepId(pub String);

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What family a step belongs to. The order of the variants is the order in which a host's own
/// steps are shown and, where nothing else decides, run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The packet filter.
    Firewall,
    /// Packages of the host's package manager.
    Packages,
    /// A file that is not an option file.
    File,
    /// A guarded command of a user's role.
    Command,
    /// The one option file that tandem owns.
    OptionFile,
    /// A replica waits until it has what its sources have, before it is written to.
    CatchUp,
    /// A server variable that changes without a restart.
    Variable,
    /// The database service is started or restarted.
    Service,
    /// An account and its privileges.
    Account,
    /// A database.
    Database,
    /// The copy of a source's data.
    Seed,
    /// A replication channel.
    Channel,
    /// The row by which lag is measured.
    Heartbeat,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Firewall => "firewall",
            Kind::Packages => "packages",
            Kind::File => "file",
            Kind::Command => "command",
            Kind::OptionFile => "option-file",
            Kind::CatchUp => "catch-up",
            Kind::Variable => "variable",
            Kind::Service => "service",
            Kind::Account => "account",
            Kind::Database => "database",
            Kind::Seed => "seed",
            Kind::Channel => "channel",
            Kind::Heartbeat => "heartbeat",
        })
    }
}

/// Why a step is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What is wished or needed, in words.
    pub text: String,
    /// Where the wish is written, if it is written somewhere.
    pub place: Option<Place>,
}

impl Reason {
    /// A reason that follows from other steps or from what was observed.
    pub fn because(text: impl Into<String>) -> Self {
        Self { text: text.into(), place: None }
    }

    /// A reason that stands in a file.
    pub fn declared(text: impl Into<String>, place: &Place) -> Self {
        Self { text: text.into(), place: Some(place.clone()) }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) if self.text.is_empty() => write!(f, "{place}"),
            Some(place) => write!(f, "{} ({place})", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// Where a new channel begins to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coordinates {
    /// Keep what the replica has; only other options change.
    Keep,
    /// The position that the seed of this replica recorded.
    OfSeed,
    /// Compute `gtid_slave_pos` from both servers' states right before the channel is made, by
    /// [`crate::gtid`]'s rule: the source's position where the replica is at least as far, else the replica's.
    Compared,
    /// Where the replica stands with its present source, once the new one can go on from there.
    Moved {
        /// The present source, if it is one of ours.
        from: Option<HostName>,
        /// Whether what is written on the replica reaches the new source.
        two_way: bool,
    },
    /// Where the source stood when it was proven to hold no data; everything later is new. Empty
    /// values mean the source's very first event.
    At {
        /// As a GTID position.
        gtid: String,
        /// As a binary log file.
        file: String,
        /// As a position in that file.
        position: u64,
    },
}

/// What to do to one channel, in this order: stop, change, start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelChange {
    /// The channel as it shall be.
    pub wish: ChannelWish,
    /// Whether the channel exists now under this name.
    pub exists: bool,
    /// Whether `CHANGE MASTER` is needed, or only a start.
    pub change: bool,
    /// Where it begins to read when it is changed.
    pub coordinates: Coordinates,
    /// A statement about an account that does not belong on this host: the one event that stopped the
    /// applier, which is left out.
    pub skip: Option<String>,
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
    /// Databases on the replica that an unfinished copy of ours left there, and that are dropped first.
    pub leftovers: Vec<String>,
    /// Databases of the replica's own that are kept in a file there, and dropped.
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
}

/// How a copy is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyMethod {
    /// A dump that is streamed from host to host: some databases, row by row.
    Logical,
    /// The files of the whole server, by `mariadb-backup`.
    Physical {
        /// The unit that runs the replica's server.
        unit: String,
    },
    /// The whole server, fetched by MySQL's clone plugin.
    Clone(ClonePlan),
}

impl CopyMethod {
    /// Whether everything that the replica's server has is replaced, accounts and all.
    pub fn is_whole(&self) -> bool {
        *self != CopyMethod::Logical
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

/// What the executor does for a step. It owns all it needs, so nothing is left to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Change the packet filter under a dead man's switch.
    Firewall(Box<FirewallChange>),
    /// Install packages.
    InstallPackages(Vec<String>),
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
    /// Write a file atomically.
    WriteFile {
        /// Absolute path.
        path: String,
        /// Whole content.
        content: String,
        /// Owner name.
        owner: String,
        /// Group name.
        group: String,
        /// Octal mode, such as `0644`.
        mode: String,
    },
    /// Issue a certificate for a server.
    Certificate(CertificatePlan),
    /// Run a guarded command.
    Command {
        /// Program and arguments.
        run: Vec<String>,
        /// When this succeeds the command has been done already.
        unless: Vec<String>,
    },
    /// Write tandem's own option file; it is checked by the server's binary first.
    WriteOptionFile {
        /// Absolute path.
        path: String,
        /// Whole content; `None` removes the file.
        content: Option<String>,
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
        /// Whether `auto.cnf` is moved away first, so that the server makes itself a new UUID.
        new_uuid: bool,
    },
    /// Start and enable a service that is stopped or disabled.
    StartService {
        /// systemd unit.
        unit: String,
        /// Whether it shall start at boot.
        enable: bool,
    },
    /// Start or stop a service of a user's role, and let it start at boot or not.
    Unit {
        /// systemd unit.
        unit: String,
        /// Whether it shall run.
        running: bool,
        /// Whether it shall start at boot.
        enabled: bool,
    },
    /// Make the heartbeat and let it beat.
    Heartbeat {
        /// Whether the table is made, too.
        table: bool,
        /// Seconds between two stamps.
        interval: u64,
    },
    /// Make an account what it shall be, off the binary log.
    Account(AccountWish),
    /// Drop an account, off the binary log.
    DropAccount {
        /// User name.
        user: String,
        /// Host part.
        host: String,
    },
    /// Create a database, or change its defaults.
    Database {
        /// The wish.
        wish: DatabaseWish,
        /// Whether it exists now.
        exists: bool,
    },
    /// Copy a source's data.
    Seed(SeedPlan),
    /// Let a source purge its binary logs again as it did before a copy that was cut off.
    RestoreRetention(std::collections::BTreeMap<String, String>),
    /// Take away the record of a copy whose channel runs already.
    ForgetSeed(HostName),
    /// Make, change or start a channel.
    Channel(Box<ChannelChange>),
    /// Wait until a replica has executed what its sources have.
    CatchUp {
        /// The channels that events take to it, those of the farthest source first.
        hops: Vec<Hop>,
        /// The hosts that stop taking writes for its sake.
        closing: Vec<HostName>,
        /// Whether that happens before or after they stop.
        moment: Moment,
    },
    /// End a channel that nobody declared.
    DropChannel(UndeclaredChannel),
}

/// One channel on the way from a source to a replica that is to be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// The source, where it is one of ours that was read. From any other one, what was received counts.
    pub from: Option<HostName>,
    /// The replica.
    pub to: HostName,
    /// The channel's name; empty for the unnamed one.
    pub channel: String,
}

/// When a replica catches up, as seen from the hosts that stop taking writes for its sake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Before they stop, so that nobody can write for a short time only.
    BeforeTheyStop,
    /// After they have stopped, or where none stops.
    AfterTheyStopped,
}

/// A channel that nobody declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndeclaredChannel {
    /// Its name; empty for the unnamed one.
    pub name: String,
    /// Address of its source.
    pub address: String,
    /// Port of its source.
    pub port: u16,
}

/// One thing that will be done on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name in the plan.
    pub id: StepId,
    /// Where.
    pub host: HostName,
    /// The family.
    pub kind: Kind,
    /// What, in one line.
    pub summary: String,
    /// Why.
    pub reason: Vec<Reason>,
    /// What is there now; secrets are shown as `***`.
    pub before: Option<String>,
    /// What will be there; secrets are shown as `***`.
    pub after: Option<String>,
    /// What it can hurt.
    pub risk: Vec<Risk>,
    /// What must be done first.
    pub requires: Vec<StepId>,
    /// What the executor does.
    pub action: Action,
}

/// Something for which nothing was planned, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Waiting {
    /// The host.
    pub host: HostName,
    /// What it waits for, in words.
    pub reason: String,
}

/// Something about the hosts that a person should know. It changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Warning {
    /// The host, or the first of two.
    pub host: HostName,
    /// A word for filters, such as `no-primary-key`.
    pub code: String,
    /// What, and what may come of it.
    pub text: String,
}

impl Warning {
    /// Whether `drift` counts it as a difference: something that nobody declared, or rows that differ.
    pub fn is_drift(&self) -> bool {
        self.code.starts_with("extra-") || self.code == "data-differs"
    }
}

/// Something that is wished and will not be done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// The host.
    pub host: HostName,
    /// A stable word for machines, such as `data-on-both`.
    pub code: String,
    /// Why, and what to do instead.
    pub reason: String,
}

/// What is to be done on a fleet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The steps, in an order in which they may run.
    pub steps: Vec<Step>,
    /// Hosts or wishes for which nothing is planned, with the reason.
    pub waiting: Vec<Waiting>,
    /// What was refused.
    pub refused: Vec<Refusal>,
    /// What is worth knowing and changes nothing.
    pub warnings: Vec<Warning>,
}

impl Plan {
    /// Whether reality is as wished: no step, nothing refused and nothing waiting.
    pub fn in_sync(&self) -> bool {
        self.steps.is_empty() && self.refused.is_empty() && self.waiting.is_empty()
    }
}
