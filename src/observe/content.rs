//! What a server holds, as far as a copy might destroy it.

use std::collections::BTreeMap;

/// What one table holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableFacts {
    /// Rows; the server's estimate where there is no checksum.
    pub rows: u64,
    /// Data and indexes.
    pub bytes: u64,
    /// What all rows and columns add up to, for tables that are small enough.
    pub checksum: Option<String>,
}

/// What a server holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    /// Tables by database and name.
    pub tables: BTreeMap<(String, String), TableFacts>,
    /// Events that only this server has: their id, and what they did.
    pub events: Vec<(String, String)>,
}
