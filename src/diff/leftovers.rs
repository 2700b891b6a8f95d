//! What an installation leaves open: anonymous accounts, root from other hosts, the database `test`.

use std::collections::BTreeSet;

use super::{Context, Draft};
use crate::{
    desired::DesiredHost,
    grant::is_system_account,
    observe::{HostFacts, ServerFacts},
    plan::{Action, Because, Kind, Reason, Risk, ServerFinding, State, Step, StepId, StepName},
};

const TEST: &str = "test";

/// Adds the step that closes it, and says what stays open.
pub(super) fn steps(context: &Context<'_>, host: &DesiredHost, facts: &HostFacts, draft: &mut Draft) {
    let Some(wish) = host.server.as_ref().filter(|w| w.secure) else { return };
    let Some(server) = facts.server.known() else { return };
    let (anonymous, root): (Vec<_>, Vec<_>) = accounts(server).partition(|(user, _)| user.is_empty());
    let has_local_root = server.account_names.iter().any(|(user, at)| user == "root" && at == "localhost");
    if !root.is_empty() && !has_local_root {
        let accounts = root.iter().map(|account| (*account).clone()).collect();
        draft.warn(&host.name, ServerFinding::RemoteRoot { accounts });
    }
    let root = if has_local_root { root } else { Vec::new() };
    let goes: Vec<(String, String)> = anonymous.into_iter().chain(root).cloned().collect();
    let database = test_goes(context, host, server, draft);
    if goes.is_empty() && !database {
        return;
    }
    let before = State::Leftovers { accounts: names(&goes.iter().collect::<Vec<_>>()), database };
    let gated = !goes.is_empty() && !is_fresh(context, facts, server);
    draft.steps.push(Step {
        id: StepId::of(&host.name, StepName::Leftovers),
        host: host.name.clone(),
        kind: Kind::Account,
        reason: vec![Reason::declared(
            Because::Variable { variable: "mysql_server_secure".to_owned() },
            &wish.secure_place,
        )],
        before: Some(before),
        after: None,
        risk: if gated { vec![Risk::DropsAccount] } else { Vec::new() },
        requires: Vec::new(),
        action: Action::RemoveLeftovers { accounts: goes, database },
    });
}

/// The anonymous accounts, and those of root that are not for this host.
fn accounts(server: &ServerFacts) -> impl Iterator<Item = &(String, String)> {
    // A role of MariaDB has no host; none has an empty name.
    server.account_names.iter().filter(|(user, at)| {
        user.is_empty() || (user == "root" && !at.is_empty() && !is_system_account(user, at))
    })
}

fn names(accounts: &[&(String, String)]) -> Vec<String> {
    accounts.iter().map(|(user, at)| format!("'{user}'@'{at}'")).collect()
}

/// Whether the database `test` is dropped here. One that holds anything is data.
fn test_goes(context: &Context<'_>, host: &DesiredHost, server: &ServerFacts, draft: &mut Draft) -> bool {
    let wished = host.databases.iter().any(|d| d.name == TEST);
    let Some(test) = server.databases.iter().find(|d| d.name == TEST).filter(|_| !wished) else {
        return false;
    };
    if !test.is_empty() {
        draft.warn(&host.name, ServerFinding::TestDatabase { tables: test.tables });
        return false;
    }
    // What a source still has, it may write to, and then it must be here.
    host.channels.iter().all(|channel| {
        let source = context.desired.hosts.get(&channel.source);
        let closes = source.and_then(|h| h.server.as_ref()).is_some_and(|w| w.secure);
        let there = context.server(&channel.source).map(|s| s.databases.iter().find(|d| d.name == TEST));
        match there {
            Some(None) => true,
            Some(Some(test)) => closes && test.is_empty(),
            None => false,
        }
    })
}

/// Whether nobody has used the server yet: no data, no channel, no client, and no account but those that an
/// installation makes.
fn is_fresh(context: &Context<'_>, facts: &HostFacts, server: &ServerFacts) -> bool {
    let ours: BTreeSet<String> = context.own_users().into_iter().collect();
    let own_name = |at: &str| {
        let name = facts.os.hostname.as_str();
        !name.is_empty() && (at == name || at.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
    };
    let installed = |user: &str, at: &str| {
        is_system_account(user, at) || ours.contains(user) || (user == "root" && own_name(at))
    };
    server.databases.iter().all(|d| d.is_empty())
        && server.channels.known().is_some_and(Vec::is_empty)
        && server.sessions.known().is_some_and(Vec::is_empty)
        && server.account_names.iter().all(|(user, at)| installed(user, at))
}
