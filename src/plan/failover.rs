//! A replica takes the writes of a host that is gone.

use super::{Events, Hop, UndeclaredChannel};
use crate::model::HostName;

/// How a replica takes the writes over from a host that is declared lost, with everything that any replica has received
/// of it. The step is on the new writer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failover {
    /// The hosts that are gone.
    pub lost: Vec<HostName>,
    /// The channels by which events came to the new writer, those of the farthest source first.
    pub hops: Vec<Hop>,
    /// Every channel that leads to one of the lost: nothing must come out of it any more.
    pub receivers: Vec<Receiver>,
    /// A command that is run on this machine first, and makes sure that the lost hosts take no more writes.
    pub fence: Option<String>,
    /// Variables that open it.
    pub open: Vec<(String, String)>,
    /// Accounts that a run has locked there when it took no more writes: they are let in again.
    pub unlocks: Vec<(String, String)>,
    /// Events that run there from then on.
    pub events: Events,
    /// Channels of the new writer that end.
    pub ends: Vec<UndeclaredChannel>,
}

/// A channel of a replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    /// The replica.
    pub host: HostName,
    /// The channel's name; empty for the unnamed one.
    pub channel: String,
    /// The lost host that it leads to.
    pub source: HostName,
}
