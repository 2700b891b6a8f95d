//! How a host is.

use crate::model::words;

words! {
    /// How a host is.
    pub enum HostState: "a state of a host" {
        /// Its server runs and was read.
        Up = "up",
        /// Its server does not run, or none is installed.
        Down = "down",
        /// It was not read, or not whole.
        Unread = "unread",
    }
}
