//! The one server that clients write to is restarted while a replica takes its writes: replicas first, the switch, the
//! restart, the switch back.
//!
//! The playbook stays as it is, so a run that is cut off is continued by what is observed: a host that is declared to take
//! the writes and is closed, and a replica of it that has them, are on the way back. Meanwhile the host's file keeps it
//! closed, and so does the file that comes back if its server does not start. The other replicas follow it all the time,
//! and through it the one that stands in.

use super::{
    Context, Draft, accounts,
    channel::made,
    settings,
    stand_in::{Unable, holder, one_primary, unable},
    switchover::{Accounts, TURNED, admins, ends, is_turned, keep, prepared, risks, take_out},
};
use crate::{
    desired::{DesiredHost, RestartPrimary, Turned},
    model::{Fact, HostName},
    observe::{CLOSING, HostFacts, ServerFacts},
    option_file::{Asked, same_value},
    plan::{
        Action, FileStage, Hop, Kind, Named, Reason, Span, State, Step, StepId, StepName, Switchover,
        TakeoverRefused, UndeclaredChannel, before_option_file,
    },
};

const READ_ONLY: &str = TURNED[0];
const SUPER: &str = TURNED[1];
const SCHEDULER: &str = TURNED[2];

/// Puts the restart of the one primary between two switches, or before the switch that is still to come.
pub(super) fn steps(context: &Context<'_>, draft: &mut Draft) {
    let Some(primary) = one_primary(context.desired) else { return };
    let Some(old) = context.server(&primary.name) else { return };
    match old.accepts_writes() {
        true => go_there_and_back(context, primary, draft),
        false => come_back(context, primary, draft),
    }
}

/// A step of this plan that restarts a host for its settings.
fn restart_of<'d>(draft: &'d Draft, host: &HostName) -> Option<&'d Step> {
    let restarts = |step: &&Step| matches!(step.action, Action::Restart { new_uuid: false, .. });
    draft.steps.iter().find(|step| step.host == *host && restarts(step))
}

/// Whether the plan changes more about who takes writes, or about how positions are counted, than a restart may mix with.
fn moves_otherwise(draft: &Draft) -> bool {
    draft.steps.iter().any(|step| {
        matches!(
            step.action,
            Action::Switchover(_)
                | Action::Failover(_)
                | Action::CatchUp { .. }
                | Action::GtidMode { .. }
                | Action::Restart { new_uuid: true, .. }
        )
    })
}

fn go_there_and_back(context: &Context<'_>, primary: &DesiredHost, draft: &mut Draft) {
    let Some(restart) = restart_of(draft, &primary.name) else { return };
    if primary.restart_primary == Some(RestartPrimary::InPlace) || moves_otherwise(draft) {
        return;
    }
    let asked = primary.restart_primary == Some(RestartPrimary::Switchover);
    let reasons = restart.reason.clone();
    let able = |replica: &HostName| unable(context.desired, context.observed, primary, replica);
    let replicas: Vec<(&HostName, Option<Unable>)> =
        primary.replicas.iter().map(|replica| (replica, able(replica))).collect();
    if replicas.iter().all(|(_, why)| why.is_some()) {
        // Where nobody follows it yet, nobody is cut off either.
        let unable: Vec<(HostName, Unable)> =
            replicas.iter().filter_map(|(replica, why)| Some(((*replica).clone(), (*why)?))).collect();
        if asked && unable.iter().any(|(_, why)| *why != Unable::NoChannel) {
            draft.refuse(&primary.name, TakeoverRefused::NoStandIn { unable });
        }
        return;
    }
    let Some(way) = Handover::of(context, primary) else { return };
    if draft.copied_from(&way.turned.to).is_some() || able(&way.turned.to).is_some() {
        return;
    }
    // Accounts that have to be locked are a question that a restart did not ask so far: only who asks for it gets it.
    let (locks, _) = admins(context, &primary.name, &way.turned.to);
    let waits = !prepared(context, &primary.name).is_empty();
    if (!locks.is_empty() || waits) && !asked {
        return;
    }
    let Some(closed) = way.restarted_closed(draft) else { return };
    let account = way.account(draft);
    let there = way.there(draft, &reasons, account);
    let last = way.put_restart(draft, closed, Some(&there));
    way.back(draft, &reasons, Some(last));
}

fn come_back(context: &Context<'_>, primary: &DesiredHost, draft: &mut Draft) {
    let Some(holder) = holder(context.desired, context.observed, primary) else { return };
    let restarts = restart_of(draft, &primary.name).is_some();
    if holder.linked && !restarts {
        return;
    }
    let Some(way) = Handover::of(context, primary).filter(|way| way.turned.to == holder.host) else { return };
    let switches = |step: &Step| {
        step.host == primary.name
            && matches!(&step.action, Action::Switchover(plan) if plan.from == holder.host)
    };
    if holder.linked && !draft.steps.iter().any(switches) {
        return;
    }
    let reasons: Vec<Reason> = match restart_of(draft, &primary.name) {
        Some(restart) => restart.reason.clone(),
        None => vec![Reason::because(crate::plan::Because::Writer)],
    };
    let mut last = None;
    if restarts {
        let Some(closed) = way.restarted_closed(draft) else { return };
        last = Some(way.put_restart(draft, closed, None));
    }
    let account = if holder.linked { None } else { way.account(draft) };
    let opens = |step: &Step| {
        step.host == primary.name && matches!(step.action, Action::CatchUp { .. } | Action::Switchover(_))
    };
    draft.steps.retain(|step| !opens(step));
    way.back(draft, &reasons, last.or(account));
}

/// From the primary to the replica that stands in for it, and back.
struct Handover<'a> {
    context: &'a Context<'a>,
    primary: &'a DesiredHost,
    facts: &'a HostFacts,
    old: &'a ServerFacts,
    /// What would be wished if the other one were the primary.
    turned: &'a Turned,
    stand_in: &'a DesiredHost,
    new: &'a ServerFacts,
}

impl<'a> Handover<'a> {
    fn of(context: &'a Context<'a>, primary: &'a DesiredHost) -> Option<Self> {
        let turned = context.turned?;
        Some(Self {
            context,
            primary,
            facts: context.observed.get(&primary.name).and_then(Fact::known)?,
            old: context.server(&primary.name)?,
            turned,
            stand_in: context.desired.hosts.get(&turned.to)?,
            new: context.server(&turned.to)?,
        })
    }

    /// The primary as a replica of the one that stands in.
    fn as_replica(&self) -> Option<&'a DesiredHost> {
        self.turned.desired.hosts.get(&self.primary.name)
    }

    /// What closes the primary: what would be wished of it as a replica.
    fn closed(&self) -> Vec<(String, String)> {
        self.as_replica().map(closing).unwrap_or_default()
    }

    /// The file and the restart of the primary as they are while it takes no writes; nothing where they can't be planned.
    fn restarted_closed(&self, draft: &mut Draft) -> Option<Vec<Step>> {
        let closed = self.closed();
        let is_closed =
            |(name, value): &(String, String)| name == "read_only" && same_value(name, value, "ON");
        if !closed.iter().any(is_closed) {
            return None;
        }
        let as_replica = self.as_replica()?;
        let mut host = self.primary.clone();
        let settings = host.settings.as_mut()?;
        settings.retain(|wish| !is_turned(&wish.name));
        let of_replica = as_replica.settings.iter().flatten().filter(|wish| is_turned(&wish.name));
        settings.extend(of_replica.cloned());
        let mut scratch = Draft::default();
        settings::steps(self.context, &host, self.facts, &mut scratch);
        // What can't be done with it closed is known only here.
        let known = |why: &crate::plan::Refusal| draft.refused.contains(why);
        let more: Vec<_> = scratch.refused.iter().filter(|why| !known(why)).cloned().collect();
        if !more.is_empty() {
            draft.refused.extend(more);
            return None;
        }
        restart_of(&scratch, &self.primary.name)?;
        for step in &mut scratch.steps {
            match &mut step.action {
                Action::WriteOptionFile { stage, .. } => {
                    *stage = FileStage::WritesAway { closed: closed.clone() };
                }
                Action::Restart { .. } => without_turned(step),
                _ => {}
            }
        }
        let is_one =
            |step: &Step| matches!(step.action, Action::WriteOptionFile { .. } | Action::Restart { .. });
        scratch.steps.retain(is_one);
        Some(scratch.steps)
    }

    /// An account by which the primary can follow, where it takes one more.
    fn account(&self, draft: &mut Draft) -> Option<StepId> {
        let turned = self.turned.desired.hosts.get(&self.turned.to)?;
        let others: Vec<&str> = { self.context.desired.hosts.values() }
            .filter(|host| host.name != self.primary.name)
            .map(|host| host.endpoint.address.as_str())
            .collect();
        let wished = |wish: &&crate::desired::DesiredAccount| {
            wish.replicates()
                && !others.contains(&wish.host.as_str())
                && !self.stand_in.accounts.iter().any(|own| own.user == wish.user && own.host == wish.host)
        };
        let wish = turned.accounts.iter().find(wished)?;
        let step = accounts::account(self.context, turned, self.new, wish)?;
        let id = step.id.clone();
        draft.steps.push(step);
        Some(id)
    }

    /// The replica takes the writes.
    fn there(&self, draft: &mut Draft, reasons: &[Reason], account: Option<StepId>) -> StepId {
        let (from, to) = (&self.primary.name, &self.turned.to);
        let mut requires: Vec<StepId> =
            draft.steps.iter().filter(|step| self.is_before(step)).map(id).collect();
        requires.extend(account);
        let wish = self.stand_in.channels.iter().find(|wish| wish.source == *from);
        let hop = Hop {
            from: Some(from.clone()),
            to: to.clone(),
            channel: wish.map(|wish| wish.name.clone()).unwrap_or_default(),
        };
        let step = self.switch(Span::DuringRestart, (hop, self.closed()), (reasons, Vec::new(), requires));
        let id = step.id.clone();
        draft.steps.push(step);
        id
    }

    /// Whether a step comes before writes leave the primary: every restart of another server, and what is added to the
    /// two.
    fn is_before(&self, step: &Step) -> bool {
        let restarts = matches!(step.action, Action::Restart { .. } | Action::StartService { .. });
        let adds = match step.kind {
            Kind::Firewall => step.host == self.primary.name || step.host == self.turned.to,
            Kind::Account | Kind::OptionFile | Kind::Variable => step.host == self.turned.to,
            _ => false,
        };
        !step.takes_away() && (adds || (restarts && step.host != self.primary.name))
    }

    /// Puts the file and the restart of the closed primary in the place of those that were planned; says which comes last.
    fn put_restart(&self, draft: &mut Draft, closed: Vec<Step>, there: Option<&StepId>) -> StepId {
        let host = &self.primary.name;
        let of_settings = |step: &Step| {
            step.host == *host
                && matches!(step.action, Action::WriteOptionFile { .. } | Action::Restart { .. })
        };
        draft.steps.retain(|step| !of_settings(step));
        let before_file = before_option_file();
        let ground = |step: &&Step| {
            let before = before_file.contains(&step.kind);
            step.host == *host && (before || matches!(step.action, Action::ResetPersisted(_)))
        };
        let mut requires: Vec<StepId> = draft.steps.iter().filter(ground).map(id).collect();
        requires.extend(there.cloned());
        let mut last = StepId::of(host, StepName::Service);
        for mut step in closed {
            step.requires.clone_from(&requires);
            requires.push(step.id.clone());
            last.clone_from(&step.id);
            draft.steps.push(step);
        }
        last
    }

    /// The primary follows, has everything, and takes the writes again; then its file says so.
    fn back(&self, draft: &mut Draft, reasons: &[Reason], last: Option<StepId>) {
        let (host, from) = (&self.primary.name, &self.turned.to);
        // What the settings of both would do each for itself the switch does.
        drop((take_out(draft, from), take_out(draft, host)));
        let close = closed_for_good(self.stand_in, self.new);
        let mut requires: Vec<StepId> = last.into_iter().collect();
        let ends = self.ends();
        let (channel, more) = self.follow(draft, &requires);
        requires.extend(more);
        let hop = Hop { from: Some(from.clone()), to: host.clone(), channel };
        let step = self.switch(Span::Back, (hop, close), (reasons, ends, requires));
        let back = step.id.clone();
        draft.steps.push(step);
        self.open_file(draft, &back);
    }

    /// The channel by which the primary follows, by its name; and the step that makes it, where it has none.
    fn follow(&self, draft: &mut Draft, requires: &[StepId]) -> (String, Option<StepId>) {
        if let Some(name) = super::stand_in::channel_from(self.old, self.stand_in) {
            return (name, None);
        }
        let wish = self.as_replica().and_then(|host| {
            let wish = host.channels.iter().find(|wish| wish.source == self.turned.to)?;
            Some((host, wish))
        });
        let Some((host, wish)) = wish else { return (String::new(), None) };
        let Some(mut step) = made(self.context, host, wish) else { return (String::new(), None) };
        step.requires = requires.to_vec();
        let id = step.id.clone();
        // In a pair it is declared anyway.
        draft.steps.retain(|planned| planned.id != id);
        draft.steps.push(step);
        (wish.name.clone(), Some(id))
    }

    /// The channels of the primary that end when it takes the writes again.
    fn ends(&self) -> Vec<UndeclaredChannel> {
        let declared = self.primary.channels.iter().any(|wish| wish.source == self.turned.to);
        let hop = |name: String| Hop {
            from: Some(self.turned.to.clone()),
            to: self.primary.name.clone(),
            channel: name,
        };
        if let Some(name) = super::stand_in::channel_from(self.old, self.stand_in) {
            return ends(self.primary, &[hop(name)], self.old);
        }
        let made = self
            .as_replica()
            .and_then(|host| host.channels.iter().find(|wish| wish.source == self.turned.to));
        let end = |wish: &crate::desired::DesiredChannel| UndeclaredChannel {
            name: wish.name.clone(),
            address: wish.endpoint.address.clone(),
            port: wish.endpoint.port,
        };
        made.filter(|_| !declared).map(end).into_iter().collect()
    }

    /// The option file as it is declared, behind the switch back.
    fn open_file(&self, draft: &mut Draft, back: &StepId) {
        let host = &self.primary.name;
        let (mut over, mut expected) = (None, self.closed());
        for step in draft.steps.iter().filter(|step| step.host == *host) {
            match &step.action {
                Action::WriteOptionFile { path, content, stage: FileStage::WritesAway { .. } } => {
                    over = Some((path.clone(), content.clone()));
                }
                Action::Restart { expect, .. } => expected.extend(expect.iter().cloned()),
                _ => {}
            }
        }
        let mut facts = self.facts.clone();
        facts.restart = None;
        if let (Fact::Known(files), Some((path, content))) = (&mut facts.option_files, &over) {
            let bytes = content.clone().into_bytes();
            // What its program has said was said of the file as it is now.
            files.asked = Asked::default();
            match files.files.iter_mut().find(|(file, _)| file == path) {
                Some((_, old)) => *old = bytes,
                None => files.files.push((path.clone(), bytes)),
            }
        }
        if let Fact::Known(server) = &mut facts.server {
            server.variables.extend(expected);
        }
        let mut scratch = Draft::default();
        settings::steps(self.context, self.primary, &facts, &mut scratch);
        // One that was planned for before is this one.
        let plain = |step: &Step| {
            step.host == *host
                && matches!(&step.action, Action::WriteOptionFile { stage: FileStage::AsDeclared, .. })
        };
        draft.steps.retain(|step| !plain(step));
        for mut step in scratch.steps {
            let Action::WriteOptionFile { stage, .. } = &mut step.action else { continue };
            *stage = FileStage::WritesBack { over: over.clone().map(|(_, content)| content) };
            step.id = StepId::of(host, StepName::OptionFileOpened);
            step.requires = vec![back.clone()];
            draft.steps.push(step);
        }
    }

    /// Whether events run where writes go now.
    fn runs_events(&self) -> bool {
        let writer = if self.old.accepts_writes() { self.old } else { self.new };
        writer.is_on(SCHEDULER)
    }

    /// What opens a host that these variables, or what is observed, keep closed.
    fn opening(&self, server: &ServerFacts, closed: &[(String, String)]) -> Vec<(String, String)> {
        let on = |name: &str| {
            closed.iter().any(|(own, value)| own == name && same_value(name, value, "ON"))
                || server.is_on(name)
        };
        let mut open = vec![(READ_ONLY.to_owned(), "OFF".to_owned())];
        open.extend(on(SUPER).then(|| (SUPER.to_owned(), "OFF".to_owned())));
        let off = !server.is_on(SCHEDULER) || closed.iter().any(|(name, _)| name == SCHEDULER);
        open.extend((self.runs_events() && off).then(|| (SCHEDULER.to_owned(), "ON".to_owned())));
        open
    }

    /// Accounts that are locked where writes leave, and let in again where they arrive.
    fn admins(&self, span: Span) -> (Accounts, Accounts) {
        let (old, new) = (&self.primary.name, &self.turned.to);
        match span {
            // The first switch has locked some of the one, and let some of the other in.
            Span::Back if self.old.accepts_writes() => {
                let (locked, opened) = admins(self.context, old, new);
                let (mut locks, _) = admins(self.context, new, old);
                locks.extend(opened);
                (locks, locked)
            }
            Span::Back => admins(self.context, new, old),
            Span::DuringRestart | Span::Lasting => admins(self.context, old, new),
        }
    }

    fn switch(
        &self,
        span: Span,
        (hop, close): (Hop, Vec<(String, String)>),
        (reasons, ends, requires): (&[Reason], Vec<UndeclaredChannel>, Vec<StepId>),
    ) -> Step {
        let (here, there) = (&self.primary.name, &self.turned.to);
        let ((from, to, new), closed) = match span {
            Span::Back => ((there, here, self.old), self.closed()),
            Span::DuringRestart | Span::Lasting => ((here, there, self.new), Vec::new()),
        };
        let open = self.opening(new, &closed);
        let (locks, unlocks) = self.admins(span);
        let (limit, wait) = (self.primary.switchover_limit, self.primary.switchover_wait);
        let now = |(name, _): &(String, String)| {
            let closed = closed.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
            Named::new(name, closed.or_else(|| new.variable(name)).unwrap_or_default())
        };
        let then = |(name, value): &(String, String)| Named::new(name, value);
        Step {
            id: StepId::of(to, StepName::Switchover),
            host: to.clone(),
            kind: Kind::Switchover,
            reason: reasons.to_vec(),
            before: Some(State::Settings { values: open.iter().map(now).collect() }),
            after: Some(State::Settings { values: open.iter().map(then).collect() }),
            risk: risks(self.context, from, (limit, &locks)),
            requires,
            action: Action::Switchover(Box::new(Switchover {
                from: from.clone(),
                span,
                hops: vec![hop],
                limit,
                wait,
                locks,
                unlocks,
                close,
                open,
                events: super::events::of(self.context, new, Some(from)),
                ends,
            })),
        }
    }
}

fn id(step: &Step) -> StepId {
    step.id.clone()
}

/// What is wished of a host that closes it.
fn closing(host: &DesiredHost) -> Vec<(String, String)> {
    let wished = |name: &&str| Some(((*name).to_owned(), host.setting(name)?.values.last()?.clone()));
    TURNED.iter().filter_map(wished).collect()
}

/// The same, and where nothing is declared of what keeps clients from writing, that.
fn closed_for_good(host: &DesiredHost, server: &ServerFacts) -> Vec<(String, String)> {
    let mut close = closing(host);
    let declared = |name: &&str| host.setting(name).is_some_and(|wish| !wish.values.is_empty());
    let undeclared = CLOSING.into_iter().filter(|name| !declared(name) && server.variable(name).is_some());
    close.extend(undeclared.map(|name| (name.to_owned(), "ON".to_owned())));
    close.sort_by_key(|(name, _)| TURNED.iter().position(|turned| turned == name));
    close
}

/// A restart without the variables that a switch sets.
fn without_turned(step: &mut Step) {
    let Action::Restart { expect, .. } = &mut step.action else { return };
    let stays: Vec<bool> = expect.iter().map(|(name, _)| !is_turned(name)).collect();
    keep(expect, &stays);
    keep(&mut step.reason, &stays);
    for state in [&mut step.before, &mut step.after].into_iter().flatten() {
        let State::Settings { values } = state else { continue };
        keep(values, &stays);
    }
}
