//! Which hosts are compared with which, and what of their tables. Pure.

use std::collections::BTreeMap;

use super::{ChannelGraph, Tables, table::Table};
use crate::{
    model::{HostName, limits},
    proof::{About, Doubt, Remark},
};

/// A source and the replicas that are compared with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// The source.
    pub source: HostName,
    /// Its replicas.
    pub replicas: Vec<Replica>,
}

/// A replica of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Replica {
    /// The host.
    pub host: HostName,
    /// The source.
    source: HostName,
    /// The edge from the source.
    pub forth: Vec<usize>,
    /// The way on which what this host writes comes to the source; empty where there is none.
    pub back: Vec<usize>,
    /// Whether that way is a single edge, so that one comparison is good for both.
    pub mutual: bool,
}

/// Why a table of a pair is not compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LeftOut {
    /// This is told.
    Told(Doubt),
    /// Only other hosts have it, so it is none of this pair's.
    Elsewhere,
}

/// Groups the edges by their sources. Two hosts that replicate from each other are compared once. What can't be
/// compared comes with the reason.
pub(super) fn groups(graph: &ChannelGraph) -> (Vec<Group>, Vec<Remark>) {
    let (mut groups, mut left): (Vec<Group>, Vec<Remark>) = (Vec::new(), Vec::new());
    for (number, edge) in graph.edges.iter().enumerate() {
        let (source, host) = (&edge.source, &edge.replica);
        let about = About::Tables { one: source.clone(), other: host.clone() };
        let compared = groups
            .iter()
            .any(|g| g.source == *host && g.replicas.iter().any(|r| r.host == *source && r.mutual));
        if compared {
            continue;
        }
        if !edge.runs() {
            left.push(Remark::new(about, Doubt::ChannelStopped));
            continue;
        }
        let back = graph.way(host, source, |e| e.runs());
        let told = graph.edges.iter().any(|e| e.source == *host && e.replica == *source && !e.runs());
        if told {
            continue;
        }
        if back.is_none() && graph.way(host, source, |_| true).is_some() {
            left.push(Remark::new(about, Doubt::NoWayBack { from: host.clone(), to: source.clone() }));
            continue;
        }
        let back = back.unwrap_or_default();
        let delay = edge.delay + back.delay;
        if delay > limits::COMPARED_DELAY.as_secs() {
            left.push(Remark::new(about, Doubt::FarApart { delay }));
            continue;
        }
        let replica = Replica {
            host: host.clone(),
            source: source.clone(),
            forth: vec![number],
            mutual: back.edges.len() == 1,
            back: back.edges,
        };
        match groups.iter_mut().find(|g| g.source == *source) {
            Some(group) => group.replicas.push(replica),
            None => groups.push(Group { source: source.clone(), replicas: vec![replica] }),
        }
    }
    (groups, left)
}

/// The same for two hosts alone.
pub(super) fn pair(graph: &ChannelGraph, one: &HostName, other: &HostName) -> (Vec<Group>, Vec<Remark>) {
    let (mut all, mut left) = groups(graph);
    for group in &mut all {
        let source = group.source.clone();
        group.replicas.retain(|r| (&source, &r.host) == (one, other) || (&source, &r.host) == (other, one));
    }
    all.retain(|group| !group.replicas.is_empty());
    // What was said of other hosts is not asked for.
    left.retain(|remark| remark.about.is_tables_of(one, other));
    (all, left)
}

impl Replica {
    /// Whether a table is not compared with this replica's, and why.
    pub(super) fn leaves_out(
        &self,
        graph: &ChannelGraph,
        (database, name): &(String, String),
        here: Option<&Table>,
        there: Option<&Table>,
        tables: &BTreeMap<HostName, Tables>,
    ) -> Option<LeftOut> {
        for edge in graph.edges.iter().filter(|e| {
            let forth = e.source == self.source && e.replica == self.host;
            forth || (self.mutual && e.source == self.host && e.replica == self.source)
        }) {
            if let Some(filter) = edge.filters.leaves_out(database, name) {
                let (source, replica) = (edge.source.clone(), edge.replica.clone());
                return Some(LeftOut::Told(Doubt::TableFiltered { filter, source, replica }));
            }
        }
        if let Some(table) = [here, there].into_iter().flatten().find(|t| t.holds_nothing()) {
            return Some(LeftOut::Told(Doubt::NoRowsOfItsOwn { engine: table.engine.clone() }));
        }
        // Rows of several sources that do not know each other meet here.
        let stranger =
            graph.edges.iter().filter(|e| e.replica == self.host && e.source != self.source).find(|e| {
                graph.way(&e.source, &self.source, |_| true).is_none()
                    && graph.way(&self.source, &e.source, |_| true).is_none()
            })?;
        let from_there =
            tables.get(&stranger.source).is_some_and(|t| t.contains_key(&(database.clone(), name.clone())));
        match (here, from_there) {
            (None, true) => Some(LeftOut::Elsewhere),
            (Some(_), true) => {
                let (replica, stranger) = (self.host.clone(), stranger.source.clone());
                Some(LeftOut::Told(Doubt::SeveralSources { replica, stranger }))
            }
            (_, false) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::graph::tests::graph, *};

    fn text(edges: &str) -> (String, usize) {
        let (groups, left) = groups(&graph(edges));
        let one = |g: &Group| {
            let replicas = g.replicas.iter().map(|r| {
                format!(
                    "{}{}{}",
                    r.host,
                    if r.mutual { "=" } else { "" },
                    if r.back.is_empty() { "" } else { "<" }
                )
            });
            format!("{}:{}", g.source, replicas.collect::<Vec<_>>().join(","))
        };
        (groups.iter().map(one).collect::<Vec<_>>().join(" "), left.len())
    }

    #[test]
    fn two_that_follow_each_other_are_compared_once() {
        for (edges, groups, left) in [
            ("a>b", "a:b", 0),
            ("a>b b>a", "a:b=<", 0),
            ("a>b a>c", "a:b,c", 0),
            ("a>b b>c c>a", "a:b< b:c< c:a<", 0),
            ("a-b", "", 1),
            // What b writes does not come back, so a difference would mean nothing.
            ("a>b b-a", "", 1),
            ("a>b b>c c-a", "", 3),
        ] {
            assert_eq!(text(edges), (groups.to_owned(), left), "{edges}");
        }
    }

    #[test]
    fn what_is_far_apart_or_of_two_sources_is_left_out() {
        let mut far = graph("a>b");
        far.edges[0].delay = 3600;
        assert_eq!(groups(&far).0, []);

        let graph = graph("a>c b>c");
        let (groups, _) = groups(&graph);
        let (table, name) = (Table::default(), ("d".to_owned(), "t".to_owned()));
        let with = |hosts: &[&str]| -> BTreeMap<HostName, Tables> {
            hosts.iter().map(|h| (HostName::from(*h), [(name.clone(), table.clone())].into())).collect()
        };
        let c = &groups[0].replicas[0];
        let out = |here: Option<&Table>, hosts: &[&str]| {
            c.leaves_out(&graph, &name, here, Some(&table), &with(hosts)).map(|why| why != LeftOut::Elsewhere)
        };
        assert_eq!(out(Some(&table), &["a", "c"]), None);
        assert_eq!(out(Some(&table), &["a", "b", "c"]), Some(true));
        assert_eq!(out(None, &["b", "c"]), Some(false));
        // Nobody but the replica has it: that is a difference.
        assert_eq!(out(None, &["c"]), None);
    }
}
