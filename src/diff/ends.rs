//! The far ends of channels that run: none is changed towards what was not read, or can't be reached from the replica.

use super::{Context, Draft, fault};
use crate::{
    desired::{DesiredChannel, DesiredHost},
    doctor::{ChannelContext, Layer, explain_channel},
    model::{Endpoint, Fact, HostName, ThreadState},
    observe::{ChannelFacts, FarEnd, HostFacts, Reach, ServerFacts},
    plan::{EndRefused, Kind, Met, NotRead, SourceWaits, WaitsFor},
};

/// Refuses ports at which the declared server does not listen.
pub(super) fn ports(context: &Context<'_>, draft: &mut Draft) {
    for host in context.desired.hosts.values().filter(|host| !host.replicas.is_empty()) {
        let Some(server) = context.server(&host.name) else { continue };
        let (declared, listens) = (host.endpoint.port, server.number("port").unwrap_or(0));
        if listens == 0 || listens == u64::from(declared) || gets_port(host) {
            continue;
        }
        draft.refuse(&host.name, EndRefused::PortDiffers { declared, listens });
        draft.blocked.extend(host.replicas.iter().cloned());
    }
}

/// Whether the declared port is one that the server is to get.
fn gets_port(host: &DesiredHost) -> bool {
    host.setting("port").is_some_and(|wish| wish.values.iter().any(|v| v.parse() == Ok(host.endpoint.port)))
}

/// Looks at the far end of a channel that is there. Says whether it may be changed; where not, the draft has the reason.
pub(super) fn may_change(
    context: &Context<'_>,
    host: &DesiredHost,
    facts: &HostFacts,
    (wish, channel): (&DesiredChannel, &ChannelFacts),
    draft: &mut Draft,
) -> bool {
    if channel.source_host == wish.endpoint.address && channel.source_port == wish.endpoint.port {
        return true;
    }
    let (name, source, declared) = (&host.name, &wish.source, &wish.endpoint);
    let end = || Endpoint { address: channel.source_host.clone(), port: channel.source_port };
    if let Err(why) = read(context, source) {
        if of_another(context, channel, source) {
            draft.wait(name, WaitsFor::source(source, SourceWaits::NewEnd { now: end(), why }));
        } else {
            draft.refuse(
                name,
                EndRefused::NotRead { now: end(), declared: declared.clone(), source: source.clone(), why },
            );
        }
        return false;
    }
    let met = match facts.far_ends.get(source) {
        None | Some(FarEnd::Same | FarEnd::Unknown(_)) => return true,
        Some(FarEnd::Another(version)) => {
            let (source, version) = (source.clone(), version.clone());
            draft.refuse(
                name,
                EndRefused::OfAnother { now: end(), declared: declared.clone(), source, version },
            );
            return false;
        }
        Some(FarEnd::Refused(_, said)) => Met::Refusal(said.clone()),
        Some(FarEnd::Unreachable(why)) => Met::Nobody(why.clone()),
    };
    // What other steps change there first is looked at again right before this one.
    let opens = |kind| matches!(kind, Kind::Firewall | Kind::Account | Kind::Service | Kind::OptionFile);
    if draft.steps.iter().any(|step| step.host == *source && opens(step.kind) && !step.takes_away()) {
        return true;
    }
    let (declared, source) = (declared.clone(), source.clone());
    draft.refuse(name, EndRefused::Unreachable { now: end(), declared, source, met });
    false
}

/// Whether a host's server was read, or why not.
fn read<'a>(context: &'a Context<'_>, host: &HostName) -> Result<&'a ServerFacts, NotRead> {
    match context.observed.get(host) {
        Some(Fact::Known(facts)) => match &facts.server {
            Fact::Known(server) => Ok(server),
            Fact::Absent => Err(NotRead::NoServer),
            Fact::Unread(why) => Err(NotRead::Why(why.clone())),
        },
        Some(Fact::Unread(why)) => Err(NotRead::Why(why.clone())),
        Some(Fact::Absent) | None => Err(NotRead::NotLookedAt),
    }
}

/// Whether a channel leads to another declared host than this one: then the topology changes, and no address.
fn of_another(context: &Context<'_>, channel: &ChannelFacts, source: &HostName) -> bool {
    let at = |host: &&DesiredHost| {
        host.endpoint.address == channel.source_host && host.endpoint.port == channel.source_port
    };
    context.desired.hosts.values().find(at).is_some_and(|host| host.name != *source)
}

/// A channel that is connected, whose next connection would fail: something lets in only what is established.
pub(super) fn would_not_connect_again(
    host: &DesiredHost,
    facts: &HostFacts,
    (wish, channel): (&DesiredChannel, &ChannelFacts),
    draft: &mut Draft,
) {
    let Some(Reach::Failed(_)) = facts.reach.get(&wish.endpoint).filter(|_| channel.running()) else {
        return;
    };
    if channel.source_host != wish.endpoint.address || channel.source_port != wish.endpoint.port {
        return;
    }
    let trying = ChannelFacts { io_running: ThreadState::Connecting, ..channel.clone() };
    let channel_context = ChannelContext {
        replica: host.name.as_str(),
        source: wish.source.as_str(),
        source_runs: Some(true),
        reach: facts.reach.get(&wish.endpoint),
        relay_log: None,
        source_down_because: None,
    };
    let Some(found) = explain_channel(&trying, &channel_context) else { return };
    let mended = [Layer::Firewall, Layer::Port]
        .into_iter()
        .any(|layer| draft.steps.iter().any(|step| fault::mends(step, layer, &host.name, &wish.source)));
    if !mended {
        let why = SourceWaits::NotAgain(Box::new(found));
        draft.wait(&host.name, WaitsFor::source(&wish.source, why));
    }
}
