//! Why a connection does not come about.

use super::{
    code,
    explanation::{Explanation, Layer, Surroundings},
};
use crate::model::ThreadState;
use crate::observe::{ChannelFacts, Reach};

/// Address, port, firewall or server: the connection itself does not come about.
pub fn explain_connection(channel: &ChannelFacts, around: &Surroundings<'_>, said: &str) -> Explanation {
    let (source, replica) = (around.source, around.replica);
    let place = format!("{}:{}", channel.source_host, channel.source_port);
    let text = channel.io_error.to_ascii_lowercase();
    let reason = match around.reach {
        Some(Reach::Failed(reason)) => reason.to_ascii_lowercase(),
        Some(Reach::Open) | None => text.clone(),
    };
    let unknown_name =
        text.contains("unknown") && text.contains("host") || reason.contains("name or service");
    let (layer, cause, next) = if unknown_name || channel.io_errno == 2005 {
        (
            Layer::Address,
            format!("{replica} can't resolve `{}`, the address of {source}.", channel.source_host),
            format!("Set replication_address of {source} to an address that {replica} can reach."),
        )
    } else if around.source_runs == Some(false) {
        let why =
            around.source_down_because.clone().unwrap_or_else(|| "its error log does not say why".into());
        (
            Layer::Server,
            format!("the server on {source} is down: {why}."),
            format!("Mend the cause and start it on {source}; `tandem apply` starts a stopped server too."),
        )
    } else if around.reach == Some(&Reach::Open) && around.source_runs == Some(true) {
        (
            Layer::Reconnecting,
            format!("{place} did not answer {replica} the last time, and does now."),
            "It tries again by itself within a minute; `tandem apply` makes it try at once.".to_owned(),
        )
    } else if reason.contains("refused") || text.contains("(111") || text.contains("\"connection refused\"") {
        (
            Layer::Port,
            format!("nothing listens at {place} for {replica}: the connection is refused."),
            format!(
                "Check bind_address, skip_networking and the port of {source}; a firewall that rejects looks the same."
            ),
        )
    } else if reason.contains("no route")
        || reason.contains("unreachable")
        || text.contains("(113")
        || text.contains("(101")
    {
        (
            Layer::Address,
            format!("no way leads from {replica} to {place}."),
            format!("Check replication_address of {source} and the network between the sites."),
        )
    } else {
        (
            Layer::Firewall,
            format!(
                "{place} does not answer {replica}: a firewall drops the packets, or the address belongs to no machine."
            ),
            format!(
                "Open the port for {replica} on {source} (role firewall) and in between, and check replication_address."
            ),
        )
    };
    Explanation { layer, cause, next, said: said.to_owned(), heals: true }
}

/// MySQL gives up after SOURCE_RETRY_COUNT attempts, ten since 8.1, and then waits for no cause to go.
pub fn count_attempts(mut found: Explanation, channel: &ChannelFacts) -> Explanation {
    let Some((this, all)) =
        code::attempt(&channel.io_error).filter(|_| channel.io_running == ThreadState::No)
    else {
        return found;
    };
    let now = match this < all {
        true => "The receiver was stopped while it tried".to_owned(),
        false => format!("The receiver gave up after {all} attempts"),
    };
    found.next = match found.layer {
        Layer::Reconnecting => format!("{now}; `tandem apply` starts it again."),
        _ => format!("{} {now}: it must be started once that is mended.", found.next),
    };
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::recorded::{explain, receiver_stopped};

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
    fn a_connection_that_fails_has_its_layer_in_every_version() {
        for (errno, message, layer, words) in [
            (
                1045,
                "Access denied for user 'repl_user'@'10.77.0.12' (using password: YES)",
                Layer::Password,
                "",
            ),
            (1130, "Host '10.77.0.12' is not allowed to connect to this MySQL server", Layer::Account, ""),
            (4151, "Access denied, this account is locked", Layer::Account, "locked"),
            (
                3118,
                "Access denied for user 'repl_user'@'10.77.0.12'. Account is locked.",
                Layer::Account,
                "locked",
            ),
            (2003, "Can't connect to MySQL server on '10.77.0.11:3306' (111)", Layer::Port, "refused"),
            (2003, "Can't connect to MySQL server on '10.77.0.11:3306' (113)", Layer::Address, "no way"),
            (2003, "Can't connect to MySQL server on '10.77.0.11:3306' (110)", Layer::Firewall, ""),
            (2005, "Unknown MySQL server host 'nowhere' (-2)", Layer::Address, "resolve"),
            (
                2013,
                "Lost connection to MySQL server at 'reading initial communication packet', system error: 110",
                Layer::Firewall,
                "",
            ),
            (1158, "Got an error reading communication packets", Layer::Firewall, ""),
            (1161, "Got timeout writing communication packets", Layer::Firewall, ""),
            (
                2026,
                "SSL connection error: error:0A000086:SSL routines::certificate verify failed",
                Layer::Tls,
                "certificates",
            ),
            (
                2026,
                "SSL connection error: SSL is required but the server doesn't support it",
                Layer::Tls,
                "db-a offers none",
            ),
            (
                2061,
                "Authentication plugin 'caching_sha2_password' reported error: Authentication requires secure \
                 connection.",
                Layer::Tls,
                "FLUSH PRIVILEGES",
            ),
            (
                2059,
                "Authentication plugin 'mysql_native_password' cannot be loaded: mysql_native_password.so: cannot \
                 open shared object file: No such file or directory",
                Layer::Account,
                "caching_sha2_password",
            ),
            (1524, "Plugin 'mysql_native_password' is not loaded", Layer::Account, "caching_sha2_password"),
        ] {
            for text in wrapped(message) {
                let channel =
                    ChannelFacts { io_running: ThreadState::Connecting, ..receiver_stopped(errno, &text) };
                let found = explain(&channel, Surroundings::default());
                assert_eq!((found.layer, found.heals), (layer, true), "{errno} {text}");
                let told = format!("{} {}", found.cause, found.next);
                assert!(told.contains(words) && !told.contains("gave up"), "{told}");
            }
        }
    }

    #[test]
    fn a_receiver_that_gave_up_is_started_again() {
        let text = "Error connecting to source 'repl_user@10.77.0.11:3306'. This was attempt 10/10, with a delay of 60 \
                    seconds between attempts. Message: Can't connect to MySQL server on '10.77.0.11:3306' (111)";
        let open =
            Surroundings { reach: Some(&Reach::Open), source_runs: Some(true), ..Surroundings::default() };
        let found = explain(&receiver_stopped(2003, text), open);
        assert_eq!((found.layer, found.heals), (Layer::Reconnecting, true));
        assert_eq!(found.next, "The receiver gave up after 10 attempts; `tandem apply` starts it again.");

        let found = explain(&receiver_stopped(2003, text), Surroundings::default());
        assert_eq!((found.layer, found.heals), (Layer::Port, true));
        assert!(
            found.next.ends_with("gave up after 10 attempts: it must be started once that is mended."),
            "{found}"
        );

        let early = text.replace("10/10", "3/10");
        let found = explain(&receiver_stopped(2003, &early), Surroundings::default());
        assert!(found.next.contains("was stopped while it tried"), "{found}");
    }
}
