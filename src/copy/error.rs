//! Why a copy failed: at which end, at what, and for what kind of reason.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    dialect::CopyEnd,
    model::{duration, visible},
    transport::SqlError,
};

/// A copy that did not come to its end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CopyError {
    /// Where it failed.
    pub end: CopyEnd,
    /// What was tried, to be read after "could not".
    pub tried: String,
    /// Why it failed.
    pub why: CopyFault,
}

/// The kind of reason.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum CopyFault {
    /// The server or the connection.
    Sql(SqlError),
    /// The lock could not be had in time, since queries run.
    LockNotGot(SqlError),
    /// The lock was held for as long as it may be.
    LockLimit(Duration),
    /// The lock was lost meanwhile.
    LockLost(SqlError),
    /// Definitions changed while they were read.
    Altered,
    /// It has no binary log.
    NoBinlog,
    /// It is another server than the declared one.
    AnotherServer {
        /// What tells.
        what: String,
        /// As it was observed.
        declared: String,
        /// As it is.
        found: String,
    },
    /// Nothing has moved.
    Stalled {
        /// For how long.
        after: Duration,
        /// What is known of the cause.
        why: Option<String>,
    },
    /// A server has taken another number of rows than it was given.
    Rows {
        /// Given.
        given: u64,
        /// Taken.
        taken: u64,
    },
    /// A part of the program ended in the middle of its work.
    Ended(String),
}

impl CopyError {
    /// An error.
    pub(crate) fn new(end: CopyEnd, tried: impl Into<String>, why: CopyFault) -> Self {
        Self { end, tried: tried.into(), why }
    }

    /// What a server or a connection says.
    pub(crate) fn sql(end: CopyEnd, tried: impl Into<String>) -> impl FnOnce(SqlError) -> Self {
        let tried = tried.into();
        move |error| Self::new(end, tried, CopyFault::Sql(error))
    }
}

impl fmt::Display for CopyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql(error) | Self::LockNotGot(error) | Self::LockLost(error) => error.fmt(f),
            Self::LockLimit(limit) => {
                write!(f, "it took longer than {}, and the lock was given back", duration(*limit))
            }
            Self::Altered => f.write_str("tables were altered meanwhile"),
            Self::NoBinlog => f.write_str("its binary log is off"),
            Self::AnotherServer { what, declared, found } => {
                write!(f, "its {what} is {} and was {}", visible(found), visible(declared))
            }
            Self::Stalled { after, why } => {
                write!(f, "nothing has moved for {}", duration(*after))?;
                why.iter().try_for_each(|why| write!(f, "; {why}"))
            }
            Self::Rows { given, taken } => write!(f, "of {given} rows it took {taken}"),
            Self::Ended(why) => f.write_str(why),
        }
    }
}
