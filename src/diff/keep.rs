//! What is still needed is not taken away: where a move is not made by this plan, what it would leave behind stays.

use std::net::IpAddr;

use super::Context;
use crate::{
    desired::DesiredHost,
    firewall::Network,
    model::{Fact, HostName},
    observe::ChannelFacts,
    plan::{AccountChange, Action, Effect, HostWaits, Need, Plan, Step, Taken, Waiting},
};

/// Takes out the steps that would take away what a channel still needs, and says so.
pub(super) fn keep_what_is_needed(context: &Context<'_>, steps: &mut Vec<Step>, plan: &mut Plan) {
    let needed: Vec<Option<Need>> = steps
        .iter()
        .map(|step| match step.effect() {
            Effect::TakesAway(taken) => needed_by(context, steps, step, taken),
            _ if step.changes_login() => unread_user(context, step),
            _ => None,
        })
        .collect();
    let mut fates = needed.into_iter();
    steps.retain(|step| match fates.next().flatten() {
        None => true,
        Some(by) => {
            let why = HostWaits::StillNeeded { step: Box::new(step.clone()), by }.into();
            plan.waiting.push(Waiting { host: step.host.clone(), why });
            false
        }
    });
}

/// The member that was not read and logs in with an account whose login changes: its channel would not get in again.
fn unread_user(context: &Context<'_>, step: &Step) -> Option<Need> {
    let Action::Account(AccountChange { wish, .. }) = &step.action else { return None };
    let from = |host: &&DesiredHost| host.endpoint.address.eq_ignore_ascii_case(&wish.host);
    let user = context.desired.hosts.values().filter(|host| host.name != step.host).find(from)?;
    context.server(&user.name).is_none().then(|| Need::Unread(user.name.clone()))
}

/// Why what a step takes away is still needed.
fn needed_by(context: &Context<'_>, steps: &[Step], step: &Step, taken: Taken<'_>) -> Option<Need> {
    let others =
        context.desired.hosts.values().filter(|host| host.name != step.host && !host.channels.is_empty());
    for host in others {
        let Some(facts) = context.observed.get(&host.name).and_then(Fact::known) else {
            if may_come_from_there(context, host, taken) {
                return Some(Need::Unread(host.name.clone()));
            }
            continue;
        };
        let Some(server) = facts.server.known() else { continue };
        let declared = addresses(host, &facts.os.addresses);
        let comes = comes_now(context, &step.host, &facts.os.addresses);
        let cut = comes.iter().find(|address| shuts_out(taken, &[**address]));
        if !shuts_out(taken, &declared) && cut.is_none() {
            continue;
        }
        let still = server.channels.known().into_iter().flatten().find(|channel| {
            comes_from(context, channel, &step.host)
                && host.channels.iter().any(|wish| wish.name == channel.name)
                && !is_moved(steps, &host.name, channel)
                // Who comes over TLS already needs nothing else.
                && !(matches!(taken, Taken::ClearText { .. }) && channel.tls)
        });
        let replica = host.name.clone();
        match cut.filter(|cut| !declared.contains(cut)) {
            _ if still.is_none() => {}
            None => return Some(Need::Replicates(replica)),
            Some(from) => {
                let declared = host.endpoint.address.clone();
                return Some(Need::ComesFrom { replica, from: *from, declared });
            }
        }
    }
    None
}

/// The addresses from which a host may come: the declared one, where it is one, or those of its interfaces.
fn addresses(host: &DesiredHost, own: &[String]) -> Vec<IpAddr> {
    match host.endpoint.address.parse() {
        Ok(address) => vec![address],
        Err(_) => own.iter().filter_map(|text| text.parse().ok()).collect(),
    }
}

/// The addresses of a replica's own from which it is connected to a source now, as the source sees them.
fn comes_now(context: &Context<'_>, source: &HostName, own: &[String]) -> Vec<IpAddr> {
    let seen = context.server(source).and_then(|server| server.replica_addresses.known());
    let its = seen.into_iter().flatten().filter(|address| own.contains(address));
    its.filter_map(|address| address.parse().ok()).collect()
}

/// Whether a host that has these addresses can't come in afterwards.
fn shuts_out(taken: Taken<'_>, addresses: &[IpAddr]) -> bool {
    match taken {
        Taken::Channel | Taken::LostAccount => false,
        Taken::Account { from } | Taken::ClearText { from } => {
            addresses.iter().any(|a| from.parse::<IpAddr>() == Ok(*a))
        }
        Taken::Access(change) => {
            let lets_in = |address: &IpAddr| change.wish.allowed.iter().any(|n| n.contains(*address));
            !addresses.is_empty() && !addresses.iter().any(lets_in)
        }
    }
}

/// Whether an address that loses its way may be that of a host that was not read.
fn may_come_from_there(context: &Context<'_>, unread: &DesiredHost, taken: Taken<'_>) -> bool {
    let read = |network: &Network| {
        context.desired.hosts.values().filter(|host| host.name != unread.name).any(|host| {
            let facts = context.observed.get(&host.name).and_then(Fact::known);
            facts.is_some_and(|f| addresses(host, &f.os.addresses).iter().any(|a| network.contains(*a)))
        })
    };
    let own = addresses(unread, &[]);
    match taken {
        Taken::Channel | Taken::LostAccount => false,
        Taken::Account { from } | Taken::ClearText { from } => {
            from.parse::<Network>().is_ok_and(|network| !read(&network)) || shuts_out(taken, &own)
        }
        Taken::Access(change) => {
            let lost = change.closes.iter().flat_map(|closes| &closes.networks);
            lost.into_iter().any(|network| !read(network)) || shuts_out(taken, &own)
        }
    }
}

fn comes_from(context: &Context<'_>, channel: &ChannelFacts, source: &HostName) -> bool {
    let id = context.server(source).and_then(|server| server.number("server_id"));
    let address = context.desired.hosts.get(source).is_some_and(|host| {
        host.endpoint.address == channel.source_host && host.endpoint.port == channel.source_port
    });
    address || (channel.source_server_id != 0 && id == Some(channel.source_server_id))
}

/// Whether a step of this plan changes the channel, ends it, or replaces the server's data with all its channels.
fn is_moved(steps: &[Step], host: &HostName, channel: &ChannelFacts) -> bool {
    steps.iter().any(|step| match &step.action {
        Action::Channel(change) => step.host == *host && change.change && change.wish.name == channel.name,
        Action::DropChannel(ended) => step.host == *host && ended.name == channel.name,
        Action::Seed(seed) => seed.ends.iter().any(|end| end.host == *host && end.name == channel.name),
        _ => false,
    })
}
