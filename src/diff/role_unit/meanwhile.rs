//! While a replica takes the writes for a restart of the primary, it is the recorded writer, and the primary is none: hosts that
//! lose their power then come up as they were.

use super::{Record, forget, peers};
use crate::{
    diff::{Context, Draft},
    model::{Fact, HostName},
    observe::HostFacts,
    plan::{Action, Because, Reason, Span, Step, StepId, StepName, Switchover},
    role_unit::{Peer, RoleUnitFacts},
};

/// Moves the record with the writes, there and back.
pub(super) fn steps(context: &Context<'_>, draft: &mut Draft) {
    there(context, draft);
    // Whoever stands in is forgotten no sooner than the primary runs again, and before writes leave it.
    let Some((back, plan)) = switch(draft, Span::Back) else { return };
    let (back, primary, stand_in) = (back.id.clone(), back.host.clone(), plan.from.clone());
    let forgets = |step: &&Step| step.host == stand_in && matches!(step.action, Action::ForgetWriter { .. });
    let Some(forgotten) = draft.steps.iter().find(forgets).map(|step| step.id.clone()) else { return };
    require(draft, &back, &forgotten);
    if let Some(restart) = restart_of(draft, &primary) {
        require(draft, &forgotten, &restart);
    }
}

fn there(context: &Context<'_>, draft: &mut Draft) {
    let Some((there, plan)) = switch(draft, Span::DuringRestart) else { return };
    let (taken, stand_in, primary) = (there.id.clone(), there.host.clone(), plan.from.clone());
    let Some((host, facts)) = known(context, &primary) else { return };
    let (Some(wish), Fact::Known(recorded)) = (&host.role_unit, &facts.role_unit) else { return };
    let away = Step { id: StepId::of(&primary, StepName::RoleUnitAway), ..forget(&primary) };
    draft.steps.retain(|step| !matches!(step.action, Action::RecordWriter(_)));
    require(draft, &taken, &away.id);
    draft.steps.push(away);
    // Nothing is there by then.
    let none = RoleUnitFacts { salt: recorded.salt.clone(), ..RoleUnitFacts::default() };
    let peers = peers(context, &primary, draft);
    draft.steps.extend(Record { host, facts, wish, peers }.step(context, Some(&none)));
    let Some((other, facts)) = known(context, &stand_in) else { return };
    if facts.lacks_for_role_unit().is_some() || facts.role_unit.unread().is_some() {
        return;
    }
    // The others have no account for it, and follow the primary still.
    let asked = vec![Peer { name: primary.clone(), endpoint: host.endpoint.clone(), lost: false }];
    let Some(mut record) = (Record { host: other, facts, wish, peers: asked }).step(context, None) else {
        return;
    };
    record.reason = vec![Reason::because(Because::WritesMeanwhile)];
    record.requires = vec![taken];
    let id = record.id.clone();
    let mut gone = Step { id: StepId::of(&stand_in, StepName::RoleUnitAway), ..forget(&stand_in) };
    gone.requires = vec![id.clone()];
    draft.steps.retain(|step| step.host != stand_in || !matches!(step.action, Action::ForgetWriter { .. }));
    draft.steps.extend([record, gone]);
    if let Some(restart) = restart_of(draft, &primary) {
        require(draft, &restart, &id);
    }
}

fn switch(draft: &Draft, span: Span) -> Option<(&Step, &Switchover)> {
    draft.steps.iter().find_map(|step| match &step.action {
        Action::Switchover(plan) if plan.span == span => Some((step, &**plan)),
        _ => None,
    })
}

fn restart_of(draft: &Draft, host: &HostName) -> Option<StepId> {
    let restarts = |step: &&Step| step.host == *host && matches!(step.action, Action::Restart { .. });
    draft.steps.iter().find(restarts).map(|step| step.id.clone())
}

fn require(draft: &mut Draft, step: &StepId, first: &StepId) {
    if let Some(step) = draft.steps.iter_mut().find(|other| other.id == *step) {
        step.requires.push(first.clone());
    }
}

fn known<'a>(
    context: &Context<'a>,
    name: &HostName,
) -> Option<(&'a crate::desired::DesiredHost, &'a HostFacts)> {
    let facts = context.observed.get(name).and_then(Fact::known)?;
    Some((context.desired.hosts.get(name)?, facts))
}
