//! What speaks against a method of copying a whole server.

use super::{all, first};
use crate::{
    dialect::CannotCopy,
    model::{HostName, bytes, visible},
    plan::MethodRefused,
};

/// What speaks against it, as a clause.
pub(super) fn against(host: &HostName, why: &MethodRefused) -> String {
    match why {
        MethodRefused::OtherSources => {
            format!("{host} has other sources, too, and everything that it has would be replaced")
        }
        MethodRefused::Filtered => {
            "a whole server is copied, and the filters of the channel leave out some of it".to_owned()
        }
        MethodRefused::UnitUnknown => {
            format!("{host} has to be restarted, and its unit is not known; set mysql_service")
        }
        MethodRefused::NoAdmin { user, source } => {
            format!("{source} has no account {user}, by which {host} is administered")
        }
        MethodRefused::Clone { copy_source, why } => clone(host, copy_source, why),
        MethodRefused::Files { copy_source, why } => files(host, copy_source, why),
        MethodRefused::Differs { variable, copy_source, there, here } => {
            format!("{variable} is {there} on {copy_source} and {here} on {host}")
        }
        MethodRefused::SmallPackets { on, least } => {
            format!("max_allowed_packet of {on} is below {}", bytes(*least))
        }
        MethodRefused::NotCloned { tables } => {
            format!("only InnoDB is cloned, and these tables would be lost: {}", first(tables))
        }
        MethodRefused::ByIpv6 => "the plugin takes a source by name or by an IPv4 address".to_owned(),
        MethodRefused::Overlay { datadir } => format!(
            "{datadir} of {host} is on an overlay, where the server can't rename directories and would not come up"
        ),
        MethodRefused::NoProgram { program, on } => {
            format!("{program} is not on {on}; install the package mariadb-backup")
        }
        MethodRefused::Encrypted { copy_source, variables } => {
            format!("{copy_source} encrypts its files with keys of its own ({})", all(variables))
        }
        MethodRefused::DiskNotRead => format!("the file system of {host}'s data was not read"),
        MethodRefused::Outside { on, variables } => {
            format!("{on} keeps files outside of its data directory: {}", first(variables))
        }
        MethodRefused::OutsideNext { variable, value, place } => format!(
            "{host} would keep files outside of its data directory from its next start on: {variable} = {} ({place})",
            visible(value)
        ),
        MethodRefused::Immovable { datadir } => {
            format!("{datadir} of {host} can't be moved aside: it is a link or a file system of its own")
        }
    }
}

fn clone(host: &HostName, copy_source: &HostName, why: &CannotCopy) -> String {
    match why {
        CannotCopy::Family => "the clone plugin is MySQL's; MariaDB has `seed_method: physical`".to_owned(),
        CannotCopy::TooOld(old) => format!(
            "a clone that starts with its channels stopped takes MySQL 8.0.26 (skip_replica_start), and one of the two \
             is {old}"
        ),
        CannotCopy::Apart { copy_source: there, taker: here } => format!(
            "{copy_source} has {there} and {host} {here}; both must be of one series and 8.0.37 or later, or the same"
        ),
    }
}

fn files(host: &HostName, copy_source: &HostName, why: &CannotCopy) -> String {
    match why {
        CannotCopy::Family => "mariadb-backup is MariaDB's; MySQL has `seed_method: clone`".to_owned(),
        CannotCopy::TooOld(old) => format!("mariadb-backup can't copy {old}"),
        CannotCopy::Apart { copy_source: there, taker: here } => {
            format!(
                "{copy_source} has {there} and {host} {here}; both must be of one series, and {host} not older"
            )
        }
    }
}
