//! Whose data counts.

use super::{Message, all, cause, first, losses};
use crate::{
    gtid::Purged,
    model::{GivenPosition, HostName, bytes},
    plan::{Copies, DataRefused, GivenRefused, GtidWay, Lost, WayToSource},
};

/// Why nothing is done to a host's data, and what to do.
pub(super) fn refused(host: &HostName, why: &DataRefused) -> Message {
    let details = match why {
        DataRefused::OnBoth { losses, .. }
        | DataRefused::OnReplicaOnly { losses, .. }
        | DataRefused::MovedApart { losses, .. } => losses.as_deref().map(losses::lines).unwrap_or_default(),
        _ => Vec::new(),
    };
    Message { reason: reason(host, why), details }
}

fn reason(host: &HostName, why: &DataRefused) -> String {
    match why {
        DataRefused::OnBoth { .. } => on_both(host, why),
        DataRefused::OnReplicaOnly { source, databases, way, .. } => {
            let way_out = match way {
                WayToSource::SeedFrom => format!("say `seed_from: {host}`"),
                WayToSource::NoRole => "add the role seed, which copies it".to_owned(),
                WayToSource::ChangePlaces => format!("make it the primary (`primary: {host}`)"),
                WayToSource::TurnChannel => "turn the channel round".to_owned(),
            };
            format!(
                "{host} holds data ({}) and {source}, its source, holds none. If {host} is where the data should come \
                 from, {way_out}. Nothing was changed.",
                first(databases)
            )
        }
        DataRefused::SourcePurged { source, lost, copies } => source_purged(host, source, lost, *copies),
        DataRefused::MovedApart { now, source, copies, .. } => {
            format!(
                "{host} follows {now} and shall follow {source}, and nothing proves that {source} has all that {host} \
                 has. {} Nothing was changed.",
                copy(host, source, *copies)
            )
        }
        DataRefused::SharedDomain { source, other, domain } => format!(
            "{source} and {other} have both written in GTID domain {domain}, and {host} has one place for it: one of \
             the two would not find it. Give {host} `replication_positioning: file`. Nothing was changed."
        ),
        DataRefused::MoveNeedsGtid { now, source, gtid, copies } => {
            let by_gtid = match gtid {
                GtidWay::Open => " Say `replication_positioning: gtid` for the move.",
                GtidWay::DeclaredOff => " Set gtid_mode to ON for a move by GTID.",
                GtidWay::SharedDomain => "",
            };
            let by_copy = copies.map(|copies| format!(" {}", copy(host, source, copies))).unwrap_or_default();
            format!(
                "{host} follows {now} and shall follow {source}: a place in one binary log means nothing in \
                 another.{by_gtid}{by_copy} Nothing was changed."
            )
        }
        DataRefused::GivenPosition { source, at, why } => given_position(host, source, at, why),
        DataRefused::WayBackNeedsGtid { source, gtid } => {
            let way_out = match gtid {
                GtidWay::Open => "Say `replication_positioning: gtid`, at least for this change.",
                GtidWay::DeclaredOff => "Set gtid_mode to ON: only GTIDs tell it.",
                GtidWay::SharedDomain => {
                    "GTIDs would, but two of its sources write in one domain: take one of them out of the topology."
                }
            };
            format!(
                "{host} shall follow {source} by file and position, and nothing tells its place in the binary log of \
                 {source}. {way_out} Nothing was changed."
            )
        }
    }
}

fn given_position(host: &HostName, source: &HostName, at: &GivenPosition, why: &GivenRefused) -> String {
    let why = match why {
        GivenRefused::NotInLogs { oldest, end } => {
            format!("the binary logs of {source} go from {oldest} to {end}. Load newer data, or let a method copy it.")
        }
        GivenRefused::Ahead { reached } => {
            format!("{source} has never been there: it stands at {reached}. Look at what was noted, and of which server.")
        }
        GivenRefused::Purged { what } => {
            format!("{source} has purged what comes next ({what}). Load newer data, or let a method copy it.")
        }
        GivenRefused::Followed { replicas } => {
            let names: Vec<&str> = replicas.iter().map(HostName::as_str).collect();
            format!(
                "{} {} from {host} already: its binary logs would start over. End these channels first, or let a method copy it.",
                names.join(", "),
                if names.len() == 1 { "replicates" } else { "replicate" }
            )
        }
        GivenRefused::NeedsSet => {
            "a channel by GTID begins behind a set of transactions: give the GTIDs that the data holds (dumps have them as \
             GTID_PURGED), or say `replication_positioning: file`."
                .to_owned()
        }
        GivenRefused::NeedsPosition => {
            "a channel by GTID begins at a position such as 0-1-318, or at FILE:POSITION.".to_owned()
        }
        GivenRefused::NeedsFile => {
            "a channel by file and position begins at FILE:POSITION; for GTIDs say `replication_positioning: gtid`."
                .to_owned()
        }
    };
    format!("the data of {host} is declared to stand at {at} of {source}, and {why} Nothing was changed.")
}

/// How a replica gets a copy of its source's data over its own.
fn copy(host: &HostName, source: &HostName, copies: Copies) -> String {
    match copies {
        Copies::Made => {
            format!("--allow reseed replaces the data of {host} by a copy; it is kept in a file there.")
        }
        Copies::NoRole => format!("No role copies the data of {source}: add the role seed."),
        Copies::OtherWay => {
            format!(
                "The data is copied from {host} on; `seed_from: {source}` lets it come from {source} instead."
            )
        }
        Copies::ByHand => format!(
            "`seed_method: none` keeps a copy from being made. If it is the data of {source}, loaded by hand, say where it \
             stands in the binary log of {source} (`seed_position`); else use another method."
        ),
    }
}

fn on_both(host: &HostName, why: &DataRefused) -> String {
    let DataRefused::OnBoth { source, only_here, related, bytes: size, copies, saved, two_way, .. } = why
    else {
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
    let other_way = match *two_way && *copies == Copies::Made {
        true => format!(" `seed_from: {host}` beside it copies the other way."),
        false => String::new(),
    };
    let discard = match *saved && *copies == Copies::Made {
        true => format!(
            "--allow discard-errant saves the transactions that only {host} has there, as SQL, and replaces its data by a \
             copy. Also where they can't be saved, "
        ),
        false => String::new(),
    };
    let way_out = discard + &copy(host, source, *copies) + &other_way;
    format!(
        "{host} and {source} both hold data, and {history}: {detail}. {} of {host} would be lost by a copy from \
         {source}. {way_out} Nothing was changed.",
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

fn source_purged(host: &HostName, source: &HostName, lost: &Lost, copies: Copies) -> String {
    let lost = match lost {
        Lost::Files { oldest, executed } => {
            format!("{source} has purged its binary logs before {oldest}, and {executed} was executed last")
        }
        Lost::Transactions(what) => purged(what),
        Lost::Own { ids } => format!(
            "{source} has {ids}, which {host} wrote itself and has lost since; a replica leaves out what bears its own \
             server_id"
        ),
        Lost::Broken(found) => cause::clause(found),
    };
    let next = copy(host, source, copies);
    format!("replication from {source}: {lost}. {host} needs a new copy. {next} Nothing was changed.")
}
