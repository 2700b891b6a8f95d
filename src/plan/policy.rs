//! What may hurt must be allowed by name.

use std::collections::BTreeSet;

use super::{Allow, Plan, Refusal, Refused};
use crate::model::HostName;

/// What this run may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Words given by `--allow`, and `restart` after a `yes` at the prompt.
    pub allow: BTreeSet<Allow>,
    /// A command that makes sure that a lost host takes no more writes.
    pub fence: Option<String>,
    /// The host that the run was asked to let take the writes of another one; nothing where files alone say who does.
    pub takes_over: Option<HostName>,
}

impl Policy {
    /// One that allows these words.
    pub fn of(allow: impl IntoIterator<Item = Allow>) -> Self {
        Self { allow: allow.into_iter().collect(), fence: None, takes_over: None }
    }
}

/// Words that were given and that no step needs. Where something waits, a later plan may.
pub fn unneeded(plan: &Plan, given: &[Allow]) -> Vec<Allow> {
    let needed = |word: &Allow| plan.steps.iter().flat_map(|s| &s.risk).any(|r| r.gate() == Some(*word));
    match plan.waiting.is_empty() {
        true => given.iter().copied().filter(|word| !needed(word)).collect(),
        false => Vec::new(),
    }
}

/// The words that would allow what is refused for want of one.
pub fn missing_words(refused: &[Refusal]) -> BTreeSet<Allow> {
    let word = |refusal: &Refusal| match &refusal.why {
        Refused::NotAllowed { allow, .. } => Some(*allow),
        _ => None,
    };
    refused.iter().filter_map(word).collect()
}

/// The steps of a plan that the policy does not allow, as refusals that say which word is missing.
pub fn blocked_by_policy(plan: &Plan, policy: &Policy) -> Vec<Refusal> {
    let mut refused = Vec::new();
    for step in &plan.steps {
        for risk in &step.risk {
            let Some(gate) = risk.gate() else { continue };
            if !policy.allow.contains(&gate) {
                refused.push(Refusal {
                    host: step.host.clone(),
                    why: Refused::NotAllowed {
                        step: Box::new(step.clone()),
                        risk: risk.clone(),
                        allow: gate,
                    },
                });
            }
        }
    }
    refused
}
