//! What users' roles declare beside the database. What differs says the kind of resource.

use super::Draft;
use crate::{
    desired::{DeclaredResource, DesiredHost},
    model::Place,
    observe::HostFacts,
    plan::{Action, Because, Kind, Part, Reason, Refused, State, Step, StepId, StepName, WaitsFor},
    resource::{Change, KindName, Outcome},
};

/// Adds the steps for what users' roles declare.
pub(super) fn steps(host: &DesiredHost, facts: &HostFacts, draft: &mut Draft) {
    for kind in KindName::ALL {
        let declared = host.resources.iter().filter(|declared| declared.resource.kind() == *kind);
        for (number, declared) in declared.enumerate() {
            compare(host, facts, (number + 1, declared), draft);
        }
    }
}

fn compare(
    host: &DesiredHost,
    facts: &HostFacts,
    (number, declared): (usize, &DeclaredResource),
    draft: &mut Draft,
) {
    let resource = declared.resource.any();
    let named = || Box::new(declared.resource.clone());
    match resource.compare(&facts.resources.to(&resource.query())) {
        Outcome::Same => {}
        Outcome::Unread(why) => draft.wait(&host.name, WaitsFor::part(Part::Resource(named()), &why)),
        Outcome::Waits(obstacle) => draft.wait(&host.name, WaitsFor::Resource(named(), obstacle)),
        Outcome::Refused(obstacle) => draft.refuse(&host.name, Refused::Resource(named(), obstacle)),
        Outcome::Change(change) => {
            let name = resource.name().unwrap_or_else(|| number.to_string());
            draft.steps.push(step(host, &name, &declared.place, change));
        }
    }
}

fn step(host: &DesiredHost, name: &str, place: &Place, change: Box<Change>) -> Step {
    let kind = change.kind();
    Step {
        id: StepId::of(&host.name, StepName::Resource { kind, name }),
        host: host.name.clone(),
        kind: Kind::from(kind),
        reason: vec![Reason::declared(Because::Declared, place)],
        before: change.any().before().map(State::text),
        after: change.any().after().map(State::text),
        risk: Vec::new(),
        requires: Vec::new(),
        action: Action::Resource(change),
    }
}
