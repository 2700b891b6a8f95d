//! The database service.

use super::Draft;
use crate::{
    desired::DesiredHost,
    doctor::explain_down,
    model::Fact,
    observe::HostFacts,
    plan::{Action, Kind, Reason, Risk, ServerRefused, Step, StepId},
};

/// Adds the step that starts the database service, or lets it start at boot.
pub fn steps(host: &DesiredHost, facts: &HostFacts, draft: &mut Draft) {
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
    let why = match explain_down(facts) {
        Some(cause) => format!("the server is down: {cause}"),
        None if service.running() => "the server would not start at boot".to_owned(),
        None => format!("the server is down ({}, {})", service.active, service.result),
    };
    let state = |running: bool, enabled: bool| {
        format!(
            "{}, {}",
            if running { "running" } else { "stopped" },
            if enabled { "starts at boot" } else { "does not start at boot" }
        )
    };
    draft.steps.push(Step {
        id: StepId(format!("{}/start", host.name)),
        host: host.name.clone(),
        kind: Kind::Service,
        summary: match service.running() {
            true => format!("let {} start at boot", service.unit),
            false => format!("start {}", service.unit),
        },
        reason: vec![Reason::because(why)],
        before: Some(state(service.running(), service.enabled)),
        after: Some(state(true, true)),
        risk: if service.running() {
            Vec::new()
        } else {
            vec![Risk::Note("the server may fail again for the same cause".into())]
        },
        requires: Vec::new(),
        action: Action::StartService {
            unit: service.unit.clone(),
            enable: !service.enabled,
            option_file: None,
        },
    });
}
