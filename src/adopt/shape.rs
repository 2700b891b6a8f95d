//! Which kind of topology the arrows are.

use std::collections::BTreeSet;

use super::{Arrow, facts, server};
use crate::{model::HostName, observe::Observed, playbook::Kind};

/// Hosts that hang together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    /// The kind of their topology.
    pub kind: Kind,
    /// The members, in the topology's order.
    pub members: Vec<HostName>,
    /// The member of a `dual-primary` that is not written to.
    pub standby: Option<HostName>,
    /// Their channels.
    pub arrows: Vec<Arrow>,
}

impl Group {
    /// Channels on which a host is the replica.
    pub(crate) fn sources_of<'a>(&'a self, host: &'a HostName) -> impl Iterator<Item = &'a Arrow> {
        self.arrows.iter().filter(move |a| a.to == *host)
    }

    /// Channels on which a host is the source.
    pub(crate) fn replicas_of<'a>(&'a self, host: &'a HostName) -> impl Iterator<Item = &'a Arrow> {
        self.arrows.iter().filter(move |a| a.from == *host)
    }

    /// Members that clients may write to, as the kind has it.
    pub(crate) fn writers(&self) -> Vec<&HostName> {
        let mutual = |host: &HostName| {
            self.sources_of(host).any(|a| self.arrows.iter().any(|b| b.from == *host && b.to == a.from))
        };
        let members = self.members.iter();
        match self.kind {
            Kind::DualPrimary | Kind::Ring => members.filter(|m| Some(*m) != self.standby.as_ref()).collect(),
            Kind::PrimaryReplica => members.take(1).collect(),
            Kind::Channels => members.filter(|m| self.sources_of(m).next().is_none() || mutual(m)).collect(),
        }
    }

    /// Whether one host is written to and takes writes as soon as it has started, asking nobody.
    pub(super) fn comes_up_open(&self, observed: &Observed) -> bool {
        match self.writers().as_slice() {
            [one] => facts(observed, one).is_some_and(|facts| facts.role_unit.known().is_none()),
            _ => false,
        }
    }
}

/// Takes the hosts apart into groups that hang together, and finds the kind of each. Hosts without a channel are in
/// no group.
pub(super) fn groups(names: &[HostName], arrows: &[Arrow], observed: &Observed) -> Vec<Group> {
    let mut seen: BTreeSet<&HostName> = BTreeSet::new();
    let mut groups = Vec::new();
    for start in names {
        let mut part: BTreeSet<&HostName> = BTreeSet::from([start]);
        while let Some(more) =
            arrows.iter().find_map(|a| match (part.contains(&a.from), part.contains(&a.to)) {
                (true, false) => Some(&a.to),
                (false, true) => Some(&a.from),
                _ => None,
            })
        {
            part.insert(more);
        }
        if part.len() < 2 || part.iter().any(|host| seen.contains(host)) {
            continue;
        }
        seen.extend(part.iter().copied());
        let members: Vec<&HostName> = names.iter().filter(|n| part.contains(n)).collect();
        let arrows: Vec<Arrow> = arrows.iter().filter(|a| part.contains(&a.to)).cloned().collect();
        groups.push(group(&members, arrows, observed));
    }
    groups
}

fn group(members: &[&HostName], arrows: Vec<Arrow>, observed: &Observed) -> Group {
    let one_source_each = members.iter().all(|m| arrows.iter().filter(|a| a.to == **m).count() <= 1);
    let source = |host: &HostName| arrows.iter().find(|a| a.to == *host).map(|a| a.from.clone());
    let roots: Vec<&&HostName> = members.iter().filter(|m| source(m).is_none()).collect();
    // The kinds with a circle have no place for what belongs to one channel alone.
    let plain = arrows.iter().all(|a| a.channel.delay == 0 && a.channel.name.is_empty());
    let (kind, order) = match (one_source_each, roots.as_slice()) {
        (true, [root]) => {
            // From the root down, as they were named.
            let mut order = vec![(**root).clone()];
            let mut at = 0;
            while let Some(host) = order.get(at).cloned() {
                order.extend(
                    members.iter().filter(|m| source(m).as_ref() == Some(&host)).map(|m| (**m).clone()),
                );
                at += 1;
            }
            (Kind::PrimaryReplica, order)
        }
        (true, []) if plain => {
            // Each member replicates from the one before it.
            let mut order: Vec<HostName> = members.first().map(|m| (**m).clone()).into_iter().collect();
            while let Some(next) = order.last().and_then(|last| arrows.iter().find(|a| a.from == *last)) {
                if order.contains(&next.to) {
                    break;
                }
                order.push(next.to.clone());
            }
            match (order.len() == members.len(), order.len()) {
                (true, 2) => (Kind::DualPrimary, order),
                (true, _) => (Kind::Ring, order),
                (false, _) => (Kind::Channels, order),
            }
        }
        _ => (Kind::Channels, Vec::new()),
    };
    let members: Vec<HostName> = match kind {
        Kind::Channels => members.iter().map(|m| (**m).clone()).collect(),
        _ => order,
    };
    let read_only = |host: &HostName| {
        server(observed, host)
            .is_some_and(|s| s.variable("read_only").is_some_and(|v| v != "OFF" && v != "0"))
    };
    let standby: Vec<&HostName> = members.iter().filter(|m| read_only(m)).collect();
    let standby = match (kind, standby.as_slice()) {
        (Kind::DualPrimary, [one]) => Some((*one).clone()),
        _ => None,
    };
    Group { kind, members, standby, arrows }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::ChannelFacts;

    #[test]
    fn arrows_have_a_kind() {
        for (arrows, delayed, kind, members) in [
            ("a>b", false, Kind::PrimaryReplica, "a b"),
            ("b>a b>c c>d", true, Kind::PrimaryReplica, "b a c d"),
            ("a>b b>a", false, Kind::DualPrimary, "a b"),
            ("a>b b>a", true, Kind::Channels, "a b"),
            ("a>c c>b b>a", false, Kind::Ring, "a c b"),
            ("a>b b>a b>c", false, Kind::Channels, "a b c"),
            ("a>c b>c", false, Kind::Channels, "a b c"),
        ] {
            let list: Vec<Arrow> = arrows
                .split(' ')
                .filter_map(|a| a.split_once('>'))
                .map(|(from, to)| Arrow {
                    from: from.into(),
                    to: to.into(),
                    channel: ChannelFacts { delay: u64::from(delayed), ..ChannelFacts::default() },
                    password: None,
                })
                .collect();
            let names: Vec<HostName> =
                ["a", "b", "c", "d", "alone"].into_iter().map(HostName::from).collect();
            let found = groups(&names, &list, &Observed::new());
            let [group] = found.as_slice() else { panic!("{arrows}: {found:?}") };
            let order: Vec<&str> = group.members.iter().map(HostName::as_str).collect();
            assert_eq!((group.kind, order.join(" ").as_str()), (kind, members), "{arrows}");
        }
    }
}
