//! The unit that opens the recorded writer after a start of its server: there on the one host that is written to, and
//! nowhere else.

use super::{Context, Draft, writers};
use crate::{
    desired::{DesiredHost, RoleUnitWish},
    dialect::Dialect,
    model::{Endpoint, Fact, HostName},
    observe::{HostFacts, ServerFacts},
    plan::{Action, Because, Kind, Named, Reason, ServerFinding, Span, State, Step, StepId},
    role_unit::{RoleUnit, RoleUnitFacts},
};

/// Adds the steps. They come after those that open and close hosts are known.
pub(super) fn steps(context: &Context<'_>, draft: &mut Draft) {
    for name in &context.desired.members {
        let facts = context.observed.get(name).and_then(Fact::known);
        let (Some(host), Some(facts)) = (context.desired.hosts.get(name), facts) else { continue };
        let there = match &facts.role_unit {
            Fact::Known(there) => Some(there),
            Fact::Absent => None,
            Fact::Unread(_) => continue,
        };
        let step = match (&host.role_unit, there) {
            (Some(wish), _) if is_or_gets_open(facts, name, draft) => {
                record(context, (host, wish), facts, there, draft)
            }
            (None, Some(_)) if !stays_open(context, facts, name, draft) => Some(forget(name)),
            _ => None,
        };
        draft.steps.extend(step);
    }
    // A host that was given up is the writer no more.
    for name in context.desired.lost.iter().map(|lost| &lost.host.name) {
        let facts = context.observed.get(name).and_then(Fact::known);
        draft.steps.extend(facts.and_then(|facts| facts.role_unit.known()).map(|_| forget(name)));
    }
    forget_for_a_while(context, draft);
}

/// The step that takes the record away.
fn forget(name: &HostName) -> Step {
    Step {
        id: StepId(format!("{name}/role-unit")),
        host: name.clone(),
        kind: Kind::RoleUnit,
        reason: vec![Reason::because(Because::NotTheWriter)],
        before: Some(state("writer")),
        after: Some(state("none")),
        risk: Vec::new(),
        requires: Vec::new(),
        action: Action::ForgetWriter,
    }
}

fn state(role: &str) -> State {
    State::Options { values: vec![Named::new("recorded role", role)] }
}

/// What is opened only by a plan that was refused is not recorded.
fn is_or_gets_open(facts: &HostFacts, name: &HostName, draft: &Draft) -> bool {
    let opens = |step: &Step| {
        let switches = matches!(step.action, Action::Switchover(_) | Action::Failover(_));
        step.host == *name && (switches || writers::sets_read_only(&step.action, "OFF"))
    };
    is_open(facts) || draft.steps.iter().any(opens)
}

/// Whether a host that is written to now stays so, since what would close it is not planned. It is the writer then,
/// whatever is declared.
fn stays_open(context: &Context<'_>, facts: &HostFacts, name: &HostName, draft: &Draft) -> bool {
    let declared_open = context.desired.hosts.get(name).is_some_and(|host| host.writer);
    let closes = |step: &Step| match &step.action {
        Action::Switchover(plan) => plan.from == *name,
        action => step.host == *name && writers::sets_read_only(action, "ON"),
    };
    is_open(facts) && !declared_open && !draft.steps.iter().any(closes)
}

fn is_open(facts: &HostFacts) -> bool {
    facts.server.known().is_some_and(ServerFacts::accepts_writes)
}

/// While a replica takes the writes for a restart, the primary must not take itself for the writer: hosts that lose their
/// power then come up closed, and not with what was written before.
fn forget_for_a_while(context: &Context<'_>, draft: &mut Draft) {
    let leaves = |step: &&mut Step| match &step.action {
        Action::Switchover(plan) => plan.span == Span::DuringRestart,
        _ => false,
    };
    let Some(there) = draft.steps.iter_mut().find(leaves) else { return };
    let Action::Switchover(plan) = &there.action else { return };
    let name = plan.from.clone();
    let facts = context.observed.get(&name).and_then(Fact::known);
    let (Some(host), Some(facts)) = (context.desired.hosts.get(&name), facts) else { return };
    let (Some(wish), Fact::Known(recorded)) = (&host.role_unit, &facts.role_unit) else { return };
    let away = Step { id: StepId(format!("{name}/role-unit/away")), ..forget(&name) };
    there.requires.push(away.id.clone());
    draft.steps.push(away);
    draft.steps.retain(|step| !matches!(step.action, Action::RecordWriter(_)));
    // Nothing is there by then.
    let anew = RoleUnitFacts { salt: recorded.salt.clone(), ..RoleUnitFacts::default() };
    let step = record(context, (host, wish), facts, Some(&anew), draft);
    draft.steps.extend(step);
}

fn record(
    context: &Context<'_>,
    (host, wish): (&DesiredHost, &RoleUnitWish),
    facts: &HostFacts,
    there: Option<&RoleUnitFacts>,
    draft: &mut Draft,
) -> Option<Step> {
    let server = facts.server.known()?;
    if let Some(lack) = facts.lacks_for_role_unit() {
        draft.warn(&host.name, ServerFinding::StartsClosed { lack });
        return None;
    }
    let service = facts.service.known()?;
    let admin = &host.connection;
    let unit = RoleUnit {
        server_unit: service.unit.clone(),
        dialect: Dialect::of(server.version),
        socket: server.variable("socket").unwrap_or_default().to_owned(),
        admin: (admin.admin_user.clone().unwrap_or_else(|| "root".to_owned()), admin.admin_password.clone()),
        peers: peers(context, &host.name),
        user: wish.user.clone(),
        password: wish.password.clone(),
        tls: wish.tls,
        tls_ca: wish.tls_ca.clone(),
    };
    let secret = |id| context.secrets.get(id).map(crate::model::Secret::expose);
    let admin = match &unit.admin.1 {
        Some(id) => Some(secret(id)?),
        None => None,
    };
    let files = unit.files(secret(&unit.password)?, admin);
    let is_so = there.is_some_and(|there| {
        files.digest(&there.salt) == there.digest && there.wanted_by == [unit.server_unit.clone()]
    });
    if is_so {
        return None;
    }
    let names: Vec<&str> = unit.peers.iter().map(|(name, _)| name.as_str()).collect();
    let asks = Named::new("asks first", if names.is_empty() { "nobody".into() } else { names.join(", ") });
    Some(Step {
        id: StepId(format!("{}/role-unit", host.name)),
        host: host.name.clone(),
        kind: Kind::RoleUnit,
        reason: vec![Reason::declared(Because::RecordedWriter, &wish.place)],
        before: there.map(|_| state("writer, by other files")),
        after: Some(State::Options { values: vec![Named::new("recorded role", "writer"), asks] }),
        risk: Vec::new(),
        requires: Vec::new(),
        action: Action::RecordWriter(Box::new(unit)),
    })
}

/// The hosts that must not accept writes: all others, but those that are declared to.
fn peers(context: &Context<'_>, writer: &HostName) -> Vec<(HostName, Endpoint)> {
    let closed = |name: &&HostName| {
        let host = context.desired.hosts.get(*name);
        *name != writer && host.is_some_and(|host| host.declared_closed() == Some(true))
    };
    let at = |name: &HostName| Some((name.clone(), context.desired.hosts.get(name)?.endpoint.clone()));
    context.desired.members.iter().filter(closed).filter_map(at).collect()
}
