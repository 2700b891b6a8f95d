//! Whether a saved plan is still the plan of today, and what has changed where it is not.

use std::collections::BTreeSet;

use super::{Change, Note, PlanDocument, ReasonDocument, Risk, State, StepDocument, StepId};
use crate::model::HostName;

/// What has changed since a plan was saved.
#[derive(Debug, Clone, PartialEq)]
pub enum Stale<'d> {
    /// A value on a host is another one by now.
    Value {
        /// The host.
        host: &'d HostName,
        /// The value.
        change: Change<'d>,
    },
    /// What is there before a step is something else by now.
    Before {
        /// The step.
        step: &'d StepDocument,
    },
    /// A step is not needed any more.
    NotNeeded {
        /// The step.
        step: &'d StepDocument,
    },
    /// A step is needed in addition.
    Added {
        /// The step.
        step: &'d StepDocument,
    },
    /// A step would end with another value.
    After {
        /// The host.
        host: &'d HostName,
        /// The value.
        change: Change<'d>,
    },
    /// A step can disrupt something else than it could.
    Risk {
        /// The step as it is now.
        step: &'d StepDocument,
        /// What it can disrupt by now; `None` where it is less than before.
        risk: Option<&'d Risk>,
    },
    /// A step is there for another reason.
    Reason {
        /// The step as it is now.
        step: &'d StepDocument,
    },
    /// A step would be done in another way.
    Step {
        /// The step as it is now.
        step: &'d StepDocument,
    },
    /// A step comes after others than before.
    Order {
        /// Its name.
        step: &'d StepId,
    },
    /// Something else is refused, or waits.
    Findings,
}

impl PlanDocument {
    /// The first way in which a fresh plan differs from this saved one; `None` if they are the same. What changes from
    /// second to second on a server that is in use is left out: sizes of data, numbers of sessions, positions.
    pub fn first_difference<'d>(&'d self, fresh: &'d PlanDocument) -> Option<Stale<'d>> {
        for step in &self.steps {
            match fresh.steps.iter().find(|s| s.id == step.id) {
                None => return Some(Stale::NotNeeded { step }),
                Some(now) => {
                    if let Some(difference) = differs(step, now) {
                        return Some(difference);
                    }
                }
            }
        }
        if let Some(step) = fresh.steps.iter().find(|s| !self.steps.iter().any(|old| old.id == s.id)) {
            return Some(Stale::Added { step });
        }
        (self.held() != fresh.held()).then_some(Stale::Findings)
    }

    /// What is refused or waits, by host and code: how it is worded, and a server's own words in it, change nothing.
    fn held(&self) -> BTreeSet<(&HostName, &str)> {
        let refused = self.refused.iter().map(|refused| (&refused.host, refused.code.as_str()));
        refused.chain(self.waiting.iter().map(|waiting| (&waiting.host, waiting.code.as_str()))).collect()
    }
}

fn differs<'d>(saved: &'d StepDocument, now: &'d StepDocument) -> Option<Stale<'d>> {
    if saved.before != now.before {
        let change = first_change(&saved.before, &now.before);
        return Some(match change {
            Some(change) => Stale::Value { host: &now.host, change },
            None => Stale::Before { step: now },
        });
    }
    if saved.after != now.after {
        let change = first_change(&saved.after, &now.after);
        return Some(match change {
            Some(change) => Stale::After { host: &now.host, change },
            None => Stale::Step { step: now },
        });
    }
    if (saved.kind, &saved.host, &saved.summary) != (now.kind, &now.host, &now.summary) {
        return Some(Stale::Step { step: now });
    }
    let lasting = |step: &StepDocument| step.risks().filter_map(lasting).collect::<Vec<Risk>>();
    let (was, is) = (lasting(saved), lasting(now));
    if was != is {
        let risk = now.risks().find(|risk| self::lasting(risk).is_some_and(|risk| !was.contains(&risk)));
        return Some(Stale::Risk { step: now, risk });
    }
    let reasons = |step: &'d StepDocument| {
        let reason = |reason: &'d ReasonDocument| (reason.because.lasting(), &reason.place);
        step.reason.iter().map(reason).collect::<Vec<_>>()
    };
    if reasons(saved) != reasons(now) {
        return Some(Stale::Reason { step: now });
    }
    (saved.requires != now.requires).then_some(Stale::Order { step: &now.id })
}

fn first_change<'d>(was: &'d Option<State>, is: &'d Option<State>) -> Option<Change<'d>> {
    let (was, is) = (was.as_ref()?.values()?, is.as_ref()?.values()?);
    Change::between(was, is).into_iter().next()
}

/// A risk without what changes from second to second; `None` for one that is nothing else. Whether there are any
/// sessions at all stays.
fn lasting(risk: &Risk) -> Option<Risk> {
    match risk {
        Risk::CopyLoad { .. } => None,
        Risk::Restart { sessions: Some(n) } if *n > 0 => Some(Risk::Restart { sessions: Some(1) }),
        Risk::Note { note: Note::WritesWait { on, seconds, sessions: Some(n) } } if *n > 0 => {
            Some(Note::WritesWait { on: on.clone(), seconds: *seconds, sessions: Some(1) }.into())
        }
        Risk::ReplacesData { on, databases, kept, .. } => {
            Some(Risk::ReplacesData { on: on.clone(), databases: databases.clone(), bytes: 0, kept: *kept })
        }
        other => Some(other.clone()),
    }
}
