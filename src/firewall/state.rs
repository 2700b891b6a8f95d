//! What a host's packet filter does to one port now.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

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
    /// Chains of nft on the input hook that drop what they don't know, as `family table chain`.
    pub blocking_chains: Vec<String>,
    /// Whether the INPUT chain of iptables drops what it doesn't know: IPv4, IPv6.
    pub iptables_blocks: (bool, bool),
    /// Rules of ours that are in force, by tool, in the tool's own words.
    pub ours: BTreeMap<Backend, BTreeSet<String>>,
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
    if has("firewalld") {
        let rules = sections.text("fw-firewalld").unwrap_or_default();
        let lines = rules.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned);
        state.found(Backend::Firewalld).extend(lines);
    } else if has("ufw") {
        let rules = sections.text("fw-ufw").unwrap_or_default();
        let marked = rules.lines().filter(|l| l.contains("# tandem"));
        let lines = marked.map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "));
        state.found(Backend::Ufw).extend(lines);
    } else {
        let iptables = sections.text("fw-iptables").unwrap_or_default();
        if has("iptables") {
            state.available.insert(Backend::Iptables);
            read_iptables(&iptables, &mut state);
        }
        let mut nft = Ok(());
        if has("nft") {
            state.available.insert(Backend::Nftables);
            nft = read_nft(&sections.text("fw-nft").unwrap_or_default(), &mut state);
        }
        // Where both are installed and one of them is in use, that one is asked.
        let in_use = iptables_in_use(&iptables).then_some(Backend::Iptables);
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

    fn ours_mut(&mut self, backend: Backend) -> &mut BTreeSet<String> {
        self.ours.entry(backend).or_default()
    }

    /// Whether rules of ours stand in a tool.
    pub fn has_ours(&self, backend: Backend) -> bool {
        self.ours.get(&backend).is_some_and(|rules| !rules.is_empty())
    }
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
            state.ours_mut(Backend::Iptables).insert(format!("{family} {line}"));
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
            state.ours_mut(Backend::Nftables).insert(format!("{place} {}", rule_words(rule)));
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
