//! The turn of writes from one host to another.

use std::time::Duration;

use super::Events;
use crate::model::HostName;

/// How the host that clients write to gives way to a replica of its own, without a write that is lost or refused for
/// longer than a moment. The step is on the new writer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switchover {
    /// The host that takes no more writes.
    pub from: HostName,
    /// For how long.
    pub span: Span,
    /// The channels by which its events reach the new writer, those of the farthest source first; each source is one of
    /// ours that was read.
    pub hops: Vec<Hop>,
    /// How long writes may wait.
    pub limit: Duration,
    /// How long long writes are waited for before that.
    pub wait: Duration,
    /// Accounts that may write on the old writer although it is read-only: nobody logs in with them any more.
    pub locks: Vec<(String, String)>,
    /// Such accounts of the new writer that were locked when it was the old one.
    pub unlocks: Vec<(String, String)>,
    /// Variables that close the old writer.
    pub close: Vec<(String, String)>,
    /// Variables that open the new one.
    pub open: Vec<(String, String)>,
    /// Events that run there from then on.
    pub events: Events,
    /// Channels of the new writer that end: it trusts none of its former sources any more.
    pub ends: Vec<UndeclaredChannel>,
}

/// For how long another host takes the writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// From now on: it is declared so.
    Lasting,
    /// While the server of the host that is declared to take them is restarted.
    DuringRestart,
    /// That is over: the host that is declared to take them does so again.
    Back,
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
