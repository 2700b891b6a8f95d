//! Rings that change while they are written to.

use std::process::{Child, Command, Stdio};

use crate::lab::Lab;

/// Declares a topology of all these members.
pub fn declare(lab: &Lab, kind: &str, members: &[&str]) {
    let members = members.join(", ");
    lab.write(
        "ring.yml",
        &format!(
            "- hosts: db\n  topology: {{kind: {kind}, members: [{members}]}}\n  roles: [firewall, tls, config, accounts, seed, replication]\n"
        ),
    );
}

/// Writes on a host until it is told to stop, and counts what the server took.
pub struct Writer<'a> {
    lab: &'a Lab,
    host: &'static str,
    child: Child,
}

impl<'a> Writer<'a> {
    pub fn start(lab: &'a Lab, host: &'static str) -> Self {
        let child = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/lab"))
            .arg("at")
            .arg(lab.path(""))
            .args([
                host,
                "rm -f /tmp/stop; i=0; while [ ! -e /tmp/stop ] && [ $i -lt 20000 ]; do i=$((i+1)); \
                 echo 'insert into hello.t (v) values (@@hostname); select 1;'; sleep 0.01; done | \
                 $(command -v mariadb || command -v mysql) -N --unbuffered -f | wc -l > /tmp/taken",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let writing = format!("select count(*) > 10 from hello.t where v = '{host}'");
        lab.wait_sql(host, &writing, "1");
        Self { lab, host, child }
    }

    /// Ends it; returns how many rows the server took.
    pub fn stop(mut self) -> u64 {
        self.lab.at(self.host, "touch /tmp/stop");
        self.child.wait().unwrap();
        self.lab.at(self.host, "cat /tmp/taken").trim().parse().unwrap()
    }
}

/// Every host has every row that was taken, each under a number of its own, and all are equal.
pub fn equal(lab: &Lab, hosts: &[&str], rows: u64) {
    for host in hosts {
        lab.wait_sql(host, "select count(*), count(distinct id) from hello.t", &format!("{rows}\t{rows}"));
    }
    for pair in hosts.windows(2) {
        lab.same([pair[0], pair[1]], "checksum table hello.t extended");
    }
}

pub const TABLE: &str = "create database hello; create table hello.t (id bigint auto_increment primary key, v varchar(20)); \
                     insert into hello.t (v) values ('first')";

#[test]
fn a_pair_becomes_a_ring_of_three_and_of_four_and_of_three_again_under_writes() {
    grows_and_shrinks("bookworm", "show master status");
}

#[test]
#[ignore = "make more"]
fn mysql_rings_grow_and_shrink_under_writes() {
    grows_and_shrinks("sid", "show binary log status");
}

fn grows_and_shrinks(suite: &str, binlog: &str) {
    let hosts = ["db-a", "db-b", "db-c", "db-d"].map(|host| format!("{host}={suite}"));
    let lab = Lab::boot(&hosts.each_ref().map(String::as_str));
    lab.sql("db-a", TABLE);
    declare(&lab, "dual-primary", &["db-a", "db-b"]);
    lab.apply("ring.yml");
    let mut writers = vec![Writer::start(&lab, "db-a"), Writer::start(&lab, "db-b")];
    for members in [vec!["db-a", "db-b", "db-c"], vec!["db-a", "db-b", "db-c", "db-d"]] {
        declare(&lab, "ring", &members);
        lab.apply("ring.yml");
        lab.plan("ring.yml").expect(0);
        writers.push(Writer::start(&lab, members[members.len() - 1]));
    }
    // The one that leaves is written to no more; what it has written is not lost.
    let last = writers.pop().unwrap();
    let mut rows = 1 + last.stop();
    declare(&lab, "ring", &["db-a", "db-b", "db-c"]);
    let plan = lab.tandem(&["plan", "ring.yml"]).expect(2);
    plan.prints_for_people(&["move the channel from db-d to db-c"]);
    lab.apply("ring.yml");
    let plan = lab.plan("ring.yml").expect(0).json();
    // What db-d has left behind is told, and goes where that is allowed.
    let told: Vec<&str> =
        plan["warnings"].as_array().unwrap().iter().map(|w| w["code"].as_str().unwrap()).collect();
    assert!(told.contains(&"extra-account") && told.contains(&"extra-channel"), "{told:?}");
    lab.tandem(&["apply", "ring.yml", "--yes", "--allow", "drop-account"]).expect(0);
    assert_eq!(lab.sql("db-c", "select count(*) from mysql.user where user='repl_user'"), "1");
    lab.plan("ring.yml").expect(0);
    rows += writers.into_iter().map(Writer::stop).sum::<u64>();
    equal(&lab, &["db-a", "db-b", "db-c"], rows);

    stands_still(&lab, &["db-a", "db-b", "db-c"], binlog);
}

/// Nothing goes round for ever: while nobody writes, no binary log grows.
fn stands_still(lab: &Lab, hosts: &[&str], binlog: &str) {
    let still = || hosts.iter().map(|host| lab.sql(host, binlog)).collect::<Vec<_>>();
    let before = still();
    std::thread::sleep(std::time::Duration::from_secs(30));
    assert_eq!(still(), before);
}

#[test]
fn a_member_that_is_lost_with_events_in_flight_leaves_the_others_equal() {
    a_member_is_lost("bookworm", ["stop slave", "start slave"], "show master status");
}

#[test]
#[ignore = "make more"]
fn a_mysql_member_that_is_lost_with_events_in_flight_leaves_the_others_equal() {
    a_member_is_lost("sid", ["stop replica", "start replica"], "show binary log status");
}

fn a_member_is_lost(suite: &str, [stop, start]: [&str; 2], binlog: &str) {
    let hosts = ["db-a", "db-b", "db-c", "db-d"].map(|host| format!("{host}={suite}"));
    let lab = Lab::boot(&hosts.each_ref().map(String::as_str));
    lab.sql("db-a", TABLE);
    declare(&lab, "ring", &["db-a", "db-b", "db-c", "db-d"]);
    lab.apply("ring.yml");
    // What db-d writes gets to db-a, and not to db-b yet.
    lab.sql("db-b", stop);
    lab.sql("db-d", "insert into hello.t (v) values ('in flight')");
    lab.wait_sql("db-a", "select count(*) from hello.t", "2");
    lab.sql("db-c", "insert into hello.t (v) values ('behind it')");
    lab.wait_sql("db-a", "select count(*) from hello.t", "3");
    lab.link("db-d", "down");
    lab.sql("db-c", "insert into hello.t (v) values ('after it')");
    lab.sql("db-b", start);

    declare(&lab, "ring", &["db-a", "db-b", "db-c"]);
    lab.write(
        "hosts.yml",
        &std::fs::read_to_string(lab.path("hosts.yml"))
            .unwrap()
            .replace("        db-d:\n          ansible_host: 10.77.0.14\n", ""),
    );
    lab.apply("ring.yml");
    lab.plan("ring.yml").expect(0);
    lab.sql("db-a", "insert into hello.t (v) values ('round')");
    equal(&lab, &["db-a", "db-b", "db-c"], 5);
    stands_still(&lab, &["db-a", "db-b", "db-c"], binlog);
}

#[test]
fn a_replica_that_follows_another_source_from_now_on_keeps_its_data() {
    moves("bookworm");
}

#[test]
#[ignore = "make more"]
fn mysql_replicas_are_moved_too() {
    moves("sid");
}

fn moves(suite: &str) {
    let hosts = ["db-a", "db-b", "db-c"].map(|host| format!("{host}={suite}"));
    let lab = Lab::boot(&hosts.each_ref().map(String::as_str));
    lab.sql("db-a", TABLE);
    let channels = |list: &str| {
        lab.write(
            "tree.yml",
            &format!(
                "- hosts: db\n  topology: {{kind: channels, channels: [{list}], seed_from: db-a}}\n  \
                 roles: [firewall, tls, config, accounts, seed, replication]\n"
            ),
        );
    };
    let star = "{from: db-a, to: db-b}, {from: db-a, to: db-c}";
    let chain = "{from: db-a, to: db-b}, {from: db-b, to: db-c}";
    channels(star);
    lab.apply("tree.yml");
    for (rows, list) in [(2, chain), (3, star)] {
        channels(list);
        let steps = lab.plan("tree.yml").expect(2).step_names();
        assert!(!steps.iter().any(|s| s.contains("/seed/")), "{steps:?}");
        lab.apply("tree.yml");
        lab.plan("tree.yml").expect(0);
        lab.sql("db-a", "insert into hello.t (v) values ('later')");
        equal(&lab, &["db-a", "db-b", "db-c"], rows);
    }
    // What only the replica has speaks against a source that does not have it.
    lab.sql("db-b", "set global read_only = 0");
    lab.sql("db-c", "set global read_only = 0");
    lab.sql("db-c", "insert into hello.t (v) values ('only here')");
    channels(chain);
    let refused = lab.tandem(&["apply", "tree.yml", "--yes"]).expect(8);
    refused.prints_for_people(&["errant-transactions"]);
    assert_eq!(lab.sql("db-c", "select count(*) from hello.t"), "4");
}
