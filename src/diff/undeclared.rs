//! What is on the hosts and nobody declared: channels, and accounts of ours for peers that are none.

use super::{Context, Draft};
use crate::{
    desired::{DesiredAccount, DesiredHost},
    dialect::Dialect,
    model::{Endpoint, Fact, HostName, visible},
    observe::{ChannelFacts, ServerFacts},
    plan::{
        Action, Because, Kind, Named, Reason, Risk, State, Step, StepId, StepName, Undeclared,
        UndeclaredChannel,
    },
};

/// Warns of everything undeclared. What is allowed by name goes: whoever made a channel or an account may need it.
pub(super) fn check(context: &Context<'_>, draft: &mut Draft) {
    let declares = context.desired.hosts.values().any(|h| !h.channels.is_empty());
    if !declares {
        return;
    }
    for (name, host) in &context.desired.hosts {
        let facts = context.observed.get(name).and_then(Fact::known);
        let Some(server) = facts.and_then(|f| f.server.known()) else { continue };
        channels(context, name, host, server, draft);
        accounts(context, name, host, server, draft);
        replicas(context, name, host, server, draft);
    }
}

fn channels(
    context: &Context<'_>,
    name: &HostName,
    host: &DesiredHost,
    server: &ServerFacts,
    draft: &mut Draft,
) {
    for channel in server.channels.known().into_iter().flatten() {
        if host.channels.iter().any(|wish| wish.name == channel.name)
            || context.desired.all_plays.channels.contains(&(name.clone(), channel.name.clone()))
            || ends_with_a_switch(draft, name, channel)
        {
            continue;
        }
        if context.may_drop_channels || is_of_former_source(context, host, channel) {
            draft.steps.push(drop_channel(context, host, channel));
            continue;
        }
        let dialect = Dialect::of(server.version);
        let what = Undeclared::Channel {
            end: Endpoint { address: channel.source_host.clone(), port: channel.source_port },
            name: channel.name.clone(),
            ending: [dialect.stop_channel(&channel.name), dialect.drop_channel(&channel.name)],
        };
        draft.warn(name, what);
    }
}

/// Whether the step that opens the host ends this channel.
fn ends_with_a_switch(draft: &Draft, name: &HostName, channel: &ChannelFacts) -> bool {
    draft.steps.iter().filter(|step| step.host == *name).any(|step| match &step.action {
        Action::Switchover(plan) => plan.ends.iter().any(|end| end.name == channel.name),
        Action::Failover(plan) => plan.ends.iter().any(|end| end.name == channel.name),
        _ => false,
    })
}

/// Whether the one host that clients write to still follows a member of its topology that is a replica now: what that
/// one may bring when it comes back is nobody's wish.
fn is_of_former_source(context: &Context<'_>, host: &DesiredHost, channel: &ChannelFacts) -> bool {
    let at = |other: &&DesiredHost| {
        other.endpoint.address == channel.source_host && other.endpoint.port == channel.source_port
    };
    let source = context.desired.hosts.values().find(at);
    // One by another account is somebody's.
    let ours = context.own_users().contains(&channel.user);
    if context.desired.lost_at(&channel.source_host, channel.source_port).is_some() {
        return ours;
    }
    ours && context.desired.one_primary && host.writer && source.is_some_and(|source| !source.writer)
}

/// Whether an account is the one by which a member follows this host when its turn to be the primary comes.
fn is_of_a_member(context: &Context<'_>, name: &HostName, from: &str) -> bool {
    let member = |other: &&DesiredHost| other.name != *name && other.endpoint.address == from;
    // One that is lost comes back by it.
    context.desired.lost.iter().any(|lost| member(&&lost.host))
        || context.desired.one_primary && context.desired.hosts.values().any(|other| member(&other))
}

fn accounts(
    context: &Context<'_>,
    name: &HostName,
    host: &DesiredHost,
    server: &ServerFacts,
    draft: &mut Draft,
) {
    let ours = context.own_users();
    for (user, from) in server.account_names.iter().filter(|(user, _)| ours.contains(user)) {
        let is = |wish: &DesiredAccount| wish.user == *user && wish.host == *from;
        // One account for many addresses is everybody's, and comes along in the binary log.
        let of_all = from.contains('%') && context.desired.hosts.values().any(|h| h.accounts.iter().any(is));
        let keeps_out = server.replicating.kept_out.contains(&(user.clone(), from.clone()));
        let elsewhere = (name.clone(), user.clone(), from.clone());
        let of_a_play = context.desired.all_plays.accounts.contains(&elsewhere);
        if of_all
            || of_a_play
            || keeps_out
            || is_of_a_member(context, name, from)
            || host.accounts.iter().any(is)
        {
            continue;
        }
        if context.may_drop_accounts {
            draft.steps.push(drop_account(name, user, from));
            continue;
        }
        draft.warn(name, Undeclared::Account { user: user.clone(), at: from.clone() });
    }
}

/// Replicas that are connected and that nobody declared, told by their server ids: their addresses may have other
/// names here.
fn replicas(
    context: &Context<'_>,
    name: &HostName,
    host: &DesiredHost,
    server: &ServerFacts,
    draft: &mut Draft,
) {
    let declared: Option<Vec<u64>> =
        host.replicas.iter().map(|replica| context.server(replica)?.number("server_id")).collect();
    if let Some(why) = server.connected_replicas.unread() {
        draft.warn(name, Undeclared::ReplicasUnread { why: why.to_owned() });
    }
    // A declared one that was not read may have any id.
    let (Some(declared), Some(connected)) = (declared, server.connected_replicas.known()) else { return };
    for (id, from) in connected.iter().filter(|(id, _)| !declared.contains(id)) {
        let member = context.desired.members.iter().find(|m| {
            context.server(m).and_then(|s| s.number("server_id")) == Some(*id) && !host.replicas.contains(m)
        });
        // One that was not read may have any id, and is told by its address.
        let unread = context.desired.members.iter().filter(|m| context.server(m).is_none());
        let mut hosts = unread.filter_map(|m| context.desired.hosts.get(m));
        // A member's own channels tell more; and a connection that it has left lingers on until the next event.
        if member.is_some() || hosts.any(|member| member.endpoint.address == *from) {
            continue;
        }
        let at = (!from.is_empty()).then(|| from.clone());
        draft.warn(name, Undeclared::Replica { id: *id, at });
    }
}

fn drop_channel(context: &Context<'_>, host: &DesiredHost, channel: &ChannelFacts) -> Step {
    let former = is_of_former_source(context, host, channel);
    let host = &host.name;
    let source = format!("{}:{}", visible(&channel.source_host), channel.source_port);
    let name = match channel.name.is_empty() {
        true => source.clone(),
        false => visible(&channel.name),
    };
    let named = (!channel.name.is_empty()).then(|| Named::new("channel", &name));
    let values = [Named::new("source", &source)].into_iter().chain(named).collect();
    Step {
        id: StepId::of(host, StepName::ExtraChannel { name: &name }),
        host: host.clone(),
        kind: Kind::Channel,
        reason: vec![Reason::because(if former { Because::Writer } else { Because::Undeclared })],
        before: Some(State::Options { values }),
        after: None,
        risk: if former { Vec::new() } else { vec![Risk::EndsChannel] },
        requires: Vec::new(),
        action: Action::DropChannel(UndeclaredChannel {
            name: channel.name.clone(),
            address: channel.source_host.clone(),
            port: channel.source_port,
        }),
    }
}

fn drop_account(host: &HostName, user: &str, from: &str) -> Step {
    Step {
        id: StepId::of(host, StepName::Account { user, from }),
        host: host.clone(),
        kind: Kind::Account,
        reason: vec![Reason::because(Because::NoReplicaComesFromThere)],
        before: Some(State::Names { names: vec![format!("{user}@{from}")] }),
        after: None,
        risk: vec![Risk::DropsAccount],
        requires: Vec::new(),
        action: Action::DropAccount { user: user.to_owned(), host: from.to_owned() },
    }
}
