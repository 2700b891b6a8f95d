//! A fleet that was read, with its connections; and how it is reached.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use super::{HostFacts, Observed, ServerFacts};
use crate::{
    desired::Identity,
    model::{Endpoint, HostName},
    option_file::{Files, OWNED_HEADER, same_value},
    transport::{Login, Session},
};

/// How hosts are reached and how long they may take.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Hosts at the same time.
    pub forks: usize,
    /// For a connection to come about.
    pub connect_timeout: Duration,
    /// For everything else that is asked of a host.
    pub timeout: Duration,
    /// `--ssh-config`.
    pub ssh_config: Option<PathBuf>,
}

/// A fleet that was read, with its connections still open.
#[derive(Debug, Default)]
pub struct Reading {
    /// Facts.
    pub observed: Observed,
    /// Open connections.
    pub sessions: BTreeMap<HostName, Session>,
    /// How to log in to each server that answered.
    pub logins: BTreeMap<HostName, Login>,
    /// How long it took.
    pub took: Duration,
}

/// Whether a server takes no writes now, and what we have written says so.
fn is_closed(files: &Files, server: Option<&ServerFacts>) -> bool {
    let is_own =
        |path: &str| files.content(path).is_some_and(|text| text.starts_with(OWNED_HEADER.as_bytes()));
    let on = |value: &Option<String>| value.as_ref().is_none_or(|value| same_value("read_only", value, "ON"));
    let mentions = files.occurrences(server.map(|server| server.version));
    let in_file = mentions.iter().any(|one| one.name == "read_only" && on(&one.value) && is_own(&one.file));
    in_file && server.is_none_or(|server| server.is_on("read_only"))
}

impl Reading {
    /// What the hosts are, for assigning ids and ports.
    pub fn identities(&self) -> BTreeMap<HostName, Identity> {
        self.observed
            .iter()
            .map(|(name, fact)| {
                let facts = fact.known();
                let server = facts.and_then(|f| f.server.known());
                let files = facts.and_then(|f| f.option_files.known());
                // A server that is down has what its files will give it.
                let version = server.map(|s| s.version).or(facts.and_then(HostFacts::version));
                let in_file = |name: &str| {
                    let last = match server {
                        Some(server) => {
                            let mentions = files?.meant(server.known());
                            mentions.into_iter().rfind(|o| o.name == name)?.value
                        }
                        None => files?.last_of(name, version),
                    };
                    last?.parse::<u64>().ok()
                };
                let number = |name: &str| match server {
                    Some(server) => server.number(name),
                    None => in_file(name),
                };
                // What a file says counts from the next restart on; a run that was cut off may have
                // written the file and not restarted.
                let configured = in_file("server_id");
                let identity = Identity {
                    server_id: configured.or_else(|| number("server_id")),
                    id_is_configured: configured.is_some(),
                    // That of a file may be what keeps it down.
                    port: server.and_then(|s| s.number("port")).and_then(|p| p.try_into().ok()),
                    version,
                    // A host that has no server has no id that could be met again.
                    read: server.is_some() || facts.is_some_and(|f| f.server.is_absent()),
                    domain: number("gtid_domain_id"),
                    offset: number("auto_increment_offset"),
                    closed: files.is_some_and(|files| is_closed(files, server)),
                    cannot_open_itself: facts.is_some_and(|facts| facts.lacks_for_role_unit().is_some()),
                    channels: server
                        .and_then(|s| s.channels.known())
                        .into_iter()
                        .flatten()
                        .map(|c| {
                            (c.name.clone(), Endpoint { address: c.source_host.clone(), port: c.source_port })
                        })
                        .collect(),
                };
                (name.clone(), identity)
            })
            .collect()
    }

    /// Ends all connections.
    pub async fn close(self) {
        futures_util::future::join_all(self.sessions.into_values().map(Session::close)).await;
    }
}
