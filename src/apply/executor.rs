//! Runs the steps of a plan: each as soon as what it requires is done, one at a time on a host,
//! independent hosts side by side, as many as `--forks` allows.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream::FuturesUnordered};

use super::{steps, writers};
use crate::{
    exec::{Event, Fleet, StepError},
    model::HostName,
    plan::{Plan, Step, StepId},
};

/// How a run of steps ended.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Steps that were done.
    pub done: BTreeSet<StepId>,
    /// Steps that failed, with their errors.
    pub failed: BTreeMap<StepId, StepError>,
    /// Steps that were not begun: what they require failed, or the run was interrupted.
    pub skipped: BTreeMap<StepId, String>,
    /// Whether the run was interrupted by its user.
    pub interrupted: bool,
}

impl Outcome {
    /// Whether every step was done.
    pub fn complete(&self) -> bool {
        self.failed.is_empty() && self.skipped.is_empty()
    }

    /// Hosts on which everything was done, and hosts on which something was not.
    pub fn hosts(&self, plan: &Plan) -> (BTreeSet<HostName>, BTreeSet<HostName>) {
        let bad: BTreeSet<HostName> =
            plan.steps.iter().filter(|s| !self.done.contains(&s.id)).map(|s| s.host.clone()).collect();
        let good = plan.steps.iter().map(|s| s.host.clone()).filter(|h| !bad.contains(h)).collect();
        (good, bad)
    }
}

/// Runs all steps of a plan.
///
/// An interrupt lets the running steps come to their end and begins no other.
pub(crate) async fn execute(plan: &Plan, fleet: &Fleet<'_>) -> Outcome {
    // The first step on each host looks once more at what it rests on.
    for host in plan.steps.iter().map(|step| &step.host).collect::<BTreeSet<_>>() {
        fleet.on(host).open_ahead(1);
    }
    let mut outcome = Outcome::default();
    let mut waiting: Vec<&Step> = plan.steps.iter().collect();
    if let Some((step, error)) = writers::changed(plan, fleet).await {
        told_as_failed(step, Duration::ZERO, &error, fleet);
        outcome.failed.insert(step.id.clone(), error);
        for other in waiting.drain(..).filter(|other| other.id != step.id) {
            let blame = format!("needs {}, which was not done", step.id);
            told_as_skipped(other, &blame, fleet);
            outcome.skipped.insert(other.id.clone(), blame);
        }
    }
    let mut busy: BTreeSet<HostName> = BTreeSet::new();
    let mut running = FuturesUnordered::new();
    loop {
        if fleet.interrupt.is_cancelled() && !waiting.is_empty() {
            outcome.interrupted = true;
            for step in waiting.drain(..) {
                outcome.skipped.insert(step.id.clone(), "the run was interrupted".into());
            }
        }
        skip_dependants(&mut waiting, &mut outcome, fleet);
        let mut rest = Vec::with_capacity(waiting.len());
        for step in waiting {
            let ready = step.requires.iter().all(|id| outcome.done.contains(id) || !in_plan(plan, id));
            if ready && !busy.contains(&step.host) && running.len() < fleet.limits.forks {
                busy.insert(step.host.clone());
                running.push(run(step, fleet));
            } else {
                rest.push(step);
            }
        }
        waiting = rest;
        let Some((step, result)) = running.next().await else { break };
        busy.remove(&step.host);
        match result {
            Ok(()) => {
                outcome.done.insert(step.id.clone());
            }
            Err(error) => {
                outcome.failed.insert(step.id.clone(), error);
            }
        }
    }
    outcome
}

fn in_plan(plan: &Plan, id: &StepId) -> bool {
    plan.steps.iter().any(|s| s.id == *id)
}

/// Takes out the steps that can't be done any more, with the step to blame.
fn skip_dependants(waiting: &mut Vec<&Step>, outcome: &mut Outcome, fleet: &Fleet<'_>) {
    loop {
        let lost = waiting.iter().position(|step| {
            step.requires.iter().any(|id| outcome.failed.contains_key(id) || outcome.skipped.contains_key(id))
        });
        let Some(place) = lost else { return };
        let step = waiting.remove(place);
        let blame = step
            .requires
            .iter()
            .find(|id| outcome.failed.contains_key(*id) || outcome.skipped.contains_key(*id))
            .map(|id| format!("needs {id}, which was not done"))
            .unwrap_or_default();
        told_as_skipped(step, &blame, fleet);
        outcome.skipped.insert(step.id.clone(), blame);
    }
}

/// A session that was opened before such a step may be of a server that is no more, or know settings of before.
fn forget_sql(step: &Step, fleet: &Fleet<'_>) {
    for session in step.touches().iter().filter_map(|host| fleet.on(host).session().ok()) {
        session.forget_sql();
    }
}

async fn run<'a>(step: &'a Step, fleet: &Fleet<'_>) -> (&'a Step, Result<(), StepError>) {
    let begun = Instant::now();
    fleet.journal.step_started(step);
    fleet.events.send(Event::Started {
        id: step.id.clone(),
        host: step.host.clone(),
        step: Box::new(step.clone()),
    });
    let work = async {
        super::guard::check(step, fleet).await?;
        steps::run(step, fleet).await
    };
    let starts = step.action.ends_with_a_start();
    // What a start reads before, it reads of the server that is to be stopped, and forgets it itself.
    if step.action.changes_sessions() && !starts {
        forget_sql(step, fleet);
    }
    let result = fleet.fences.within(&step.touches(), work).await;
    if result.is_err() {
        steps::not_done(step, fleet).await;
    }
    if step.action.changes_sessions() && !starts {
        forget_sql(step, fleet);
    }
    let took: Duration = begun.elapsed();
    match &result {
        Ok(note) => {
            fleet.journal.step_done(step, took, note.as_deref());
            fleet.events.send(Event::Done {
                id: step.id.clone(),
                host: step.host.clone(),
                took,
                note: note.clone(),
            });
        }
        Err(error) => told_as_failed(step, took, error, fleet),
    }
    (step, result.map(|_| ()))
}

fn told_as_failed(step: &Step, took: Duration, error: &StepError, fleet: &Fleet<'_>) {
    fleet.journal.step_failed(step, took, error);
    let (id, host) = (step.id.clone(), step.host.clone());
    fleet.events.send(Event::Failed { id, host, took, error: error.to_string() });
}

fn told_as_skipped(step: &Step, because: &str, fleet: &Fleet<'_>) {
    fleet.journal.step_skipped(step, because);
    let (id, host) = (step.id.clone(), step.host.clone());
    fleet.events.send(Event::Skipped { id, host, because: because.to_owned() });
}
