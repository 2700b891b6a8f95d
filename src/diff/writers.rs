//! Who accepts writes now, by what was observed.

use std::collections::BTreeSet;

use super::{Context, Draft, lost};
use crate::{
    desired::{Desired, DesiredHost},
    model::{Fact, HostName},
    observe::{Observed, ServerFacts},
    option_file::same_value,
    plan::{Because, Note, Plan, Reason, Step, Warning, WritersFinding},
};

/// The members whose servers take writes of clients now. One that was not read is none of them.
pub fn writers(desired: &Desired, observed: &Observed) -> Vec<HostName> {
    let server = |host: &&HostName| observed.get(*host).and_then(Fact::known)?.server.known();
    let open = |host: &&HostName| server(host).is_some_and(ServerFacts::accepts_writes);
    desired.members.iter().filter(open).cloned().collect()
}

/// Those of them that hold data, or follow another one.
pub fn used_writers(desired: &Desired, observed: &Observed) -> Vec<HostName> {
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
    // Of a replica that is declared open, or of whose variables nothing is declared, nobody said that it takes none.
    let closed = |host: &HostName| context.desired.hosts.get(host).and_then(DesiredHost::declared_closed);
    open.retain(|host| *host == one.name || closed(host) == Some(true));
    open.extend(lost::open(context));
    let known = |host: &HostName| context.server(host).is_some();
    let all_known = one.replicas.iter().chain([&one.name]).all(known);
    if open.len() > 1 {
        draft.warn(&one.name, WritersFinding::Several { writers: open });
    } else if open.is_empty() && all_known && used(&one.name) && closed(&one.name) != Some(true) {
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
    if let [open] = open_replicas(context).as_slice()
        && below(context.desired, one).contains(open)
    {
        let read = context.server(&one.name).is_some();
        let what = WritersFinding::Other { open: open.clone(), read }.into();
        plan.warnings.push(Warning { host: one.name.clone(), what });
    }
}

/// Closes the hosts that accept writes beside the declared one also where something is refused: what they take meanwhile makes
/// everything worse. Whose closing is planned with what else changes there is closed by that.
pub(super) fn close_others(context: &Context<'_>, plan: &mut Plan) {
    let Some(one) = declared(context.desired).filter(|_| !plan.refused.is_empty()) else { return };
    if !context.server(&one.name).is_some_and(ServerFacts::accepts_writes) {
        return;
    }
    let below = below(context.desired, one);
    let others = open_replicas(context).into_iter().filter(|host| *host != one.name && below.contains(host));
    for host in others {
        let closes = |step: &Step| step.host == host && step.action.sets_read_only("ON");
        if plan.steps.iter().any(closes) {
            continue;
        }
        let first = plan.steps.iter().position(|step| step.host == host).unwrap_or(0);
        if let Some(step) = close(context, &host, one) {
            plan.steps.insert(first, step);
        }
    }
}

/// Sets what is declared to keep clients from writing there, and nothing else.
fn close(context: &Context<'_>, host: &HostName, writer: &DesiredHost) -> Option<Step> {
    let (server, wish) = (context.server(host)?, context.desired.hosts.get(host)?);
    let closing = ["read_only", "super_read_only"].into_iter().filter(|name| {
        let wished = wish.setting(name).and_then(|wish| wish.values.last());
        wished.is_some_and(|value| same_value(name, value, "ON"))
            && server.variable(name).is_some()
            && !server.is_on(name)
    });
    let values = closing.map(|name| (name.to_owned(), "ON".to_owned())).collect();
    let because = Because::SecondWriter { writer: writer.name.clone() };
    let mut step = lost::closing(host, server, values, Reason::because(because))?;
    let sessions = server.sessions.known().map(Vec::len);
    step.risk.push(Note::WritesEnd { on: host.clone(), sessions }.into());
    Some(step)
}

/// A host, and all that get what is written there.
fn below(desired: &Desired, host: &DesiredHost) -> BTreeSet<HostName> {
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
