//! Why a connection does not come about.

use super::{
    cause::ConnectionCause,
    code,
    explanation::{ChannelContext, Explanation, Tried},
};
use crate::{
    model::{Endpoint, ThreadState},
    observe::{ChannelFacts, Reach},
};

/// Address, port, firewall or server: the connection itself does not come about.
pub(super) fn explain_connection(
    channel: &ChannelFacts,
    channel_context: &ChannelContext<'_>,
    said: &str,
) -> Explanation {
    Explanation::new(cause(channel, channel_context), channel_context, said)
}

fn cause(channel: &ChannelFacts, channel_context: &ChannelContext<'_>) -> ConnectionCause {
    let end = Endpoint { address: channel.source_host.clone(), port: channel.source_port };
    let text = channel.io_error.to_ascii_lowercase();
    let reason = match channel_context.reach {
        Some(Reach::Failed(reason)) => reason.to_ascii_lowercase(),
        Some(Reach::Open) | None => text.clone(),
    };
    let unknown_name =
        text.contains("unknown") && text.contains("host") || reason.contains("name or service");
    if unknown_name || channel.io_errno == 2005 {
        return ConnectionCause::UnknownName { address: end.address };
    }
    if channel_context.source_runs == Some(false) {
        return ConnectionCause::SourceDown {
            because: channel_context.source_down_because.clone().map(Box::new),
        };
    }
    if channel_context.reach == Some(&Reach::Open) && channel_context.source_runs == Some(true) {
        return ConnectionCause::AnswersAgain { end };
    }
    if reason.contains("refused") || text.contains("(111") || text.contains("\"connection refused\"") {
        return ConnectionCause::Refused { end };
    }
    let no_route = reason.contains("no route") || reason.contains("unreachable");
    if no_route || text.contains("(113") || text.contains("(101") {
        return ConnectionCause::NoRoute { end };
    }
    ConnectionCause::NoAnswer { end }
}

/// MySQL gives up after SOURCE_RETRY_COUNT attempts, ten since 8.1, and then waits for no cause to go.
pub(super) fn count_attempts(found: Explanation, channel: &ChannelFacts) -> Explanation {
    let attempt = code::attempt(&channel.io_error).filter(|_| channel.io_running == ThreadState::No);
    let tried = attempt.map(|(this, all)| match this < all {
        true => Tried::Stopped,
        false => Tried::GaveUp { attempts: all },
    });
    Explanation { tried, ..found }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{
        BinlogCause, Layer, LoginCause, WhyDown,
        recorded::{explain, receiver_stopped},
    };

    /// A message as each line of MySQL versions wraps it.
    fn wrapped(message: &str) -> [String; 3] {
        [
            format!(
                "error connecting to master 'repl_user@10.77.0.11:3306' - retry-time: 60  retries: 1  {message}"
            ),
            format!(
                "error connecting to source 'repl_user@10.77.0.11:3306' - retry-time: 60 retries: 1 message: {message}"
            ),
            format!(
                "Error connecting to source 'repl_user@10.77.0.11:3306'. This was attempt 1/10, with a delay of 60 \
                 seconds between attempts. Message: {message}"
            ),
        ]
    }

    #[test]
    #[allow(clippy::too_many_lines, reason = "a table")]
    fn a_connection_that_fails_has_its_layer_in_every_version() {
        for (errno, message, layer, code) in [
            (
                1045,
                "Access denied for user 'repl_user'@'10.77.0.12' (using password: YES)",
                Layer::Password,
                "login-refused",
            ),
            (
                1130,
                "Host '10.77.0.12' is not allowed to connect to this MySQL server",
                Layer::Account,
                "address-not-allowed",
            ),
            (4151, "Access denied, this account is locked", Layer::Account, "account-locked"),
            (
                3118,
                "Access denied for user 'repl_user'@'10.77.0.12'. Account is locked.",
                Layer::Account,
                "account-locked",
            ),
            (
                2003,
                "Can't connect to MySQL server on '10.77.0.11:3306' (111)",
                Layer::Port,
                "connection-refused",
            ),
            (
                2003,
                "Can't connect to MySQL server on '10.77.0.11:3306' (113)",
                Layer::Address,
                "no-route-to-source",
            ),
            (
                2003,
                "Can't connect to MySQL server on '10.77.0.11:3306' (110)",
                Layer::Firewall,
                "source-silent",
            ),
            (2005, "Unknown MySQL server host 'nowhere' (-2)", Layer::Address, "address-unknown"),
            (
                2013,
                "Lost connection to MySQL server at 'reading initial communication packet', system error: 110",
                Layer::Firewall,
                "source-silent",
            ),
            (1158, "Got an error reading communication packets", Layer::Firewall, "source-silent"),
            (1161, "Got timeout writing communication packets", Layer::Firewall, "source-silent"),
            (
                2026,
                "SSL connection error: error:0A000086:SSL routines::certificate verify failed",
                Layer::Tls,
                "tls-fails",
            ),
            (
                2026,
                "SSL connection error: SSL is required but the server doesn't support it",
                Layer::Tls,
                "tls-not-offered",
            ),
            (
                2061,
                "Authentication plugin 'caching_sha2_password' reported error: Authentication requires secure \
                 connection.",
                Layer::Tls,
                "password-needs-tls",
            ),
            (
                2059,
                "Authentication plugin 'mysql_native_password' cannot be loaded: mysql_native_password.so: cannot \
                 open shared object file: No such file or directory",
                Layer::Account,
                "login-plugin-gone",
            ),
            (1524, "Plugin 'mysql_native_password' is not loaded", Layer::Account, "login-plugin-gone"),
        ] {
            for text in wrapped(message) {
                let channel =
                    ChannelFacts { io_running: ThreadState::Connecting, ..receiver_stopped(errno, &text) };
                let found = explain(&channel, ChannelContext::default());
                assert_eq!(
                    (found.layer, found.cause.code(), found.heals(), found.tried),
                    (layer, code, true, None),
                    "{errno} {text}"
                );
            }
        }
    }

    #[test]
    fn a_receiver_that_gave_up_is_started_again() {
        let text = "Error connecting to source 'repl_user@10.77.0.11:3306'. This was attempt 10/10, with a delay of 60 \
                    seconds between attempts. Message: Can't connect to MySQL server on '10.77.0.11:3306' (111)";
        let open = ChannelContext {
            reach: Some(&Reach::Open),
            source_runs: Some(true),
            ..ChannelContext::default()
        };
        let found = explain(&receiver_stopped(2003, text), open);
        assert_eq!(found.layer, Layer::Reconnecting);
        assert_eq!((found.tried, found.heals()), (Some(Tried::GaveUp { attempts: 10 }), true));

        let found = explain(&receiver_stopped(2003, text), ChannelContext::default());
        assert_eq!(found.layer, Layer::Port);
        assert_eq!((found.tried, found.heals()), (Some(Tried::GaveUp { attempts: 10 }), true));

        let early = text.replace("10/10", "3/10");
        let found = explain(&receiver_stopped(2003, &early), ChannelContext::default());
        assert_eq!(found.tried, Some(Tried::Stopped));
    }

    #[test]
    fn a_cause_has_the_values_that_it_is_about() {
        let end = || Endpoint { address: "10.77.0.11".into(), port: 3306 };
        let down = ChannelContext {
            source_runs: Some(false),
            source_down_because: Some(WhyDown::default()),
            ..ChannelContext::default()
        };
        let channel = |errno, text: &str| ChannelFacts {
            source_host: end().address,
            source_port: end().port,
            user: "repl".into(),
            io_running: ThreadState::Connecting,
            io_errno: errno,
            io_error: text.into(),
            ..ChannelFacts::default()
        };
        let cause =
            |errno, text: &str, channel_context| explain(&channel(errno, text), channel_context).cause;
        let none = ChannelContext::default;
        assert_eq!(cause(2003, "(111)", none()), ConnectionCause::Refused { end: end() }.into());
        assert_eq!(
            cause(2003, "(111)", down),
            ConnectionCause::SourceDown { because: Some(Box::default()) }.into()
        );
        assert_eq!(cause(2005, "", none()), ConnectionCause::UnknownName { address: end().address }.into());
        assert_eq!(cause(1045, "", none()), LoginCause::Refused { user: "repl".into() }.into());
        let too_large = "log event entry exceeded max_allowed_packet; Increase max_allowed_packet on";
        for (text, variable) in
            [("source", "replica_max_allowed_packet"), ("master", "slave_max_allowed_packet")]
        {
            let text = format!("Got fatal error 1236 from {text}: '{too_large} {text}'");
            assert_eq!(cause(1236, &text, none()), BinlogCause::TooLarge { variable }.into());
        }
    }
}
