//! What a source says with 1236: the binary log, the ids, or the GTIDs.

use super::cause::{BinlogCause, Cause, ChannelCause};
use crate::observe::ChannelFacts;

/// Why a source does not send its binary log.
pub(super) fn binlog(channel: &ChannelFacts) -> Cause {
    let text = channel.io_error.to_ascii_lowercase();
    // These first: MySQL names its server_uuid where no two servers share one.
    if let Some(found) = gtid(&text) {
        return found;
    }
    if text.contains("same server") || text.contains("server_uuid") || text.contains("server_id") {
        return ChannelCause::TwoReplicas.into();
    }
    if text.contains("max_allowed_packet") {
        return too_large(channel).into();
    }
    if text.contains("diverged") || text.contains("errant") {
        return BinlogCause::ReplicaAhead.into();
    }
    damaged(channel.io_errno, &text).unwrap_or(BinlogCause::Purged).into()
}

/// What only MySQL's sources say: positions there are sets of GTIDs.
fn gtid(text: &str) -> Option<Cause> {
    if text.contains("more gtids than the") {
        return Some(BinlogCause::SourceLost.into());
    }
    if text.contains("anonymous transaction") {
        return Some(BinlogCause::WithoutGtid.into());
    }
    // `GTID_MODE = OFF instead of ON`, `GTID-transaction when @@GLOBAL.GTID_MODE = OFF`.
    text.contains("gtid_mode").then(|| ChannelCause::GtidModes.into())
}

/// A replica's own words for what a source says with 1236.
pub(super) fn without_gtid(text: &str) -> bool {
    text.contains("replicate anonymous transaction when") || text.contains("replicate gtid-transaction when")
}

/// A binary log that is there but can't serve. The number tells MySQL since 8.0 from the others.
fn damaged(errno: u32, text: &str) -> Option<BinlogCause> {
    // MySQL's words and MariaDB's.
    if text.contains("position > file size") || text.contains("impossible position") {
        return Some(BinlogCause::EndsBefore);
    }
    if errno != 13114 {
        return None;
    }
    if text.contains("binary log is not open") {
        return Some(BinlogCause::NotWritten);
    }
    let marks = ["bogus data", "truncated in the middle", "crc check failed", "corrupted data"];
    marks.iter().any(|mark| text.contains(mark)).then_some(BinlogCause::Damaged)
}

/// The receiver and the source both may refuse an event for its size.
pub(super) fn too_large(channel: &ChannelFacts) -> BinlogCause {
    let words = ["from source", "entry on source"];
    let variable = match words.iter().any(|word| channel.io_error.contains(word)) {
        true => "replica_max_allowed_packet",
        false => "slave_max_allowed_packet",
    };
    BinlogCause::TooLarge { variable }
}

#[cfg(test)]
mod tests {
    use crate::doctor::{
        Layer,
        recorded::{Row, all_explained, receiver_stopped},
    };

    const ROWS: &[Row] = &[
        (
            1236,
            "Got fatal error 1236 from master when reading data from binary log: 'The slave is connecting using \
             CHANGE MASTER TO MASTER_AUTO_POSITION = 1, but the master has purged binary logs containing GTIDs that \
             the slave requires.'",
            Layer::Binlog,
            "binlog-purged",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from source when reading data from binary log: 'Cannot replicate because the \
             source purged required binary logs. Replicate the missing transactions from elsewhere, or provision a \
             new replica from backup. Consider increasing the source's binary log expiration period. To find the \
             missing transactions, see the source's error log or the manual for GTID_SUBTRACT.'",
            Layer::Binlog,
            "binlog-purged",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from source when reading data from binary log: 'Could not find first log file \
             name in binary log index file'",
            Layer::Binlog,
            "binlog-purged",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from source when reading data from binary log: 'Replica has more GTIDs than the \
             source has, using the source's SERVER_UUID. This may indicate that the the last binary log file was \
             truncated or lost, e.g., after a power failure when sync_binlog != 1.'",
            Layer::Data,
            "source-lost-transactions",
            false,
        ),
        (
            1236,
            "Got fatal error 1236 from master when reading data from binary log: 'Slave has more GTIDs than the \
             master has, using the master's SERVER_UUID.'",
            Layer::Data,
            "source-lost-transactions",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from master when reading data from binary log: 'A slave with the same \
             server_uuid/server_id as this slave has connected to the master; the first event 'binlog.000002' at 4'",
            Layer::Identity,
            "replica-id-equal",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from source when reading data from binary log: 'A replica with the same \
             server_uuid/server_id as this replica has connected to the source'",
            Layer::Identity,
            "replica-id-equal",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from master when reading data from binary log: 'log event entry exceeded \
             max_allowed_packet; Increase max_allowed_packet on master; the first event 'binlog.000002' at 642'",
            Layer::Binlog,
            "event-too-large",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from source when reading data from binary log: 'log event entry exceeded \
             max_allowed_packet; Increase max_allowed_packet on source'",
            Layer::Binlog,
            "event-too-large",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from source when reading data from binary log: 'Client requested source to start \
             replication from position > file size'",
            Layer::Binlog,
            "binlog-ends-before",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from source when reading data from binary log: 'Binary log is not open'",
            Layer::Binlog,
            "binlog-off",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from source when reading data from binary log: 'bogus data in log event; the \
             first event 'binlog.000058' at 600, the last event read from './binlog.000058' at 126'",
            Layer::Binlog,
            "binlog-damaged",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from source when reading data from binary log: 'The replication sender thread \
             cannot start in AUTO_POSITION mode: this server has GTID_MODE = OFF instead of ON.'",
            Layer::Unknown,
            "gtid-modes-differ",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from master when reading data from binary log: 'Cannot replicate anonymous \
             transaction when @@GLOBAL.GTID_MODE = ON, at file /var/lib/mysql/mysql-bin.000039, position 1049.'",
            Layer::Binlog,
            "binlog-without-gtid",
            false,
        ),
        (
            13148,
            "Cannot replicate anonymous transaction when AUTO_POSITION = 1, at file ./binlog.000002, position 157.",
            Layer::Binlog,
            "binlog-without-gtid",
            false,
        ),
        (
            13150,
            "Cannot replicate GTID-transaction when @@GLOBAL.GTID_MODE = OFF, at file ./binlog.000002, position 157.",
            Layer::Unknown,
            "gtid-modes-differ",
            false,
        ),
    ];

    #[test]
    fn what_a_source_refuses_is_told_apart_by_its_text() {
        all_explained(ROWS, receiver_stopped);
    }
}
