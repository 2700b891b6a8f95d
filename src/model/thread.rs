//! Threads of a channel.

use super::choice::words;

words! {
    /// How a thread of a channel stands, in the servers' own words (`SHOW REPLICA STATUS`).
    pub enum ThreadState: "a state of a channel's thread" {
        /// It runs; the receiver has its connection.
        Yes = "Yes",
        /// It has stopped.
        No = "No",
        /// The receiver tries to connect.
        Connecting = "Connecting",
        /// MariaDB: the receiver has just been started.
        Preparing = "Preparing",
    }
}

/// A thread that nobody has started.
impl Default for ThreadState {
    fn default() -> Self {
        Self::No
    }
}
