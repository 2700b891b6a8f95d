//! The packet filter.

use std::{collections::BTreeSet, net::IpAddr};

use super::{Context, Draft};
use crate::{
    desired::{DesiredHost, FirewallIntent},
    firewall::{Backend, DesiredRules, FirewallChange, FirewallState, Network, changes},
    model::{Fact, FirewallChoice},
    observe::{ChannelFacts, HostFacts},
    plan::{
        Action, Because, CutClient, FirewallRefused, Kind, Part, Reason, Risk, State, Step, StepId, StepName,
        WaitsFor,
    },
};

/// Adds the steps for the packet filter of one host: one for what is added, one for what is taken away.
pub(super) fn steps(context: &Context<'_>, host: &DesiredHost, facts: &HostFacts, draft: &mut Draft) {
    let Some(intent) = &host.firewall else { return };
    if intent.backend == FirewallChoice::None {
        return;
    }
    let state = match &facts.firewall {
        Fact::Known(state) => state,
        Fact::Absent => return,
        Fact::Unread(why) => {
            draft.wait(&host.name, WaitsFor::part(Part::PacketFilter, why));
            return;
        }
    };
    let Some(backend) = backend(host, intent, state, draft) else { return };
    let Some(wish) = wish(host, intent, draft) else { return };
    let unit = host.service.clone().or_else(|| facts.service.known().map(|s| s.unit.clone()));
    for change in changes(&wish, backend, state, &unit.unwrap_or_default()) {
        draft.steps.push(step(context, host, intent, facts, change));
    }
}

fn step(
    context: &Context<'_>,
    host: &DesiredHost,
    intent: &FirewallIntent,
    facts: &HostFacts,
    change: FirewallChange,
) -> Step {
    let mut risk = vec![Risk::Lockout];
    let name = if change.closes.is_some() { StepName::FirewallClose } else { StepName::Firewall };
    if change.closes.is_some() {
        let cut = cut_off(context, host, facts, &change.wish);
        if !cut.is_empty() {
            risk.push(Risk::CutClients { clients: cut });
        }
    }
    Step {
        id: StepId::of(&host.name, name),
        host: host.name.clone(),
        kind: Kind::Firewall,
        reason: vec![Reason::declared(Because::Declared, &intent.place)],
        before: Some(State::text(&change.before)),
        after: Some(State::text(&change.after)),
        risk,
        requires: Vec::new(),
        action: Action::Firewall(Box::new(change)),
    }
}

fn backend(
    host: &DesiredHost,
    intent: &FirewallIntent,
    state: &FirewallState,
    draft: &mut Draft,
) -> Option<Backend> {
    let wished = Backend::chosen(intent.backend);
    match (wished, state.backend) {
        (Some(wished), _) if state.available.contains(&wished) => Some(wished),
        (Some(declared), found) => {
            draft.refuse(&host.name, FirewallRefused::OtherBackend { declared, found });
            None
        }
        (_, Some(found)) => Some(found),
        (None, None) if intent.deny_others => {
            draft.refuse(&host.name, FirewallRefused::Missing);
            None
        }
        (_, None) => None,
    }
}

fn wish(host: &DesiredHost, intent: &FirewallIntent, draft: &mut Draft) -> Option<DesiredRules> {
    let mut allowed = BTreeSet::new();
    let others = if intent.deny_others { intent.allow.as_slice() } else { &[] };
    for text in intent.peers.iter().chain(others) {
        match text.parse::<Network>() {
            Ok(network) => {
                allowed.insert(network);
            }
            Err(_) => {
                draft.refuse(&host.name, FirewallRefused::Name { text: text.clone() });
                return None;
            }
        }
    }
    Some(DesiredRules { ports: [intent.port].into(), allowed, deny_others: intent.deny_others })
}

/// Clients and undeclared replicas that are connected over the network now and would not get in any more.
fn cut_off(
    context: &Context<'_>,
    host: &DesiredHost,
    facts: &HostFacts,
    wish: &DesiredRules,
) -> Vec<CutClient> {
    if !wish.deny_others {
        return Vec::new();
    }
    let mut cut: BTreeSet<CutClient> = BTreeSet::new();
    let stays = |host: &str| {
        let local = host.is_empty() || host == "localhost";
        let allowed = |ip: IpAddr| ip.is_loopback() || wish.allowed.iter().any(|n| n.contains(ip));
        local || host.parse::<IpAddr>().is_ok_and(allowed)
    };
    let server = match &facts.server {
        Fact::Known(server) => server,
        // One that does not run has no clients.
        Fact::Unread(why) if facts.service.known().is_some_and(|s| s.running()) => {
            return vec![CutClient::UnreadClients { why: why.clone() }];
        }
        Fact::Unread(_) | Fact::Absent => return Vec::new(),
    };
    match &server.sessions {
        Fact::Known(sessions) => {
            let away = sessions.iter().filter(|session| !stays(&session.host));
            cut.extend(away.map(|session| CutClient::Session {
                user: session.user.clone(),
                from: session.host.clone(),
            }));
        }
        Fact::Unread(why) => drop(cut.insert(CutClient::UnreadClients { why: why.clone() })),
        Fact::Absent => {}
    }
    match &server.replica_addresses {
        Fact::Known(addresses) => {
            let away = addresses.iter().filter(|from| !stays(from) && !is_member(context, host, from));
            cut.extend(away.map(|from| CutClient::Replica { from: from.clone() }));
        }
        Fact::Unread(why) => drop(cut.insert(CutClient::UnreadReplicas { why: why.clone() })),
        Fact::Absent => {}
    }
    cut.into_iter().collect()
}

/// Whether a member has a channel from here that nobody declared and this plan does not end.
fn has_undeclared(context: &Context<'_>, own: &DesiredHost, host: &DesiredHost) -> bool {
    let channels = context.server(&host.name).and_then(|server| server.channels.known());
    let from_here = |channel: &&ChannelFacts| {
        channel.source_host == own.endpoint.address && channel.source_port == own.endpoint.port
    };
    !context.may_drop_channels
        && channels
            .into_iter()
            .flatten()
            .filter(from_here)
            .any(|channel| !host.channels.iter().any(|wish| wish.name == channel.name))
}

/// Whether another member of the play comes from there: its channels are declared, so the order of steps minds them. An
/// address that is none of its own, behind which it may stand, is nobody's.
fn is_member(context: &Context<'_>, own: &DesiredHost, from: &str) -> bool {
    context.desired.hosts.values().filter(|host| host.name != own.name).any(|host| {
        let facts = context.observed.get(&host.name).and_then(Fact::known);
        let addresses = facts.map(|f| f.os.addresses.as_slice()).unwrap_or_default();
        let named = facts.is_some_and(|f| f.os.hostname == from) || host.name.as_str() == from;
        let comes = named || host.endpoint.address == from || addresses.iter().any(|address| address == from);
        let declared = !host.channels.is_empty() || facts.is_some();
        comes && declared && !has_undeclared(context, own, host)
    })
}
