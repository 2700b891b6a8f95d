//! The rules that a wish needs, in each tool's own words, and the script that puts them in the place of the old ones.
//!
//! There is no moment without rules: each tool gets the new rules and the end of the old ones in one transaction, or,
//! where it knows none, the new ones first.

use std::collections::BTreeMap;

use super::{
    Backend, Chain, Network,
    chain::Hook,
    desired::{DesiredRules, Rules},
    iptables::prefix,
    nft::is_of_iptables,
    script, ufw,
};

/// The rules that a wish needs, given the chains in which an accepting rule has to stand.
pub(super) fn needed(wish: &DesiredRules, backend: Backend, chains: &[&Chain]) -> Rules {
    let mut rules = Rules::default();
    match backend {
        Backend::Nftables => {
            let nft = nftables(wish, chains, wish.deny_others, &mut rules);
            rules.script = format!("{nft}{}", script::IPTABLES_REMOVAL);
        }
        Backend::Iptables => {
            let own = iptables(wish, chains, &mut rules);
            let beside: Vec<&Chain> =
                chains.iter().copied().filter(|chain| !is_of_iptables(&chain.place)).collect();
            let nft = nftables(wish, &beside, false, &mut rules);
            rules.script = format!("{own}{nft}");
        }
        Backend::Firewalld => rules.script = firewalld(wish, &mut rules),
        Backend::Ufw => rules.script = ufw::rules(wish, chains, &mut rules),
    }
    rules
}

fn saddr(network: &Network) -> String {
    format!("{} saddr {network}", if network.is_v6() { "ip6" } else { "ip" })
}

/// Accepting rules at the top of foreign chains, and the own table where others are kept out.
fn nftables(wish: &DesiredRules, chains: &[&Chain], deny: bool, rules: &mut Rules) -> String {
    let mut parts = Vec::new();
    for chain in chains.iter().filter(|chain| chain.tool == Backend::Nftables) {
        let place = &chain.place;
        let family = place.split(' ').next().unwrap_or_default();
        // Before the routing decision a packet for another host, such as a container, is none of ours.
        let (test, said) = match chain.hook {
            Hook::Prerouting => ("fib daddr type local ", "type local "),
            Hook::Input | Hook::Ingress => ("", ""),
        };
        let mut inserts = String::new();
        for network in &wish.allowed {
            if (family == "ip" && network.is_v6()) || (family == "ip6" && !network.is_v6()) {
                continue;
            }
            for port in &wish.ports {
                rules.add(Backend::Nftables, format!("{place} {said}saddr {network} dport {port} accept"));
                inserts.push_str(&format!(
                    "insert rule {place} {test}{} tcp dport {port} accept comment \"tandem\"\n",
                    saddr(network)
                ));
            }
        }
        if !inserts.is_empty() {
            parts.push(script::nft_inserts(place, &inserts));
        }
    }
    if deny {
        parts.push(script::here(&own_table(wish, rules)));
    }
    script::nft(&parts)
}

fn own_table(wish: &DesiredRules, rules: &mut Rules) -> String {
    let own = "inet tandem input";
    let mut text = String::from(
        "table inet tandem {\n  chain input {\n    type filter hook input priority -10; policy accept;\n",
    );
    let mut add = |line: String, statement: String| {
        rules.add(Backend::Nftables, format!("{own} {line}"));
        text.push_str(&format!("    {statement}\n"));
    };
    for port in &wish.ports {
        add(format!("iifname lo dport {port} accept"), format!("iifname \"lo\" tcp dport {port} accept"));
        for network in &wish.allowed {
            let statement = format!("{} tcp dport {port} accept", saddr(network));
            add(format!("saddr {network} dport {port} accept"), statement);
        }
        add(format!("dport {port} drop"), format!("tcp dport {port} drop"));
    }
    text.push_str("  }\n}\n");
    text
}

/// A chain of ours in each table that needs one, and jumps to it from the top of the tables' own chains.
fn iptables(wish: &DesiredRules, chains: &[&Chain], rules: &mut Rules) -> String {
    let mut text = String::new();
    for (family, tool, v6) in [("v4", "iptables", false), ("v6", "ip6tables", true)] {
        let allowed: Vec<&Network> = wish.allowed.iter().filter(|n| n.is_v6() == v6).collect();
        let mut tables: BTreeMap<&str, Vec<(&str, Hook)>> = BTreeMap::new();
        for chain in chains.iter().filter(|chain| chain.tool == Backend::Iptables) {
            let words: Vec<&str> = chain.place.split(' ').collect();
            if let [of, table, name] = words.as_slice()
                && *of == family
                && !allowed.is_empty()
            {
                tables.entry(table).or_default().push((name, chain.hook));
            }
        }
        if wish.deny_others {
            tables.insert("filter", vec![("INPUT", Hook::Input)]);
        }
        let sections: Vec<(&str, String)> = tables
            .iter()
            .map(|(table, jumps)| (*table, table_of(wish, (family, table), &allowed, jumps, rules)))
            .collect();
        text.push_str(&script::iptables(tool, &sections));
    }
    text
}

/// What is loaded into one table.
fn table_of(
    wish: &DesiredRules,
    (family, table): (&str, &str),
    allowed: &[&Network],
    jumps: &[(&str, Hook)],
    rules: &mut Rules,
) -> String {
    let before = prefix(family, table);
    let closes = wish.deny_others && table == "filter";
    let mut text = String::new();
    let mut add = |rule: String| {
        text.push_str(&format!("-A TANDEM {rule}\n"));
        rules.add(Backend::Iptables, format!("{before} -A TANDEM {rule}"));
    };
    if closes {
        add("-i lo -j ACCEPT".to_owned());
    }
    for network in allowed {
        add(format!("-s {} -j ACCEPT", network.with_prefix()));
    }
    if closes {
        add("-j DROP".to_owned());
    }
    for (chain, hook) in jumps {
        let local = if *hook == Hook::Prerouting { " -m addrtype --dst-type LOCAL" } else { "" };
        for port in &wish.ports {
            let jump = format!("{chain} -p tcp -m tcp --dport {port}{local} -j TANDEM");
            text.push_str(&format!("-I {jump}\n"));
            rules.add(Backend::Iptables, format!("{before} -A {jump}"));
        }
    }
    text
}

fn firewalld(wish: &DesiredRules, rules: &mut Rules) -> String {
    let mut rich = Vec::new();
    for port in wish.ports.iter().map(|port| format!("port port=\"{port}\" protocol=\"tcp\"")) {
        for network in &wish.allowed {
            let family = if network.is_v6() { "ipv6" } else { "ipv4" };
            rich.push(format!(
                "rule priority=\"-110\" family=\"{family}\" source address=\"{network}\" {port} accept"
            ));
        }
        if wish.deny_others {
            rich.push(format!("rule priority=\"-100\" {port} drop"));
        }
    }
    for rule in &rich {
        rules.add(Backend::Firewalld, rule.clone());
        rules.add(Backend::Firewalld, format!("permanent {rule}"));
    }
    script::firewalld(&rich)
}
