//! What is wrong with a host, a channel, or with who accepts writes.

use super::{Explanation, Layer, WhyDown};
use crate::{model::HostName, observe::UnreadPart};

/// Why a host is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostProblem {
    /// It, or its server, could not be read.
    NotRead {
        /// Why.
        why: String,
    },
    /// Its server answers, and a part of it could not be read.
    PartNotRead {
        /// The part.
        part: UnreadPart,
        /// Why.
        why: String,
    },
    /// No server is installed.
    NoServer,
    /// Its server does not run.
    Down {
        /// Why, as far as that is known.
        why: Option<Box<WhyDown>>,
    },
}

impl HostProblem {
    /// The code of why its server is down, where that is known.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            HostProblem::Down { why } => why.as_ref()?.code(),
            _ => None,
        }
    }
}

/// Why a channel is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelFault {
    /// What it is.
    pub what: ChannelProblem,
    /// Whether errant transactions of its replica are settled before anything is done to it.
    pub errant_first: Option<HostName>,
}

/// What is wrong with a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelProblem {
    /// It is declared, and is not there.
    Missing {
        /// The host that shall be the replica.
        replica: HostName,
        /// Of whom.
        source: HostName,
    },
    /// It does not run.
    Stopped(Box<Explanation>),
}

impl ChannelFault {
    /// The code of the cause, stable from version to version.
    pub fn code(&self) -> Option<&'static str> {
        self.explanation().map(|found| found.cause.code())
    }

    /// The layer that fails, from the outside in.
    pub fn layer(&self) -> Option<Layer> {
        self.explanation().map(|found| found.layer)
    }

    /// Why it does not run.
    pub fn explanation(&self) -> Option<&Explanation> {
        match &self.what {
            ChannelProblem::Stopped(found) => Some(found),
            ChannelProblem::Missing { .. } => None,
        }
    }
}

impl From<ChannelProblem> for ChannelFault {
    fn from(what: ChannelProblem) -> Self {
        Self { what, errant_first: None }
    }
}

/// What is wrong with who accepts writes, where clients are declared to write to one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WritersProblem {
    /// Nobody does.
    None {
        /// The host that is declared to.
        declared: HostName,
    },
    /// More than one does.
    Several {
        /// All that do.
        open: Vec<HostName>,
        /// The host that is declared to.
        declared: HostName,
    },
    /// Hosts do that are declared lost.
    Lost {
        /// Those.
        open: Vec<HostName>,
    },
    /// Another one does.
    Other {
        /// That one.
        open: HostName,
        /// The host that is declared to.
        declared: HostName,
        /// Whether that one was read, and is closed.
        read: bool,
    },
}
