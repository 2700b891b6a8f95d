//! The order of the steps: what has to be done before what, on a host and across hosts.
//!
//! One rule holds for everything by which servers replicate, whatever it is: what is added comes first, then the moves,
//! then what is taken away. Which of them a step is says [`Step::effect`].

use std::collections::{BTreeMap, BTreeSet};

use super::{
    AccountChange, AccountTask, Action, CatchUpPhase, ChannelChange, Coordinates, Effect, FileStage,
    GtidPhase, Kind, SeedPlan, Span, Step, StepId,
};
use crate::{
    model::HostName,
    resource::{self, KindName},
};

/// Writes into each step which others it requires.
///
/// `restart_order` names hosts from the first that may be restarted to the last: replicas before
/// sources, so that a setting that does not work is found where it hurts least.
///
/// A step for which is said already what it requires needs nothing else.
pub fn link(steps: &mut [Step], restart_order: &[HostName]) {
    let order = Order::of(steps, restart_order);
    let all: Vec<BTreeSet<StepId>> = steps.iter().map(|step| order.before(step)).collect();
    for (step, mut requires) in steps.iter_mut().zip(all) {
        if !step.requires.is_empty() {
            continue;
        }
        requires.remove(&step.id);
        step.requires = requires.into_iter().collect();
    }
}

/// What decides about the order, of all steps of a plan.
struct Order {
    index: Index,
    takeovers: Takeovers,
    /// Starts and restarts, host by host, in the order in which they are made. A host may have more than one: the word that
    /// its server starts at boot is one, too.
    restarted: Vec<(HostName, Vec<StepId>)>,
    /// Changes of `gtid_mode`, by host: to which phase, and whether it goes down.
    phases: Vec<(HostName, (GtidPhase, bool), StepId)>,
    /// What has to be done before something is taken away.
    gone_before: BTreeMap<StepId, Vec<StepId>>,
    /// Channels that are made, moved or started.
    channels: Vec<StepId>,
    /// Channels that end.
    ended: Vec<StepId>,
    /// Steps that name a place that packages come from, by host.
    package_sources: Vec<(HostName, StepId)>,
    /// Steps that add a way or move a server to another one.
    ways: Vec<StepId>,
    /// Hosts that are no longer recorded as the writer.
    forgotten: Vec<(HostName, StepId)>,
    /// Steps that record a writer, and ask the others for that.
    recorded: Vec<StepId>,
    /// Settings by which hosts take no more writes.
    closed: Vec<(HostName, StepId)>,
    /// Lines by which option files include the directory of tandem's file.
    includes: Vec<(HostName, StepId)>,
}

impl Order {
    fn of(steps: &[Step], restart_order: &[HostName]) -> Self {
        let takeovers = Takeovers::of(steps);
        let mut restarted: Vec<(HostName, Vec<StepId>)> = Vec::new();
        for host in takeovers.order(restart_order) {
            let starts = |s: &&Step| matches!(s.action, Action::Restart { .. } | Action::StartService { .. });
            // One that stands between two switches comes after all others anyway.
            let its = steps.iter().filter(|s| s.host == host && s.requires.is_empty()).filter(starts);
            let its: Vec<StepId> = its.map(|s| s.id.clone()).collect();
            if !its.is_empty() {
                restarted.push((host, its));
            }
        }
        let phase = |s: &Step| match s.action {
            Action::GtidMode { phase, down } => Some((s.host.clone(), (phase, down), s.id.clone())),
            _ => None,
        };
        let (ended, channels): (Vec<&Step>, Vec<&Step>) =
            steps.iter().filter(|s| s.kind == Kind::Channel).partition(|s| s.takes_away());
        let ids = |list: Vec<&Step>| -> Vec<StepId> { list.iter().map(|s| s.id.clone()).collect() };
        let brings =
            |s: &&Step| matches!(&s.action, Action::Resource(change) if change.any().brings_packages());
        let is_way = |s: &&Step| matches!(s.effect(), Effect::Adds | Effect::Moves);
        let closes = |s: &&Step| matches!(s.action, Action::SetGlobal(_)) && s.closes(&s.host);
        let includes = |s: &&Step| matches!(s.action, Action::IncludeDirectory { .. });
        let records = |s: &&Step| matches!(s.action, Action::RecordWriter(_));
        let forgets = |s: &&Step| matches!(s.action, Action::ForgetWriter { .. });
        Self {
            index: Index::of(steps),
            takeovers,
            restarted,
            phases: steps.iter().filter_map(phase).collect(),
            gone_before: before_what_is_taken_away(steps),
            channels: ids(channels),
            ended: ids(ended),
            package_sources: steps.iter().filter(brings).map(|s| (s.host.clone(), s.id.clone())).collect(),
            ways: steps.iter().filter(is_way).map(|s| s.id.clone()).collect(),
            recorded: steps.iter().filter(records).map(|s| s.id.clone()).collect(),
            forgotten: steps.iter().filter(forgets).map(|s| (s.host.clone(), s.id.clone())).collect(),
            includes: steps.iter().filter(includes).map(|s| (s.host.clone(), s.id.clone())).collect(),
            closed: steps.iter().filter(closes).map(|s| (s.host.clone(), s.id.clone())).collect(),
        }
    }

    /// The steps that a step requires.
    fn before(&self, step: &Step) -> BTreeSet<StepId> {
        let host = &step.host;
        let before = match &step.action {
            // What is added to it comes first of all.
            Action::Firewall(change) if change.closes.is_some() => {
                self.all(host, &[Kind::Firewall, Kind::OptionFile, Kind::Service])
            }
            Action::Firewall(_)
            | Action::RestoreRetention(_)
            | Action::ResetPersisted(_)
            | Action::IncludeDirectory { .. }
            | Action::ForgetWriter { .. }
            | Action::SaveErrant { .. } => Vec::new(),
            Action::Resource(change) => self.before_resource(host, change),
            Action::InstallServer { .. } => self.package_sources(host).collect(),
            Action::Certificate(_) => self.all(host, &[Kind::Packages]),
            Action::WriteOptionFile { .. }
            | Action::SetGlobal(_)
            | Action::Restart { .. }
            | Action::StartService { .. } => self.before_setting(host, &step.action),
            // What is added comes before the switch, and settings come behind it.
            // Who asks the others from a record of its own does so over TLS by then.
            Action::Account(AccountChange { task: AccountTask::RequireTls, .. }) => self.recorded.clone(),
            Action::Account(_) | Action::LetIn { .. } if self.takeovers.switch(host).is_some() => Vec::new(),
            Action::Account(_)
            | Action::LetIn { .. }
            | Action::Database { .. }
            | Action::RemoveLeftovers { .. } => {
                self.all(host, &[Kind::Service, Kind::Variable, Kind::OptionFile])
            }
            Action::GtidMode { phase, down } => self.before_gtid_mode(*phase, *down),
            Action::CatchUp { closing, moment: CatchUpPhase::AfterClosing, .. } => {
                self.before_opening(host, closing)
            }
            Action::CatchUp { .. } => Vec::new(),
            Action::Failover(_) => self.all(host, &[Kind::Firewall, Kind::Account]),
            Action::Switchover(plan) => self.before_switchover(host, &plan.from),
            Action::Seed(seed) => self.before_seed(host, seed),
            Action::Channel(change) => self.before_channel(host, change),
            // What is written on the copy has to come back to the source, or the two would differ.
            Action::CompareCopy(_) => self.channels.clone(),
            // The others are asked, and the host is the one that accepts writes by then.
            Action::RecordWriter(_) => [self.when_one_writes(host), self.ways.clone()].concat(),
            // Nobody else takes writes by then.
            Action::Events(_) => self.when_one_writes(host),
            // What it still brings is there when the host itself has been opened.
            Action::DropChannel(_)
            | Action::DropAccount { .. }
            | Action::LockAccount { .. }
            | Action::KeepOut { .. } => self.all(host, READY),
            // A table that is made comes through the channels.
            Action::Heartbeat { .. } => {
                [self.all(host, READY), self.channels.clone(), self.ended.clone()].concat()
            }
        };
        before.into_iter().chain(self.gone_before.get(&step.id).into_iter().flatten().cloned()).collect()
    }

    /// All steps of these kinds on a host.
    fn all(&self, host: &HostName, kinds: &[Kind]) -> Vec<StepId> {
        kinds.iter().flat_map(|kind| self.index.all(host, *kind).cloned()).collect()
    }

    /// After the switch a former writer must not take itself for the writer, whenever it is started.
    fn forgotten_on(&self, host: &HostName) -> impl Iterator<Item = StepId> {
        self.forgotten.iter().filter(move |(of, _)| of == host).map(|(_, id)| id.clone())
    }

    /// A role may name the place that the packages come from.
    fn package_sources(&self, host: &HostName) -> impl Iterator<Item = StepId> {
        self.package_sources.iter().filter(move |(of, _)| of == host).map(|(_, id)| id.clone())
    }

    fn before_resource(&self, host: &HostName, change: &resource::Change) -> Vec<StepId> {
        if change.any().brings_packages() {
            return Vec::new();
        }
        let mut before = self.all(host, &kinds(change.kind().after()));
        if change.kind() == KindName::Packages {
            before.extend(self.package_sources(host));
        }
        before
    }

    /// What comes before a setting of a server, or its start.
    fn before_setting(&self, host: &HostName, action: &Action) -> Vec<StepId> {
        let mut before: Vec<StepId> = self.takeovers.before(host).cloned().collect();
        if let Action::SetGlobal(_) = action {
            before.extend(self.all(host, &[Kind::OptionFile]));
            // Two never take writes at once, where only one of them shall.
            let others = self.closed.iter().filter(|(of, _)| of != host && action.sets_read_only("OFF"));
            before.extend(others.map(|(_, id)| id.clone()));
            return before;
        }
        if matches!(action, Action::WriteOptionFile { .. }) {
            before.extend(self.all(host, &before_option_file()));
            before.extend(self.includes.iter().filter(|(of, _)| of == host).map(|(_, id)| id.clone()));
            // A restart in between would take a server past its neighbours.
            let up = self.phases.iter().filter(|(of, (_, down), _)| of == host && !down);
            before.extend(up.map(|(.., id)| id.clone()));
        } else {
            before.extend(self.all(host, &ground()));
            before.extend(self.all(host, &[Kind::OptionFile]));
        }
        // One server at a time: the next one only when this one answers again. And a setting that keeps the first server
        // down must not lie in wait for the next one's reboot.
        before.extend(restarted_before(&self.restarted, host).iter().cloned());
        before
    }

    /// Every server takes a step before any takes the next. Before the first one down no channel may ask by GTID any more.
    fn before_gtid_mode(&self, phase: GtidPhase, down: bool) -> Vec<StepId> {
        let earlier = |(_, (other, goes_down), _): &&(HostName, (GtidPhase, bool), StepId)| {
            *goes_down == down && if down { *other > phase } else { *other < phase }
        };
        let before = self.phases.iter().filter(earlier).map(|(.., id)| id.clone());
        let channels = self.channels.iter().filter(|_| down).cloned();
        before.chain(channels).collect()
    }

    /// What comes before a host is opened to writes, once its sources take none any more.
    fn before_opening(&self, host: &HostName, closing: &[HostName]) -> Vec<StepId> {
        // Two that are opened together and follow each other can't both be the second.
        let follows = |other: &&HostName| self.takeovers.sources(other).any(|source| source == host);
        let apart = self.takeovers.sources(host).filter(|source| !follows(source));
        let stopped = closing.iter().chain(apart);
        let stopped =
            stopped.flat_map(|source| self.all(source, &[Kind::OptionFile, Kind::Variable, Kind::Service]));
        let forgotten = closing.iter().flat_map(|source| self.forgotten_on(source));
        stopped.chain(forgotten).chain(self.takeovers.first(host).cloned()).collect()
    }

    fn before_switchover(&self, host: &HostName, from: &HostName) -> Vec<StepId> {
        let ready = |side| self.all(side, &[Kind::Firewall, Kind::Account, Kind::CatchUp]);
        [ready(host), ready(from), self.forgotten_on(from).collect()].concat()
    }

    /// What is done once every host takes writes or none, as declared.
    fn when_one_writes(&self, host: &HostName) -> Vec<StepId> {
        let everywhere = self.index.everywhere(&[Kind::Variable, Kind::Service]);
        self.all(host, READY).into_iter().chain(everywhere).collect()
    }

    fn before_seed(&self, host: &HostName, seed: &SeedPlan) -> Vec<StepId> {
        let mut before = self.all(host, &[Kind::Errant]);
        let sides = [host, &seed.from, &seed.donor];
        before.extend(sides.iter().flat_map(|side| self.all(side, READY)));
        before.extend(sides[1..].iter().flat_map(|side| self.all(side, &[Kind::Database, Kind::Seed])));
        before
    }

    fn before_channel(&self, host: &HostName, change: &ChannelChange) -> Vec<StepId> {
        let source = &change.wish.source;
        let mut before = Vec::new();
        for side in [host, source] {
            // What a switch has made of a host is there before the file says so.
            let switched = self.takeovers.switch(side).is_some();
            let ready = READY.iter().copied().filter(|kind| !switched || *kind != Kind::OptionFile);
            before.extend(self.all(side, &ready.collect::<Vec<_>>()));
            before.extend(self.all(side, &[Kind::Database, Kind::Seed]));
        }
        // The way back waits until the way there runs: its coordinates are compared then.
        if matches!(change.coordinates, Coordinates::Compared | Coordinates::Moved { .. }) {
            before.extend(self.index.seeded_channels(source).cloned());
        }
        before
    }
}

/// For each step that takes something away, what has to be done first: every move, since any server may need the old
/// way until it has moved, or feed one that does; and the end of what the thing that is taken away serves.
fn before_what_is_taken_away(steps: &[Step]) -> BTreeMap<StepId, Vec<StepId>> {
    let before = |step: &Step| -> Option<Vec<StepId>> {
        let Effect::TakesAway(taken) = step.effect() else { return None };
        let first = steps.iter().filter(|other| match other.effect() {
            Effect::Moves => true,
            Effect::TakesAway(other) => taken.goes_after(other),
            Effect::Adds | Effect::Neither => false,
        });
        Some(first.map(|other| other.id.clone()).collect())
    };
    steps.iter().filter_map(|step| Some((step.id.clone(), before(step)?))).collect()
}

/// All starts of the server that comes before this host's in the order of restarts.
fn restarted_before<'a>(restarted: &'a [(HostName, Vec<StepId>)], host: &HostName) -> &'a [StepId] {
    let place = restarted.iter().position(|(of, _)| of == host);
    let before = place.and_then(|place| restarted.get(place.checked_sub(1)?));
    before.map_or(&[], |(_, steps)| steps)
}

/// What is done on a host before its server is configured and started.
fn ground() -> Vec<Kind> {
    KindName::ALL.iter().copied().filter(|kind| kind.before_server()).map(Kind::from).collect()
}

/// What is done on a host before its server's option file is written. A role's command may make what the file names; a
/// server that only starts does not wait for it, since it may need the server.
pub fn before_option_file() -> Vec<Kind> {
    [ground(), vec![Kind::Command]].concat()
}

fn kinds(names: &[KindName]) -> Vec<Kind> {
    names.iter().copied().map(Kind::from).collect()
}

/// What makes a server ready to be copied or connected.
const READY: &[Kind] = &[
    Kind::Firewall,
    Kind::File,
    Kind::OptionFile,
    Kind::Switchover,
    Kind::Failover,
    Kind::Variable,
    Kind::Service,
    Kind::Account,
];

/// Replicas that are opened to writes after they have caught up, by host.
#[derive(Default)]
struct Takeovers(BTreeMap<HostName, Takeover>);

#[derive(Default)]
struct Takeover {
    /// The step while its sources still take writes.
    first: Option<StepId>,
    /// The step after which it is opened.
    last: Option<StepId>,
    /// The step that closes the one and opens the other.
    switch: Option<StepId>,
    /// The hosts that stop taking writes.
    closing: Vec<HostName>,
    /// All hosts whose events it waits for.
    sources: Vec<HostName>,
}

impl Takeovers {
    fn of(steps: &[Step]) -> Self {
        let mut all = Self::default();
        for step in steps {
            let one = all.0.entry(step.host.clone());
            let (one, hops) = match &step.action {
                Action::CatchUp { hops, closing, moment } => {
                    let one = one.or_default();
                    match moment {
                        CatchUpPhase::BeforeClosing => one.first = Some(step.id.clone()),
                        CatchUpPhase::AfterClosing => one.last = Some(step.id.clone()),
                    }
                    one.closing.clone_from(closing);
                    (one, hops)
                }
                // What stands between two switches says itself what it requires.
                Action::Switchover(plan) if plan.span != Span::Lasting => continue,
                Action::Switchover(plan) => {
                    let one = one.or_default();
                    one.switch = Some(step.id.clone());
                    one.closing = vec![plan.from.clone()];
                    (one, &plan.hops)
                }
                Action::Failover(plan) => {
                    let one = one.or_default();
                    one.switch = Some(step.id.clone());
                    (one, &plan.hops)
                }
                _ => continue,
            };
            one.sources = hops.iter().filter_map(|hop| hop.from.clone()).collect();
        }
        all
    }

    /// What has to be done before a host changes its settings: the last step of the host's own, and the first
    /// of those for which it stops taking writes. A switch makes both by itself, and leaves the files for later: nobody
    /// can write while one is checked.
    fn before<'a>(&'a self, host: &'a HostName) -> impl Iterator<Item = &'a StepId> {
        let own = self.0.get(host).and_then(|one| one.last.as_ref());
        let others = self.0.values().filter(move |one| one.closing.contains(host));
        let first = others.filter(|one| one.switch.is_none()).filter_map(|one| one.first.as_ref());
        own.into_iter().chain(first).chain(self.switch(host))
    }

    /// The switch that a host has a part in.
    fn switch(&self, host: &HostName) -> Option<&StepId> {
        let part = |(to, one): &(&HostName, &Takeover)| *to == host || one.closing.contains(host);
        self.0.iter().filter(part).find_map(|(_, one)| one.switch.as_ref())
    }

    fn first(&self, host: &HostName) -> Option<&StepId> {
        self.0.get(host)?.first.as_ref()
    }

    fn sources(&self, host: &HostName) -> impl Iterator<Item = &HostName> {
        self.0.get(host).into_iter().flat_map(|one| &one.sources)
    }

    /// The order of restarts, with each host that is opened behind all whose events it waits for.
    fn order(&self, given: &[HostName]) -> Vec<HostName> {
        let mut order = given.to_vec();
        for (host, one) in &self.0 {
            let place = |name: &HostName, order: &[HostName]| order.iter().position(|h| h == name);
            let last = one.sources.iter().filter_map(|source| place(source, &order)).max();
            if let (Some(here), Some(last)) = (place(host, &order), last)
                && here < last
            {
                let name = order.remove(here);
                order.insert(last, name);
            }
        }
        order
    }
}

/// Steps by host and kind.
struct Index {
    by_host: BTreeMap<(HostName, Kind), Vec<StepId>>,
    seeded_channels: BTreeMap<HostName, Vec<StepId>>,
}

impl Index {
    fn of(steps: &[Step]) -> Self {
        let mut index = Index { by_host: BTreeMap::new(), seeded_channels: BTreeMap::new() };
        // Nobody waits for what is taken away, for the end of GTIDs, or until writes are back after a restart.
        let waited_for = |s: &&Step| match &s.action {
            Action::GtidMode { down, .. } => !down,
            Action::WriteOptionFile { stage, .. } => !matches!(stage, FileStage::WritesBack { .. }),
            Action::Switchover(plan) => plan.span == Span::Lasting,
            _ => !s.takes_away(),
        };
        for step in steps.iter().filter(waited_for) {
            index.by_host.entry((step.host.clone(), step.kind)).or_default().push(step.id.clone());
            if let Action::Channel(change) = &step.action
                && change.coordinates == Coordinates::OfSeed
            {
                index.seeded_channels.entry(step.host.clone()).or_default().push(step.id.clone());
            }
        }
        index
    }

    fn all(&self, host: &HostName, kind: Kind) -> impl Iterator<Item = &StepId> {
        self.by_host.get(&(host.clone(), kind)).into_iter().flatten()
    }

    /// All steps of these kinds.
    fn everywhere(&self, kinds: &[Kind]) -> Vec<StepId> {
        let these = self.by_host.iter().filter(|((_, kind), _)| kinds.contains(kind));
        these.flat_map(|(_, steps)| steps).cloned().collect()
    }

    /// Channels of a host that begin at the coordinates of a copy.
    fn seeded_channels(&self, host: &HostName) -> impl Iterator<Item = &StepId> {
        self.seeded_channels.get(host).into_iter().flatten()
    }
}

/// The steps in an order that respects `requires`; among those that are free, the earlier in the
/// given order goes first, so equal input gives equal output.
///
/// # Errors
/// The steps that stand in a circle. That is a fault of this program, not of its user.
pub fn in_order(steps: Vec<Step>) -> Result<Vec<Step>, Vec<Step>> {
    let known: BTreeSet<StepId> = steps.iter().map(|s| s.id.clone()).collect();
    let mut left: Vec<Option<Step>> = steps.into_iter().map(Some).collect();
    let mut done: BTreeSet<StepId> = BTreeSet::new();
    let mut ordered = Vec::with_capacity(left.len());
    loop {
        let free = left.iter_mut().find(|slot| {
            slot.as_ref().is_some_and(|s| s.requires.iter().all(|r| done.contains(r) || !known.contains(r)))
        });
        match free.and_then(Option::take) {
            Some(step) => {
                done.insert(step.id.clone());
                ordered.push(step);
            }
            None => break,
        }
    }
    let circle: Vec<Step> = left.into_iter().flatten().collect();
    if circle.is_empty() { Ok(ordered) } else { Err(circle) }
}
