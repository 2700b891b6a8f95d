//! Who accepts writes now, by what was observed.

use std::collections::BTreeSet;

use super::{Context, Draft, lost};
use crate::{
    desired::{Desired, DesiredHost},
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

/// Says so where clients are declared to write to one host, and none or several accept writes.
pub(super) fn check(context: &Context<'_>, draft: &mut Draft) {
    let used = |host: &HostName| context.server(host).is_some_and(ServerFacts::is_used);
    let mut open = used_writers(context.desired, context.observed);
    let Some(one) = declared(context.desired) else { return };
    // Who gets nothing from there has writers of its own.
    let below = below(context.desired, one);
    open.retain(|host| below.contains(host));
    let any = !open.is_empty();
    // A replica that is declared open is meant to take writes of its own, and of one of whose variables nothing is declared at
    // all nobody said that it takes none.
    let closed = |host: &HostName| context.desired.hosts.get(host).and_then(DesiredHost::declared_closed);
    let declared = |host: &HostName| {
        context.desired.hosts.get(host).is_some_and(|host| host.setting("read_only").is_some())
    };
    open.retain(|host| *host == one.name || declared(host) && closed(host) != Some(false));
    open.extend(lost::open(context));
    let known = |host: &HostName| context.server(host).is_some();
    let all_known = one.replicas.iter().chain([&one.name]).all(known);
    if open.len() > 1 {
        let undeclared = open.iter().filter(|host| **host != one.name && closed(host).is_none());
        let undeclared = undeclared.filter(|host| declared(host)).cloned().collect();
        draft.warn(&one.name, WritersFinding::Several { writers: open, undeclared });
    } else if open.is_empty() && !any && all_known && used(&one.name) && closed(&one.name) != Some(true) {
        draft.warn(&one.name, WritersFinding::None);
    }
}

/// Says so where another host than the declared one accepts writes, and no step of the plan changes that.
pub(super) fn check_other(context: &Context<'_>, plan: &mut Plan) {
    let Some(one) = declared(context.desired) else { return };
    let is_open = context.server(&one.name).is_some_and(ServerFacts::accepts_writes);
    if is_open || plan.steps.iter().any(|step| step.opens(&one.name)) {
        return;
    }
    let below = below(context.desired, one);
    let mut open = open_replicas(context);
    open.retain(|host| below.contains(host));
    if open.is_empty() {
        // One of which nothing is declared, or that is declared open, is no second writer; here it is the only one.
        open = used_writers(context.desired, context.observed);
        open.retain(|host| below.contains(host));
        open.truncate(1);
    }
    if let [open] = open.as_slice() {
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
