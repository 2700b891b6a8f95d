//! Transactions that a replica has and none of its sources, seen through the ids of both families.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};

use super::{GtidSet, GtidState, MariaDbGtid, MySqlGtid, ServerGtid, Uuid};
use crate::model::Fact;

/// A stretch of one writer's events in one domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Errant {
    /// The domain.
    pub domain: u32,
    /// The writer's server id.
    pub server: u32,
    /// The last sequence number of this writer that the source has, 0 for none.
    pub after: u64,
    /// The last one that the replica has.
    pub up_to: u64,
}

/// Transactions by their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transactions {
    /// Of MariaDB. A stretch holds one event or more: within it other writers may have written, too.
    MariaDb(Vec<Errant>),
    /// Of MySQL.
    MySql(GtidSet),
}

impl Transactions {
    /// Those that are not among these ids, if there are any. Of MariaDB only the last of a stretch is sure to be one.
    pub fn named_beside<'a>(&self, ids: impl Iterator<Item = &'a str>) -> Option<String> {
        let ids: BTreeSet<&str> = ids.collect();
        match self {
            Transactions::MariaDb(list) => {
                let last = list.iter().map(|e| format!("{}-{}-{}", e.domain, e.server, e.up_to));
                let missing: Vec<String> = last.filter(|id| !ids.contains(id.as_str())).collect();
                (!missing.is_empty()).then(|| missing.join(", "))
            }
            Transactions::MySql(set) => {
                let there: GtidSet =
                    ids.into_iter().collect::<Vec<_>>().join(",").parse().unwrap_or_default();
                let missing = set.subtract(&there);
                (!missing.is_empty()).then(|| missing.to_string())
            }
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        match self {
            Transactions::MariaDb(list) => list.is_empty(),
            Transactions::MySql(set) => set.is_empty(),
        }
    }
}

impl Default for Transactions {
    fn default() -> Self {
        Transactions::MariaDb(Vec::new())
    }
}

impl fmt::Display for Transactions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = match self {
            Transactions::MySql(set) => return write!(f, "{set}"),
            Transactions::MariaDb(list) => list,
        };
        for (n, e) in list.iter().enumerate() {
            let comma = if n > 0 { ", " } else { "" };
            write!(f, "{comma}{}-{}-{}", e.domain, e.server, e.up_to)?;
            // What came before it by the same writer is known to the source, or there is nothing that tells.
            if e.after > 0 && e.up_to > e.after + 1 {
                write!(f, " (after {}-{}-{})", e.domain, e.server, e.after)?;
            }
        }
        Ok(())
    }
}

/// One server as the comparison sees it.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// What it says of its own events.
    pub state: GtidState,
    /// Its UUID, where it is a MySQL.
    pub uuid: Option<Uuid>,
    /// Transactions of MySQL that are in its binary log, so that a replica may have them, and are not counted as
    /// executed yet.
    pub pending: GtidSet,
    /// Whether its binary log holds what it replicated.
    pub logs_updates: bool,
    /// Whether its log is in order within each domain (`gtid_strict_mode`).
    pub strict: bool,
}

/// What is known beside the ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Circumstances {
    /// Whether clients may write on the replica: what it has written itself is no error then.
    pub writer: bool,
    /// Whether it gets events from somewhere that was not read: then only what it has written itself is certain.
    pub hearsay: bool,
}

/// What a replica has beyond its sources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Beyond {
    /// What only the replica has.
    pub only_here: Transactions,
    /// What a source has written and does not have any more, by the source's place in the list.
    pub lost: Vec<(usize, Transactions)>,
}

impl Beyond {
    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.only_here.is_empty() && self.lost.is_empty()
    }
}

/// What a replica has that nobody upstream has. `upstream` are its sources, their sources, and so on; where the
/// replica's own writes reach one of them, nothing is errant, and the caller does not ask.
///
/// The replica must have been read before the others: then everything that came from them was there.
pub(crate) fn beyond(replica: &Member, upstream: &[&Member], known: Circumstances) -> Beyond {
    match &replica.state {
        GtidState::MariaDb(here) => mariadb(here, replica.strict, upstream, known),
        GtidState::MySql(here) => mysql(here, replica.uuid, upstream, known),
    }
}

fn mysql(here: &MySqlGtid, own: Option<Uuid>, upstream: &[&Member], known: Circumstances) -> Beyond {
    let Some(own) = own else { return Beyond::default() };
    // Clones of one machine count different transactions under the same ids.
    if upstream.iter().any(|member| member.uuid == Some(own)) {
        return Beyond::default();
    }
    let mut rest = here.executed.clone();
    for member in upstream {
        if let GtidState::MySql(there) = &member.state {
            rest = rest.subtract(&there.executed).subtract(&member.pending);
        }
    }
    let mut lost = Vec::new();
    for (n, member) in upstream.iter().enumerate() {
        let of_it = rest.of_servers(|uuid| Some(uuid) == member.uuid);
        if !of_it.is_empty() {
            rest = rest.subtract(&of_it);
            lost.push((n, Transactions::MySql(of_it)));
        }
    }
    let counts = |uuid: Uuid| if uuid == own { !known.writer } else { !known.hearsay };
    Beyond { only_here: Transactions::MySql(rest.of_servers(counts)), lost }
}

fn mariadb(here: &ServerGtid, strict: bool, upstream: &[&Member], known: Circumstances) -> Beyond {
    let others: Vec<Other<'_>> = upstream
        .iter()
        .filter_map(|member| {
            Some(Other { state: member.state.mariadb()?, logs_updates: member.logs_updates })
        })
        .collect();
    // Two servers of one id can't be told apart by their events.
    if others.is_empty() || others.iter().any(|other| other.state.server_id == here.server_id) {
        return Beyond::default();
    }
    let mut newest: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    for id in here.binlog_state.iter().chain(here.slave_pos.iter()) {
        let seq = newest.entry((id.domain, id.server)).or_default();
        *seq = (*seq).max(id.seq);
    }
    let mut lost: BTreeMap<usize, Vec<Errant>> = BTreeMap::new();
    let mut only_here = Vec::new();
    for ((domain, server), seq) in newest {
        let id = MariaDbGtid { domain, server, seq };
        let own = server == here.server_id;
        let named: BTreeSet<u64> = others.iter().filter_map(|other| other.named(id)).collect();
        let after = named.last().copied();
        if (own && known.writer)
            || after.is_some_and(|after| after >= seq)
            || others.iter().any(|other| other.passed(id))
        {
            continue;
        }
        let missing = Errant { domain, server, after: after.unwrap_or(0), up_to: seq };
        let place = others.iter().position(|other| !own && other.state.server_id == server);
        if let Some(place) = place {
            let has = others[place].state.has(domain).map_or(0, |last| last.seq);
            // One that holds a copy names nobody who wrote before it, not even itself.
            if has < seq || after.is_some() {
                lost.entry(place)
                    .or_default()
                    .push(Errant { after: after.unwrap_or(has.min(seq)), ..missing });
            }
            continue;
        }
        if (own || !known.hearsay) && (after.is_some() || !before_the_logs(id, own, (here, strict), &others))
        {
            only_here.push(missing);
        }
    }
    let lost = lost.into_iter().map(|(n, list)| (n, Transactions::MariaDb(list))).collect();
    Beyond { only_here: Transactions::MariaDb(only_here), lost }
}

/// A server of MariaDB upstream.
struct Other<'a> {
    state: &'a ServerGtid,
    logs_updates: bool,
}

impl Other<'_> {
    /// The newest event of a writer that it names.
    fn named(&self, id: MariaDbGtid) -> Option<u64> {
        let logged = self.state.binlog_state.seq(id.domain, id.server);
        let at = self.state.slave_pos.get(id.domain).filter(|at| at.server == id.server).map(|at| at.seq);
        logged.max(at)
    }

    /// Whether it replicated past an event without a trace in its log.
    fn passed(&self, id: MariaDbGtid) -> bool {
        !self.logs_updates && self.state.slave_pos.get(id.domain).is_some_and(|at| at.seq >= id.seq)
    }

    /// Whether an event may be older than its binary logs: a server that was copied, or whose logs were reset, names
    /// only who has written since.
    fn may_be_older(&self, id: MariaDbGtid) -> bool {
        let start = match &self.state.binlog_start {
            Fact::Known(start) => start.of(id.domain).iter().map(|id| id.seq).max(),
            Fact::Absent | Fact::Unread(_) => self.state.has(id.domain).map(|last| last.seq),
        };
        // A position in the domain may have been given to it with a copy.
        let copied = self.state.slave_pos.get(id.domain).map(|at| at.seq);
        start.max(copied).is_some_and(|start| id.seq <= start)
    }
}

/// Whether an event of a writer whom nobody upstream names is history that all of them share.
fn before_the_logs(
    id: MariaDbGtid,
    own: bool,
    (here, strict): (&ServerGtid, bool),
    others: &[Other<'_>],
) -> bool {
    if !others.iter().any(|other| other.may_be_older(id)) {
        return false;
    }
    // What the replica has written beyond its place in the stream did not come with it. In a log that is in order
    // what lies before that place was there before it was copied.
    let at = here.slave_pos.get(id.domain).map(|at| at.seq);
    match (own, at) {
        (false, _) => true,
        (true, None) => false,
        (true, Some(at)) => strict && id.seq < at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: Circumstances = Circumstances { writer: false, hearsay: false };

    fn mariadb_member(id: u32, state: &str, slave_pos: &str, start: &str) -> Member {
        let state = ServerGtid {
            server_id: id,
            binlog_state: state.parse().expect("a state"),
            slave_pos: slave_pos.parse().expect("a position"),
            binlog_start: Fact::Known(start.parse().expect("a state")),
            ..ServerGtid::default()
        };
        Member {
            state: GtidState::MariaDb(state),
            uuid: None,
            pending: GtidSet::default(),
            logs_updates: true,
            strict: true,
        }
    }

    #[test]
    fn what_only_a_replica_of_mariadb_has() {
        let replica = |state: &str, at: &str| mariadb_member(2, state, at, "");
        // The replica's state and place, the source's state, place and start, and what is errant.
        for (here, at, there, their_at, start, errant) in [
            ("0-1-9", "0-1-9", "0-1-9", "", "", ""),
            ("0-1-3,0-2-4", "0-1-3", "0-1-3", "", "", "0-2-4"),
            // The source has gone on meanwhile, and has purged what was before.
            ("0-1-3,0-2-4", "0-1-3", "0-1-9", "", "", "0-2-4"),
            ("0-1-3,0-2-4", "0-1-3", "0-1-9", "", "0-1-8", "0-2-4"),
            // It was the source once, and the source was its replica then.
            ("0-2-50,0-1-60", "0-1-60", "0-2-50,0-1-60", "0-2-50", "", ""),
            ("0-1-60,0-2-61", "0-1-60", "0-2-50,0-1-60", "0-2-50", "", "0-2-61 (after 0-2-50)"),
            // The source was made as a copy since, and its log begins later.
            ("0-2-50,0-1-80", "0-1-80", "0-1-90", "", "0-1-70", ""),
            ("0-2-50,0-1-80", "0-1-80", "0-1-90", "0-1-70", "", ""),
            ("0-9-50,0-1-80", "0-1-80", "0-1-90", "", "0-1-70", ""),
            ("0-9-50,0-1-80", "0-1-80", "0-1-90", "", "", "0-9-50"),
            // A domain of its own.
            ("0-1-9,2-2-1", "0-1-9", "0-1-9", "", "0-1-5", "2-2-1"),
        ] {
            let source = mariadb_member(1, there, their_at, start);
            let found = beyond(&replica(here, at), &[&source], NOBODY);
            assert_eq!(found.only_here.to_string(), errant, "{here} of {there}");
            assert!(found.lost.is_empty(), "{here} of {there}");
        }
    }

    #[test]
    fn a_source_of_mariadb_that_has_lost_events_is_told_from_a_replica_that_has_its_own() {
        let replica = mariadb_member(2, "0-1-100", "0-1-100", "");
        for (there, lost) in [("0-1-3", "0-1-100 (after 0-1-3)"), ("", "0-1-100"), ("0-1-200", "")] {
            let found = beyond(&replica, &[&mariadb_member(1, there, "", "")], NOBODY);
            let text: Vec<String> = found.lost.iter().map(|(_, list)| list.to_string()).collect();
            assert_eq!((text.join(";").as_str(), found.only_here.is_empty()), (lost, true), "{there}");
        }
    }

    #[test]
    fn writers_and_hearsay_excuse_what_they_can() {
        let replica = mariadb_member(2, "0-1-3,0-7-5,2-2-4", "0-1-3", "");
        let source = mariadb_member(1, "0-1-3", "", "");
        let found = |writer, hearsay| {
            beyond(&replica, &[&source], Circumstances { writer, hearsay }).only_here.to_string()
        };
        assert_eq!(found(false, false), "0-7-5, 2-2-4");
        assert_eq!(found(false, true), "2-2-4");
        assert_eq!(found(true, false), "0-7-5");
        // A source without log_slave_updates keeps no list of whom it has replicated.
        let silent = Member { logs_updates: false, ..mariadb_member(3, "", "0-1-9,2-1-4", "") };
        assert_eq!(
            beyond(&replica, &[&silent], NOBODY),
            Beyond { only_here: Transactions::default(), lost: vec![] }
        );
    }

    fn mysql_member(n: u8, sets: &[(u8, &str)], pending: &[(u8, &str)]) -> Member {
        let name = |n: u8| format!("00000000-0000-0000-0000-00000000000{n}");
        let set = |list: &[(u8, &str)]| -> GtidSet {
            let text: Vec<String> =
                list.iter().map(|(n, numbers)| format!("{}:{numbers}", name(*n))).collect();
            text.join(",").parse().expect("a set")
        };
        Member {
            state: GtidState::MySql(MySqlGtid { executed: set(sets), purged: GtidSet::default() }),
            uuid: name(n).parse().ok(),
            pending: set(pending),
            logs_updates: true,
            strict: true,
        }
    }

    #[test]
    fn what_only_a_replica_of_mysql_has() {
        let numbers =
            |list: &Transactions| list.to_string().replace("00000000-0000-0000-0000-00000000000", "");
        let source = mysql_member(1, &[(1, "1-10"), (4, "1-3")], &[(1, "11")]);
        for (here, errant, lost) in [
            (vec![(1, "1-10")], "", ""),
            (vec![(1, "1-11"), (4, "1-3")], "", ""),
            (vec![(1, "1-10"), (2, "1-2")], "2:1-2", ""),
            (vec![(1, "1-10"), (4, "1-5")], "4:4-5", ""),
            (vec![(1, "1-20"), (2, "7")], "2:7", "1:12-20"),
        ] {
            let found = beyond(&mysql_member(2, &here, &[]), &[&source], NOBODY);
            let gone: Vec<String> = found.lost.iter().map(|(_, list)| numbers(list)).collect();
            assert_eq!(
                (numbers(&found.only_here).as_str(), gone.join(";").as_str()),
                (errant, lost),
                "{here:?}"
            );
        }
        // What a third one has that both follow is on its way; what its unread source may have is not certain.
        let here = mysql_member(2, &[(5, "1-9"), (2, "1")], &[]);
        let top = mysql_member(5, &[(5, "1-9")], &[]);
        assert_eq!(numbers(&beyond(&here, &[&source, &top], NOBODY).only_here), "2:1");
        let hearsay = Circumstances { hearsay: true, ..NOBODY };
        assert_eq!(numbers(&beyond(&here, &[&source], hearsay).only_here), "2:1");
        let writer = Circumstances { writer: true, ..NOBODY };
        assert_eq!(numbers(&beyond(&here, &[&source, &top], writer).only_here), "");
        let clone = mysql_member(1, &[(1, "1-20")], &[]);
        assert!(beyond(&clone, &[&source], NOBODY).is_empty());
    }
}
