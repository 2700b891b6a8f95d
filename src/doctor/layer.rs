//! The layers of a channel.

use std::fmt;

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
