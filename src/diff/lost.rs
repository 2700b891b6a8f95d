//! Hosts that are declared lost: one that is back takes no writes, and is told.

use super::{Context, Draft};
use crate::{
    desired::LostHost,
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
