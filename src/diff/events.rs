//! Events run where writes go: on the one host that clients write to, and on no other.
//!
//! A server gives each event that comes from its source a state in which it rests. When the host becomes the one that is
//! written to, its events become its own: what was enabled on the former writer is enabled, and what was disabled there
//! is disabled. Enabling goes through the binary log, by which all others let theirs rest.

use super::{Context, Draft, writers};
use crate::{
    desired::DesiredHost,
    model::{Fact, HostName},
    observe::{EventFacts, EventState, ServerFacts},
    option_file::same_value,
    plan::{
        Action, Because, Events, EventsFinding, Kind, Named, Note, Reason, Risk, State, Step, StepId,
        StepName,
    },
};

/// Adds the step for the one declared writer, unless it is opened by a step that does that, too.
pub(super) fn steps(context: &Context<'_>, draft: &mut Draft) {
    let Some(host) = writers::declared(context.desired) else { return };
    let Some(server) = context.server(&host.name) else { return };
    let open = server.accepts_writes();
    let takes_over = draft.steps.iter().any(|step| {
        step.host == host.name && matches!(step.action, Action::Switchover(_) | Action::Failover(_))
    });
    if takes_over || !(open || opens(draft, &host.name)) || follows_a_stranger(context, server) {
        return;
    }
    if !open {
        scheduler_goes_on(context, host, server, draft);
    }
    let events = of(context, server, None);
    if events.is_empty() {
        return;
    }
    if open && !events.run.is_empty() {
        draft.warn(&host.name, EventsFinding::Rest { events: named(&events.run) });
    }
    let scheduler = scheduler_runs(context, &host.name, server);
    draft.steps.push(Step {
        id: StepId::of(&host.name, StepName::Events),
        host: host.name.clone(),
        kind: Kind::Events,
        reason: vec![Reason::because(Because::EventsRest)],
        before: None,
        after: Some(State::Names { names: named(&events.run) }),
        risk: note(&events, unknown(context, server, &events), scheduler).into_iter().collect(),
        requires: Vec::new(),
        action: Action::Events(events),
    });
}

/// The unit that keeps the recorded writer closed beside another host that is open stops the scheduler, too. With the opening
/// it runs again, as after any start of the server; where a value is declared, that counts.
fn scheduler_goes_on(context: &Context<'_>, host: &DesiredHost, server: &ServerFacts, draft: &mut Draft) {
    let Some(facts) = context.observed.get(&host.name).and_then(Fact::known) else { return };
    let declared = host.setting(SCHEDULER).is_some();
    if declared || facts.role_unit.known().is_none() || server.variable(SCHEDULER) != Some("OFF") {
        return;
    }
    let in_file = || {
        let files = facts.option_files.known()?;
        files.meant(server.known()).into_iter().rfind(|one| one.name == SCHEDULER)?.value
    };
    let started = server.persisted.get(SCHEDULER).cloned().or_else(in_file);
    let started = started.or_else(|| server.defaults.get(SCHEDULER).cloned());
    if !started.is_some_and(|value| same_value(SCHEDULER, &value, "ON")) {
        return;
    }
    for step in draft.steps.iter_mut().filter(|step| step.host == host.name) {
        let Action::SetGlobal(list) = &mut step.action else { continue };
        if !list.iter().any(|(name, value)| name == "read_only" && same_value(name, value, "OFF")) {
            continue;
        }
        list.push((SCHEDULER.to_owned(), "ON".to_owned()));
        for (state, value) in [(&mut step.before, "OFF"), (&mut step.after, "ON")] {
            if let Some(State::Settings { values }) = state {
                values.push(Named::new(SCHEDULER, value));
            }
        }
    }
}

/// What becomes of the events that rest on a server when it is the one that is written to. `former` is the host that was,
/// where it is known; else each event's own says.
pub(super) fn of(context: &Context<'_>, server: &ServerFacts, former: Option<&HostName>) -> Events {
    let resting = server.events.known().into_iter().flatten().filter(|e| e.state == EventState::OnReplica);
    let (stay, run) = resting.partition::<Vec<&EventFacts>, _>(|event| {
        let source = former.and_then(|host| context.server(host)).or_else(|| made_on(context, event));
        source.is_some_and(|source| is_disabled(source, event))
    });
    let names = |list: Vec<&EventFacts>| list.iter().map(|e| (e.database.clone(), e.name.clone())).collect();
    Events { run: names(run), stay: names(stay) }
}

/// The server on which an event was made, or changed last.
fn made_on<'a>(context: &'a Context<'_>, event: &EventFacts) -> Option<&'a ServerFacts> {
    let servers = context.desired.members.iter().filter_map(|name| context.server(name));
    servers.into_iter().find(|server| server.number("server_id") == Some(event.originator))
}

/// Whether one of the events that are to run may have been disabled on a host that is lost.
pub(super) fn unknown(context: &Context<'_>, server: &ServerFacts, events: &Events) -> bool {
    let lost = |event: &&EventFacts| {
        let name = (event.database.clone(), event.name.clone());
        events.run.contains(&name) && made_on(context, event).is_none()
    };
    server.events.known().into_iter().flatten().any(|event| lost(&event))
}

fn is_disabled(server: &ServerFacts, event: &EventFacts) -> bool {
    let same = |other: &&EventFacts| other.database == event.database && other.name == event.name;
    let other = server.events.known().into_iter().flatten().find(same);
    other.is_some_and(|other| other.state == EventState::Disabled)
}

/// What is to be said of them beside a step: whether nobody knows which were disabled, and whether the scheduler will run.
pub(super) fn note(events: &Events, unknown: bool, scheduler: bool) -> Option<Risk> {
    let (run, disabled) = (named(&events.run), named(&events.stay));
    (!events.is_empty()).then(|| Note::EventsRun { events: run, disabled, unknown, scheduler }.into())
}

/// Whether the scheduler of a host runs after this plan.
fn scheduler_runs(context: &Context<'_>, host: &HostName, server: &ServerFacts) -> bool {
    let wish = context.desired.hosts.get(host).and_then(|host| host.setting(SCHEDULER));
    match wish.and_then(|wish| wish.values.last()) {
        Some(value) => same_value(SCHEDULER, value, "ON"),
        None => server.is_on(SCHEDULER),
    }
}

/// The variable of the scheduler.
pub(super) const SCHEDULER: &str = "event_scheduler";

fn named(list: &[(String, String)]) -> Vec<String> {
    list.iter().map(|(database, name)| format!("{database}.{name}")).collect()
}

/// Whether this plan opens a host without a step that does all of it.
fn opens(draft: &Draft, host: &HostName) -> bool {
    draft.steps.iter().any(|step| step.host == *host && step.action.sets_read_only("OFF"))
}

/// Whether a server follows somebody who is none of ours: its events run there.
fn follows_a_stranger(context: &Context<'_>, server: &ServerFacts) -> bool {
    let Fact::Known(channels) = &server.channels else { return true };
    let known = |address: &str, port: u16| {
        let member = |host: &DesiredHost| host.endpoint.address == address && host.endpoint.port == port;
        context.desired.hosts.values().any(member) || context.desired.lost_at(address, port).is_some()
    };
    channels.iter().any(|channel| !known(&channel.source_host, channel.source_port))
}
