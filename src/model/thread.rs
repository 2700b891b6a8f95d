//! Channels in the servers' own words.

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

words! {
    /// How a channel finds where to go on: MariaDB's words for `Using_Gtid`, and one for MySQL's `Auto_Position`.
    pub enum UsingGtid: "a way to find a channel's position" {
        /// By file and position in the source's binary log.
        No = "No",
        /// MariaDB: by what it has replicated.
        SlavePos = "Slave_Pos",
        /// MariaDB: by all it has, its own writes too.
        CurrentPos = "Current_Pos",
        /// MySQL: by what it lacks of the source's transactions.
        AutoPosition = "Auto_Position",
        /// Not told.
        Unknown = "",
    }
}

/// Nobody has told it: it goes neither by GTIDs nor by file.
impl Default for UsingGtid {
    fn default() -> Self {
        Self::Unknown
    }
}

impl UsingGtid {
    /// Whether it goes by GTIDs.
    pub fn by_gtid(self) -> bool {
        matches!(self, Self::SlavePos | Self::CurrentPos | Self::AutoPosition)
    }

    /// Whether it goes by file and position.
    pub fn by_file(self) -> bool {
        self == Self::No
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_that_does_not_tell_goes_neither_way() {
        for (word, by_gtid, by_file) in [
            ("No", false, true),
            ("Slave_Pos", true, false),
            ("Current_Pos", true, false),
            ("Auto_Position", true, false),
            ("", false, false),
        ] {
            let one: UsingGtid = word.parse().expect("a word of a server");
            assert_eq!((one.by_gtid(), one.by_file()), (by_gtid, by_file), "{word}");
        }
    }
}
