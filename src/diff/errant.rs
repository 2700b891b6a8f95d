//! Errant transactions: a replica that has some keeps still until somebody has decided what becomes of them.

use super::{
    Draft,
    pair::{DataBasis, SourceAndReplica},
    stand_in::stands_in,
};
use crate::{
    desired::{DesiredHost, SeedMethod},
    dialect::Dialect,
    doctor::{Copying, ErrantContext, ErrantExplanation, explain_errant},
    gtid::{Circumstances, Transactions, beyond, once_related},
    model::HostName,
    observe::{ErrantFacts, ErrantKind, HostFacts, ServerFacts, first_look},
    plan::{Action, Because, Finding, Kind, Reason, Refused, State, Step, StepId, StepName},
};

impl SourceAndReplica<'_> {
    /// What becomes of a replica that has transactions which none of its sources has: a copy takes their place where
    /// that is allowed, else nothing is done to it. `None` where it has none.
    pub(super) fn errant(&self, draft: &mut Draft) -> Option<DataBasis> {
        self.channel()?;
        // What was written while it stood in for its source is on its way there.
        if stands_in(self.context.desired, self.context.observed, &self.wish.source) == Some(&self.host.name)
        {
            return None;
        }
        let findings = self.certain_beyond(&self.wish.source);
        if findings.is_empty() {
            return None;
        }
        let seed = self.host.seed_from(&self.wish.source).filter(|seed| seed.method != SeedMethod::None);
        // A copy beside other sources' data leaves the replica's binary log as it is.
        let copied = seed.is_some() && !self.beside_others() && !self.worth_copying().is_empty();
        if copied && self.may_replace() {
            let of_replica = self.content_here().into_iter().collect();
            return Some(self.copy(seed, Vec::new(), of_replica, draft));
        }
        self.refuse_errant(&findings, copied, draft);
        Some(DataBasis::Refused)
    }

    /// What a host that is to follow another source has beyond the one that it follows now: the new one has it as little. Says
    /// whether there is something.
    pub(super) fn errant_before_move(&self, present: &HostName, draft: &mut Draft) -> bool {
        let findings = self.certain_beyond(present);
        let copied = self.host.seed_from(&self.wish.source).is_some_and(|s| s.method != SeedMethod::None);
        self.refuse_errant(&findings, copied, draft);
        !findings.is_empty()
    }

    /// What this host has for certain and a source of it has not.
    fn certain_beyond(&self, source: &HostName) -> Vec<&ErrantFacts> {
        let certain = |f: &&ErrantFacts| f.kind != ErrantKind::WithoutGtid && f.sources.contains(source);
        self.facts.errant().iter().filter(certain).collect()
    }

    fn refuse_errant(&self, findings: &[&ErrantFacts], copied: bool, draft: &mut Draft) {
        let seed = self.host.seed_from(&self.wish.source).filter(|seed| seed.method != SeedMethod::None);
        for finding in findings {
            let copying = match (seed, copied) {
                (None, _) => Copying::NoRole,
                (Some(_), true) => Copying::Helps,
                (Some(_), false) => Copying::Useless,
            };
            let told = explain(self.host, self.server, copying, finding, self.has_replicas());
            draft.refuse(&self.host.name, Refused::Errant(Box::new(told)));
        }
    }

    /// Whether a copy may take the place of what is here.
    pub(super) fn may_replace(&self) -> bool {
        self.context.may_reseed || (self.context.may_discard && !self.only_here().is_empty())
    }

    /// The transactions that only this host has.
    pub(super) fn only_here(&self) -> Vec<Transactions> {
        let present = self.present().and_then(|present| present.name_of_ours());
        let of_source = |source: &HostName| *source == self.wish.source || present == Some(source);
        let only_here = |found: &&ErrantFacts| {
            found.kind == ErrantKind::OnlyHere
                && found.sources.iter().any(of_source)
                && !found.transactions.is_empty()
        };
        let found: Vec<Transactions> =
            self.facts.errant().iter().filter(only_here).map(|found| found.transactions.clone()).collect();
        if !found.is_empty() || self.channel().is_some() {
            return found;
        }
        // One that follows nobody, such as a primary that was lost, has been looked at by nobody yet.
        let (Some(of_replica), Some(of_source)) = (first_look(self.server), first_look(self.source)) else {
            return found;
        };
        if !once_related(&of_source.state, &of_replica.state) {
            return found;
        }
        let circumstances = Circumstances { writer: false, hearsay: false };
        let only_here = beyond(&of_replica, &[&of_source], circumstances).only_here;
        if only_here.is_empty() { found } else { vec![only_here] }
    }

    /// The step that saves them before a copy takes their place; their binary logs end with it.
    pub(super) fn save_errant(&self) -> Option<Step> {
        let transactions = self.only_here();
        if transactions.is_empty() || self.server.binlog.known().is_none() {
            return None;
        }
        let host = &self.host.name;
        Some(Step {
            id: StepId::of(host, StepName::Errant),
            host: host.clone(),
            kind: Kind::Errant,
            reason: vec![Reason::declared(Because::OnlyHere { host: host.clone() }, &self.wish.place)],
            before: None,
            after: Some(State::Names { names: transactions.iter().map(ToString::to_string).collect() }),
            risk: Vec::new(),
            requires: Vec::new(),
            action: Action::SaveErrant { transactions, all: !self.context.may_reseed },
        })
    }

    fn has_replicas(&self) -> bool {
        let here = &self.host.endpoint;
        let others = self.context.desired.hosts.keys().filter_map(|host| self.context.server(host));
        others.into_iter().any(|server| server.replicates_from(&here.address, here.port))
    }
}

/// What can't be decided by ids is told and stops nothing.
pub(super) fn warn(host: &DesiredHost, facts: &HostFacts, draft: &mut Draft) {
    let Some(server) = facts.server.known() else { return };
    for finding in facts.errant().iter().filter(|f| f.kind == ErrantKind::WithoutGtid) {
        let copying = Copying::of(true, host.seeds.len(), host.channels.len());
        let told = explain(host, server, copying, finding, !host.replicas.is_empty());
        draft.warn(&host.name, Finding::Errant(Box::new(told)));
    }
}

fn explain(
    host: &DesiredHost,
    server: &ServerFacts,
    copying: Copying,
    finding: &ErrantFacts,
    has_replicas: bool,
) -> ErrantExplanation {
    let follows = |source: &HostName| host.channels.iter().find(|wish| wish.source == *source);
    let channel = finding.sources.iter().find_map(follows).map_or("", |wish| wish.name.as_str());
    let dialect = Dialect::of(server.version);
    explain_errant(ErrantContext { replica: &host.name, dialect, channel, copying, has_replicas }, finding)
}
