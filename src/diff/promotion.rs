//! A replica that clients shall write to: first it gets everything that was written elsewhere.
//!
//! A host that is opened while it lacks events gives out their numbers again, in the same GTID domain, and what
//! it lacks can't be applied there any more. So it is opened after it has caught up with its sources, and those of
//! them that take no more writes stop before. That they need not wait long it has caught up once before that, too.

use std::collections::BTreeSet;

use super::{
    Context, Draft, failover, pair::content, proof::has_only_what_comes_from, switchover, writers::declared,
};
use crate::{
    desired::DesiredHost,
    dialect::Dialect,
    gtid::{GtidRelation, GtidState, relation},
    model::{Fact, HostName, limits},
    observe::ServerFacts,
    plan::{
        Action, Because, CatchUpPhase, ChannelRefused, Hop, HostWaits, Kind, Note, Reason, Step, StepId,
        StepName,
    },
};

/// Adds the steps before each host that is opened, or lets it wait where nobody knows who else takes writes.
pub(super) fn steps(context: &Context<'_>, draft: &mut Draft) {
    let opened: Vec<&DesiredHost> =
        context.desired.hosts.values().filter(|host| host.writer && draft.opens(&host.name)).collect();
    for host in opened {
        let hops = hops(context, &host.name);
        let closing: Vec<HostName> =
            hops.iter().filter_map(|hop| hop.from.clone()).filter(|from| draft.closes(from)).collect();
        let reason = reason(draft, &host.name);
        // It asks by itself for those that were not read.
        if closing.is_empty() && failover::steps(context, host, &hops, &reason, draft) {
            continue;
        }
        if let Some(unread) = may_still_write(context, &host.name) {
            draft.wait(&host.name, HostWaits::MayStillWrite { unread });
            draft.blocked.push(host.name.clone());
            continue;
        }
        if hops.is_empty() {
            continue;
        }
        if let [from] = closing.as_slice()
            && switchover::steps(context, (host, from), &hops, &reason, draft)
        {
            draft.steps.push(step(&host.name, &hops, &closing, CatchUpPhase::BeforeClosing, &reason));
            continue;
        }
        if let Some(delayed) = delayed(context, &hops).filter(|_| !closing.is_empty()) {
            draft.refuse(&host.name, delayed);
            continue;
        }
        if !closing.is_empty() {
            draft.steps.push(step(&host.name, &hops, &closing, CatchUpPhase::BeforeClosing, &reason));
        }
        draft.steps.push(step(&host.name, &hops, &closing, CatchUpPhase::AfterClosing, &reason));
    }
    let open = declared(context.desired)
        .filter(|one| !context.desired.lost.is_empty() && !draft.opens(&one.name))
        .filter(|one| context.server(&one.name).is_some_and(ServerFacts::accepts_writes));
    if let Some(one) = open {
        failover::go_on(context, one, draft);
    }
    keep_one_open(context, draft);
}

/// A channel on the way that is delayed for too long.
fn delayed(context: &Context<'_>, hops: &[Hop]) -> Option<ChannelRefused> {
    hops.iter().find_map(|hop| {
        let server = context.server(&hop.to)?;
        let channel = server.channels.known()?.iter().find(|c| c.name == hop.channel)?;
        (channel.delay > limits::TAKEOVER_DELAY.as_secs()).then(|| ChannelRefused::DelayedTakeover {
            slow: hop.to.clone(),
            delay: channel.delay,
            ending: Dialect::of(server.version).delay_channel(&channel.name, 0),
        })
    })
}

/// A host that takes writes goes on until one that shall take them in its stead can: else nobody would.
fn keep_one_open(context: &Context<'_>, draft: &mut Draft) {
    let holds_data = |host: &DesiredHost| context.server(&host.name).is_some_and(|s| !content(s).is_empty());
    let closing: Vec<&DesiredHost> = context
        .desired
        .hosts
        .values()
        .filter(|host| !host.writer && draft.closes(&host.name) && holds_data(host))
        .collect();
    for host in closing {
        let writers = writers_above(context, &host.name);
        let open = |writer: &HostName| {
            let opens = draft.opens(writer)
                || context.server(writer).is_some_and(|server| !server.is_on("read_only"));
            opens && !draft.blocked.contains(writer)
        };
        if writers.is_empty() || writers.iter().any(open) {
            continue;
        }
        draft.wait(&host.name, HostWaits::NoOtherWriter { writers: writers.clone() });
        draft.blocked.push(host.name.clone());
        draft.blocked.extend(writers);
    }
}

/// The hosts that clients shall write to and whose events shall come to a host.
fn writers_above(context: &Context<'_>, host: &HostName) -> Vec<HostName> {
    let (mut open, mut seen, mut found) = (vec![host.clone()], BTreeSet::new(), Vec::new());
    while let Some(at) = open.pop() {
        let Some(wish) = context.desired.hosts.get(&at).filter(|_| seen.insert(at.clone())) else { continue };
        if wish.writer {
            found.push(at);
        }
        open.extend(wish.channels.iter().map(|channel| channel.source.clone()));
    }
    found
}

/// The GTID state of a host, with what its channels have received where it executes that before it is opened.
pub(super) fn when_opened(context: &Context<'_>, draft: &Draft, host: &HostName) -> Option<GtidState> {
    let server = context.server(host)?;
    let state = server.gtid.known()?.clone();
    let opens = |step: &Step| {
        step.host == *host
            && matches!(step.action, Action::CatchUp { .. } | Action::Switchover(_) | Action::Failover(_))
    };
    if !draft.steps.iter().any(opens) {
        return Some(state);
    }
    let channels = server.channels.known().into_iter().flatten();
    Some(channels.fold(state, |state, channel| state.with_received(&channel.gtid_io_pos)))
}

/// Whether a host that is opened by this plan will have everything of another one before that: it follows it now,
/// and has nothing that the other one lacks.
pub(super) fn will_have_all_of(
    context: &Context<'_>,
    draft: &Draft,
    opened: &HostName,
    other: &HostName,
) -> bool {
    let hops = draft.steps.iter().filter(|step| step.host == *opened).find_map(|step| match &step.action {
        Action::CatchUp { hops, moment: CatchUpPhase::AfterClosing, .. } => Some(hops),
        Action::Switchover(plan) => Some(&plan.hops),
        Action::Failover(plan) => Some(&plan.hops),
        _ => None,
    });
    let Some(way) = hops.filter(|hops| hops.iter().any(|hop| hop.from.as_ref() == Some(other))) else {
        return false;
    };
    let runs = |hop: &Hop| {
        let channels = context.server(&hop.to).and_then(|server| server.channels.known());
        channels.into_iter().flatten().any(|c| c.name == hop.channel && c.running() && c.without_error())
    };
    let servers = context.server(other).zip(context.server(opened));
    // Who was read first may lack what the other one has got since: where all comes from there, that proves nothing.
    let first = way.iter().position(|hop| hop.from.as_ref() == Some(other)).unwrap_or_default();
    let alone = |hop: &Hop| {
        let channels = context.server(&hop.to).and_then(|server| server.channels.known());
        channels.is_some_and(|channels| channels.len() == 1)
    };
    let one_way = switchover::is_one_way(&way[first..], other, opened) && way[first..].iter().all(alone);
    let follows = one_way && servers.is_some_and(|(other, opened)| has_only_what_comes_from(opened, other));
    let states = servers.and_then(|(other, opened)| other.gtid.known().zip(opened.gtid.known()));
    // A copy of data that is older than the binary log shares no id with it; then the channel is the proof.
    let within = states.is_some_and(|(other, opened)| {
        let relation = relation(other, opened, false);
        opened.is_blank() || matches!(relation, Some(GtidRelation::Follows | GtidRelation::NoCommonHistory))
    });
    (within || follows) && way.iter().all(runs)
}

/// Why the host is opened: the reason of the step that does it.
fn reason(draft: &Draft, host: &HostName) -> Reason {
    let read_only = Because::Setting { setting: "read_only".to_owned() };
    let of = |step: &Step| step.reason.iter().find(|reason| reason.because == read_only).cloned();
    let found = draft.steps.iter().filter(|step| step.host == *host).find_map(of);
    found.unwrap_or_else(|| Reason::because(Because::Writer))
}

/// A member of the topology that shall take no writes and was not read.
fn may_still_write(context: &Context<'_>, opened: &HostName) -> Option<HostName> {
    let member = |host: &&DesiredHost| !host.channels.is_empty() || !host.replicas.is_empty();
    let others = context.desired.hosts.values().filter(|host| host.name != *opened && !host.writer);
    let mut unread = others.filter(member).filter(|host| context.server(&host.name).is_none());
    unread.next().map(|host| host.name.clone())
}

/// The channels that bring events to a host now, those of the farthest source first.
pub(super) fn hops(context: &Context<'_>, host: &HostName) -> Vec<Hop> {
    let mut hops = Vec::new();
    let mut open = vec![host.clone()];
    let mut seen: BTreeSet<HostName> = BTreeSet::from([host.clone()]);
    while let Some(to) = open.pop() {
        let channels = context.server(&to).map(|server| &server.channels);
        for channel in channels.and_then(Fact::known).into_iter().flatten() {
            let at = |h: &&DesiredHost| {
                h.endpoint.address == channel.source_host && h.endpoint.port == channel.source_port
            };
            let id = channel.source_server_id;
            // Under another address or name it is the same server.
            let by_id = || {
                let same = |name: &&HostName| {
                    id != 0 && context.server(name).and_then(|s| s.number("server_id")) == Some(id)
                };
                context.desired.hosts.keys().find(same).cloned()
            };
            let from = context.desired.hosts.values().find(at).map(|h| h.name.clone()).or_else(by_id);
            if from.as_ref().is_some_and(|from| from == host) {
                continue;
            }
            let from = from.filter(|from| context.server(from).is_some());
            hops.push(Hop { from: from.clone(), to: to.clone(), channel: channel.name.clone() });
            open.extend(from.filter(|from| seen.insert(from.clone())));
        }
    }
    hops.reverse();
    hops
}

fn step(host: &HostName, hops: &[Hop], closing: &[HostName], moment: CatchUpPhase, reason: &Reason) -> Step {
    let risk = match (moment, closing.is_empty()) {
        (CatchUpPhase::AfterClosing, false) => {
            vec![Note::NobodyCanWrite { until: host.clone() }.into()]
        }
        _ => Vec::new(),
    };
    Step {
        id: StepId::of(host, StepName::CatchUp(moment)),
        host: host.clone(),
        kind: Kind::CatchUp,
        reason: vec![reason.clone()],
        before: None,
        after: None,
        risk,
        requires: Vec::new(),
        action: Action::CatchUp { hops: hops.to_vec(), closing: closing.to_vec(), moment },
    }
}
