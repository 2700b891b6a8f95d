//! A client that writes over TCP while the topology changes, and what became of its rows.

use std::{
    collections::BTreeSet,
    process::{Child, Command, Stdio},
};

use crate::lab::{Lab, patience};

const SCRIPT: &str = include_str!("client.sh");

/// The table of all clients, and an account for those that are ordinary.
pub const TABLE: &str = "create database hello; \
    create table hello.w (id bigint auto_increment primary key, n bigint, who varchar(20), at varchar(20)); \
    create user app@'%' identified by 'app'; grant select, insert on hello.* to app@'%'";

/// Rows come as fast as a busy application writes them, and leave the machine to the servers and to the tests beside.
const PACE: &str = "PACE=0.004";

/// Prints a figure.
pub fn show(figure: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{figure}");
}

/// A row that was acknowledged: its number, the address of the server, and when, in microseconds.
pub type Acked = (u64, String, u64);

/// A client that runs.
pub struct Client<'a> {
    lab: &'a Lab,
    host: &'a str,
    name: String,
    child: Child,
}

impl<'a> Client<'a> {
    /// Lets a client write from a host, as this user and to the first of these addresses that takes it.
    pub fn start(lab: &'a Lab, host: &'a str, name: &str, user: &str, addresses: &[&str]) -> Self {
        Self::start_with(lab, host, name, user, addresses, 90)
    }

    /// The same for one who waits for an answer so many seconds.
    pub fn start_with(
        lab: &'a Lab,
        host: &'a str,
        name: &str,
        user: &str,
        addresses: &[&str],
        patience: u64,
    ) -> Self {
        let client = Self::begin(lab, host, name, user, addresses, &format!("PATIENCE={patience} {PACE}"));
        client.writes("");
        client
    }

    /// The same with variables of the script, and without waiting for it.
    pub fn begin(
        lab: &'a Lab,
        host: &'a str,
        name: &str,
        user: &str,
        addresses: &[&str],
        variables: &str,
    ) -> Self {
        let script = lab.write(&format!("client-{name}.sh"), SCRIPT);
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/lab"));
        let line = format!(
            "cat >/tmp/client-{name}.sh && {variables} exec bash /tmp/client-{name}.sh {name} {user} {}",
            addresses.join(" ")
        );
        command.arg("at").arg(lab.path("")).args([host, &line]);
        let script = std::fs::File::open(script).expect("a file");
        let quiet = command.stdin(script).stdout(Stdio::null()).stderr(Stdio::null());
        let child = quiet.spawn().expect("the lab script runs");
        Self { lab, host, name: name.to_owned(), child }
    }

    fn acked(&self) -> Vec<Acked> {
        let text = self.lab.at(self.host, &format!("cat /tmp/{}.acked 2>/dev/null || true", self.name));
        let line = |line: &str| {
            let mut words = line.split(' ');
            let mut next = || words.next().map(str::to_owned);
            Some((next()?.parse().ok()?, next()?, next()?.parse().ok()?))
        };
        text.lines().filter_map(line).collect()
    }

    /// Waits until twenty more rows were taken, by the server at this address if one is named.
    #[track_caller]
    pub fn writes(&self, address: &str) {
        let count = || self.acked().iter().filter(|(_, at, _)| address.is_empty() || at == address).count();
        let begun = count();
        assert!(patience().any(|()| count() > begun + 20), "{} writes nothing at `{address}`", self.name);
    }

    /// Ends it, and all that it has noted.
    pub fn ended(mut self) -> Vec<Acked> {
        self.lab.at(self.host, &format!("touch /tmp/{}.stop", self.name));
        let _ = self.child.wait();
        self.acked()
    }

    /// Ends it, and what it saw: rows that were acknowledged, and the longest time between two, in milliseconds.
    pub fn end(self) -> (BTreeSet<u64>, u64) {
        let acked = self.ended();
        let gaps = acked.windows(2).map(|pair| (pair[1].2 - pair[0].2) / 1000);
        let gap = gaps.max().unwrap_or_default();
        (acked.into_iter().map(|(n, ..)| n).collect(), gap)
    }

    /// Ends it; every row that was acknowledged is on each of these hosts once. Prints how many there were and the longest
    /// time for which none was.
    #[track_caller]
    pub fn lost_nothing(self, hosts: &[&str], what: &str) {
        let (lab, name) = (self.lab, self.name.clone());
        let (acked, gap) = self.end();
        show(&format!("{what}: {name}: {} rows, {gap} ms without one", acked.len()));
        let rows = format!("select count(*), sum(n) from hello.w where who = '{name}'");
        for host in &hosts[1..] {
            lab.same([hosts[0], host], &rows);
        }
        for host in hosts {
            let (lost, doubled) = became(lab, host, &name, &acked);
            assert!(lost.is_empty(), "{host}: lost {lost:?}");
            assert_eq!(doubled, 0, "{host}: doubled");
        }
    }
}

/// Which of a client's acknowledged rows a host does not have, and how many it has twice.
pub fn became(lab: &Lab, host: &str, name: &str, acked: &BTreeSet<u64>) -> (Vec<u64>, usize) {
    let sql = format!("select n from hello.w where who = '{name}' order by n");
    let there: Vec<u64> = lab.sql(host, &sql).lines().map(|n| n.parse().expect("a number")).collect();
    let once: BTreeSet<u64> = there.iter().copied().collect();
    (acked.difference(&once).copied().collect(), there.len() - once.len())
}
