//! What may hurt must be allowed by name.

use std::{collections::BTreeSet, fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Plan, Refusal, Refused};

/// A word of `--allow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Allow {
    /// A server that has client sessions is restarted.
    Restart,
    /// Connected clients are cut off by the packet filter.
    CutClients,
    /// A replica's own data is replaced.
    Reseed,
    /// A server's binary logs start over, or go on under another name.
    ResetBinlogs,
    /// An account is dropped.
    DropAccount,
    /// A channel that nobody declared ends.
    DropChannel,
    /// The authority that the servers trust is replaced by another one.
    NewAuthority,
}

impl Allow {
    /// Every word, in the order of the documentation.
    pub const ALL: [Allow; 7] = [
        Allow::Restart,
        Allow::CutClients,
        Allow::Reseed,
        Allow::ResetBinlogs,
        Allow::DropAccount,
        Allow::DropChannel,
        Allow::NewAuthority,
    ];

    /// The word itself.
    pub fn word(self) -> &'static str {
        match self {
            Allow::Restart => "restart",
            Allow::CutClients => "cut-clients",
            Allow::Reseed => "reseed",
            Allow::ResetBinlogs => "reset-binlogs",
            Allow::DropAccount => "drop-account",
            Allow::DropChannel => "drop-channel",
            Allow::NewAuthority => "new-authority",
        }
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A word of `--allow` that means nothing.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is not something to allow; the words are restart, cut-clients, reseed, reset-binlogs, drop-account, \
     drop-channel, new-authority"
)]
pub struct UnknownAllow(String);

impl FromStr for Allow {
    type Err = UnknownAllow;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Allow::ALL.into_iter().find(|a| a.word() == word).ok_or_else(|| UnknownAllow(word.to_owned()))
    }
}

/// What this run may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Words given by `--allow`, and `restart` after a `yes` at the prompt.
    pub allow: BTreeSet<Allow>,
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
