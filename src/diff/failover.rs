//! A replica that takes the writes of a host that is declared lost.
//!
//! Nothing that any replica has received may be lost: the one that is opened must have all that the others have. And the
//! lost one must not live: neither its server answers, nor its port to anybody who followed it.

use super::{Context, Draft, events, switchover, writers};
use crate::{
    desired::{Desired, DesiredHost, LostHost},
    dialect::Dialect,
    doctor::{ChannelContext, explain_channel},
    gtid::GtidState,
    model::{Endpoint, Fact, HostName, ThreadState},
    observe::{ChannelFacts, Observed, Reach, ServerFacts},
    plan::{
        Action, Ahead, Alive, ChannelRefused, Failover, HasReceived, Hop, Kind, Named, Note, Reason,
        Receiver, Refused, Risk, State, Step, StepId, StepName, TakeoverRefused,
    },
};

/// Adds the step, where the host that is opened has had its events from one that is lost. Says whether that is so.
pub(super) fn steps(
    context: &Context<'_>,
    host: &DesiredHost,
    hops: &[Hop],
    reason: &Reason,
    draft: &mut Draft,
) -> bool {
    let receivers = receivers(context.desired, context.observed);
    let on_the_way = |receiver: &Receiver| {
        hops.iter().any(|hop| hop.to == receiver.host && hop.channel == receiver.channel)
    };
    if !receivers.iter().any(on_the_way) {
        // A switch that was cut off may have moved others to the one that is lost now: they count as much.
        let gates = gates(context, host, &receivers);
        let refused = !gates.is_empty();
        gates.into_iter().for_each(|why| draft.refuse(&host.name, why));
        return refused;
    }
    add(context, host, hops, receivers, reason, draft)
}

/// The same for a host that accepts writes already, opened by a run that ended early or by hand: what others have received
/// counts as much, and so does the fence. What moves without one needs leave.
pub(super) fn go_on(context: &Context<'_>, host: &DesiredHost, draft: &mut Draft) {
    let receivers = receivers(context.desired, context.observed);
    if receivers.is_empty() {
        return;
    }
    let gates = gates(context, host, &receivers);
    if !gates.is_empty() {
        gates.into_iter().for_each(|why| draft.refuse(&host.name, why));
    } else if context.fence.is_some() {
        add(context, host, &[], receivers, &Reason::because(crate::plan::Because::Writer), draft);
    }
}

/// What forbids that a host is written to while hosts are lost of which others have received events.
fn gates(context: &Context<'_>, host: &DesiredHost, receivers: &[Receiver]) -> Vec<Refused> {
    if receivers.is_empty() {
        return Vec::new();
    }
    let alive = alive(context, receivers).map(Into::into);
    alive.into_iter().chain(received(context, host, receivers).err().map(Into::into)).collect()
}

/// Marks the moves away from lost hosts where no step of the plan makes sure that those take no more writes. A writer that is
/// recorded was opened by a failover that ended, and the fence was asked for then.
pub(super) fn mark_unfenced(context: &Context<'_>, draft: &mut Draft) {
    let Some(one) = writers::declared(context.desired) else { return };
    let Some(Fact::Known(facts)) = context.observed.get(&one.name) else { return };
    let is_open = facts.server.known().is_some_and(ServerFacts::accepts_writes);
    let unrecorded = one.role_unit.is_some() && facts.role_unit.is_absent();
    let opens = draft.steps.iter().any(|step| matches!(step.action, Action::Failover(_)));
    if opens || !is_open || !unrecorded {
        return;
    }
    let receivers = receivers(context.desired, context.observed);
    for step in &mut draft.steps {
        let Action::Channel(_) = &step.action else { continue };
        let lost = receivers.iter().find(|receiver| receiver.host == step.host);
        step.risk.extend(lost.map(|receiver| Risk::Unfenced { lost: receiver.source.clone() }));
    }
}

/// Marks the opening of a host while one that is lost could not be read, and takes writes for all that is known: a switch that was
/// cut off may have opened that one. A failover asks by itself, and where another host closes for it the writes were there.
pub(super) fn mark_opening(context: &Context<'_>, draft: &mut Draft) {
    let Some(one) = writers::declared(context.desired).map(|one| one.name.clone()) else { return };
    let unread = |lost: &&LostHost| {
        let facts = context.observed.get(&lost.host.name).and_then(Fact::known);
        facts.is_none_or(|facts| facts.server.known().is_none())
    };
    let Some(lost) = context.desired.lost.iter().find(unread) else { return };
    let moves = |step: &Step| match &step.action {
        Action::Failover(_) | Action::Switchover(_) => true,
        Action::CatchUp { closing, .. } => !closing.is_empty(),
        _ => false,
    };
    if draft.steps.iter().any(moves) {
        return;
    }
    for step in draft.steps.iter_mut().filter(|step| step.opens(&one)) {
        step.risk.push(Risk::Unfenced { lost: lost.host.name.clone() });
    }
}

fn add(
    context: &Context<'_>,
    host: &DesiredHost,
    hops: &[Hop],
    receivers: Vec<Receiver>,
    reason: &Reason,
    draft: &mut Draft,
) -> bool {
    let Some(server) = context.server(&host.name) else { return false };
    let mut why: Vec<_> = alive(context, &receivers).map(Into::into).into_iter().collect();
    let mut writers = writers::open_replicas(context);
    writers.retain(|open| *open != host.name);
    if !writers.is_empty() {
        let behind = behind(context, host, &writers);
        why.push(TakeoverRefused::OtherWriter { writers, behind }.into());
    }
    why.extend(hops.iter().find_map(|hop| hindrance(context, hop)).map(Into::into));
    let received = match received(context, host, &receivers) {
        Ok(received) => received,
        Err(behind) => {
            why.push(behind.into());
            Vec::new()
        }
    };
    if !why.is_empty() {
        let why: Vec<Refused> = why;
        why.into_iter().for_each(|why| draft.refuse(&host.name, why));
        return true;
    }
    let mut open = switchover::take_out(draft, &host.name);
    // Nobody knows whether events ran on the lost one: the scheduler is what is declared, and else stays as it is.
    if !open.iter().any(|(name, _)| name == "read_only") && !server.accepts_writes() {
        open.push(("read_only".to_owned(), "OFF".to_owned()));
    }
    let run = events::of(context, server, None);
    let mut risk = risks(context, host, received);
    let events = wrote_itself(context, host, &receivers);
    if !events.is_empty() {
        risk.push(Note::WroteItself { on: host.name.clone(), events }.into());
    }
    risk.extend(switchover::events_note(&run, (server, events::unknown(context, server, &run)), &open));
    let now = |(name, _): &(String, String)| Named::new(name, server.variable(name).unwrap_or_default());
    let then = |(name, value): &(String, String)| Named::new(name, value);
    draft.steps.push(Step {
        id: StepId::of(&host.name, StepName::Failover),
        host: host.name.clone(),
        kind: Kind::Failover,
        reason: vec![reason.clone()],
        before: Some(State::Settings { values: open.iter().map(now).collect() }),
        after: Some(State::Settings { values: open.iter().map(then).collect() }),
        risk,
        requires: Vec::new(),
        action: Action::Failover(Box::new(Failover {
            lost: context.desired.lost.iter().map(|lost| lost.host.name.clone()).collect(),
            hops: hops.to_vec(),
            receivers,
            fence: context.fence.map(str::to_owned),
            open,
            unlocks: locked_admins(context, &host.name).0,
            events: run,
            ends: switchover::ends(host, hops, server),
        })),
    });
    true
}

/// Which of the hosts that are open lack what this one has received.
fn behind(context: &Context<'_>, host: &DesiredHost, open: &[HostName]) -> Vec<HostName> {
    let of = |name: &HostName| Has::of(context.desired, context.observed, name);
    let Some(of_candidate) = of(&host.name) else { return Vec::new() };
    let lacks =
        |name: &&HostName| of(name).is_some_and(|of_other| !of_candidate.beyond(&of_other).is_empty());
    open.iter().filter(lacks).cloned().collect()
}

/// Every channel that leads to a lost host.
fn receivers(desired: &Desired, observed: &Observed) -> Vec<Receiver> {
    let mut found = Vec::new();
    for host in &desired.members {
        let channels = server(observed, host).and_then(|server| server.channels.known());
        for channel in channels.into_iter().flatten() {
            if let Some(lost) = desired.lost_at(&channel.source_host, channel.source_port) {
                let (channel, source) = (channel.name.clone(), lost.host.name.clone());
                found.push(Receiver { host: host.clone(), channel, source });
            }
        }
    }
    found
}

fn server<'a>(observed: &'a Observed, host: &HostName) -> Option<&'a ServerFacts> {
    observed.get(host)?.known()?.server.known()
}

fn channel<'a>(context: &'a Context<'_>, host: &HostName, name: &str) -> Option<&'a ChannelFacts> {
    context.server(host)?.channels.known()?.iter().find(|channel| channel.name == name)
}

/// Who has seen a lost host. A fence ends whatever holds its port; a server that answers is no lost one.
fn alive(context: &Context<'_>, receivers: &[Receiver]) -> Option<TakeoverRefused> {
    let answers = |lost: &&LostHost| {
        let facts = context.observed.get(&lost.host.name).and_then(Fact::known);
        facts.is_some_and(|facts| facts.server.known().is_some())
    };
    if let Some(lost) = context.desired.lost.iter().find(answers) {
        return Some(TakeoverRefused::StillAlive { lost: lost.host.name.clone(), seen: Alive::Server });
    }
    if context.fence.is_some() {
        return None;
    }
    let reaches = |receiver: &&Receiver| {
        let Some(channel) = channel(context, &receiver.host, &receiver.channel) else { return false };
        let end = Endpoint { address: channel.source_host.clone(), port: channel.source_port };
        let facts = context.observed.get(&receiver.host).and_then(Fact::known);
        match facts.and_then(|facts| facts.reach.get(&end)) {
            Some(Reach::Open) => true,
            Some(Reach::Failed(_)) => false,
            // What was not tried is not known, and the thread says that it is connected.
            None => channel.io_running == ThreadState::Yes,
        }
    };
    let seen = receivers.iter().find(reaches)?;
    Some(TakeoverRefused::StillAlive {
        lost: seen.source.clone(),
        seen: Alive::Port { replica: seen.host.clone() },
    })
}

/// Why what was received can't be executed within a moment.
fn hindrance(context: &Context<'_>, hop: &Hop) -> Option<ChannelRefused> {
    let channel = channel(context, &hop.to, &hop.channel)?;
    let (slow, delay) = (hop.to.clone(), channel.delay);
    let server = context.server(&hop.to)?;
    let dialect = Dialect::of(server.version);
    let stopped = [channel.io_running, channel.sql_running].iter().all(|at| *at == ThreadState::No);
    let waits = has_unexecuted(server, channel);
    let ending = || dialect.execute_received(&channel.name, (stopped, delay > 0), channel.relay.as_ref());
    if delay > 0 && waits {
        return Some(ChannelRefused::DelayedTakeover { slow, delay, ending: ending() });
    }
    if channel.sql_errno == 0 {
        let applies = channel.sql_running != ThreadState::No || !waits;
        return (!applies).then(|| ChannelRefused::ApplierStopped { slow, ending: ending() });
    }
    let lost = context.desired.lost_at(&channel.source_host, channel.source_port);
    let source = hop.from.clone().or_else(|| lost.map(|lost| lost.host.name.clone()))?;
    let channel_context =
        ChannelContext { replica: slow.as_str(), source: source.as_str(), ..ChannelContext::default() };
    let fault = explain_channel(channel, &channel_context).map(Box::new)?;
    Some(ChannelRefused::TargetBroken { slow, source, fault })
}

/// Whether a channel has received what is not executed.
pub(super) fn has_unexecuted(server: &ServerFacts, channel: &ChannelFacts) -> bool {
    let by_gtid = !channel.gtid_io_pos.is_empty();
    match server.gtid.known().filter(|state| by_gtid && !state.is_blank()) {
        Some(state) => !state.has_all_of(&state.with_received(&channel.gtid_io_pos)),
        None => !channel.has_executed_all(),
    }
}

/// What each replica has of the lost hosts, the one that is opened first; or what others have beyond it.
fn received(
    context: &Context<'_>,
    host: &DesiredHost,
    receivers: &[Receiver],
) -> Result<Vec<HasReceived>, TakeoverRefused> {
    let mut hosts = vec![&host.name];
    for receiver in receivers {
        if !hosts.contains(&&receiver.host) {
            hosts.push(&receiver.host);
        }
    }
    let has: Vec<(&HostName, Has)> = hosts
        .iter()
        .filter_map(|host| Some((*host, Has::of(context.desired, context.observed, host)?)))
        .collect();
    let Some((_, first)) = has.first() else { return Ok(Vec::new()) };
    let beyond: Vec<Ahead> = has
        .iter()
        .map(|(host, has)| Ahead { replica: (*host).clone(), events: has.beyond(first) })
        .filter(|ahead| !ahead.events.is_empty())
        .collect();
    if !beyond.is_empty() {
        let of = |replica: &HostName| has.iter().find(|(host, _)| *host == replica).map(|(_, has)| has);
        let behind = beyond.iter().filter_map(|ahead| Some(first.beyond(of(&ahead.replica)?))).collect();
        let all_within = |one: &Has| has.iter().all(|(_, other)| other.beyond(one).is_empty());
        // One whose applier has stopped on an error takes no writes either.
        let works = |host: &HostName| {
            let channels = context.server(host).and_then(|server| server.channels.known());
            channels.into_iter().flatten().all(|channel| channel.sql_errno == 0)
        };
        let best = has.iter().find(|(host, one)| all_within(one) && works(host));
        let best = best.map(|(host, _)| (*host).clone());
        return Err(TakeoverRefused::NotSuperset { ahead: beyond, behind, best });
    }
    let row = |(host, has): &(&HostName, Has)| HasReceived {
        replica: (*host).clone(),
        at: has.at.clone(),
        lacks: first.beyond(has),
    };
    Ok(has.iter().map(row).collect())
}

/// What the host that is opened wrote itself, and none of the others that followed the lost one has.
fn wrote_itself(context: &Context<'_>, host: &DesiredHost, receivers: &[Receiver]) -> Vec<String> {
    let of = |name: &HostName| Has::of(context.desired, context.observed, name).map(|has| has.state);
    let uuid = context.server(&host.name).and_then(|s| s.variable("server_uuid")?.parse().ok());
    let others = receivers.iter().map(|receiver| &receiver.host).filter(|name| **name != host.name);
    let Some(own) = of(&host.name) else { return Vec::new() };
    let lists: Vec<Vec<String>> = others.filter_map(of).map(|other| own.own_beyond(&other, uuid)).collect();
    match lists.iter().all(|list| !list.is_empty()) {
        true => lists.into_iter().next().unwrap_or_default(),
        false => Vec::new(),
    }
}

/// The replicas that follow a lost host, in the topology's order.
pub(crate) fn followers(desired: &Desired, observed: &Observed) -> Vec<HostName> {
    let mut hosts: Vec<HostName> = Vec::new();
    for receiver in receivers(desired, observed) {
        if !hosts.contains(&receiver.host) {
            hosts.push(receiver.host);
        }
    }
    hosts
}

/// The replica that has all that any other one has received of a lost host, in the topology's order.
pub(crate) fn most_advanced(desired: &Desired, observed: &Observed) -> Option<HostName> {
    let of = |host: HostName| Has::of(desired, observed, &host).map(|has| (host, has));
    let has: Vec<(HostName, Has)> =
        followers(desired, observed).into_iter().map(of).collect::<Option<_>>()?;
    let within = |one: &Has| has.iter().all(|(_, other)| other.beyond(one).is_empty());
    has.iter().find(|(_, one)| within(one)).map(|(host, _)| host.clone())
}

/// What a replica has received.
struct Has {
    state: GtidState,
    /// Without GTIDs: the source's binary log and the place in it up to which it was received.
    place: Option<crate::model::BinlogPosition>,
    at: String,
}

impl Has {
    fn of(desired: &Desired, observed: &Observed, host: &HostName) -> Option<Self> {
        let server = server(observed, host)?;
        let channels = server.channels.known().into_iter().flatten();
        let state = server.gtid.known()?.clone();
        let state = channels.clone().fold(state, |state, channel| state.with_received(&channel.gtid_io_pos));
        let of_lost =
            |channel: &&ChannelFacts| desired.lost_at(&channel.source_host, channel.source_port).is_some();
        let place = channels.clone().find(of_lost).and_then(|channel| channel.read.clone());
        let at = match (state.is_blank(), &place) {
            (true, Some(place)) => place.to_string(),
            _ => state.reached(),
        };
        Some(Self { state, place, at })
    }

    /// What is here and not there.
    fn beyond(&self, other: &Self) -> Vec<String> {
        let by_place = self.state.is_blank() && other.state.is_blank();
        match (by_place, &self.place, &other.place) {
            (true, Some(of_candidate), Some(of_other)) if of_candidate > of_other => {
                vec![of_candidate.to_string()]
            }
            (true, ..) => Vec::new(),
            _ => self.state.beyond(&other.state),
        }
    }
}

fn risks(context: &Context<'_>, host: &DesiredHost, received: Vec<HasReceived>) -> Vec<Risk> {
    let mut risks: Vec<Risk> = vec![Note::Received { replicas: received }.into()];
    let former = |lost: &&LostHost| {
        receivers(context.desired, context.observed).iter().any(|receiver| receiver.source == lost.host.name)
    };
    for lost in context.desired.lost.iter().filter(former) {
        let semi_sync = acknowledges(context, &lost.host.name);
        risks.push(Note::UnreceivedIsGone { lost: lost.host.name.clone(), semi_sync }.into());
        match context.fence {
            Some(command) => risks.push(Note::Fence { command: command.to_owned() }.into()),
            None => risks.push(Risk::Unfenced { lost: lost.host.name.clone() }),
        }
    }
    let names =
        |list: &[(String, String)]| list.iter().map(|(user, from)| format!("{user}@{from}")).collect();
    let (ours, others) = locked_admins(context, &host.name);
    if !ours.is_empty() {
        risks.push(Note::LetsIn { accounts: names(&ours) }.into());
    }
    if !others.is_empty() {
        risks.push(Note::StayLocked { accounts: names(&others) }.into());
    }
    let unread: Vec<HostName> = context
        .desired
        .members
        .iter()
        .filter(|member| **member != host.name && context.server(member).is_none())
        .cloned()
        .collect();
    if !unread.is_empty() {
        risks.push(Risk::SkipsUnread { replicas: unread });
    }
    risks
}

/// Accounts that may write past `read_only` and are locked: by a switch that has noted it, when the host took no more writes, and
/// by somebody.
fn locked_admins(context: &Context<'_>, host: &HostName) -> (switchover::Accounts, switchover::Accounts) {
    let facts = context.observed.get(host).and_then(Fact::known);
    let admins = facts.and_then(|facts| facts.admins.known()).into_iter().flatten();
    let locked = admins.filter(|admin| admin.locked).map(|admin| (admin.user.clone(), admin.host.clone()));
    locked.partition(|account| switchover::locked_by_us(context, host, account))
}

/// Whether a replica of a lost host is set to acknowledge what it has received.
fn acknowledges(context: &Context<'_>, lost: &HostName) -> bool {
    let receivers = receivers(context.desired, context.observed);
    let its = receivers.iter().filter(|receiver| receiver.source == *lost);
    its.filter_map(|receiver| context.server(&receiver.host)).any(|server| {
        let names = Dialect::of(server.version).acknowledging();
        names.iter().any(|name| server.is_on(name))
    })
}
