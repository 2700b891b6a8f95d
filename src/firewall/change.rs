//! From a wish and a state to the changes that lead there, or to none.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Backend, Chain, FirewallState, Network, Present,
    desired::{DesiredRules, Rules},
    iptables::prefix,
    rules,
    state::is_rich,
    ufw,
};

/// A change of a host's packet filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirewallChange {
    /// The tool.
    pub backend: Backend,
    /// Who may reach the port afterwards.
    pub wish: DesiredRules,
    /// Who got in before and does not afterwards; nobody for a change that only adds.
    pub closes: Option<Closes>,
    /// Rules of ours that are there now, one a line.
    pub before: String,
    /// Rules of ours that will be there.
    pub after: String,
    /// The same, by tool.
    pub lines: BTreeMap<Backend, BTreeSet<String>>,
    /// A script that puts the wished rules in the place of all that are ours. It can run any number of times, and is
    /// what runs at boot.
    pub script: String,
    /// A script that brings back what was there before.
    pub undo: String,
    /// Whether the script has to be kept for the next boot; firewalld and ufw keep their rules themselves.
    pub persist: bool,
    /// The unit that must not serve before the script has run at boot; empty where it is not known.
    pub unit: String,
}

/// Whom a change keeps out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closes {
    /// Ports that the server has left.
    pub ports: BTreeSet<u16>,
    /// Networks that had a rule.
    pub networks: BTreeSet<Network>,
    /// Whether all who have no rule are kept out from now on, and were not before.
    pub others: bool,
}

/// Works out what has to change: first a change that only adds, then one that takes away. What a channel still needs
/// is there until it has moved, so between the two come the moves.
pub(crate) fn changes(
    wish: &DesiredRules,
    backend: Backend,
    state: &FirewallState,
    unit: &str,
) -> Vec<FirewallChange> {
    let present = present(backend, state);
    let closes = Closes {
        ports: present.ports.difference(&wish.ports).copied().collect(),
        networks: present.allowed.difference(&wish.allowed).copied().collect(),
        others: wish.deny_others && !present.denies,
    };
    if closes == Closes::default() {
        return change(wish, backend, state, unit).into_iter().collect();
    }
    let both = DesiredRules {
        ports: present.ports.union(&wish.ports).copied().collect(),
        allowed: present.allowed.union(&wish.allowed).copied().collect(),
        deny_others: wish.deny_others && present.denies,
    };
    // Where nobody new gets in, there is nothing to add.
    let opens =
        both.allowed != present.allowed || both.ports != present.ports || lacks(&both, backend, state);
    let first = if opens { change(&both, backend, state, unit) } else { None };
    let then = match &first {
        Some(first) => state.after(first),
        None => state.clone(),
    };
    let last = change(wish, backend, &then, unit);
    first.into_iter().chain(last.map(|last| FirewallChange { closes: Some(closes), ..last })).collect()
}

/// Whom rules of ours let in, in the tool that is used and in the one that may stand beside it.
fn present(backend: Backend, state: &FirewallState) -> Present {
    let tools = state.ours.keys().filter(|tool| **tool == backend || persists(**tool) && persists(backend));
    tools.fold(Present::default(), |mut all, tool| {
        let one = state.present(*tool);
        all.ports.extend(one.ports);
        all.allowed.extend(one.allowed);
        all.denies |= one.denies;
        all
    })
}

/// Whether a rule that a wish needs is not in force.
fn lacks(wish: &DesiredRules, backend: Backend, state: &FirewallState) -> bool {
    let needed = rules::needed(wish, backend, &places(wish, state));
    let now = in_force(wish, backend, state);
    needed
        .lines
        .iter()
        .any(|(tool, lines)| lines.iter().any(|line| !now.get(tool).is_some_and(|now| now.contains(line))))
}

/// Works out one change; nothing where everything is as wished.
fn change(
    wish: &DesiredRules,
    backend: Backend,
    state: &FirewallState,
    unit: &str,
) -> Option<FirewallChange> {
    let needed = rules::needed(wish, backend, &places(wish, state));
    let persist = persists(backend);
    let nothing_wished = needed.is_empty();
    let script = script(&needed);
    let now = in_force(wish, backend, state);
    let kept = match (persist, nothing_wished) {
        (false, _) => true,
        (true, true) => state.persisted.is_none(),
        (true, false) => {
            let in_time = unit.is_empty() || state.before.contains(unit);
            state.enabled
                && in_time
                && state.persisted.as_deref().map(str::trim_end) == Some(script.trim_end())
        }
    };
    if now == without_empty(needed.lines.clone()) && kept {
        return None;
    }
    let text = |lines: &BTreeMap<Backend, BTreeSet<String>>| {
        lines.values().flatten().cloned().collect::<Vec<_>>().join("\n")
    };
    let (mut before, mut after) = (text(&now), text(&needed.lines));
    if persist && !kept {
        before.push_str("\nnot loaded at boot");
        after.push_str(if nothing_wished { "\nnothing to load at boot" } else { "\nloaded at boot" });
    }
    Some(FirewallChange {
        backend,
        wish: wish.clone(),
        closes: None,
        before: before.trim().to_owned(),
        after: after.trim().to_owned(),
        lines: needed.lines,
        script,
        undo: undo(&wish.ports, backend, state),
        persist: persist && !nothing_wished,
        unit: unit.to_owned(),
    })
}

fn persists(backend: Backend) -> bool {
    matches!(backend, Backend::Nftables | Backend::Iptables)
}

fn script(rules: &Rules) -> String {
    format!(
        "#!/bin/sh\n# Written by tandem: lets the peers of replication reach the server's port.\n{}exit 0\n",
        rules.script
    )
}

/// What brings back the rules of ours that are in force now, whatever a file says.
fn undo(ports: &BTreeSet<u16>, backend: Backend, state: &FirewallState) -> String {
    let closed_by = |tool: &Backend| persists(*tool) && state.present(*tool).denies;
    let tool = if closed_by(&backend) { None } else { state.ours.keys().copied().find(closed_by) };
    let (tool, present) = (tool.unwrap_or(backend), present(backend, state));
    let ports = if present.ports.is_empty() { ports.clone() } else { present.ports };
    let had = DesiredRules { ports, allowed: present.allowed, deny_others: present.denies };
    let chains: Vec<&Chain> = state.chains.iter().filter(|chain| chain.ours().next().is_some()).collect();
    script(&rules::needed(&had, tool, &chains))
}

/// Chains in which an accepting rule has to stand: those that may drop a packet for the port, and those in which one
/// stands already, so that what comes and goes in them is no reason to change ours.
fn places<'a>(wish: &DesiredRules, state: &'a FirewallState) -> Vec<&'a Chain> {
    state.chains.iter().filter(|c| c.may_drop(&wish.ports) || c.ours().next().is_some()).collect()
}

/// Rules of ours that no other one comes before.
fn in_force(
    wish: &DesiredRules,
    backend: Backend,
    state: &FirewallState,
) -> BTreeMap<Backend, BTreeSet<String>> {
    // Rich rules of others are none of our business; ours have these priorities.
    let relevant = |tool: Backend, line: &String| match tool {
        Backend::Firewalld => is_rich(line),
        _ => true,
    };
    let late: BTreeSet<&String> = state.chains.iter().flat_map(|chain| chain.too_late(&wish.ports)).collect();
    let tools = state.ours.iter().filter(|(tool, _)| persists(backend) == persists(**tool));
    without_empty(
        tools
            .map(|(tool, lines)| {
                let lines = lines.iter().filter(|line| relevant(*tool, line) && !late.contains(line));
                (*tool, lines.cloned().collect())
            })
            .collect(),
    )
}

fn without_empty(mut lines: BTreeMap<Backend, BTreeSet<String>>) -> BTreeMap<Backend, BTreeSet<String>> {
    lines.retain(|_, lines| !lines.is_empty());
    lines
}

impl FirewallState {
    /// The state once a change has been made.
    pub fn after(&self, change: &FirewallChange) -> Self {
        let mut state = self.clone();
        state.ours.retain(|tool, _| persists(*tool) != persists(change.backend));
        state.ours.extend(change.lines.clone());
        for chain in &mut state.chains {
            let lines = change.lines.get(&chain.tool).into_iter().flatten();
            let own = lines.filter(|line| holds(chain, line)).cloned();
            chain.replace_ours(own.collect());
        }
        state.persisted = change.persist.then(|| change.script.clone());
        state.enabled = change.persist;
        state.before = std::iter::once(change.unit.clone()).filter(|_| change.persist).collect();
        state
    }
}

/// Whether a line of ours stands in a chain.
fn holds(chain: &Chain, line: &str) -> bool {
    match chain.tool {
        Backend::Iptables => {
            let words: Vec<&str> = chain.place.split(' ').collect();
            let [family, table, chain] = words.as_slice() else { return false };
            line.starts_with(&format!("{} -A {chain} ", prefix(family, table)))
        }
        Backend::Ufw => ufw::is_v6(line) == (chain.place == "v6"),
        Backend::Nftables | Backend::Firewalld => line.starts_with(&format!("{} ", chain.place)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(deny_others: bool) -> DesiredRules {
        let allowed = ["10.77.0.12", "fd77::12"].iter().filter_map(|n| n.parse::<Network>().ok()).collect();
        DesiredRules { ports: [3306].into(), allowed, deny_others }
    }

    fn dropping() -> FirewallState {
        FirewallState { chains: vec![Chain::dropping("inet filter input")], ..FirewallState::default() }
    }

    const BACKENDS: [Backend; 4] = [Backend::Nftables, Backend::Iptables, Backend::Firewalld, Backend::Ufw];

    #[test]
    fn an_open_host_needs_nothing() {
        let state = FirewallState { backend: Some(Backend::Nftables), ..FirewallState::default() };
        assert_eq!(changes(&wish(false), Backend::Nftables, &state, "mariadb.service"), []);
    }

    #[test]
    fn a_blocking_chain_gets_one_rule_for_each_peer() {
        let list = changes(&wish(false), Backend::Nftables, &dropping(), "");
        let [change] = list.as_slice() else { panic!("{list:?}") };
        assert!(
            change.script.contains("insert rule inet filter input ip saddr 10.77.0.12 tcp dport 3306 accept")
        );
        assert!(change.script.contains("ip6 saddr fd77::12"));
        assert!(!change.script.contains("drop") && change.closes.is_none());
    }

    #[test]
    fn what_was_made_is_found_again() {
        for backend in BACKENDS {
            let mut state = dropping();
            let list = changes(&wish(true), backend, &state, "mariadb.service");
            assert!(!list.is_empty(), "{backend:?}");
            for change in &list {
                state = state.after(change);
            }
            assert_eq!(changes(&wish(true), backend, &state, "mariadb.service"), [], "{backend:?}");
            let other = changes(&wish(true), backend, &state, "mysqld.service");
            assert_eq!(other.len(), usize::from(persists(backend)), "{backend:?}: the unit at boot");
        }
    }

    /// Whatever changes, first comes what is added, with everything from before; then what is taken away.
    #[test]
    fn what_is_added_comes_before_what_is_taken_away() {
        let net =
            |list: &[&str]| -> BTreeSet<Network> { list.iter().filter_map(|n| n.parse().ok()).collect() };
        let sets = [&["10.0.0.1", "10.0.0.2"][..], &["10.0.0.2", "10.0.0.3"], &["10.0.0.1"], &[]];
        for backend in BACKENDS {
            let pairs = sets.iter().flat_map(|a| sets.iter().map(move |b| (*a, *b)));
            for ((from, to), deny, port) in pairs.flat_map(|pair| {
                [false, true].into_iter().flat_map(move |d| [(pair, d, 3306), (pair, d, 3307)])
            }) {
                let had = DesiredRules { ports: [3306].into(), allowed: net(from), deny_others: true };
                let want = DesiredRules { ports: [port].into(), allowed: net(to), deny_others: deny };
                let mut state = dropping();
                for change in changes(&had, backend, &state, "") {
                    state = state.after(&change);
                }
                assert_eq!(present(backend, &state).allowed, had.allowed, "{backend:?}");
                let list = changes(&want, backend, &state, "");
                for change in &list {
                    let before = present(backend, &state);
                    state = state.after(change);
                    let after = present(backend, &state);
                    match &change.closes {
                        None => {
                            assert!(
                                after.allowed.is_superset(&before.allowed),
                                "{backend:?} {from:?} {to:?}"
                            );
                            let kept = after.ports.is_superset(&before.ports);
                            assert!(
                                kept || !deny && before.allowed.is_empty(),
                                "{backend:?} {from:?} {to:?}"
                            );
                        }
                        Some(closes) => {
                            let gone = before.allowed.difference(&after.allowed).copied().collect();
                            assert_eq!(closes.networks, gone);
                            assert!(after.ports.is_subset(&[port].into()), "{backend:?} {from:?} {to:?}");
                        }
                    }
                }
                assert!(
                    list.len() <= 2 && changes(&want, backend, &state, "").is_empty(),
                    "{backend:?} {from:?} {to:?}"
                );
            }
        }
    }

    /// A rule that somebody has put before ours may drop what ours lets in.
    #[test]
    fn rules_that_come_too_late_are_made_again() {
        use crate::firewall::chain::{Effect, Ports};
        let mut state = dropping();
        for change in changes(&wish(false), Backend::Nftables, &state, "") {
            state = state.after(&change);
        }
        for (ports, again) in
            [(Ports::Only(vec![(22, 22)]), 0), (Ports::Any, 1), (Ports::Only(vec![(3000, 4000)]), 1)]
        {
            let mut state = state.clone();
            state.chains[0].rules.insert(0, Effect::MayDrop(vec![ports.clone()]));
            assert_eq!(changes(&wish(false), Backend::Nftables, &state, "").len(), again, "{ports:?}");
        }
    }
}
