//! What `iptables-save` and `ip6tables-save` say.

use std::{collections::BTreeMap, net::IpAddr};

use super::{
    Backend, Network,
    chain::{Chain, Hook, Leads, Ports, Rule, effects},
    state::FirewallState,
};

/// Whether somebody rules with iptables here: a rule, or a policy that is not ACCEPT.
pub(super) fn in_use(save: &str) -> bool {
    save.lines()
        .any(|l| l.starts_with("-A ") || (l.starts_with(':') && l.split_whitespace().nth(1) == Some("DROP")))
}

/// A table of one of the two families.
#[derive(Default)]
struct Table {
    /// Chains that drop what they don't know.
    dropping: Vec<String>,
    rules: BTreeMap<String, Vec<Rule>>,
}

/// Reads the tables of both families.
pub(super) fn read(save: &str, addresses: &[IpAddr], state: &mut FirewallState) {
    let mut tables: BTreeMap<(&str, String), Table> = BTreeMap::new();
    let (mut family, mut name) = ("v4", "filter".to_owned());
    for line in save.lines().map(str::trim) {
        if line.starts_with("# ip6tables-save") {
            family = "v6";
        } else if line.starts_with("# iptables-save") {
            family = "v4";
        } else if let Some(table) = line.strip_prefix('*') {
            name = table.to_owned();
        } else if let Some(policy) = line.strip_prefix(':') {
            let mut words = policy.split_whitespace();
            if let (Some(chain), Some("DROP")) = (words.next(), words.next()) {
                tables.entry((family, name.clone())).or_default().dropping.push(chain.to_owned());
            }
        } else if line.starts_with("-A ") {
            let prefix = prefix(family, &name);
            if line.starts_with("-A TANDEM ") {
                state.ours_mut(Backend::Iptables).insert(format!("{prefix} {line}"));
            } else if let Some((chain, rule)) = rule(line, &prefix, addresses) {
                let table = tables.entry((family, name.clone())).or_default();
                table.rules.entry(chain).or_default().push(rule);
            }
        }
    }
    for ((family, name), table) in &tables {
        let find = |chain: &str| table.rules.get(chain).map(Vec::as_slice);
        for (chain, hook) in built_in(name) {
            let chain = Chain {
                tool: Backend::Iptables,
                place: format!("{family} {name} {chain}"),
                hook: *hook,
                drops_unknown: table.dropping.iter().any(|c| c == chain),
                rules: effects(find(chain).unwrap_or_default(), &find),
            };
            let ours: Vec<String> = chain.ours().cloned().collect();
            state.ours_mut(Backend::Iptables).extend(ours);
            state.chains.push(chain);
        }
    }
}

/// What stands before a rule of ours in [`FirewallState::ours`].
pub(super) fn prefix(family: &str, table: &str) -> String {
    match table {
        "filter" => family.to_owned(),
        table => format!("{family} {table}"),
    }
}

/// The chains of a table that a packet for this host passes; those that translate addresses drop nothing.
fn built_in(table: &str) -> &'static [(&'static str, Hook)] {
    match table {
        "filter" | "security" => &[("INPUT", Hook::Input)],
        "raw" => &[("PREROUTING", Hook::Prerouting)],
        "mangle" => &[("PREROUTING", Hook::Prerouting), ("INPUT", Hook::Input)],
        _ => &[],
    }
}

/// Targets that let a packet in, mark it or count it.
const HARMLESS: &[&str] = &[
    "ACCEPT",
    "RETURN",
    "LOG",
    "NFLOG",
    "ULOG",
    "MARK",
    "CONNMARK",
    "CONNSECMARK",
    "SECMARK",
    "CT",
    "NOTRACK",
    "TCPMSS",
    "TCPOPTSTRIP",
    "TOS",
    "DSCP",
    "TTL",
    "HL",
    "CLASSIFY",
    "SET",
    "TRACE",
    "AUDIT",
    "CHECKSUM",
    "TEE",
];

/// A line `-A CHAIN ...`: its chain and the rule, unless that never sees the first packet of a connection to this
/// host, or does nothing to it.
fn rule(line: &str, prefix: &str, addresses: &[IpAddr]) -> Option<(String, Rule)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let chain = (*words.get(1)?).to_owned();
    if line.ends_with("-j TANDEM") {
        let ours = Some(format!("{prefix} {line}"));
        return Some((chain, Rule { ports: Ports::Any, leads: Leads::Nowhere, ours }));
    }
    let mut ports = Ports::Any;
    let mut leads = Leads::Nowhere;
    for (n, pair) in words.windows(2).enumerate().skip(2) {
        let [option, value] = pair else { continue };
        let not = words.get(n - 1) == Some(&"!");
        match *option {
            "-j" | "-g" if HARMLESS.contains(value) => {}
            "-j" | "-g" if matches!(*value, "DROP" | "REJECT") => leads = Leads::Drop,
            "-j" | "-g" => leads = Leads::To((*value).to_owned()),
            "-p" if !not && !matches!(*value, "tcp" | "6" | "all") => return None,
            "-i" if !not && *value == "lo" => return None,
            "-d" if !not && elsewhere(value, addresses) => return None,
            "--ctstate" | "--state" if !not && !value.split(',').any(|s| s == "NEW") => return None,
            "--dport" | "--dports" if !not => ports = ranges(value),
            _ => {}
        }
    }
    match leads {
        Leads::Nowhere => None,
        leads => Some((chain, Rule { ports, leads, ours: None })),
    }
}

fn elsewhere(network: &str, addresses: &[IpAddr]) -> bool {
    let network = network.parse::<Network>().ok();
    network.is_some_and(|n| !addresses.is_empty() && !addresses.iter().any(|a| n.contains(*a)))
}

/// `3306`, `3000:4000`, or a list of both.
fn ranges(text: &str) -> Ports {
    let one = |part: &str| -> Option<(u16, u16)> {
        let (from, to) = part.split_once(':').unwrap_or((part, part));
        let end = |digits: &str, open: u16| if digits.is_empty() { Some(open) } else { digits.parse().ok() };
        Some((end(from, 0)?, end(to, u16::MAX)?))
    };
    let list: Option<Vec<(u16, u16)>> = text.split(',').map(one).collect();
    list.map_or(Ports::Any, Ports::Only)
}
