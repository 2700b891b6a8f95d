//! The database service.

use super::Draft;
use crate::{
    desired::DesiredHost,
    doctor::explain_down,
    model::Fact,
    observe::HostFacts,
    plan::{Action, Because, Kind, Note, Reason, ServerRefused, State, Step, StepId, StepName},
};

/// Adds the step that starts the database service, or lets it start at boot.
pub(super) fn steps(host: &DesiredHost, facts: &HostFacts, draft: &mut Draft) {
    let wanted = host.settings.is_some()
        || !host.channels.is_empty()
        || !host.accounts.is_empty()
        || host.server.as_ref().is_some_and(|s| s.start);
    if !wanted {
        return;
    }
    // A server that is half installed is not started: its system tables may not be there yet.
    let installs = |s: &Step| s.host == host.name && matches!(s.action, Action::InstallServer { .. });
    if draft.steps.iter().any(installs) {
        return;
    }
    let service = match &facts.service {
        Fact::Known(service) => service,
        Fact::Absent | Fact::Unread(_) => return,
    };
    if service.running() && service.enabled {
        return;
    }
    if service.masked {
        draft.refuse(&host.name, ServerRefused::Masked { unit: service.unit.clone() });
        return;
    }
    let because = match explain_down(facts) {
        None if service.running() => Because::NotAtBoot,
        found => Because::down(found, &service.active, &service.result),
    };
    let state = |running, enabled| State::Service { running, enabled };
    draft.steps.push(Step {
        id: StepId::of(&host.name, StepName::Start),
        host: host.name.clone(),
        kind: Kind::Service,
        reason: vec![Reason::because(because)],
        before: Some(state(service.running(), service.enabled)),
        after: Some(state(true, true)),
        risk: if service.running() { Vec::new() } else { vec![Note::MayFailAgain.into()] },
        requires: Vec::new(),
        action: Action::StartService {
            unit: service.unit.clone(),
            enable: !service.enabled,
            option_file: None,
        },
    });
}
