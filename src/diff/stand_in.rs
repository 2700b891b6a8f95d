//! Which replica can take the writes of the one primary while that one's server is restarted, and which one has them.

use super::{switchover::other_parameters, writers::declared};
use crate::{
    desired::{Desired, DesiredChannel, DesiredHost, Positioning, RestartPrimary},
    gtid::{GtidRelation, relation},
    model::{Fact, HostName, limits},
    observe::{ChannelFacts, HostFacts, LeftOutOrigins, Observed, ServerFacts},
    plan::{Action, Plan},
};

pub(super) use crate::plan::Unable;

/// The one member that clients are declared to write to, where others follow it.
pub(super) fn one_primary(desired: &Desired) -> Option<&DesiredHost> {
    declared(desired).filter(|host| !host.replicas.is_empty())
}

/// The replica for which a plan has to be made once more, with the knowledge of what it would be as the primary: it can take
/// the writes for a restart that is planned, or it has them still.
pub fn stand_in(desired: &Desired, observed: &Observed, plan: &Plan) -> Option<HostName> {
    let primary = one_primary(desired)?;
    let restarts = plan.steps.iter().any(|step| {
        step.host == primary.name && matches!(step.action, Action::Restart { new_uuid: false, .. })
    });
    if !server(observed, &primary.name)?.accepts_writes() {
        let holder = holder(desired, observed, primary)?;
        return (restarts || !holder.linked).then_some(holder.host);
    }
    if !restarts || primary.restart_primary == Some(RestartPrimary::InPlace) {
        return None;
    }
    let able = |replica: &&HostName| unable(desired, observed, primary, replica).is_none();
    desired.members.iter().filter(|member| primary.replicas.contains(member)).find(able).cloned()
}

/// A replica that has the writes of a primary that is closed.
pub(super) struct Holder {
    pub(super) host: HostName,
    /// Whether the primary follows it already.
    pub(super) linked: bool,
}

/// The replica that accepts writes although the primary is declared to, and has all that the primary has. Nothing where
/// there are several.
pub(super) fn holder(desired: &Desired, observed: &Observed, primary: &DesiredHost) -> Option<Holder> {
    let old = server(observed, &primary.name)?;
    let find = |replica: &HostName| -> Option<Holder> {
        // One that is declared to take writes does not give them back.
        let wish = desired.hosts.get(replica).filter(|wish| wish.declared_closed() != Some(false))?;
        let new = server(observed, replica).filter(|server| server.accepts_writes())?;
        channel_from(new, primary)?;
        let linked = channel_from(old, wish).is_some();
        let (of_new, of_old) = (new.gtid.known()?, old.gtid.known()?);
        let has_all = || relation(of_new, of_old, false) == Some(GtidRelation::Follows);
        // One that has counted nothing proves nothing; that it was recorded when it had everything does.
        let recorded = || {
            let is = |host: &HostName| observed.get(host).and_then(Fact::known)?.role_unit.known();
            of_old.is_blank() && is(replica).is_some() && is(&primary.name).is_none()
        };
        (linked || has_all() || recorded()).then(|| Holder { host: replica.clone(), linked })
    };
    let mut all = primary.replicas.iter().filter_map(find);
    match (all.next(), all.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

/// The replica that has the writes of its closed source, where that is the one primary.
pub(super) fn stands_in<'d>(
    desired: &'d Desired,
    observed: &Observed,
    source: &HostName,
) -> Option<&'d HostName> {
    let primary = one_primary(desired).filter(|primary| primary.name == *source)?;
    if server(observed, &primary.name)?.accepts_writes() {
        return None;
    }
    let holder = holder(desired, observed, primary)?;
    primary.replicas.iter().find(|replica| **replica == holder.host)
}

/// The channel of a server that leads to a host.
pub(super) fn channel_from(replica: &ServerFacts, source: &DesiredHost) -> Option<String> {
    let leads = |channel: &&ChannelFacts| {
        channel.source_host == source.endpoint.address && channel.source_port == source.endpoint.port
    };
    replica.channels.known()?.iter().find(leads).map(|channel| channel.name.clone())
}

/// Why a replica can't take the writes for a while.
pub(super) fn unable(
    desired: &Desired,
    observed: &Observed,
    primary: &DesiredHost,
    replica: &HostName,
) -> Option<Unable> {
    let read = |host: &HostName| observed.get(host).and_then(Fact::known);
    let (Some(host), Some(facts), Some(old)) =
        (desired.hosts.get(replica), read(replica), server(observed, &primary.name))
    else {
        return Some(Unable::NotRead);
    };
    let Some(new) = facts.server.known() else { return Some(Unable::NotRead) };
    let Some(wish) = host.channels.iter().find(|wish| wish.source == primary.name) else {
        return Some(Unable::NoChannel);
    };
    let channel = { new.channels.known().into_iter().flatten() }.find(|channel| channel.name == wish.name);
    let Some(channel) = channel.filter(|_| channel_from(new, primary).as_ref() == Some(&wish.name)) else {
        return Some(Unable::NoChannel);
    };
    of_channel(wish, channel).or_else(|| of_server(host, (facts, new), (primary, old)))
}

fn of_channel(wish: &DesiredChannel, channel: &ChannelFacts) -> Option<Unable> {
    let whole = channel.filters == Default::default()
        && channel.left_out == LeftOutOrigins::default()
        && wish.filters.is_empty();
    let all = [
        (wish.delay > 0 || channel.delay > 0, Unable::Delayed),
        (!(channel.running() && channel.without_error()), Unable::Stopped),
        (wish.positioning == Positioning::File || !channel.using_gtid.by_gtid(), Unable::ByFile),
        (!whole, Unable::Filtered),
        (
            channel.seconds_behind.is_none_or(|behind| behind > limits::STAND_IN_BEHIND.as_secs()),
            Unable::Behind,
        ),
    ];
    all.into_iter().find_map(|(so, why)| so.then_some(why))
}

fn of_server(
    host: &DesiredHost,
    (facts, new): (&HostFacts, &ServerFacts),
    (primary, old): (&DesiredHost, &ServerFacts),
) -> Option<Unable> {
    let whole = |server: &ServerFacts| {
        server.binlog.known().is_some_and(|log| log.do_db.is_empty() && log.ignore_db.is_empty())
    };
    let logs = |server: &ServerFacts| {
        server.is_on("log_bin") && (server.is_on("log_slave_updates") || server.is_on("log_replica_updates"))
    };
    let turns = host.declared_closed() == Some(true) && primary.declared_closed() == Some(false);
    let all = [
        (!logs(new) || !logs(old), Unable::NoLog),
        (!whole(new) || !whole(old), Unable::Filtered),
        (new.version != old.version, Unable::OtherVersion),
        (!other_parameters((primary, old), (host, new)).is_empty(), Unable::OtherParameters),
        (new.accepts_writes() || !turns, Unable::NotClosed),
        (facts.seeds.known().is_some(), Unable::Unfinished),
    ];
    all.into_iter().find_map(|(so, why)| so.then_some(why))
}

fn server<'a>(observed: &'a Observed, host: &HostName) -> Option<&'a ServerFacts> {
    observed.get(host)?.known()?.server.known()
}
