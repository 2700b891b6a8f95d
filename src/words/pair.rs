//! A source and its replica that are not alike.

use super::few;
use crate::{
    dialect::{CannotFollow, Gap},
    model::HostName,
    plan::PairRefused,
};

/// Why a host can't follow a source.
pub(super) fn refused(host: &HostName, source: &HostName, why: &PairRefused) -> String {
    let why = match why {
        PairRefused::Versions(why) => format!("{}. Nothing was changed.", cannot_follow(*why)),
        PairRefused::TableNames { values } => format!(
            "{}, so they don't agree on which table a name means. It can only be set when a data directory is made.",
            both("lower_case_table_names", values)
        ),
        PairRefused::Collation { names, version } => format!(
            "its tables use {}, which {version} does not have. Convert them, or take a newer replica.",
            few(names)
        ),
    };
    format!("{host} can't follow {source}: {why}")
}

/// Why one version can't follow another.
pub(super) fn cannot_follow(why: CannotFollow) -> String {
    let CannotFollow { replica, source, gap } = why;
    match gap {
        Gap::Family => {
            format!("{replica} can't replicate from {source}: the two families write different events")
        }
        Gap::FamilyByHand => format!(
            "{replica} can follow {source} by file and position, with rows in its binary log, and tandem makes no such channel: \
             a copy, GTIDs and checks across the two families are not to be had"
        ),
        Gap::FarAhead => format!(
            "{replica} is more than one series ahead of {source}, and a replica may be one ahead of its source"
        ),
        Gap::Older => format!(
            "{replica} can't be relied on to read what {source} writes: a replica must not be older than its source"
        ),
    }
}

/// A variable on two hosts.
pub(super) fn both(name: &str, values: &[(HostName, String); 2]) -> String {
    let mut list = values.each_ref();
    list.sort();
    let one = |(host, value): &(HostName, String)| {
        format!("{} on {host}", if value.is_empty() { "empty" } else { value })
    };
    format!("{name} is {} and {}", one(list[0]), one(list[1]))
}
