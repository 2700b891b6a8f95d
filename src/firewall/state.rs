//! What a host's packet filter does to one port now.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{Network, chain::Chain, iptables, nft, ufw};
use crate::observe::Sections;

/// The tools that can rule a host's packet filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Backend {
    /// nft.
    Nftables,
    /// iptables and ip6tables, of either kind.
    Iptables,
    /// firewalld.
    Firewalld,
    /// ufw.
    Ufw,
}

impl Backend {
    /// The word in `firewall_backend`.
    pub fn word(self) -> &'static str {
        match self {
            Backend::Nftables => "nftables",
            Backend::Iptables => "iptables",
            Backend::Firewalld => "firewalld",
            Backend::Ufw => "ufw",
        }
    }

    /// The backend of a word.
    pub fn of(word: &str) -> Option<Self> {
        [Backend::Nftables, Backend::Iptables, Backend::Firewalld, Backend::Ufw]
            .into_iter()
            .find(|b| b.word() == word)
    }
}

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
    /// Networks that have a rule.
    pub allowed: BTreeSet<Network>,
    /// Whether all others are kept out.
    pub denies: bool,
}

/// Reads the sections of the host script.
///
/// # Errors
/// Why the packet filter is not known, in words.
pub fn read(sections: &Sections<'_>) -> Result<FirewallState, String> {
    let text = |name: &str| sections.text(name).unwrap_or_default();
    let active = text("fw-active");
    let has = |word: &str| active.lines().any(|l| l == word);
    let unit = text("fw-unit");
    let before = unit.lines().filter_map(|l| l.strip_prefix("Before=")).flat_map(str::split_whitespace);
    let mut state = FirewallState {
        persisted: sections.text("fw-own").filter(|t| !t.is_empty()),
        enabled: unit.lines().any(|l| l == "enabled"),
        before: before.map(str::to_owned).collect(),
        ..FirewallState::default()
    };
    if let Some(command) = text("fw-failed").lines().find(|l| !l.is_empty()) {
        return Err(format!("`{command}` failed on this host; run it there to see why"));
    }
    if has("firewalld") {
        let rules = text("fw-firewalld");
        let lines = rules.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned);
        state.found(Backend::Firewalld).extend(lines);
    } else if has("ufw") {
        state.found(Backend::Ufw);
        ufw::read(&text("fw-ufw"), &mut state);
    } else {
        let addresses: Vec<IpAddr> =
            text("addresses").split_whitespace().filter_map(|a| a.parse().ok()).collect();
        let save = text("fw-iptables");
        if has("iptables") {
            state.available.insert(Backend::Iptables);
            iptables::read(&save, &addresses, &mut state);
        }
        let mut nft = Ok(());
        if has("nft") {
            state.available.insert(Backend::Nftables);
            nft = nft::read(&text("fw-nft"), &addresses, &mut state);
        }
        // Where both are installed and one of them is in use, that one is asked.
        let in_use = iptables::in_use(&save).then_some(Backend::Iptables);
        let first = || state.available.iter().next().copied();
        state.backend = in_use.or_else(first);
        if state.backend == Some(Backend::Nftables) {
            nft?;
        }
    }
    Ok(state)
}

impl FirewallState {
    /// A tool that is active rules alone.
    fn found(&mut self, backend: Backend) -> &mut BTreeSet<String> {
        self.backend = Some(backend);
        self.available.insert(backend);
        self.ours_mut(backend)
    }

    pub(super) fn ours_mut(&mut self, backend: Backend) -> &mut BTreeSet<String> {
        self.ours.entry(backend).or_default()
    }

    /// Whether rules of ours stand in a tool.
    pub fn has_ours(&self, backend: Backend) -> bool {
        self.ours.get(&backend).is_some_and(|rules| !rules.is_empty())
    }

    /// Whom the rules of ours in a tool let in to a port.
    pub fn present(&self, backend: Backend, port: u16) -> Present {
        let mut present = Present::default();
        let jump = format!("--dport {port} ");
        let lines = self.ours.get(&backend);
        if backend == Backend::Iptables && !lines.into_iter().flatten().any(|line| line.contains(&jump)) {
            return present;
        }
        for line in lines.into_iter().flatten() {
            let Some(network) = allowed_by(backend, line, port) else {
                present.denies |= denies(backend, line, port);
                continue;
            };
            present.allowed.insert(network);
        }
        present
    }
}

/// The network that a rule of ours lets in to a port.
fn allowed_by(backend: Backend, line: &str, port: u16) -> Option<Network> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let after = |word: &str| {
        let at = words.iter().position(|w| *w == word)?;
        words.get(at + 1).copied()
    };
    let quoted = |key: &str| Some(line.split_once(&format!("{key}=\""))?.1.split_once('"')?.0);
    let text = match backend {
        Backend::Nftables if after("dport") == Some(&port.to_string()) && line.ends_with(" accept") => {
            after("saddr")?
        }
        Backend::Iptables if line.ends_with("-j ACCEPT") => after("-s")?,
        Backend::Firewalld if quoted("port port") == Some(&port.to_string()) && line.ends_with(" accept") => {
            quoted("source address")?
        }
        Backend::Ufw if words.first() == Some(&format!("{port}/tcp").as_str()) => after("ALLOW")?,
        _ => return None,
    };
    text.parse().ok()
}

/// Whether a rule of ours keeps out of a port whom no other one lets in.
fn denies(backend: Backend, line: &str, port: u16) -> bool {
    match backend {
        Backend::Nftables => line.ends_with(&format!(" dport {port} drop")),
        Backend::Iptables => line.ends_with("-A TANDEM -j DROP"),
        Backend::Firewalld => {
            line.contains("priority=\"-100\"") && line.contains(&format!("port port=\"{port}\""))
        }
        Backend::Ufw => line.starts_with(&format!("{port}/tcp DENY ")),
    }
}
