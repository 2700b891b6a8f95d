//! Hosts that are declared lost, as far as they can be seen.

use serde::Serialize;

use super::{StatusDocument, written::problem_alone};
use crate::{
    doctor::{HostProblem, WritersProblem},
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
    #[serde(serialize_with = "problem_alone")]
    pub problem: Option<HostProblem>,
}

impl LostStatus {
    /// What is seen of a host.
    pub fn of(host: &HostName, observed: &Observed) -> Self {
        let (state, server) = match observed.get(host) {
            Some(Fact::Known(facts)) => (LostState::Returned, Some(&facts.server)),
            _ => (LostState::Silent, None),
        };
        let problem = observed.get(host).and_then(|fact| match fact {
            Fact::Unread(why) => Some(HostProblem::NotRead { why: why.clone() }),
            Fact::Known(facts) => super::server_problem(facts),
            Fact::Absent => None,
        });
        let writes = server.and_then(Fact::known).map(ServerFacts::accepts_writes);
        Self { host: host.clone(), state, writes, problem }
    }
}

impl StatusDocument {
    /// Adds the hosts that are declared lost. One that is back is nothing to be content with, and one that accepts writes is
    /// a writer too many.
    pub fn with_lost(mut self, lost: Vec<LostStatus>) -> Self {
        let open = lost.iter().filter(|lost| lost.writes == Some(true));
        let open: Vec<HostName> = open.map(|lost| lost.host.clone()).collect();
        if !open.is_empty() && self.writers_problem.is_none() {
            self.writers_problem = Some(WritersProblem::Lost { open: open.clone() });
        }
        self.writers.extend(open);
        self.healthy &= self.writers_problem.is_none() && lost.iter().all(|l| l.state == LostState::Silent);
        self.lost = lost;
        self
    }
}
