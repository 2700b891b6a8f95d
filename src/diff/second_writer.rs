//! A host that accepts writes beside the declared one is closed whatever is refused.

use super::{
    Context, lost, takeover,
    writers::{below, declared, open_replicas},
};
use crate::{
    desired::DesiredHost,
    model::HostName,
    observe::{CLOSING, ServerFacts},
    option_file::same_value,
    plan::{Because, Note, Plan, Reason, Step, StepName},
};

/// Closes the hosts that accept writes beside the declared one also where something is refused: what they take meanwhile makes
/// everything worse. Whose closing is planned with what else changes there is closed by that.
pub(super) fn close_others(context: &Context<'_>, plan: &mut Plan) {
    let Some(one) = declared(context.desired).filter(|_| !plan.refused.is_empty()) else { return };
    if !context.server(&one.name).is_some_and(ServerFacts::accepts_writes) {
        return;
    }
    // Where it gets its events from one that accepts writes, too, nobody can tell which of them clients use.
    if !takeover::open_sources(context, one).is_empty() {
        return;
    }
    let below = below(context.desired, one);
    let others = not_closed(context).into_iter().filter(|host| *host != one.name && below.contains(host));
    for host in others {
        let closes =
            |step: &&mut Step| step.host == host && CLOSING.iter().any(|name| step.action.sets(name, "ON"));
        if let Some(step) = plan.steps.iter_mut().find(closes) {
            step.reason.push(second(one));
            continue;
        }
        let first = plan.steps.iter().position(|step| step.host == host).unwrap_or(0);
        if let Some(step) = close(context, &host, one) {
            plan.steps.insert(first, step);
        }
    }
}

/// Replicas that accept writes, and those that are closed for less than is declared: MySQL's `read_only` alone stops no administrator.
fn not_closed(context: &Context<'_>) -> Vec<HostName> {
    const SUPER: &str = "super_read_only";
    let off = |server: &ServerFacts| server.variable(SUPER).is_some_and(|now| same_value(SUPER, now, "OFF"));
    let half = |host: &&DesiredHost| {
        let wished = host.setting(SUPER).and_then(|wish| wish.values.last());
        host.declared_closed() == Some(true)
            && wished.is_some_and(|value| same_value(SUPER, value, "ON"))
            && context.server(&host.name).is_some_and(|server| server.is_used() && off(server))
    };
    let mut all = open_replicas(context);
    let half = context.desired.hosts.values().filter(half).map(|host| host.name.clone());
    let half: Vec<HostName> = half.filter(|host| !all.contains(host)).collect();
    all.extend(half);
    all
}

/// Sets what is declared to keep clients from writing there, and nothing else.
fn close(context: &Context<'_>, host: &HostName, writer: &DesiredHost) -> Option<Step> {
    let (server, wish) = (context.server(host)?, context.desired.hosts.get(host)?);
    let closing = CLOSING.into_iter().filter(|name| {
        let wished = wish.setting(name).and_then(|wish| wish.values.last());
        wished.is_some_and(|value| same_value(name, value, "ON"))
            && server.variable(name).is_some()
            && !server.is_on(name)
    });
    let values = closing.map(|name| (name.to_owned(), "ON".to_owned())).collect();
    let mut step = lost::set((host, StepName::CloseToClients), server, values, second(writer))?;
    let sessions = server.sessions.known().map(Vec::len);
    step.risk.push(Note::WritesEnd { on: host.clone(), sessions }.into());
    Some(step)
}

fn second(writer: &DesiredHost) -> Reason {
    Reason::because(Because::SecondWriter { writer: writer.name.clone() })
}
