//! What is added comes first, then the moves, then what is taken away: fleets whose hosts let in nobody but their peers change
//! under writes, and nobody is shut out of what it still needs.

use crate::{
    lab::Lab,
    rings::{TABLE, Writer, declare, equal},
};

const DENY: &str = "replication_password: {env: REPLICATION_PASSWORD}\nfirewall_deny_others: true\n";

/// The place of a step in a plan.
fn place(names: &[String], step: &str) -> usize {
    names.iter().position(|name| name == step).unwrap_or_else(|| panic!("{step} is not in {names:?}"))
}

/// Whether a host gets to another's server, by a connection of its own.
fn reaches(lab: &Lab, from: &str, address: &str) -> bool {
    let connect = format!("timeout 2 bash -c ': </dev/tcp/{address}/3306'");
    lab.try_at(from, &connect).code == 0
}

#[test]
fn a_closed_ring_of_three_becomes_one_of_four_under_writes() {
    grows("bookworm");
}

#[test]
#[ignore = "make more"]
fn a_closed_mysql_ring_grows_under_writes() {
    grows("sid");
}

fn grows(suite: &str) {
    let hosts = ["db-a", "db-b", "db-c", "db-d"].map(|host| format!("{host}={suite}"));
    let lab = Lab::boot(&hosts.each_ref().map(String::as_str));
    lab.vars(DENY);
    lab.sql("db-a", TABLE);
    declare(&lab, "ring", &["db-a", "db-b", "db-c"]);
    lab.apply("ring.yml");
    assert!(!reaches(&lab, "db-d", "10.77.0.11"), "the port is open to others");
    let writers = ["db-a", "db-b", "db-c"].map(|host| Writer::start(&lab, host));
    declare(&lab, "ring", &["db-a", "db-b", "db-c", "db-d"]);
    let names = lab.plan("ring.yml").expect(2).step_names();
    let moves = place(&names, "db-a/channel/db-d");
    assert!(
        place(&names, "db-c/firewall") < moves && moves < place(&names, "db-c/firewall/close"),
        "{names:?}"
    );
    lab.apply("ring.yml");
    lab.plan("ring.yml").expect(0);
    // db-c is no source of db-a any more, and db-a is shut out of it.
    assert!(!reaches(&lab, "db-a", "10.77.0.13") && reaches(&lab, "db-a", "10.77.0.14"));
    let rows = 1 + writers.into_iter().map(Writer::stop).sum::<u64>();
    equal(&lab, &["db-a", "db-b", "db-c", "db-d"], rows);
}

#[test]
fn a_replica_takes_over_where_only_peers_get_in() {
    takes_over("bookworm");
}

#[test]
#[ignore = "make more"]
fn a_mysql_replica_takes_over_where_only_peers_get_in() {
    takes_over("sid");
}

/// From a with the replicas b and c to b with a and c: c has to follow a until it follows b.
fn takes_over(suite: &str) {
    let hosts = ["db-a", "db-b", "db-c"].map(|host| format!("{host}={suite}"));
    let lab = Lab::boot(&hosts.each_ref().map(String::as_str));
    lab.vars(DENY);
    lab.sql("db-a", TABLE);
    let declare = |primary: &str, replicas: &str| {
        lab.write(
            "play.yml",
            &format!(
                "- hosts: db\n  topology: {{kind: primary-replica, primary: {primary}, replicas: [{replicas}]}}\n  \
                 roles: [firewall, tls, config, accounts, seed, replication]\n"
            ),
        );
    };
    declare("db-a", "db-b, db-c");
    lab.apply("play.yml");
    assert!(!reaches(&lab, "db-c", "10.77.0.12"), "two replicas of one source are no peers");
    declare("db-b", "db-a, db-c");
    let names = lab.plan("play.yml").expect(2).step_names();
    let closes = place(&names, "db-a/firewall/close");
    for before in ["db-c/channel/db-b", "db-a/channel/db-b", "db-b/firewall"] {
        assert!(place(&names, before) < closes, "{before}: {names:?}");
    }
    lab.apply("play.yml");
    lab.plan("play.yml").expect(0);
    lab.sql("db-b", "insert into hello.t (v) values ('new')");
    equal(&lab, &["db-a", "db-b", "db-c"], 2);
    assert!(reaches(&lab, "db-c", "10.77.0.12") && !reaches(&lab, "db-c", "10.77.0.11"));

    // A move that can't be made: the access that it would leave behind stays, and the plan says so.
    lab.sql("db-c", if suite == "sid" { "stop replica" } else { "stop slave" });
    lab.sql("db-b", "insert into hello.t (v) values ('not there yet')");
    lab.link("db-c", "down");
    declare("db-a", "db-b, db-c");
    let plan = lab.tandem(&["plan", "play.yml", "--format", "json", "--connect-timeout", "2s"]);
    let waiting = plan.json()["waiting"].to_string();
    assert!(!plan.step_names().contains(&"db-b/firewall/close".to_owned()), "{}", plan.out);
    assert!(waiting.contains("db-c was not read"), "{waiting}");
    lab.link("db-c", "up");
}
