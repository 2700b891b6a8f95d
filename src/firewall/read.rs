//! Reads what the host script found of the packet filter.

use std::net::IpAddr;

use super::{Backend, FirewallState, iptables, nft, ufw};
use crate::transport::Sections;

/// Reads the sections of the host script.
///
/// # Errors
/// Why the packet filter is not known, in words.
pub(crate) fn read(sections: &Sections<'_>) -> Result<FirewallState, String> {
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
