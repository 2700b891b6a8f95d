//! Who could still need a server's binary logs, before they start over or go on under another name.

use super::Context;
use crate::{
    dialect::HEARTBEAT,
    model::{Fact, HostName},
    observe::ServerFacts,
    plan::{LostLogs, Risk, UndeclaredReplica},
};

/// What is lost where the logs of a server that holds no data of its own start over: the place of replicas that
/// this playbook does not declare, and changes of databases that are gone. Nothing is lost where nobody ever
/// wrote to it.
pub(super) fn start_over(context: &Context<'_>, server: &ServerFacts) -> Option<Risk> {
    let binlog = server.binlog.known()?;
    let mut lost: Vec<LostLogs> = strangers(context, server).into_iter().collect();
    match &binlog.changes {
        Fact::Known(false) | Fact::Absent => {}
        Fact::Known(true) => lost.push(LostLogs::ChangesOfGoneDatabases),
        Fact::Unread(why) => lost.push(LostLogs::Unread { why: why.clone() }),
    }
    (!lost.is_empty()).then_some(Risk::ResetsBinlogs { lost })
}

/// The same where a copy replaces the server's own data, and with it what its logs tell: other servers may follow it.
pub(super) fn followed(context: &Context<'_>, server: &ServerFacts) -> Option<Risk> {
    server.binlog.known()?;
    strangers(context, server).map(|lost| Risk::ResetsBinlogs { lost: vec![lost] })
}

/// What is lost where the logs get another base name: the server forgets the old files, and MariaDB its GTID state.
pub(super) fn renamed(context: &Context<'_>, host: &HostName, server: &ServerFacts) -> Option<Risk> {
    let binlog = server.binlog.known()?;
    let running = server.variable("log_bin_basename").unwrap_or_default();
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
    let lost = LostLogs::OtherBaseName { running: running.to_owned() };
    (!unneeded).then(|| Risk::ResetsBinlogs { lost: vec![lost] })
}

/// Replicas that are connected and no members.
fn strangers(context: &Context<'_>, server: &ServerFacts) -> Option<LostLogs> {
    let connected = match &server.connected_replicas {
        Fact::Known(connected) => connected,
        Fact::Absent => return None,
        Fact::Unread(why) => return Some(LostLogs::UnreadReplicas { why: why.clone() }),
    };
    let member = |id: u64| {
        context
            .desired
            .members
            .iter()
            .any(|m| context.server(m).and_then(|s| s.number("server_id")) == Some(id))
    };
    let replicas: Vec<UndeclaredReplica> = connected
        .iter()
        .filter(|(id, _)| !member(*id))
        .map(|(id, from)| UndeclaredReplica { server_id: *id, from: from.clone() })
        .collect();
    (!replicas.is_empty()).then_some(LostLogs::UndeclaredReplicas { replicas })
}
