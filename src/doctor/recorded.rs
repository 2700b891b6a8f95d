//! What the tests of this room share: channels as real servers showed them, and what is said of them.

use super::{ChannelContext, Explanation, Layer, explain_channel};
use crate::observe::{ChannelFacts, recorded::channel};

/// Number, text, layer, code of the cause, whether it heals.
pub(super) type Row = (u32, &'static str, Layer, &'static str, bool);

/// Numbers from here on are MySQL's since 8.0.
const OF_MYSQL: u32 = 13_000;

/// A channel whose receiver has stopped with this error, else as it ran.
pub(super) fn receiver_stopped(errno: u32, error: &str) -> ChannelFacts {
    let number = errno.to_string();
    let (server, running) = match errno < OF_MYSQL {
        true => ("mariadb-10.11/running", "Slave_IO_Running"),
        false => ("mysql-9.7/running", "Replica_IO_Running"),
    };
    channel(server, &[(running, "No"), ("Last_IO_Errno", &number), ("Last_IO_Error", error)])
}

/// A channel whose applier has stopped with this error, else as it ran.
pub(super) fn applier_stopped(errno: u32, error: &str) -> ChannelFacts {
    let number = errno.to_string();
    let (server, running) = match errno < OF_MYSQL {
        true => ("mariadb-10.11/running", "Slave_SQL_Running"),
        false => ("mysql-9.7/running", "Replica_SQL_Running"),
    };
    channel(server, &[(running, "No"), ("Last_SQL_Errno", &number), ("Last_SQL_Error", error)])
}

/// Explains a channel from db-a to db-b.
pub(super) fn explain(channel: &ChannelFacts, channel_context: ChannelContext<'_>) -> Explanation {
    let channel_context = ChannelContext { replica: "db-b", source: "db-a", ..channel_context };
    explain_channel(channel, &channel_context).expect("it does not run")
}

/// Each row is explained as it says, with the server's own words and number behind it.
pub(super) fn all_explained(rows: &[Row], channel: impl Fn(u32, &str) -> ChannelFacts) {
    for (errno, text, layer, code, heals) in rows {
        let found = explain(&channel(*errno, text), ChannelContext::default());
        assert_eq!(
            (found.layer, found.cause.code(), found.heals()),
            (*layer, *code, *heals),
            "{errno} {text}"
        );
        assert!(found.said.ends_with(&format!("({errno})")), "{}", found.said);
    }
}

/// What servers showed whose channels were broken on purpose.
#[test]
fn what_real_servers_showed_has_its_cause() {
    for (fault, code) in [
        ("wrong-password", "login-refused"),
        ("nothing-listens", "connection-refused"),
        ("unknown-name", "address-unknown"),
        ("no-privilege", "privilege-missing"),
        ("same-server-id", "server-id-equal"),
        ("log-is-gone", "binlog-purged"),
        ("log-is-shorter", "binlog-ends-before"),
        ("duplicate-row", "row-exists"),
        ("missing-row", "row-missing"),
        ("missing-table", "schema-differs"),
        ("stopped", "channel-stopped"),
    ] {
        for server in ["mariadb-10.11", "mysql-9.7"] {
            let found = explain(&channel(&format!("{server}/{fault}"), &[]), ChannelContext::default());
            assert_eq!(found.cause.code(), code, "{server}/{fault}: {found:?}");
        }
    }
    let channel_context = ChannelContext { replica: "db-b", source: "db-a", ..ChannelContext::default() };
    for server in ["mariadb-10.11", "mysql-9.7"] {
        assert_eq!(
            explain_channel(&channel(&format!("{server}/running"), &[]), &channel_context),
            None,
            "{server}"
        );
    }
}
