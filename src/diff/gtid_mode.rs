//! MySQL's `gtid_mode` is brought up, or down, while everything runs: one step at a time, and every server at one
//! step before any takes the next (manual, 19.1.4.2 "Enabling GTID Transactions Online" and 19.1.4.3 "Disabling").

use super::{Context, Draft};
use crate::{
    desired::{DesiredHost, DesiredSetting, Positioning},
    dialect::Dialect,
    model::HostName,
    observe::ServerFacts,
    option_file::{Occurrence, Setting, same_value},
    plan::{
        Action, Because, ChannelRefused, GtidPhase, HostWaits, Kind, Named, Note, Reason, State, Step,
        StepId, StepName,
    },
};

/// Variables that have steps of their own, across all members.
pub(super) const NAMES: [&str; 2] = ["gtid_mode", "enforce_gtid_consistency"];

/// Adds the steps of every server of MySQL whose mode is not the wished one.
pub(super) fn steps(context: &Context<'_>, draft: &mut Draft) {
    let members = &context.desired.members;
    let off: Vec<_> = members
        .iter()
        .filter_map(|name| {
            let (server, host) = (context.server(name)?, context.desired.hosts.get(name)?);
            let (wish, down) = wished(host, server)?;
            Some((host, wish, down, server.variable("gtid_mode")?.to_ascii_uppercase()))
        })
        .collect();
    // A replica that can't be read may not take transactions with GTIDs yet, and would stop.
    let unread = members.iter().find(|name| context.server(name).is_none());
    for (host, wish, down, running) in off {
        if let Some(unread) = unread {
            draft.wait(&host.name, HostWaits::GtidModeTogether { down, unread: unread.clone() });
            continue;
        }
        if down && host.channels.iter().any(|c| c.positioning == Positioning::Gtid) {
            draft.refuse(&host.name, ChannelRefused::GtidModeOff { place: wish.place.clone() });
            continue;
        }
        if down {
            draft.wait(&host.name, HostWaits::GtidModeEverywhere);
        }
        let reason = Reason::declared(Because::Setting { setting: NAMES[0].to_owned() }, &wish.place);
        let mut before = running.clone();
        for phase in GtidPhase::of(&running).way(down) {
            draft.steps.push(step(&host.name, &before, phase, down, &reason));
            before = phase.to_string();
        }
    }
}

/// The wish for a mode that a server does not run with and that it can get online, and whether that is OFF.
pub(super) fn wished<'a>(host: &'a DesiredHost, server: &ServerFacts) -> Option<(&'a DesiredSetting, bool)> {
    let wish = host.setting("gtid_mode")?;
    let value = wish.values.last()?;
    let running = server.variable("gtid_mode")?.to_ascii_uppercase();
    let online = Dialect::of(server.version).sets_gtid_mode_online();
    let (on, off) = (same_value("gtid_mode", value, "ON"), same_value("gtid_mode", value, "OFF"));
    (online && (on && running != "ON" || off && running != "OFF")).then_some((wish, off))
}

/// Lines of our own option file that stay for now: those of a mode that is on its way down, and those of one that
/// nobody wishes any more. File positions go well with GTIDs, and one server that starts without them would stop
/// its channels (error 1593).
pub(super) fn kept(host: &DesiredHost, server: &ServerFacts, old: &[&Occurrence]) -> Vec<Setting> {
    let on_its_way = wished(host, server).is_some_and(|(_, down)| down);
    let wishes = host.settings.as_deref().unwrap_or_default();
    if !on_its_way && wishes.iter().any(|w| w.name == NAMES[0]) {
        return Vec::new();
    }
    let setting = |name: &str| {
        let values: Vec<String> =
            old.iter().filter(|o| o.name == name).filter_map(|o| o.value.clone()).collect();
        (!values.is_empty()).then(|| Setting { name: name.to_owned(), values })
    };
    NAMES.into_iter().filter_map(setting).collect()
}

fn step(host: &HostName, before: &str, phase: GtidPhase, down: bool, reason: &Reason) -> Step {
    let mode = |value: String| State::Settings { values: vec![Named::new(NAMES[0], value)] };
    let risk = match (phase, down) {
        (GtidPhase::OffPermissive, false) => vec![Note::GtidConsistency.into()],
        (GtidPhase::OnPermissive, false) => vec![Note::ReplicasWithoutGtidStop.into()],
        (GtidPhase::OnPermissive, true) => vec![Note::ReplicasByGtidStop.into()],
        _ => Vec::new(),
    };
    Step {
        id: StepId::of(host, StepName::GtidMode(phase)),
        host: host.clone(),
        kind: Kind::Variable,
        reason: vec![reason.clone()],
        before: Some(mode(before.to_owned())),
        after: Some(mode(phase.to_string())),
        risk,
        requires: Vec::new(),
        action: Action::GtidMode { phase, down },
    }
}
