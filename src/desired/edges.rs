//! Who replicates from whom, who is written to, and who copies from whom.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

use crate::{
    model::{Filters, HostName},
    playbook::{Kind, Topology},
};

/// One channel between two members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The source.
    pub from: HostName,
    /// The replica.
    pub to: HostName,
    /// The channel's name; empty for the default one.
    pub name: String,
    /// Delay in seconds.
    pub delay: u64,
    /// What this channel alone applies.
    pub filters: Filters,
}

/// A topology worked out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edges {
    /// Members in the topology's order.
    pub members: Vec<HostName>,
    /// Channels in the order in which they are set up.
    pub edges: Vec<Edge>,
    /// Members that clients may write to, in order.
    pub writers: Vec<HostName>,
    /// The hosts from which an empty replica gets its data: one of each group of sources that hold the same.
    pub seeds: BTreeMap<HostName, Vec<HostName>>,
    /// The host whose data count where the others are empty.
    pub root: Option<HostName>,
}

impl Edges {
    /// Works out a declared topology. Whoever is lost has no part in it: the others close ranks.
    pub fn of(topology: &Topology) -> Self {
        let mut members: Vec<HostName> = Vec::new();
        for member in topology.members.iter().filter(|member| !topology.is_lost(&member.host)) {
            if !members.contains(&member.host) {
                members.push(member.host.clone());
            }
        }
        let seed_from = topology.seed_from.as_ref().filter(|seed| !topology.is_lost(&seed.host));
        let written = topology.one_writer().filter(|writer| members.contains(writer)).cloned();
        let root = seed_from.map(|seed| seed.host.clone()).or(written).or_else(|| members.first().cloned());
        let edge = |from: &HostName, to: &HostName| Edge {
            from: from.clone(),
            to: to.clone(),
            name: String::new(),
            delay: 0,
            filters: Filters::default(),
        };
        let mut edges: Vec<Edge> = match topology.kind {
            Kind::DualPrimary | Kind::Ring if members.len() < 2 => Vec::new(),
            Kind::DualPrimary | Kind::Ring => {
                (0..members.len()).map(|n| edge(&members[n], &members[(n + 1) % members.len()])).collect()
            }
            Kind::PrimaryReplica | Kind::Channels => topology
                .channels
                .iter()
                .filter(|c| !topology.is_lost(&c.to.host))
                .filter_map(|c| Some((c, living_source(topology, &c.from.host)?)))
                .map(|(c, from)| Edge {
                    from,
                    to: c.to.host.clone(),
                    name: c.name.clone(),
                    delay: c.delay,
                    filters: c.filters.clone(),
                })
                .collect(),
        };
        let writers = match topology.kind {
            Kind::DualPrimary | Kind::Ring => {
                let standby = topology.standby.as_ref().map(|s| &s.host);
                members.iter().filter(|m| Some(*m) != standby).cloned().collect()
            }
            Kind::PrimaryReplica => members.iter().take(1).cloned().collect(),
            Kind::Channels => {
                let mutual = |host: &HostName| {
                    edges
                        .iter()
                        .any(|a| a.from == *host && edges.iter().any(|b| b.to == *host && b.from == a.to))
                };
                members.iter().filter(|m| !edges.iter().any(|e| e.to == **m) || mutual(m)).cloned().collect()
            }
        };
        let seeds = seeds(&members, &edges, root.as_ref());
        // The channel that brings a copy is set up before the one that leads back.
        edges.sort_by_key(|e| (!gives(&seeds, e), members.iter().position(|m| *m == e.to)));
        Self { members, edges, writers, seeds, root }
    }

    /// Gives names to channels that have none in the playbook. One that exists keeps the name that it has, so
    /// that a second source does not rename the first; else one alone is the default channel, and of several
    /// each is called after its source.
    pub fn name_channels(&mut self, existing: impl Fn(&Edge) -> Option<String>) {
        let declared: BTreeSet<(HostName, String)> = self
            .edges
            .iter()
            .filter(|e| !e.name.is_empty())
            .map(|e| (e.to.clone(), e.name.clone()))
            .collect();
        for n in 0..self.edges.len() {
            let edge = &self.edges[n];
            if !edge.name.is_empty() {
                continue;
            }
            let several = self.edges.iter().filter(|e| e.to == edge.to).count() > 1;
            let name = existing(edge).filter(|name| !declared.contains(&(edge.to.clone(), name.clone())));
            let name = name.unwrap_or_else(|| if several { edge.from.to_string() } else { String::new() });
            self.edges[n].name = name;
        }
    }

    /// Channels on which a host is the replica.
    pub fn sources_of<'a>(&'a self, host: &'a HostName) -> impl Iterator<Item = &'a Edge> {
        self.edges.iter().filter(move |e| e.to == *host)
    }

    /// Whether a host gets the same events from two of its sources.
    pub fn gets_events_twice(&self, host: &HostName) -> bool {
        let sources: Vec<BTreeSet<&HostName>> = self
            .sources_of(host)
            .map(|edge| upstream(&edge.from, Some(host), &self.edges).into_keys().collect())
            .collect();
        sources.iter().enumerate().any(|(n, one)| sources[..n].iter().any(|other| !one.is_disjoint(other)))
    }

    /// Hosts that replicate from a host.
    pub fn replicas_of<'a>(&'a self, host: &'a HostName) -> impl Iterator<Item = &'a HostName> {
        self.edges.iter().filter(move |e| e.from == *host).map(|e| &e.to)
    }

    /// The order in which servers may be restarted: those far from the root first.
    pub fn restart_order(&self) -> Vec<HostName> {
        let mut order: Vec<HostName> =
            self.members.iter().filter(|m| Some(*m) != self.root.as_ref()).cloned().collect();
        order.reverse();
        // A replica only is restarted before a host that is written to.
        order.sort_by_key(|host| self.writers.contains(host));
        order.extend(self.root.clone());
        order
    }
}

/// The source of a declared channel: for a lost one in a tree the source that it had itself, and so on up to one that
/// lives; none where channels are declared each for itself.
fn living_source(topology: &Topology, from: &HostName) -> Option<HostName> {
    let mut at = from;
    for _ in 0..=topology.members.len() {
        if !topology.is_lost(at) {
            return Some(at.clone());
        }
        let above = topology.channels.iter().find(|c| c.to.host == *at);
        at = &above.filter(|_| topology.kind == Kind::PrimaryReplica)?.from.host;
    }
    None
}

fn gives(seeds: &BTreeMap<HostName, Vec<HostName>>, edge: &Edge) -> bool {
    seeds.get(&edge.to).is_some_and(|from| from.contains(&edge.from))
}

/// Who copies from whom, so that each host copies from one that has data by then.
///
/// Data spreads from the root, and from every host that has no source. A host with several sources copies
/// from each that holds something else: two sources hold the same where one host feeds both. Of those the one
/// that holds most gives the copy, or else the one that is nearest to the beginning.
fn seeds(members: &[HostName], edges: &[Edge], root: Option<&HostName>) -> BTreeMap<HostName, Vec<HostName>> {
    let has_source = |host: &HostName| edges.iter().any(|e| e.to == *host);
    let mut roots: Vec<&HostName> = members.iter().filter(|m| Some(*m) == root || !has_source(m)).collect();
    // A circle that nothing feeds from outside has a beginning, too.
    for member in members {
        let fed = upstream(member, None, edges);
        if !roots.iter().any(|root| fed.contains_key(root)) {
            roots.push(member);
        }
    }
    let mut seeds = BTreeMap::new();
    for host in members {
        let mut groups: Vec<(BTreeSet<&HostName>, (Rank, &HostName))> = Vec::new();
        for source in edges.iter().filter(|e| e.to == *host && e.from != *host).map(|e| &e.from) {
            let fed = upstream(source, Some(host), edges);
            let begun: Vec<usize> = roots.iter().filter_map(|root| fed.get(root).copied()).collect();
            // What comes from nowhere else is this host's own, on its way round.
            let Some(nearest) = begun.iter().min() else { continue };
            let mut all: BTreeSet<&HostName> = fed.keys().copied().collect();
            let mut copy_source = ((Reverse(begun.len()), *nearest), source);
            groups.retain(|(others, of_group)| {
                let apart = others.is_disjoint(&all);
                if !apart {
                    all.extend(others.iter().copied());
                    copy_source = if of_group.0 <= copy_source.0 { *of_group } else { copy_source };
                }
                apart
            });
            groups.push((all, copy_source));
        }
        let from: Vec<HostName> = groups.into_iter().map(|(_, (_, source))| source.clone()).collect();
        if !from.is_empty() {
            seeds.insert(host.clone(), from);
        }
    }
    seeds
}

/// How many beginnings a source's data has, and how near the nearest is: the least gives the copy.
type Rank = (Reverse<usize>, usize);

/// The host itself and all whose events reach it on ways that lead past another one, each with the number of
/// channels between.
fn upstream<'a>(
    host: &'a HostName,
    past: Option<&HostName>,
    edges: &'a [Edge],
) -> BTreeMap<&'a HostName, usize> {
    let mut found = BTreeMap::from([(host, 0)]);
    let mut open = VecDeque::from([host]);
    while let Some(at) = open.pop_front() {
        let distance = found.get(at).copied().unwrap_or_default() + 1;
        for edge in edges.iter().filter(|e| e.to == *at && Some(&e.from) != past) {
            if !found.contains_key(&edge.from) {
                found.insert(&edge.from, distance);
                open.push_back(&edge.from);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::Place,
        playbook::{Declared, EdgeDeclaration},
    };

    fn topology(kind: Kind, members: &[&str], seed: Option<&str>) -> Topology {
        let declared = |n: &&str| Declared { host: HostName::from(*n), place: Place::file("p.yml") };
        Topology {
            kind,
            members: members.iter().map(declared).collect(),
            seed_from: seed.as_ref().map(declared),
            standby: None,
            lost: Vec::new(),
            channels: match kind {
                Kind::PrimaryReplica => members[1..]
                    .iter()
                    .map(|replica| EdgeDeclaration {
                        from: declared(&members[0]),
                        to: declared(replica),
                        name: String::new(),
                        delay: 0,
                        filters: Filters::default(),
                    })
                    .collect(),
                _ => Vec::new(),
            },
            place: Place::file("p.yml"),
        }
    }

    fn text(edges: &Edges) -> String {
        edges.edges.iter().map(|e| format!("{}>{}", e.from, e.to)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_way_of_the_copy_comes_first() {
        let edges = Edges::of(&topology(Kind::DualPrimary, &["a", "b"], Some("b")));
        assert_eq!(text(&edges), "b>a a>b");
        assert_eq!(edges.restart_order(), ["a", "b"].map(HostName::from));
        let edges = Edges::of(&topology(Kind::Ring, &["a", "b", "c"], None));
        assert_eq!(text(&edges), "a>b b>c c>a");
        let edges = Edges::of(&topology(Kind::PrimaryReplica, &["p", "r", "s"], None));
        assert_eq!(edges.restart_order(), ["s", "r", "p"].map(HostName::from));
        assert_eq!(edges.writers, ["p"].map(HostName::from));
    }

    #[test]
    fn each_group_of_sources_gives_one_copy() {
        let host = |name: &str| HostName::from(name);
        for (root, channels, wished) in [
            ("a", "a>h b>h", "h: a b"),
            ("a", "a>b b>a a>h b>h", "b: a; h: a"),
            ("a", "a>b b>a b>h a>h", "b: a; h: a"),
            ("a", "a>b b>c c>a", "b: a; c: b"),
            ("a", "a>b b>a x>a", "a: x; b: a"),
            ("a", "a>b b>a c>d d>c b>h d>h", "b: a; d: c; h: b d"),
            ("p", "p>i i>r p>s", "i: p; r: i; s: p"),
            ("a", "a>m b>m m>r", "m: a b; r: m"),
            ("a", "a>m b>m b>r m>r", "m: a b; r: m"),
        ] {
            let (mut members, mut edges): (Vec<HostName>, Vec<Edge>) = Default::default();
            for (from, to) in channels.split(' ').filter_map(|c| c.split_once('>')) {
                for name in [from, to].map(HostName::from) {
                    if !members.contains(&name) {
                        members.push(name);
                    }
                }
                edges.push(Edge {
                    from: host(from),
                    to: host(to),
                    name: String::new(),
                    delay: 0,
                    filters: Filters::default(),
                });
            }
            let found: Vec<String> = seeds(&members, &edges, Some(&host(root)))
                .iter()
                .map(|(to, from)| {
                    let from: Vec<&str> = from.iter().map(HostName::as_str).collect();
                    format!("{to}: {}", from.join(" "))
                })
                .collect();
            assert_eq!(found.join("; "), wished, "{channels}");
        }
    }
}
