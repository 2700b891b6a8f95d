//! The clients of one part: what they have noted, and what became of it.

use std::collections::BTreeSet;

use super::{
    ALL, Book,
    run::between,
    session::{Seen, Watch},
};
use crate::{
    client::{Acked, Client, became},
    lab::{Lab, patience},
};

/// Clients that write, and somebody who looks which hosts let them.
pub struct Clients<'a> {
    lab: &'a Lab,
    names: Vec<String>,
    clients: Vec<Client<'a>>,
    watch: Watch,
}

impl<'a> Clients<'a> {
    /// Two that write as an application does: each goes on two milliseconds after an answer.
    pub fn start(lab: &'a Lab, part: &str, addresses: &[&str]) -> Self {
        let names = [format!("{part}-1"), format!("{part}-2")];
        let begin = |name: &String| Client::begin(lab, "db-c", name, "app", addresses, "PACE=0.002");
        let clients: Vec<Client> = names.iter().map(begin).collect();
        for client in &clients {
            client.writes(addresses[0]);
        }
        Self { lab, names: names.into(), clients, watch: Watch::begin(lab) }
    }

    /// Waits until the server at an address has taken the last rows of all.
    #[track_caller]
    pub fn write_to(&self, address: &str) {
        for name in &self.names {
            let last = format!("tail -n 3 /tmp/{name}.acked | cut -d' ' -f2 | uniq");
            assert!(
                patience().any(|()| self.lab.at("db-c", &last) == address),
                "{name} writes nothing at {address}"
            );
        }
    }

    /// Ends them; each acknowledged row is on each host once.
    pub fn end(self, book: &mut Book, part: &'static str) -> Vec<Vec<Acked>> {
        let Seen { samples, twice } = self.watch.end();
        book.figures.count("samples", samples);
        book.figures.count("two-writers", u64::try_from(twice.len()).expect("a number"));
        if !twice.is_empty() {
            book.wrong.push(format!("{part}: several hosts accepted writes: {twice:?}"));
        }
        let mut all = Vec::new();
        for (name, client) in self.names.iter().zip(self.clients) {
            let acked = client.ended();
            same(self.lab, name);
            book.became(self.lab, name, &acked);
            all.push(acked);
        }
        book.figures.keep(part);
        all
    }
}

/// Waits until all hosts have the same rows of a client.
pub fn same(lab: &Lab, name: &str) {
    let rows = format!("select count(*), sum(n) from hello.w where who = '{name}'");
    for host in &ALL[1..] {
        lab.same([ALL[0], host], &rows);
    }
}

impl Book {
    /// What became of a client's rows, on each host.
    fn became(&mut self, lab: &Lab, name: &str, acked: &[Acked]) {
        let numbers: BTreeSet<u64> = acked.iter().map(|(n, ..)| *n).collect();
        let (mut lost, mut twice) = (0, 0);
        for host in ALL {
            let (missing, doubled) = became(lab, host, name, &numbers);
            lost = lost.max(missing.len());
            twice = twice.max(doubled);
            if !missing.is_empty() || doubled > 0 {
                self.wrong.push(format!("{name}: {host} lacks {missing:?} and has {doubled} twice"));
            }
        }
        let rows = [("rows", numbers.len()), ("lost", lost), ("doubled", twice)];
        for (what, number) in rows {
            self.figures.count(what, u64::try_from(number).expect("a number"));
        }
    }
}

/// The time between the last row at one server and the first at the next one, from a moment on: the longest of all clients.
pub fn gap(all: &[Vec<Acked>], from: u64) -> Option<f64> {
    let gaps = all.iter().map(|acked| {
        let moves = acked.windows(2).find(|pair| pair[1].2 > from && pair[0].1 != pair[1].1)?;
        Some(between(moves[0].2, moves[1].2))
    });
    gaps.reduce(|one, other| Some(one?.max(other?))).flatten()
}

/// The longest time without a row between two moments, of all clients.
pub fn pause(all: &[Vec<Acked>], from: u64, to: u64) -> f64 {
    let pairs = all.iter().flat_map(|acked| acked.windows(2));
    let within = pairs.filter(|pair| pair[1].2 > from && pair[0].2 < to);
    within.map(|pair| between(pair[0].2, pair[1].2)).fold(0.0, f64::max)
}
