//! How a port answered, and to whom.

use crate::model::HostName;

/// Who tried a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vantage {
    /// A host of the inventory.
    Host(HostName),
    /// This machine.
    Here,
}

/// How a try of a port ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortOutcome {
    /// Somebody answers.
    Open,
    /// The address says that nobody listens there, which is also what some filters say.
    Refused,
    /// The same, and no peer was let in either: nobody may listen there.
    RefusedToAll,
    /// Nothing came back within that many seconds.
    Silent(u64),
    /// Nothing, or a filter's own answer, came back; in the words of who tried.
    Closed(String),
    /// It could not be tried, in the words of who was to.
    Untried(String),
    /// It was not tried.
    NoAnswer,
}
