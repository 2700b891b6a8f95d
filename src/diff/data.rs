//! Whose data a replica has: what needs a copy, what may be connected as it is, and what is refused.
//!
//! The rule behind all of it: data that exists on one host only is never overwritten, and two servers
//! are never called equal without a proof.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    Context, Draft, compare_copy,
    failover::has_unexecuted,
    fault::broken_for_good,
    loss,
    pair::{DataBasis, SourceAndReplica, content},
    promotion::{hops, will_have_all_of},
    stand_in::stands_in,
    takeover::closed_at,
    writers::declared,
};
use crate::{
    desired::{DesiredChannel, DesiredHost, DesiredSeed, Positioning, SeedMethod},
    dialect::{Dialect, HEARTBEAT},
    gtid::{self, GtidRelation, GtidState},
    model::{Fact, HostName, ThreadState, compare_files},
    observe::{ChannelFacts, HostFacts, SeedMark, ServerFacts},
    plan::{
        Action, Coordinates, CopyRefused, DataRefused, HostWaits, Losses, Lost, Part, SourceWaits,
        TakeoverRefused, WaitsFor,
    },
};

/// Decides for one replica, adds the seed step where one is needed, and says how each of its sources
/// may be connected.
pub(super) fn basis(
    context: &Context<'_>,
    host: &DesiredHost,
    facts: &HostFacts,
    draft: &mut Draft,
) -> BTreeMap<HostName, DataBasis> {
    let mut basis = BTreeMap::new();
    let Some(server) = facts.server.known() else { return basis };
    for wish in &host.channels {
        of_channel(context, (host, facts, server), wish, &mut basis, draft);
    }
    basis.extend(compare_copy::of_returned(context, host, facts, server, draft));
    compare_copy::of_new_copies(context, host, facts, &basis, draft);
    basis
}

/// The same for one of its channels, whose source may be connected by what is added to `basis`.
fn of_channel(
    context: &Context<'_>,
    (host, facts, server): (&DesiredHost, &HostFacts, &ServerFacts),
    wish: &DesiredChannel,
    basis: &mut BTreeMap<HostName, DataBasis>,
    draft: &mut Draft,
) {
    let channel = server.channels.known().and_then(|list| list.iter().find(|c| c.name == wish.name));
    // A copy that was to replace a replica's data ends its channel first; this one was cut off before.
    let cut_off = facts.seeds.known().and_then(|m| m.from(&wish.source)).is_some_and(|m| m.loaded.is_none());
    let source = context.observed.get(&wish.source).and_then(Fact::known).and_then(|f| f.server.known());
    if let (Some(source), false) = (source, cut_off) {
        let pair = SourceAndReplica { context, host, facts, server, wish, source };
        let decided = pair
            .has_the_writes(draft)
            .or_else(|| pair.lost_its_own(draft))
            .or_else(|| pair.present().map(|present| pair.move_here(present, draft)))
            .or_else(|| pair.errant(draft));
        if let Some(decided) = decided {
            basis.insert(wish.source.clone(), decided);
            return;
        }
    }
    if channel.is_some_and(ChannelFacts::running) {
        basis.extend(compare_copy::again(context, host, facts, (server, wish), draft));
        return;
    }
    // Nobody could send again what such a start discards.
    if channel.is_some_and(|channel| source.is_none() && !cut_off && start_discards(server, channel)) {
        draft.wait(&host.name, WaitsFor::source(&wish.source, SourceWaits::Host));
        basis.insert(wish.source.clone(), DataBasis::Refused);
        return;
    }
    if channel.is_some() && !cut_off {
        basis.extend(compare_copy::again(context, host, facts, (server, wish), draft));
        if let Some(lost) = cannot_go_on(context, host, facts, server, wish, draft) {
            basis.insert(wish.source.clone(), lost);
        }
        return;
    }
    let Some(source) = context.observed.get(&wish.source).and_then(Fact::known) else {
        draft.wait(&host.name, WaitsFor::source(&wish.source, SourceWaits::Host));
        return;
    };
    let Some(source_server) = source.server.known() else {
        let why = source.server.unread().map(str::to_owned);
        draft.wait(&host.name, WaitsFor::source(&wish.source, SourceWaits::Server { why }));
        return;
    };
    let pair = SourceAndReplica { context, host, facts, server, wish, source: source_server };
    if let Some(decided) = pair.decide(draft) {
        basis.insert(wish.source.clone(), decided);
    }
}

/// What becomes of a channel that stands still, where only a new copy helps.
fn cannot_go_on(
    context: &Context<'_>,
    host: &DesiredHost,
    facts: &HostFacts,
    server: &ServerFacts,
    wish: &DesiredChannel,
    draft: &mut Draft,
) -> Option<DataBasis> {
    let source = context.observed.get(&wish.source)?.known()?.server.known()?;
    let pair = SourceAndReplica { context, host, facts, server, wish, source };
    if draft.copied_from(&wish.source) == Some(&host.name) {
        return None;
    }
    // What a person can mend is only replaced where that was allowed.
    let broken = || {
        let allowed = context.may_reseed && host.seed_from(&wish.source).is_some();
        allowed.then(|| broken_for_good(context, host, facts, wish, pair.channel()?))?.map(Lost::Broken)
    };
    let receives = pair.channel().is_some_and(|c| c.io_running == ThreadState::Yes);
    let lost = if receives { None } else { pair.purged() }.or_else(broken)?;
    Some(pair.only_by_copy(lost, draft))
}

/// Whether the start of a channel would discard what it has received and not executed.
fn start_discards(server: &ServerFacts, channel: &ChannelFacts) -> bool {
    // The receiver is stopped for it as well.
    let stopped = channel.sql_running == ThreadState::No;
    stopped
        && channel.using_gtid.by_gtid()
        && Dialect::of(server.version).start_discards_received()
        && has_unexecuted(server, channel)
}

/// Whether the plan lets the host hand its writes over.
fn hands_over(pair: &SourceAndReplica<'_>, draft: &Draft) -> bool {
    draft.steps.iter().any(|step| match &step.action {
        Action::Switchover(plan) => plan.from == pair.host.name,
        Action::CatchUp { closing, .. } => closing.contains(&pair.host.name),
        _ => false,
    })
}

impl SourceAndReplica<'_> {
    /// What becomes of a replica that has lost the end of what it wrote as a source: only a copy brings it back.
    fn lost_its_own(&self, draft: &mut Draft) -> Option<DataBasis> {
        let copied = self.facts.seeds.known().and_then(|marks| marks.from(&self.wish.source)).is_some();
        let empty = content(self.server).is_empty();
        // Of one that writes its source may have more by now than it had when it was read itself.
        if copied
            || empty
            || self.server.accepts_writes()
            || draft.copied_from(&self.wish.source) == Some(&self.host.name)
        {
            return None;
        }
        let (of_replica, of_source) = (self.server.gtid.known()?, self.source.gtid.known()?);
        let id = u32::try_from(self.server.number("server_id")?).ok()?;
        let uuid = self.server.variable("server_uuid").unwrap_or_default();
        let ids = gtid::lost_own(of_source, of_replica, id, uuid)?;
        Some(self.only_by_copy(Lost::Own { ids }, draft))
    }

    /// A copy, where that is allowed, or nothing is lost by it.
    fn only_by_copy(&self, lost: Lost, draft: &mut Draft) -> DataBasis {
        let seed = self.host.seed_from(&self.wish.source).filter(|seed| seed.method != SeedMethod::None);
        let of_replica = self.content_here();
        if let (Some(seed), true) = (seed, self.context.may_reseed || of_replica.is_empty()) {
            return self.copy(Some(seed), Vec::new(), of_replica.into_iter().collect(), draft);
        }
        let (source, copies) = (self.wish.source.clone(), self.copies());
        draft.refuse(&self.host.name, DataRefused::SourcePurged { source, lost, copies });
        DataBasis::Refused
    }

    /// Where clients write here although they are declared to write elsewhere, and the one host that is declared to take the
    /// writes is closed and lacks some: nothing is connected, and no copy may take the place of what was acknowledged.
    fn has_the_writes(&self, draft: &mut Draft) -> Option<DataBasis> {
        let desired = self.context.desired;
        let declared = declared(desired).filter(|one| one.name != self.host.name)?;
        let closed = self.context.server(&declared.name).filter(|server| !server.accepts_writes())?;
        if !self.server.accepts_writes()
            || self.host.declared_closed() != Some(true)
            || hands_over(self, draft)
        {
            return None;
        }
        if stands_in(desired, self.context.observed, &declared.name) == Some(&self.host.name) {
            return None;
        }
        let (of_replica, of_source) = (self.server.gtid.known()?, closed.gtid.known()?);
        let more = !of_replica.beyond(of_source).is_empty();
        if !more || gtid::relation(of_replica, of_source, false) != Some(GtidRelation::Follows) {
            return None;
        }
        // One that was not read may be where clients write now, and this one a leftover.
        let unread = |host: &&HostName| self.context.server(host).is_none();
        let why = TakeoverRefused::WritesElsewhere {
            declared: declared.name.clone(),
            closed_at: closed_at(declared).cloned(),
            unread: desired.members.iter().filter(unread).cloned().collect(),
        };
        draft.refuse(&self.host.name, why);
        Some(DataBasis::Refused)
    }

    /// What the replica needs next and the source has no longer.
    fn purged(&self) -> Option<Lost> {
        let (oldest, channel) = (&self.source.binlog.known()?.oldest, self.channel()?);
        if !channel.using_gtid.by_gtid() {
            let executed = channel.executed.as_ref()?.file();
            let gone = compare_files(executed, oldest) == Some(Ordering::Less);
            return gone.then(|| Lost::Files { oldest: oldest.clone(), executed: executed.to_owned() });
        }
        let (of_replica, of_source) = (self.server.gtid.known()?, self.source.gtid.known()?);
        gtid::purged_by(of_source, of_replica).map(Lost::Transactions)
    }

    fn decide(&self, draft: &mut Draft) -> Option<DataBasis> {
        let seed = self.host.seed_from(&self.wish.source);
        match &self.facts.seeds {
            Fact::Unread(why) => {
                draft.wait(&self.host.name, WaitsFor::part(Part::CopyMark, why));
                return None;
            }
            Fact::Known(marks) => match marks.from(&self.wish.source) {
                Some(mark) if mark.loaded.is_some() => return Some(DataBasis::Seeded),
                Some(mark) => return Some(self.begin_again(mark, seed, draft)),
                None => {}
            },
            Fact::Absent => {}
        }
        if let Some(unread) = self.unread_source() {
            let why = SourceWaits::OtherSource { unread: unread.clone() };
            draft.wait(&self.host.name, WaitsFor::source(&self.wish.source, why));
            return None;
        }
        if let Some((other, domain)) = self.shared_domain() {
            let (source, other) = (self.wish.source.clone(), other.clone());
            draft.refuse(&self.host.name, DataRefused::SharedDomain { source, other, domain });
            return Some(DataBasis::Refused);
        }
        if let Some(decided) = self.loaded_by_hand(seed, draft) {
            return Some(decided);
        }
        let source_gets_copy_of_us = self.source_is_seeded_from_us();
        if !source_gets_copy_of_us && self.source_awaits_a_copy() {
            // What could not be proven then is refused now, and the copies are not made for nothing.
            if !self.content_here().is_empty() && self.never_finds_its_way_back() {
                draft.blocked.extend(self.context.desired.members.iter().cloned());
                return Some(self.way_back(draft));
            }
            draft.wait(&self.host.name, WaitsFor::source(&self.wish.source, SourceWaits::Copy));
            return None;
        }
        let source_will_have_all = will_have_all_of(self.context, draft, &self.wish.source, &self.host.name);
        if !source_will_have_all && let Some(decided) = self.has_its_writes_taken(draft) {
            return Some(decided);
        }
        // The way back: the source holds, or will hold, a copy of this host.
        if source_gets_copy_of_us {
            return Some(DataBasis::Compared);
        }
        Some(if source_will_have_all { self.way_back(draft) } else { self.by_content(seed, draft) })
    }

    /// By who of the two holds data.
    fn by_content(&self, seed: Option<&DesiredSeed>, draft: &mut Draft) -> DataBasis {
        let of_replica = self.content_here();
        let of_source = match seed {
            Some(_) => self.worth_copying(),
            None => content(self.source),
        };
        match (of_source.is_empty(), of_replica.is_empty()) {
            (true, true) => DataBasis::Empty(self.here_and_now()),
            (false, true) => self.copy(seed, Vec::new(), Vec::new(), draft),
            (true, false) if self.by_gtid() => self.way_back(draft),
            (true, false) => {
                let why = DataRefused::OnReplicaOnly {
                    source: self.wish.source.clone(),
                    databases: of_replica.into_iter().collect(),
                    way: self.way_to_source(),
                    losses: self.losses(),
                };
                draft.refuse(&self.host.name, why);
                DataBasis::Refused
            }
            (false, false) => self.both_have_data(&of_replica, seed, draft),
        }
    }

    /// A host whose writes its source is to take over, and of which the source may lack some, is never copied over: what
    /// keeps the source from them is told there.
    fn has_its_writes_taken(&self, draft: &mut Draft) -> Option<DataBasis> {
        let source = &self.wish.source;
        let fed = || hops(self.context, source).iter().any(|hop| hop.from.as_ref() == Some(&self.host.name));
        let taken = declared(self.context.desired).is_some_and(|one| one.name == *source)
            && self.server.accepts_writes()
            && !self.leads_back()
            && fed();
        if !taken || self.by_gtid() {
            return None;
        }
        if !draft.refused.iter().any(|refusal| refusal.host == *source) {
            let from = self.host.name.clone();
            draft.refuse(source, TakeoverRefused::GoneApart { from });
        }
        draft.wait(&self.host.name, HostWaits::Partner { keeps: source.clone() });
        Some(DataBasis::Refused)
    }

    /// What becomes of data for which it is declared where it stands, unless GTIDs tell it anyway.
    fn loaded_by_hand(&self, seed: Option<&DesiredSeed>, draft: &mut Draft) -> Option<DataBasis> {
        let seed = seed?;
        let at = seed.position.as_ref()?;
        (!self.content_here().is_empty() && !self.by_gtid()).then(|| self.by_hand(seed, at, draft))
    }

    /// Databases of the source that hold something or that this host lacks: a statement in a database
    /// that does not exist here would stop the channel.
    pub(super) fn worth_copying(&self) -> BTreeSet<String> {
        let here = |name: &str| self.server.databases.iter().any(|d| d.name == name);
        self.source
            .databases
            .iter()
            .filter(|d| !d.is_empty() || !here(&d.name))
            .filter(|d| d.name != HEARTBEAT && self.wish.filters.let_through(&d.name))
            .map(|d| d.name.clone())
            .collect()
    }

    /// Whether the source is, in this play, a replica of this host that has no data of its own.
    fn source_is_seeded_from_us(&self) -> bool {
        let Some(source) = self.context.desired.hosts.get(&self.wish.source) else { return false };
        let back = source.channels.iter().any(|c| c.source == self.host.name);
        let facts = self.context.observed.get(&self.wish.source).and_then(Fact::known);
        let mark = facts.and_then(|f| f.seeds.known()).is_some_and(|m| m.from(&self.host.name).is_some());
        let seeded = source.seed_from(&self.host.name).is_some();
        // Its own data is replaced by a copy of this host's, where that is allowed.
        let emptied = content(self.source).is_empty() || self.context.may_reseed;
        let by_hand = source.seed_from(&self.host.name).is_some_and(|seed| seed.position.is_some());
        back && (mark || (seeded && (emptied || by_hand) && !content(self.server).is_empty()))
    }

    /// Whether the source is declared to get its data from this host.
    fn source_shall_copy_us(&self) -> bool {
        let source = self.context.desired.hosts.get(&self.wish.source);
        source.is_some_and(|s| s.seed_from(&self.host.name).is_some())
    }

    /// Whether the source waits for a copy of somebody else's data itself. Whoever follows it has to wait
    /// too: from an empty server nobody gets what that server will hold.
    fn source_awaits_a_copy(&self) -> bool {
        let mut open = vec![&self.wish.source];
        let mut seen: BTreeSet<&HostName> = BTreeSet::new();
        while let Some(at) = open.pop() {
            let Some(wish) = self.context.desired.hosts.get(at).filter(|_| seen.insert(at)) else { continue };
            let Some(facts) = self.context.observed.get(at).and_then(Fact::known) else { continue };
            let Some(server) = facts.server.known() else { continue };
            let channels = server.channels.known().map(Vec::as_slice).unwrap_or_default();
            let unfinished = facts.seeds.known().is_some();
            for seed in wish.seeds.iter().filter(|s| s.method != SeedMethod::None) {
                let has_it = match wish.seeds.len() {
                    1 => !channels.is_empty() || !(content(server).is_empty() || unfinished),
                    // Of several copies each is there or not.
                    _ => wish
                        .channels
                        .iter()
                        .any(|w| w.source == seed.from && channels.iter().any(|c| c.name == w.name)),
                };
                if has_it {
                    continue;
                }
                if self.context.server(&seed.from).is_some_and(|s| !content(s).is_empty()) {
                    return true;
                }
                open.push(&seed.from);
            }
        }
        false
    }

    /// Whether the wished channels lead from this host back to its source.
    pub(super) fn leads_back(&self) -> bool {
        self.reaches(|name| {
            let host = self.context.desired.hosts.get(name);
            host.map(|h| h.channels.iter().map(|c| c.source.clone()).collect()).unwrap_or_default()
        })
    }

    /// Whether the source follows this host already, directly or through others.
    pub(super) fn follows_us(&self) -> bool {
        self.reaches(|name| {
            let server = self.context.observed.get(name).and_then(Fact::known).and_then(|f| f.server.known());
            let Some(server) = server else { return Vec::new() };
            let hosts = self.context.desired.hosts.values();
            hosts
                .filter(|h| server.replicates_from(&h.endpoint.address, h.endpoint.port))
                .map(|h| h.name.clone())
                .collect()
        })
    }

    /// Whether one gets from the source to this host by going from each host to its sources.
    fn reaches(&self, sources: impl Fn(&HostName) -> Vec<HostName>) -> bool {
        let mut seen: BTreeSet<HostName> = BTreeSet::new();
        let mut open = vec![self.wish.source.clone()];
        while let Some(at) = open.pop() {
            if at == self.host.name {
                return true;
            }
            if seen.insert(at.clone()) {
                open.extend(sources(&at));
            }
        }
        false
    }

    /// Both sides are empty: everything after the source's present position is new.
    fn here_and_now(&self) -> Coordinates {
        let binlog = self.source.binlog.known();
        let gtid = self.source.gtid.known().map(GtidState::position).unwrap_or_default();
        Coordinates::At {
            gtid,
            at: binlog.and_then(|b| b.end.clone()),
            starts_over: self.has_logged_for_itself(),
        }
    }

    /// Whether an empty replica, to which no client writes, has something in its binary log that its source will never
    /// have: what was done to it before it became one.
    fn has_logged_for_itself(&self) -> bool {
        let alone = !self.host.writer && !self.leads_back() && self.host.replicas.is_empty();
        let followed = self.server.channels.known().is_none_or(|channels| !channels.is_empty());
        // By file and position a MySQL counts nothing, and its log can't be told from a replica's.
        let uncounted = self.wish.positioning == Positioning::File
            && !Dialect::of(self.server.version).always_has_gtids();
        let counted = self.server.gtid.known().is_some_and(|state| !state.is_blank());
        alone && !followed && self.server.binlog.known().is_some() && (counted || uncounted)
    }

    /// Two servers with data: only a proof by GTID lets them be connected as they are.
    fn both_have_data(
        &self,
        of_replica: &BTreeSet<String>,
        seed: Option<&DesiredSeed>,
        draft: &mut Draft,
    ) -> DataBasis {
        if self.by_gtid() {
            return self.way_back(draft);
        }
        if let (Some(seed), true) = (seed, self.may_replace()) {
            return self.copy(Some(seed), Vec::new(), of_replica.iter().cloned().collect(), draft);
        }
        if seed.is_none() && self.source_shall_copy_us() {
            draft.wait(&self.host.name, WaitsFor::source(&self.wish.source, SourceWaits::OtherWay));
            return DataBasis::Refused;
        }
        let why = DataRefused::OnBoth {
            source: self.wish.source.clone(),
            only_here: of_replica.difference(&content(self.source)).cloned().collect(),
            related: self.once_related(),
            bytes: self.server.data_bytes(),
            two_way: self.leads_back(),
            copies: self.copies(),
            saved: !self.only_here().is_empty(),
            losses: self.losses(),
        };
        draft.refuse(&self.host.name, why);
        DataBasis::Refused
    }

    /// What only this host holds.
    pub(super) fn losses(&self) -> Option<Box<Losses>> {
        let source = self.context.observed.get(&self.wish.source).and_then(Fact::known);
        loss::losses(&self.host.name, self.facts, &self.wish.source, source).map(Box::new)
    }

    /// A copy of ours was cut off: what it left is dropped, and it begins again.
    fn begin_again(&self, mark: &SeedMark, seed: Option<&DesiredSeed>, draft: &mut Draft) -> DataBasis {
        let known: BTreeSet<&String> = mark.databases.iter().collect();
        let foreign: Vec<String> =
            self.content_here().into_iter().filter(|name| !known.contains(name)).collect();
        if !foreign.is_empty() {
            let from = HostName::new(&mark.from);
            draft.refuse(&self.host.name, CopyRefused::BesideUnfinished { from, foreign });
            return DataBasis::Refused;
        }
        let leftovers = self
            .server
            .databases
            .iter()
            .filter(|d| known.contains(&d.name))
            .map(|d| d.name.clone())
            .collect();
        self.copy(seed, leftovers, Vec::new(), draft)
    }
}
