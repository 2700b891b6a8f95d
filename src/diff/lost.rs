//! Hosts that are declared lost: one that is back takes no writes, and is told.

use std::collections::BTreeSet;

use super::{Context, Draft};
use crate::{
    desired::LostHost,
    dialect::Dialect,
    model::{Fact, HostName, is_wide_for},
    observe::ServerFacts,
    plan::{Action, Because, Kind, LostFinding, Named, Reason, State, Step, StepId, StepName},
};

/// Adds a finding for each that is back, and the step that closes it. What it holds is nobody's concern before it rejoins.
pub(super) fn steps(context: &Context<'_>, draft: &mut Draft) {
    for lost in &context.desired.lost {
        let name = &lost.host.name;
        let Some(Fact::Known(facts)) = context.observed.get(name) else { continue };
        let server = facts.server.known();
        draft.warn(name, LostFinding::Returned { writes: server.map(ServerFacts::accepts_writes) });
        draft.steps.extend(server.and_then(|server| close(lost, server)));
    }
    lock_out(context, draft);
    keep_out(context, draft);
}

/// An account for many addresses must not let a lost host in either: one of the same user for its address alone counts more,
/// and nobody can log in by that. Everybody else comes in as before. It goes when the host is lost no more.
fn keep_out(context: &Context<'_>, draft: &mut Draft) {
    let members = context.desired.members.iter().filter_map(|name| Some((name, context.server(name)?)));
    for (name, server) in members.filter(|(_, server)| Dialect::of(server.version).locks_accounts()) {
        let kept_out = &server.replicating.kept_out;
        for lost in context.desired.lost.iter().filter(|lost| !is_of_a_member(context, lost)) {
            let address = &lost.host.endpoint.address;
            let lets_in = |(user, from): &&(String, String)| {
                let narrow = (user.clone(), address.clone());
                is_wide_for(from, address) && !server.account_names.contains(&narrow)
            };
            let users = server.replicating.let_in.iter().filter(lets_in).map(|(user, _)| user);
            let users: BTreeSet<&String> = users.collect();
            draft.steps.extend(users.into_iter().map(|user| kept(name, lost, user)));
        }
        let is_lost = |from: &str| {
            context.desired.lost.iter().any(|lost| lost.host.endpoint.address.eq_ignore_ascii_case(from))
        };
        let wished = |user: &str, from: &str| {
            let accounts = context.desired.hosts.get(name).map(|host| &host.accounts);
            accounts.into_iter().flatten().any(|wish| wish.user == user && wish.host == from)
        };
        let back = kept_out.iter().filter(|(user, from)| !is_lost(from) && !wished(user, from));
        draft.steps.extend(back.map(|(user, from)| let_in(name, user, from)));
    }
}

/// The account with which nobody can log in from a lost host.
fn kept(on: &HostName, lost: &LostHost, user: &str) -> Step {
    let from = &lost.host.endpoint.address;
    Step {
        id: StepId::of(on, StepName::KeepOut { user, from }),
        host: on.clone(),
        kind: Kind::Account,
        reason: vec![Reason::declared(Because::Lost, &lost.place)],
        before: None,
        after: Some(State::Options { values: vec![Named::new("locked", "yes")] }),
        risk: Vec::new(),
        requires: Vec::new(),
        action: Action::KeepOut { user: user.to_owned(), host: from.clone() },
    }
}

/// Takes that account away again.
fn let_in(on: &HostName, user: &str, from: &str) -> Step {
    Step {
        id: StepId::of(on, StepName::LetIn { user, from }),
        host: on.clone(),
        kind: Kind::Account,
        reason: vec![Reason::because(Because::Topology)],
        before: Some(State::Options { values: vec![Named::new("locked", "yes")] }),
        after: None,
        risk: Vec::new(),
        requires: Vec::new(),
        action: Action::LetIn { user: user.to_owned(), host: from.to_owned() },
    }
}

/// Whether a lost host's address is that of another member, too, which must be let in.
fn is_of_a_member(context: &Context<'_>, lost: &LostHost) -> bool {
    let address = &lost.host.endpoint.address;
    context.desired.hosts.values().any(|host| host.endpoint.address.eq_ignore_ascii_case(address))
}

/// Nobody on the members serves a lost host before it has rejoined: then its account is declared again, and so not locked.
fn lock_out(context: &Context<'_>, draft: &mut Draft) {
    let ours = context.own_users();
    for lost in &context.desired.lost {
        let address = &lost.host.endpoint.address;
        if is_of_a_member(context, lost) {
            continue;
        }
        let members = context.desired.members.iter().filter_map(|name| Some((name, context.server(name)?)));
        for (name, server) in members.filter(|(_, server)| Dialect::of(server.version).locks_accounts()) {
            let its = server.accounts.iter().filter(|account| {
                ours.contains(&account.user) && account.host.eq_ignore_ascii_case(address) && !account.locked
            });
            draft.steps.extend(its.map(|account| lock(name, lost, (&account.user, &account.host))));
        }
    }
}

fn lock(on: &HostName, lost: &LostHost, (user, from): (&str, &str)) -> Step {
    let locked = |value: &str| State::Options { values: vec![Named::new("locked", value)] };
    Step {
        id: StepId::of(on, StepName::LockLost { user, from }),
        host: on.clone(),
        kind: Kind::Account,
        reason: vec![Reason::declared(Because::Lost, &lost.place)],
        before: Some(locked("no")),
        after: Some(locked("yes")),
        risk: Vec::new(),
        requires: Vec::new(),
        action: Action::LockAccount { user: user.to_owned(), host: from.to_owned() },
    }
}

/// The lost hosts that accept writes.
pub(super) fn open(context: &Context<'_>) -> impl Iterator<Item = HostName> {
    let server = |name: &HostName| context.observed.get(name).and_then(Fact::known)?.server.known();
    let open = move |lost: &&LostHost| server(&lost.host.name).is_some_and(ServerFacts::accepts_writes);
    context.desired.lost.iter().filter(open).map(|lost| lost.host.name.clone())
}

/// No client writes there, and no event runs.
fn close(lost: &LostHost, server: &ServerFacts) -> Option<Step> {
    const CLOSED: [(&str, &str); 3] =
        [("read_only", "ON"), ("super_read_only", "ON"), ("event_scheduler", "OFF")];
    let differs = |(name, closed): &&(&str, &str)| match *closed {
        "ON" => server.variable(name).is_some() && !server.is_on(name),
        _ => server.is_on(name),
    };
    let reason = Reason::declared(Because::Lost, &lost.place);
    let values = CLOSED.iter().filter(differs).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    set((&lost.host.name, StepName::CloseToClients), server, values.collect(), reason)
}

/// A step that sets what decides whether clients write on a host; none where there is nothing to set.
pub(super) fn set(
    (host, what): (&HostName, StepName<'_>),
    server: &ServerFacts,
    values: Vec<(String, String)>,
    reason: Reason,
) -> Option<Step> {
    if values.is_empty() {
        return None;
    }
    let now = |(name, _): &(String, String)| Named::new(name, server.variable(name).unwrap_or_default());
    let then = |(name, value): &(String, String)| Named::new(name, value);
    Some(Step {
        id: StepId::of(host, what),
        host: host.clone(),
        kind: Kind::Variable,
        reason: vec![reason],
        before: Some(State::Settings { values: values.iter().map(now).collect() }),
        after: Some(State::Settings { values: values.iter().map(then).collect() }),
        risk: Vec::new(),
        requires: Vec::new(),
        action: Action::SetGlobal(values),
    })
}
