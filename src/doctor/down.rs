//! Why a server is down, as values: how its unit ended, what its log says, its option files, its disk. `words` has the
//! sentences.

use crate::model::coded;

/// Why a server is down. Something of it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WhyDown {
    /// How it came that its unit does not run.
    pub end: Option<End>,
    /// Its last words.
    pub said: Option<Said>,
    /// File and line of the option that they are about.
    pub option: Option<(String, u32)>,
    /// The disk of its data is full.
    pub disk: Option<FullDisk>,
    /// Its data belongs to somebody else.
    pub owner: Option<OtherOwner>,
}

impl WhyDown {
    /// The code of what tells most of it, stable from version to version; nothing where nothing is known. What keeps
    /// any start from going well and was seen now comes before a log, which may be about an earlier start.
    pub fn code(&self) -> Option<&'static str> {
        let end = || self.end.as_ref().map(|end| &end.cause);
        let masked = end().filter(|cause| matches!(cause, EndCause::Masked { .. })).map(EndCause::code);
        let owner = || self.owner.is_some().then_some(OTHER_OWNER);
        let disk = || self.disk.is_some().then_some(DISK_FULL);
        let log = || self.said.as_ref().map(|said| said.meaning.as_ref().map_or(LOG, LogCause::code));
        masked.or_else(owner).or_else(disk).or_else(log).or_else(|| end().map(EndCause::code))
    }

    /// The codes of all causes; one may stand twice.
    pub fn codes() -> Vec<&'static str> {
        [EndCause::CODES, LogCause::CODES, &[DISK_FULL, OTHER_OWNER, LOG]].concat()
    }

    pub(super) fn is_known(&self) -> bool {
        *self != Self::default()
    }
}

const DISK_FULL: &str = "disk-full";
const OTHER_OWNER: &str = "data-of-another-user";
const LOG: &str = "error-in-log";

/// Why a server did not come up: what it said, and how it ended. Both may be unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedStart {
    /// Its last words.
    pub said: Option<Said>,
    /// How it ended.
    pub end: Option<EndCause>,
}

/// How a unit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// How.
    pub cause: EndCause,
    /// Whether systemd starts it again and again.
    pub again: bool,
}

/// The line of a log that tells most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What it means, where that is known.
    pub meaning: Option<LogCause>,
    /// The server's own words, shortened.
    pub line: String,
}

/// A disk on which a server can't start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullDisk {
    /// Bytes that are free.
    pub free: u64,
    /// The data directory.
    pub datadir: String,
}

/// A data directory that belongs to another user than the server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherOwner {
    /// The directory.
    pub datadir: String,
    /// Its owner.
    pub owner: String,
    /// The user that the server runs as.
    pub user: String,
}

coded! {
    /// How it came that a unit does not run.
    pub enum EndCause {
        /// Nothing can start it.
        Masked {
            /// The unit.
            unit: String,
        } = "unit-masked",
        /// It is starting.
        Starting = "server-starting",
        /// A unit that it needs has failed.
        NeededUnit {
            /// systemd's own words.
            line: String,
        } = "needed-unit-failed",
        /// A condition of the unit did not hold.
        Condition {
            /// The unit.
            unit: String,
        } = "unit-condition-failed",
        /// It was not started since the host's boot.
        NotStarted {
            /// The unit, where it does not start at boot.
            disabled: Option<String>,
        } = "not-started-since-boot",
        /// It was stopped.
        Stopped {
            /// When.
            since: String,
        } = "server-stopped",
        /// The kernel ended it because memory ran out.
        OutOfMemory = "server-out-of-memory",
        /// It ended by itself.
        Exited {
            /// Its exit status.
            status: u32,
        } = "server-exited",
        /// A signal ended it.
        Signalled {
            /// The signal.
            signal: u32,
        } = "server-killed",
        /// It crashed.
        Crashed {
            /// The signal.
            signal: u32,
        } = "server-crashed",
        /// systemd ended it, since it took too long.
        TooLong = "start-timeout",
        /// systemd ended it, since it gave no sign of life.
        NoSign = "watchdog-timeout",
        /// systemd has given up.
        GivenUp {
            /// How it ended the last time.
            last: Option<Box<EndCause>>,
        } = "start-limit-hit",
        /// It did not come up within the limit.
        Late = "not-up-in-time",
        /// It runs, and lets root in no more.
        LetsNobodyIn = "login-lost",
        /// Something else, in systemd's word.
        Other {
            /// `Result` of the unit.
            result: String,
        } = "unit-failed",
    }
}

coded! {
    /// What a line of a server's log means.
    pub enum LogCause {
        /// An option file has a variable that the server does not know.
        UnknownVariable = "variable-not-known",
        /// An option file has an option that the server does not know.
        UnknownOption = "option-not-known",
        /// An option could mean two.
        AmbiguousOption = "option-ambiguous",
        /// An option has an impossible value.
        ImpossibleValue = "option-value-impossible",
        /// A line stands before the first group.
        NoGroup = "option-without-group",
        /// The disk is full.
        DiskFull = "disk-full",
        /// Another program listens at the port.
        PortInUse = "port-in-use",
        /// The server may not listen at the port.
        PortForbidden = "port-forbidden",
        /// The server can't listen at the address.
        AddressNotThere = "address-not-there",
        /// A plugin's library can't be loaded.
        NoLibrary = "plugin-not-loaded",
        /// The server may not read or write a file.
        FileForbidden = "file-forbidden",
        /// Another server runs on the same data.
        DataInUse = "data-in-use",
        /// There is not enough memory.
        NoMemory = "memory-not-enough",
        /// A system table is damaged.
        TableDamaged = "system-table-damaged",
        /// The binary log or its index can't be opened.
        BinlogNotOpened = "binlog-not-opened",
    }
}
