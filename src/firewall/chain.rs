//! Chains that a packet of a peer passes on its way to the server, and which of them may drop it.

use std::collections::BTreeSet;

use super::Backend;

/// Where in the kernel a chain hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// At the device, before anything else.
    Ingress,
    /// Before the kernel knows whether a packet is for this host or for another one.
    Prerouting,
    /// Packets for this host.
    Input,
}

/// TCP ports on which a rule has an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ports {
    /// Any port, as far as the rule says.
    Any,
    /// These ranges, both ends included.
    Only(Vec<(u16, u16)>),
}

impl Ports {
    /// Whether a port is one of them.
    pub fn contains(&self, port: u16) -> bool {
        match self {
            Ports::Any => true,
            Ports::Only(ranges) => ranges.iter().any(|(from, to)| (*from..=*to).contains(&port)),
        }
    }
}

/// What a rule of a chain may do to the first packet of a TCP connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A rule of ours, in one spelling.
    Ours(String),
    /// It, or a chain that it leads to, may drop the packet where it goes to one of these ports.
    MayDrop(Vec<Ports>),
}

/// A chain at a hook, with the rules that matter in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The tool whose chain it is.
    pub tool: Backend,
    /// Its name for that tool: `inet filter input` (nft), `v4 filter INPUT` (iptables).
    pub place: String,
    /// Where it hangs.
    pub hook: Hook,
    /// Whether it drops what no rule of it knows.
    pub drops_unknown: bool,
    /// Its rules, without those that can do no harm.
    pub rules: Vec<Effect>,
}

impl Chain {
    /// A chain of nft at the input hook that drops what it does not know.
    pub fn dropping(place: &str) -> Self {
        Self {
            tool: Backend::Nftables,
            place: place.to_owned(),
            hook: Hook::Input,
            drops_unknown: true,
            rules: Vec::new(),
        }
    }

    /// Whether a connection to one of these ports may be dropped here.
    pub fn may_drop(&self, ports: &BTreeSet<u16>) -> bool {
        self.drops_unknown || self.rules.iter().any(|rule| rule.may_drop(ports))
    }

    /// Rules of ours in it.
    pub fn ours(&self) -> impl Iterator<Item = &String> {
        self.rules.iter().filter_map(|rule| match rule {
            Effect::Ours(line) => Some(line),
            Effect::MayDrop(_) => None,
        })
    }

    /// Puts rules of ours at the top in place of those that are there.
    pub(super) fn replace_ours(&mut self, lines: Vec<String>) {
        self.rules.retain(|rule| matches!(rule, Effect::MayDrop(_)));
        self.rules.splice(0..0, lines.into_iter().map(Effect::Ours));
    }

    /// Rules of ours that come too late: another one before them may have dropped the packet.
    pub fn too_late(&self, ports: &BTreeSet<u16>) -> impl Iterator<Item = &String> {
        self.rules.iter().skip_while(move |rule| !rule.may_drop(ports)).filter_map(|rule| match rule {
            Effect::Ours(line) => Some(line),
            Effect::MayDrop(_) => None,
        })
    }
}

impl Effect {
    fn may_drop(&self, of: &BTreeSet<u16>) -> bool {
        matches!(self, Effect::MayDrop(ports) if ports.iter().any(|p| of.iter().any(|port| p.contains(*port))))
    }
}

/// What a rule that is read leads to.
pub(super) enum Leads {
    /// Nowhere that matters.
    Nowhere,
    /// It may drop the packet itself, or do something that is not understood.
    Drop,
    /// To a chain, by its name within the table.
    To(String),
}

/// A rule as it is read: on which ports, and where to. Rules that never see the first packet of a connection to
/// this host are left out.
pub(super) struct Rule {
    pub ports: Ports,
    pub leads: Leads,
    pub ours: Option<String>,
}

/// The effects of the rules of a chain, with those of the chains that they lead to.
pub(super) fn effects<'a>(rules: &[Rule], chain: &impl Fn(&str) -> Option<&'a [Rule]>) -> Vec<Effect> {
    rules
        .iter()
        .filter_map(|rule| {
            if let Some(line) = &rule.ours {
                return Some(Effect::Ours(line.clone()));
            }
            let ports = drops(rule, chain, 0);
            (!ports.is_empty()).then_some(Effect::MayDrop(ports))
        })
        .collect()
}

/// Deeper than the kernel allows chains to be nested.
const DEEPEST: usize = 16;

fn drops<'a>(rule: &Rule, chain: &impl Fn(&str) -> Option<&'a [Rule]>, depth: usize) -> Vec<Ports> {
    let target = match &rule.leads {
        Leads::Nowhere => return Vec::new(),
        Leads::Drop => return vec![rule.ports.clone()],
        Leads::To(target) => target,
    };
    // A target that is no chain is a word of the tool that is not understood here.
    let Some(rules) = chain(target).filter(|_| depth < DEEPEST) else { return vec![rule.ports.clone()] };
    let below =
        rules.iter().filter(|rule| rule.ours.is_none()).flat_map(|rule| drops(rule, chain, depth + 1));
    let below: Vec<Ports> = below.collect();
    match (&rule.ports, below.is_empty()) {
        (_, true) => Vec::new(),
        (Ports::Any, false) => below,
        (only, false) => vec![only.clone()],
    }
}
