//! Why something is not done to one host, whatever the others are like.

use crate::{
    doctor::FailedStart,
    firewall::Backend,
    model::{Family, HostName, Place, ServerVersion, coded},
    plan::Because,
};

coded! {
    /// Why a server variable is not set.
    pub enum SettingRefused {
        /// No option file includes a directory.
        NoPlace = "no-place-for-option-file",
        /// `mysql_option_file` names a file that is not tandem's.
        NotOurs {
            /// The file.
            path: String,
        } = "option-file-not-ours",
        /// `mysql_option_file` names a place at which the server reads no file.
        NotRead {
            /// The file.
            path: String,
        } = "option-file-not-read",
        /// Tandem's file is to be in another place than the one in which it has written it.
        Former {
            /// Where it is.
            former: String,
            /// Where it shall be.
            path: String,
        } = "option-file-moved",
        /// The server is started with `--no-defaults`, so no option file counts.
        ReadsNoFiles {
            /// The unit that starts it.
            unit: String,
        } = "reads-no-option-files",
        /// A restart needs room, and the data directory's file system has none.
        DiskFull {
            /// Bytes that are free.
            free: u64,
            /// The data directory.
            datadir: String,
        } = "disk-full",
        /// The server has no such variable.
        Unknown {
            /// Its name.
            name: String,
            /// Where it is declared.
            place: Place,
            /// The server's version.
            version: ServerVersion,
            /// One that it has, with nearly that name.
            near: Option<String>,
        } = "unknown-variable",
        /// The server takes no such value.
        NotTaken {
            /// The variable.
            name: String,
            /// Where it is declared.
            place: Place,
            /// What is declared, where it may be shown.
            value: String,
            /// Why.
            why: ValueRefused,
        } = "value-not-taken",
        /// An option file that is read later says something else.
        Overridden {
            /// The variable.
            name: String,
            /// Where it is declared.
            place: Place,
            /// The file on the host.
            file: String,
            /// The line in it.
            line: u32,
            /// What it says.
            value: String,
        } = "overridden-setting",
        /// Something is left out of replication that nobody declared.
        LeavesOut {
            /// The option that leaves it out.
            name: String,
            /// What it names.
            values: Vec<String>,
            /// Whether these are errors that are skipped, and no names.
            skips: bool,
            /// The variable by which it is declared.
            variable: &'static str,
            /// The file on the host and the line in it, where it stands in one.
            written: Option<(String, u32)>,
        } = "undeclared-filter",
        /// The server is started with an argument that says something else, which wins over every file.
        Argument {
            /// The variable.
            name: String,
            /// Where it is declared.
            place: Place,
            /// What the argument says.
            value: String,
            /// The unit that starts the server.
            unit: String,
            /// File and line of the unit in which the argument stands; `None` where its files do not have it.
            at: Option<(String, u32)>,
            /// Whether the process that runs has it. Else the next one will.
            runs: bool,
        } = "overridden-by-argument",
        /// The server's own program reads an option otherwise than it was read here.
        Disputed {
            /// The variable.
            name: String,
            /// Where it is declared.
            place: Place,
            /// The value that was read here; nothing where none was.
            ours: Option<String>,
            /// The value that the server reads; nothing where it reads none.
            server: Option<String>,
            /// File and line of what was read here.
            at: Option<(String, u32)>,
        } = "disputed-option",
        /// The server would not start with its option files.
        FilesRefused {
            /// What it says of them.
            said: String,
            /// The file and line that it names.
            at: Option<(String, u32)>,
        } = "option-files-refused",
        /// The server did not start with it the last time, and the host put the old option file back.
        Failed {
            /// The option that is to blame, where one is.
            setting: Option<(String, Place)>,
            /// The option file.
            path: String,
            /// Why it did not start.
            why: FailedStart,
        } = "setting-failed",
        /// The server is down because of it.
        KeepsServerDown {
            /// The variable.
            name: String,
            /// Where it is declared.
            place: Place,
            /// The file on the host.
            file: String,
            /// The line in it.
            line: u32,
        } = "setting-keeps-server-down",
    }
}

/// Why a server does not take a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueRefused {
    /// It takes a number between two others, in its own words.
    Range(String, String),
    /// What it says of it, or its program.
    Said(String),
    /// The directory that it names is not there.
    NoDirectory(String),
    /// The server's user can't write in the directory that it names.
    Closed(String),
    /// The file that it names can't be read by the server's user.
    Unreadable(String),
    /// The file that it names holds no certificate or key.
    NotPem(String),
    /// The address that it names is none of the host's.
    NoAddress(String),
    /// It is more than the host's memory, of which there are so many bytes with swap.
    NoMemory(u64),
    /// It is the socket through which the server is reached, and this is the one of now.
    WayIn(String),
    /// It would not be heard at the address from which this replica has its events.
    NotHeard {
        /// The replica.
        replica: HostName,
        /// The address of the source.
        address: String,
    },
    /// It has to be as much as another variable, which has this value.
    LessThan(&'static str, String),
    /// Its data directory was made with another one.
    MadeWith(String),
    /// It was given it, and runs with another one.
    Runs(String),
}

coded! {
    /// Why a server is not installed or started.
    pub enum ServerRefused {
        /// None of the package managers that are known is there.
        NoPackageManager = "no-package-manager",
        /// No server is installed, and the data directory of one is there.
        DataWithout {
            /// The directory.
            data: String,
            /// The package that would be installed.
            package: String,
        } = "data-without-server",
        /// Neither of the two families can replicate from the other.
        OtherFamily {
            /// The package that would be installed.
            package: String,
            /// A source or replica of this host.
            peer: HostName,
            /// Its family.
            family: Family,
        } = "server-family",
        /// The unit is masked.
        Masked {
            /// The unit.
            unit: String,
        } = "unit-masked",
    }
}

coded! {
    /// Why the packet filter is not changed.
    pub enum FirewallRefused {
        /// `firewall_backend` is not what the host uses.
        OtherBackend {
            /// The declared one.
            declared: Backend,
            /// The one that rules, where one does.
            found: Option<Backend>,
        } = "firewall-backend",
        /// `firewall_deny_others` is declared, and the host has no packet filter.
        Missing = "firewall-missing",
        /// The address of a peer is no address.
        Name {
            /// What is declared in place of one.
            text: String,
        } = "firewall-name",
    }
}

coded! {
    /// Why no certificate is issued, or no authority replaced.
    pub enum AuthorityRefused {
        /// The authority's file can't be read.
        Unreadable {
            /// The file beside the inventory.
            file: String,
            /// Why, in the system's words.
            why: String,
        } = "authority-unreadable",
        /// Hosts trust another authority than the one beside the inventory.
        Another {
            /// These.
            hosts: Vec<HostName>,
            /// The directory beside the inventory.
            directory: String,
            /// Whether an authority is in it.
            there: bool,
        } = "another-authority",
        /// A certificate is due, and the authority has ended.
        Ended {
            /// Why one is due.
            due: Because,
            /// The directory beside the inventory.
            directory: String,
        } = "authority-ended",
        /// A certificate is due, and the key that issues it is not there.
        KeyMissing {
            /// Why one is due.
            due: Because,
            /// Where the key is looked for.
            key: String,
        } = "authority-key-missing",
    }
}
