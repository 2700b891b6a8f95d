//! What was found, as one value for people and machines.

use serde::Serialize;

use super::{Adoption, Finding, StandsOut, server};
use crate::{
    model::{HostName, duration},
    observe::Observed,
};

/// What `init --from` says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// A minor step only adds, a major one may change what is there.
    pub format_version: &'static str,
    /// The hosts, in the order in which they were named.
    pub hosts: Vec<FoundHost>,
    /// Channels between them.
    pub channels: Vec<FoundArrow>,
    /// The topologies.
    pub plays: Vec<FoundPlay>,
    /// What stands out.
    pub findings: Vec<Finding>,
    /// What a plan for the files would still change, or refuse.
    pub left: Vec<String>,
    /// Environment variables that must be set, since they hold a secret.
    pub secrets: Vec<String>,
    /// Files that were written.
    pub written: Vec<String>,
    /// The next command.
    pub next: String,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoundHost {
    /// Its name.
    pub host: HostName,
    /// Family and version.
    pub server: String,
    /// `@@server_id`.
    pub server_id: Option<u64>,
    /// Whether clients can't write.
    pub read_only: bool,
    /// Bytes of all user databases.
    pub data_bytes: u64,
}

/// A channel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoundArrow {
    /// The source.
    pub source: HostName,
    /// The replica.
    pub replica: HostName,
    /// Its name; empty for the default one.
    pub name: String,
    /// `gtid` or `file`.
    pub positioning: &'static str,
    /// `off`, `required`, `verify_ca`, `verify_identity`.
    pub tls: &'static str,
    /// The account's user.
    pub user: String,
    /// Whether both threads run.
    pub running: bool,
    /// What else it has, in words.
    pub more: String,
}

/// A topology.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoundPlay {
    /// Its kind.
    pub kind: &'static str,
    /// Its members.
    pub members: Vec<HostName>,
    /// The roles that hold.
    pub roles: Vec<&'static str>,
}

impl Adoption {
    /// Puts everything together; `words` says what a finding is. `left`, `written` and `next` are the caller's to fill in.
    pub(crate) fn report(&self, observed: &Observed, words: fn(&StandsOut) -> String) -> Report {
        let hosts = self.hosts.iter().filter_map(|host| {
            let server = server(observed, &host.named.name)?;
            Some(FoundHost {
                host: host.named.name.clone(),
                server: server.version.to_string(),
                server_id: server.number("server_id"),
                read_only: server.is_on("read_only"),
                data_bytes: server.data_bytes(),
            })
        });
        let arrows = self.plays.iter().flat_map(|p| &p.group.arrows).map(|arrow| FoundArrow {
            source: arrow.from.clone(),
            replica: arrow.to.clone(),
            name: arrow.channel.name.clone(),
            positioning: if arrow.by_gtid() { "gtid" } else { "file" },
            tls: arrow.tls().word(),
            user: arrow.channel.user.clone(),
            running: arrow.channel.running(),
            more: match arrow.channel.delay {
                0 => String::new(),
                delay => format!("delayed by {}", duration(std::time::Duration::from_secs(delay))),
            },
        });
        Report {
            format_version: "1.0",
            hosts: hosts.collect(),
            channels: arrows.collect(),
            plays: self
                .plays
                .iter()
                .map(|play| FoundPlay {
                    kind: play.group.kind.word(),
                    members: play.group.members.clone(),
                    roles: play.roles.clone(),
                })
                .collect(),
            findings: self.findings(observed, words),
            left: Vec::new(),
            secrets: self.secrets(),
            written: Vec::new(),
            next: String::new(),
        }
    }
}
