//! Who replicates from whom, who is written to, and who copies from whom.

use std::collections::BTreeMap;

use crate::{
    model::HostName,
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
    /// The host from which an empty replica gets its data.
    pub seeds: BTreeMap<HostName, HostName>,
    /// The host whose data count where the others are empty.
    pub root: Option<HostName>,
}

impl Edges {
    /// Works out a declared topology.
    pub fn of(topology: &Topology) -> Self {
        let mut members: Vec<HostName> = Vec::new();
        for member in &topology.members {
            if !members.contains(&member.host) {
                members.push(member.host.clone());
            }
        }
        let root = topology.seed_from.as_ref().map(|s| s.host.clone()).or_else(|| members.first().cloned());
        let edge = |from: &HostName, to: &HostName| Edge {
            from: from.clone(),
            to: to.clone(),
            name: String::new(),
            delay: 0,
        };
        let mut edges: Vec<Edge> = match topology.kind {
            Kind::DualPrimary | Kind::Ring => {
                (0..members.len()).map(|n| edge(&members[n], &members[(n + 1) % members.len()])).collect()
            }
            Kind::PrimaryReplica | Kind::Channels => topology
                .channels
                .iter()
                .map(|c| Edge {
                    from: c.from.host.clone(),
                    to: c.to.host.clone(),
                    name: c.name.clone(),
                    delay: c.delay,
                })
                .collect(),
        };
        name_channels(&mut edges);
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
        edges.sort_by_key(|e| (seeds.get(&e.to) != Some(&e.from), members.iter().position(|m| *m == e.to)));
        Self { members, edges, writers, seeds, root }
    }

    /// Channels on which a host is the replica.
    pub fn sources_of<'a>(&'a self, host: &'a HostName) -> impl Iterator<Item = &'a Edge> {
        self.edges.iter().filter(move |e| e.to == *host)
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

/// Gives a name to each channel of a replica that has several sources; one alone is the default one.
fn name_channels(edges: &mut [Edge]) {
    for n in 0..edges.len() {
        let several = edges.iter().filter(|e| e.to == edges[n].to).count() > 1;
        if several && edges[n].name.is_empty() {
            edges[n].name = edges[n].from.as_str().to_owned();
        }
    }
}

/// Spreads from the root along the channels, so that each host copies from one that has data by then.
fn seeds(members: &[HostName], edges: &[Edge], root: Option<&HostName>) -> BTreeMap<HostName, HostName> {
    let mut seeds = BTreeMap::new();
    let has_source = |host: &HostName| edges.iter().any(|e| e.to == *host);
    let mut reached: Vec<HostName> =
        members.iter().filter(|m| Some(*m) == root || !has_source(m)).cloned().collect();
    let mut next = 0;
    while let Some(from) = reached.get(next).cloned() {
        next += 1;
        for edge in edges.iter().filter(|e| e.from == from) {
            if Some(&edge.to) != root && !reached.contains(&edge.to) {
                seeds.insert(edge.to.clone(), from.clone());
                reached.push(edge.to.clone());
            }
        }
    }
    seeds
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
            channels: match kind {
                Kind::PrimaryReplica => members[1..]
                    .iter()
                    .map(|replica| EdgeDeclaration {
                        from: declared(&members[0]),
                        to: declared(replica),
                        name: String::new(),
                        delay: 0,
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
}
