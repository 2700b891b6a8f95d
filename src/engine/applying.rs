//! Executes a plan, reads the hosts again, and goes on as long as new facts lead to more steps.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use super::{CommandError, Engine, Planned, State, planned::Purpose};
use crate::{
    apply::{self, Outcome},
    exec::{
        self, Fleet, LockError,
        journal::{Journal, RunStarted},
        take_all,
    },
    model::{Fact, HostName, Limits},
    plan::{Action, Inputs, Plan, PlanDocument, Policy, Refusal, Step, Summary, blocked_by_policy},
    transport::Session,
    words,
};

/// How many times new facts may lead to another plan: those of a server that was down, or the data that
/// one more link of a chain of copies has now.
const ROUNDS: usize = 64;

/// What a run may do, and what bounds it.
pub struct Run<'a> {
    /// What its steps may hurt.
    pub policy: Policy,
    /// The same for steps that are planned later, which nobody has seen yet.
    pub unseen: Policy,
    /// Limits of time and number.
    pub limits: Limits,
    /// Where each step is written down. Who began it ends it.
    pub journal: &'a Journal,
    /// Cancelled to end after the running steps.
    pub interrupt: CancellationToken,
}

impl<'a> Run<'a> {
    /// A run that may hurt nothing, with the usual limits.
    pub fn new(journal: &'a Journal, interrupt: CancellationToken) -> Self {
        let (policy, unseen) = (Policy::default(), Policy::default());
        Self { policy, unseen, limits: Limits::default(), journal, interrupt }
    }
}

/// One thing that happened while a plan was applied.
#[derive(Debug, Clone)]
pub enum Event {
    /// A step began, moved on or came to its end.
    Step(exec::Event),
    /// The hosts are read again.
    Reading,
    /// They were read.
    Read,
    /// What was done leads to more steps, which are executed now.
    More(Box<PlanDocument>),
}

/// Where events go. Nobody has to listen.
#[derive(Debug, Clone)]
pub struct Events(UnboundedSender<Event>);

impl Events {
    /// A sender and its receiver.
    pub fn channel() -> (Self, UnboundedReceiver<Event>) {
        let (sender, receiver) = unbounded_channel();
        (Self(sender), receiver)
    }

    fn send(&self, event: Event) {
        // A listener that has gone away is no reason to stop a run.
        let _ = self.0.send(event);
    }
}

/// How a run ended.
#[derive(Debug)]
pub enum End {
    /// Read again, nothing is left to do.
    Done,
    /// Steps failed on every host that had some.
    Failed,
    /// Some hosts are done and others are not.
    Partly,
    /// What a step rests on changed just before it.
    Stale,
    /// It was interrupted after the running steps.
    Interrupted,
    /// Another run holds a lock, or one could not be taken.
    Locked(LockError),
    /// What could be read is as declared; these hosts could not.
    NotRead(Vec<HostName>),
    /// More steps follow that were not allowed by name.
    Refused(Vec<Refusal>),
    /// Read again, not everything is as declared.
    Left(State),
}

/// What a run has done.
#[derive(Debug)]
pub struct Applied {
    /// The outcomes of each plan that was executed.
    pub rounds: Vec<Vec<Outcome>>,
    /// The plan for what is left.
    pub left: PlanDocument,
    /// How it ended.
    pub end: End,
    /// The hosts that could not be read for that plan, or nothing where none was made.
    pub unread: Option<NotSeen>,
}

/// Hosts that could not be read.
#[derive(Debug, Clone, Default)]
pub struct NotSeen {
    /// Those that should be there.
    pub members: Vec<HostName>,
    /// Those that are declared lost.
    pub lost: Vec<HostName>,
}

impl NotSeen {
    fn of(planned: &Planned) -> Self {
        let mut lost = Vec::new();
        for play in &planned.plays {
            for host in play.built.desired.lost.iter().map(|lost| &lost.host.name) {
                let facts = play.observed.get(host).and_then(Fact::known);
                if facts.is_none_or(|facts| facts.server.known().is_none()) {
                    lost.push(host.clone());
                }
            }
        }
        Self { members: planned.unread().into_keys().collect(), lost }
    }
}

impl Applied {
    /// The outcomes of all plans.
    pub fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.rounds.iter().flatten()
    }

    /// How many steps were done.
    pub fn steps_done(&self) -> usize {
        self.outcomes().map(|outcome| outcome.done.len()).sum()
    }
}

impl Engine {
    /// Begins the journal of a run of this plan.
    ///
    /// # Errors
    /// When it can't be written; a run without a journal does not begin.
    pub fn begin_journal(
        &self,
        directory: &std::path::Path,
        document: &PlanDocument,
    ) -> Result<Journal, CommandError> {
        let Inputs { tool, inventory, playbook, limit, .. } = self.inputs.clone();
        let Summary { steps, restarts, hosts, .. } = document.summary;
        let header = RunStarted { tool, inventory, playbook, limit, steps, restarts, hosts };
        Journal::begin(directory, header, words::step).map_err(|error| {
            let directory = directory.display();
            CommandError::failed(format!(
                "the journal can't be written under {directory}: {error}. Nothing was changed."
            ))
        })
    }

    /// Executes a plan under the locks of its hosts, reads the hosts again, and plans what is left; as long as what
    /// was done leads to steps that could not be planned before, those follow.
    ///
    /// # Errors
    /// Mistakes in the files that show only with what was read. How steps ended is no error: see [`Applied`].
    pub async fn apply(
        &self,
        mut planned: Planned,
        run: &Run<'_>,
        events: &Events,
    ) -> Result<Applied, CommandError> {
        let mut document = planned.document()?;
        let mut rounds = Vec::new();
        let returns = self.edit.as_ref().is_some_and(|edit| !edit.found.is_empty());
        let mut compared = !returns;
        let mut unread = None;
        let end = loop {
            let (outcomes, silent) = match self.execute(&planned, run, events).await {
                Ok(executed) => executed,
                Err(error) => break End::Locked(error),
            };
            let failed = failed(&planned, &outcomes);
            let interrupted = outcomes.iter().any(|o| o.interrupted);
            let learns = learns(&planned.whole_plan());
            let compares = |step: &Step| matches!(step.action, Action::CompareCopy(_));
            compared |= planned.whole_plan().steps.iter().any(compares);
            rounds.push(outcomes);
            if interrupted {
                break End::Interrupted;
            }
            let last = document.clone();
            let sessions = still_open(&mut planned, &silent);
            // A host that comes back and was not reached at first is still to be compared.
            let purpose = if compared { Purpose::ToKnow } else { Purpose::ToApply };
            planned = self.plan_again(sessions, purpose, events).await?;
            document = planned.document()?;
            unread = Some(NotSeen::of(&planned));
            if let Some(end) = failed {
                break end;
            }
            if document.in_sync {
                break End::Done;
            }
            // What was done and is planned again will not be otherwise the next time.
            let repeats = last.first_difference(&document).is_none();
            let more = !document.steps.is_empty() && document.refused.is_empty() && !repeats;
            if !(more && learns && rounds.len() < ROUNDS) {
                break left(&planned, &document);
            }
            events.send(Event::More(Box::new(document.clone())));
            let blocked = blocked_by_policy(&planned.whole_plan(), &run.unseen);
            if !blocked.is_empty() {
                break End::Refused(blocked);
            }
        };
        planned.close().await;
        Ok(Applied { rounds, left: document, end, unread })
    }

    /// Executes a plan once under the locks of its hosts, and plans again over its connections.
    ///
    /// # Errors
    /// A lock that another run holds; mistakes in the files that show only with what was read. How steps ended is no error.
    pub async fn apply_once(
        &self,
        mut planned: Planned,
        run: &Run<'_>,
        events: &Events,
    ) -> Result<(Vec<Outcome>, Planned), CommandError> {
        let (outcomes, silent) = self.execute(&planned, run, events).await?;
        let sessions = still_open(&mut planned, &silent);
        Ok((outcomes, self.plan_again(sessions, Purpose::ToKnow, events).await?))
    }

    async fn plan_again(
        &self,
        sessions: BTreeMap<HostName, Session>,
        purpose: Purpose,
        events: &Events,
    ) -> Result<Planned, CommandError> {
        events.send(Event::Reading);
        let planned = Planned::take(self, sessions, purpose).await;
        events.send(Event::Read);
        planned
    }

    /// Runs the plan of every play under the locks of its hosts. Says as well which of them have lost theirs.
    async fn execute(
        &self,
        planned: &Planned,
        run: &Run<'_>,
        events: &Events,
    ) -> Result<(Vec<Outcome>, BTreeSet<HostName>), LockError> {
        let (mut outcomes, mut silent) = (Vec::new(), BTreeSet::new());
        for play in &planned.plays {
            // A play rests on those before it.
            if outcomes.iter().any(|o: &Outcome| !o.complete()) {
                break;
            }
            let (steps, mut told) = exec::Events::channel();
            let fleet = Fleet::new(
                &planned.sessions,
                &play.logins,
                &self.secrets,
                &play.observed,
                &play.built.desired,
                run.policy.clone(),
                run.limits,
                run.interrupt.clone(),
                run.journal,
                steps,
            );
            let hosts: BTreeSet<HostName> = play.plan.steps.iter().flat_map(|s| s.touches()).collect();
            let hosts: Vec<HostName> = hosts.into_iter().collect();
            let locks = take_all(&fleet, &hosts).await?;
            // What it tells ends with it.
            let work = async move { (apply::execute(&play.plan, &fleet).await, fleet.fences.lost()) };
            let telling = async {
                while let Some(event) = told.recv().await {
                    events.send(Event::Step(event));
                }
            };
            let ((outcome, lost), ()) = tokio::join!(work, telling);
            locks.release().await;
            outcomes.push(outcome);
            silent.extend(lost);
        }
        Ok((outcomes, silent))
    }
}

/// The connections of a run, but those to hosts that have fallen silent: what is read of these again would wait for an answer
/// that never comes.
fn still_open(planned: &mut Planned, silent: &BTreeSet<HostName>) -> BTreeMap<HostName, Session> {
    let mut sessions = std::mem::take(&mut planned.sessions);
    sessions.retain(|host, _| !silent.contains(host));
    sessions
}

/// How steps that failed end the run; nothing where all were done.
fn failed(planned: &Planned, outcomes: &[Outcome]) -> Option<End> {
    let (mut good, mut bad) = (BTreeSet::new(), BTreeSet::new());
    for (play, outcome) in planned.plays.iter().zip(outcomes) {
        let (done, not) = outcome.hosts(&play.plan);
        good.extend(done);
        bad.extend(not);
    }
    if bad.is_empty() {
        return None;
    }
    let stale = outcomes.iter().flat_map(|o| o.failed.values()).any(|e| e.stale);
    // Writes that went over are more than a plan that is stale.
    let moved = planned.plays.iter().zip(outcomes).any(|(play, outcome)| {
        let moves = |step: &&Step| matches!(step.action, Action::Switchover(_) | Action::Failover(_));
        play.plan.steps.iter().filter(moves).any(|step| outcome.done.contains(&step.id))
    });
    Some(match (stale && !moved, good.difference(&bad).next().is_some()) {
        (true, _) => End::Stale,
        (false, true) => End::Partly,
        (false, false) => End::Failed,
    })
}

/// How a run ends whose hosts are not as declared, although every step was done.
fn left(planned: &Planned, document: &PlanDocument) -> End {
    let unread: Vec<HostName> = planned.unread().into_keys().collect();
    match document.steps.is_empty() && document.refused.is_empty() && !unread.is_empty() {
        true => End::NotRead(unread),
        false => End::Left(planned.state(document)),
    }
}

/// Whether a plan brings up servers that could not be read before.
fn learns(plan: &Plan) -> bool {
    !plan.waiting.is_empty()
        || plan.steps.iter().any(|s| {
            matches!(s.action, Action::StartService { .. } | Action::InstallServer { .. })
                || matches!(&s.action, Action::Certificate(plan) if !plan.others.is_empty())
                || matches!(&s.action, Action::Resource(change) if change.kind().may_bring_a_server())
        })
}
