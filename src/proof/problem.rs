//! What was put to the test and does not hold.

use std::time::Duration;

use serde::Serialize;

use super::{Doubt, Remark};
use crate::{
    doctor::{ChannelFault, ErrantExplanation},
    model::{ChannelState, HostName, ThreadState, coded},
};

/// How a writer counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counting {
    /// The writer.
    pub host: HostName,
    /// `auto_increment_increment`.
    pub increment: u64,
    /// `auto_increment_offset`.
    pub offset: u64,
}

coded! {
    /// Why a channel is not proven.
    pub enum Unproven {
        /// No row was sent along it.
        NoRow(Doubt) = "no-row",
        /// Its replica has errant transactions.
        Errant(Box<ErrantExplanation>) = "errant",
        /// Nobody knows whether its replica has errant transactions.
        ErrantNotRead(String) = "errant-not-read",
        /// It does not run, and this is why.
        Fault(Box<ChannelFault>) = "fault",
        /// It does not run.
        Stopped(ChannelState) = "stopped",
        /// A row did not arrive.
        Late {
            /// Whose.
            writer: HostName,
            /// How long was waited.
            waited: Duration,
        } = "late",
    }
}

coded! {
    /// Why two writers can give out the same number.
    pub enum Collision {
        /// A server ignores an offset above the increment.
        OffsetIgnored {
            /// The server.
            host: HostName,
            /// `auto_increment_offset`.
            offset: u64,
            /// `auto_increment_increment`.
            increment: u64,
        } = "offset-ignored",
        /// Their numbers meet.
        SameNumbers(Box<[Counting; 2]>) = "same-numbers",
        /// Two gave out the same number.
        GivenTwice {
            /// Both.
            hosts: [HostName; 2],
            /// The number.
            id: String,
        } = "given-twice",
        /// Not all rows came.
        RowsMissing {
            /// Of whom.
            writer: HostName,
            /// Where they did not come.
            host: HostName,
        } = "rows-missing",
    }
}

coded! {
    /// Why a table is not the same on two hosts, before any row is looked at.
    pub enum TableProblem {
        /// It is missing.
        Missing {
            /// Where.
            host: HostName,
        } = "missing-table",
        /// Columns are missing.
        Columns {
            /// Where.
            host: HostName,
            /// Their names.
            names: Vec<String>,
        } = "missing-columns",
    }
}

coded! {
    /// Why replication is not proven to return after a restart.
    pub enum RestartProblem {
        /// The unit is not known.
        NoUnit = "no-unit",
        /// A channel did not return in time.
        ChannelGone {
            /// The source.
            source: HostName,
            /// The replica.
            replica: HostName,
            /// How long was waited.
            waited: Duration,
            /// Where it stood at last.
            at: ChannelAt,
        } = "channel-gone",
        /// A row did not arrive.
        RowLate {
            /// Whose.
            writer: HostName,
            /// Where.
            host: HostName,
        } = "row-late",
        /// It could not be done.
        Failed(Remark) = "restart-failed",
    }
}

/// Where a channel stood when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelAt {
    /// Its threads stood so.
    Threads {
        /// The one that receives.
        receiver: ThreadState,
        /// The one that applies.
        applier: ThreadState,
    },
    /// It is not there.
    Gone,
    /// It could not be looked at, in the words of who said so.
    NotRead(String),
}

impl Unproven {
    /// The code of what lies below it: that of the doubt, or of why the channel does not run.
    pub fn cause(&self) -> &'static str {
        match self {
            Unproven::NoRow(doubt) => doubt.code(),
            Unproven::Fault(fault) => fault.code().unwrap_or(self.code()),
            _ => self.code(),
        }
    }
}
