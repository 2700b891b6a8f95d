//! The heartbeat of those that are written to.

use super::Context;
use crate::{
    desired::DesiredHost,
    dialect::HEARTBEAT,
    model::Fact,
    observe::HostFacts,
    plan::{Action, Kind, Reason, Step, StepId},
};

/// The step that makes it beat, where it does not.
pub fn step(_context: &Context<'_>, host: &DesiredHost, facts: &HostFacts) -> Option<Step> {
    let wish = host.heartbeat.as_ref()?;
    let server = facts.server.known()?;
    let (table, event, minds) = match &server.heartbeat {
        Fact::Known(heartbeat) => (true, heartbeat.event.clone(), heartbeat.minds_read_only),
        Fact::Absent => (false, None, true),
        Fact::Unread(_) => return None,
    };
    let view = |(state, every): (String, u64)| format!("{}, every {every} s", state.to_ascii_lowercase());
    let beats = |(state, every): &(String, u64)| minds && state == "ENABLED" && *every == wish.interval;
    let beats = event.as_ref().is_some_and(beats);
    let ends = if minds { "" } else { ", also while read-only" };
    (!(table && beats)).then(|| Step {
        id: StepId(format!("{}/heartbeat", host.name)),
        host: host.name.clone(),
        kind: Kind::Heartbeat,
        summary: format!("stamp a row in {HEARTBEAT} every {} s", wish.interval),
        reason: vec![Reason::declared("the role heartbeat", &wish.place)],
        before: event.map(|event| format!("{}{ends}", view(event))),
        after: Some(view(("enabled".into(), wish.interval))),
        risk: Vec::new(),
        requires: Vec::new(),
        action: Action::Heartbeat { table: !table, interval: wish.interval },
    })
}
