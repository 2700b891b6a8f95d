//! The database service, and the plain resources of users' roles.

use super::Draft;
use crate::{
    desired::DesiredHost,
    doctor::explain_down,
    model::Fact,
    observe::HostFacts,
    plan::{Action, Kind, Reason, Risk, Step, StepId},
};

/// Adds the steps for a host's service and for what users' roles declare beside it.
pub fn steps(host: &DesiredHost, facts: &HostFacts, draft: &mut Draft) {
    service(host, facts, draft);
    for (kind, place) in host
        .packages
        .iter()
        .map(|w| ("packages", &w.place))
        .chain(host.files.iter().map(|w| ("file", &w.place)))
        .chain(host.services.iter().map(|w| ("service", &w.place)))
        .chain(host.commands.iter().map(|w| ("command", &w.place)))
    {
        draft.refuse(
            &host.name,
            "resource-not-supported",
            format!("a resource `{kind}` ({place}) can't be applied yet"),
        );
    }
}

fn service(host: &DesiredHost, facts: &HostFacts, draft: &mut Draft) {
    let wanted = host.settings.is_some() || !host.channels.is_empty() || !host.accounts.is_empty();
    if !wanted {
        return;
    }
    let service = match &facts.service {
        Fact::Known(service) => service,
        Fact::Absent => {
            draft.wait(
                &host.name,
                "no database server is installed: none of mariadb, mysql and mysqld is a service there",
            );
            return;
        }
        Fact::Unread(_) => return,
    };
    if service.running() && service.enabled {
        return;
    }
    let why = match explain_down(&facts.error_log) {
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
        action: Action::StartService { unit: service.unit.clone(), enable: !service.enabled },
    });
}
