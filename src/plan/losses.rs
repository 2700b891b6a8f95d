//! What a copy over a replica's data would lose, as far as a closer look found it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::HostName;

/// What only the replica of a copy holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Losses {
    /// The replica.
    pub host: HostName,
    /// Where the copy would come from.
    pub source: HostName,
    /// Why nobody could look closely, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_read: Option<String>,
    /// The first tables, by name.
    pub tables: Vec<TableLoss>,
    /// How many further tables there are.
    pub more_tables: usize,
    /// How many tables are the same on both, by checksum.
    pub equal: usize,
    /// The first transactions that only the replica has.
    pub events: Vec<EventLoss>,
    /// How many further transactions there are.
    pub more_events: usize,
}

/// A table that is not the same on both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TableLoss {
    /// `database.table`.
    pub table: String,
    /// Bytes of data and indexes on the replica.
    pub bytes: u64,
    /// Its rows on the replica.
    pub here: Rows,
    /// Its rows on the source; nothing where the source does not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub there: Option<Rows>,
}

/// Rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rows {
    /// How many.
    pub count: u64,
    /// Whether they were counted, together with a checksum; otherwise the server has estimated them, since the table is
    /// too large.
    pub exact: bool,
}

/// A transaction that only the replica has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventLoss {
    /// Its GTID.
    pub id: String,
    /// What it did.
    pub did: String,
}

impl Losses {
    /// Nothing that was found, yet.
    pub fn of(host: &HostName, source: &HostName) -> Self {
        Self {
            host: host.clone(),
            source: source.clone(),
            not_read: None,
            tables: Vec::new(),
            more_tables: 0,
            equal: 0,
            events: Vec::new(),
            more_events: 0,
        }
    }
}
