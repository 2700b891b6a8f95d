//! The servers' ports: open to those who replicate, and shut to a stranger where that is wished.

use std::{collections::BTreeSet, net::IpAddr};

use tokio::net::{TcpStream, UdpSocket};

use super::{ChannelGraph, PortProof, Verdict};
use crate::{
    desired::DesiredHost,
    exec::Fleet,
    firewall::Network,
    model::{Endpoint, HostName, in_parallel, limits},
    observe::{Probe, Reach, try_ports},
    proof::{About, Doubt, PortOutcome, Remark, Vantage},
    transport::Session,
};

/// How long a port may take to answer. A filter that drops packets is silent.
const PATIENCE: std::time::Duration = limits::PORT.time;

/// A host of the inventory that has no part in the topology, and so is a stranger to its servers.
#[derive(Debug)]
pub(crate) struct Outsider {
    /// Its connection.
    pub session: Session,
    /// Its address as the servers see it.
    pub address: String,
}

/// Tries all ports.
pub(super) async fn ports(
    fleet: &Fleet<'_>,
    graph: &ChannelGraph,
    hosts: &[&DesiredHost],
    outsiders: &[Outsider],
    forks: usize,
) -> (Vec<PortProof>, Vec<Remark>) {
    let mut proofs = peers(fleet, graph, hosts, forks).await;
    let (strangers, remarks) = strangers(fleet, hosts, outsiders, forks).await;
    let listens: BTreeSet<HostName> =
        proofs.iter().filter(|p| p.verdict == Verdict::Proven).map(|p| p.host.clone()).collect();
    proofs.extend(strangers.into_iter().map(|proof| closed_to(proof, &listens)));
    (proofs, remarks)
}

fn outcome(reach: Option<&Reach>) -> PortOutcome {
    match reach {
        Some(Reach::Open) => PortOutcome::Open,
        Some(Reach::Failed(why)) => failed(why),
        None => PortOutcome::NoAnswer,
    }
}

fn failed(why: &str) -> PortOutcome {
    match Reach::is_refused(why) {
        true => PortOutcome::Refused,
        false if Reach::is_silent(why) => PortOutcome::Closed(why.to_owned()),
        false => PortOutcome::Untried(why.to_owned()),
    }
}

/// What a stranger's try proves. A refusal is one by a filter only where peers are let in: else nobody may listen.
fn closed_to(mut proof: PortProof, listens: &BTreeSet<HostName>) -> PortProof {
    if proof.outcome == PortOutcome::Refused && !listens.contains(&proof.host) {
        proof.outcome = PortOutcome::RefusedToAll;
    }
    proof.verdict = match &proof.outcome {
        PortOutcome::Open => Verdict::Failed,
        PortOutcome::Closed(_) | PortOutcome::Silent(_) | PortOutcome::Refused => Verdict::Proven,
        PortOutcome::RefusedToAll | PortOutcome::Untried(_) | PortOutcome::NoAnswer => Verdict::NotProvable,
    };
    proof
}

/// What a peer's try proves.
fn open_to(mut proof: PortProof) -> PortProof {
    proof.verdict = match &proof.outcome {
        PortOutcome::Open => Verdict::Proven,
        PortOutcome::Untried(_) | PortOutcome::NoAnswer => Verdict::NotProvable,
        _ => Verdict::Failed,
    };
    proof
}

/// Every replica tries the ports of its sources.
async fn peers(
    fleet: &Fleet<'_>,
    graph: &ChannelGraph,
    hosts: &[&DesiredHost],
    forks: usize,
) -> Vec<PortProof> {
    let replicas: BTreeSet<&HostName> = graph.edges.iter().map(|e| &e.replica).collect();
    let tried = replicas.into_iter().filter_map(|replica| {
        let session = fleet.sessions.get(replica)?;
        let sources: Vec<&DesiredHost> = hosts
            .iter()
            .filter(|h| graph.edges.iter().any(|e| e.source == h.name && e.replica == *replica))
            .copied()
            .collect();
        Some(async move {
            let reach = try_ports(session, sources.iter().map(|s| (s.endpoint.clone(), Probe::Any))).await;
            let proofs = sources.into_iter().map(|source| {
                let from = Vantage::Host(replica.clone());
                open_to(proof(from, source, true, outcome(reach.get(&source.endpoint))))
            });
            proofs.collect::<Vec<_>>()
        })
    });
    let tried = in_parallel(forks, tried).await;
    tried.into_iter().flatten().collect()
}

fn proof(from: Vantage, host: &DesiredHost, wished_open: bool, outcome: PortOutcome) -> PortProof {
    PortProof {
        verdict: Verdict::NotProvable,
        from,
        host: host.name.clone(),
        endpoint: host.endpoint.to_string(),
        wished_open,
        outcome,
    }
}

/// Somebody who shall not get in tries every port that others are shut out of.
async fn strangers(
    fleet: &Fleet<'_>,
    hosts: &[&DesiredHost],
    outsiders: &[Outsider],
    forks: usize,
) -> (Vec<PortProof>, Vec<Remark>) {
    let closed = hosts.iter().filter(|h| h.firewall.as_ref().is_some_and(|f| f.deny_others));
    let tried = closed.map(|host| async move {
        // Where an address is reached at all, its ssh port answers too; a stranger to whom nothing answers there
        // proves nothing about a filter.
        let ssh =
            Endpoint { address: host.endpoint.address.clone(), port: host.connection.port.unwrap_or(22) };
        let mut proofs = Vec::new();
        for (name, session) in sessions(fleet, host, hosts, outsiders) {
            let reach = try_ports(session, [&host.endpoint, &ssh].map(|e| (e.clone(), Probe::Any))).await;
            if reach.get(&ssh) == Some(&Reach::Open) {
                let from = Vantage::Host(name);
                proofs.push(proof(from, host, false, outcome(reach.get(&host.endpoint))));
                break;
            }
        }
        if is_stranger(host, own_address(&host.endpoint).await) && knock(&ssh).await == PortOutcome::Open {
            let outcome = knock(&host.endpoint).await;
            proofs.push(proof(Vantage::Here, host, false, outcome));
        }
        (host.name.clone(), proofs)
    });
    let tried = in_parallel(forks, tried).await;
    let (mut proofs, mut remarks) = (Vec::new(), Vec::new());
    for (host, some) in tried {
        if some.is_empty() {
            remarks.push(Remark::new(About::Host(host), Doubt::NoStranger));
        }
        proofs.extend(some);
    }
    (proofs, remarks)
}

/// Hosts that are strangers to a server, those outside the topology first.
fn sessions<'a>(
    fleet: &'a Fleet<'_>,
    host: &DesiredHost,
    hosts: &[&DesiredHost],
    outsiders: &'a [Outsider],
) -> Vec<(HostName, &'a Session)> {
    let strange = |address: &str| is_stranger(host, address.parse().ok());
    let outside =
        outsiders.iter().filter(|o| strange(&o.address)).map(|o| (o.session.host().clone(), &o.session));
    let inside = hosts
        .iter()
        .filter(|h| h.name != host.name && strange(&h.endpoint.address))
        .filter_map(|h| Some((h.name.clone(), fleet.sessions.get(&h.name)?)));
    outside.chain(inside).collect()
}

/// Whether an address is none of those that a host lets in. An address that is not known is no stranger's.
fn is_stranger(host: &DesiredHost, address: Option<IpAddr>) -> bool {
    let (Some(intent), Some(address)) = (&host.firewall, address) else { return false };
    let lets_in = |text: &String| text.parse::<Network>().is_ok_and(|network| network.contains(address));
    !address.is_loopback() && !intent.peers.iter().chain(&intent.allow).any(lets_in)
}

/// The address from which this machine would reach an endpoint. No packet is sent for it.
async fn own_address(endpoint: &Endpoint) -> Option<IpAddr> {
    let address: IpAddr = endpoint.address.parse().ok()?;
    let any: IpAddr = if address.is_ipv4() { [0, 0, 0, 0].into() } else { [0_u16; 8].into() };
    let socket = UdpSocket::bind((any, 0)).await.ok()?;
    socket.connect((address, endpoint.port)).await.ok()?;
    socket.local_addr().ok().map(|local| local.ip())
}

async fn knock(endpoint: &Endpoint) -> PortOutcome {
    let target = (endpoint.address.as_str(), endpoint.port);
    match tokio::time::timeout(PATIENCE, TcpStream::connect(target)).await {
        Ok(Ok(_)) => PortOutcome::Open,
        Ok(Err(error)) => failed(&error.to_string()),
        Err(_) => PortOutcome::Silent(PATIENCE.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{desired::FirewallIntent, model::Place};

    #[test]
    fn a_refusal_proves_a_filter_only_where_peers_get_in() {
        let host = DesiredHost::bare(&"db-a".into());
        let listens = BTreeSet::from([HostName::from("db-a")]);
        for (reach, witnessed, alone) in [
            (Some(Reach::Open), Verdict::Failed, Verdict::Failed),
            (Some(Reach::Failed("Connection refused".into())), Verdict::Proven, Verdict::NotProvable),
            (Some(Reach::Failed("no answer within 3 seconds".into())), Verdict::Proven, Verdict::Proven),
            (Some(Reach::Failed("No route to host".into())), Verdict::Proven, Verdict::Proven),
            (
                Some(Reach::Failed("neither bash nor perl is there to try it".into())),
                Verdict::NotProvable,
                Verdict::NotProvable,
            ),
            (None, Verdict::NotProvable, Verdict::NotProvable),
        ] {
            let verdict = |listens: &BTreeSet<_>| {
                closed_to(proof(Vantage::Here, &host, false, outcome(reach.as_ref())), listens).verdict
            };
            assert_eq!((verdict(&listens), verdict(&BTreeSet::new())), (witnessed, alone), "{reach:?}");
        }
    }

    #[test]
    fn only_who_is_not_let_in_is_a_stranger() {
        let mut host = DesiredHost::bare(&"db-a".into());
        let stranger = |host: &DesiredHost, text: &str| is_stranger(host, text.parse().ok());
        assert!(!stranger(&host, "10.0.0.9"), "without a wish nobody is kept out");
        host.firewall = Some(FirewallIntent {
            port: 3306,
            peers: vec!["10.0.0.2".into(), "fd00::2".into()],
            allow: vec!["10.1.0.0/16".into()],
            deny_others: true,
            backend: crate::model::FirewallChoice::Auto,
            place: Place::file("p.yml"),
        });
        for (address, is) in [
            ("10.0.0.9", true),
            ("10.0.0.2", false),
            ("fd00::2", false),
            ("fd00::3", true),
            ("10.1.2.3", false),
            ("127.0.0.1", false),
            ("db-b", false),
        ] {
            assert_eq!(stranger(&host, address), is, "{address}");
        }
    }
}
