//! One replica and one of its sources, as both are compared, and how the one may be connected to the other.

use std::collections::BTreeSet;

use super::Context;
use crate::{
    desired::{DesiredChannel, DesiredHost},
    dialect::HEARTBEAT,
    model::{Endpoint, HostName},
    observe::{ChannelFacts, DatabaseFacts, HostFacts, ServerFacts},
    option_file::canonical_value,
    plan::Coordinates,
};

/// How a replica without a channel stands to its source, decided by [`super::data`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DataBasis {
    /// It gets, or has got, a copy of the source whose coordinates are recorded.
    Seeded,
    /// Neither side has data; everything from this position on is new.
    Empty(Coordinates),
    /// It has the source's history up to where GTIDs can tell.
    Compared,
    /// It follows another server and is moved.
    Moved {
        /// Whom it follows, if that is one of ours.
        from: Option<HostName>,
        /// Where the channel reaches it.
        at: Endpoint,
        /// Whether what is written here reaches the source.
        two_way: bool,
        /// Whether the two have the same without a GTID that says so.
        alike: bool,
    },
    /// It can't be connected; the refusal is in the plan already.
    Refused,
}

/// One replica and one of its sources between which no channel exists yet, or one that can't go on.
pub(super) struct SourceAndReplica<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) host: &'a DesiredHost,
    pub(super) facts: &'a HostFacts,
    pub(super) server: &'a ServerFacts,
    pub(super) wish: &'a DesiredChannel,
    pub(super) source: &'a ServerFacts,
}

impl<'a> SourceAndReplica<'a> {
    /// The channel between the two, if there is one.
    pub(super) fn channel(&self) -> Option<&'a ChannelFacts> {
        self.channel_named(&self.wish.name)
    }

    /// A channel of the replica by its name.
    pub(super) fn channel_named(&self, name: &str) -> Option<&'a ChannelFacts> {
        self.server.channels.known()?.iter().find(|c| c.name == name)
    }
}

/// Databases that hold something. One that was declared and merely created does not count.
pub(super) fn content(server: &ServerFacts) -> BTreeSet<String> {
    let counts = |d: &&DatabaseFacts| !d.is_empty() && d.name != HEARTBEAT;
    server.databases.iter().filter(counts).map(|d| d.name.clone()).collect()
}

/// A variable's value once the plan is done: as declared, else as it runs.
pub(super) fn will(host: &DesiredHost, server: &ServerFacts, name: &str) -> Option<String> {
    match host.setting(name).filter(|wish| !wish.values.is_empty()) {
        Some(wish) => wish.values.last().cloned(),
        None => server.variable(name).map(str::to_owned),
    }
}

/// The same for one that is a number.
pub(super) fn will_number(host: &DesiredHost, server: &ServerFacts, name: &str) -> Option<u64> {
    canonical_value(name, &will(host, server, name)?).parse().ok()
}
