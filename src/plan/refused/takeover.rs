//! The takeover of a lost host's writes.

use super::coded;
use crate::model::HostName;

coded! {
    /// Why a replica does not take the writes of a host that is declared lost.
    pub enum TakeoverRefused {
        /// The lost host lives.
        StillAlive {
            /// The lost host.
            lost: HostName,
            /// Who has seen it.
            seen: Alive,
        } = "still-alive",
        /// Another replica has received events that this one lacks.
        NotSuperset {
            /// What each of the others has beyond the one that is to be written to.
            ahead: Vec<Ahead>,
            /// What that one has beyond each of them, in the same order.
            behind: Vec<Vec<String>>,
            /// The replica that has everything of all, where one has.
            best: Option<HostName>,
        } = "not-superset",
    }
}

/// Who has seen a lost host alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alive {
    /// Its server has answered.
    Server,
    /// Its port is open for a replica.
    Port {
        /// The replica.
        replica: HostName,
    },
}

/// A replica with what it has received and another one has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ahead {
    /// The replica.
    pub replica: HostName,
    /// Its events: of MariaDB the newest of each writer, of MySQL all.
    pub events: Vec<String>,
}
