//! What `nft -j list ruleset` says.

use std::{collections::BTreeMap, net::IpAddr};

use serde_json::Value as Json;

use super::{
    Backend, Network,
    chain::{Chain, Hook, Leads, Ports, Rule, effects},
    state::FirewallState,
};

/// Chains of iptables by the names that it gives them; where iptables is asked, they are its own business.
const OF_IPTABLES: &[&str] = &["filter", "raw", "mangle", "nat", "security"];

/// Reads the rules of all tables.
///
/// # Errors
/// Why they are not known.
pub(super) fn read(text: &str, addresses: &[IpAddr], state: &mut FirewallState) -> Result<(), String> {
    let json: Json = serde_json::from_str(text.trim()).map_err(|_| {
        let first = text.lines().next().unwrap_or("nothing").chars().take(120).collect::<String>();
        format!("`nft -j list ruleset` says: {first}")
    })?;
    let items = json.get("nftables").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut rules: BTreeMap<(String, String), Vec<Rule>> = BTreeMap::new();
    let mut own_table = Vec::new();
    for item in items.iter().filter_map(|i| i.get("rule")) {
        let table = format!("{} {}", word(item, "family"), word(item, "table"));
        let chain = word(item, "chain");
        if word(item, "table") == "tandem" {
            own_table.push(format!("{table} {chain} {}", rule_words(item)));
        }
        let place = format!("{table} {chain}");
        let list = rules.entry((table, chain)).or_default();
        list.extend(rule(item, &place, addresses));
    }
    for item in items.iter().filter_map(|i| i.get("chain")) {
        let Some(hook) = hook(item) else { continue };
        let table = format!("{} {}", word(item, "family"), word(item, "table"));
        let find = |name: &str| rules.get(&(table.clone(), name.to_owned())).map(Vec::as_slice);
        let name = word(item, "name");
        let own = find(&name).unwrap_or_default();
        state.chains.push(Chain {
            tool: Backend::Nftables,
            place: format!("{table} {name}"),
            hook,
            drops_unknown: word(item, "policy") == "drop",
            rules: effects(own, &find),
        });
    }
    let ours = own_table
        .into_iter()
        .chain(state.chains.iter().filter(|c| c.tool == Backend::Nftables).flat_map(|c| c.ours().cloned()));
    let ours: Vec<String> = ours.collect();
    state.ours_mut(Backend::Nftables).extend(ours);
    Ok(())
}

/// Whether a chain is one of those that iptables itself makes.
pub(super) fn is_of_iptables(place: &str) -> bool {
    let mut words = place.split(' ');
    let (family, table, chain) = (words.next(), words.next(), words.next());
    matches!(family, Some("ip" | "ip6"))
        && table.is_some_and(|t| OF_IPTABLES.contains(&t))
        && matches!(chain, Some("INPUT" | "PREROUTING"))
}

fn word(item: &Json, key: &str) -> String {
    item.get(key).and_then(Json::as_str).unwrap_or_default().to_owned()
}

/// The hook of a chain that a packet for this host passes, unless it is ours or only translates addresses.
fn hook(chain: &Json) -> Option<Hook> {
    if word(chain, "table") == "tandem" || word(chain, "type") == "nat" {
        return None;
    }
    if !matches!(word(chain, "family").as_str(), "ip" | "ip6" | "inet" | "netdev") {
        return None;
    }
    match word(chain, "hook").as_str() {
        "ingress" => Some(Hook::Ingress),
        "prerouting" => Some(Hook::Prerouting),
        "input" => Some(Hook::Input),
        _ => None,
    }
}

/// A rule, unless it never sees the first packet of a connection to this host, or does nothing to it.
fn rule(item: &Json, place: &str, addresses: &[IpAddr]) -> Option<Rule> {
    if word(item, "comment") == "tandem" {
        let ours = format!("{place} {}", rule_words(item));
        return Some(Rule { ports: Ports::Any, leads: Leads::Nowhere, ours: Some(ours) });
    }
    let expressions = expressions(item);
    let mut ports = Ports::Any;
    for test in expressions.iter().filter_map(|e| e.get("match")) {
        if never(test, addresses) {
            return None;
        }
        if let Some(only) = tcp_ports(test) {
            ports = only;
        }
    }
    let mut leads = Leads::Nowhere;
    for expression in expressions {
        let Some((key, value)) = expression.as_object().and_then(|o| o.iter().next()) else { continue };
        match key.as_str() {
            "drop" | "reject" => leads = Leads::Drop,
            "jump" | "goto" => leads = Leads::To(word(value, "target")),
            key if HARMLESS.contains(&key) => {}
            // What a map of verdicts, a queue or an extension of iptables does is not known.
            _ => leads = Leads::Drop,
        }
    }
    match leads {
        Leads::Nowhere => None,
        leads => Some(Rule { ports, leads, ours: None }),
    }
}

/// Expressions that look at a packet, mark it, count it, or let it in.
const HARMLESS: &[&str] = &[
    "match",
    "accept",
    "return",
    "continue",
    "counter",
    "log",
    "limit",
    "quota",
    "mangle",
    "notrack",
    "meter",
    "set",
    "map",
    "last",
    "ct helper",
    "ct timeout",
    "ct count",
    "ct expectation",
    "snat",
    "dnat",
    "masquerade",
    "redirect",
    "flow",
    "secmark",
    "comment",
];

/// Whether a test keeps a rule from ever seeing the first packet of a TCP connection from another host to this one.
fn never(test: &Json, addresses: &[IpAddr]) -> bool {
    let (left, right) = (&test["left"], &test["right"]);
    let equal = matches!(test["op"].as_str(), Some("==" | "in"));
    if !equal {
        return false;
    }
    let (protocol, field) = (left["payload"]["protocol"].as_str(), left["payload"]["field"].as_str());
    let values = values(right);
    match (protocol, field) {
        (Some("udp" | "udplite" | "icmp" | "icmpv6" | "sctp" | "dccp" | "arp"), _) => return true,
        (Some("ip"), Some("protocol")) | (Some("ip6"), Some("nexthdr")) => return !names_tcp(&values),
        (Some("ip" | "ip6"), Some("daddr")) => return elsewhere(right, addresses),
        _ => {}
    }
    match left["meta"]["key"].as_str() {
        Some("l4proto") => return !names_tcp(&values),
        Some("iifname" | "iif") => return values == ["lo"],
        _ => {}
    }
    left["ct"]["key"].as_str() == Some("state") && !values.is_empty() && !values.iter().any(|v| v == "new")
}

fn names_tcp(values: &[String]) -> bool {
    values.is_empty() || values.iter().any(|v| v == "tcp" || v == "6")
}

/// Whether a destination is known and none of this host's.
fn elsewhere(right: &Json, addresses: &[IpAddr]) -> bool {
    let network = match right {
        Json::String(text) => text.parse::<Network>().ok(),
        other => match (other["prefix"]["addr"].as_str(), other["prefix"]["len"].as_u64()) {
            (Some(address), Some(length)) => format!("{address}/{length}").parse().ok(),
            _ => None,
        },
    };
    network.is_some_and(|n| !addresses.is_empty() && !addresses.iter().any(|a| n.contains(*a)))
}

/// The plain values of the right side of a test; none where it is something else, such as a named set.
fn values(right: &Json) -> Vec<String> {
    let plain = |value: &Json| match value {
        Json::String(text) if !text.starts_with('@') => Some(text.clone()),
        Json::Number(n) => Some(n.to_string()),
        _ => None,
    };
    let list = right.as_array().or_else(|| right["set"].as_array());
    match list {
        Some(list) => {
            let all: Option<Vec<String>> = list.iter().map(plain).collect();
            all.unwrap_or_default()
        }
        None => plain(right).into_iter().collect(),
    }
}

/// The ports to which a test limits a rule.
fn tcp_ports(test: &Json) -> Option<Ports> {
    let payload = &test["left"]["payload"];
    let is_port = payload["field"].as_str() == Some("dport")
        && matches!(payload["protocol"].as_str(), Some("tcp" | "th"))
        && matches!(test["op"].as_str(), Some("==" | "in"));
    if !is_port {
        return None;
    }
    let one = |value: &Json| -> Option<(u16, u16)> {
        let number = |v: &Json| v.as_u64().and_then(|n| u16::try_from(n).ok());
        match value["range"].as_array() {
            Some(range) => Some((number(range.first()?)?, number(range.get(1)?)?)),
            None => number(value).map(|n| (n, n)),
        }
    };
    let right = &test["right"];
    let ranges: Option<Vec<(u16, u16)>> = match right["set"].as_array() {
        Some(list) => list.iter().map(one).collect(),
        None => one(right).map(|range| vec![range]),
    };
    ranges.map(Ports::Only)
}

fn expressions(rule: &Json) -> &[Json] {
    rule.get("expr").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A rule of ours in one spelling: `saddr 10.0.0.1 dport 3306 accept`.
fn rule_words(rule: &Json) -> String {
    let mut words = Vec::new();
    for expression in expressions(rule) {
        if let Some(test) = expression.get("match") {
            let left = &test["left"];
            let field = left["payload"]["field"]
                .as_str()
                .or_else(|| left["meta"]["key"].as_str())
                .or_else(|| left["fib"]["result"].as_str())
                .unwrap_or("?");
            let right = &test["right"];
            let value = match right {
                Json::String(text) => text.clone(),
                Json::Number(n) => n.to_string(),
                other => match (other["prefix"]["addr"].as_str(), other["prefix"]["len"].as_u64()) {
                    (Some(address), Some(length)) => format!("{address}/{length}"),
                    _ => "?".to_owned(),
                },
            };
            words.push(format!("{field} {value}"));
        }
        for verdict in ["accept", "drop"] {
            if expression.get(verdict).is_some() {
                words.push(verdict.to_owned());
            }
        }
    }
    words.join(" ")
}
