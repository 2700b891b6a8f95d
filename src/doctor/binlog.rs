//! What a source says with 1236: the binary log, the ids, or the GTIDs.

use super::{
    applier::{Finding, gtid_modes_differ},
    explanation::{Explanation, Layer, Surroundings},
};
use crate::observe::ChannelFacts;

/// Explains why a source does not send its binary log.
pub fn explain_binlog(channel: &ChannelFacts, around: &Surroundings<'_>, said: String) -> Explanation {
    let (source, replica) = (around.source, around.replica);
    let text = channel.io_error.to_ascii_lowercase();
    // These first: MySQL names its server_uuid where no two servers share one.
    let (layer, cause, next) = if let Some(found) = explain_gtid(&text, around) {
        found
    } else if text.contains("same server") || text.contains("server_uuid") || text.contains("server_id") {
        (
            Layer::Identity,
            format!(
                "another replica of {source} has the same server_id or server_uuid as {replica}; each throws the other out."
            ),
            "Make the ids differ; `tandem apply` assigns free ones.".to_owned(),
        )
    } else if text.contains("max_allowed_packet") {
        packet_too_large(channel, around)
    } else if text.contains("diverged") || text.contains("errant") {
        (
            Layer::Data,
            format!("{replica} has transactions that {source} never had."),
            format!(
                "Look at them before anything else; then {replica} must be copied anew, or they must be brought to {source}."
            ),
        )
    } else if let Some(found) = explain_damaged(channel.io_errno, &text, around) {
        found
    } else {
        (
            Layer::Binlog,
            format!("{source} no longer has the binary log from which {replica} would have to go on."),
            format!("{replica} must be copied anew: `tandem apply --allow reseed`."),
        )
    };
    Explanation { layer, cause, next, said, heals: false }
}

/// What only MySQL's sources say: positions there are sets of GTIDs.
fn explain_gtid(text: &str, around: &Surroundings<'_>) -> Option<Finding> {
    let (source, replica) = (around.source, around.replica);
    if text.contains("more gtids than the") {
        return Some((
            Layer::Data,
            format!("{replica} has transactions of {source} that {source} itself does not have any more."),
            format!(
                "Look at them before anything else: {source} may have lost them in a crash (sync_binlog) or got older data. Then bring them back to {source}, or {replica} must be copied anew."
            ),
        ));
    }
    if text.contains("anonymous transaction") {
        return Some((
            Layer::Binlog,
            format!("the binary log of {source} has transactions without a GTID that {replica} still needs."),
            format!(
                "Set gtid_mode to ON on {source} (mysql_settings); then {replica} must be copied anew: `tandem apply --allow reseed`."
            ),
        ));
    }
    // `GTID_MODE = OFF instead of ON`, `GTID-transaction when @@GLOBAL.GTID_MODE = OFF`.
    text.contains("gtid_mode").then(|| gtid_modes_differ(around))
}

/// A replica's own words for what a source says with 1236.
pub fn without_gtid(text: &str) -> bool {
    text.contains("replicate anonymous transaction when") || text.contains("replicate gtid-transaction when")
}

/// A binary log that is there but can't serve. The number tells MySQL since 8.0 from the others.
fn explain_damaged(errno: u32, text: &str, around: &Surroundings<'_>) -> Option<Finding> {
    let (source, replica) = (around.source, around.replica);
    // MySQL's words and MariaDB's.
    if text.contains("position > file size") || text.contains("impossible position") {
        return Some((
            Layer::Binlog,
            format!(
                "the binary log of {source} ends before the place from which {replica} would have to go on."
            ),
            format!(
                "{source} may have lost its end in a crash (sync_binlog), and {replica} may have what {source} lost. Compare them; then {replica} must be copied anew: `tandem apply --allow reseed`."
            ),
        ));
    }
    if errno != 13114 {
        return None;
    }
    if text.contains("binary log is not open") {
        return Some((
            Layer::Binlog,
            format!("{source} writes no binary log."),
            format!(
                "Set log_bin on {source} (mysql_settings); what it wrote until then reaches {replica} with a new copy only: `tandem apply --allow reseed`."
            ),
        ));
    }
    let damaged = ["bogus data", "truncated in the middle", "crc check failed", "corrupted data"];
    damaged.iter().any(|mark| text.contains(mark)).then(|| {
        (
            Layer::Binlog,
            format!("the binary log of {source} is damaged where {replica} would have to go on."),
            format!(
                "Check the disk of {source} and read the file with mysqlbinlog; then {replica} must be copied anew: `tandem apply --allow reseed`."
            ),
        )
    })
}

/// The receiver and the source both may refuse an event for its size.
pub fn packet_too_large(channel: &ChannelFacts, around: &Surroundings<'_>) -> Finding {
    let (source, replica) = (around.source, around.replica);
    let words = ["from source", "entry on source"];
    let kind = if words.iter().any(|w| channel.io_error.contains(w)) { "replica" } else { "slave" };
    (
        Layer::Binlog,
        format!("an event of {source} is larger than the max_allowed_packet in between."),
        format!(
            "Raise max_allowed_packet (mysql_settings) on {source} and {kind}_max_allowed_packet on {replica}."
        ),
    )
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
            "no longer has",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from source when reading data from binary log: 'Cannot replicate because the \
             source purged required binary logs. Replicate the missing transactions from elsewhere, or provision a \
             new replica from backup. Consider increasing the source's binary log expiration period. To find the \
             missing transactions, see the source's error log or the manual for GTID_SUBTRACT.'",
            Layer::Binlog,
            "reseed",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from source when reading data from binary log: 'Could not find first log file \
             name in binary log index file'",
            Layer::Binlog,
            "no longer has",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from source when reading data from binary log: 'Replica has more GTIDs than the \
             source has, using the source's SERVER_UUID. This may indicate that the the last binary log file was \
             truncated or lost, e.g., after a power failure when sync_binlog != 1.'",
            Layer::Data,
            "db-a itself does not have any more",
            false,
        ),
        (
            1236,
            "Got fatal error 1236 from master when reading data from binary log: 'Slave has more GTIDs than the \
             master has, using the master's SERVER_UUID.'",
            Layer::Data,
            "Look at them before anything else",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from master when reading data from binary log: 'A slave with the same \
             server_uuid/server_id as this slave has connected to the master; the first event 'binlog.000002' at 4'",
            Layer::Identity,
            "server_uuid",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from source when reading data from binary log: 'A replica with the same \
             server_uuid/server_id as this replica has connected to the source'",
            Layer::Identity,
            "another replica of db-a",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from master when reading data from binary log: 'log event entry exceeded \
             max_allowed_packet; Increase max_allowed_packet on master; the first event 'binlog.000002' at 642'",
            Layer::Binlog,
            "slave_max_allowed_packet on db-b",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from source when reading data from binary log: 'log event entry exceeded \
             max_allowed_packet; Increase max_allowed_packet on source'",
            Layer::Binlog,
            "replica_max_allowed_packet on db-b",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from source when reading data from binary log: 'Client requested source to start \
             replication from position > file size'",
            Layer::Binlog,
            "ends before the place",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from source when reading data from binary log: 'Binary log is not open'",
            Layer::Binlog,
            "writes no binary log",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from source when reading data from binary log: 'bogus data in log event; the \
             first event 'binlog.000058' at 600, the last event read from './binlog.000058' at 126'",
            Layer::Binlog,
            "damaged",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from source when reading data from binary log: 'The replication sender thread \
             cannot start in AUTO_POSITION mode: this server has GTID_MODE = OFF instead of ON.'",
            Layer::Unknown,
            "gtid_mode of db-a and of db-b",
            false,
        ),
        (
            13114,
            "Got fatal error 1236 from master when reading data from binary log: 'Cannot replicate anonymous \
             transaction when @@GLOBAL.GTID_MODE = ON, at file /var/lib/mysql/mysql-bin.000039, position 1049.'",
            Layer::Binlog,
            "without a GTID",
            false,
        ),
        (
            13148,
            "Cannot replicate anonymous transaction when AUTO_POSITION = 1, at file ./binlog.000002, position 157.",
            Layer::Binlog,
            "without a GTID",
            false,
        ),
        (
            13150,
            "Cannot replicate GTID-transaction when @@GLOBAL.GTID_MODE = OFF, at file ./binlog.000002, position 157.",
            Layer::Unknown,
            "gtid_mode",
            false,
        ),
    ];

    #[test]
    fn what_a_source_refuses_is_told_apart_by_its_text() {
        all_explained(ROWS, receiver_stopped);
    }
}
