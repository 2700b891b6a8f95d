//! Who is to reach the server, and the rules that this takes.

use std::collections::{BTreeMap, BTreeSet};

use super::{Backend, Network};

/// Who may reach the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredRules {
    /// TCP ports: the server's, and while it moves to another one, both.
    pub ports: BTreeSet<u16>,
    /// Networks that get in.
    pub allowed: BTreeSet<Network>,
    /// Whether all others are kept out.
    pub deny_others: bool,
}

/// Rules and the script that makes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rules {
    /// One line for each rule, as [`super::FirewallState::ours`] has them.
    pub lines: BTreeMap<Backend, BTreeSet<String>>,
    /// Shell commands that put exactly these rules in the place of all that are ours. It ends with another status
    /// than 0 where one of them fails.
    pub script: String,
}

impl Rules {
    pub(super) fn add(&mut self, backend: Backend, line: String) {
        self.lines.entry(backend).or_default().insert(line);
    }

    /// Whether no rule is needed.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.values().all(BTreeSet::is_empty)
    }
}
