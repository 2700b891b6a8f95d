//! One replica of several sources: each gives its data, and each goes on by itself.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::lab::{Lab, patience};

/// Declares a topology of the lab's hosts.
fn declare(lab: &Lab, topology: &str) {
    lab.write(
        "play.yml",
        &format!("- hosts: db\n  topology: {topology}\n  roles: [firewall, tls, config, accounts, seed, replication]\n"),
    );
}

const HUB: &str = "{kind: channels, channels: [{from: db-a, to: db-c}, {from: db-b, to: db-c}]}";

fn boot(suite: &str) -> Lab {
    let hosts = ["db-a", "db-b", "db-c"].map(|host| format!("{host}={suite}"));
    let lab = Lab::boot(&hosts.each_ref().map(String::as_str));
    for host in ["db-a", "db-b"] {
        let name = host.replace('-', "_");
        lab.sql(
            host,
            &format!(
                "create database {name}; create table {name}.t (id int auto_increment primary key, v varchar(20)); \
                 insert into {name}.t (v) values ('first'), ('second'); create user '{name}'@'%' identified by 'x-{name}'"
            ),
        );
    }
    lab
}

/// What both sources have written is on the replica, row by row.
#[track_caller]
fn equal(lab: &Lab) {
    for source in ["db-a", "db-b"] {
        let table = source.replace('-', "_");
        lab.same([source, "db-c"], &format!("select count(*), max(id) from {table}.t"));
        lab.same([source, "db-c"], &format!("checksum table {table}.t"));
    }
}

#[test]
fn two_sources_give_their_data_to_one_replica() {
    from_both("bookworm");
}

#[test]
#[ignore = "make more"]
fn mysql_channels_give_their_data_to_one_replica() {
    from_both("sid");
}

fn from_both(suite: &str) {
    let lab = boot(suite);
    declare(&lab, HUB);
    lab.apply("play.yml");
    lab.plan("play.yml").expect(0);
    equal(&lab);
    let accounts = "select count(*) from mysql.user where user in ('db_a', 'db_b')";
    assert_eq!(lab.sql("db-c", accounts), "2");
    for host in ["db-a", "db-b"] {
        lab.sql(host, &format!("insert into {}.t (v) values ('later')", host.replace('-', "_")));
    }
    equal(&lab);
    lab.tandem(&["verify", "play.yml"]).expect(0);
    // Whoever follows the replica has both.
    lab.at("db-c", "systemctl restart mysql");
    lab.wait_sql("db-c", "select 1", "1");
    settled(&lab);
}

/// Nothing is left to do, once the channels have found their sources again.
#[track_caller]
fn settled(lab: &Lab) {
    let in_sync = patience().any(|()| lab.tandem(&["status", "play.yml"]).code == 0);
    assert!(in_sync, "{}", lab.tandem(&["status", "play.yml"]).out);
    lab.plan("play.yml").expect(0);
}

#[test]
fn a_replica_gets_a_second_source_while_all_are_written_to() {
    a_second_source("bookworm");
}

#[test]
#[ignore = "make more"]
fn a_mysql_replica_gets_a_second_source_while_all_are_written_to() {
    a_second_source("sid");
}

fn a_second_source(suite: &str) {
    let lab = boot(suite);
    declare(&lab, "{kind: primary-replica, primary: db-a, replicas: [db-c]}");
    if suite != "sid" {
        // Two servers of MariaDB that wrote in one domain can't both be followed by GTID.
        lab.host_vars("db-b", "mysql_settings: {gtid_domain_id: 7}\n");
    }
    lab.apply("play.yml");
    let writing = AtomicBool::new(true);
    let (mut plan, mut done) = (None, None);
    std::thread::scope(|scope| {
        for host in ["db-a", "db-b"] {
            let (lab, writing) = (&lab, &writing);
            scope.spawn(move || {
                let table = host.replace('-', "_");
                let insert = format!(
                    "$(command -v mariadb || command -v mysql) -e \"insert into {table}.t (v) values ('while')\""
                );
                // A restart of the server in between costs a row that was never taken.
                while writing.load(Ordering::Relaxed) {
                    lab.try_at(host, &insert);
                }
            });
        }
        declare(&lab, HUB);
        plan = Some(lab.plan("play.yml"));
        done = Some(lab.tandem(&["apply", "play.yml", "--yes", "--allow", "restart"]));
        writing.store(false, Ordering::Relaxed);
    });
    let (plan, done) = (plan.expect("a plan").expect(2), done.expect("a run"));
    let copies: Vec<String> = plan.step_names().into_iter().filter(|name| name.contains("/seed/")).collect();
    assert_eq!(copies, ["db-c/seed/db-b"], "{}", plan.out);
    done.expect(0);
    equal(&lab);
    lab.plan("play.yml").expect(0);
    // The first channel has kept its place and its name.
    let names: Vec<String> =
        lab.tandem(&["status", "play.yml", "--format", "json"]).expect(0).json()["channels"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|c| {
                format!(
                    "{} {}",
                    c["source"].as_str().unwrap_or_default(),
                    c["name"].as_str().unwrap_or_default()
                )
            })
            .collect();
    assert_eq!(names, ["db-a ", "db-b db-b"]);

    // And back: what the second source gave stays, and its channel is shown, not ended.
    declare(&lab, "{kind: primary-replica, primary: db-a, replicas: [db-c]}");
    let plan = lab.tandem(&["plan", "play.yml"]);
    assert!(plan.out.contains("db-b") || plan.err.contains("db-b"), "{}{}", plan.out, plan.err);
}

#[test]
fn a_channel_filters_by_itself() {
    filters("bookworm");
}

#[test]
#[ignore = "make more"]
fn a_mysql_channel_filters_by_itself() {
    filters("sid");
}

fn filters(suite: &str) {
    let lab = boot(suite);
    for host in ["db-a", "db-b"] {
        lab.sql(host, "create database shared; create table shared.s (id int primary key); create database logs; create table logs.l (id int primary key)");
    }
    declare(&lab, HUB);
    let twice = lab.tandem(&["plan", "play.yml"]).expect(8);
    twice.prints_for_people(&["shared", "Filter it out"]);
    let hub = |logs: &str| {
        format!(
            "{{kind: channels, channels: [{{from: db-a, to: db-c, filters: {{replicate_ignore_databases: [logs]}}}}, \
             {{from: db-b, to: db-c, name: east, filters: {{replicate_wild_ignore_tables: [\"shared.%\", \"{logs}.%\"]}}}}]}}"
        )
    };
    declare(&lab, &hub("logs"));
    lab.apply("play.yml");
    lab.plan("play.yml").expect(0);
    assert_eq!(
        lab.sql("db-c", "select count(*) from information_schema.schemata where schema_name = 'logs'"),
        "0"
    );
    lab.sql("db-b", "insert into shared.s values (1); insert into db_b.t (v) values ('behind it')");
    lab.sql("db-a", "insert into shared.s values (2)");
    equal(&lab);
    lab.wait_sql("db-c", "select group_concat(id) from shared.s", "2");
    // They outlive a restart, and one that somebody changes by hand comes back.
    lab.at("db-c", "systemctl restart mysql");
    lab.wait_sql("db-c", "select 1", "1");
    settled(&lab);
    match suite {
        "sid" => lab.sql("db-c", "stop replica for channel 'east'; change replication filter replicate_wild_ignore_table = () for channel 'east'; start replica for channel 'east'"),
        _ => lab.sql("db-c", "stop slave 'east'; set default_master_connection = 'east'; set global replicate_wild_ignore_table = ''; start slave 'east'"),
    };
    let plan = lab.plan("play.yml").expect(2);
    assert_eq!(plan.step_names(), ["db-c/channel/db-b"], "{}", plan.out);
    lab.apply("play.yml");
    lab.plan("play.yml").expect(0);
    // Another filter needs no restart.
    declare(&lab, &hub("other"));
    let plan = lab.plan("play.yml").expect(2);
    assert_eq!(plan.step_names(), ["db-c/option-file", "db-c/channel/db-b"], "{}", plan.out);
    lab.apply("play.yml");
    lab.plan("play.yml").expect(0);
}

#[test]
fn sources_that_share_a_gtid_domain_are_followed_by_file() {
    let lab = boot("bookworm");
    for host in ["db-a", "db-b"] {
        lab.at(host, "printf '[mysqld]\\nlog_bin=mysql-bin\\n' > /etc/mysql/mariadb.conf.d/60-bin.cnf; systemctl restart mariadb");
        lab.sql(host, &format!("insert into {}.t (v) values ('in domain 0')", host.replace('-', "_")));
    }
    declare(&lab, HUB);
    let plan = lab.tandem(&["plan", "play.yml"]).expect(8);
    plan.prints_for_people(&["GTID domain 0", "replication_positioning: file"]);
    lab.host_vars("db-c", "replication_positioning: file\n");
    lab.apply("play.yml");
    lab.plan("play.yml").expect(0);
    for host in ["db-a", "db-b"] {
        lab.sql(host, &format!("insert into {}.t (v) values ('later')", host.replace('-', "_")));
    }
    equal(&lab);
}

#[test]
fn a_replica_of_both_members_of_a_pair_gets_each_row_once() {
    of_a_pair("bookworm");
}

#[test]
#[ignore = "make more"]
fn a_mysql_replica_of_both_members_of_a_pair_gets_each_row_once() {
    of_a_pair("sid");
}

fn of_a_pair(suite: &str) {
    let lab = boot(suite);
    lab.sql("db-b", "drop database db_b; drop user db_b@'%'");
    if suite == "sid" {
        // Its log would hold what was in that database, and nothing else does.
        lab.sql("db-b", "reset binary logs and gtids");
    }
    declare(
        &lab,
        "{kind: channels, channels: [{from: db-a, to: db-b}, {from: db-b, to: db-a}, {from: db-a, to: db-c}, {from: db-b, to: db-c}]}",
    );
    lab.apply("play.yml");
    lab.plan("play.yml").expect(0);
    for host in ["db-a", "db-b"].repeat(5) {
        lab.sql(host, "insert into db_a.t (v) values ('once')");
    }
    for host in ["db-a", "db-b", "db-c"] {
        lab.wait_sql(host, "select count(*), count(distinct id) from db_a.t", "12\t12");
    }
    lab.same(["db-a", "db-c"], "checksum table db_a.t");
    // One source away, and the rows of both still come.
    lab.link("db-a", "down");
    lab.sql("db-b", "insert into db_a.t (v) values ('past it')");
    lab.wait_sql("db-c", "select count(*) from db_a.t", "13");
    lab.link("db-a", "up");
    lab.wait_sql("db-a", "select count(*) from db_a.t", "13");
    settled(&lab);
}

#[test]
fn a_new_replica_is_copied_from_one_that_is_there() {
    from_a_replica("bookworm");
}

#[test]
#[ignore = "make more"]
fn a_new_mysql_replica_is_copied_from_one_that_is_there() {
    from_a_replica("sid");
}

fn from_a_replica(suite: &str) {
    let lab = boot(suite);
    lab.sql("db-b", "drop database db_b; drop user db_b@'%'");
    if suite == "sid" {
        // Its log would hold what was in that database, and nothing else does.
        lab.sql("db-b", "reset binary logs and gtids");
    }
    declare(&lab, "{kind: primary-replica, primary: db-a, replicas: [db-b]}");
    lab.apply("play.yml");
    // Its data is known by GTID from here on.
    lab.sql("db-a", "insert into db_a.t (v) values ('logged'); create table db_a.m (id int primary key) engine=MyISAM; insert into db_a.m values (1)");
    lab.wait_sql("db-b", "select count(*) from db_a.m", "1");
    declare(&lab, "{kind: primary-replica, primary: db-a, replicas: [db-b, db-c]}");
    let plan = lab.plan("play.yml").expect(2);
    plan.prints_for_people(&["from db-b, a replica of db-a"]);
    let writing = AtomicBool::new(true);
    let done = std::thread::scope(|scope| {
        let (lab, writing) = (&lab, &writing);
        scope.spawn(move || {
            while writing.load(Ordering::Relaxed) {
                lab.sql("db-a", "insert into db_a.t (v) values ('while')");
            }
        });
        let done = lab.tandem(&["apply", "play.yml", "--yes"]);
        writing.store(false, Ordering::Relaxed);
        done
    });
    done.expect(0);
    for host in ["db-b", "db-c"] {
        lab.same(["db-a", host], "select count(*), max(id) from db_a.t");
        lab.same(["db-a", host], "checksum table db_a.t, db_a.m");
    }
    assert_eq!(lab.sql("db-c", "select count(*) from mysql.user where user = 'db_a'"), "1");
    settled(&lab);
}
