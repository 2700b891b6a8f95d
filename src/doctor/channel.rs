//! From a channel's error to its cause.
//!
//! The numbers are those of the servers' client and server error lists, as `code` brings them together.

use std::fmt;

use super::{applier::explain_applier, connection::explain_connection, receiver::explain_receiver};
use crate::observe::{ChannelFacts, Reach};

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

/// Explains a channel that does not run as it should; `None` where nothing is wrong.
pub fn explain_channel(channel: &ChannelFacts, around: &Surroundings<'_>) -> Option<Explanation> {
    if channel.io_errno != 0 && channel.io_running != "Yes" {
        return Some(explain_receiver(channel, around));
    }
    if channel.sql_errno != 0 {
        return Some(explain_applier(channel, around));
    }
    if channel.io_running == "Connecting" {
        return Some(explain_connection(channel, around, ""));
    }
    if channel.io_running != "Yes" || channel.sql_running != "Yes" {
        return Some(Explanation {
            layer: Layer::Stopped,
            cause: format!(
                "The channel on {} was stopped without an error (receiver {}, applier {}).",
                around.replica, channel.io_running, channel.sql_running
            ),
            next: "`tandem apply` starts it again.".into(),
            said: String::new(),
            heals: true,
        });
    }
    None
}

/// A server's message on one line. MariaDB repeats the login and the retries in it; both stay.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receiver(errno: u32, error: &str) -> ChannelFacts {
        ChannelFacts {
            source_host: "10.77.0.11".into(),
            source_port: 3306,
            user: "repl_user".into(),
            io_running: "Connecting".into(),
            sql_running: "Yes".into(),
            io_errno: errno,
            io_error: error.into(),
            ..ChannelFacts::default()
        }
    }

    fn layer(channel: &ChannelFacts, around: Surroundings<'_>) -> Option<Layer> {
        let around = Surroundings { replica: "db-b", source: "db-a", ..around };
        explain_channel(channel, &around).map(|e| e.layer)
    }

    #[test]
    fn each_accident_of_the_guide_has_its_layer() {
        let none = Surroundings::default;
        let dropped = Reach::Failed("no answer within 3 seconds".into());
        let refused = Reach::Failed("Connection refused".into());
        let connect = receiver(2003, "error connecting to master 'repl_user@10.77.0.11:3306'");
        assert_eq!(layer(&receiver(1045, "Access denied for user"), none()), Some(Layer::Password));
        assert_eq!(layer(&connect, Surroundings { reach: Some(&dropped), ..none() }), Some(Layer::Firewall));
        assert_eq!(layer(&connect, Surroundings { reach: Some(&refused), ..none() }), Some(Layer::Port));
        assert_eq!(
            layer(&connect, Surroundings { reach: Some(&refused), source_runs: Some(false), ..none() }),
            Some(Layer::Server)
        );
        assert_eq!(
            layer(&receiver(2005, "Unknown MySQL server host 'nowhere'"), none()),
            Some(Layer::Address)
        );
        assert_eq!(layer(&receiver(1593, "equal MySQL server ids"), none()), Some(Layer::Identity));
        let relay = ChannelFacts {
            io_running: "No".into(),
            sql_running: "No".into(),
            sql_errno: 1872,
            sql_error: "Slave failed to initialize relay log info structure".into(),
            ..ChannelFacts::default()
        };
        assert_eq!(layer(&relay, none()), Some(Layer::RelayLog));
    }

    #[test]
    fn a_stop_without_an_error_is_not_in_order() {
        let stopped =
            ChannelFacts { io_running: "No".into(), sql_running: "No".into(), ..ChannelFacts::default() };
        assert_eq!(layer(&stopped, Surroundings::default()), Some(Layer::Stopped));
    }
}
