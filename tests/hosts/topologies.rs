//! Topologies beyond the pair, and the settings of the guide.

use crate::lab::Lab;

#[test]
fn a_replica_set_of_one_primary_and_two_replicas() {
    let lab = Lab::boot(&["db-a", "db-b", "db-c"]);
    lab.sql("db-a", "create database hello; create table hello.t (id int auto_increment primary key); insert into hello.t values (), (), ()");
    lab.apply("read-replicas");
    lab.plan("read-replicas").expect(0);
    lab.sql("db-a", "insert into hello.t values ()");
    for host in ["db-b", "db-c"] {
        lab.wait_sql(host, "select count(*) from hello.t", "4");
        assert_eq!(lab.sql(host, "select @@read_only"), "1");
    }
    assert_eq!(lab.sql("db-a", "select @@read_only, @@auto_increment_increment"), "0\t1");
}

#[test]
fn databases_filters_and_file_positions_as_in_the_guide() {
    let lab = Lab::pair();
    lab.vars(
        "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\nreplication_positioning: file\n\
         mysql_databases: [{name: hello, character_set: utf8mb4, collation: utf8mb4_czech_ci}]\n\
         binlog_ignore_databases: [scratch]\nreplicate_ignore_databases: [scratch, private]\nmysql_relay_log: relay\n",
    );
    lab.apply("hot-standby");
    lab.plan("hot-standby").expect(0);
    let row = lab.sql("db-b", "show all slaves status");
    assert!(row.contains("scratch,private"), "{row}");
    let using = lab.sql("db-b", "select @@log_slave_updates, @@relay_log_basename");
    assert!(using.starts_with('1') && using.contains("relay"), "{using}");
    lab.wait_sql(
        "db-b",
        "select default_collation_name from information_schema.schemata where schema_name='hello'",
        "utf8mb4_czech_ci",
    );
    lab.sql(
        "db-a",
        "create table hello.t (id int auto_increment primary key); insert into hello.t values ()",
    );
    lab.sql("db-a", "create database scratch; use scratch; create table s (id int)");
    lab.sql("db-b", "use hello; insert into hello.t values ()");
    lab.same(["db-a", "db-b"], "select group_concat(id order by id) from hello.t having count(*) = 2");
    assert_eq!(
        lab.sql("db-b", "select count(*) from information_schema.schemata where schema_name='scratch'"),
        "0"
    );
}

#[test]
fn a_ring_of_three_gets_its_data_round_and_then_writes_everywhere() {
    let lab = Lab::boot(&["db-a", "db-b", "db-c"]);
    lab.write(
        "ring.yml",
        "- hosts: db\n  topology: {kind: ring, members: [db-a, db-b, db-c]}\n  roles: [firewall, tls, config, accounts, seed, replication]\n",
    );
    // Older than the binary log, so that no GTID tells where it came from.
    lab.sql("db-a", "create database hello; create table hello.t (id int auto_increment primary key, v int); insert into hello.t (v) values (1), (2)");
    lab.apply("ring.yml");
    lab.plan("ring.yml").expect(0);
    std::thread::scope(|scope| {
        for host in ["db-a", "db-b", "db-c"] {
            let lab = &lab;
            scope.spawn(move || lab.sql(host, &"insert into hello.t (v) values (3);\n".repeat(50)));
        }
    });
    for host in ["db-a", "db-b", "db-c"] {
        lab.wait_sql(host, "select count(*), count(distinct id) from hello.t", "152\t152");
    }
    lab.same(["db-a", "db-b"], "checksum table hello.t");
    lab.same(["db-b", "db-c"], "checksum table hello.t");
    lab.plan("ring.yml").expect(0);
}

#[test]
fn a_replica_of_a_replica_gets_its_copy_from_the_one_in_between() {
    let lab = Lab::boot(&["db-a", "db-b", "db-c"]);
    lab.write(
        "chain.yml",
        "- hosts: db\n  topology:\n    kind: channels\n    channels: [{from: db-a, to: db-b}, {from: db-b, to: db-c, delay: 0}]\n    seed_from: db-a\n  \
         roles: [firewall, tls, config, accounts, seed, replication]\n",
    );
    lab.sql("db-a", "create database hello; create table hello.t (id int auto_increment primary key); insert into hello.t values (), ()");
    lab.apply("chain.yml");
    lab.plan("chain.yml").expect(0);
    lab.sql("db-a", "insert into hello.t values ()");
    lab.wait_sql("db-c", "select count(*) from hello.t", "3");
}

/// Declares a topology of the lab's hosts.
fn declare(lab: &Lab, topology: &str) {
    lab.write(
        "play.yml",
        &format!("- hosts: db\n  topology: {topology}\n  roles: [firewall, tls, config, accounts, seed, replication]\n"),
    );
}

const TABLE: &str = "create database hello; create table hello.t (id int auto_increment primary key, v varchar(20)); \
                     insert into hello.t (v) values ('first')";

#[test]
fn a_tree_of_four_in_two_levels_with_a_delayed_replica() {
    a_tree("bookworm");
}

#[test]
#[ignore = "make more"]
fn mysql_trees_with_a_delayed_replica() {
    a_tree("sid");
}

fn a_tree(suite: &str) {
    let hosts = ["db-a", "db-b", "db-c", "db-d"].map(|host| format!("{host}={suite}"));
    let lab = Lab::boot(&hosts.each_ref().map(String::as_str));
    lab.sql("db-a", TABLE);
    let tree = |delay: u32| {
        format!(
            "{{kind: primary-replica, primary: db-a, replicas: [db-b, {{host: db-c, source: db-b}}, {{host: db-d, source: db-b, delay: {delay}}}]}}"
        )
    };
    declare(&lab, &tree(3600));
    lab.apply("play.yml");
    lab.plan("play.yml").expect(0);
    lab.sql("db-a", "insert into hello.t (v) values ('now')");
    lab.wait_sql("db-c", "select group_concat(v order by id) from hello.t", "first,now");
    // It has received the row and keeps it back.
    let status = lab.tandem(&["status", "play.yml", "-v"]).expect(0);
    assert_eq!(lab.sql("db-d", "select group_concat(v) from hello.t"), "first", "{}", status.out);
    declare(&lab, &tree(0));
    assert_eq!(lab.plan("play.yml").expect(2).step_names(), ["db-d/channel/db-b"]);
    lab.apply("play.yml");
    lab.wait_sql("db-d", "select group_concat(v order by id) from hello.t", "first,now");
    for pair in [["db-a", "db-b"], ["db-b", "db-c"], ["db-c", "db-d"]] {
        lab.same(pair, "checksum table hello.t extended");
    }
    for host in ["db-b", "db-c", "db-d"] {
        assert_eq!(lab.sql(host, "select @@read_only, @@event_scheduler"), "1\tOFF");
    }
    lab.plan("play.yml").expect(0);
}

#[test]
fn one_line_makes_a_replica_a_primary_a_standby_and_a_replica_again() {
    one_line("bookworm");
}

#[test]
#[ignore = "make more"]
fn mysql_changes_its_kind_by_one_line() {
    one_line("sid");
}

fn one_line(suite: &str) {
    let lab = Lab::boot(&[&format!("db-a={suite}"), &format!("db-b={suite}")]);
    lab.sql("db-a", TABLE);
    let mut rows = 1;
    for (topology, writers) in [
        ("{kind: primary-replica, primary: db-a, replicas: [db-b]}", &["db-a"][..]),
        ("{kind: dual-primary, members: [db-a, db-b]}", &["db-a", "db-b"]),
        ("{kind: dual-primary, members: [db-a, db-b], standby: db-b}", &["db-a"]),
        ("{kind: dual-primary, members: [db-a, db-b], standby: db-a}", &["db-b"]),
        ("{kind: dual-primary, members: [db-a, db-b]}", &["db-a", "db-b"]),
    ] {
        declare(&lab, topology);
        lab.tandem(&["apply", "play.yml", "--yes", "--allow", "restart"]).expect(0);
        lab.plan("play.yml").expect(0);
        for host in ["db-a", "db-b"] {
            let read_only = if writers.contains(&host) { "0" } else { "1" };
            assert_eq!(lab.sql(host, "select @@read_only"), read_only, "{host}: {topology}");
        }
        for writer in writers {
            lab.sql(writer, "insert into hello.t (v) values (@@hostname)");
            rows += 1;
        }
        for host in ["db-a", "db-b"] {
            lab.wait_sql(
                host,
                "select count(*), count(distinct id) from hello.t",
                &format!("{rows}\t{rows}"),
            );
        }
    }
    // By file and position, and back.
    for positioning in ["file", "gtid"] {
        lab.vars(&format!(
            "replication_password: {{env: REPLICATION_PASSWORD}}\nreplication_tls: \"off\"\nreplication_positioning: {positioning}\n"
        ));
        lab.tandem(&["apply", "play.yml", "--yes", "--allow", "restart"]).expect(0);
        lab.plan("play.yml").expect(0);
        lab.sql("db-a", "insert into hello.t (v) values (@@hostname)");
        lab.sql("db-b", "insert into hello.t (v) values (@@hostname)");
        rows += 2;
        for host in ["db-a", "db-b"] {
            lab.wait_sql(
                host,
                "select count(*), count(distinct id) from hello.t",
                &format!("{rows}\t{rows}"),
            );
        }
    }
}

#[test]
fn a_commit_waits_for_a_replica() {
    semi_sync("bookworm", "master");
}

#[test]
#[ignore = "make more"]
fn mysql_waits_for_a_replica_too() {
    semi_sync("sid", "source");
}

fn semi_sync(suite: &str, word: &str) {
    let lab = Lab::boot(&[&format!("db-a={suite}"), &format!("db-b={suite}")]);
    lab.sql("db-a", TABLE);
    lab.apply("read-replicas");
    lab.vars(
        "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\nreplication_semi_sync: true\n\
         replication_parallel_workers: 3\n",
    );
    lab.apply("read-replicas");
    lab.plan("read-replicas").expect(0);
    let workers = if suite == "sid" {
        "select @@replica_parallel_workers, @@replica_preserve_commit_order"
    } else {
        "select @@slave_parallel_threads, @@slave_parallel_mode = 'optimistic'"
    };
    assert_eq!(lab.sql("db-b", workers), "3\t1");
    let seen = |name: &str, value: &str| {
        let row = format!("Rpl_semi_sync_{word}_{name}\t{value}");
        let mut last = String::new();
        for _ in crate::lab::patience() {
            last = lab.sql("db-a", &format!("show global status like 'Rpl_semi_sync_{word}_{name}'"));
            if last == row {
                return;
            }
        }
        panic!("{last} instead of {row}");
    };
    seen("clients", "1");
    seen("status", "ON");
    lab.sql("db-a", "insert into hello.t (v) values ('acknowledged')");
    seen("yes_tx", "1");
}
