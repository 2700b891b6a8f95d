//! Binary logs that a copy made a source keep, and that it keeps still because the run died.

use std::collections::BTreeMap;

use crate::{
    desired::DesiredHost,
    observe::HostFacts,
    plan::{Action, Because, Kind, Named, Reason, State, Step, StepId, StepName},
};

/// The step that sets the values back, unless a copy of this host is planned: that one does it at its end.
pub(super) fn step(host: &DesiredHost, facts: &HostFacts, steps: &[Step]) -> Option<Step> {
    let mark = facts.retention.known()?;
    let copied = steps
        .iter()
        .any(|s| matches!(&s.action, Action::Seed(plan) if [&plan.from, &plan.donor].contains(&&host.name)));
    if copied || facts.server.known().is_none() {
        return None;
    }
    // What is declared comes from the declaration.
    let declared = |name: &String| host.settings.iter().flatten().any(|s| s.name == *name);
    let values: BTreeMap<String, String> = mark
        .variables
        .iter()
        .filter(|(name, _)| !declared(name))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect();
    let view = |pick: fn(&str) -> &str| State::Options {
        values: values.iter().map(|(name, value)| Named::new(name, pick(value))).collect(),
    };
    Some(Step {
        id: StepId::of(&host.name, StepName::Retention),
        host: host.name.clone(),
        kind: Kind::Variable,
        reason: vec![Reason::because(Because::CopyCutOff)],
        before: Some(view(|_| "0")),
        after: Some(view(|value| value)),
        risk: Vec::new(),
        requires: Vec::new(),
        action: Action::RestoreRetention(values),
    })
}
