//! Who accepts writes now, by what was observed.

use std::collections::BTreeSet;

use super::{Context, Draft, lost};
use crate::{
    desired::{Desired, DesiredHost},
    doctor::{OpenHost, WritesGo, writes_go},
    model::{Fact, HostName},
    observe::{Observed, ServerFacts},
    plan::{Plan, Warning, WritersFinding},
};

/// The members whose servers take writes of clients now. One that was not read is none of them.
pub(super) fn writers(desired: &Desired, observed: &Observed) -> Vec<HostName> {
    let server = |host: &&HostName| observed.get(*host).and_then(Fact::known)?.server.known();
    let open = |host: &&HostName| server(host).is_some_and(ServerFacts::accepts_writes);
    desired.members.iter().filter(open).cloned().collect()
}

/// Those of them that hold data, or follow another one.
pub(crate) fn used_writers(desired: &Desired, observed: &Observed) -> Vec<HostName> {
    let used = |host: &HostName| {
        let server = observed.get(host).and_then(Fact::known).and_then(|facts| facts.server.known());
        server.is_some_and(ServerFacts::is_used)
    };
    let mut open = writers(desired, observed);
    open.retain(used);
    open
}

/// The members that take writes of clients now, though they are declared not to.
pub(super) fn open_replicas(context: &Context<'_>) -> Vec<HostName> {
    let closed = |name: &HostName| context.desired.hosts.get(name).and_then(DesiredHost::declared_closed);
    let mut open = used_writers(context.desired, context.observed);
    open.retain(|name| closed(name) == Some(true));
    open
}

/// The one host that clients are declared to write to, where it is one: the source of others, or all that is left of them.
pub(super) fn declared(desired: &Desired) -> Option<&DesiredHost> {
    let writers = || desired.hosts.values().filter(|host| host.writer);
    let left = !desired.lost.is_empty() && writers().all(|host| host.replicas.is_empty());
    let mut declared = writers().filter(|host| left || !host.replicas.is_empty());
    match (declared.next(), declared.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

/// The used writers that get what is written on the declared host: who gets nothing from there has writers of its own.
fn open_below(context: &Context<'_>, one: &DesiredHost) -> Vec<HostName> {
    let below = below(context.desired, one);
    let mut open = used_writers(context.desired, context.observed);
    open.retain(|host| below.contains(host));
    open
}

/// Says so where clients are declared to write to one host, and none or several accept writes.
pub(super) fn check(context: &Context<'_>, draft: &mut Draft) {
    let Some(one) = declared(context.desired) else { return };
    let wish = |host: &HostName| context.desired.hosts.get(host);
    let closed = |host: &HostName| wish(host).and_then(DesiredHost::declared_closed);
    let declared = |host: &HostName| wish(host).is_some_and(|host| host.setting("read_only").is_some());
    // A replica that is declared open is meant to take writes of its own, and of one of whose variables nothing is declared at
    // all nobody said that it takes none.
    let one_too_many = |host: &HostName| declared(host) && closed(host) != Some(false);
    let (members, lost) = (open_below(context, one), lost::open(context).collect::<Vec<_>>());
    let mut open: Vec<OpenHost<'_>> =
        members.iter().map(|host| OpenHost { host, one_too_many: one_too_many(host) }).collect();
    open.extend(lost.iter().map(|host| OpenHost { host, one_too_many: true }));
    match writes_go(&one.name, &open) {
        WritesGo::Several(writers) => {
            let writers: Vec<HostName> = writers.into_iter().cloned().collect();
            let undeclared = writers.iter().filter(|host| **host != one.name && closed(host).is_none());
            let undeclared = undeclared.filter(|host| declared(host)).cloned().collect();
            draft.warn(&one.name, WritersFinding::Several { writers, undeclared });
        }
        WritesGo::Nowhere => {
            let known = |host: &HostName| context.server(host).is_some();
            let all_known = one.replicas.iter().chain([&one.name]).all(known);
            let used = context.server(&one.name).is_some_and(ServerFacts::is_used);
            if all_known && used && closed(&one.name) != Some(true) {
                draft.warn(&one.name, WritersFinding::None);
            }
        }
        // Whether a step changes that is known once there are all of them.
        WritesGo::Elsewhere(_) | WritesGo::AsDeclared => {}
    }
}

/// Says so where another host than the declared one accepts writes, and no step of the plan changes that.
pub(super) fn check_other(context: &Context<'_>, plan: &mut Plan) {
    let Some(one) = declared(context.desired) else { return };
    let is_open = context.server(&one.name).is_some_and(ServerFacts::accepts_writes);
    if is_open || plan.steps.iter().any(|step| step.opens(&one.name)) {
        return;
    }
    // One of which nothing is declared, or that is declared open, is no second writer; here it may be the only one.
    let closed = open_replicas(context);
    let members = open_below(context, one);
    let open: Vec<OpenHost<'_>> =
        members.iter().map(|host| OpenHost { host, one_too_many: closed.contains(host) }).collect();
    if let WritesGo::Elsewhere(open) = writes_go(&one.name, &open) {
        let read = context.server(&one.name).is_some();
        let what = WritersFinding::Other { open: open.clone(), read }.into();
        plan.warnings.push(Warning { host: one.name.clone(), what });
    }
}

/// A host, and all that get what is written there.
pub(super) fn below(desired: &Desired, host: &DesiredHost) -> BTreeSet<HostName> {
    let mut all = BTreeSet::from([host.name.clone()]);
    let mut next = vec![host];
    while let Some(host) = next.pop() {
        for replica in &host.replicas {
            if all.insert(replica.clone()) {
                next.extend(desired.hosts.get(replica));
            }
        }
    }
    all
}
