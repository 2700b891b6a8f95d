//! What was asked for on the command line and is nowhere.

/// A name or a pattern that fits no table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmatched {
    /// No database of this name holds a table.
    Database {
        /// The name.
        name: String,
        /// One that may have been meant.
        near: Option<String>,
    },
    /// A pattern fits no table.
    Table {
        /// The pattern.
        pattern: String,
        /// A table that may have been meant, as `database.table`.
        near: Option<String>,
    },
    /// The names fit some tables and the patterns others, but both fit none.
    Both,
}
