//! Writes that move to another host, where the settings alone would not move them.
//!
//! Of a variable that nobody declares the server's value stays. But who takes the writes is what a topology declares: a
//! host that takes them over is opened, and the one that gives them away is closed, also where nothing is declared of
//! `read_only`, as in a fleet that was adopted. Where the opposite is declared, nothing moves at all.

use std::collections::BTreeSet;

use super::{Context, Draft, lost, promotion::hops, switchover, writers};
use crate::{
    desired::{DesiredHost, DesiredSetting},
    model::{HostName, Place},
    observe::{CLOSING, ChannelFacts, ServerFacts},
    option_file::same_value,
    plan::{Because, Finding, HostWaits, Reason, StepName, TakeoverRefused, WritersFinding},
};

/// Adds what opens the declared writer and closes the one that it follows, or refuses where that is declared otherwise.
pub(super) fn steps(context: &Context<'_>, draft: &mut Draft) {
    let Some(one) = writers::declared(context.desired) else { return };
    let Some(server) = context.server(&one.name).filter(|server| server.is_used()) else { return };
    if server.accepts_writes() {
        let sources = open_sources(context, one);
        if !sources.is_empty() {
            let mut writers = switchover::parts_that_write(context);
            writers.sort_by_key(|host| (!sources.contains(host), *host == one.name));
            draft.blocked.extend(writers.iter().filter(|host| **host != one.name).cloned());
            // The warning of them says that `apply` closes the others.
            let several = |what: &Finding| matches!(what, Finding::Writers(WritersFinding::Several { .. }));
            draft.warnings.retain(|warning| !several(&warning.what));
            draft.refuse(&one.name, switchover::not_one(context, writers));
        }
        // It has the writes of another one already, and would be closed after all.
        if let Some(place) = closed_at(one).filter(|_| context.takes_over == Some(&one.name)) {
            draft.refuse(&one.name, TakeoverRefused::DeclaredClosed { place: place.clone() });
        }
        return;
    }
    open(context, (one, server), draft);
    if draft.opens(&one.name) {
        close(context, one, draft);
    }
}

/// Members that accept writes and from which the declared writer has its events, where it shall not have them any more: it
/// takes their writes over, whether its channels run or not.
pub(super) fn open_sources(context: &Context<'_>, one: &DesiredHost) -> BTreeSet<HostName> {
    let hops = hops(context, &one.name);
    let undeclared = |name: &str| !one.channels.iter().any(|wish| wish.name == name);
    let takes_over = context.takes_over == Some(&one.name)
        || hops.iter().any(|hop| hop.to == one.name && hop.from.is_some() && undeclared(&hop.channel));
    let open = |host: &HostName| {
        let is_writer = context.desired.hosts.get(host).is_some_and(|host| host.writer);
        !is_writer && context.server(host).is_some_and(ServerFacts::accepts_writes)
    };
    // Two primaries that become one have each other's events: whichever is closed, what it took reaches the other one.
    let has_its_events = |from: &HostName| {
        let way = self::hops(context, from);
        context.takes_over.is_none() && way.iter().any(|hop| hop.from.as_ref() == Some(&one.name))
    };
    let sources = hops.into_iter().filter_map(|hop| hop.from).filter(|_| takes_over);
    sources.filter(|from| *from != one.name && !has_its_events(from)).filter(open).collect()
}

/// Opens a host that takes writes over, where its settings do not.
fn open(context: &Context<'_>, (one, server): (&DesiredHost, &ServerFacts), draft: &mut Draft) {
    let takes_over = follows_lost(context, server)
        || hops(context, &one.name).iter().any(|hop| hop.to == one.name && hop.from.is_some());
    if draft.opens(&one.name) || !takes_over && context.desired.lost.is_empty() {
        return;
    }
    if let Some(place) = closed_at(one) {
        if takes_over {
            draft.refuse(&one.name, TakeoverRefused::DeclaredClosed { place: place.clone() });
        }
        return;
    }
    if one.declared_closed().is_some() {
        // What the settings wait for.
        return;
    }
    let is_off = |name: &str| server.variable(name).is_none_or(|value| same_value(name, value, "OFF"));
    let values = CLOSING.into_iter().filter(|name| !is_off(name));
    let values = values.map(|name| (name.to_owned(), "OFF".to_owned())).collect();
    draft.steps.extend(lost::set(
        (&one.name, StepName::OpenToClients),
        server,
        values,
        Reason::because(Because::Writer),
    ));
}

/// Closes those from which a host takes the writes over, where their settings do not.
fn close(context: &Context<'_>, one: &DesiredHost, draft: &mut Draft) {
    for from in hops(context, &one.name).into_iter().filter_map(|hop| hop.from) {
        let (Some(old), Some(server)) = (context.desired.hosts.get(&from), context.server(&from)) else {
            continue;
        };
        if old.writer || !server.accepts_writes() || draft.closes(&from) {
            continue;
        }
        if let Some(place) = declared(old, "read_only", "OFF") {
            let why = TakeoverRefused::OldWriterDeclaredOpen { from: from.clone(), place: place.clone() };
            draft.refuse(&one.name, why);
        } else if old.declared_closed().is_some() {
            draft.wait(&one.name, HostWaits::Partner { keeps: from.clone() });
            draft.blocked.push(one.name.clone());
        } else {
            let open = |name: &&str| server.variable(name).is_some() && declared(old, name, "OFF").is_none();
            let values = CLOSING.into_iter().filter(open);
            let values = values.map(|name| (name.to_owned(), "ON".to_owned())).collect();
            let reason = Reason::because(Because::Topology);
            draft.steps.extend(lost::set((&from, StepName::CloseToClients), server, values, reason));
        }
    }
}

/// Where it is declared that a host takes no writes.
pub(super) fn closed_at(host: &DesiredHost) -> Option<&Place> {
    CLOSING.iter().find_map(|name| declared(host, name, "ON"))
}

/// Where a variable is declared to have this value while the server runs.
fn declared<'a>(host: &'a DesiredHost, name: &str, value: &str) -> Option<&'a Place> {
    let wish = |wish: &&DesiredSetting| wish.values.last().is_some_and(|one| same_value(name, one, value));
    host.setting(name).filter(wish).map(|wish| &wish.place)
}

/// Whether a server has had its events from a host that is declared lost.
fn follows_lost(context: &Context<'_>, server: &ServerFacts) -> bool {
    let lost =
        |channel: &ChannelFacts| context.desired.lost_at(&channel.source_host, channel.source_port).is_some();
    server.channels.known().into_iter().flatten().any(lost)
}
