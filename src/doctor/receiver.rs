//! Why a receiver stands still.

use super::{
    applier::explain_applier,
    binlog::{binlog, too_large, without_gtid},
    cause::{Cause, ChannelCause, LoginCause},
    code,
    connection::{count_attempts, explain_connection},
    explanation::{ChannelContext, Explanation, one_line},
};
use crate::observe::ChannelFacts;

/// Explains the receiver's error.
pub(super) fn explain_receiver(channel: &ChannelFacts, channel_context: &ChannelContext<'_>) -> Explanation {
    count_attempts(explain_error(channel, channel_context), channel)
}

fn explain_error(channel: &ChannelFacts, channel_context: &ChannelContext<'_>) -> Explanation {
    let said = format!("{} ({})", one_line(&channel.io_error), channel.io_errno);
    let text = channel.io_error.to_ascii_lowercase();
    let number = code::common(channel.io_errno, &channel.io_error);
    let of_tls = text.contains("ssl") || text.contains("tls");
    if matches!(number, 2002 | 2003 | 2005 | 2013 | 1158..=1161) && !of_tls {
        return explain_connection(channel, channel_context, &said);
    }
    let login = || login(number, &text, &channel.user).or_else(|| tls(number, &text, &channel.user));
    let by_number = login().map(Cause::from).or_else(|| identity(number, &text).map(Cause::from));
    // Where the number says little, the text decides.
    let cause: Cause = match (by_number, number) {
        (Some(found), _) => found,
        (None, 1236) => binlog(channel),
        _ if without_gtid(&text) => binlog(channel),
        (None, 13123) => ChannelCause::RecordUnreadable.into(),
        (None, 13125) => too_large(channel).into(),
        _ if text.contains("server ids") || text.contains("server uuids") => ChannelCause::SameId.into(),
        _ if text.contains("relay log") => return explain_applier(channel, channel_context),
        _ if of_tls || text.contains("certificate") => LoginCause::TlsFails.into(),
        _ => ChannelCause::NotKnown.into(),
    };
    Explanation::new(cause, channel_context, &said)
}

/// The source does not let the account in, or not to its binary log.
fn login(number: u32, text: &str, user: &str) -> Option<LoginCause> {
    let user = user.to_owned();
    Some(match number {
        1130 => LoginCause::NoAccount,
        // The second is that of an account that only a user of the host may enter.
        1045 | 1698 => LoginCause::Refused { user },
        // Of a client that knows nothing of expired passwords, and of one that has come in.
        1862 | 1820 => LoginCause::Expired { user },
        1226 => LoginCause::Limited { user },
        // Under this number MariaDB reports what a query of the receiver was answered.
        1593 if text.contains("has exceeded the 'max_") => LoginCause::Limited { user },
        // MySQL's number, and MariaDB's.
        3118 | 4151 => LoginCause::Locked { user },
        1044 | 1142 | 1227 => LoginCause::NoPrivilege { user },
        // Both families go on trying to register.
        1597 if text.contains("com_register_") && text.contains("access denied") => {
            LoginCause::NoPrivilege { user }
        }
        2059 | 1524 if text.contains("'mysql_native_password'") => LoginCause::OldPlugin { user },
        _ => return None,
    })
}

/// The connection is not encrypted as one of the two wants it.
fn tls(number: u32, text: &str, user: &str) -> Option<LoginCause> {
    Some(match number {
        2061 if text.contains("secure connection") => LoginCause::NeedsTls { user: user.to_owned() },
        2026 if text.contains("server doesn't support it") => LoginCause::NoTls,
        2026 | 2061 | 3159 | 2012 => LoginCause::TlsFails,
        _ => return None,
    })
}

/// The two servers can't be told apart, or count transactions in different ways.
fn identity(number: u32, text: &str) -> Option<ChannelCause> {
    Some(match number {
        1593 if text.contains("gtid_mode") => ChannelCause::GtidModes,
        1593 if text.contains("server uuids") => ChannelCause::SameUuid,
        _ => return None,
    })
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
            "server-id-equal",
            false,
        ),
        (
            13117,
            "Fatal error: The slave I/O thread stops because master and slave have equal MySQL server UUIDs; these \
             UUIDs must be different for replication to work.",
            Layer::Identity,
            "server-uuid-equal",
            false,
        ),
        (
            1593,
            "The slave IO thread stops because the master has @@GLOBAL.GTID_MODE OFF and this server has \
             @@GLOBAL.GTID_MODE ON",
            Layer::Unknown,
            "gtid-modes-differ",
            false,
        ),
        (
            13117,
            "Fatal error: Invalid (empty) username when attempting to connect to the source server. Connection \
             attempt terminated.",
            Layer::Unknown,
            "receiver-error",
            false,
        ),
        (
            13120,
            "Master command COM_REGISTER_SLAVE failed: Access denied for user 'repl'@'10.77.0.12' (using password: \
             YES) (Errno: 1045)",
            Layer::Privilege,
            "privilege-missing",
            true,
        ),
        (
            1227,
            "Access denied; you need (at least one of) the REPLICATION SLAVE privilege(s) for this operation",
            Layer::Privilege,
            "privilege-missing",
            true,
        ),
        (
            13122,
            "Relay log write failure: could not queue event from source",
            Layer::RelayLog,
            "relay-log-not-written",
            false,
        ),
        (
            13123,
            "Replica failed to initialize connection metadata structure from the repository",
            Layer::Unknown,
            "channel-record-unreadable",
            false,
        ),
        (
            13125,
            "Log entry on source is longer than replica_max_allowed_packet (4096) on replica.",
            Layer::Binlog,
            "event-too-large",
            false,
        ),
    ];

    #[test]
    fn what_stops_a_receiver_is_told_apart_by_its_text() {
        all_explained(ROWS, receiver_stopped);
    }
}
