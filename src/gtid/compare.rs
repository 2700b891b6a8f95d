//! What the GTIDs of two MariaDB servers prove about feeding one from the other.
//!
//! Within one domain events have one order, which `gtid_strict_mode` enforces. So a server that knows
//! an event knows everything that came before it in the same domain. Across domains there is no order.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{BinlogState, GtidSet, MariaDbGtid, Position};
use crate::model::Fact;

/// Whether a binary log reaches back to the first byte of its server's data.
///
/// GTIDs cannot show this: data that came in before the log was switched on, or with
/// `sql_log_bin=0`, has no id. Only a caller who knows how the server was made may say it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Complete {
    /// Nothing is proven.
    #[default]
    Nothing,
    /// Proven for these domains.
    Domains(BTreeSet<u32>),
    /// Proven for all data.
    Everything,
}

impl Complete {
    fn covers(&self, domain: u32) -> bool {
        match self {
            Complete::Nothing => false,
            Complete::Domains(domains) => domains.contains(&domain),
            Complete::Everything => true,
        }
    }
}

/// Whether what the replica has alone reaches the source, because a channel leads back from the replica to the source,
/// directly or through other servers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ReturnWay {
    /// No way leads back: what the replica has alone is errant.
    #[default]
    None,
    /// Everything will reach the source.
    All,
}

/// What a MariaDB server says about its own events, read in one round trip.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerGtid {
    /// `@@global.server_id`.
    pub server_id: u32,
    /// `@@gtid_binlog_state`; empty where there is no binary log.
    pub binlog_state: BinlogState,
    /// `@@gtid_slave_pos`. It counts events of this server's own that came back to it, too.
    pub slave_pos: Position,
    /// The Gtid_list event of the oldest binary log that is still there: what came before it. Known
    /// and empty where nothing was purged; absent where the server has no binary log.
    pub binlog_start: Fact<BinlogState>,
    /// The first event with an id in that log. It shows where a domain begins whose past no Gtid_list tells: a server that
    /// was seeded, or whose logs were reset, has an empty one.
    pub first: Option<MariaDbGtid>,
    /// Whether the log reaches back to the first byte of the data.
    pub complete: Complete,
}

impl ServerGtid {
    /// Every id that is named in a domain: the newest of each writer.
    fn named(&self, domain: u32) -> impl Iterator<Item = MariaDbGtid> + '_ {
        self.binlog_state.of(domain).iter().copied().chain(self.slave_pos.get(domain))
    }

    /// The newest event this server has in a domain, logged here or only replicated.
    pub fn has(&self, domain: u32) -> Option<MariaDbGtid> {
        let logged = self.binlog_state.current(domain);
        let replicated = self.slave_pos.get(domain);
        match (logged, replicated) {
            (Some(a), Some(b)) => Some(if b.seq > a.seq { b } else { a }),
            (a, b) => a.or(b),
        }
    }

    /// The domains in which this server has events.
    pub fn domains(&self) -> BTreeSet<u32> {
        self.binlog_state.domains().chain(self.slave_pos.iter().map(|id| id.domain)).collect()
    }

    /// Whether this very event, or a later one of the same writer and domain, was seen here.
    fn knows(&self, id: MariaDbGtid) -> bool {
        self.binlog_state.covers(id)
            || self.slave_pos.get(id.domain).is_some_and(|at| at.server == id.server && at.seq >= id.seq)
    }

    /// Whether the dump thread finds this position: in the log, or as exactly the place to which
    /// this server itself has replicated (the two cases of `check_slave_start_position`).
    pub(super) fn locates(&self, id: MariaDbGtid) -> bool {
        self.binlog_state.covers(id) || self.slave_pos.get(id.domain) == Some(id)
    }

    /// Whether the oldest log begins with this event or an earlier one: then it holds all that comes later. One that begins
    /// with the next one would do; but a dump thread in strict mode wants to meet the event itself
    /// (`send_event_to_slave`, error 1236).
    fn begins_at_or_before(&self, at: MariaDbGtid) -> bool {
        self.first.is_some_and(|first| first.domain == at.domain && first.seq <= at.seq)
    }

    /// Whether nothing of a domain was replicated or seeded to this server, so that its own log is
    /// where the domain begins. Its own events, come back to it, don't count; nor does it matter
    /// under which server id it wrote, since that may have been changed.
    fn is_home_of(&self, domain: u32) -> bool {
        self.slave_pos.get(domain).is_none() || self.named(domain).all(|id| id.server == self.server_id)
    }
}

/// The ids of `from` in a domain that `to` provably lacks.
pub(super) fn lacking(from: &ServerGtid, to: &ServerGtid, domain: u32) -> Vec<MariaDbGtid> {
    // A replication position on the newest event means that the whole stream before it went through.
    if from.has(domain).is_some_and(|last| to.slave_pos.get(domain) == Some(last)) {
        return Vec::new();
    }
    let has = |id: MariaDbGtid| {
        // Without `log_slave_updates` a server names only the last writer it followed. If what it
        // names is part of the other's history and later, it went past this event as well.
        let named = to.binlog_state.seq(domain, id.server).is_some();
        let passed = || to.named(domain).any(|at| at.seq >= id.seq && from.knows(at));
        to.knows(id) || (!named && passed())
    };
    let mut lacks: Vec<_> = from.named(domain).filter(|id| !has(*id)).collect();
    lacks.sort_by_key(|id| (id.seq, id.server));
    lacks.dedup();
    lacks
}

/// A stretch of events in one domain that the replica has to fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span {
    /// The last event it has; `None` where it has none of the domain.
    pub after: Option<MariaDbGtid>,
    /// The last event of the source.
    pub up_to: MariaDbGtid,
}

/// Why the binary logs of the source do not serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NeedsSeed {
    /// No event is common to both, and nothing proves that the log holds all data.
    #[error(
        "the servers share no event, and nothing proves that the source's binary log reaches back to its first data"
    )]
    NoCommonHistory,
    /// The source writes no binary log.
    #[error("the source has no binary log to replicate from")]
    NoBinaryLog,
    /// The oldest log begins after what the replica has.
    #[error("domain {domain}: the source has purged its binary logs up to {purged}, and the replica has {}",
        .has.map_or_else(|| "nothing of this domain".to_owned(), |id| format!("only {id}")))]
    Purged {
        /// The domain.
        domain: u32,
        /// The newest event that is no longer in the source's logs.
        purged: MariaDbGtid,
        /// The newest event the replica has.
        has: Option<MariaDbGtid>,
    },
    /// The source took events over by replication or by its own seed, without logging them.
    #[error(
        "domain {domain}: the source has events up to {up_to} that it did not write to its own binary log"
    )]
    NotLogged {
        /// The domain.
        domain: u32,
        /// The newest event that was not logged.
        up_to: MariaDbGtid,
    },
    /// The log may begin in the middle of the domain, and nothing shows where.
    #[error("domain {domain}: nothing proves that the source's binary log holds every event after {}",
        .has.map_or_else(|| "the domain's first".to_owned(), |id| id.to_string()))]
    Unproven {
        /// The domain.
        domain: u32,
        /// The newest event the replica has.
        has: Option<MariaDbGtid>,
    },
}

/// What a replica is to a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Relation {
    /// The replica has every event of the source.
    Same,
    /// The source's binary logs hold all that the replica lacks.
    Recoverable {
        /// What it lacks, by domain.
        missing: Vec<Span>,
    },
    /// The replica has nothing of its own, and needs a copy of the data.
    NeedsSeed {
        /// Every reason, by domain.
        reasons: Vec<NeedsSeed>,
    },
    /// The replica has events that the source has not and will not get, or that a seed would destroy.
    Diverged {
        /// These events: in each domain the newest of each writer.
        errant: Vec<MariaDbGtid>,
    },
}

/// A fact that the comparison needs was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the start of the source's oldest binary log is not known: {why}; nothing can be said about what it still holds"
)]
pub(crate) struct NotKnown {
    /// Why it was not read.
    pub why: String,
}

/// What one domain says.
pub(super) enum Domain {
    /// The replica lacks nothing.
    Level {
        /// What the replica has beyond the source.
        extra: Vec<MariaDbGtid>,
    },
    /// The replica lacks events, and the source has all of its.
    Behind(Span),
    /// The replica lacks events that the source cannot deliver.
    Seed(NeedsSeed),
    /// Both have events that the other lacks: two servers wrote to the domain at the same time, and
    /// one position cannot express that.
    Both {
        /// What the replica has beyond the source.
        extra: Vec<MariaDbGtid>,
    },
}

/// Whether some event of one is known to the other.
fn related(a: &ServerGtid, b: &ServerGtid) -> bool {
    let knows_some = |a: &ServerGtid, b: &ServerGtid| {
        b.binlog_state.iter().chain(b.slave_pos.iter()).any(|id| a.knows(id))
    };
    knows_some(a, b) || knows_some(b, a)
}

/// Looks at one domain. See the module for what order means.
pub(super) fn domain(source: &ServerGtid, replica: &ServerGtid, domain: u32) -> Result<Domain, NotKnown> {
    let missing = lacking(source, replica, domain);
    let extra = lacking(replica, source, domain);
    let (Some(up_to), false) = (source.has(domain), missing.is_empty()) else {
        return Ok(Domain::Level { extra });
    };
    if !extra.is_empty() {
        return Ok(Domain::Both { extra });
    }
    let after = replica.has(domain);
    let start = match &source.binlog_start {
        Fact::Known(start) => start,
        Fact::Absent => return Ok(Domain::Seed(NeedsSeed::NoBinaryLog)),
        Fact::Unread(why) => return Err(NotKnown { why: why.clone() }),
    };
    // Taken over by a seed, or replicated without `log_slave_updates`.
    let unlogged = source.slave_pos.get(domain).filter(|at| !source.binlog_state.covers(*at));
    if let Some(up_to) = unlogged.filter(|at| lacks(replica, *at)) {
        return Ok(Domain::Seed(NeedsSeed::NotLogged { domain, up_to }));
    }
    let purged = start.of(domain).iter().max_by_key(|id| id.seq).copied();
    let seed = match (purged, after) {
        (Some(purged), None) => Some(NeedsSeed::Purged { domain, purged, has: None }),
        (Some(purged), Some(at)) if at.seq < purged.seq => {
            Some(NeedsSeed::Purged { domain, purged, has: after })
        }
        // The Gtid_list accounts for what came before the log, and the replica is past it.
        (Some(_), Some(at)) if source.locates(at) => None,
        (Some(_), Some(_)) => Some(NeedsSeed::Unproven { domain, has: after }),
        // No Gtid_list speaks of the domain. A server's own domain is all in its log, but one that it
        // got by a seed begins in the middle without a trace.
        (None, None) => {
            let whole =
                source.complete.covers(domain) || (source.is_home_of(domain) && related(source, replica));
            (!whole).then_some(NeedsSeed::Unproven { domain, has: None })
        }
        (None, Some(at)) => {
            let whole = source.complete.covers(domain)
                || source.is_home_of(domain)
                || source.slave_pos.get(domain) == Some(at)
                || source.begins_at_or_before(at);
            (!(whole && source.locates(at))).then_some(NeedsSeed::Unproven { domain, has: after })
        }
    };
    Ok(seed.map_or(Domain::Behind(Span { after, up_to }), Domain::Seed))
}

fn lacks(server: &ServerGtid, id: MariaDbGtid) -> bool {
    !server.knows(id)
}

/// Whether nothing at all ties the two servers' data together.
pub(super) fn strangers(source: &ServerGtid, replica: &ServerGtid) -> bool {
    source.complete != Complete::Everything && !related(source, replica)
}

/// What a replica needs next and its source has no longer in its binary logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purged {
    /// Events of a domain (MariaDB).
    Domain {
        /// The domain.
        domain: u32,
        /// The newest event that is no longer in the source's logs.
        purged: MariaDbGtid,
        /// The newest event that the replica has; none of this domain otherwise.
        has: Option<MariaDbGtid>,
    },
    /// These transactions (MySQL).
    Transactions(GtidSet),
}

/// The first domain of which the source has purged something that the replica still needs.
///
/// `None` also where the start of the source's oldest log is not known: nothing is proven then.
pub(crate) fn purged(source: &ServerGtid, replica: &ServerGtid) -> Option<Purged> {
    let start = source.binlog_start.known()?;
    source.domains().into_iter().find_map(|id| {
        let purged = start.of(id).iter().max_by_key(|id| id.seq).copied()?;
        let missing = lacking(source, replica, id);
        // A replica asks for what follows its position, not for what it has logged.
        let has = replica.slave_pos.get(id).or_else(|| replica.has(id));
        let behind = !missing.is_empty() && has.is_none_or(|at| at.seq < purged.seq);
        behind.then_some(Purged::Domain { domain: id, purged, has })
    })
}

/// Says what `replica` is to `source`.
///
/// `way` names whose events may be on the replica first. A seed is only named as the remedy where it
/// would destroy nothing: a replica that has events of its own, even excused ones, has diverged.
///
/// # Errors
/// Where the answer hangs on the start of the source's oldest log, and that was not read.
pub(crate) fn compare(
    source: &ServerGtid,
    replica: &ServerGtid,
    way: ReturnWay,
) -> Result<Relation, NotKnown> {
    let (mut missing, mut reasons, mut errant, mut alone) = (vec![], vec![], vec![], vec![]);
    if strangers(source, replica) {
        reasons.push(NeedsSeed::NoCommonHistory);
    }
    for id in source.domains().union(&replica.domains()) {
        match domain(source, replica, *id)? {
            Domain::Level { extra } => {
                errant.extend(extra.iter().filter(|_| way == ReturnWay::None));
                alone.extend(extra);
            }
            Domain::Behind(span) => missing.push(span),
            Domain::Seed(reason) => reasons.push(reason),
            Domain::Both { extra } => {
                errant.extend(extra.iter().copied());
                alone.extend(extra);
            }
        }
    }
    Ok(if !errant.is_empty() {
        Relation::Diverged { errant }
    } else if !reasons.is_empty() && !alone.is_empty() {
        Relation::Diverged { errant: alone }
    } else if !reasons.is_empty() {
        Relation::NeedsSeed { reasons }
    } else if !missing.is_empty() {
        Relation::Recoverable { missing }
    } else {
        Relation::Same
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn server(server_id: u32, state: &str, slave_pos: &str, start: &str) -> ServerGtid {
        ServerGtid {
            server_id,
            binlog_state: state.parse().unwrap(),
            slave_pos: slave_pos.parse().unwrap(),
            binlog_start: Fact::Known(start.parse().unwrap()),
            first: None,
            complete: Complete::Nothing,
        }
    }

    fn said(source: &ServerGtid, replica: &ServerGtid, way: ReturnWay) -> String {
        match compare(source, replica, way) {
            Err(why) => format!("not known: {why}"),
            Ok(Relation::Same) => "same".into(),
            Ok(Relation::Recoverable { missing }) => missing
                .iter()
                .map(|s| format!("{}..{}", s.after.map_or("start".into(), |id| id.to_string()), s.up_to))
                .collect::<Vec<_>>()
                .join(" "),
            Ok(Relation::NeedsSeed { reasons }) => {
                reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
            }
            Ok(Relation::Diverged { errant }) => {
                format!("diverged {}", errant.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
            }
        }
    }

    #[test]
    fn an_empty_replica_is_same_only_by_proof() {
        let fresh = server(2, "", "", "");
        let mut source = server(1, "", "", "");
        assert!(said(&source, &fresh, ReturnWay::All).contains("share no event"));
        source.complete = Complete::Everything;
        assert_eq!(said(&source, &fresh, ReturnWay::All), "same");
        let mut source = server(1, "0-1-9", "", "");
        assert!(said(&source, &fresh, ReturnWay::None).contains("share no event"));
        source.complete = Complete::Everything;
        assert_eq!(said(&source, &fresh, ReturnWay::None), "start..0-1-9");
        source.binlog_start = Fact::Known("0-1-4".parse().unwrap());
        assert!(said(&source, &fresh, ReturnWay::None).contains("purged its binary logs up to 0-1-4"));
        source.binlog_start = Fact::Unread("no privilege".into());
        assert!(said(&source, &fresh, ReturnWay::None).starts_with("not known"));
        source.binlog_start = Fact::Absent;
        assert!(said(&source, &fresh, ReturnWay::None).contains("no binary log"));
    }

    #[test]
    fn a_replica_is_recoverable_while_the_logs_last() {
        let replica = server(2, "", "0-1-5", "");
        assert_eq!(said(&server(1, "0-1-9", "", "0-1-5"), &replica, ReturnWay::None), "0-1-5..0-1-9");
        assert_eq!(said(&server(1, "0-1-9", "", ""), &replica, ReturnWay::None), "0-1-5..0-1-9");
        assert_eq!(said(&server(1, "0-1-5", "", "0-1-5"), &replica, ReturnWay::None), "same");
        let told = said(&server(1, "0-1-9", "", "0-1-6"), &replica, ReturnWay::None);
        assert!(told.contains("domain 0") && told.contains("0-1-6") && told.contains("only 0-1-5"), "{told}");
    }

    #[test]
    fn events_of_the_replica_alone_are_errant_unless_a_way_leads_back() {
        let source = server(1, "1-1-9", "2-2-3", "");
        let replica = server(2, "2-2-5", "1-1-9", "");
        assert_eq!(said(&source, &replica, ReturnWay::None), "diverged 2-2-5");
        assert_eq!(said(&source, &replica, ReturnWay::All), "same");
    }

    #[test]
    fn one_domain_with_two_writers_at_once_has_diverged_even_with_a_way_back() {
        let same_number = server(1, "0-1-5", "", "");
        assert_eq!(said(&same_number, &server(2, "0-2-5", "", ""), ReturnWay::All), "diverged 0-2-5");
        let interleaved = server(1, "0-2-3,0-1-5", "", "");
        let other = server(2, "0-1-3,0-2-6", "0-1-3", "");
        assert_eq!(said(&interleaved, &other, ReturnWay::All), "diverged 0-2-6");
        // A quiet shared domain is in order on both.
        let quiet = server(2, "0-1-5,0-2-6", "0-1-5", "");
        assert_eq!(said(&server(1, "0-2-3,0-1-5", "0-2-3", ""), &quiet, ReturnWay::All), "same");
    }

    #[test]
    fn a_seed_never_destroys_what_only_the_replica_has() {
        let source = server(1, "1-1-9", "", "1-1-7");
        let replica = server(2, "2-2-5", "1-1-3", "");
        assert_eq!(said(&source, &replica, ReturnWay::All), "diverged 2-2-5");
    }

    #[test]
    fn what_a_source_did_not_log_it_cannot_deliver() {
        // Seeded at 0-1-50, then written to.
        let source = server(2, "0-2-51", "0-1-50", "");
        assert!(said(&source, &server(3, "", "0-1-40", ""), ReturnWay::None).contains("up to 0-1-50"));
        assert_eq!(said(&source, &server(3, "", "0-1-50", ""), ReturnWay::None), "0-1-50..0-2-51");
        // Seeded somewhere before 1-1-60, and logging since: the start is not to be seen.
        let relay = server(2, "1-1-60", "1-1-60", "");
        assert!(said(&relay, &server(3, "", "1-1-2", ""), ReturnWay::None).contains("nothing proves"));
        // The same with `gtid_binlog_state` set when it was seeded.
        let relay = server(2, "1-1-60", "1-1-60", "1-1-3");
        assert!(said(&relay, &server(3, "", "1-1-2", ""), ReturnWay::None).contains("purged"));
        assert_eq!(said(&relay, &server(3, "", "1-1-3", ""), ReturnWay::None), "1-1-3..1-1-60");
    }

    #[test]
    fn the_first_event_of_a_seeded_log_shows_where_it_begins() {
        // Seeded at 0-1-50, replicated up to 0-1-569, and the only one left.
        let mut source = server(3, "0-1-569", "0-1-569", "");
        let replica = server(2, "0-1-170", "0-1-170", "");
        let begins = |source: &mut ServerGtid, at: &str| source.first = at.parse().ok();
        assert!(said(&source, &replica, ReturnWay::None).contains("nothing proves"));
        for (first, told) in [
            ("0-1-51", "0-1-170..0-1-569"),
            ("0-1-170", "0-1-170..0-1-569"),
            ("0-1-171", "nothing proves"),
            ("1-1-51", "nothing proves"),
        ] {
            begins(&mut source, first);
            assert!(said(&source, &replica, ReturnWay::None).contains(told), "{first}");
        }
        // What the replica has must be in that log, too.
        begins(&mut source, "0-1-51");
        let other = server(2, "0-2-170", "0-2-170", "");
        assert!(said(&source, &other, ReturnWay::None).starts_with("diverged"));
    }

    #[test]
    fn a_chain_without_log_slave_updates_is_still_in_order() {
        let source = server(1, "0-7-40,0-1-100", "", "");
        assert_eq!(said(&source, &server(2, "", "0-1-100", ""), ReturnWay::None), "same");
        assert_eq!(said(&source, &server(2, "", "0-1-60", ""), ReturnWay::None), "0-1-60..0-1-100");
    }
}
