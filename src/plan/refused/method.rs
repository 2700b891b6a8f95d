//! What speaks against a method of copying a whole server.

use crate::{
    dialect::CannotCopy,
    model::{HostName, Place},
};

/// What speaks against the declared method of copying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MethodRefused {
    /// The host has other sources, and everything that it has would be replaced.
    OtherSources,
    /// The channel's filters leave out some of what is copied.
    Filtered,
    /// The host has to be restarted, and its unit is not known.
    UnitUnknown,
    /// The source has no account by which the host is administered.
    NoAdmin {
        /// The account's user.
        user: String,
        /// The source.
        source: HostName,
    },
    /// The versions of the two servers, for the clone plugin.
    Clone {
        /// Whose data is cloned.
        copy_source: HostName,
        /// What it is.
        why: CannotCopy,
    },
    /// The versions of the two servers, for a copy of the files.
    Files {
        /// Whose files are copied.
        copy_source: HostName,
        /// What it is.
        why: CannotCopy,
    },
    /// A variable that must be the same on both is not.
    Differs {
        /// The variable.
        variable: &'static str,
        /// Whose data is copied.
        copy_source: HostName,
        /// Its value there.
        there: String,
        /// Its value on the host.
        here: String,
    },
    /// `max_allowed_packet` of a host is too small for the clone plugin.
    SmallPackets {
        /// The host.
        on: HostName,
        /// The least that it takes, in bytes.
        least: u64,
    },
    /// Tables that the clone plugin would leave out.
    NotCloned {
        /// Each with its engine.
        tables: Vec<String>,
    },
    /// The clone plugin takes no source by an IPv6 address.
    ByIpv6,
    /// The data lies on an overlay, where the server can't rename directories.
    Overlay {
        /// The data directory.
        datadir: String,
    },
    /// A program is not there.
    NoProgram {
        /// The program.
        program: &'static str,
        /// Where.
        on: HostName,
    },
    /// The files are encrypted with keys that only their server has.
    Encrypted {
        /// Whose files.
        copy_source: HostName,
        /// The variables that say so.
        variables: Vec<String>,
    },
    /// The file system of the host's data was not read.
    DiskNotRead,
    /// A server keeps files outside of its data directory.
    Outside {
        /// The server's host.
        on: HostName,
        /// The variables that say so, as `name = value`.
        variables: Vec<String>,
    },
    /// The host would keep files outside of its data directory from its next start on.
    OutsideNext {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
        /// Where that stands.
        place: Place,
    },
    /// The data directory can't be moved aside.
    Immovable {
        /// The data directory.
        datadir: String,
    },
}
