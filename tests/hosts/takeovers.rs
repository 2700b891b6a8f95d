//! Takeovers by the dozen, under clients that write: how long nobody could write, and that nothing was lost.
//!
//! `make takeovers` runs this and writes docs/operations.md from it; the suite does not. Speed is measured and never asserted;
//! that no row is lost or doubled, and that no two hosts accept writes, is.
//! TANDEM_TURNS is the number of switchovers (20), to which all others are in proportion; TANDEM_SEED gives the same moments
//! as an earlier run.

mod clients;
mod failovers;
mod figures;
mod floor;
mod kills;
mod run;
mod session;

use self::{
    clients::{Clients, gap, pause},
    figures::Figures,
    floor::Floor,
    run::{now, told},
};
use crate::{
    client::show,
    lab::{Lab, Run},
    takeover::{declare, tree},
};

const ALL: [&str; 3] = ["db-a", "db-b", "db-c"];
const ADDRESSES: [&str; 3] = ["10.77.0.11", "10.77.0.12", "10.77.0.13"];
const VARS: &str = "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\n";

#[test]
#[ignore = "make takeovers"]
fn takeovers_of_mariadb() {
    measure("bookworm", "MariaDB");
}

#[test]
#[ignore = "make takeovers"]
fn takeovers_of_mysql() {
    measure("sid", "MySQL");
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// All parts, one after the other in one lab: what is compared was measured in the same run.
fn measure(suite: &str, family: &'static str) {
    let turns = usize::try_from(number("TANDEM_TURNS").unwrap_or(20)).expect("a number");
    let seed = number("TANDEM_SEED").unwrap_or_else(now);
    show(&format!("{family}: TANDEM_SEED={seed}"));
    let lab = tree(suite);
    let version = lab.sql("db-a", "select version()");
    let head = serde_json::json!({
        "version": format!("{family} {}", version.split('-').next().unwrap_or_default()),
        "seed": seed,
        "cores": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        "release": crate::lab::binary().components().any(|part| part.as_os_str() == "release"),
    });
    let mut book = Book { mysql: suite == "sid", figures: Figures::new(family, head), wrong: Vec::new() };
    switches(&lab, &mut book, turns);
    rolling(&lab, &mut book, turns.div_ceil(4));
    kills::kills(&lab, &mut book, turns * 2, seed);
    failovers::failovers(&lab, &mut book, turns.div_ceil(2));
    assert!(book.wrong.is_empty(), "{}", book.wrong.join("\n\n"));
}

/// What comes out.
struct Book {
    mysql: bool,
    figures: Figures,
    /// What should not have come out; the rest is measured all the same.
    wrong: Vec<String>,
}

impl Book {
    /// Notes what ended otherwise than it should have.
    fn ends(&mut self, run: &Run, code: i32, what: &str) -> bool {
        if run.code != code {
            let wrong =
                format!("{what}: exit status {} instead of {code}\n{}\n{}", run.code, run.out, run.err);
            show(&wrong);
            self.wrong.push(wrong);
        }
        run.code == code
    }

    /// After a takeover nothing is left to do.
    fn in_sync(&mut self, lab: &Lab, what: &str) {
        self.ends(&lab.plan("play.yml"), 0, &format!("plan after {what}"));
    }
}

fn address(host: &str) -> &'static str {
    ADDRESSES[ALL.iter().position(|one| *one == host).expect("a host")]
}

/// Two hosts change places again and again.
fn other(host: &str) -> &'static str {
    if host == "db-a" { "db-b" } else { "db-a" }
}

/// One switchover by the program and one by the floor in turn, both ways alike.
fn switches(lab: &Lab, book: &mut Book, turns: usize) {
    let clients = Clients::start(lab, "switch", &ADDRESSES[..2]);
    let (mut ours, mut floors, mut writer) = (Vec::new(), Vec::new(), "db-a");
    for turn in 0..turns * 2 {
        let to = other(writer);
        // Which one comes first changes, so that each goes from either host to the other.
        if turn % 2 == (turn / 2) % 2 {
            let told = told(lab, &["switchover", "play.yml", "--yes", "--to", to]);
            book.ends(&told.run, 0, "switchover");
            clients.write_to(address(to));
            book.figures.value("switchover-took", told.took());
            match told.locked(writer, to) {
                Some(locked) => book.figures.value("switchover-locked", locked),
                None => book.wrong.push("the journal does not tell how long writes waited".to_owned()),
            }
            ours.push((told.began, now()));
        } else {
            let floor = Floor::between(lab, book.mysql, writer, to);
            let begun = now();
            let waited = floor.switch();
            clients.write_to(address(to));
            floors.push(begun);
            book.figures.value("floor-locked", waited);
            declare(lab, to, &[writer, "db-c"]);
            let apply = lab.tandem(&["apply", "play.yml", "--yes"]);
            book.ends(&apply, 0, "apply after a switch by hand");
        }
        book.in_sync(lab, "a switch");
        writer = to;
    }
    let acked = clients.end(book, "switchovers");
    for (began, ended) in ours {
        book.figures.value("switchover-pause", pause(&acked, began, ended));
        book.gap("switchover-gap", gap(&acked, began));
    }
    for begun in floors {
        book.gap("floor-gap", gap(&acked, begun));
    }
    book.figures.keep("switchovers");
}

impl Book {
    fn gap(&mut self, name: &'static str, gap: Option<f64>) {
        match gap {
            Some(gap) => self.figures.value(name, gap),
            None => self.wrong.push(format!("no client has moved for {name}")),
        }
    }
}

/// An option that takes a restart: the writes go to db-b and come back.
fn rolling(lab: &Lab, book: &mut Book, turns: usize) {
    let clients = Clients::start(lab, "rolling", &ADDRESSES[..2]);
    let mut begun = Vec::new();
    for turn in 0..turns {
        lab.vars(&format!("{VARS}mysql_settings: {{back_log: {}}}\n", 91 + turn));
        let told = told(lab, &["apply", "play.yml", "--yes", "--allow", "restart"]);
        book.ends(&told.run, 0, "rolling change");
        clients.write_to(ADDRESSES[0]);
        book.figures.value("rolling-took", told.took());
        book.in_sync(lab, "a rolling change");
        for host in ALL {
            let value = lab.sql(host, "select @@back_log");
            if value != (91 + turn).to_string() {
                book.wrong.push(format!("{host} runs with back_log={value} in turn {turn}"));
            }
        }
        begun.push(["db-b/switchover", "db-a/switchover"].map(|id| told.step(id)));
    }
    let acked = clients.end(book, "rolling changes");
    for [away, back] in begun {
        book.gap("rolling-away-gap", away.and_then(|at| gap(&acked, at)));
        book.gap("rolling-back-gap", back.and_then(|at| gap(&acked, at)));
    }
    book.figures.keep("rolling changes");
}
