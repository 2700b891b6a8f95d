//! One server at a time: the next one is restarted when the one before has caught up.

use super::{Context, Draft};
use crate::{
    model::HostName,
    observe::ChannelFacts,
    plan::{Action, Hop},
};

/// Names for each restart the channels on which the server has caught up before it counts as done: those that are declared
/// and run now, and that nothing else in the plan changes. One that nobody declared may have lost its relay log with what
/// was declared for it, and holds up nobody.
pub(super) fn wait_for_channels(context: &Context<'_>, draft: &mut Draft) {
    let restarted: Vec<(usize, Vec<Hop>)> = { draft.steps.iter().enumerate() }
        .filter(|(_, step)| matches!(step.action, Action::Restart { .. }))
        .map(|(n, step)| (n, running(context, draft, &step.host)))
        .collect();
    for (n, hops) in restarted {
        if let Action::Restart { follows, .. } = &mut draft.steps[n].action {
            *follows = hops;
        }
    }
}

fn running(context: &Context<'_>, draft: &Draft, host: &HostName) -> Vec<Hop> {
    let Some(server) = context.server(host) else { return Vec::new() };
    // One that does not start its channels by itself is started by the next plan.
    if server.is_on("skip_slave_start") || server.is_on("skip_replica_start") {
        return Vec::new();
    }
    let changed = |channel: &ChannelFacts| {
        draft.steps.iter().filter(|step| step.host == *host).any(|step| match &step.action {
            Action::Channel(change) => change.wish.name == channel.name,
            Action::DropChannel(ended) => ended.name == channel.name,
            Action::Seed(_) => true,
            _ => false,
        })
    };
    let source = |channel: &ChannelFacts| {
        let at = |server: &&HostName| {
            context.desired.hosts.get(*server).is_some_and(|host| {
                host.endpoint.address == channel.source_host && host.endpoint.port == channel.source_port
            })
        };
        let read = |name: &&HostName| context.server(name).is_some();
        context.desired.hosts.keys().filter(at).find(read).cloned()
    };
    let wishes = context.desired.hosts.get(host).map(|host| host.channels.as_slice()).unwrap_or_default();
    let channels = server.channels.known().into_iter().flatten();
    let whole = channels.filter(|c| c.running() && c.without_error() && c.delay == 0 && !changed(c));
    whole
        .filter_map(|channel| {
            let from = source(channel)?;
            let declared = wishes.iter().any(|wish| wish.name == channel.name && wish.source == from);
            declared.then(|| Hop { from: Some(from), to: host.clone(), channel: channel.name.clone() })
        })
        .collect()
}
