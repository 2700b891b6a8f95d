//! What a host's packet filter does to one port now.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::observe::Sections;

/// The tools that can rule a host's packet filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// Chains of nft on the input hook that drop what they don't know, as `family table chain`.
    pub blocking_chains: Vec<String>,
    /// Whether the INPUT chain of iptables drops what it doesn't know: IPv4, IPv6.
    pub iptables_blocks: (bool, bool),
    /// Rules of ours that are in force, in the tool's own words, one a line.
    pub ours: BTreeSet<String>,
    /// The script of ours that loads them at boot.
    pub persisted: Option<String>,
    /// Whether the unit that runs it is enabled.
    pub enabled: bool,
}

/// Reads the sections of the host script.
///
/// # Errors
/// Why the packet filter is not known, in words.
pub fn read(sections: &Sections<'_>) -> Result<FirewallState, String> {
    let active = sections.text("fw-active").unwrap_or_default();
    let has = |word: &str| active.lines().any(|l| l == word);
    let mut state = FirewallState {
        persisted: sections.text("fw-own").filter(|t| !t.is_empty()),
        enabled: sections.text("fw-unit").is_some_and(|t| t.contains("enabled")),
        ..FirewallState::default()
    };
    let iptables = sections.text("fw-iptables").unwrap_or_default();
    if has("firewalld") {
        state.backend = Some(Backend::Firewalld);
        let rules = sections.text("fw-firewalld").unwrap_or_default();
        state.ours.extend(rules.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned));
    } else if has("ufw") {
        state.backend = Some(Backend::Ufw);
        let rules = sections.text("fw-ufw").unwrap_or_default();
        let marked = rules.lines().filter(|l| l.contains("# tandem"));
        state.ours.extend(marked.map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")));
    } else if iptables_in_use(&iptables) {
        state.backend = Some(Backend::Iptables);
        read_iptables(&iptables, &mut state);
    } else if has("nft") {
        state.backend = Some(Backend::Nftables);
        read_nft(&sections.text("fw-nft").unwrap_or_default(), &mut state)?;
    } else if has("iptables") {
        state.backend = Some(Backend::Iptables);
        read_iptables(&iptables, &mut state);
    }
    Ok(state)
}

/// Whether somebody rules with iptables here: a rule, or a policy that is not ACCEPT.
fn iptables_in_use(save: &str) -> bool {
    save.lines()
        .any(|l| l.starts_with("-A ") || (l.starts_with(':') && l.split_whitespace().nth(1) == Some("DROP")))
}

fn read_iptables(save: &str, state: &mut FirewallState) {
    let mut family = "v4";
    for line in save.lines().map(str::trim) {
        if line.starts_with("# ip") {
            family = if line.contains("ip6") { "v6" } else { "v4" };
        }
        let blocks = line.starts_with(":INPUT DROP")
            || (line.starts_with("-A INPUT ") && (line.ends_with("-j DROP") || line.contains("-j REJECT")));
        if blocks {
            match family {
                "v6" => state.iptables_blocks.1 = true,
                _ => state.iptables_blocks.0 = true,
            }
        }
        if line.starts_with("-A TANDEM ") || line.ends_with("-j TANDEM") {
            state.ours.insert(format!("{family} {line}"));
        }
    }
}

fn read_nft(text: &str, state: &mut FirewallState) -> Result<(), String> {
    let json: Json = serde_json::from_str(text.trim()).map_err(|_| {
        let first = text.lines().next().unwrap_or("nothing").chars().take(120).collect::<String>();
        format!("`nft -j list ruleset` says: {first}")
    })?;
    let items = json.get("nftables").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let word = |item: &Json, key: &str| item.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    let place = |item: &Json, chain: &str| {
        format!("{} {} {}", word(item, "family"), word(item, "table"), word(item, chain))
    };
    let mut inputs: Vec<String> = Vec::new();
    for chain in items.iter().filter_map(|i| i.get("chain")) {
        if word(chain, "hook") == "input" && word(chain, "table") != "tandem" {
            let place = place(chain, "name");
            if word(chain, "policy") == "drop" {
                state.blocking_chains.push(place.clone());
            }
            inputs.push(place);
        }
    }
    for rule in items.iter().filter_map(|i| i.get("rule")) {
        let place = place(rule, "chain");
        if word(rule, "comment") == "tandem" || word(rule, "table") == "tandem" {
            state.ours.insert(format!("{place} {}", rule_words(rule)));
        } else if inputs.contains(&place) && !state.blocking_chains.contains(&place) && drops(rule) {
            state.blocking_chains.push(place);
        }
    }
    state.blocking_chains.sort();
    Ok(())
}

fn expressions(rule: &Json) -> &[Json] {
    rule.get("expr").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Whether a rule drops or rejects something. Which packets is not worked out: an accepting rule of
/// ours before it does no harm where it would not have matched.
fn drops(rule: &Json) -> bool {
    expressions(rule).iter().any(|e| e.get("drop").is_some() || e.get("reject").is_some())
}

/// A rule of ours in one spelling: `saddr 10.0.0.1 dport 3306 accept`.
fn rule_words(rule: &Json) -> String {
    let mut words = Vec::new();
    for expression in expressions(rule) {
        if let Some(test) = expression.get("match") {
            let left = &test["left"];
            let field =
                left["payload"]["field"].as_str().or_else(|| left["meta"]["key"].as_str()).unwrap_or("?");
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
