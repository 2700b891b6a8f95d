//! The takeover of a lost host's writes.

use crate::model::{HostName, Place, coded};

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
        /// Another member accepts writes already: two would.
        OtherWriter {
            /// The ones that do.
            writers: Vec<HostName>,
            /// Those of them that lack what this host has received.
            behind: Vec<HostName>,
        } = "other-writer",
        /// It takes the writes, and has what the closed host lacks that is declared to take them.
        WritesElsewhere {
            /// The host that is declared to.
            declared: HostName,
            /// Where it is declared that that one takes none.
            closed_at: Option<Place>,
            /// The members that were not read: each of them may take writes, too.
            unread: Vec<HostName>,
        } = "writes-elsewhere",
        /// It has what the host lacks whose writes it is to take, or nothing proves that it has not.
        GoneApart {
            /// That host.
            from: HostName,
        } = "target-gone-apart",
        /// It is declared to be read-only.
        DeclaredClosed {
            /// Where that is declared.
            place: Place,
        } = "declared-closed",
        /// The host whose writes it is to take is declared to go on taking them.
        OldWriterDeclaredOpen {
            /// That host.
            from: HostName,
            /// Where that is declared.
            place: Place,
        } = "old-writer-declared-open",
        /// Its server is to be restarted while a replica takes its writes, and none can.
        NoStandIn {
            /// Its replicas, and why each of them can't.
            unable: Vec<(HostName, Unable)>,
        } = "no-stand-in",
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

/// Why a replica can't take the writes for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unable {
    /// It could not be read.
    NotRead,
    /// It does not follow the primary yet, or not directly.
    NoChannel,
    /// Its channel does not run.
    Stopped,
    /// Its channel is delayed.
    Delayed,
    /// It is too far behind.
    Behind,
    /// Its channel counts by file and position.
    ByFile,
    /// It does not get everything.
    Filtered,
    /// It writes no binary log, or not what it receives.
    NoLog,
    /// Its server has another version.
    OtherVersion,
    /// It would take what clients write otherwise: another `sql_mode`, character set, collation or time zone.
    OtherParameters,
    /// It accepts writes itself, or nothing declares that it does not.
    NotClosed,
    /// A copy of the primary's data is not complete.
    Unfinished,
}
