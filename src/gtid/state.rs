//! The GTID state of a server of either family, and what the states of two servers prove.

use std::collections::BTreeSet;

use super::{
    BinlogState, Complete, GtidSet, MariaDbGtid, MySqlGtid, MySqlRelation, NeedsSeed, Position, Purged,
    Relation, ReturnWay, ServerGtid, Uuid, compare, compare::lacking, compare_mysql, purged,
};

/// What a server's GTIDs look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GtidForm {
    /// One position for each domain: where a replica is, and nothing of what lies before (MariaDB).
    Positions,
    /// Sets of all transactions that were executed, which an empty transaction can fill up (MySQL).
    Sets,
}

/// What a server says about its own events, in its family's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GtidState {
    /// Positions by domain.
    MariaDb(ServerGtid),
    /// Sets of transactions.
    MySql(MySqlGtid),
}

/// How a replica stands to a source whose data it is to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GtidRelation {
    /// It has everything, or the source's binary logs hold the rest.
    Follows,
    /// Nothing is common to both, and nothing proves that the source's logs are whole.
    NoCommonHistory,
    /// It needs a copy, or a copy would destroy what only it has.
    Apart,
}

impl GtidState {
    /// MariaDB's state.
    pub fn mariadb(&self) -> Option<&ServerGtid> {
        match self {
            GtidState::MariaDb(state) => Some(state),
            GtidState::MySql(_) => None,
        }
    }

    /// MySQL's state.
    pub fn mysql(&self) -> Option<&MySqlGtid> {
        match self {
            GtidState::MySql(state) => Some(state),
            GtidState::MariaDb(_) => None,
        }
    }

    /// Whether nothing was ever written or replicated under a GTID.
    pub fn is_blank(&self) -> bool {
        match self {
            GtidState::MariaDb(state) => state.domains().is_empty(),
            GtidState::MySql(state) => state.executed.is_empty(),
        }
    }

    /// Whether everything that the other has written or got is here too.
    pub fn has_all_of(&self, other: &GtidState) -> bool {
        match (self, other) {
            (GtidState::MariaDb(here), GtidState::MariaDb(there)) => {
                there.domains().into_iter().all(|domain| {
                    there.has(domain).is_none_or(|last| here.has(domain).is_some_and(|at| at.seq >= last.seq))
                })
            }
            (GtidState::MySql(here), GtidState::MySql(there)) => here.executed.contains_all(&there.executed),
            _ => false,
        }
    }

    /// The state without what other servers account for and the source has no part in. A replica of several
    /// sources has the events of all of them; only the rest can be compared with one.
    #[must_use]
    pub fn without(&self, others: &[&GtidState], source: &GtidState) -> GtidState {
        match (self, source) {
            (GtidState::MariaDb(here), GtidState::MariaDb(source)) => {
                let foreign: BTreeSet<u32> = others
                    .iter()
                    .filter_map(|other| other.mariadb())
                    .flat_map(ServerGtid::domains)
                    .filter(|domain| !source.domains().contains(domain))
                    .collect();
                let mut state = here.clone();
                state.binlog_state = BinlogState::default();
                state.slave_pos = Position::default();
                let stays = |id: &MariaDbGtid| !foreign.contains(&id.domain);
                here.binlog_state.iter().filter(stays).for_each(|id| state.binlog_state.note(id));
                here.slave_pos.iter().filter(stays).for_each(|id| state.slave_pos.set(id));
                GtidState::MariaDb(state)
            }
            (GtidState::MySql(here), GtidState::MySql(source)) => {
                let mut state = here.clone();
                for other in others.iter().filter_map(|other| other.mysql()) {
                    let foreign = other.executed.subtract(&source.executed);
                    state.executed = state.executed.subtract(&foreign);
                    state.purged = state.purged.subtract(&foreign);
                }
                GtidState::MySql(state)
            }
            _ => self.clone(),
        }
    }

    /// The state once what a channel has received is executed, too. What is no position adds nothing.
    #[must_use]
    pub fn with_received(&self, received: &str) -> GtidState {
        let mut state = self.clone();
        match &mut state {
            GtidState::MariaDb(state) => {
                let received: Position = received.parse().unwrap_or_default();
                let newer = |id: &MariaDbGtid| state.has(id.domain).is_none_or(|has| has.seq < id.seq);
                let newer: Vec<MariaDbGtid> = received.iter().filter(newer).collect();
                newer.into_iter().for_each(|id| state.slave_pos.set(id));
            }
            GtidState::MySql(state) => {
                let received: GtidSet = received.parse().unwrap_or_default();
                state.executed = state.executed.union(&received);
            }
        }
        state
    }

    /// The same of a server of which it is known otherwise that its binary log holds all that a replica lacks, as far as it
    /// has not been purged.
    #[must_use]
    pub fn whole(mut self) -> Self {
        if let GtidState::MariaDb(state) = &mut self {
            state.complete = Complete::Everything;
        }
        self
    }

    /// The newest of each domain, executed or only replicated (MariaDB); all that was executed (MySQL).
    pub fn reached(&self) -> String {
        match self {
            GtidState::MariaDb(state) => {
                let newest = state.domains().into_iter().filter_map(|domain| state.has(domain));
                newest.map(|id| id.to_string()).collect::<Vec<_>>().join(",")
            }
            GtidState::MySql(state) => state.executed.to_string(),
        }
    }

    /// What is here and provably not there: of MariaDB the newest of each writer by domain, of MySQL all.
    pub fn beyond(&self, other: &GtidState) -> Vec<String> {
        match (self, other) {
            (GtidState::MariaDb(here), GtidState::MariaDb(there)) => {
                let domains = here.domains().into_iter();
                domains.flat_map(|domain| lacking(here, there, domain)).map(|id| id.to_string()).collect()
            }
            (GtidState::MySql(here), GtidState::MySql(there)) => {
                let more = here.executed.subtract(&there.executed);
                if more.is_empty() { Vec::new() } else { vec![more.to_string()] }
            }
            _ => Vec::new(),
        }
    }

    /// What this server wrote itself and the other one provably has not. `uuid` is its own, where it is a MySQL.
    pub fn own_beyond(&self, other: &GtidState, uuid: Option<Uuid>) -> Vec<String> {
        match (self, other) {
            (GtidState::MariaDb(here), GtidState::MariaDb(there)) => {
                let lacking = here.domains().into_iter().flat_map(|domain| lacking(here, there, domain));
                lacking.filter(|id| id.server == here.server_id).map(|id| id.to_string()).collect()
            }
            (GtidState::MySql(here), GtidState::MySql(there)) => {
                let own = here.executed.of_servers(|server| Some(server) == uuid).subtract(&there.executed);
                if own.is_empty() { Vec::new() } else { vec![own.to_string()] }
            }
            _ => Vec::new(),
        }
    }

    /// Where its binary log stands: whoever begins here gets everything that comes later.
    pub fn position(&self) -> String {
        match self {
            GtidState::MariaDb(state) => state.binlog_state.position().to_string(),
            GtidState::MySql(state) => state.executed.to_string(),
        }
    }
}

/// Whether one of the two has ever been a replica of the other's events. Without, equal ids of MariaDB
/// prove nothing: two servers that nobody configured both count as `0-1-n`.
pub(crate) fn once_related(a: &GtidState, b: &GtidState) -> bool {
    match (a, b) {
        (GtidState::MariaDb(a), GtidState::MariaDb(b)) => !a.slave_pos.is_empty() || !b.slave_pos.is_empty(),
        (GtidState::MySql(a), GtidState::MySql(b)) => !a.executed.intersect(&b.executed).is_empty(),
        _ => false,
    }
}

/// A GTID domain in which two servers of MariaDB have both written, so that no position can name both.
/// What MySQL's servers write never meets.
pub(crate) fn shared_domain(a: &GtidState, b: &GtidState) -> Option<u32> {
    let (a, b) = (a.mariadb()?, b.mariadb()?);
    let there = b.domains();
    // Equal ids prove nothing: two servers that nobody configured both count as `0-1-n`.
    a.domains().into_iter().find(|domain| there.contains(domain))
}

/// Two positions as one: of a domain that both name, the first's place counts. Sets of MySQL are united.
///
/// # Errors
/// The text that is none.
pub(crate) fn merged(form: GtidForm, first: &str, second: &str) -> Result<String, String> {
    let unreadable = |text: &str| format!("{text:?} is no GTID position");
    match form {
        GtidForm::Positions => {
            let mut all: Position = second.parse().map_err(|_| unreadable(second))?;
            let first: Position = first.parse().map_err(|_| unreadable(first))?;
            first.iter().for_each(|id| all.set(id));
            Ok(all.to_string())
        }
        GtidForm::Sets => {
            let (a, b): (GtidSet, GtidSet) = (
                first.parse().map_err(|_| unreadable(first))?,
                second.parse().map_err(|_| unreadable(second))?,
            );
            Ok(a.union(&b).to_string())
        }
    }
}

/// How a replica stands to a source. `two_way` says that its own events will reach the source.
///
/// `None` where that can't be told: servers of two families, or facts that were not read.
pub(crate) fn relation(source: &GtidState, replica: &GtidState, two_way: bool) -> Option<GtidRelation> {
    match (source, replica) {
        (GtidState::MariaDb(source), GtidState::MariaDb(replica)) => {
            let way = if two_way { ReturnWay::All } else { ReturnWay::None };
            Some(match compare(source, replica, way).ok()? {
                Relation::Same | Relation::Recoverable { .. } => GtidRelation::Follows,
                Relation::NeedsSeed { reasons }
                    if reasons.iter().all(|r| *r == NeedsSeed::NoCommonHistory) =>
                {
                    GtidRelation::NoCommonHistory
                }
                Relation::NeedsSeed { .. } | Relation::Diverged { .. } => GtidRelation::Apart,
            })
        }
        (GtidState::MySql(source), GtidState::MySql(replica)) => {
            let way = if two_way { ReturnWay::All } else { ReturnWay::None };
            Some(match compare_mysql(source, replica, false, way) {
                MySqlRelation::Same | MySqlRelation::Recoverable { .. } => GtidRelation::Follows,
                MySqlRelation::NeedsSeed { reason: super::MySqlSeed::NoCommonHistory } => {
                    GtidRelation::NoCommonHistory
                }
                MySqlRelation::NeedsSeed { .. } | MySqlRelation::Diverged { .. } => GtidRelation::Apart,
            })
        }
        _ => None,
    }
}

/// What a replica would need from its source and leave out, since it has written it itself, before its data went back to an
/// earlier state: a crash that lost the end of a binary log, or an older copy of a disk. A receiver takes no event of its own
/// server's id (MariaDB and MySQL manuals, `replicate_same_server_id`).
pub(crate) fn lost_own(
    source: &GtidState,
    replica: &GtidState,
    server_id: u32,
    uuid: &str,
) -> Option<String> {
    match (source, replica) {
        (GtidState::MariaDb(source), GtidState::MariaDb(replica)) => {
            let own = |domain: u32| {
                let seq = source.binlog_state.seq(domain, server_id)?;
                let lacks = replica.has(domain).is_none_or(|at| at.seq < seq);
                lacks.then(|| MariaDbGtid { domain, server: server_id, seq }.to_string())
            };
            let all: Vec<String> = source.domains().into_iter().filter_map(own).collect();
            (!all.is_empty()).then(|| all.join(","))
        }
        (GtidState::MySql(source), GtidState::MySql(replica)) => {
            let own = source.executed.of_servers(|writer| writer.to_string().eq_ignore_ascii_case(uuid));
            let lacks = own.subtract(&replica.executed);
            (!lacks.is_empty()).then(|| lacks.to_string())
        }
        _ => None,
    }
}

/// What a replica needs next and the source has purged, in words.
pub(crate) fn purged_by(source: &GtidState, replica: &GtidState) -> Option<Purged> {
    match (source, replica) {
        (GtidState::MariaDb(source), GtidState::MariaDb(replica)) => purged(source, replica),
        (GtidState::MySql(source), GtidState::MySql(replica)) => {
            let missing = source.purged.subtract(&replica.executed);
            (!missing.is_empty()).then_some(Purged::Transactions(missing))
        }
        _ => None,
    }
}
