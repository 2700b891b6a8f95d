//! How far a replica is behind, by the rows that writers stamp.

use crate::observe::HeartbeatFacts;

/// Seconds by which the replica's copy of a writer's stamp is older than what its source has of the same writer.
///
/// Both stamps are of one clock. Of the writers that beat now, the one that is furthest behind counts. The replica's
/// own row does not: in a ring the source has it from the replica, and it would always be up to date. Absent where
/// nothing beats, and where the row of who beats now has not arrived at all.
pub fn lag(source: &HeartbeatFacts, replica: &HeartbeatFacts, replica_id: Option<u64>) -> Option<u64> {
    let writers = || source.stamps.iter().filter(|(writer, _)| Some(**writer) != replica_id);
    let (newest, last) = writers().max_by_key(|(_, stamp)| **stamp)?;
    replica.stamps.get(newest)?;
    // The row of one that has left may never arrive; a few beats may be late on their way round.
    let interval = source.event.as_ref().map_or(1, |(_, seconds)| *seconds);
    let stale = last.saturating_sub(interval.saturating_mul(5).max(60) * 1_000_000);
    let behind = writers()
        .filter(|(_, stamp)| **stamp >= stale)
        .filter_map(|(writer, stamp)| Some(stamp.saturating_sub(*replica.stamps.get(writer)?)));
    behind.max().map(|microseconds| microseconds / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beats(stamps: &[(u64, u64)]) -> HeartbeatFacts {
        let stamps = stamps.iter().map(|(writer, seconds)| (*writer, seconds * 1_000_000)).collect();
        HeartbeatFacts { event: None, stamps }
    }

    #[test]
    fn a_replica_that_writes_too_is_not_measured_by_its_own_row() {
        // 2 has stopped to apply what 1 writes; its own row is at 1 a moment later than the row of 1 itself.
        let (source, replica) = (beats(&[(1, 100), (2, 101)]), beats(&[(1, 60), (2, 101)]));
        assert_eq!(lag(&source, &replica, Some(2)), Some(40));
        assert_eq!(lag(&source, &replica, None), Some(40));
    }

    #[test]
    fn a_writer_of_old_is_no_measure() {
        let (source, replica) = (beats(&[(1, 100), (9, 5)]), beats(&[(1, 98), (9, 5)]));
        assert_eq!(lag(&source, &replica, Some(2)), Some(2));
        let never_arrived = beats(&[(1, 198), (9, 3)]);
        assert_eq!(lag(&beats(&[(1, 200), (9, 5)]), &never_arrived, Some(2)), Some(2));
        // A replica that was read a moment after its source may have more.
        assert_eq!(lag(&replica, &source, Some(2)), Some(0));
    }

    #[test]
    fn without_a_stamp_nothing_is_measured() {
        assert_eq!(lag(&beats(&[]), &beats(&[]), Some(2)), None);
        assert_eq!(lag(&beats(&[(2, 7)]), &beats(&[(2, 7)]), Some(2)), None);
        assert_eq!(lag(&beats(&[(1, 100), (9, 5)]), &beats(&[(9, 5)]), Some(2)), None);
    }
}
