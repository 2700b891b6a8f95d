//! How a channel is.

use super::choice::words;

words! {
    /// How a channel is.
    pub enum ChannelState: "a state of a channel" {
        /// Both threads run.
        Running = "running",
        /// It was stopped without an error.
        Stopped = "stopped",
        /// Its receiver tries to connect.
        Connecting = "connecting",
        /// It does not run because of an error.
        Broken = "broken",
        /// It is declared and not there.
        Missing = "missing",
        /// It is declared, and its replica was not read.
        Unknown = "unknown",
    }
}

impl ChannelState {
    /// Whether it is known not to run.
    pub fn is_fault(self) -> bool {
        !matches!(self, ChannelState::Running | ChannelState::Unknown)
    }
}
