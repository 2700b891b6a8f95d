//! What something that is wished waits for: nothing was planned for it, and a later plan may.

use super::{Refused, Step, StepId};
use crate::{
    doctor::{Cause, Explanation},
    model::{Endpoint, HostName, coded},
    resource::{Obstacle, Resource},
};

/// What something that is wished waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitsFor {
    /// A part of the host could not be read.
    Part {
        /// Which.
        part: Part,
        /// Why, in the words of whoever tried; nothing where nobody did.
        why: Option<String>,
    },
    /// Replication from a source.
    Source {
        /// The source.
        source: HostName,
        /// What it waits for.
        why: SourceWaits,
    },
    /// A resource of a role, for something else on its host.
    Resource(Box<Resource>, Obstacle),
    /// The host as a whole, or one of its steps.
    Host(HostWaits),
}

const RESOURCE: &str = "resource-waits";

impl WaitsFor {
    /// Its code, stable from version to version.
    pub fn code(&self) -> &'static str {
        match self {
            WaitsFor::Part { part, .. } => part.code(),
            WaitsFor::Source { why, .. } => why.code(),
            WaitsFor::Resource(..) => RESOURCE,
            WaitsFor::Host(why) => why.code(),
        }
    }

    /// What is wrong with the channel that it waits for.
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            WaitsFor::Source { why: SourceWaits::Fault(found) | SourceWaits::NotAgain(found), .. } => {
                Some(&found.cause)
            }
            _ => None,
        }
    }

    /// The codes of all that waits; one may stand twice.
    pub fn codes() -> Vec<&'static str> {
        [Part::CODES, SourceWaits::CODES, HostWaits::CODES, &[RESOURCE]].concat()
    }

    /// A part of a host that could not be read, for this reason.
    pub fn part(part: Part, why: &str) -> Self {
        WaitsFor::Part { part, why: Some(why.to_owned()) }
    }

    /// Replication from a source that waits for this.
    pub fn source(source: &HostName, why: SourceWaits) -> Self {
        WaitsFor::Source { source: source.clone(), why }
    }
}

impl From<HostWaits> for WaitsFor {
    fn from(why: HostWaits) -> Self {
        WaitsFor::Host(why)
    }
}

coded! {
    /// What a host, or one of its steps, waits for.
    pub enum HostWaits {
        /// The host was not read, so nothing at all is planned for it.
        Unread {
            /// Why, in the words of whoever tried; nothing where nobody did.
            why: Option<String>,
        } = "host-not-read",
        /// Its server id can't be chosen while another member is not read.
        ServerId = "server-id-unknown",
        /// The host to be written to changes together with another one, on which nothing is done.
        Partner {
            /// That one.
            keeps: HostName,
        } = "partner-waits",
        /// What a step takes away is still needed.
        StillNeeded {
            /// The step.
            step: Box<Step>,
            /// By whom.
            by: Need,
        } = "still-needed",
        /// A step needs one on a host that `--limit` leaves out.
        LeftOut {
            /// The step.
            step: Box<Step>,
            /// The one that it needs.
            needs: StepId,
        } = "left-out-by-limit",
        /// `gtid_mode` changes on all members together, and one was not read.
        GtidModeTogether {
            /// Whether it is brought down.
            down: bool,
            /// The member.
            unread: HostName,
        } = "gtid-mode-together",
        /// The option file says that `gtid_mode` is off once every server runs with it.
        GtidModeEverywhere = "gtid-mode-everywhere",
        /// A certificate by a new authority is issued once all hosts trust that one.
        Trust {
            /// Those that were not read.
            unread: Vec<HostName>,
        } = "authority-not-everywhere",
        /// The host is to be opened for clients, and another one that was not read may still take writes.
        MayStillWrite {
            /// That one.
            unread: HostName,
        } = "may-still-write",
        /// The host takes writes until one that is to take them in its stead can.
        NoOtherWriter {
            /// Those that are to.
            writers: Vec<HostName>,
        } = "no-other-writer",
        /// A wish is refused, and a lost host's writes are not kept waiting for it.
        AfterTakeover {
            /// The host that takes the writes.
            writer: HostName,
            /// Why the wish is refused.
            refused: Box<Refused>,
        } = "after-takeover",
        /// No database server is installed, and no role installs one.
        NoServer = "no-server",
        /// Only root can install a server.
        NotRoot = "not-root",
        /// What depends on a server that is installed first.
        ServerFirst(Follows) = "server-first",
    }
}

coded! {
    /// What replication from a source waits for.
    pub enum SourceWaits {
        /// The source's host was not read.
        Host = "source-not-read",
        /// The source's server was not read.
        Server {
            /// Why, in the words of whoever tried; nothing where no server is installed.
            why: Option<String>,
        } = "source-not-read",
        /// An independent source of the same replica was not read.
        OtherSource {
            /// That one.
            unread: HostName,
        } = "source-not-read",
        /// The channel leads to another declared host now, and the new source was not read.
        NewEnd {
            /// Where it leads now.
            now: Endpoint,
            /// Why the source was not read.
            why: super::NotRead,
        } = "source-not-read",
        /// The source gets a copy of the data first.
        Copy = "copy-first",
        /// Whether the source gets a copy of this host comes first.
        OtherWay = "copy-first",
        /// The channel does not run, and no step of this plan changes that.
        Fault(Box<Explanation>) = "channel-does-not-run",
        /// The channel is connected and could not connect again.
        NotAgain(Box<Explanation>) = "channel-could-not-reconnect",
    }
}

coded! {
    /// A part of a host that is read by itself.
    pub enum Part {
        /// The server.
        Server = "server-not-read",
        /// Its channels.
        Channels = "channels-not-read",
        /// Its option files.
        OptionFiles = "option-files-not-read",
        /// The packages of the server.
        ServerPackages = "packages-not-read",
        /// The packet filter.
        PacketFilter = "packet-filter-not-read",
        /// The record of a copy that has begun.
        CopyMark = "copy-mark-not-read",
        /// What a role declares, by its name.
        Resource(Box<Resource>) = "resource-not-read",
    }
}

/// Why what a step takes away is still needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// A host was not read and may still need it.
    Unread(HostName),
    /// A host still replicates from here, and nothing moves it.
    Replicates(HostName),
    /// A host replicates from here and comes from another address than the declared one.
    ComesFrom {
        /// The replica.
        replica: HostName,
        /// The address that it comes from.
        from: std::net::IpAddr,
        /// Its declared address.
        declared: String,
    },
}

/// What is planned once a server runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Follows {
    /// Whether it gets settings.
    pub settings: bool,
    /// How many accounts.
    pub accounts: usize,
    /// Databases.
    pub databases: Vec<String>,
    /// Copies, by their sources.
    pub copies: Vec<HostName>,
    /// Channels, by their sources.
    pub channels: Vec<HostName>,
}

impl Follows {
    /// Whether there is anything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
