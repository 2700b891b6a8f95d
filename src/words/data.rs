//! Whose data counts.

use super::{Told, all, first};
use crate::{
    gtid::Purged,
    model::{HostName, bytes},
    plan::{DataRefused, Lost},
};

/// Why nothing is done to a host's data, and what to do.
pub(super) fn refused(host: &HostName, why: &DataRefused) -> Told {
    let details = match why {
        DataRefused::OnBoth { losses, .. }
        | DataRefused::OnReplicaOnly { losses, .. }
        | DataRefused::MovedApart { losses, .. } => losses.clone(),
        _ => Vec::new(),
    };
    Told { reason: reason(host, why), details }
}

fn reason(host: &HostName, why: &DataRefused) -> String {
    match why {
        DataRefused::OnBoth { .. } => on_both(host, why),
        DataRefused::OnReplicaOnly { source, databases, .. } => format!(
            "{host} holds data ({}) and {source}, its source, holds none. If {host} is where the data should come from, \
             say `seed_from: {host}` or make it the primary. Nothing was changed.",
            first(databases)
        ),
        DataRefused::SourcePurged { source, lost, copies } => source_purged(host, source, lost, *copies),
        DataRefused::MovedApart { now, source, copies, .. } => {
            let way_out = match copies {
                true => " --allow reseed replaces its data, which is kept in a file there.",
                false => "",
            };
            format!(
                "{host} follows {now} and shall follow {source}, and nothing proves that {source} has all that {host} \
                 has.{way_out} Nothing was changed."
            )
        }
        DataRefused::SharedDomain { source, other, domain } => format!(
            "{source} and {other} have both written in GTID domain {domain}, and {host} has one place for it: one of \
             the two would not find it. Give {host} `replication_positioning: file`. Nothing was changed."
        ),
        DataRefused::MoveNeedsGtid { now, source } => format!(
            "{host} follows {now} and shall follow {source}: a place in one binary log means nothing in another. Say \
             `replication_positioning: gtid` for the move. Nothing was changed."
        ),
        DataRefused::WayBackNeedsGtid { source } => format!(
            "{host} shall follow {source} by file and position, and nothing tells its place in the binary log of \
             {source}. Say `replication_positioning: gtid`, at least for this change. Nothing was changed."
        ),
    }
}

fn on_both(host: &HostName, why: &DataRefused) -> String {
    let DataRefused::OnBoth { source, only_here, related, bytes: size, copies, .. } = why else {
        return String::new();
    };
    let detail = match only_here.as_slice() {
        [] => "the same databases are on both, and nothing proves that their rows are equal".to_owned(),
        names => format!("only {host} has {}", all(names)),
    };
    let history = match related {
        true => "they have gone different ways",
        false => "neither has replicated from the other",
    };
    let ways_out = match copies {
        true => format!(
            "Copy the other way with `seed_from: {host}` if that is what was meant, or replace the data of {host} with \
             --allow reseed; it is kept in a file on {host}. "
        ),
        false => String::new(),
    };
    format!(
        "{host} and {source} both hold data, and {history}: {detail}. {} of {host} would be lost by a copy from \
         {source}. {ways_out}Nothing was changed.",
        bytes(*size)
    )
}

/// What a replica needs next and its source has no longer, as a clause.
pub(crate) fn purged(what: &Purged) -> String {
    match what {
        Purged::Domain { domain, purged, has } => {
            let has = has.map_or_else(|| "nothing of this domain".to_owned(), |id| format!("only {id}"));
            format!(
                "domain {domain}: the source has purged its binary logs up to {purged}, and the replica has {has}"
            )
        }
        Purged::Transactions(missing) => {
            format!("the source has purged {missing}, which the replica lacks")
        }
    }
}

fn source_purged(host: &HostName, source: &HostName, lost: &Lost, copies: bool) -> String {
    let lost = match lost {
        Lost::Files { oldest, executed } => {
            format!("{source} has purged its binary logs before {oldest}, and {executed} was executed last")
        }
        Lost::Transactions(what) => purged(what),
        Lost::Broken(why) => why.clone(),
    };
    let next = match copies {
        true => {
            format!("{host} needs a new copy: --allow reseed; its own data is kept in a file on {host}")
        }
        false => format!(
            "A new copy is needed, and no role makes one from {source} to {host}: add the role seed, or `seed_from: \
             {source}`"
        ),
    };
    format!("replication from {source}: {lost}. {next}. Nothing was changed.")
}
