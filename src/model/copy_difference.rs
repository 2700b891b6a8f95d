//! What is not the same on a source and on a replica that has got a copy of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::HostName;

/// What kind of thing a definition is of. The order is the one in which differences are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DefinedKind {
    /// A database.
    Database,
    /// A table, or a sequence of MariaDB.
    Table,
    /// A column of a table.
    Column,
    /// A column of an index.
    Index,
    /// A column of a foreign key.
    ForeignKey,
    /// A check of a table.
    Check,
    /// A partition of a table.
    Partition,
    /// A view.
    View,
    /// A function, a procedure or a package.
    Routine,
    /// A parameter of a routine.
    Parameter,
    /// A trigger.
    Trigger,
    /// An event of the scheduler.
    Event,
}

/// Whose definition it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defined {
    /// What it is.
    pub kind: DefinedKind,
    /// Database.
    pub database: String,
    /// Name; empty for the database itself.
    pub name: String,
    /// The part of it, such as a column; of a routine what it is, and of a sequence that it is one. Else empty.
    pub part: String,
}

/// The value of one aspect of a definition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AspectValue {
    /// NULL.
    Null,
    /// A text.
    Text(String),
    /// A text that is longer than anybody would compare by eye, as that of a view is; it is not kept.
    Long,
}

impl AspectValue {
    /// A text up to this many characters is kept.
    const KEPT: usize = 60;

    /// A value as the server has it.
    pub fn of(value: Option<&str>) -> Self {
        match value {
            None => Self::Null,
            Some(text) if text.chars().count() > Self::KEPT => Self::Long,
            Some(text) => Self::Text(text.to_owned()),
        }
    }
}

/// One thing that is not the same. The tag is its code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case", deny_unknown_fields)]
pub enum CopyDifference {
    /// Only the source defines it.
    MissingDefinition {
        /// What.
        of: Defined,
    },
    /// Only the replica defines it.
    ExtraDefinition {
        /// What.
        of: Defined,
    },
    /// Both define it, and one of its aspects differs.
    OtherDefinition {
        /// What.
        of: Defined,
        /// The column of `information_schema` that tells.
        aspect: String,
        /// On the source.
        source: AspectValue,
        /// On the replica.
        replica: AspectValue,
    },
    /// An account is missing on the replica.
    MissingAccount {
        /// As `user@host`.
        account: String,
    },
    /// How an account logs in, its limits or its lock differ.
    OtherLogin {
        /// As `user@host`.
        account: String,
    },
    /// An account may not do on the replica what it may on the source.
    MissingGrant {
        /// As `user@host`.
        account: String,
        /// The grant, without a hash.
        grant: String,
    },
    /// An account may do on the replica what it may not on the source.
    ExtraGrant {
        /// As `user@host`.
        account: String,
        /// The grant, without a hash.
        grant: String,
    },
    /// A table is missing.
    MissingTable {
        /// As `database.table`.
        table: String,
        /// Where.
        host: HostName,
    },
    /// A table lacks columns.
    MissingColumns {
        /// As `database.table`.
        table: String,
        /// Where.
        host: HostName,
        /// Their names.
        names: Vec<String>,
    },
    /// Rows of a table differ.
    Rows {
        /// As `database.table`.
        table: String,
        /// How many.
        count: u64,
        /// Whether there are more, since the search was ended.
        at_least: bool,
    },
}
