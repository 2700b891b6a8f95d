//! How far a replica is behind, by the rows that writers stamp.

use std::collections::BTreeSet;

use crate::{
    model::Fact,
    observe::{HeartbeatFacts, Observed, ServerFacts},
};

/// Seconds by which the replica's copy of a writer's stamp is older than what its source has of the same writer.
///
/// Both stamps are of one clock. Of the writers that beat now (`beating`, by `server_id`), the one that is furthest
/// behind counts: the row of one that has left may never arrive. The replica's own row does not count: in a ring the
/// source has it from the replica, and it would always be up to date. Absent where nothing beats, and where the row
/// of the newest stamp has not arrived at all.
pub(super) fn lag(
    source: &HeartbeatFacts,
    replica: &HeartbeatFacts,
    replica_id: Option<u64>,
    beating: &BTreeSet<u64>,
) -> Option<u64> {
    let writers = || source.stamps.iter().filter(|(writer, _)| Some(**writer) != replica_id);
    let (newest, _) = writers().max_by_key(|(_, stamp)| **stamp)?;
    replica.stamps.get(newest)?;
    let behind = writers()
        .filter(|(writer, _)| *writer == newest || beating.contains(writer))
        .filter_map(|(writer, stamp)| Some(stamp.saturating_sub(*replica.stamps.get(writer)?)));
    behind.max().map(|microseconds| microseconds / 1_000_000)
}

/// Servers that stamp a row now, by `server_id`.
pub(super) fn beating(observed: &Observed) -> BTreeSet<u64> {
    let servers = observed.values().filter_map(Fact::known).filter_map(|facts| facts.server.known());
    let beats = |server: &&ServerFacts| {
        let event = server.heartbeat.known().and_then(|h| h.event.as_ref());
        event.is_some_and(|(state, _)| state == "ENABLED")
    };
    servers.filter(beats).filter_map(|server| server.number("server_id")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(source: &HeartbeatFacts, replica: &HeartbeatFacts, replica_id: Option<u64>) -> Option<u64> {
        lag(source, replica, replica_id, &BTreeSet::from([1, 2]))
    }

    fn beats(stamps: &[(u64, u64)]) -> HeartbeatFacts {
        let stamps = stamps.iter().map(|(writer, seconds)| (*writer, seconds * 1_000_000)).collect();
        HeartbeatFacts { event: None, minds_read_only: true, stamps }
    }

    #[test]
    fn a_replica_that_writes_too_is_not_measured_by_its_own_row() {
        // 2 has stopped to apply what 1 writes; its own row is at 1 a moment later than the row of 1 itself.
        let (source, replica) = (beats(&[(1, 100), (2, 101)]), beats(&[(1, 60), (2, 101)]));
        assert_eq!(measured(&source, &replica, Some(2)), Some(40));
        assert_eq!(measured(&source, &replica, None), Some(40));
    }

    #[test]
    fn the_writer_that_is_furthest_behind_counts() {
        // The clock of 3 is a day ahead.
        let (source, replica) = (beats(&[(1, 100), (3, 86_500)]), beats(&[(1, 60), (3, 86_500)]));
        assert_eq!(measured(&source, &replica, Some(2)), Some(40));
    }

    #[test]
    fn a_writer_of_old_is_no_measure() {
        let (source, replica) = (beats(&[(1, 100), (9, 5)]), beats(&[(1, 98), (9, 5)]));
        assert_eq!(measured(&source, &replica, Some(2)), Some(2));
        let never_arrived = beats(&[(1, 198), (9, 3)]);
        assert_eq!(measured(&beats(&[(1, 200), (9, 5)]), &never_arrived, Some(2)), Some(2));
        // A replica that was read a moment after its source may have more.
        assert_eq!(measured(&replica, &source, Some(2)), Some(0));
    }

    #[test]
    fn without_a_stamp_nothing_is_measured() {
        assert_eq!(measured(&beats(&[]), &beats(&[]), Some(2)), None);
        assert_eq!(measured(&beats(&[(2, 7)]), &beats(&[(2, 7)]), Some(2)), None);
        assert_eq!(measured(&beats(&[(1, 100), (9, 5)]), &beats(&[(9, 5)]), Some(2)), None);
    }
}
