//! What a host's packet filter does to one port now.

use std::collections::{BTreeMap, BTreeSet};

use super::{Backend, Network, chain::Chain};

/// What is there, in the words of each tool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirewallState {
    /// The tool in use; `None` where there is none at all.
    pub backend: Option<Backend>,
    /// Tools that can be used here.
    pub available: BTreeSet<Backend>,
    /// Chains that a packet for this host passes, by tool and in no order.
    pub chains: Vec<Chain>,
    /// Rules of ours that are in force, by tool, in the tool's own words.
    pub ours: BTreeMap<Backend, BTreeSet<String>>,
    /// The script of ours that loads them at boot.
    pub persisted: Option<String>,
    /// Whether the unit that runs it is enabled.
    pub enabled: bool,
    /// Units that wait for it at boot.
    pub before: BTreeSet<String>,
}

/// Whom rules of ours let in now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Present {
    /// Ports that rules of ours are about.
    pub ports: BTreeSet<u16>,
    /// Networks that have a rule.
    pub allowed: BTreeSet<Network>,
    /// Whether all others are kept out.
    pub denies: bool,
}

impl FirewallState {
    /// A tool that is active rules alone.
    pub(super) fn found(&mut self, backend: Backend) -> &mut BTreeSet<String> {
        self.backend = Some(backend);
        self.available.insert(backend);
        self.ours_mut(backend)
    }

    pub(super) fn ours_mut(&mut self, backend: Backend) -> &mut BTreeSet<String> {
        self.ours.entry(backend).or_default()
    }

    /// Whom the rules of ours in a tool let in.
    pub fn present(&self, backend: Backend) -> Present {
        let mut present = Present::default();
        for line in self.ours.get(&backend).into_iter().flatten() {
            present.ports.extend(port(backend, line));
            match allowed_by(backend, line) {
                Some(network) => drop(present.allowed.insert(network)),
                None => present.denies |= denies(backend, line),
            }
        }
        // Of iptables a chain of ours to which nothing leads has no effect.
        if present.ports.is_empty() { Present::default() } else { present }
    }
}

/// What stands behind a word.
fn after<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let mut words = line.split_whitespace().skip_while(|w| *w != word);
    words.next().and_then(|_| words.next())
}

/// What stands between the quotes behind a key.
fn quoted<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    Some(line.split_once(&format!("{key}=\""))?.1.split_once('"')?.0)
}

/// The port that a rule of ours is about.
fn port(backend: Backend, line: &str) -> Option<u16> {
    let text = match backend {
        Backend::Nftables => after(line, "dport")?,
        Backend::Iptables => after(line, "--dport")?,
        Backend::Firewalld if is_rich(line) => quoted(line, "port port")?,
        Backend::Firewalld => return None,
        Backend::Ufw => line.split_once("/tcp")?.0,
    };
    text.parse().ok()
}

/// Whether a rich rule is one of ours: they have these priorities.
pub(super) fn is_rich(line: &str) -> bool {
    line.contains("priority=\"-110\"") || line.contains("priority=\"-100\"")
}

/// The network that a rule of ours lets in.
fn allowed_by(backend: Backend, line: &str) -> Option<Network> {
    let text = match backend {
        Backend::Nftables if line.ends_with(" accept") => after(line, "saddr")?,
        Backend::Iptables if line.ends_with("-j ACCEPT") => after(line, "-s")?,
        Backend::Firewalld if line.contains("priority=\"-110\"") => quoted(line, "source address")?,
        Backend::Ufw => after(line, "ALLOW")?,
        _ => return None,
    };
    text.parse().ok()
}

/// Whether a rule of ours keeps out whom no other one lets in.
fn denies(backend: Backend, line: &str) -> bool {
    match backend {
        Backend::Nftables => line.ends_with(" drop"),
        Backend::Iptables => line.ends_with("-A TANDEM -j DROP"),
        Backend::Firewalld => line.contains("priority=\"-100\""),
        Backend::Ufw => line.contains(" DENY "),
    }
}
