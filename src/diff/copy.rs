//! The copy of a source's data as a step: whether it can be made, and what it costs and hurts.

use super::{
    Draft, binlogs,
    pair::{DataBasis, SourceAndReplica},
};
use crate::{
    desired::{DesiredSeed, SeedMethod},
    dialect::{Dialect, HEARTBEAT},
    model::{Fact, HostName},
    observe::{DatabaseFacts, ServerFacts},
    plan::{
        Action, Because, CopyMethod, CopyRefused, EndedChannel, Kept, Kind, LockReason, Note, Reason, Risk,
        SeedPlan, State, Step, StepId, StepName,
    },
};

impl SourceAndReplica<'_> {
    /// Adds the step that copies the source's data here, unless something speaks against it.
    pub(super) fn copy(
        &self,
        seed: Option<&DesiredSeed>,
        leftovers: Vec<String>,
        replaces: Vec<String>,
        draft: &mut Draft,
    ) -> DataBasis {
        // What a role brings may load what the server lacks now.
        let brings = |step: &Step| matches!(step.action, Action::Resource(_)) && step.host == self.host.name;
        let loads_more = draft.steps.iter().any(brings);
        match self.copy_step(seed, (leftovers, replaces), loads_more) {
            Ok(step) => {
                let replaces = matches!(&step.action, Action::Seed(plan) if !plan.replaces.is_empty());
                draft.steps.extend(self.save_errant().filter(|_| replaces));
                draft.steps.push(step);
                DataBasis::Seeded
            }
            Err(why) => {
                draft.refuse(&self.host.name, why);
                DataBasis::Refused
            }
        }
    }

    fn copy_step(
        &self,
        seed: Option<&DesiredSeed>,
        (leftovers, replaces): (Vec<String>, Vec<String>),
        loads_more: bool,
    ) -> Result<Step, CopyRefused> {
        let beside = self.beside_others();
        self.against_any_copy(beside)?;
        let source = || self.wish.source.clone();
        let wish = seed.filter(|wish| wish.method != SeedMethod::None);
        let wish = wish.ok_or_else(|| CopyRefused::Needed { source: source(), copies: self.copies() })?;
        let given = self.given(wish, beside)?;
        let method = self.method(wish, (given.by, given.server), given.databases.len())?;
        let bytes: u64 = given.databases.iter().map(|d| d.bytes).sum();
        self.against_full_disk(bytes + self.own_bytes(&replaces))?;
        let locked = given.databases.iter().flat_map(|d| d.locked_tables.iter().map(move |(t, _)| (d, t)));
        let others = self.of_others().into_iter().chain(self.expected_of_others());
        let plan = SeedPlan {
            from: wish.from.clone(),
            donor: given.by.clone(),
            databases: given.databases.iter().map(|d| d.name.clone()).collect(),
            locked_tables: locked.map(|(d, table)| (d.name.clone(), table.clone())).collect(),
            accounts: wish.accounts,
            own_users: self.context.own_users(),
            bytes,
            leftovers,
            replaces,
            ends: self.ends(beside),
            others: others.chain([HEARTBEAT.to_owned()]).collect(),
            beside,
            method,
            path: wish.path,
            address: self.address_of(given.by),
        };
        let unforeseen = match plan.method.is_whole() {
            true => None,
            false => self.against_rows(wish, &plan, loads_more)?,
        };
        let host = &self.host.name;
        Ok(Step {
            id: StepId::of(host, StepName::Seed { from: &wish.from }),
            host: host.clone(),
            kind: Kind::Seed,
            reason: vec![Reason::declared(why(host, &plan), &wish.place)],
            before: Some(self.before(&plan)),
            after: Some(State::Names { names: plan.databases.clone() }),
            risk: self.risks(&plan, &given).into_iter().chain(unforeseen.map(Risk::from)).collect(),
            requires: Vec::new(),
            action: Action::Seed(plan),
        })
    }

    /// Where the other hosts reach one that gives its data.
    pub(super) fn address_of(&self, giving: &HostName) -> String {
        let host = self.context.desired.hosts.get(giving);
        host.map_or(&self.wish.endpoint.address, |host| &host.endpoint.address).clone()
    }

    /// What speaks against a copy, whatever is copied.
    fn against_any_copy(&self, beside: bool) -> Result<(), CopyRefused> {
        let kept: Vec<&String> = self.independent().map(|wish| &wish.name).collect();
        let channels = self.server.channels.known().into_iter().flatten().map(|channel| &channel.name);
        let others: Vec<String> =
            channels.filter(|name| **name != self.wish.name && !kept.contains(name)).cloned().collect();
        if !others.is_empty() {
            let words = Dialect::of(self.server.version);
            let ending = others.iter().flat_map(|name| [words.stop_channel(name), words.drop_channel(name)]);
            return Err(CopyRefused::OtherChannels { ending: ending.collect(), channels: others });
        }
        if beside && !self.host.replicas.is_empty() {
            let replicas = self.host.replicas.clone();
            return Err(CopyRefused::NotPassedOn { source: self.wish.source.clone(), replicas });
        }
        Ok(())
    }

    /// Which server gives which of its databases.
    pub(super) fn given(&self, wish: &'_ DesiredSeed, beside: bool) -> Result<Given<'_>, CopyRefused> {
        let donor = self.donor().filter(|(name, server)| self.may_give(wish, name, server));
        let (by, server) = donor.unwrap_or((&self.wish.source, self.source));
        let databases: Vec<&DatabaseFacts> = server
            .databases
            .iter()
            .filter(|d| wish.databases.is_empty() || wish.databases.contains(&d.name))
            .filter(|d| self.wish.filters.let_through(&d.name))
            // Beside a channel that brings it already it would be torn down under the applier.
            .filter(|d| d.name != HEARTBEAT || !beside)
            .collect();
        let source = self.wish.source.clone();
        let elsewhere = self.expected_of_others();
        let here = |name: &str| server.databases.iter().any(|d| d.name == name);
        let missing: Vec<String> =
            wish.databases.iter().filter(|n| !here(n) && !elsewhere.contains(*n)).cloned().collect();
        if !missing.is_empty() {
            return Err(CopyRefused::UnknownDatabase { source, names: missing });
        }
        let names = databases.iter().map(|d| &d.name);
        let twice: Vec<String> = names.filter(|n| elsewhere.contains(*n)).cloned().collect();
        if !twice.is_empty() {
            return Err(CopyRefused::SameDatabaseTwice { source, names: twice });
        }
        Ok(Given { by, server, databases })
    }

    /// Bytes of databases of the replica's own.
    fn own_bytes(&self, names: &[String]) -> u64 {
        self.server.databases.iter().filter(|d| names.contains(&d.name)).map(|d| d.bytes).sum()
    }

    /// What is replaced is kept on the same disk first, so it counts, too.
    fn against_full_disk(&self, needs: u64) -> Result<(), CopyRefused> {
        match &self.facts.disk {
            Fact::Known(disk) if disk.free < needs => {
                let datadir = disk.datadir.clone();
                Err(CopyRefused::DiskTooSmall { needs, free: disk.free, datadir })
            }
            _ => Ok(()),
        }
    }

    fn before(&self, plan: &SeedPlan) -> State {
        match (plan.replaces.is_empty(), plan.leftovers.is_empty()) {
            (false, _) => match self.losses() {
                None => State::Names { names: plan.replaces.clone() },
                Some(losses) => State::Losses(losses),
            },
            (true, true) => State::NoDatabase,
            (true, false) => State::UnfinishedCopy,
        }
    }

    /// What the copy can disrupt, on both sides.
    fn risks(&self, plan: &SeedPlan, given: &Given<'_>) -> Vec<Risk> {
        let host = &self.host.name;
        let mut risk = vec![Risk::CopyLoad { bytes: plan.bytes }];
        risk.extend(lock(plan, given));
        let (stays, goes): (Vec<_>, Vec<_>) =
            plan.leftovers.iter().cloned().partition(|name| plan.goes_on_with().any(|other| other == name));
        if !stays.is_empty() {
            risk.push(Note::GoesOnWithCopy { databases: stays }.into());
        }
        if !goes.is_empty() {
            risk.push(Note::DropsUnfinishedCopy { databases: goes }.into());
        }
        risk.extend(plan.ends.iter().map(|ended| ends_channel(host, plan, ended).into()));
        if !plan.replaces.is_empty() {
            let kept = match plan.method {
                CopyMethod::Physical { .. } => Kept::Directory,
                CopyMethod::Logical | CopyMethod::Clone(_) | CopyMethod::ByHand { .. } => Kept::File,
            };
            let databases = plan.replaces.clone();
            let bytes = self.own_bytes(&plan.replaces);
            let on = host.clone();
            let transactions: Vec<String> = self.only_here().iter().map(ToString::to_string).collect();
            risk.push(
                match !self.context.may_reseed && self.context.may_discard && !transactions.is_empty() {
                    true => Risk::DiscardsErrant { on, transactions, databases, bytes, kept },
                    false => Risk::ReplacesData { on, databases, bytes, kept },
                },
            );
        }
        if plan.method.is_whole() {
            risk.push(Risk::restart(&self.server.sessions));
            risk.push(self.what_is_replaced(&plan.method).into());
        }
        if !plan.beside {
            let gone = match (plan.replaces.is_empty(), plan.leftovers.is_empty()) {
                (true, true) => binlogs::start_over(self.context, self.server),
                _ => binlogs::followed(self.context, self.server),
            };
            let note = Note::BinlogsStartOver { on: host.clone(), holds_nothing: false };
            risk.extend(gone.or_else(|| self.server.binlog.known().map(|_| note.into())));
        }
        risk
    }

    /// The channels that can't outlive the copy.
    pub(super) fn ends(&self, beside: bool) -> Vec<EndedChannel> {
        let host = &self.host.name;
        let own = self.channel().map(|channel| EndedChannel {
            host: host.clone(),
            name: channel.name.clone(),
            source: self.wish.source.clone(),
        });
        let following = self.context.desired.hosts.values().flat_map(|other| {
            let facts = self.context.observed.get(&other.name).and_then(Fact::known);
            let channels = facts.and_then(|f| f.server.known()).and_then(|s| s.channels.known());
            let from_here = other.channels.iter().find(|wish| wish.source == *host);
            channels
                .into_iter()
                .flatten()
                .filter(move |channel| {
                    let here = &self.host.endpoint;
                    from_here.is_some_and(|wish| wish.name == channel.name)
                        && (&channel.source_host, channel.source_port) == (&here.address, here.port)
                })
                .map(|channel| EndedChannel {
                    host: other.name.clone(),
                    name: channel.name.clone(),
                    source: host.clone(),
                })
        });
        own.into_iter().chain(following.filter(|_| !beside)).collect()
    }
}

/// What is copied, and from which server.
pub(super) struct Given<'a> {
    pub(super) by: &'a HostName,
    pub(super) server: &'a ServerFacts,
    pub(super) databases: Vec<&'a DatabaseFacts>,
}

/// Why the data is copied.
fn why(host: &HostName, plan: &SeedPlan) -> Because {
    let (replica, source) = (host.clone(), plan.from.clone());
    match plan.replaces.is_empty() {
        true if plan.beside => Because::HoldsNothingOf { replica, source },
        true => Because::HoldsNoData { replica, source },
        false => Because::Reseed { replica, source },
    }
}

/// The lock for which writes wait where the data comes from.
fn lock(plan: &SeedPlan, given: &Given<'_>) -> Option<Risk> {
    let on = plan.donor.clone();
    if let CopyMethod::Physical { .. } = plan.method {
        return Some(Risk::WriteLock { on, why: LockReason::EndOfBackup });
    }
    let tables = |d: &&DatabaseFacts| {
        d.locked_tables
            .iter()
            .map(|(table, engine)| format!("{}.{table} ({engine})", d.name))
            .collect::<Vec<_>>()
    };
    let tables: Vec<String> = given.databases.iter().flat_map(tables).collect();
    (!tables.is_empty()).then_some(Risk::WriteLock { on, why: LockReason::Tables { tables } })
}

/// What becomes of a channel that can't outlive the copy.
fn ends_channel(host: &HostName, plan: &SeedPlan, ended: &EndedChannel) -> Note {
    let of = ended.host.clone();
    match &ended.host {
        own if own == host => Note::OwnChannelEnds { source: ended.source.clone() },
        back if *back == plan.from => Note::ChannelBackEnds { of, from: host.clone() },
        _ => Note::FollowerNeedsCopy { of, from: host.clone() },
    }
}
