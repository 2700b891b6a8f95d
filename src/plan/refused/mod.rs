//! Why something that is wished will not be done: one variant for each code, with the values that its sentence is made of.

mod channel;
mod host;
mod method;
mod takeover;

use super::{Allow, Losses, Risk, Step};
use crate::{
    desired::SeedMethod,
    doctor::{Cause, ErrantExplanation, Explanation},
    gtid::Purged,
    model::{Endpoint, GivenPosition, HostName, Place, coded, families},
    resource::{Obstacle, Resource},
};
pub use channel::{ChannelRefused, OldTls, PairRefused};
pub use host::{AuthorityRefused, FirewallRefused, ServerRefused, SettingRefused, ValueRefused};
pub use method::MethodRefused;
pub use takeover::{Ahead, Alive, TakeoverRefused, Unable};

/// Why something that is wished will not be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// A copy can't be made.
    Copy(CopyRefused),
    /// Whose data counts is not decided.
    Data(DataRefused),
    /// A replica has transactions that its source does not have.
    Errant(Box<ErrantExplanation>),
    /// The far end of a channel is not what is declared.
    End(EndRefused),
    /// A channel, or the account that it logs in as.
    Channel(ChannelRefused),
    /// A replica can't take the writes of a lost host.
    Takeover(TakeoverRefused),
    /// A source and its replica are not alike.
    Pair {
        /// The source.
        source: HostName,
        /// In what.
        why: PairRefused,
    },
    /// A server variable.
    Setting(SettingRefused),
    /// The server itself, or its unit.
    Server(ServerRefused),
    /// The packet filter.
    Firewall(FirewallRefused),
    /// The authority that the servers trust.
    Authority(AuthorityRefused),
    /// A resource of a role can't be on its host.
    Resource(Box<Resource>, Obstacle),
    /// Steps wait for each other: a fault of this program.
    Circle {
        /// How many.
        steps: usize,
    },
    /// A step can hurt, and the word that allows it was not given.
    NotAllowed {
        /// The step.
        step: Box<Step>,
        /// What it can hurt.
        risk: Risk,
        /// The word.
        allow: Allow,
    },
}

impl Refused {
    /// Its code, stable from version to version.
    pub fn code(&self) -> &'static str {
        match self {
            Refused::Copy(why) => why.code(),
            Refused::Data(why) => why.code(),
            Refused::Errant(found) => found.code(),
            Refused::End(why) => why.code(),
            Refused::Channel(why) => why.code(),
            Refused::Takeover(why) => why.code(),
            Refused::Pair { why, .. } => why.code(),
            Refused::Setting(why) => why.code(),
            Refused::Server(why) => why.code(),
            Refused::Firewall(why) => why.code(),
            Refused::Authority(why) => why.code(),
            Refused::Resource(..) => RESOURCE,
            Refused::Circle { .. } => CIRCLE,
            Refused::NotAllowed { allow, .. } => not_allowed(*allow),
        }
    }

    /// What is wrong with the channel that it is refused for.
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Refused::Channel(
                ChannelRefused::Broken { fault, .. } | ChannelRefused::TargetBroken { fault, .. },
            )
            | Refused::Data(DataRefused::SourcePurged { lost: Lost::Broken(fault), .. }) => {
                Some(&fault.cause)
            }
            _ => None,
        }
    }

    /// The codes of all refusals.
    pub fn codes() -> Vec<&'static str> {
        let families = [
            CopyRefused::CODES,
            DataRefused::CODES,
            ERRANT,
            EndRefused::CODES,
            ChannelRefused::CODES,
            TakeoverRefused::CODES,
            PairRefused::CODES,
            SettingRefused::CODES,
            ServerRefused::CODES,
            FirewallRefused::CODES,
            AuthorityRefused::CODES,
            &[RESOURCE, CIRCLE],
        ];
        families.concat().into_iter().chain(Allow::ALL.iter().copied().map(not_allowed)).collect()
    }

    /// Where what is refused is declared.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Refused::Copy(CopyRefused::Method { place, .. })
            | Refused::Channel(
                ChannelRefused::GtidModeOff { place }
                | ChannelRefused::GtidModeOffline { place, .. }
                | ChannelRefused::PasswordTooLong { place, .. },
            )
            | Refused::Takeover(
                TakeoverRefused::DeclaredClosed { place }
                | TakeoverRefused::OldWriterDeclaredOpen { place, .. },
            )
            | Refused::Setting(
                SettingRefused::Unknown { place, .. }
                | SettingRefused::NotTaken { place, .. }
                | SettingRefused::Overridden { place, .. }
                | SettingRefused::Argument { place, .. }
                | SettingRefused::Disputed { place, .. }
                | SettingRefused::KeepsServerDown { place, .. },
            ) => Some(place),
            Refused::Setting(SettingRefused::Failed { setting, .. }) => {
                setting.as_ref().map(|(_, place)| place)
            }
            _ => None,
        }
    }

    /// Whether it is something that was found, and not a step that was asked for: to `drift` that is a difference.
    pub fn is_finding(&self) -> bool {
        matches!(self, Refused::Errant(_) | Refused::Setting(SettingRefused::LeavesOut { .. }))
    }
}

const RESOURCE: &str = "resource-blocked";
const CIRCLE: &str = "steps-in-a-circle";
const ERRANT: &[&str] = &["errant-transactions", "source-lost-transactions"];

fn not_allowed(word: Allow) -> &'static str {
    match word {
        Allow::Restart => "not-allowed-restart",
        Allow::CutClients => "not-allowed-cut-clients",
        Allow::Reseed => "not-allowed-reseed",
        Allow::ResetBinlogs => "not-allowed-reset-binlogs",
        Allow::EditOptionFile => "not-allowed-edit-option-file",
        Allow::DropAccount => "not-allowed-drop-account",
        Allow::DropChannel => "not-allowed-drop-channel",
        Allow::NewAuthority => "not-allowed-new-authority",
        Allow::LockAccounts => "not-allowed-lock-accounts",
        Allow::Unfenced => "unfenced",
        Allow::DiscardErrant => "not-allowed-discard-errant",
        Allow::SkipUnread => "member-unread",
    }
}

families! { Refused:
    Copy(CopyRefused), Data(DataRefused), End(EndRefused), Channel(ChannelRefused), Setting(SettingRefused),
    Server(ServerRefused), Firewall(FirewallRefused), Authority(AuthorityRefused), Takeover(TakeoverRefused),
}

coded! {
    /// Why a copy can't be made.
    pub enum CopyRefused {
        /// The host has other channels, whose positions would be lost.
        OtherChannels {
            /// Their names.
            channels: Vec<String>,
            /// The statements that end them: a host whose wish is refused keeps still, so no step of ours does it.
            ending: Vec<String>,
        } = "other-channels",
        /// The copy would be loaded beside other data on a host that is a source itself, and not reach its replicas.
        NotPassedOn {
            /// The source.
            source: HostName,
            /// The replicas of this host.
            replicas: Vec<HostName>,
        } = "copy-not-passed-on",
        /// The source holds data, the replica none, and nothing copies it.
        Needed {
            /// The source.
            source: HostName,
            /// What keeps a copy from being made.
            copies: Copies,
        } = "copy-needed",
        /// `seed_databases` names databases that the source does not have.
        UnknownDatabase {
            /// The source.
            source: HostName,
            /// The databases.
            names: Vec<String>,
        } = "unknown-database",
        /// Two sources of the replica have a database of one name.
        SameDatabaseTwice {
            /// The source that the copy is made of.
            source: HostName,
            /// The databases.
            names: Vec<String>,
        } = "same-database-twice",
        /// The method of copying does not fit these servers.
        Method {
            /// The method that is declared.
            method: SeedMethod,
            /// Where.
            place: Place,
            /// What speaks against it.
            why: MethodRefused,
        } = "seed-method",
        /// A copy row by row can't carry everything as it is.
        NotCarried {
            /// The source.
            source: HostName,
            /// What it can't carry.
            unfit: Vec<crate::dialect::Unfit>,
            /// The method that copies the whole server, where it works here.
            whole: Option<SeedMethod>,
        } = "cannot-be-copied",
        /// The copy does not fit on the replica's disk.
        DiskTooSmall {
            /// Bytes that it needs.
            needs: u64,
            /// Bytes that are free.
            free: u64,
            /// The data directory.
            datadir: String,
        } = "disk-too-small",
        /// Beside an unfinished copy lies data that is not of it.
        BesideUnfinished {
            /// The source of that copy.
            from: HostName,
            /// The databases that are not of it.
            foreign: Vec<String>,
        } = "data-beside-unfinished-copy",
    }
}

coded! {
    /// Why it is not decided whose data counts.
    pub enum DataRefused {
        /// Both servers hold data, and nothing proves that the replica's is the source's.
        OnBoth {
            /// The source.
            source: HostName,
            /// Databases that only the replica has.
            only_here: Vec<String>,
            /// Whether one of the two has ever replicated from the other.
            related: bool,
            /// Bytes of the replica's data.
            bytes: u64,
            /// Whether the wished channels lead back to the source, so that the copy may go the other way.
            two_way: bool,
            /// Whether the source's data would be copied.
            copies: Copies,
            /// Whether what only the replica has are transactions that can be saved before.
            saved: bool,
            /// What a copy would lose.
            losses: Option<Box<Losses>>,
        } = "data-on-both",
        /// The replica holds data and its source holds none.
        OnReplicaOnly {
            /// The source.
            source: HostName,
            /// The replica's databases.
            databases: Vec<String>,
            /// How the source would get them.
            way: WayToSource,
            /// What a copy would lose.
            losses: Option<Box<Losses>>,
        } = "data-on-replica-only",
        /// A channel stands still that only a new copy brings on again.
        SourcePurged {
            /// The source.
            source: HostName,
            /// What is missing.
            lost: Lost,
            /// Whether the source's data would be copied.
            copies: Copies,
        } = "source-purged",
        /// The replica may have what the new source does not have.
        MovedApart {
            /// Whom it follows: a host, or an address with its port.
            now: String,
            /// The new source.
            source: HostName,
            /// Whether the source's data would be copied.
            copies: Copies,
            /// What a copy would lose.
            losses: Option<Box<Losses>>,
        } = "moved-apart",
        /// Two independent sources write in one GTID domain.
        SharedDomain {
            /// The source.
            source: HostName,
            /// The other one.
            other: HostName,
            /// The domain.
            domain: u32,
        } = "shared-gtid-domain",
        /// By file and position nobody can compute where to begin at another source.
        MoveNeedsGtid {
            /// Whom the replica follows: a host, or an address with its port.
            now: String,
            /// The new source.
            source: HostName,
            /// Whether GTIDs would do.
            gtid: GtidWay,
            /// Whether the source's data would be copied; nothing where it has none yet.
            copies: Option<Copies>,
        } = "move-needs-gtid",
        /// The channel can't begin at the place at which data stands that was loaded by hand.
        GivenPosition {
            /// The source.
            source: HostName,
            /// The place.
            at: GivenPosition,
            /// Why not.
            why: GivenRefused,
        } = "seed-position",
        /// A channel back to a host can't be proven by file and position.
        WayBackNeedsGtid {
            /// The source.
            source: HostName,
            /// Whether GTIDs would do.
            gtid: GtidWay,
        } = "way-back-needs-gtid",
    }
}

/// Whether a source's data would be copied to its replica, were that allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copies {
    /// It would.
    Made,
    /// No role copies.
    NoRole,
    /// The data goes another way round the topology.
    OtherWay,
    /// `seed_method` is `none`.
    ByHand,
}

/// How the data of a replica would get to a source that has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WayToSource {
    /// `seed_from` turns the copies round.
    SeedFrom,
    /// It would be copied, but no role copies.
    NoRole,
    /// No channel leads there: the two have to change places.
    ChangePlaces,
    /// No channel leads there: the channel has to be turned round.
    TurnChannel,
}

/// Why a channel can't begin at a place that was noted by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenRefused {
    /// The source's binary logs do not have it.
    NotInLogs {
        /// The oldest log.
        oldest: String,
        /// Where they end.
        end: String,
    },
    /// The source has never been there.
    Ahead {
        /// How far it has come.
        reached: String,
    },
    /// The source has purged what comes next.
    Purged {
        /// What it has no longer.
        what: String,
    },
    /// Others replicate from the replica already, and its binary logs would start over.
    Followed {
        /// Those.
        replicas: Vec<HostName>,
    },
    /// A channel by GTID on MySQL needs the set of transactions that the data holds.
    NeedsSet,
    /// A channel by GTID on MariaDB needs a position of its form.
    NeedsPosition,
    /// A channel by file and position needs these.
    NeedsFile,
}

/// Whether GTIDs would tell what a file and a position do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GtidWay {
    /// `replication_positioning` is all that is missing.
    Open,
    /// `gtid_mode` is declared off.
    DeclaredOff,
    /// Two independent sources write in one domain.
    SharedDomain,
}

/// What keeps a channel from going on, where only a new copy helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// The source has purged its binary logs before one, and the replica stands before it.
    Files {
        /// The oldest log that the source has.
        oldest: String,
        /// The log that was executed last.
        executed: String,
    },
    /// The source has purged the transactions that the replica needs next.
    Transactions(Purged),
    /// The replica has written these transactions itself and has lost them: from its source it takes none of its own.
    Own {
        /// Them, or the newest of them.
        ids: String,
    },
    /// The channel is broken, by this cause.
    Broken(Box<Explanation>),
}

coded! {
    /// Why the far end of a channel is not what is declared.
    pub enum EndRefused {
        /// `mysql_port` is not the port at which the server listens.
        PortDiffers {
            /// The declared one.
            declared: u16,
            /// The one at which it listens.
            listens: u64,
        } = "port-differs",
        /// A running channel would change to a source that could not be read.
        NotRead {
            /// Where it leads now.
            now: Endpoint,
            /// Where it shall lead.
            declared: Endpoint,
            /// The source.
            source: HostName,
            /// Why the source was not read.
            why: NotRead,
        } = "end-not-read",
        /// At the new address another server answers.
        OfAnother {
            /// Where the channel leads now.
            now: Endpoint,
            /// Where it shall lead.
            declared: Endpoint,
            /// The source.
            source: HostName,
            /// The version of the server that answers.
            version: String,
        } = "end-of-another",
        /// The replica can't reach the new address of its source.
        Unreachable {
            /// Where the channel leads now.
            now: Endpoint,
            /// Where it shall lead.
            declared: Endpoint,
            /// The source.
            source: HostName,
            /// What the replica met there.
            met: Met,
        } = "end-unreachable",
    }
}

/// Why a server was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotRead {
    /// None is installed there.
    NoServer,
    /// For this reason, in the words of whoever tried.
    Why(String),
    /// Nobody tried.
    NotLookedAt,
}

/// What a replica met at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Met {
    /// A server that does not let it in, in the server's words.
    Refusal(String),
    /// Nobody, in the system's words.
    Nobody(String),
}
