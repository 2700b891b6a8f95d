//! Who could still need a server's binary logs, before they start over or go on under another name.

use super::Context;
use crate::{
    dialect::HEARTBEAT,
    model::{Fact, HostName, visible},
    observe::ServerFacts,
    plan::Risk,
};

/// What is lost where the logs of a server that holds no data of its own start over: the place of replicas that
/// this playbook does not declare, and changes of databases that are gone. Nothing is lost where nobody ever
/// wrote to it.
pub(super) fn start_over(context: &Context<'_>, server: &ServerFacts) -> Option<Risk> {
    let binlog = server.binlog.known()?;
    let mut needed: Vec<String> = strangers(context, server).into_iter().collect();
    match &binlog.changes {
        Fact::Known(false) | Fact::Absent => {}
        Fact::Known(true) => needed.push("they hold changes of databases that are gone".to_owned()),
        Fact::Unread(why) => needed.push(format!("what they hold could not be read ({why})")),
    }
    (!needed.is_empty()).then(|| Risk::ResetsBinlogs(needed.join("; ")))
}

/// The same where a copy replaces the server's own data, and with it what its logs tell: other servers may follow it.
pub(super) fn followed(context: &Context<'_>, server: &ServerFacts) -> Option<Risk> {
    server.binlog.known()?;
    strangers(context, server).map(Risk::ResetsBinlogs)
}

/// What is lost where the logs get another base name: the server forgets the old files, and MariaDB its GTID state.
pub(super) fn renamed(context: &Context<'_>, host: &HostName, server: &ServerFacts) -> Option<Risk> {
    let binlog = server.binlog.known()?;
    let running = server.variable("log_bin_basename").unwrap_or("another name");
    let holds = server.databases.iter().any(|d| !d.is_empty() && d.name != HEARTBEAT);
    let follows = context.desired.hosts.values().any(|other| {
        let channels = context.server(&other.name).and_then(|s| s.channels.known());
        let wish = other.channels.iter().find(|wish| wish.source == *host);
        wish.is_some_and(|wish| {
            channels.into_iter().flatten().any(|channel| {
                (&channel.source_host, channel.source_port) == (&wish.endpoint.address, wish.endpoint.port)
            })
        })
    });
    let unneeded = !holds
        && !follows
        && strangers(context, server).is_none()
        && matches!(binlog.changes, Fact::Known(false) | Fact::Absent);
    (!unneeded).then(|| {
        Risk::ResetsBinlogs(format!(
            "the server forgets those at {0}, and what its replicas have not received by then; to keep them, set \
             mysql_log_bin: {0}",
            visible(running)
        ))
    })
}

/// Replicas that are connected and no members.
fn strangers(context: &Context<'_>, server: &ServerFacts) -> Option<String> {
    let connected = match &server.connected_replicas {
        Fact::Known(connected) => connected,
        Fact::Absent => return None,
        Fact::Unread(why) => return Some(format!("its replicas could not be read ({why})")),
    };
    let member = |id: u64| {
        context
            .desired
            .members
            .iter()
            .any(|m| context.server(m).and_then(|s| s.number("server_id")) == Some(id))
    };
    let strange: Vec<String> = connected
        .iter()
        .filter(|(id, _)| !member(*id))
        .map(|(id, from)| match from.is_empty() {
            true => format!("server_id {id}"),
            false => format!("server_id {id} at {}", visible(from)),
        })
        .collect();
    (!strange.is_empty())
        .then(|| format!("undeclared replicas need them and can't continue: {}", strange.join(", ")))
}
