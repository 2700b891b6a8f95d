//! What waits, and for what.

use super::{cause::explanation, end::at, hosts, not_read};
use crate::{
    model::HostName,
    plan::{Follows, HostWaits, Need, Part, Refusal, SourceWaits, Waiting, WaitsFor},
};

/// What something that is wished waits for.
pub(crate) fn waits(waiting: &Waiting) -> String {
    let host = &waiting.host;
    match &waiting.why {
        WaitsFor::Part { part, why } => part_unread(part, why.as_deref()),
        WaitsFor::Source { source, why } => from_source(host, source, why),
        WaitsFor::Resource(resource, obstacle) => format!("{}: {obstacle}", resource.any().what()),
        WaitsFor::Host(why) => as_a_whole(host, why),
    }
}

fn as_a_whole(host: &HostName, why: &HostWaits) -> String {
    match why {
        HostWaits::Unread { why: Some(why) } => format!("nothing planned: {why}"),
        HostWaits::Unread { why: None } => "nothing planned: not observed".to_owned(),
        HostWaits::ServerId => {
            "its server id can't be chosen while another member is not read; set server_id to do without"
                .to_owned()
        }
        HostWaits::Partner { keeps } => {
            format!("who is written to changes together with {keeps}, where nothing is done")
        }
        HostWaits::StillNeeded { step, by } => format!("{}: {}", super::step(step), needed(host, by)),
        HostWaits::LeftOut { step, needs } => {
            format!("{} needs {needs}, which --limit leaves out", super::step(step))
        }
        HostWaits::GtidModeTogether { down, unread } => {
            let word = if *down { "down" } else { "up" };
            format!("gtid_mode is brought {word} on all members together, and {unread} was not read")
        }
        HostWaits::GtidModeEverywhere => {
            "its option file says gtid_mode = OFF once every server runs with it".to_owned()
        }
        HostWaits::Trust { unread } if unread.is_empty() => {
            "its certificate by the new authority follows when all hosts trust that one".to_owned()
        }
        HostWaits::Trust { unread } => {
            format!("its certificate by the new authority waits for {}, not read", hosts(unread))
        }
        HostWaits::MayStillWrite { unread } => format!(
            "clients shall write here, and {unread} was not read: it may still take writes. If it is gone, declare \
             `lost: [{unread}]`, as `tandem failover` does"
        ),
        HostWaits::NoOtherWriter { writers } => format!(
            "it goes on taking writes until {} can: that was not read, waits itself, or stays read-only",
            hosts(writers)
        ),
        HostWaits::AfterTakeover { writer, refused } => {
            let refusal = Refusal { host: host.clone(), why: (**refused).clone() };
            format!("{writer} takes the writes first; then: {}", super::refused(&refusal).whole())
        }
        HostWaits::NoServer => NO_SERVER.to_owned(),
        HostWaits::NotRoot => "only root can install its database server; set ansible_become".to_owned(),
        HostWaits::ServerFirst(later) => {
            format!("planned once its server runs, from what that says of itself: {}", follows(later))
        }
    }
}

const NO_SERVER: &str = "no database server is installed: none of mariadb, mysql and mysqld is a service there. Put the \
                         role server first (mysql_server_install: true for hot-standby and read-replicas), or install one";

fn part_unread(part: &Part, why: Option<&str>) -> String {
    let what = match part {
        Part::Server => "its server was not read",
        Part::Channels => "its channels could not be read",
        Part::OptionFiles => "its option files were not read",
        Part::ServerPackages => "the packages of its database server were not read",
        Part::PacketFilter => "the packet filter was not read",
        Part::CopyMark => "whether a copy has begun there could not be read",
        Part::Resource(resource) => &format!("{} was not read", resource.any().what()),
    };
    match why {
        Some(why) => format!("{what}: {why}"),
        None => what.to_owned(),
    }
}

fn from_source(host: &HostName, source: &HostName, why: &SourceWaits) -> String {
    let why = match why {
        SourceWaits::Host => "that host was not read".to_owned(),
        SourceWaits::Server { why: Some(why) } => format!("its server was not read: {why}"),
        SourceWaits::Server { why: None } => "no database server is installed there yet".to_owned(),
        SourceWaits::OtherSource { unread } => format!("{unread}, its other source, was not read"),
        SourceWaits::NewEnd { now, why } => {
            format!("{}; the channel from {} stays as it is", not_read(why), at(now))
        }
        SourceWaits::Copy => format!("{source} gets a copy of the data first"),
        SourceWaits::OtherWay => format!("whether {source} gets a copy of {host} comes first"),
        SourceWaits::Fault(found) => explanation(found),
        SourceWaits::NotAgain(found) => {
            let found = explanation(found);
            return format!("replication from {source} is connected and could not connect again: {found}");
        }
    };
    format!("replication from {source}: {why}")
}

fn needed(host: &HostName, by: &Need) -> String {
    match by {
        Need::Unread(name) => format!("{name} was not read and may still need it"),
        Need::Replicates(name) => format!("{name} still replicates from {host}, and nothing moves it"),
        Need::ComesFrom { replica, from, declared } => {
            format!(
                "{replica} replicates from {host} and comes from {from}, and its replication_address is {declared}"
            )
        }
    }
}

fn follows(later: &Follows) -> String {
    let mut parts = Vec::new();
    parts.extend(later.settings.then(|| "its settings".to_owned()));
    match later.accounts {
        0 => {}
        1 => parts.push("1 account".to_owned()),
        n => parts.push(format!("{n} accounts")),
    }
    parts.extend(later.databases.iter().map(|name| format!("database {name}")));
    parts.extend(later.copies.iter().map(|source| format!("a copy from {source}")));
    parts.extend(later.channels.iter().map(|source| format!("replication from {source}")));
    parts.join(", ")
}
