//! A replica that takes the writes of the one host that it follows: one step closes the one and opens the other.
//!
//! The step does what the settings of both would have done each for itself, so it takes those variables out of theirs.

use std::{collections::BTreeSet, time::Duration};

use super::{Context, Draft, events, pair::will, writers::writers};
use crate::{
    desired::DesiredHost,
    dialect::Dialect,
    doctor::{ChannelContext, explain_channel},
    model::{Fact, HostName, Place, limits},
    observe::{AdminWriter, ChannelFacts, ServerFacts},
    option_file::same_value,
    plan::{
        Action, ChannelRefused, Events, Hop, Kind, Named, Note, Reason, Risk, Span, State, Step, StepId,
        StepName, Switchover, UndeclaredChannel,
    },
};

/// Variables that close or open a host, in the order in which they are set.
pub(super) const TURNED: [&str; 3] = ["read_only", "super_read_only", events::SCHEDULER];

/// Adds the step, where one way leads from the old writer to the new one. Says whether there is one.
pub(super) fn steps(
    context: &Context<'_>,
    (host, from): (&DesiredHost, &HostName),
    hops: &[Hop],
    reason: &Reason,
    draft: &mut Draft,
) -> bool {
    let Some(server) = context.server(&host.name).filter(|_| is_one_way(hops, from, &host.name)) else {
        return false;
    };
    if let Some(why) = unable(context, (host, server), from, hops) {
        draft.refuse(&host.name, why);
        return true;
    }
    let (locks, unlocks) = admins(context, from, &host.name);
    let mut close = take_out(draft, from);
    let mut open = take_out(draft, &host.name);
    follow_scheduler(context, (from, &mut close), (server, &mut open));
    let run = events::of(context, server, Some(from));
    let mut risk = risks(context, from, (limit(context, from), &locks));
    risk.extend(events_note(&run, (server, false), &open));
    let old = context.desired.hosts.get(from);
    let now = |(name, _): &(String, String)| Named::new(name, server.variable(name).unwrap_or_default());
    let then = |(name, value): &(String, String)| Named::new(name, value);
    draft.steps.push(Step {
        id: StepId::of(&host.name, StepName::Switchover),
        host: host.name.clone(),
        kind: Kind::Switchover,
        reason: vec![reason.clone()],
        before: Some(State::Settings { values: open.iter().map(now).collect() }),
        after: Some(State::Settings { values: open.iter().map(then).collect() }),
        risk,
        requires: Vec::new(),
        action: Action::Switchover(Box::new(Switchover {
            from: from.clone(),
            span: Span::Lasting,
            hops: hops.to_vec(),
            limit: limit(context, from),
            locks,
            unlocks,
            wait: old.map_or(limits::SWITCHOVER_WAIT.time, |old| old.switchover_wait),
            close,
            open,
            events: run,
            ends: ends(host, hops, server),
        })),
    });
    true
}

/// Why the writes can't come over to a host now.
fn unable(
    context: &Context<'_>,
    (host, server): (&DesiredHost, &ServerFacts),
    from: &HostName,
    hops: &[Hop],
) -> Option<ChannelRefused> {
    let why = hops.iter().find_map(|hop| hindrance(context, hop));
    if let Some(why) = why.or_else(|| others(context, from, &host.name)) {
        return Some(why);
    }
    let names = prepared(context, from);
    if !names.is_empty() {
        return Some(ChannelRefused::XaPrepared { on: from.clone(), names });
    }
    let old = context.desired.hosts.get(from).zip(context.server(from))?;
    let values = other_parameters(old, (host, server));
    (!values.is_empty()).then(|| ChannelRefused::OtherParameters { from: from.clone(), values })
}

/// What decides how a server takes what clients write, and whether it does. They bring none of it themselves as a rule.
const MEANINGS: [&str; 8] = [
    "sql_mode",
    "character_set_server",
    "collation_server",
    "time_zone",
    "autocommit",
    "transaction_read_only",
    "tx_read_only",
    "max_join_size",
];

/// In what two servers of one version would take the same statements otherwise, with both values; other versions differ in
/// more than can be declared, and that is told beside.
pub(super) fn other_parameters(
    (old, old_server): (&DesiredHost, &ServerFacts),
    (new, new_server): (&DesiredHost, &ServerFacts),
) -> Vec<(String, String, String)> {
    if old_server.version != new_server.version {
        return Vec::new();
    }
    let differs = |name: &&str| {
        let values = (will(old, old_server, name)?, will(new, new_server, name)?);
        let same = match *name {
            "sql_mode" => words(&values.0) == words(&values.1),
            _ => same_value(name, &values.0, &values.1),
        };
        (!same).then(|| ((*name).to_owned(), values.0, values.1))
    };
    MEANINGS.iter().filter_map(differs).collect()
}

/// The words of a list, in no order.
fn words(list: &str) -> BTreeSet<String> {
    list.split(',').map(|word| word.trim().to_ascii_uppercase()).filter(|word| !word.is_empty()).collect()
}

/// Whether the channels lead from the old writer to the new one without a branch, through hosts that were read.
pub(super) fn is_one_way(hops: &[Hop], from: &HostName, to: &HostName) -> bool {
    let ends = hops.first().and_then(|hop| hop.from.as_ref()) == Some(from)
        && hops.last().is_some_and(|hop| hop.to == *to);
    ends && hops.windows(2).all(|pair| pair[1].from.as_ref() == Some(&pair[0].to))
}

/// Why a channel on the way can't bring the last event within a moment.
fn hindrance(context: &Context<'_>, hop: &Hop) -> Option<ChannelRefused> {
    let server = context.server(&hop.to)?;
    let channel = server.channels.known()?.iter().find(|c| c.name == hop.channel)?;
    let (slow, source) = (hop.to.clone(), hop.from.clone()?);
    if channel.delay > 0 {
        let ending = Dialect::of(server.version).delay_channel(&channel.name, 0);
        return Some(ChannelRefused::DelayedTakeover { slow, delay: channel.delay, ending });
    }
    if !(channel.running() && channel.without_error()) {
        let channel_context =
            ChannelContext { replica: slow.as_str(), source: source.as_str(), ..ChannelContext::default() };
        let fault = explain_channel(channel, &channel_context).map(Box::new)?;
        return Some(ChannelRefused::TargetBroken { slow, source, fault });
    }
    let behind = channel.seconds_behind.filter(|behind| *behind > limits::SWITCHOVER_BEHIND.as_secs())?;
    Some(ChannelRefused::TargetBehind { slow, source, behind })
}

/// What closes or opens a host, by the settings that are planned for it. What is set without a restart is left to the
/// switch.
pub(super) fn take_out(draft: &mut Draft, host: &HostName) -> Vec<(String, String)> {
    let mut taken: Vec<(String, String)> = Vec::new();
    for step in draft.steps.iter_mut().filter(|step| step.host == *host) {
        let (Action::Restart { expect: list, .. } | Action::SetGlobal(list)) = &step.action else { continue };
        taken.extend(list.iter().filter(|(name, _)| is_turned(name)).cloned());
        keep_settings(step, |name| !is_turned(name));
    }
    draft.steps.retain(|step| !matches!(&step.action, Action::SetGlobal(list) if list.is_empty()));
    taken.sort_by_key(|(name, _)| TURNED.iter().position(|turned| turned == name));
    taken.dedup();
    taken
}

pub(super) fn is_turned(name: &str) -> bool {
    TURNED.contains(&name)
}

/// Leaves of a step that sets variables those of these names; any other step stays as it is.
fn keep_settings(step: &mut Step, stays: impl Fn(&str) -> bool) {
    let Action::SetGlobal(list) = &mut step.action else { return };
    let stays: Vec<bool> = list.iter().map(|(name, _)| stays(name)).collect();
    keep(list, &stays);
    keep(&mut step.reason, &stays);
    for state in [&mut step.before, &mut step.after].into_iter().flatten() {
        let State::Settings { values } = state else { continue };
        keep(values, &stays);
    }
}

pub(super) fn keep<T>(list: &mut Vec<T>, stays: &[bool]) {
    let mut fates = stays.iter();
    list.retain(|_| fates.next().copied().unwrap_or(true));
}

/// How long writes may wait.
fn limit(context: &Context<'_>, from: &HostName) -> Duration {
    context.desired.hosts.get(from).map_or(limits::SWITCHOVER.time, |old| old.switchover_limit)
}

/// Events run where writes go: where the old writer's scheduler runs, it stops there and the new one's runs, unless
/// something else is declared.
fn follow_scheduler(
    context: &Context<'_>,
    (from, close): (&HostName, &mut Vec<(String, String)>),
    (server, open): (&ServerFacts, &mut Vec<(String, String)>),
) {
    let scheduler = events::SCHEDULER;
    let named = |list: &[(String, String)]| list.iter().any(|(name, _)| name == scheduler);
    if !context.server(from).is_some_and(|old| old.is_on(scheduler)) {
        return;
    }
    if !server.is_on(scheduler) && !named(open) {
        open.push((scheduler.to_owned(), "ON".to_owned()));
    }
    let declared = context.desired.hosts.get(from).is_some_and(|old| old.setting(scheduler).is_some());
    if !declared && !named(close) {
        close.push((scheduler.to_owned(), "OFF".to_owned()));
    }
}

/// What is to be said of the events that go over, too.
pub(super) fn events_note(
    run: &Events,
    (server, unknown): (&ServerFacts, bool),
    open: &[(String, String)],
) -> Option<Risk> {
    let set = open.iter().find(|(name, _)| name == events::SCHEDULER);
    let on =
        set.map_or_else(|| server.is_on(events::SCHEDULER), |(name, value)| same_value(name, value, "ON"));
    events::note(run, unknown, on)
}

/// Whether others than the old writer take writes, too: what they take would not be in the one that takes over.
fn others(context: &Context<'_>, from: &HostName, to: &HostName) -> Option<ChannelRefused> {
    let mut writers = parts_that_write(context);
    writers.retain(|writer| writer != to);
    if context.server(from).is_some_and(ServerFacts::accepts_writes) && !writers.contains(from) {
        writers.push(from.clone());
    }
    writers.sort_by_key(|writer| writer != from);
    let several = writers.iter().any(|writer| writer != from);
    several.then(|| not_one(context, writers))
}

/// Several hosts accept writes, and one is to take those of one. Where it is declared that they are open, closing them is not enough.
pub(super) fn not_one(context: &Context<'_>, writers: Vec<HostName>) -> ChannelRefused {
    let hosts = writers.iter().filter_map(|host| context.desired.hosts.get(host));
    let open = hosts.filter(|host| !host.writer && host.declared_closed() == Some(false));
    let open_at: BTreeSet<&Place> =
        open.filter_map(|host| host.setting("read_only")).map(|wish| &wish.place).collect();
    ChannelRefused::WritersNotOne { open_at: open_at.into_iter().cloned().collect(), writers }
}

/// The members that accept writes. A host that is no part of the topology has data of its own.
pub(super) fn parts_that_write(context: &Context<'_>) -> Vec<HostName> {
    let is_part = |writer: &HostName| {
        let host = context.desired.hosts.get(writer);
        host.is_some_and(|host| !host.channels.is_empty() || !host.replicas.is_empty())
    };
    let mut writers = writers(context.desired, context.observed);
    writers.retain(is_part);
    writers
}

/// The transactions that wait on a host for their end.
pub(super) fn prepared(context: &Context<'_>, host: &HostName) -> Vec<String> {
    let facts = context.observed.get(host).and_then(Fact::known);
    facts.and_then(|facts| facts.prepared.known()).cloned().unwrap_or_default()
}

pub(super) type Accounts = Vec<(String, String)>;

/// Accounts that `read_only` does not stop: those of the old writer that are locked, and those of the new one that were.
pub(super) fn admins(context: &Context<'_>, from: &HostName, to: &HostName) -> (Accounts, Accounts) {
    let of = |host: &HostName| {
        let facts = context.observed.get(host).and_then(Fact::known);
        facts.and_then(|facts| facts.admins.known()).cloned().unwrap_or_default()
    };
    let (old, new) = (of(from), of(to));
    let pair = |admin: &AdminWriter| (admin.user.clone(), admin.host.clone());
    let open: Vec<&AdminWriter> = old.iter().filter(|admin| !admin.locked).collect();
    let used = |admin: &&AdminWriter| {
        open.iter().any(|other| pair(other) == pair(admin)) || locked_by_us(context, to, &pair(admin))
    };
    let unlocks = new.iter().filter(|admin| admin.locked).filter(used).map(pair).collect();
    (open.iter().map(|admin| pair(admin)).collect(), unlocks)
}

/// Whether a run has locked an account on a host, and noted it there.
pub(super) fn locked_by_us(context: &Context<'_>, host: &HostName, account: &(String, String)) -> bool {
    let facts = context.observed.get(host).and_then(Fact::known);
    facts.and_then(|facts| facts.locked.known()).is_some_and(|locked| locked.0.contains(account))
}

pub(super) fn risks(
    context: &Context<'_>,
    from: &HostName,
    (limit, locks): (Duration, &Accounts),
) -> Vec<Risk> {
    let sessions = context.server(from).map(|server| match &server.sessions {
        Fact::Known(sessions) => Some(sessions.len()),
        Fact::Absent => Some(0),
        Fact::Unread(_) => None,
    });
    let wait = Note::WritesWait { on: from.clone(), seconds: limit.as_secs(), sessions: sessions.flatten() };
    let locked = (!locks.is_empty()).then(|| Risk::LocksAccounts {
        on: from.clone(),
        accounts: locks.iter().map(|(user, host)| format!("{user}@{host}")).collect(),
        revoke: locks.iter().map(|(user, host)| Dialect::revoke_read_only_admin(user, host)).collect(),
    });
    [wait.into()].into_iter().chain(locked).collect()
}

/// The channels of the new writer that nobody declared and that lead to the hosts on the way.
pub(super) fn ends(host: &DesiredHost, hops: &[Hop], server: &ServerFacts) -> Vec<UndeclaredChannel> {
    let on_the_way = |channel: &&ChannelFacts| {
        hops.iter().any(|hop| hop.to == host.name && hop.channel == channel.name)
            && !host.channels.iter().any(|wish| wish.name == channel.name)
    };
    let end = |channel: &ChannelFacts| UndeclaredChannel {
        name: channel.name.clone(),
        address: channel.source_host.clone(),
        port: channel.source_port,
    };
    server.channels.known().into_iter().flatten().filter(on_the_way).map(end).collect()
}
