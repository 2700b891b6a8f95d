//! What is done while a proof goes on.

use super::Remark;
use crate::model::HostName;

/// What is done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Canaries are sent along every channel.
    Canaries,
    /// The server of a host is restarted.
    Restart(HostName),
    /// Ports are tried.
    Ports,
    /// A table is compared.
    Table {
        /// As `database.table`.
        table: String,
        /// The host with whose replicas it is compared.
        source: HostName,
        /// Its number among the tables, from 1.
        number: usize,
        /// How many tables there are.
        of: usize,
    },
    /// Nothing is compared for now.
    Resting(Rest),
}

/// What lets a comparison rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rest {
    /// The source runs more statements than it may.
    Load {
        /// The source.
        source: HostName,
        /// Statements at once.
        load: u64,
    },
    /// A replica is further behind than it may be.
    Lag {
        /// The replica.
        replica: HostName,
        /// Seconds.
        lag: u64,
    },
}

/// What a person should know while it goes on; each is told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Note {
    /// Something about a table.
    Remark(Remark),
    /// A comparison rests.
    Resting(Rest),
}
