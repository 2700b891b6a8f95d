//! MySQL's `gtid_mode` is brought up while everything runs: one step at a time, and every server at one
//! step before any takes the next (manual, 19.1.4.2 "Enabling GTID Transactions Online").

use super::{Context, Draft};
use crate::{
    dialect::Dialect,
    model::{Fact, HostName},
    observe::ServerFacts,
    option_file::same_value,
    plan::{Action, GtidPhase, Kind, Reason, Risk, Step, StepId},
};

/// Adds the steps of every server of MySQL that shall count its transactions by GTID and does not yet.
pub fn steps(context: &Context<'_>, draft: &mut Draft) {
    let members = &context.desired.members;
    let server = |name: &HostName| context.observed.get(name).and_then(Fact::known)?.server.known();
    let behind: Vec<_> =
        members.iter().filter_map(|name| Some((name, wish(context, name, server(name)?)?))).collect();
    // A replica that can't be read may not take transactions with GTIDs yet, and would stop.
    let unread = members.iter().find(|name| server(name).is_none());
    for (name, (reason, running)) in behind {
        if let Some(unread) = unread {
            draft.wait(
                name,
                format!("gtid_mode is brought up on all members together, and {unread} was not read"),
            );
            continue;
        }
        let mut before = running.clone();
        for phase in GtidPhase::ALL.into_iter().filter(|phase| phase.comes_after(&running)) {
            draft.steps.push(step(name, &before, phase, &reason));
            before = phase.to_string();
        }
    }
}

/// Why a server shall count by GTID, and its present mode, where it does not.
fn wish(context: &Context<'_>, name: &HostName, server: &ServerFacts) -> Option<(Reason, String)> {
    let wishes = context.desired.hosts.get(name)?.settings.as_ref()?;
    let wish = wishes.iter().rfind(|w| w.name == "gtid_mode")?;
    let wished = wish.values.last().is_some_and(|value| same_value("gtid_mode", value, "ON"));
    let running = server.variable("gtid_mode")?.to_ascii_uppercase();
    let online = Dialect::of(server.version).sets_gtid_mode_online();
    (online && wished && running != "ON").then(|| (Reason::declared("gtid_mode", &wish.place), running))
}

fn step(host: &HostName, before: &str, phase: GtidPhase, reason: &Reason) -> Step {
    let risk = match phase {
        GtidPhase::OffPermissive => vec![Risk::Note(
            "statements that GTIDs don't allow are refused from now on (enforce_gtid_consistency)".into(),
        )],
        GtidPhase::OnPermissive => {
            vec![Risk::Note("a replica that is not declared here and has gtid_mode = OFF would stop".into())]
        }
        GtidPhase::On => Vec::new(),
    };
    Step {
        id: StepId(format!("{host}/gtid-mode/{}", phase.to_string().to_ascii_lowercase().replace('_', "-"))),
        host: host.clone(),
        kind: Kind::Variable,
        summary: format!("set gtid_mode to {phase} without a restart"),
        reason: vec![reason.clone()],
        before: Some(format!("gtid_mode = {before}")),
        after: Some(format!("gtid_mode = {phase}")),
        risk,
        requires: Vec::new(),
        action: Action::GtidMode(phase),
    }
}
