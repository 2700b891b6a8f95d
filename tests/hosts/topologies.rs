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
