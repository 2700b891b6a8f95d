//! Errant transactions: a replica that has some keeps still until somebody has decided what becomes of them.

use super::{
    Draft,
    pair::{Footing, Pair},
};
use crate::{
    desired::{DesiredHost, SeedMethod},
    dialect::Dialect,
    doctor::{Around, Copying, ErrantExplanation, explain_errant},
    model::HostName,
    observe::{ErrantFacts, ErrantKind, HostFacts, ServerFacts},
    plan::{Finding, Refused},
};

impl Pair<'_> {
    /// What becomes of a replica that has transactions which none of its sources has: a copy takes their place where
    /// that is allowed, else nothing is done to it. `None` where it has none.
    pub(super) fn errant(&self, draft: &mut Draft) -> Option<Footing> {
        self.channel()?;
        let certain =
            |f: &&ErrantFacts| f.kind != ErrantKind::WithoutGtid && f.sources.contains(&self.wish.source);
        let findings: Vec<&ErrantFacts> = self.facts.errant().iter().filter(certain).collect();
        if findings.is_empty() {
            return None;
        }
        let seed = self.host.seed_from(&self.wish.source).filter(|seed| seed.method != SeedMethod::None);
        // A copy beside other sources' data leaves the replica's binary log as it is.
        let copied = seed.is_some() && !self.beside_others() && !self.worth_copying().is_empty();
        if copied && self.context.may_reseed {
            let ours = self.content_here().into_iter().collect();
            return Some(self.copy(seed, Vec::new(), ours, draft));
        }
        for finding in findings {
            let copying = match (seed, copied) {
                (None, _) => Copying::NoRole,
                (Some(_), true) => Copying::Helps,
                (Some(_), false) => Copying::Useless,
            };
            let told = explain(self.host, self.server, copying, finding, self.has_replicas());
            draft.refuse(&self.host.name, Refused::Errant(Box::new(told)));
        }
        Some(Footing::Refused)
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
    explain_errant(Around { replica: &host.name, dialect, channel, copying, has_replicas }, finding)
}
