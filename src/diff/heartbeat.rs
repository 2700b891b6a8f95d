//! The heartbeat of those that are written to.

use super::Context;
use crate::{
    desired::DesiredHost,
    model::Fact,
    observe::HostFacts,
    plan::{Action, Because, Kind, Reason, State, Step, StepId, StepName},
};

/// The step that makes it beat, where it does not.
pub(super) fn step(_context: &Context<'_>, host: &DesiredHost, facts: &HostFacts) -> Option<Step> {
    let wish = host.heartbeat.as_ref()?;
    let server = facts.server.known()?;
    let (table, event, minds) = match &server.heartbeat {
        Fact::Known(heartbeat) => (true, heartbeat.event.clone(), heartbeat.minds_read_only),
        Fact::Absent => (false, None, true),
        Fact::Unread(_) => return None,
    };
    let beats = |(state, every): &(String, u64)| minds && state == "ENABLED" && *every == wish.interval;
    let beats = event.as_ref().is_some_and(beats);
    let view = |event, every, minds_read_only| State::Heartbeat { event, every, minds_read_only };
    (!(table && beats)).then(|| Step {
        id: StepId::of(&host.name, StepName::Heartbeat),
        host: host.name.clone(),
        kind: Kind::Heartbeat,
        reason: vec![Reason::declared(Because::Role { role: "heartbeat".to_owned() }, &wish.place)],
        before: event.map(|(event, every)| view(event, every, minds)),
        after: Some(view("ENABLED".to_owned(), wish.interval, true)),
        risk: Vec::new(),
        requires: Vec::new(),
        action: Action::Heartbeat { table: !table, interval: wish.interval },
    })
}
