//! The rules that a wish needs, in each tool's own words.

use std::collections::BTreeSet;

use super::{Backend, FirewallState, Network};

/// Who may reach one port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// TCP port.
    pub port: u16,
    /// Networks that get in.
    pub allowed: BTreeSet<Network>,
    /// Whether all others are kept out.
    pub deny_others: bool,
}

/// Rules and the commands that make them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// One line for each rule, as [`FirewallState::ours`] has them.
    pub lines: BTreeSet<String>,
    /// Shell commands that make exactly these rules after all of ours have been taken away.
    pub commands: Vec<String>,
}

/// The rules that a wish needs on a host in this state.
pub fn needed(wish: &Wish, backend: Backend, state: &FirewallState) -> Rules {
    match backend {
        Backend::Nftables => nftables(wish, state),
        Backend::Iptables => iptables(wish, state),
        Backend::Firewalld => firewalld(wish),
        Backend::Ufw => ufw(wish),
    }
}

fn saddr(network: &Network) -> String {
    format!("{} saddr {network}", if network.is_v6() { "ip6" } else { "ip" })
}

fn nftables(wish: &Wish, state: &FirewallState) -> Rules {
    let mut rules = Rules::default();
    let port = wish.port;
    for chain in &state.blocking_chains {
        let family = chain.split(' ').next().unwrap_or_default();
        let mut inserts = String::new();
        for network in &wish.allowed {
            if (family == "ip" && network.is_v6()) || (family == "ip6" && !network.is_v6()) {
                continue;
            }
            rules.lines.insert(format!("{chain} saddr {network} dport {port} accept"));
            inserts.push_str(&format!(
                "insert rule {chain} {} tcp dport {port} accept comment \"tandem\"\n",
                saddr(network)
            ));
        }
        if !inserts.is_empty() {
            // At boot the chain may not be there; then nothing blocks.
            rules
                .commands
                .push(format!("nft list chain {chain} >/dev/null 2>&1 && nft -f - <<'END'\n{inserts}END"));
        }
    }
    if wish.deny_others {
        let own = "inet tandem input";
        let mut text = String::from(
            "table inet tandem {\n  chain input {\n    type filter hook input priority -10; policy accept;\n",
        );
        let mut add = |line: String, statement: String| {
            rules.lines.insert(format!("{own} {line}"));
            text.push_str(&format!("    {statement}\n"));
        };
        add(format!("iifname lo dport {port} accept"), format!("iifname \"lo\" tcp dport {port} accept"));
        for network in &wish.allowed {
            add(
                format!("saddr {network} dport {port} accept"),
                format!("{} tcp dport {port} accept", saddr(network)),
            );
        }
        add(format!("dport {port} drop"), format!("tcp dport {port} drop"));
        text.push_str("  }\n}\n");
        rules.commands.push(format!("nft -f - <<'END'\n{text}END"));
    }
    rules
}

fn iptables(wish: &Wish, state: &FirewallState) -> Rules {
    let mut rules = Rules::default();
    let port = wish.port;
    for (family, tool, v6, blocks) in [
        ("v4", "iptables", false, state.iptables_blocks.0),
        ("v6", "ip6tables", true, state.iptables_blocks.1),
    ] {
        let allowed: Vec<&Network> = wish.allowed.iter().filter(|n| n.is_v6() == v6).collect();
        if !wish.deny_others && (!blocks || allowed.is_empty()) {
            continue;
        }
        rules.commands.push(format!("{tool} -w -N TANDEM"));
        let mut add = |line: String| {
            rules.commands.push(format!("{tool} -w {line}"));
            rules.lines.insert(format!("{family} {line}"));
        };
        if wish.deny_others {
            add("-A TANDEM -i lo -j ACCEPT".to_owned());
        }
        for network in allowed {
            add(format!("-A TANDEM -s {} -j ACCEPT", network.with_prefix()));
        }
        if wish.deny_others {
            add("-A TANDEM -j DROP".to_owned());
        }
        let jump = format!("INPUT -p tcp -m tcp --dport {port} -j TANDEM");
        rules.commands.push(format!("{tool} -w -I {jump}"));
        rules.lines.insert(format!("{family} -A {jump}"));
    }
    rules
}

fn firewalld(wish: &Wish) -> Rules {
    let mut rules = Rules::default();
    let port = format!("port port=\"{}\" protocol=\"tcp\"", wish.port);
    let mut rich = Vec::new();
    for network in &wish.allowed {
        let family = if network.is_v6() { "ipv6" } else { "ipv4" };
        rich.push(format!(
            "rule priority=\"-110\" family=\"{family}\" source address=\"{network}\" {port} accept"
        ));
    }
    if wish.deny_others {
        rich.push(format!("rule priority=\"-100\" {port} drop"));
    }
    for rule in rich {
        rules.commands.push(format!("firewall-cmd -q --add-rich-rule='{rule}'"));
        rules.commands.push(format!("firewall-cmd -q --permanent --add-rich-rule='{rule}'"));
        rules.lines.insert(rule.clone());
        rules.lines.insert(format!("permanent {rule}"));
    }
    rules
}

fn ufw(wish: &Wish) -> Rules {
    let mut rules = Rules::default();
    let port = wish.port;
    if wish.deny_others {
        rules.commands.push(format!("ufw deny {port}/tcp comment tandem >/dev/null"));
        rules.lines.insert(format!("{port}/tcp DENY Anywhere # tandem"));
        rules.lines.insert(format!("{port}/tcp (v6) DENY Anywhere (v6) # tandem"));
    }
    for network in &wish.allowed {
        // ufw keeps IPv4 rules before IPv6 rules and numbers them as one list, so only IPv4 can be put first.
        let verb = if network.is_v6() { "prepend" } else { "insert 1" };
        rules.commands.push(format!(
            "ufw {verb} allow from {network} to any port {port} proto tcp comment tandem >/dev/null"
        ));
        rules.lines.insert(format!("{port}/tcp ALLOW {network} # tandem"));
    }
    rules
}

/// Shell commands that take every rule of ours away, and nothing else.
pub fn removal(backend: Backend) -> &'static str {
    match backend {
        Backend::Nftables => {
            "if command -v nft >/dev/null; then\n\
             nft delete table inet tandem 2>/dev/null\n\
             nft -a list ruleset 2>/dev/null | awk '\n\
             $1 == \"table\" { family = $2; table = $3 }\n\
             $1 == \"chain\" { chain = $2 }\n\
             / comment \"tandem\" / { print \"delete rule\", family, table, chain, \"handle\", $NF }' | nft -f -\nfi"
        }
        Backend::Iptables => {
            "for tool in iptables ip6tables; do\n\
             $tool -w -S INPUT 2>/dev/null | grep -e '-j TANDEM$' | sed 's/^-A/-D/' | while read -r rule; do $tool -w $rule; done\n\
             $tool -w -F TANDEM 2>/dev/null && $tool -w -X TANDEM\n\
             done"
        }
        Backend::Firewalld => {
            "for scope in '' --permanent; do\n\
             firewall-cmd $scope --list-rich-rules | grep -e 'priority=\"-1[01]0\"' | while IFS= read -r rule; do\n\
             firewall-cmd -q $scope --remove-rich-rule=\"$rule\"; done; done"
        }
        Backend::Ufw => {
            "ufw status numbered | sed -n 's/^\\[ *\\([0-9]*\\)\\].*# tandem$/\\1/p' | sort -rn | \
             while read -r number; do ufw --force delete \"$number\" >/dev/null; done"
        }
    }
}
