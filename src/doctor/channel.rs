//! From a channel's error to its cause.
//!
//! The numbers are those of the servers' client and server error lists; MySQL 8 reports 13114 where
//! MariaDB and older servers say 1236, so the text is looked at too.

use std::fmt;

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

fn explain_receiver(channel: &ChannelFacts, around: &Surroundings<'_>) -> Explanation {
    let said = format!("{} ({})", one_line(&channel.io_error), channel.io_errno);
    let user = &channel.user;
    let (source, replica) = (around.source, around.replica);
    let text = channel.io_error.to_ascii_lowercase();
    let (layer, cause, next, heals) = match channel.io_errno {
        2002 | 2003 | 2005 | 2013 | 1159 | 1160 if !text.contains("ssl") && !text.contains("tls") => {
            return explain_connection(channel, around, &said);
        }
        1130 => (
            Layer::Account,
            format!("{source} has no account for the address from which {replica} comes."),
            format!(
                "Check replication_address of {replica}: the account is bound to it. `tandem apply` makes the account."
            ),
            true,
        ),
        1045 => (
            Layer::Password,
            format!(
                "{source} refuses `{user}` from {replica}: the account is missing there or has another password."
            ),
            "`tandem apply` sets both sides from replication_password.".into(),
            true,
        ),
        1044 | 1142 | 1227 => (
            Layer::Privilege,
            format!("`{user}` may log in on {source} but lacks REPLICATION SLAVE."),
            "`tandem apply` grants it.".into(),
            true,
        ),
        2026 | 2061 | 3159 | 2012 => (
            Layer::Tls,
            format!("the encrypted connection from {replica} to {source} fails."),
            "Check replication_tls and the role tls: certificates, their names and their dates.".into(),
            true,
        ),
        1593 => (
            Layer::Identity,
            format!("{replica} and {source} have the same server_id or server_uuid."),
            "Take server_id out of the files, or make it differ; `tandem apply` assigns a free one.".into(),
            false,
        ),
        1236 | 13114 => return explain_binlog(channel, around, said),
        _ if text.contains("server ids") || text.contains("server uuids") => (
            Layer::Identity,
            format!("{replica} and {source} have the same server_id or server_uuid."),
            "Take server_id out of the files, or make it differ; `tandem apply` assigns a free one.".into(),
            false,
        ),
        _ if text.contains("relay log") => return explain_applier(channel, around),
        _ if text.contains("ssl") || text.contains("tls") || text.contains("certificate") => (
            Layer::Tls,
            format!("the encrypted connection from {replica} to {source} fails."),
            "Check replication_tls and the role tls: certificates, their names and their dates.".into(),
            true,
        ),
        _ => (
            Layer::Unknown,
            format!("the receiver on {replica} reports an error that tandem has no words for."),
            "Read the server's message, and the error logs of both servers.".into(),
            false,
        ),
    };
    Explanation { layer, cause, next, said, heals }
}

/// Address, port, firewall or server: the connection itself does not come about.
fn explain_connection(channel: &ChannelFacts, around: &Surroundings<'_>, said: &str) -> Explanation {
    let (source, replica) = (around.source, around.replica);
    let place = format!("{}:{}", channel.source_host, channel.source_port);
    let text = channel.io_error.to_ascii_lowercase();
    let reason = match around.reach {
        Some(Reach::Failed(reason)) => reason.to_ascii_lowercase(),
        Some(Reach::Open) | None => text.clone(),
    };
    let unknown_name =
        text.contains("unknown") && text.contains("host") || reason.contains("name or service");
    let (layer, cause, next) = if unknown_name || channel.io_errno == 2005 {
        (
            Layer::Address,
            format!("{replica} can't resolve `{}`, the address of {source}.", channel.source_host),
            format!("Set replication_address of {source} to an address that {replica} can reach."),
        )
    } else if around.source_runs == Some(false) {
        let why =
            around.source_down_because.clone().unwrap_or_else(|| "its error log does not say why".into());
        (
            Layer::Server,
            format!("the server on {source} is down: {why}."),
            format!("Mend the cause and start it on {source}; `tandem apply` starts a stopped server too."),
        )
    } else if around.reach == Some(&Reach::Open) && around.source_runs == Some(true) {
        (
            Layer::Reconnecting,
            format!("{place} did not answer {replica} the last time, and does now."),
            "It tries again by itself within a minute; `tandem apply` makes it try at once.".to_owned(),
        )
    } else if reason.contains("refused") || text.contains("(111") || text.contains("\"connection refused\"") {
        (
            Layer::Port,
            format!("nothing listens at {place} for {replica}: the connection is refused."),
            format!(
                "Check bind_address, skip_networking and the port of {source}; a firewall that rejects looks the same."
            ),
        )
    } else if reason.contains("no route")
        || reason.contains("unreachable")
        || text.contains("(113")
        || text.contains("(101")
    {
        (
            Layer::Address,
            format!("no way leads from {replica} to {place}."),
            format!("Check replication_address of {source} and the network between the sites."),
        )
    } else {
        (
            Layer::Firewall,
            format!(
                "{place} does not answer {replica}: a firewall drops the packets, or the address belongs to no machine."
            ),
            format!(
                "Open the port for {replica} on {source} (role firewall) and in between, and check replication_address."
            ),
        )
    };
    Explanation { layer, cause, next, said: said.to_owned(), heals: true }
}

fn explain_binlog(channel: &ChannelFacts, around: &Surroundings<'_>, said: String) -> Explanation {
    let (source, replica) = (around.source, around.replica);
    let text = channel.io_error.to_ascii_lowercase();
    let (layer, cause, next) = if text.contains("same server")
        || text.contains("server_uuid")
        || text.contains("server_id")
    {
        (
            Layer::Identity,
            format!(
                "another replica of {source} has the same server_id or server_uuid as {replica}; each throws the other out."
            ),
            "Make the ids differ; `tandem apply` assigns free ones.".to_owned(),
        )
    } else if text.contains("max_allowed_packet") {
        (
            Layer::Binlog,
            format!("an event of {source} is larger than the max_allowed_packet in between."),
            format!(
                "Raise max_allowed_packet (mysql_settings) on {source} and slave_max_allowed_packet on {replica}."
            ),
        )
    } else if text.contains("diverged") || text.contains("errant") {
        (
            Layer::Data,
            format!("{replica} has transactions that {source} never had."),
            format!(
                "Look at them before anything else; then {replica} must be copied anew, or they must be brought to {source}."
            ),
        )
    } else {
        (
            Layer::Binlog,
            format!("{source} no longer has the binary log from which {replica} would have to go on."),
            format!("{replica} must be copied anew: `tandem apply --allow reseed`."),
        )
    };
    Explanation { layer, cause, next, said, heals: false }
}

fn explain_applier(channel: &ChannelFacts, around: &Surroundings<'_>) -> Explanation {
    let (errno, text) = match channel.sql_errno {
        0 => (channel.io_errno, &channel.io_error),
        errno => (errno, &channel.sql_error),
    };
    let said = format!("{} ({errno})", one_line(text));
    let (source, replica) = (around.source, around.replica);
    let lower = text.to_ascii_lowercase();
    let (layer, cause, next) = match errno {
        1594 | 1872 | 1371 | 1201 | 1380 | 1381 => relay_log_lost(replica),
        _ if lower.contains("relay log") || lower.contains("could not find target log") => {
            relay_log_lost(replica)
        }
        1062 => (
            Layer::Data,
            format!("a row that comes from {source} is already there on {replica} with the same key."),
            "Compare the two rows; then repair the one that is wrong. Skipping would hide the difference."
                .into(),
        ),
        1032 => (
            Layer::Data,
            format!("a row that {source} changed does not exist on {replica}."),
            "The tables differ; compare them and repair or copy anew. Skipping would hide the difference."
                .into(),
        ),
        1396 => (
            Layer::Data,
            format!(
                "an account statement of {source} does not fit the accounts of {replica}: it was made or dropped on both."
            ),
            "Make the accounts equal, then start the channel.".into(),
        ),
        1146 | 1049 | 1054 | 1677 | 1050 | 1007 | 1008 | 1051 => (
            Layer::Data,
            format!("the schema of {replica} differs from that of {source}."),
            "Compare the two schemas; a filter may have kept a statement away.".into(),
        ),
        1950 => (
            Layer::Data,
            format!("{replica} has written in a GTID domain that belongs to {source}."),
            "Find who wrote there; every writer needs a gtid_domain_id of its own.".into(),
        ),
        _ => (
            Layer::Data,
            format!("{replica} can't apply an event of {source}."),
            "Read the server's message; the event before it was applied, this one was not.".into(),
        ),
    };
    Explanation { layer, cause, next, said, heals: false }
}

fn relay_log_lost(replica: &str) -> (Layer, String, String) {
    (
        Layer::RelayLog,
        format!("{replica} can't find or read its relay log, as after relay_log or the host was renamed."),
        "`tandem apply` fetches everything after the last executed event again; nothing is lost or doubled."
            .into(),
    )
}

/// A server's message on one line. MariaDB repeats the login and the retries in it; both stay.
fn one_line(text: &str) -> String {
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
