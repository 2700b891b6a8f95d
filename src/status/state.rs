//! How a host and a channel are.

use std::fmt;

use serde::{Serialize, Serializer};

/// How a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HostState {
    /// Its server runs and was read.
    Up,
    /// Its server does not run, or none is installed.
    Down,
    /// It was not read, or not whole.
    Unread,
}

/// How a channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChannelState {
    /// Both threads run.
    Running,
    /// It was stopped without an error.
    Stopped,
    /// Its receiver tries to connect.
    Connecting,
    /// It does not run because of an error.
    Broken,
    /// It is declared and not there.
    Missing,
    /// It is declared, and its replica was not read.
    Unknown,
}

impl HostState {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            HostState::Up => "up",
            HostState::Down => "down",
            HostState::Unread => "unread",
        }
    }
}

impl ChannelState {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            ChannelState::Running => "running",
            ChannelState::Stopped => "stopped",
            ChannelState::Connecting => "connecting",
            ChannelState::Broken => "broken",
            ChannelState::Missing => "missing",
            ChannelState::Unknown => "unknown",
        }
    }

    /// Whether it is known not to run.
    pub fn is_trouble(self) -> bool {
        !matches!(self, ChannelState::Running | ChannelState::Unknown)
    }
}

impl fmt::Display for HostState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl fmt::Display for ChannelState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl Serialize for HostState {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.word())
    }
}

impl Serialize for ChannelState {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.word())
    }
}
