//! Who feeds whom, who is written to, and which way a row takes. Pure.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Filters;
use crate::{
    desired::DesiredHost,
    model::{Fact, HostName},
    observe::{Observed, ServerFacts},
    proof::{Doubt, Unproven},
    status::{ChannelState, ChannelStatus, StatusDocument},
};

/// One channel between two hosts that are both known by name.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    /// The source.
    pub source: HostName,
    /// The replica.
    pub replica: HostName,
    /// What `status` says of the channel.
    pub status: ChannelStatus,
    /// Delay in seconds.
    pub delay: u64,
    /// What it leaves out.
    pub filters: Filters,
}

impl Edge {
    /// Whether both threads run.
    pub(crate) fn runs(&self) -> bool {
        self.status.state == ChannelState::Running
    }
}

/// All edges.
#[derive(Debug, Clone, Default)]
pub(crate) struct ChannelGraph {
    /// Edges in the order of the hosts.
    pub edges: Vec<Edge>,
    /// Hosts on which a canary may be put, in the order of the topology.
    pub writers: Vec<HostName>,
    /// Hosts that ought to be writers and are not written to, with the reason.
    pub spared: Vec<(HostName, Doubt)>,
    /// Replicas with errant transactions, or of which nobody knows whether they have some, each with the reason.
    pub unsound: BTreeMap<HostName, Unproven>,
    /// Hosts whose binary log holds what they replicated too.
    passing: BTreeSet<HostName>,
}

/// The way of a row from its writer to one host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Route {
    /// Numbers of the edges.
    pub edges: Vec<usize>,
    /// Seconds by which they are delayed, in all.
    pub delay: u64,
}

impl ChannelGraph {
    /// Puts the edges together. `declared` says whether a playbook names the writers.
    pub(crate) fn of(
        hosts: &[&DesiredHost],
        observed: &Observed,
        status: &StatusDocument,
        declared: bool,
    ) -> Self {
        let server = |host: &HostName| server(observed, host);
        let mut edges: Vec<Edge> = status
            .channels
            .iter()
            .filter_map(|channel| {
                let source = channel.source.clone().filter(|s| hosts.iter().any(|h| h.name == *s))?;
                let facts = server(&channel.replica)
                    .and_then(|s| s.channels.known())
                    .and_then(|list| list.iter().find(|c| c.name == channel.name));
                let binlog = server(&source).and_then(|s| s.binlog.known()).cloned().unwrap_or_default();
                Some(Edge {
                    source,
                    replica: channel.replica.clone(),
                    status: channel.clone(),
                    delay: facts.map_or(0, |c| c.delay),
                    filters: Filters {
                        logged: binlog.do_db,
                        not_logged: binlog.ignore_db,
                        channel: facts.map(|c| c.filters.clone()).unwrap_or_default(),
                    },
                })
            })
            .collect();
        let place = |host: &HostName| hosts.iter().position(|h| h.name == *host);
        edges.sort_by_key(|e| (place(&e.source), place(&e.replica)));
        let passing = hosts
            .iter()
            .filter(|h| {
                server(&h.name)
                    .is_some_and(|s| s.is_on("log_slave_updates") || s.is_on("log_replica_updates"))
            })
            .map(|h| h.name.clone())
            .collect();
        let mut graph = Self { edges, passing, unsound: unsound(hosts, observed, status), ..Self::default() };
        graph.name_writers(hosts, observed, declared);
        graph
    }

    /// Channels that run, where nobody asks who is written to. `passing` are the hosts whose binary log holds what
    /// they replicated, too.
    pub(crate) fn of_edges(edges: Vec<Edge>, passing: BTreeSet<HostName>) -> Self {
        Self { edges, passing, ..Self::default() }
    }

    /// Decides who is written to. Without a playbook these are the hosts at which the ways begin, and those
    /// on a circle: a row that is written anywhere else would stay an event that its source does not have.
    fn name_writers(&mut self, hosts: &[&DesiredHost], observed: &Observed, declared: bool) {
        for host in hosts {
            let feeds = self.edges.iter().any(|e| e.source == host.name);
            let fed = self.edges.iter().any(|e| e.replica == host.name);
            let meant = match declared {
                true => host.writer,
                false => !fed || self.way(&host.name, &host.name, |_| true).is_some(),
            };
            if !feeds || !meant {
                continue;
            }
            match server(observed, &host.name) {
                None => self.spared.push((host.name.clone(), Doubt::WriterNotRead)),
                Some(s) if s.is_on("read_only") => {
                    self.spared.push((host.name.clone(), Doubt::WriterReadOnly));
                }
                Some(s) if !s.is_on("log_bin") => {
                    self.spared.push((host.name.clone(), Doubt::WriterWithoutLog));
                }
                Some(_) => self.writers.push(host.name.clone()),
            }
        }
        self.spare_unsound();
        self.spare_shared_domains(observed);
        self.spare_two_ways(observed);
    }

    /// Whatever is written at a source comes to all its replicas, whatever a filter leaves out there. One that has
    /// errant transactions may break on it, and then nothing comes to it any more.
    fn spare_unsound(&mut self) {
        let reached = |writer: &HostName| {
            let ways = self.ways(writer, |e| e.status.state != ChannelState::Missing);
            self.unsound.iter().find(|(host, _)| ways.contains_key(*host)).map(|(host, _)| host.clone())
        };
        let why = |writer: &HostName| Some(Doubt::MayBreak { replica: reached(writer)? });
        let spared: Vec<(HostName, Doubt)> =
            self.writers.iter().filter_map(|w| Some((w.clone(), why(w)?))).collect();
        self.writers.retain(|w| !spared.iter().any(|(host, _)| host == w));
        self.spared.extend(spared);
    }

    /// A row that comes to a host on two ways comes twice, unless GTIDs tell that it is the same one.
    fn spare_two_ways(&mut self, observed: &Observed) {
        let tells = |host: &HostName| {
            let server = server(observed, host);
            server.is_some_and(|s| s.is_on("gtid_ignore_duplicates") || s.is_on("gtid_mode"))
        };
        let twice = |writer: &HostName| {
            let reached = self.ways(writer, Edge::runs);
            let carries = |e: &Edge| {
                e.runs()
                    && (e.source == *writer
                        || reached.contains_key(&e.source) && self.passing.contains(&e.source))
            };
            let ways_in =
                |host: &HostName| self.edges.iter().filter(|e| e.replica == *host && carries(e)).count();
            let host = reached.keys().find(|h| *h != writer && ways_in(h) > 1 && !tells(h))?;
            Some(Doubt::TwoWays { replica: host.clone() })
        };
        let spared: Vec<(HostName, Doubt)> =
            self.writers.iter().filter_map(|w| Some((w.clone(), twice(w)?))).collect();
        self.writers.retain(|w| !spared.iter().any(|(host, _)| host == w));
        self.spared.extend(spared);
    }

    /// In strict mode an event below the last number of its domain ends replication (MariaDB error 1950), and
    /// two writers of one domain give out the same numbers.
    fn spare_shared_domains(&mut self, observed: &Observed) {
        let strict = |host: &HostName| {
            let server = server(observed, host)?;
            server.is_on("gtid_strict_mode").then(|| server.variable("gtid_domain_id").map(str::to_owned))?
        };
        let shares = |host: &HostName| {
            let domain = strict(host)?;
            let other = self.writers.iter().find(|w| *w != host && strict(w).as_ref() == Some(&domain))?;
            Some(Doubt::SharedDomain { other: other.clone(), domain })
        };
        let spared: Vec<(HostName, Doubt)> =
            self.writers.iter().filter_map(|w| Some((w.clone(), shares(w)?))).collect();
        self.writers.retain(|w| !spared.iter().any(|(host, _)| host == w));
        self.spared.extend(spared);
    }

    /// The shortest way from a host to another, or round to itself, over edges of a kind.
    pub(crate) fn way(&self, from: &HostName, to: &HostName, kind: impl Fn(&Edge) -> bool) -> Option<Route> {
        self.ways(from, kind).remove(to)
    }

    /// Hosts to which a row of this table comes by itself, and how.
    pub(crate) fn downstream(
        &self,
        writer: &HostName,
        database: &str,
        table: &str,
    ) -> BTreeMap<HostName, Route> {
        let mut ways = self.ways(writer, |e| e.runs() && e.filters.leaves_out(database, table).is_none());
        ways.remove(writer);
        ways
    }

    fn ways(&self, from: &HostName, kind: impl Fn(&Edge) -> bool) -> BTreeMap<HostName, Route> {
        let mut ways: BTreeMap<HostName, Route> = BTreeMap::new();
        let mut next = VecDeque::from([(from.clone(), Route::default())]);
        while let Some((at, way)) = next.pop_front() {
            // What a host replicated goes on only out of its own binary log.
            if at != *from && !self.passing.contains(&at) {
                continue;
            }
            for (number, edge) in self.edges.iter().enumerate() {
                if edge.source != at || !kind(edge) || ways.contains_key(&edge.replica) {
                    continue;
                }
                let mut longer = way.clone();
                longer.edges.push(number);
                longer.delay += edge.delay;
                ways.insert(edge.replica.clone(), longer.clone());
                next.push_back((edge.replica.clone(), longer));
            }
        }
        ways
    }
}

/// Replicas to which nothing of ours may be sent.
fn unsound(
    hosts: &[&DesiredHost],
    observed: &Observed,
    status: &StatusDocument,
) -> BTreeMap<HostName, Unproven> {
    let unread = hosts.iter().filter_map(|host| {
        let why = observed.get(&host.name).and_then(Fact::known)?.errant.unread()?;
        Some((host.name.clone(), Unproven::ErrantNotRead(why.to_owned())))
    });
    let certain = status.errant.iter().filter(|found| found.is_certain());
    let found = certain.map(|found| (found.replica.clone(), Unproven::Errant(Box::new(found.clone()))));
    unread.chain(found).collect()
}

/// What a host's server says, where it was read.
pub(super) fn server<'a>(observed: &'a Observed, host: &HostName) -> Option<&'a ServerFacts> {
    observed.get(host).and_then(Fact::known)?.server.known()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::Endpoint;

    /// A graph from words such as `a>b`; `a-b` is an edge that does not run.
    pub(crate) fn graph(edges: &str) -> ChannelGraph {
        let edge = |text: &str| {
            let (source, replica) = text.split_once(['>', '-']).expect("two hosts");
            Edge {
                source: source.into(),
                replica: replica.into(),
                status: ChannelStatus {
                    state: if text.contains('>') { ChannelState::Running } else { ChannelState::Stopped },
                    ..ChannelStatus::running(
                        &replica.into(),
                        &source.into(),
                        &Endpoint { address: source.into(), port: 3306 },
                        "",
                    )
                },
                delay: 0,
                filters: Filters::default(),
            }
        };
        let edges: Vec<Edge> = edges.split_whitespace().map(edge).collect();
        let passing = edges.iter().flat_map(|e| [e.source.clone(), e.replica.clone()]).collect();
        ChannelGraph { edges, passing, ..ChannelGraph::default() }
    }

    #[test]
    fn a_row_goes_round_and_stops_where_it_is_kept_out() {
        let text = |graph: &ChannelGraph, from: &str| {
            let ways = graph.downstream(&from.into(), "tandem", "canary");
            let words: Vec<String> =
                ways.iter().map(|(host, way)| format!("{host}:{}", way.edges.len())).collect();
            words.join(" ")
        };
        let mut ring = graph("a>b b>c c>a");
        assert_eq!(text(&ring, "a"), "b:1 c:2");
        assert_eq!(ring.way(&"c".into(), &"c".into(), |_| true).map(|w| w.edges), Some(vec![2, 0, 1]));
        ring.passing.remove(&HostName::from("b"));
        assert_eq!(text(&ring, "a"), "b:1");
        assert_eq!(text(&graph("a-b b>c"), "a"), "");
        let mut chain = graph("a>b b>c");
        chain.edges[1].filters.channel.databases = vec!["hello".into()];
        chain.edges[0].delay = 60;
        assert_eq!(text(&chain, "a"), "b:1");
        assert_eq!(chain.downstream(&"a".into(), "hello", "t").get(&"c".into()).map(|w| w.delay), Some(60));
    }
    #[test]
    fn who_would_send_a_row_twice_sends_none() {
        for (edges, spared) in
            [("a>b b>c c>a", ""), ("a>b b>a", ""), ("a>b a>c b>c", "a"), ("a>b a>c b-c", "")]
        {
            let mut graph = graph(edges);
            graph.writers = vec!["a".into()];
            graph.spare_two_ways(&Observed::new());
            let said: Vec<&str> = graph.spared.iter().map(|(host, _)| host.as_str()).collect();
            assert_eq!(said.join(" "), spared, "{edges}");
        }
    }
}
