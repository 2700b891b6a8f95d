//! Hosts that are declared lost: one that is back takes no writes, and is told.

use super::{Context, Draft};
use crate::{
    desired::LostHost,
    dialect::Dialect,
    model::{Fact, HostName},
    observe::ServerFacts,
    plan::{Action, Because, Kind, LostFinding, Named, Reason, State, Step, StepId},
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
}

/// Nobody on the members serves a lost host before it has rejoined: then its account is declared again, and so not locked.
fn lock_out(context: &Context<'_>, draft: &mut Draft) {
    let ours = context.own_users();
    let of_a_member = |address: &str| {
        let mut hosts = context.desired.hosts.values();
        hosts.any(|host| host.endpoint.address.eq_ignore_ascii_case(address))
    };
    for lost in &context.desired.lost {
        let address = &lost.host.endpoint.address;
        if of_a_member(address) {
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
        id: StepId(format!("{on}/lock-lost/{user}@{from}")),
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
    let values: Vec<(&str, &str)> = CLOSED.iter().filter(differs).copied().collect();
    if values.is_empty() {
        return None;
    }
    let name = &lost.host.name;
    let now = |(name, _): &(&str, &str)| Named::new(*name, server.variable(name).unwrap_or_default());
    Some(Step {
        id: StepId(format!("{name}/close")),
        host: name.clone(),
        kind: Kind::Variable,
        reason: vec![Reason::declared(Because::Lost, &lost.place)],
        before: Some(State::Settings { values: values.iter().map(now).collect() }),
        after: Some(State::Settings {
            values: values.iter().map(|(name, value)| Named::new(*name, *value)).collect(),
        }),
        risk: Vec::new(),
        requires: Vec::new(),
        action: Action::SetGlobal(
            values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ),
    })
}
