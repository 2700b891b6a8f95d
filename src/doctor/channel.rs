//! From a channel's error to its cause.
//!
//! The numbers are those of the servers' client and server error lists, as `code` brings them together.

use super::{
    applier::explain_applier,
    cause::{ApplierCause, ChannelCause},
    connection::explain_connection,
    explanation::{ChannelContext, Explanation},
    layer::Layer,
    receiver::explain_receiver,
};
use crate::model::ThreadState;
use crate::observe::ChannelFacts;

/// Explains a channel that does not run as it should; `None` where nothing is wrong.
pub(crate) fn explain_channel(
    channel: &ChannelFacts,
    channel_context: &ChannelContext<'_>,
) -> Option<Explanation> {
    if channel.io_errno != 0 && channel.io_running != ThreadState::Yes {
        return Some(with_applier(explain_receiver(channel, channel_context), channel, channel_context));
    }
    if channel.sql_errno != 0 {
        return Some(explain_applier(channel, channel_context));
    }
    if channel.io_running == ThreadState::Connecting {
        return Some(explain_connection(channel, channel_context, ""));
    }
    if other_relay_log(channel, channel_context) {
        return Some(Explanation::new(ApplierCause::RelayLogLost, channel_context, ""));
    }
    if channel.io_running != ThreadState::Yes || channel.sql_running != ThreadState::Yes {
        let stopped = ChannelCause::Stopped { receiver: channel.io_running, applier: channel.sql_running };
        return Some(Explanation::new(stopped, channel_context, ""));
    }
    None
}

/// Whether a channel whose threads both stand still without an error is to go on in a relay log of another name than the server
/// gives its own: the guide's own accident. MySQL says so in its log alone until somebody starts the channel.
fn other_relay_log(channel: &ChannelFacts, channel_context: &ChannelContext<'_>) -> bool {
    let both = channel.io_running == ThreadState::No && channel.sql_running == ThreadState::No;
    let base =
        channel_context.relay_log.and_then(|base| base.rsplit('/').next()).filter(|base| !base.is_empty());
    let file = channel.relay.as_ref().map(|at| at.file().rsplit('/').next().unwrap_or_default());
    let (Some(base), Some(file)) = (base, file) else { return false };
    both && !file.strip_prefix(base).is_some_and(|rest| rest.starts_with(['.', '-']))
}

/// What is wrong with a receiver, and with its applier where that has stopped on an error of its own: a channel goes on once
/// both are mended.
fn with_applier(
    receiver: Explanation,
    channel: &ChannelFacts,
    channel_context: &ChannelContext<'_>,
) -> Explanation {
    if channel.sql_errno == 0 || matches!(receiver.layer, Layer::RelayLog) {
        return receiver;
    }
    Explanation { applier: Some(Box::new(explain_applier(channel, channel_context))), ..receiver }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Reach;

    fn receiver(errno: u32, error: &str) -> ChannelFacts {
        ChannelFacts {
            source_host: "10.77.0.11".into(),
            source_port: 3306,
            user: "repl_user".into(),
            io_running: ThreadState::Connecting,
            sql_running: ThreadState::Yes,
            io_errno: errno,
            io_error: error.into(),
            ..ChannelFacts::default()
        }
    }

    fn layer(channel: &ChannelFacts, channel_context: ChannelContext<'_>) -> Option<Layer> {
        let channel_context = ChannelContext { replica: "db-b", source: "db-a", ..channel_context };
        explain_channel(channel, &channel_context).map(|e| e.layer)
    }

    #[test]
    fn a_relay_log_of_another_name_is_told_without_an_error() {
        let stopped = |file: &str| ChannelFacts {
            io_running: ThreadState::No,
            sql_running: ThreadState::No,
            relay: crate::model::BinlogPosition::new(file, 4),
            ..receiver(0, "")
        };
        let named = |base| ChannelContext { relay_log: Some(base), ..ChannelContext::default() };
        let base = "/usr/local/mysql/data/mysql-relay-bin";
        assert_eq!(layer(&stopped("db-b-relay-bin.000002"), named(base)), Some(Layer::RelayLog));
        assert_eq!(layer(&stopped("mysql-relay-bin.000002"), named(base)), Some(Layer::Stopped));
        assert_eq!(layer(&stopped("./mysql-relay-bin-east.000002"), named(base)), Some(Layer::Stopped));
        let runs = ChannelFacts { sql_running: ThreadState::Yes, ..stopped("db-b-relay-bin.000002") };
        assert_eq!(layer(&runs, named(base)), Some(Layer::Stopped));
    }

    #[test]
    fn each_accident_of_the_guide_has_its_layer() {
        let none = ChannelContext::default;
        let dropped = Reach::Failed("no answer within 3 seconds".into());
        let refused = Reach::Failed("Connection refused".into());
        let connect = receiver(2003, "error connecting to master 'repl_user@10.77.0.11:3306'");
        assert_eq!(layer(&receiver(1045, "Access denied for user"), none()), Some(Layer::Password));
        assert_eq!(
            layer(&connect, ChannelContext { reach: Some(&dropped), ..none() }),
            Some(Layer::Firewall)
        );
        assert_eq!(layer(&connect, ChannelContext { reach: Some(&refused), ..none() }), Some(Layer::Port));
        assert_eq!(
            layer(&connect, ChannelContext { reach: Some(&refused), source_runs: Some(false), ..none() }),
            Some(Layer::Server)
        );
        assert_eq!(
            layer(&receiver(2005, "Unknown MySQL server host 'nowhere'"), none()),
            Some(Layer::Address)
        );
        assert_eq!(layer(&receiver(1593, "equal MySQL server ids"), none()), Some(Layer::Identity));
        let relay = ChannelFacts {
            io_running: ThreadState::No,
            sql_running: ThreadState::No,
            sql_errno: 1872,
            sql_error: "Slave failed to initialize relay log info structure".into(),
            ..ChannelFacts::default()
        };
        assert_eq!(layer(&relay, none()), Some(Layer::RelayLog));
    }

    /// `REVOKE` on the source comes along in its binary log, and fails where the replica has no such account.
    #[test]
    fn an_error_of_the_applier_is_told_beside_one_of_the_receiver() {
        let both = ChannelFacts {
            sql_running: ThreadState::No,
            sql_errno: 1141,
            sql_error: "Error 'There is no such grant defined for user 'repl_user' on host '10.77.0.12''"
                .into(),
            ..receiver(1597, "Master command COM_REGISTER_SLAVE failed: Access denied for user 'repl_user'")
        };
        let channel_context = ChannelContext { replica: "db-b", source: "db-a", ..ChannelContext::default() };
        let found = explain_channel(&both, &channel_context).expect("it does not run");
        assert_eq!((found.layer, found.heals()), (Layer::Privilege, false));
        let applier = found.applier.expect("it has stopped as well");
        assert_eq!((applier.layer, applier.heals()), (Layer::Data, false));
        assert!(applier.said.ends_with("(1141)"), "{}", applier.said);
    }

    #[test]
    fn a_stop_without_an_error_is_not_in_order() {
        let stopped = ChannelFacts {
            io_running: ThreadState::No,
            sql_running: ThreadState::No,
            ..ChannelFacts::default()
        };
        assert_eq!(layer(&stopped, ChannelContext::default()), Some(Layer::Stopped));
    }
}
