//! What the GTID sets of two MySQL servers prove about feeding one from the other.

use serde::{Deserialize, Serialize};

use super::{GtidSet, ReturnWay};

/// What a MySQL server says about its own events, read in one round trip.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MySqlGtid {
    /// `@@global.gtid_executed`.
    pub executed: GtidSet,
    /// `@@global.gtid_purged`.
    pub purged: GtidSet,
}

/// Why the binary logs of the source do not serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MySqlSeed {
    /// No transaction is common to both, and nothing proves that the log holds all data.
    #[error(
        "the servers share no transaction, and nothing proves that the source's binary log reaches back to its first data"
    )]
    NoCommonHistory,
    /// The replica lacks what the source has purged.
    #[error("the source has purged {missing}, which the replica lacks")]
    Purged {
        /// `purged(source) - executed(replica)`.
        missing: GtidSet,
    },
}

/// What a replica is to a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MySqlRelation {
    /// The replica has every transaction of the source.
    Same,
    /// The source's binary logs hold all that the replica lacks.
    Recoverable {
        /// `executed(source) - executed(replica)`.
        missing: GtidSet,
    },
    /// The replica has nothing of its own, and needs a copy of the data.
    NeedsSeed {
        /// Why.
        reason: MySqlSeed,
    },
    /// The replica has transactions that the source has not and will not get, or that a seed would
    /// destroy.
    Diverged {
        /// These transactions.
        errant: GtidSet,
    },
}

/// Says what `replica` is to `source`. `complete` is the caller's proof that the source's binary logs
/// reach back to its first data: an empty set is never equal to anything without it.
pub(crate) fn compare_mysql(
    source: &MySqlGtid,
    replica: &MySqlGtid,
    complete: bool,
    way: ReturnWay,
) -> MySqlRelation {
    let alone = replica.executed.subtract(&source.executed);
    if way == ReturnWay::None && !alone.is_empty() {
        return MySqlRelation::Diverged { errant: alone };
    }
    let purged = source.purged.subtract(&replica.executed);
    let reason = if !purged.is_empty() {
        Some(MySqlSeed::Purged { missing: purged })
    } else if !complete && source.executed.intersect(&replica.executed).is_empty() {
        Some(MySqlSeed::NoCommonHistory)
    } else {
        None
    };
    match reason {
        Some(_) if !alone.is_empty() => MySqlRelation::Diverged { errant: alone },
        Some(reason) => MySqlRelation::NeedsSeed { reason },
        None => {
            let missing = source.executed.subtract(&replica.executed);
            if missing.is_empty() { MySqlRelation::Same } else { MySqlRelation::Recoverable { missing } }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const A: &str = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
    const B: &str = "4e11fa47-71ca-11e1-9e33-c80aa9429562";

    fn server(executed: &str, purged: &str) -> MySqlGtid {
        let set = |text: &str| text.replace('A', A).replace('B', B).parse().unwrap();
        MySqlGtid { executed: set(executed), purged: set(purged) }
    }

    #[test]
    fn the_four_outcomes() {
        use MySqlRelation::*;
        let source = server("A:1-9", "A:1-3");
        let said = |replica: &str, complete, way: ReturnWay| {
            compare_mysql(&source, &server(replica, ""), complete, way)
        };
        let none = ReturnWay::None;
        assert_eq!(said("A:1-9", false, none), Same);
        assert_eq!(said("A:1-5", false, none), Recoverable { missing: server("A:6-9", "").executed });
        assert!(matches!(said("A:1-2", true, none), NeedsSeed { reason: MySqlSeed::Purged { .. } }));
        assert_eq!(said("A:1-9,B:1", false, none), Diverged { errant: server("B:1", "").executed });
        assert_eq!(said("A:1-9,B:1", false, ReturnWay::All), Same);
        // Excused as they are, a seed would destroy them.
        assert!(matches!(said("A:1,B:1", false, ReturnWay::All), Diverged { .. }));
    }

    #[test]
    fn an_empty_set_is_same_only_by_proof() {
        let empty = server("", "");
        let none = ReturnWay::None;
        assert!(matches!(compare_mysql(&empty, &empty, false, none), MySqlRelation::NeedsSeed { .. }));
        assert_eq!(compare_mysql(&empty, &empty, true, none), MySqlRelation::Same);
        let source = server("A:1-9", "");
        assert!(matches!(compare_mysql(&source, &empty, false, none), MySqlRelation::NeedsSeed { .. }));
        assert!(matches!(compare_mysql(&source, &empty, true, none), MySqlRelation::Recoverable { .. }));
    }
}
