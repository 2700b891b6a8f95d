//! Hosts that are declared lost, as far as they can be seen.

use serde::Serialize;

use super::StatusDocument;
use crate::{
    model::{Fact, HostName, words},
    observe::{Observed, ServerFacts},
};

words! {
    /// What is seen of a host that is declared lost.
    pub enum LostState: "a state of a lost host" {
        /// It does not answer.
        Silent = "silent",
        /// It is back.
        Returned = "returned",
    }
}

/// A host that is declared lost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LostStatus {
    /// Its name.
    pub host: HostName,
    /// Whether it is back.
    pub state: LostState,
    /// Whether its server accepts writes of clients; null where it was not read.
    pub writes: Option<bool>,
    /// Why it, or its server, was not read.
    pub problem: Option<String>,
}

impl LostStatus {
    /// What is seen of a host.
    pub fn of(host: &HostName, observed: &Observed) -> Self {
        let (state, server) = match observed.get(host) {
            Some(Fact::Known(facts)) => (LostState::Returned, Some(&facts.server)),
            _ => (LostState::Silent, None),
        };
        let problem = match (observed.get(host), server) {
            (Some(Fact::Unread(why)), _) | (_, Some(Fact::Unread(why))) => Some(why.clone()),
            _ => None,
        };
        let writes = server.and_then(Fact::known).map(ServerFacts::accepts_writes);
        Self { host: host.clone(), state, writes, problem }
    }
}

impl StatusDocument {
    /// Adds the hosts that are declared lost. One that is back is nothing to be content with, and one that accepts writes is
    /// a writer too many.
    pub fn with_lost(mut self, lost: Vec<LostStatus>) -> Self {
        let open = lost.iter().filter(|lost| lost.writes == Some(true));
        let open: Vec<&str> = open.map(|lost| lost.host.as_str()).collect();
        if !open.is_empty() && self.writers_problem.is_none() {
            let verb = if open.len() == 1 { "accepts" } else { "accept" };
            let names = open.join(" and ");
            self.writers_problem = Some(format!("{names} {verb} writes, and is declared lost."));
        }
        self.writers.extend(open.into_iter().map(HostName::new));
        self.healthy &= self.writers_problem.is_none() && lost.iter().all(|l| l.state == LostState::Silent);
        self.lost = lost;
        self
    }
}
