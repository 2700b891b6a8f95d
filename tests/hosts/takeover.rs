//! Another host becomes the one that is written to.

use std::process::{Command, Stdio};

use crate::lab::Lab;

const TABLE: &str = "create database hello; create table hello.t (id bigint auto_increment primary key, v varchar(20)); \
                     insert into hello.t (v) values ('first'); \
                     create user app@localhost identified by 'app'; grant select, insert on hello.* to app@localhost";

pub fn declare(lab: &Lab, primary: &str, replicas: &[&str]) {
    lab.write(
        "play.yml",
        &format!(
            "- hosts: db\n  topology: {{kind: primary-replica, primary: {primary}, replicas: [{}]}}\n  \
             roles: [firewall, tls, config, accounts, seed, replication]\n",
            replicas.join(", ")
        ),
    );
}

/// A primary with two replicas, and a table for clients.
pub fn tree(suite: &str) -> Lab {
    let hosts = ["db-a", "db-b", "db-c"].map(|host| format!("{host}={suite}"));
    let lab = Lab::boot(&hosts.each_ref().map(String::as_str));
    lab.sql("db-a", crate::client::TABLE);
    declare(&lab, "db-a", &["db-b", "db-c"]);
    lab.apply("play.yml");
    lab
}

#[test]
fn a_replica_that_is_behind_takes_over_under_writes() {
    takes_over(
        "bookworm",
        ["4", "0"].map(|n| format!("stop slave; change master to master_delay = {n}; start slave")),
    );
}

#[test]
#[ignore = "make more"]
fn a_mysql_replica_that_is_behind_takes_over_under_writes() {
    takes_over(
        "sid",
        ["4", "0"]
            .map(|n| format!("stop replica; change replication source to source_delay = {n}; start replica")),
    );
}

/// A client writes on the primary until its session ends; the replica that takes over was seconds behind before. Every
/// row that was taken is everywhere afterwards, under a number of its own, and no server was restarted.
fn takes_over(suite: &str, delay: [String; 2]) {
    let hosts = ["db-a", "db-b", "db-c"].map(|host| format!("{host}={suite}"));
    let lab = Lab::boot(&hosts.each_ref().map(String::as_str));
    lab.sql("db-a", TABLE);
    declare(&lab, "db-a", &["db-b", "db-c"]);
    lab.apply("play.yml");
    let started = || {
        ["db-a", "db-b", "db-c"].map(|host| {
            lab.at(host, "systemctl show -p ExecMainStartTimestampMonotonic mariadb mysql 2>/dev/null")
        })
    };
    let before = started();
    let [delayed, at_once] = delay;
    lab.sql("db-b", &delayed);
    let mut writer = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/lab"))
        .arg("at")
        .arg(lab.path(""))
        .args([
            "db-a",
            "client=$(command -v mariadb || command -v mysql); n=0; \
             while [ $n -lt 20000 ] && $client -uapp -papp -e \"insert into hello.t (v) values ('db-a')\"; \
             do n=$((n+1)); done; echo $n >/tmp/taken",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    lab.wait_sql("db-a", "select count(*) > 20 from hello.t", "1");

    declare(&lab, "db-b", &["db-a", "db-c"]);
    // Writes would wait for as long as it is behind on purpose.
    lab.refuses(&["plan", "play.yml"], "delayed-takeover");
    lab.sql("db-b", &at_once);
    let plan = lab.tandem(&["plan", "play.yml"]).expect(2);
    for told in [
        "catch up with db-a while db-a still takes writes",
        "switch writes over from db-a to db-b",
        "writes on db-a wait until the last one is here",
    ] {
        assert!(plan.out.contains(told), "{told} is missing in\n{}", plan.out);
    }
    assert!(!plan.out.contains("! restart"), "{}", plan.out);
    lab.apply("play.yml");
    writer.wait().unwrap();
    let taken: u64 = lab.at("db-a", "cat /tmp/taken").parse().unwrap();
    assert_eq!(started(), before, "a server was restarted");
    lab.at(
        "db-b",
        "$(command -v mariadb || command -v mysql) -uapp -papp -e \"insert into hello.t (v) values ('db-b')\"",
    );
    let rows = taken + 2;
    for host in ["db-a", "db-b", "db-c"] {
        lab.wait_sql(host, "select count(*), count(distinct id) from hello.t", &format!("{rows}\t{rows}"));
        let read_only = if host == "db-b" { "0" } else { "1" };
        assert_eq!(lab.sql(host, "select @@read_only"), read_only, "{host}");
    }
    lab.same(["db-a", "db-b"], "checksum table hello.t extended");
    lab.same(["db-b", "db-c"], "checksum table hello.t extended");

    // Nothing of the old way round is left.
    lab.plan("play.yml").expect(0);
    lab.tandem(&["drift", "play.yml"]).expect(0);
    let channels = if suite == "sid" { "show replica status" } else { "show all slaves status" };
    assert_eq!(lab.sql("db-b", channels), "");
    lab.sql("db-b", "insert into hello.t (v) values ('last')");
    lab.same(["db-b", "db-a"], "select count(*) from hello.t");
    lab.same(["db-b", "db-c"], "select count(*) from hello.t");

    // Who may not be written to, and where events run, survives a power cut.
    lab.reboot("db-a");
    assert_eq!(lab.sql("db-a", "select @@read_only, @@event_scheduler"), "1\tOFF");
    lab.same(["db-b", "db-a"], "checksum table hello.t extended");
    lab.plan("play.yml").expect(0);
}

#[test]
fn a_replica_takes_over_from_a_primary_that_is_lost() {
    let lab = Lab::boot(&["db-a", "db-b", "db-c"]);
    lab.sql("db-a", TABLE);
    declare(&lab, "db-a", &["db-b", "db-c"]);
    lab.apply("play.yml");
    // db-b has received a row that it has not executed yet.
    lab.sql("db-b", "stop slave; change master to master_delay = 8; start slave");
    lab.wait_sql(
        "db-b",
        "select count(*) from information_schema.processlist where command = 'Slave_IO'",
        "1",
    );
    lab.sql("db-a", "insert into hello.t (v) values ('received')");
    lab.wait_sql("db-c", "select count(*) from hello.t", "2");
    let received = "show all slaves status";
    let gets = crate::lab::patience()
        .any(|()| lab.sql("db-b", received).contains(&lab.sql("db-a", "select @@gtid_binlog_pos")));
    assert!(gets, "{}", lab.sql("db-b", received));
    lab.link("db-a", "down");

    // As long as it belongs to the topology it may still take writes, as far as anybody here can know.
    declare(&lab, "db-b", &["db-a", "db-c"]);
    let waits = lab.tandem(&["apply", "play.yml", "--yes", "--connect-timeout", "2s"]);
    waits.prints_for_people(&["db-a was not read: it may still take writes"]);
    assert_eq!(lab.sql("db-b", "select @@read_only"), "1");

    declare(&lab, "db-b", &["db-c"]);
    lab.write(
        "hosts.yml",
        &std::fs::read_to_string(lab.path("hosts.yml"))
            .unwrap()
            .replace("        db-a:\n          ansible_host: 10.77.0.11\n", ""),
    );
    lab.apply("play.yml");
    lab.sql("db-b", "insert into hello.t (v) values ('new')");
    lab.wait_sql("db-c", "select group_concat(v order by id) from hello.t", "first,received,new");
}

/// Its end would be written nowhere: a switch waits for whoever has prepared it.
#[test]
fn a_prepared_transaction_holds_a_switch() {
    prepared("bookworm");
}

#[test]
fn a_prepared_transaction_holds_a_switch_on_mysql() {
    prepared("sid");
}

fn prepared(suite: &str) {
    let lab = tree(suite);
    let insert = "insert into hello.w (n, who) values (7, 'prepared')";
    lab.sql("db-a", &format!("xa start 'order-7'; {insert}; xa end 'order-7'; xa prepare 'order-7'"));
    assert!(lab.sql("db-a", "xa recover").contains("order-7"));
    let verb = ["switchover", "play.yml", "--to", "db-b", "--yes"];
    lab.refuses(&verb, "xa-prepared");
    assert_eq!(lab.sql("db-a", "select @@read_only"), "0");
    assert_eq!(lab.sql("db-b", "select @@read_only"), "1");
    lab.sql("db-a", "xa commit 'order-7'");
    lab.tandem(&verb).expect(0);
    for host in ["db-b", "db-c", "db-a"] {
        lab.wait_sql(host, "select count(*) from hello.w where n = 7", "1");
    }
    lab.tandem(&["drift", "play.yml"]).expect(0);
}
