//! From a wish and a state to a change, or to none.

use super::{
    Backend, FirewallState,
    rules::{self, Wish},
};

/// A change of a host's packet filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirewallChange {
    /// The tool.
    pub backend: Backend,
    /// Rules of ours that are there now, one a line.
    pub before: String,
    /// Rules of ours that will be there.
    pub after: String,
    /// A script that takes all rules of ours away and makes the wished ones. It can run any number
    /// of times, and is what runs at boot.
    pub script: String,
    /// A script that brings back what was there before.
    pub undo: String,
    /// Whether the script has to be kept for the next boot; firewalld and ufw keep their rules themselves.
    pub persist: bool,
}

/// Works out what has to change; `None` where everything is as wished.
pub fn change(wish: &Wish, backend: Backend, state: &FirewallState) -> Option<FirewallChange> {
    let needed = rules::needed(wish, backend, state);
    let persist = matches!(backend, Backend::Nftables | Backend::Iptables);
    let relevant = |line: &&String| match backend {
        // Rich rules of others are none of our business; ours have these priorities.
        Backend::Firewalld => line.contains("priority=\"-110\"") || line.contains("priority=\"-100\""),
        _ => true,
    };
    let ours: std::collections::BTreeSet<String> =
        state.ours.get(&backend).into_iter().flatten().filter(relevant).cloned().collect();
    // Rules of ours in the tool that was used before.
    let left = [Backend::Nftables, Backend::Iptables]
        .into_iter()
        .find(|other| persist && *other != backend && state.has_ours(*other));
    let mut script = String::from(
        "#!/bin/sh\n# Written by tandem: lets the peers of replication reach the server's port.\n",
    );
    // Always the same script, whichever of the two was used before.
    let others = [Backend::Nftables, Backend::Iptables].into_iter().filter(|b| persist && *b != backend);
    for tool in others.chain([backend]) {
        script.push_str(rules::removal(tool));
        script.push('\n');
    }
    for command in &needed.commands {
        script.push_str(command);
        script.push('\n');
    }
    script.push_str("exit 0\n");
    let nothing_wished = needed.lines.is_empty();
    let kept = match (persist, nothing_wished) {
        (false, _) => true,
        (true, true) => state.persisted.is_none(),
        (true, false) => {
            state.enabled && state.persisted.as_deref().map(str::trim_end) == Some(script.trim_end())
        }
    };
    if ours == needed.lines && kept && left.is_none() {
        return None;
    }
    let text =
        |lines: &std::collections::BTreeSet<String>| lines.iter().cloned().collect::<Vec<_>>().join("\n");
    let mut before = text(&ours);
    let mut after = text(&needed.lines);
    if let Some(left) = left {
        before.push_str(&format!("\nrules of ours in {}", left.word()));
    }
    if persist && !kept {
        before.push_str("\nnot loaded at boot");
        after.push_str(if nothing_wished { "\nnothing to load at boot" } else { "\nloaded at boot" });
    }
    let undo = match &state.persisted {
        Some(old) if persist => format!("{}\n{old}\n", rules::removal(backend)),
        _ => format!("{}\nexit 0\n", rules::removal(backend)),
    };
    Some(FirewallChange {
        backend,
        before: before.trim().to_owned(),
        after: after.trim().to_owned(),
        script,
        undo,
        persist: persist && !nothing_wished,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firewall::Network;

    fn wish(deny_others: bool) -> Wish {
        let allowed = ["10.77.0.12", "fd77::12"].iter().filter_map(|n| n.parse::<Network>().ok()).collect();
        Wish { port: 3306, allowed, deny_others }
    }

    #[test]
    fn an_open_host_needs_nothing() {
        let state = FirewallState { backend: Some(Backend::Nftables), ..FirewallState::default() };
        assert_eq!(change(&wish(false), Backend::Nftables, &state), None);
    }

    #[test]
    fn a_blocking_chain_gets_one_rule_for_each_peer() {
        let state =
            FirewallState { blocking_chains: vec!["inet filter input".into()], ..FirewallState::default() };
        let change = change(&wish(false), Backend::Nftables, &state).expect("a change");
        assert!(
            change.script.contains("insert rule inet filter input ip saddr 10.77.0.12 tcp dport 3306 accept")
        );
        assert!(change.script.contains("ip6 saddr fd77::12"));
        assert!(!change.script.contains("drop"));
    }

    #[test]
    fn what_was_made_is_found_again() {
        for backend in [Backend::Nftables, Backend::Iptables, Backend::Firewalld, Backend::Ufw] {
            let empty = FirewallState {
                blocking_chains: vec!["inet filter input".into()],
                iptables_blocks: (true, true),
                ..FirewallState::default()
            };
            let first = change(&wish(true), backend, &empty).expect("a change");
            let made = rules::needed(&wish(true), backend, &empty);
            let after = FirewallState {
                ours: [(backend, made.lines)].into(),
                persisted: Some(first.script),
                enabled: true,
                ..empty
            };
            assert_eq!(change(&wish(true), backend, &after), None, "{backend:?}");
        }
    }
}
