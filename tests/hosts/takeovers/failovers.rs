//! The primary's network is cut, a replica takes the writes, and the primary comes back as a replica.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ADDRESSES, ALL, Book, address,
    clients::same,
    run::{between, now, told},
    session::Session,
};
use crate::{
    client::{Acked, Client, became},
    lab::{Lab, patience},
};

/// For each client the last of its rows, and how many there are.
type Received = BTreeMap<String, (u64, u64)>;

/// One client waits a second for an answer, as a careful one does, and finds the new primary by trying all in turn. The other
/// one knows only the replicas and asks them again and again: its first row is the first that could be written.
pub fn failovers(lab: &Lab, book: &mut Book, turns: usize) {
    let mut unreceived = 0;
    for turn in 0..turns {
        let names = [format!("fail-{turn}"), format!("probe-{turn}")];
        let client = Client::begin(lab, "db-c", &names[0], "app", &ADDRESSES, "PACE=0.002 PATIENCE=1");
        client.writes(ADDRESSES[0]);
        let probe = Client::begin(lab, "db-c", &names[1], "app", &ADDRESSES[1..], "PACE=0.01 PATIENCE=1");
        // Each second time one of the replicas has received less, and the lost one has a row that nobody has.
        if turn % 2 == 1 {
            let behind = ["db-b", "db-c"][turn / 2 % 2];
            lab.sql(behind, if book.mysql { "stop replica io_thread" } else { "stop slave io_thread" });
            client.writes(ADDRESSES[0]);
        }
        let mut replicas = ["db-b", "db-c"].map(|host| Session::open(&lab.path(""), host));
        let cut = now();
        lab.link("db-a", "down");
        let received = received(&mut replicas, book.mysql);
        if turn % 2 == 1 {
            lab.sql("db-a", "insert into hello.w (n, who) values (-1, 'lost')");
        }
        let told = told(lab, &["failover", "play.yml", "--yes", "--allow", "unfenced"]);
        book.ends(&told.run, 0, "failover");
        book.figures.value("failover-took", told.took());
        let to = writes_on(lab, &names[0]);
        has_all(lab, book, to, &received);
        back(lab, book, to);
        let acked = [client.ended(), probe.ended()];
        times(book, &acked, cut, told.began);
        for name in &names {
            same(lab, name);
        }
        unreceived += rows(lab, book, &names, &acked);
        book.figures.keep("failovers");
    }
    book.figures.count("failover-unreceived", unreceived);
    book.figures.keep("failovers");
}

/// What any of the replicas has, once they have executed what they have got.
fn received(replicas: &mut [Session; 2], mysql: bool) -> Received {
    let at_rest = match mysql {
        true => {
            "select coalesce(min(gtid_subset(received_transaction_set, @@global.gtid_executed)), 1) \
             from performance_schema.replication_connection_status"
        }
        // It waits for the source, or for more than what it has.
        false => {
            "select count(*) from information_schema.processlist where command = 'Slave_SQL' and state like \
             'Slave has read all relay log%'"
        }
    };
    let rows = "select coalesce(group_concat(concat(who, ' ', most, ' ', n)), '') from \
                (select who, max(n) most, count(*) n from hello.w where who like 'fail-%' group by who) as w";
    let mut all = Received::new();
    for replica in replicas {
        assert!(patience().any(|()| replica.ask(at_rest) == "1"), "a replica does not come to rest");
        for one in replica.ask(rows).split(',') {
            let [who, most, n] = one.split(' ').collect::<Vec<_>>()[..] else { continue };
            let rows = (most.parse().expect("a number"), n.parse().expect("a number"));
            let known = all.entry(who.to_owned()).or_insert(rows);
            *known = rows.max(*known);
        }
    }
    all
}

/// Waits until the client has found the new primary, and says which host that is.
fn writes_on(lab: &Lab, name: &str) -> &'static str {
    for _ in patience() {
        let last = lab.at("db-c", &format!("tail -n 1 /tmp/{name}.acked | cut -d' ' -f2"));
        if let Some(at) = ADDRESSES[1..].iter().position(|address| *address == last) {
            return ALL[at + 1];
        }
    }
    panic!("{name} finds no new primary");
}

/// The new primary has every row that any replica had received.
fn has_all(lab: &Lab, book: &mut Book, host: &str, received: &Received) {
    for (who, (most, count)) in received {
        let rows =
            lab.sql(host, &format!("select count(*) from hello.w where who = '{who}' and n <= {most}"));
        let missing = count.saturating_sub(rows.parse().expect("a number"));
        book.figures.count("failover-received-lost", missing);
        if missing > 0 {
            book.wrong.push(format!("{host} lacks {missing} rows of {who} that a replica had received"));
        }
    }
}

/// The lost one comes back, and takes the writes again.
fn back(lab: &Lab, book: &mut Book, to: &str) {
    lab.link("db-a", "up");
    let rejoin = ["rejoin", "play.yml", "db-a", "--yes"];
    let mut told = told(lab, &rejoin);
    let clean = told.run.code == 0;
    if told.run.code == 8 {
        told = super::told(lab, &[&rejoin[..], &["--allow", "discard-errant"]].concat());
    }
    book.ends(&told.run, 0, "rejoin");
    if lab.sql("db-a", "select count(*) from hello.w where n = -1") != "0" {
        book.wrong.push("a row that only the lost host had is still there".to_owned());
    }
    book.figures.value(if clean { "rejoin-clean" } else { "rejoin-errant" }, told.took());
    book.in_sync(lab, "a rejoin");
    for host in ALL {
        let closed = if host == to { "0" } else { "1" };
        let is = lab.sql(host, "select @@read_only");
        if is != closed {
            book.wrong.push(format!("read_only is {is} on {host} after a rejoin"));
        }
    }
    let home = lab.tandem(&["switchover", "play.yml", "--yes", "--to", "db-a"]);
    book.ends(&home, 0, "switchover after a rejoin");
    book.in_sync(lab, "a switchover after a rejoin");
}

/// From the cut, and from the command, to the first row that was acknowledged again.
fn times(book: &mut Book, acked: &[Vec<Acked>], cut: u64, began: u64) {
    let first = |acked: &Vec<Acked>| {
        acked.iter().find(|(_, at, when)| at != address("db-a") && *when > cut).map(|(.., when)| *when)
    };
    match acked.iter().filter_map(first).min() {
        Some(when) => {
            book.figures.value("failover-from-command", between(began, when));
            book.figures.value("failover-from-cut", between(cut, when));
        }
        None => book.wrong.push("nobody could write after a failover".to_owned()),
    }
    if let Some(when) = first(&acked[0]) {
        book.figures.value("failover-client", between(cut, when));
    }
}

/// How many acknowledged rows no replica had received; none is there twice.
fn rows(lab: &Lab, book: &mut Book, names: &[String; 2], acked: &[Vec<Acked>; 2]) -> u64 {
    let mut lost = 0;
    for (name, acked) in names.iter().zip(acked) {
        let numbers: BTreeSet<u64> = acked.iter().map(|(n, ..)| *n).collect();
        let became = ALL.map(|host| became(lab, host, name, &numbers));
        if became.iter().any(|(_, doubled)| *doubled > 0) || became.iter().any(|b| b.0 != became[0].0) {
            book.wrong.push(format!("{name}: rows are doubled, or not the same everywhere"));
        }
        // Rows that another server than the lost one has acknowledged are nowhere but on it.
        let elsewhere = acked.iter().filter(|(n, at, _)| became[0].0.contains(n) && at != address("db-a"));
        let gone = u64::try_from(elsewhere.count()).expect("a number");
        book.figures.count("lost", gone);
        if gone > 0 {
            book.wrong.push(format!("{name}: the new primary has lost {gone} rows"));
        }
        book.figures.count("failover-rows", u64::try_from(numbers.len()).expect("a number"));
        lost += u64::try_from(became[0].0.len()).expect("a number") - gone;
    }
    lost
}
