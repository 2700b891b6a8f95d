//! The layers of a channel.

use crate::model::words;

words! {
    /// The layers between a replica and its source's data, from the outside in.
    pub enum Layer: "a layer" {
        /// The address leads nowhere or to another machine.
        Address = "address",
        /// Nothing listens at the port.
        Port = "port",
        /// A packet filter is in between.
        Firewall = "firewall",
        /// The source's server does not run.
        Server = "server",
        /// TLS.
        Tls = "TLS",
        /// The account does not exist for this peer.
        Account = "account",
        /// The password is another one.
        Password = "password",
        /// The account lacks a privilege.
        Privilege = "privilege",
        /// Server ids collide.
        Identity = "server identity",
        /// The source's binary log does not hold what the replica needs.
        Binlog = "binary log",
        /// The replica's relay log is damaged or gone.
        RelayLog = "relay log",
        /// The data differ.
        Data = "data",
        /// The last attempt to connect failed; another would not.
        Reconnecting = "reconnecting",
        /// Somebody stopped it.
        Stopped = "stopped",
        /// None of the above is known to be it.
        Unknown = "unknown",
    }
}
