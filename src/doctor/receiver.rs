//! Why a receiver stands still.

use super::{
    applier::{explain_applier, gtid_modes_differ},
    binlog::{explain_binlog, packet_too_large, without_gtid},
    code,
    connection::{count_attempts, explain_connection},
    explanation::{Explanation, Layer, Surroundings, one_line},
};
use crate::observe::ChannelFacts;

/// Explains the receiver's error.
pub fn explain_receiver(channel: &ChannelFacts, around: &Surroundings<'_>) -> Explanation {
    count_attempts(explain_error(channel, around), channel)
}

/// Layer, cause, next step, and whether the channel goes on by itself once the cause is gone.
type Found = (Layer, String, String, bool);

fn explain_error(channel: &ChannelFacts, around: &Surroundings<'_>) -> Explanation {
    let said = format!("{} ({})", one_line(&channel.io_error), channel.io_errno);
    let text = channel.io_error.to_ascii_lowercase();
    let number = code::common(channel.io_errno, &channel.io_error);
    let of_tls = text.contains("ssl") || text.contains("tls");
    if matches!(number, 2002 | 2003 | 2005 | 2013 | 1158..=1161) && !of_tls {
        return explain_connection(channel, around, &said);
    }
    let by_number = explain_login(number, &text, channel, around)
        .or_else(|| explain_tls(number, &text, channel, around))
        .or_else(|| explain_identity(number, &text, channel, around));
    // Where the number says little, the text decides.
    let (layer, cause, next, heals) = match (by_number, number) {
        (Some(found), _) => found,
        (None, 1236) => return explain_binlog(channel, around, said),
        _ if without_gtid(&text) => return explain_binlog(channel, around, said),
        (None, 13123 | 13125) => explain_own_record(number, channel, around),
        _ if text.contains("server ids") || text.contains("server uuids") => same_identity(around),
        _ if text.contains("relay log") => return explain_applier(channel, around),
        _ if of_tls || text.contains("certificate") => encryption_fails(around),
        _ => (
            Layer::Unknown,
            format!("the receiver on {} reports an error that tandem has no words for.", around.replica),
            "Read the server's message, and the error logs of both servers.".into(),
            false,
        ),
    };
    Explanation { layer, cause, next, said, heals }
}

/// The source does not let the account in, or not to its binary log.
fn explain_login(
    number: u32,
    text: &str,
    channel: &ChannelFacts,
    around: &Surroundings<'_>,
) -> Option<Found> {
    let user = &channel.user;
    let (source, replica) = (around.source, around.replica);
    Some(match number {
        1130 => (
            Layer::Account,
            format!("{source} has no account for the address from which {replica} comes."),
            format!(
                "Check replication_address of {replica}: the account is bound to it. `tandem apply` makes the account."
            ),
            true,
        ),
        1045 => (
            Layer::Password,
            format!(
                "{source} refuses `{user}` from {replica}: the account is missing there or has another password."
            ),
            "`tandem apply` sets both sides from replication_password.".into(),
            true,
        ),
        // MySQL's number, and MariaDB's.
        3118 | 4151 => (
            Layer::Account,
            format!("the account `{user}` for {replica} is locked on {source}."),
            "`tandem apply` unlocks it, unless the replica is declared lost.".into(),
            true,
        ),
        1044 | 1142 | 1227 => lacks_privilege(user, source),
        // Both families go on trying to register.
        1597 if text.contains("com_register_") && text.contains("access denied") => {
            lacks_privilege(user, source)
        }
        2059 | 1524 if text.contains("'mysql_native_password'") => (
            Layer::Account,
            format!(
                "`{user}` on {source} is made for mysql_native_password, which one of {source} and {replica} no longer has."
            ),
            "Make the account with caching_sha2_password: MySQL 8.4 has the old plugin switched off, 9.0 has none.".into(),
            true,
        ),
        _ => return None,
    })
}

/// The receiver tries again and again, and goes on once the privilege is there.
fn lacks_privilege(user: &str, source: &str) -> Found {
    (
        Layer::Privilege,
        format!("`{user}` may log in on {source} but lacks REPLICATION SLAVE."),
        "`tandem apply` grants it.".into(),
        true,
    )
}

/// The connection is not encrypted as one of the two wants it.
fn explain_tls(number: u32, text: &str, channel: &ChannelFacts, around: &Surroundings<'_>) -> Option<Found> {
    let (source, replica) = (around.source, around.replica);
    Some(match number {
        2061 if text.contains("secure connection") => (
            Layer::Tls,
            format!(
                "{source} takes the password of `{}` over TLS only, or with its public key, and the channel has neither.",
                channel.user
            ),
            format!(
                "Set replication_tls to required. It had worked for as long as {source} remembered the password, which ends with a restart or FLUSH PRIVILEGES."
            ),
            true,
        ),
        2026 if text.contains("server doesn't support it") => (
            Layer::Tls,
            format!("{replica} asks for TLS, and {source} offers none."),
            format!("Give {source} a certificate (role tls), or set replication_tls to off."),
            true,
        ),
        2026 | 2061 | 3159 | 2012 => encryption_fails(around),
        _ => return None,
    })
}

fn encryption_fails(around: &Surroundings<'_>) -> Found {
    (
        Layer::Tls,
        format!("the encrypted connection from {} to {} fails.", around.replica, around.source),
        "Check replication_tls and the role tls: certificates, their names and their dates.".into(),
        true,
    )
}

/// The two servers can't be told apart, or count transactions in different ways.
fn explain_identity(
    number: u32,
    text: &str,
    channel: &ChannelFacts,
    around: &Surroundings<'_>,
) -> Option<Found> {
    Some(match number {
        1593 if text.contains("gtid_mode") => {
            let (layer, cause, next) = gtid_modes_differ(around);
            (layer, cause, next, false)
        }
        1593 if text.contains("server uuids") => (
            Layer::Identity,
            format!(
                "{} and {} have the same server_uuid, as after a copy of a whole data directory.",
                around.replica, around.source
            ),
            "`tandem apply` gives one of them another, with a restart.".into(),
            false,
        ),
        // Since 8.0 the same number is there for anything fatal; then the text decides.
        1593 if channel.io_errno == 1593 => same_identity(around),
        _ => return None,
    })
}

fn same_identity(around: &Surroundings<'_>) -> Found {
    (
        Layer::Identity,
        format!("{} and {} have the same server_id or server_uuid.", around.replica, around.source),
        "Take server_id out of the files, or make it differ; `tandem apply` assigns a free one.".into(),
        false,
    )
}

/// 13123 and 13125: what the replica itself can't read or take.
fn explain_own_record(number: u32, channel: &ChannelFacts, around: &Surroundings<'_>) -> Found {
    let replica = around.replica;
    if number == 13125 {
        let (layer, cause, next) = packet_too_large(channel, around);
        return (layer, cause, next, false);
    }
    (
        Layer::Unknown,
        format!("{replica} can't read its own record of the channel, mysql.slave_master_info."),
        format!("Read the error log of {replica}; repair that table, or make the channel anew."),
        false,
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
            13117,
            "Fatal error: The replica I/O thread stops because source and replica have equal MySQL server ids; \
             these ids must be different for replication to work (or the --replicate-same-server-id option must be \
             used on replica but this does not always make sense; please check the manual before using it).",
            Layer::Identity,
            "same server_id",
            false,
        ),
        (
            13117,
            "Fatal error: The slave I/O thread stops because master and slave have equal MySQL server UUIDs; these \
             UUIDs must be different for replication to work.",
            Layer::Identity,
            "server_uuid",
            false,
        ),
        (
            1593,
            "The slave IO thread stops because the master has @@GLOBAL.GTID_MODE OFF and this server has \
             @@GLOBAL.GTID_MODE ON",
            Layer::Unknown,
            "gtid_mode",
            false,
        ),
        (
            13117,
            "Fatal error: Invalid (empty) username when attempting to connect to the source server. Connection \
             attempt terminated.",
            Layer::Unknown,
            "no words for",
            false,
        ),
        (
            13120,
            "Master command COM_REGISTER_SLAVE failed: Access denied for user 'repl'@'10.77.0.12' (using password: \
             YES) (Errno: 1045)",
            Layer::Privilege,
            "REPLICATION SLAVE",
            true,
        ),
        (
            1227,
            "Access denied; you need (at least one of) the REPLICATION SLAVE privilege(s) for this operation",
            Layer::Privilege,
            "REPLICATION SLAVE",
            true,
        ),
        (
            13122,
            "Relay log write failure: could not queue event from source",
            Layer::RelayLog,
            "disk is full",
            false,
        ),
        (
            13123,
            "Replica failed to initialize connection metadata structure from the repository",
            Layer::Unknown,
            "mysql.slave_master_info",
            false,
        ),
        (
            13125,
            "Log entry on source is longer than replica_max_allowed_packet (4096) on replica.",
            Layer::Binlog,
            "replica_max_allowed_packet on db-b",
            false,
        ),
    ];

    #[test]
    fn what_stops_a_receiver_is_told_apart_by_its_text() {
        all_explained(ROWS, receiver_stopped);
    }
}
