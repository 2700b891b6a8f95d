//! Servers of MySQL that share a `server_uuid`, as clones of one machine do.
//!
//! A replica with its source's UUID is refused (error 1593), and two replicas with one UUID throw each
//! other out (manual, 19.1.6 "Replication and Binary Logging Options"). Worse: both count their own
//! transactions under the same ids, so that GTIDs prove nothing about the two.

use std::collections::BTreeMap;

use super::{Context, Draft};
use crate::{
    model::{Fact, HostName},
    observe::ServerFacts,
    plan::{Action, Because, Hidden, Kind, Named, Reason, Risk, State, Step, StepId, StepName},
};

/// The UUID of a server, where it has one.
pub(super) fn server_uuid(server: &ServerFacts) -> Option<&str> {
    server.variable("server_uuid").filter(|uuid| !uuid.is_empty())
}

/// Gives every server but one of those that share a UUID a new one, with the restart that is planned
/// anyway or one of its own. The one that keeps it is the one that has written most under it: its
/// replicas know its transactions by that name.
pub(super) fn steps(context: &Context<'_>, draft: &mut Draft) {
    let mut by_uuid: BTreeMap<&str, Vec<(&HostName, &ServerFacts)>> = BTreeMap::new();
    for name in &context.desired.members {
        let facts = context.observed.get(name).and_then(Fact::known);
        let Some(server) = facts.and_then(|f| f.server.known()) else { continue };
        if let Some(uuid) = server_uuid(server) {
            by_uuid.entry(uuid).or_default().push((name, server));
        }
    }
    for (uuid, mut hosts) in by_uuid.into_iter().filter(|(_, hosts)| hosts.len() > 1) {
        // Sorting is stable: among equals the first member stays as it is.
        hosts.sort_by_key(|(_, server)| std::cmp::Reverse(written(server, uuid)));
        let Some(((keeper, _), others)) = hosts.split_first() else { continue };
        for (name, server) in others {
            give_new(context, name, server, keeper, uuid, draft);
        }
    }
}

/// How many transactions a server has under a UUID.
fn written(server: &ServerFacts, uuid: &str) -> u128 {
    let executed = server.gtid.known().and_then(|g| g.mysql()).map(|g| &g.executed);
    executed.map_or(0, |set| set.of_servers(|u| u.to_string() == uuid.to_ascii_lowercase()).count())
}

fn give_new(
    context: &Context<'_>,
    host: &HostName,
    server: &ServerFacts,
    keeper: &HostName,
    uuid: &str,
    draft: &mut Draft,
) {
    let reason = Reason::because(Because::SameServerUuid { host: host.clone(), other: keeper.clone() });
    let (before, after) =
        (Named::new("server_uuid", uuid), Named::hidden("server_uuid", Hidden::MadeByServer));
    let planned =
        draft.steps.iter_mut().find(|s| s.host == *host && matches!(s.action, Action::Restart { .. }));
    if let Some(step) = planned {
        if let Action::Restart { new_uuid, .. } = &mut step.action {
            *new_uuid = true;
        }
        for (state, value) in [(&mut step.before, before), (&mut step.after, after)] {
            state.get_or_insert(State::Settings { values: Vec::new() }).put_first(value);
        }
        step.reason.push(reason);
        return;
    }
    let wished = context.desired.hosts.get(host).and_then(|h| h.service.clone());
    let unit = wished.unwrap_or_else(|| server.unit.clone());
    draft.steps.push(Step {
        id: StepId::of(host, StepName::Service),
        host: host.clone(),
        kind: Kind::Service,
        reason: vec![reason],
        before: Some(State::Settings { values: vec![before] }),
        after: Some(State::Settings { values: vec![after] }),
        risk: vec![Risk::restart(&server.sessions)],
        requires: Vec::new(),
        action: Action::Restart {
            unit,
            expect: Vec::new(),
            option_file: None,
            causes: Vec::new(),
            new_uuid: true,
            follows: Vec::new(),
        },
    });
}
