//! What is wrong with a channel, as a value: the layer that fails, the cause and the next step.

use std::fmt;

use crate::observe::Reach;

/// The layers between a replica and its source's data, from the outside in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The address leads nowhere or to another machine.
    Address,
    /// Nothing listens at the port.
    Port,
    /// A packet filter is in between.
    Firewall,
    /// The source's server does not run.
    Server,
    /// TLS.
    Tls,
    /// The account does not exist for this peer.
    Account,
    /// The password is another one.
    Password,
    /// The account lacks a privilege.
    Privilege,
    /// Server ids collide.
    Identity,
    /// The source's binary log does not hold what the replica needs.
    Binlog,
    /// The replica's relay log is damaged or gone.
    RelayLog,
    /// The data differ.
    Data,
    /// The last attempt to connect failed; another would not.
    Reconnecting,
    /// Somebody stopped it.
    Stopped,
    /// None of the above is known to be it.
    Unknown,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Layer::Address => "address",
            Layer::Port => "port",
            Layer::Firewall => "firewall",
            Layer::Server => "server",
            Layer::Tls => "TLS",
            Layer::Account => "account",
            Layer::Password => "password",
            Layer::Privilege => "privilege",
            Layer::Identity => "server identity",
            Layer::Binlog => "binary log",
            Layer::RelayLog => "relay log",
            Layer::Data => "data",
            Layer::Reconnecting => "reconnecting",
            Layer::Stopped => "stopped",
            Layer::Unknown => "unknown",
        })
    }
}

/// What is wrong with a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The layer that fails.
    pub layer: Layer,
    /// What it means, in one sentence.
    pub cause: String,
    /// What to do, in one sentence.
    pub next: String,
    /// The server's own words, with their number.
    pub said: String,
    /// Whether the channel goes on by itself once the cause is gone.
    pub heals: bool,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.layer, self.cause, self.next)?;
        if !self.said.is_empty() {
            write!(f, " The server says: {}", self.said)?;
        }
        Ok(())
    }
}

/// What surrounds a channel, for telling layers apart. All of it may be unknown.
#[derive(Debug, Clone, Default)]
pub struct Surroundings<'a> {
    /// The replica's name.
    pub replica: &'a str,
    /// The source's name.
    pub source: &'a str,
    /// Whether the source's server runs, where its host could be read.
    pub source_runs: Option<bool>,
    /// Whether the source's port answers from the replica.
    pub reach: Option<&'a Reach>,
    /// Why the source is down, from its error log.
    pub source_down_because: Option<String>,
}

/// A server's message on one line. MariaDB repeats the login and the retries in it; both stay.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
