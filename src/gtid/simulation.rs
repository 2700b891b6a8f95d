//! A little model of MariaDB servers that write, seed, purge and replicate, against which the start
//! position is tried: every event must reach every server exactly once, in the order of its domain.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::{
    start::{StartRefused, start_position},
    *,
};
use crate::model::Fact;

#[derive(Debug, Clone)]
struct Node {
    id: u32,
    log: Vec<MariaDbGtid>,
    purged: BinlogState,
    slave_pos: Position,
    /// What the tables hold: every event, in the order in which it was applied.
    data: Vec<MariaDbGtid>,
    born_whole: bool,
}

impl Node {
    fn new(id: u32) -> Self {
        Self {
            id,
            log: vec![],
            purged: BinlogState::default(),
            slave_pos: Position::default(),
            data: vec![],
            born_whole: true,
        }
    }

    fn state(&self) -> BinlogState {
        let mut state = self.purged.clone();
        self.log.iter().for_each(|id| state.note(*id));
        state
    }

    fn facts(&self) -> ServerGtid {
        ServerGtid {
            server_id: self.id,
            binlog_state: self.state(),
            slave_pos: self.slave_pos.clone(),
            binlog_start: Fact::Known(self.purged.clone()),
            first: self.log.first().copied(),
            complete: if self.born_whole { Complete::Everything } else { Complete::Nothing },
        }
    }

    /// A write by a client: each server has a domain of its own.
    fn write(&mut self) {
        let seq = self.state().current(self.id).map_or(1, |last| last.seq + 1);
        let event = MariaDbGtid::new(self.id, self.id, seq);
        self.log.push(event);
        self.data.push(event);
    }

    /// A copy of the donor's data. `accounted` sets `gtid_binlog_state` on the emptied log.
    fn seed(&mut self, donor: &Node, accounted: bool) {
        self.data = donor.data.clone();
        self.slave_pos = donor.slave_pos.clone();
        for id in donor.state().position().iter() {
            if self.slave_pos.get(id.domain).is_none_or(|at| at.seq < id.seq) {
                self.slave_pos.set(id);
            }
        }
        self.born_whole = false;
        self.log.clear();
        self.purged = BinlogState::default();
        if accounted {
            self.slave_pos.iter().for_each(|id| self.purged.note(id));
        }
    }

    fn purge(&mut self) {
        self.purged = self.state();
        self.log.clear();
    }

    /// The dump thread under `gtid_strict_mode`, as the server's `check_slave_start_position`,
    /// `contains_all_slave_gtid` and `send_event_to_slave` decide.
    fn dump(&self, from: &Position) -> Result<Vec<MariaDbGtid>, String> {
        let state = self.state();
        for id in from.iter() {
            let known = state.covers(id) || self.slave_pos.get(id.domain) == Some(id);
            if !known && state.current(id.domain).is_some() {
                return Err(format!("{id} is not in the master's binlog"));
            }
        }
        for gone in self.purged.iter() {
            match from.get(gone.domain) {
                None => return Err(format!("{gone} has been purged")),
                Some(at) if at.server == gone.server && at.seq < gone.seq => {
                    return Err(format!("{gone} has been purged"));
                }
                Some(_) => {}
            }
        }
        let mut sent = Vec::new();
        let mut waiting: Vec<MariaDbGtid> =
            from.iter().filter(|id| self.purged.current(id.domain) != Some(*id)).collect();
        for event in &self.log {
            if let Some(at) = waiting.iter().position(|id| id.domain == event.domain) {
                let id = *waiting.get(at).unwrap();
                let own_place = self.slave_pos.get(id.domain) == Some(id);
                if event.seq < id.seq {
                    continue;
                }
                waiting.remove(at);
                if *event == id {
                    continue;
                }
                if !own_place {
                    return Err(format!("the binlog on the master is missing {id}"));
                }
            }
            sent.push(*event);
        }
        Ok(sent)
    }

    fn apply(&mut self, event: MariaDbGtid) {
        if event.server != self.id {
            let last = self.data.iter().rfind(|e| e.domain == event.domain).map_or(0, |e| e.seq);
            assert_eq!(event.seq, last + 1, "server {} got {event} after {last}", self.id);
            self.data.push(event);
            self.log.push(event);
        }
        self.slave_pos.set(event);
    }
}

#[derive(Debug, Clone)]
enum Deed {
    Write(usize),
    Replicate { from: usize, to: usize, events: usize },
    Purge(usize),
}

fn deed(nodes: usize) -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (0..nodes).prop_map(Deed::Write),
        4 => (0..nodes, 0..nodes, 0usize..4).prop_map(|(from, to, events)| Deed::Replicate { from, to, events }),
        1 => (0..nodes).prop_map(Deed::Purge),
    ]
}

/// Lets `to` replicate up to `events` events. Says whether the start was granted.
fn replicate(nodes: &mut [Node], from: usize, to: usize, events: usize) -> Result<(), StartRefused> {
    if from == to {
        return Ok(());
    }
    let (source, replica) = (nodes.get(from).unwrap().clone(), nodes.get_mut(to).unwrap());
    let start = start_position(&source.facts(), &replica.facts())?;
    replica.slave_pos = start.clone();
    let sent = source.dump(&start);
    let sent = sent.unwrap_or_else(|why| panic!("{start} was granted, but {why}\n{source:?}\n{replica:?}"));
    sent.into_iter().take(events).for_each(|event| replica.apply(event));
    Ok(())
}

fn run(nodes: &mut [Node], deeds: &[Deed]) {
    for deed in deeds {
        match deed {
            Deed::Write(at) => nodes.get_mut(*at).unwrap().write(),
            Deed::Purge(at) => nodes.get_mut(*at).unwrap().purge(),
            Deed::Replicate { from, to, events } => {
                let _ = replicate(nodes, *from, *to, *events);
            }
        }
    }
}

fn contents(node: &Node) -> Vec<MariaDbGtid> {
    let mut data = node.data.clone();
    data.sort();
    data
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Two primaries, one seeded from the other; then anything, and in the end both are equal.
    #[test]
    fn two_primaries_become_equal(
        before in 0usize..4,
        deeds in proptest::collection::vec(deed(2), 0..20),
    ) {
        let mut nodes = vec![Node::new(1), Node::new(2)];
        (0..before).for_each(|_| nodes.get_mut(0).unwrap().write());
        let donor = nodes.first().unwrap().clone();
        nodes.get_mut(1).unwrap().seed(&donor, true);
        let deeds: Vec<_> = deeds.into_iter().filter(|deed| !matches!(deed, Deed::Purge(_))).collect();
        run(&mut nodes, &deeds);
        for (from, to) in [(0, 1), (1, 0)] {
            if let Err(why) = replicate(&mut nodes, from, to, 100) {
                // An empty donor shares no event with its copy until one of them writes.
                prop_assert!(before == 0, "{why}");
            }
        }
        if before > 0 {
            prop_assert_eq!(contents(nodes.first().unwrap()), contents(nodes.get(1).unwrap()));
        }
    }

    /// Any mesh of three, with logs purged and seeds that left no trace in the log: a start that is
    /// granted never loses an event, never applies one twice and is never refused by the source.
    #[test]
    fn a_granted_start_is_always_right(
        first in proptest::collection::vec(deed(3), 0..10),
        seeds in proptest::collection::vec((0usize..3, 0usize..3, any::<bool>()), 0..3),
        then in proptest::collection::vec(deed(3), 0..25),
    ) {
        let mut nodes = vec![Node::new(1), Node::new(2), Node::new(3)];
        run(&mut nodes, &first);
        for (from, to, accounted) in seeds {
            // Seeding over a server that others already know is the divergence `compare` reports.
            let known = nodes.iter().any(|n| n.id != to as u32 + 1 && n.data.iter().any(|e| e.server == to as u32 + 1));
            let alone = nodes.get(to).unwrap().data.iter().any(|e| e.server == to as u32 + 1);
            if from != to && !known && !alone {
                let donor = nodes.get(from).unwrap().clone();
                nodes.get_mut(to).unwrap().seed(&donor, accounted);
            }
        }
        run(&mut nodes, &then);
        for node in &nodes {
            let mut once = contents(node);
            once.dedup();
            prop_assert_eq!(once, contents(node));
        }
    }
}
