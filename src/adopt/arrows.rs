//! Who replicates from whom.

use super::{Named, facts, server};
use crate::{
    desired::Tls,
    model::{Endpoint, Fact, HostName},
    observe::{ChannelFacts, Observed},
};

/// A channel between two of the named hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrow {
    /// The source.
    pub from: HostName,
    /// The replica.
    pub to: HostName,
    /// The channel as the replica reports it.
    pub channel: ChannelFacts,
    /// SHA-256 of the password that the channel keeps, where it could be read.
    pub password: Option<String>,
}

impl Arrow {
    /// Whether it knows its place by GTIDs.
    pub(crate) fn by_gtid(&self) -> bool {
        self.channel.using_gtid.by_gtid()
    }

    /// What protects it on the wire.
    pub(crate) fn tls(&self) -> Tls {
        match (self.channel.tls, self.channel.tls_verify, self.channel.tls_ca.is_empty()) {
            (false, ..) => Tls::Off,
            (true, true, _) => Tls::VerifyIdentity,
            (true, false, false) => Tls::VerifyCa,
            (true, false, true) => Tls::Required,
        }
    }
}

/// A channel from a server that is none of the named hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stranger {
    /// The replica.
    pub replica: HostName,
    /// Where it reaches its source.
    pub source: Endpoint,
    /// The source's `server_id`, 0 before the first contact.
    pub server_id: u64,
}

/// Finds the source of each channel among the hosts: by the address and port that the channel has, or else by the
/// `server_id` that the source has given, since an address may have another name here.
pub(super) fn find(named: &[Named], observed: &Observed) -> (Vec<Arrow>, Vec<Stranger>) {
    let (mut arrows, mut strangers) = (Vec::new(), Vec::new());
    for replica in named {
        let Some(facts) = facts(observed, &replica.name) else { continue };
        let channels = facts.server.known().and_then(|s| s.channels.known());
        for channel in channels.into_iter().flatten() {
            let others = || named.iter().filter(|n| n.name != replica.name);
            let by_address: Vec<&Named> =
                others().filter(|n| is_at(n, observed, &channel.source_host, channel.source_port)).collect();
            let by_id: Vec<&Named> = others()
                .filter(|n| {
                    let id = server(observed, &n.name).and_then(|s| s.number("server_id"));
                    channel.source_server_id != 0 && id == Some(channel.source_server_id)
                })
                .collect();
            let source = match (by_address.as_slice(), by_id.as_slice()) {
                ([one], _) | ([], [one]) => one,
                _ => {
                    strangers.push(Stranger {
                        replica: replica.name.clone(),
                        source: Endpoint { address: channel.source_host.clone(), port: channel.source_port },
                        server_id: channel.source_server_id,
                    });
                    continue;
                }
            };
            let file = match channel.name.is_empty() {
                true => "master.info".to_owned(),
                false => format!("master-{}.info", channel.name),
            };
            arrows.push(Arrow {
                from: source.name.clone(),
                to: replica.name.clone(),
                channel: channel.clone(),
                password: channel
                    .password_digest
                    .clone()
                    .or_else(|| facts.channel_passwords.get(&file).cloned()),
            });
        }
    }
    (arrows, strangers)
}

/// Whether a host's server is reached at this address.
fn is_at(named: &Named, observed: &Observed, address: &str, port: u16) -> bool {
    let Some(Fact::Known(facts)) = observed.get(&named.name) else { return false };
    let listens = facts.server.known().and_then(|s| s.number("port"));
    listens == Some(u64::from(port)) && is_called(named, observed, address)
}

/// Whether an address or a name is one of a host's.
pub(super) fn is_called(named: &Named, observed: &Observed, address: &str) -> bool {
    let same = |other: &str| other.eq_ignore_ascii_case(address);
    let os = facts(observed, &named.name).map(|f| &f.os);
    same(named.name.as_str())
        || same(&named.destination)
        || os.is_some_and(|os| same(&os.hostname) || os.addresses.iter().any(|a| same(a)))
}
