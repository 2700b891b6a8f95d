//! Servers that belong to the topology and were not named.

use std::collections::BTreeSet;

use super::{NotAdopted, Work};
use crate::{
    adopt::{Adoption, Named},
    engine::bare_hosts,
    model::{Endpoint, HostName, visible},
    observe::{Observed, ServerFacts},
};

/// A server that was not named, by its channel from or to one that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unnamed {
    /// A host replicates from it.
    Source {
        /// The host.
        replica: HostName,
        /// Where it is.
        source: Endpoint,
        /// Its server id; 0 where the replica does not know it.
        server_id: u64,
    },
    /// It replicates from a host.
    Replica {
        /// The host.
        source: HostName,
        /// Its server id.
        server_id: u64,
    },
}

impl Work<'_> {
    /// Servers that were not named. A channel from one can't be declared, and a playbook for the source of another alone
    /// declares nothing: either is an error unless it was allowed.
    pub(super) fn unnamed(
        &self,
        draft: &Adoption,
        named: &[Named],
        observed: &Observed,
    ) -> Result<Vec<Unnamed>, NotAdopted> {
        let (sources, replicas) = (self.sources(draft), self.replicas(named, observed));
        if self.what.incomplete {
            return Ok([sources.0, replicas.0].concat());
        }
        // Once the sources are named, their replicas are known as well.
        for (servers, words) in [sources, replicas] {
            if !servers.is_empty() {
                let mut from = self.what.from.clone();
                for word in words {
                    if !from.contains(&word) {
                        from.push(word);
                    }
                }
                return Err(NotAdopted::Unnamed { servers, from });
            }
        }
        Ok(Vec::new())
    }

    /// Sources, and the words that name them.
    fn sources(&self, draft: &Adoption) -> (Vec<Unnamed>, Vec<String>) {
        let strangers = draft.strangers.iter().map(|stranger| {
            let server = Unnamed::Source {
                replica: stranger.replica.clone(),
                source: stranger.source.clone(),
                server_id: stranger.server_id,
            };
            (server, self.as_named(&stranger.source.address))
        });
        strangers.unzip()
    }

    /// Replicas, and the words that name them.
    fn replicas(&self, named: &[Named], observed: &Observed) -> (Vec<Unnamed>, Vec<String>) {
        let servers: Vec<(&Named, &ServerFacts)> =
            named.iter().filter_map(|n| Some((n, observed.get(&n.name)?.known()?.server.known()?))).collect();
        let ids: BTreeSet<u64> = servers.iter().filter_map(|(_, s)| s.number("server_id")).collect();
        let own: BTreeSet<&str> = named.iter().flat_map(addresses).collect();
        let (mut found, mut words) = (Vec::new(), Vec::new());
        for (source, server) in &servers {
            let connected = server.connected_replicas.known().into_iter().flatten();
            let strange: Vec<_> = connected.filter(|(id, _)| !ids.contains(id)).collect();
            if strange.is_empty() {
                continue;
            }
            let reported = strange.iter().map(|(_, host)| host.clone()).filter(|host| !host.is_empty());
            let seen = server.replica_addresses.known().into_iter().flatten().cloned();
            let addresses: BTreeSet<String> = match strange.iter().all(|(_, host)| !host.is_empty()) {
                true => reported.collect(),
                false => seen.filter(|address| !own.contains(address.as_str())).collect(),
            };
            words.extend(addresses.iter().map(|address| self.as_named(&visible(address))));
            let source = &source.name;
            found.extend(
                strange.iter().map(|(id, _)| Unnamed::Replica { source: source.clone(), server_id: *id }),
            );
        }
        (found, words)
    }

    /// A further host as it has to be named: by the inventory, where there is one, else as the first one was.
    fn as_named(&self, address: &str) -> String {
        if self.options.inventory.is_empty() {
            return like_the_first(&self.what.from, address);
        }
        let hosts = bare_hosts(&self.inventory().project);
        let host = hosts.into_iter().find(|host| host.endpoint.address == address);
        host.map_or_else(|| address.to_owned(), |host| host.name.to_string())
    }
}

/// Where a host can be reached.
fn addresses(named: &Named) -> impl Iterator<Item = &str> {
    let connection = named.connection.iter().find(|(name, _)| *name == "ansible_host");
    let address = connection.and_then(|(_, value)| value.as_str());
    std::iter::once(named.destination.as_str()).chain(address)
}

/// A further host as the first one was named: most fleets are logged in to as one user.
fn like_the_first(from: &[String], address: &str) -> String {
    let user = from.first().and_then(|first| first.rsplit_once('@')).map(|(user, _)| format!("{user}@"));
    format!("{}{address}", user.unwrap_or_default())
}
