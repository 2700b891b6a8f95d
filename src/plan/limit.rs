//! A plan for some hosts only.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Finding, HostWaits, Kind, Plan, StepId, StepName, Waiting};
use crate::model::HostName;

impl Plan {
    /// Keeps what concerns the chosen hosts. A step that needs one on another host waits, and so does
    /// everything that needs it.
    pub fn limit(&mut self, chosen: &BTreeSet<HostName>) {
        let mut gone: BTreeMap<StepId, HostName> = BTreeMap::new();
        let mut waiting = Vec::new();
        // Who logs in by an account changes with it, or neither does.
        let users: Vec<(StepId, Vec<StepId>)> = self
            .steps
            .iter()
            .filter(|step| !chosen.contains(&step.host))
            .map(|step| (step.id.clone(), step.requires.clone()))
            .collect();
        self.steps.retain(|step| {
            if !chosen.contains(&step.host) {
                gone.insert(step.id.clone(), step.host.clone());
                return false;
            }
            // A copy is compared behind all channels, those of other hosts too, and can be without them.
            let needs = |id: &&StepId| {
                gone.get(*id).is_some_and(|host| step.kind != Kind::Compare || *host == step.host)
            };
            // A switch closes another host, and is no step of its own there.
            let closes = match &step.action {
                Action::Switchover(plan) if !chosen.contains(&plan.from) => {
                    Some(StepId::of(&plan.from, StepName::Switchover))
                }
                // So does one that stops what the others receive.
                Action::Failover(plan) => {
                    let mut others = plan.receivers.iter().filter(|other| !chosen.contains(&other.host));
                    others.next().map(|other| StepId::of(&other.host, StepName::Failover))
                }
                _ => None,
            };
            let user = || {
                let its = users.iter().find(|(_, requires)| requires.contains(&step.id));
                its.filter(|_| step.changes_login()).map(|(user, _)| user.clone())
            };
            let missing = closes.or_else(|| step.requires.iter().find(needs).cloned()).or_else(user);
            if let Some(missing) = missing.clone() {
                let why = HostWaits::LeftOut { step: Box::new(step.clone()), needs: missing };
                waiting.push(Waiting { host: step.host.clone(), why: why.into() });
                gone.insert(step.id.clone(), step.host.clone());
            }
            missing.is_none()
        });
        self.waiting.retain(|w| chosen.contains(&w.host));
        self.waiting.extend(waiting);
        self.refused.retain(|r| chosen.contains(&r.host));
        // Who accepts writes concerns all of them.
        self.warnings.retain(|w| chosen.contains(&w.host) || matches!(w.what, Finding::Writers(_)));
    }

    /// Puts a prefix before every step's name, so that several plays' plans can stand in one.
    pub fn rename_steps(&mut self, prefix: &str) {
        for step in &mut self.steps {
            for id in std::iter::once(&mut step.id).chain(&mut step.requires) {
                id.0.insert_str(0, prefix);
            }
        }
    }
}
