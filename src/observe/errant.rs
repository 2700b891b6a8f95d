//! Errant transactions, as facts: what a replica has and none of its sources.

use crate::{gtid::Transactions, model::HostName};

/// What was found on a replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrantFacts {
    /// What it is.
    pub kind: ErrantKind,
    /// Its sources, none of which has these transactions.
    pub sources: Vec<HostName>,
    /// The transactions.
    pub transactions: Transactions,
    /// What they did: the id of each that could be decoded, and its statement or rows.
    pub events: Vec<(String, String)>,
    /// Why some, or all, could not be decoded.
    pub undecoded: Option<String>,
}

/// Kinds of findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrantKind {
    /// Transactions that only the replica has.
    OnlyHere,
    /// Transactions that a host upstream has written and does not have any more.
    LostBySource(HostName),
    /// Events without a GTID that the replica has written itself. Whether its source has them can't be told.
    WithoutGtid,
}

impl ErrantKind {
    /// A stable word for machines.
    pub fn code(&self) -> &'static str {
        match self {
            ErrantKind::OnlyHere => "errant-transactions",
            ErrantKind::LostBySource(_) => "source-lost-transactions",
            ErrantKind::WithoutGtid => "own-writes",
        }
    }
}
