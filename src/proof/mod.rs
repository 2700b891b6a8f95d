//! What `verify` may find, as values: the room `words` has their sentences, and the room `verify` finds them.

mod doubt;
mod port;
mod problem;
mod progress;
mod unmatched;

pub(crate) use doubt::{About, Doubt, Filter, HostRemark, Remark};
pub(crate) use port::{PortOutcome, Vantage};
pub(crate) use problem::{ChannelAt, Collision, Counting, RestartProblem, TableProblem, Unproven};
pub(crate) use progress::{Note, Rest, Stage};
pub(crate) use unmatched::Unmatched;

/// The codes of all of these.
#[cfg(test)]
pub(crate) fn codes() -> Vec<&'static str> {
    let all = [Doubt::CODES, Unproven::CODES, Collision::CODES, TableProblem::CODES, RestartProblem::CODES];
    all.concat()
}
