//! A source with data, under writes, is copied to an empty replica.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use crate::lab::{Lab, patience};

/// Tables of several kinds, with everything that a copy must bring along.
pub const DATA: &str = r#"
create database shop character set utf8mb4 collate utf8mb4_unicode_ci;
use shop;
create table item (id int auto_increment primary key, name varchar(100), price decimal(10,2), data blob) engine=InnoDB;
insert into item (name, price, data) select concat('näme ', seq, ' ''quoted'' \\ '), seq/3, unhex(sha2(seq, 256)) from seq_1_to_20000;
create table child (id int auto_increment primary key, item int, foreign key (item) references item(id) on delete cascade) engine=InnoDB;
insert into child (item) select id from item where id % 10 = 0;
create view dear as select id, name from item where price > 100;
delimiter //
create procedure count_items(out n int) begin select count(*) into n from item; end//
create function twice(x int) returns int deterministic return 2 * x//
create trigger item_touch before update on item for each row begin set new.name = concat(new.name, '!'); end//
create event tidy on schedule every 1 day do delete from child where item is null//
delimiter ;
create database hello;
create table hello.acked (id bigint primary key auto_increment, host varchar(20), at timestamp(6) default now(6));
create user app@'10.77.%' identified by 'app secret';
grant select, insert, update, delete on shop.* to app@'10.77.%';
create user reader@localhost identified via unix_socket;
grant select on *.* to reader@localhost;
create role auditor; grant select on shop.item to auditor; grant auditor to app@'10.77.%';
"#;

#[test]
fn a_source_under_writes_is_copied_and_no_acknowledged_row_is_missing() {
    let lab = Lab::pair();
    lab.sql("db-a", DATA);
    // Writes go on from before the plan until after the apply; each acknowledged id is printed.
    let mut writer = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/lab"))
        .arg("at")
        .arg(lab.path(""))
        .args([
            "db-a",
            "i=0; while [ ! -e /tmp/stop ] && [ $i -lt 20000 ]; do i=$((i+1)); \
             mariadb -N -B -e \"insert into hello.acked (host) values ('db-a'); select last_insert_id()\" 2>/dev/null; \
             done",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let reader = BufReader::new(writer.stdout.take().unwrap());
    let collected = std::thread::spawn(move || reader.lines().map_while(Result::ok).collect::<Vec<_>>());

    let plan = lab.plan("hot-standby").expect(2);
    assert!(plan.step_names().iter().any(|n| n == "db-b/seed/db-a"), "{:?}", plan.step_names());
    // The restart that turns the binary log on cuts whoever writes now: it must be allowed by name.
    lab.tandem(&["apply", "hot-standby", "--yes", "--allow", "restart"]).expect(0);
    lab.at("db-a", "touch /tmp/stop");
    writer.wait().unwrap();
    let acked = collected.join().unwrap();
    assert!(acked.len() > 20, "only {} rows were written, so this proves nothing", acked.len());

    let count = format!("select count(*) from hello.acked where id in ({})", acked.join(","));
    lab.wait_sql("db-b", &count, &acked.len().to_string());
    lab.wait_sql("db-a", &count, &acked.len().to_string());
    same_everywhere(&lab);

    // Routines, triggers, events, views and accounts came along.
    assert_eq!(lab.sql("db-b", "select shop.twice(21)"), "42");
    assert_eq!(lab.sql("db-b", "call shop.count_items(@n); select @n"), "20000");
    assert_eq!(
        lab.sql("db-b", "select count(*) from information_schema.triggers where trigger_schema='shop'"),
        "1"
    );
    assert_eq!(
        lab.sql("db-b", "select count(*) from information_schema.events where event_schema='shop'"),
        "1"
    );
    assert_eq!(
        lab.sql("db-b", "select count(*) from shop.dear"),
        lab.sql("db-a", "select count(*) from shop.dear")
    );
    let grants = "show grants for app@'10.77.%'";
    assert_eq!(lab.sql("db-a", grants), lab.sql("db-b", grants));
    assert_eq!(
        lab.sql(
            "db-b",
            "select default_character_set_name from information_schema.schemata where schema_name='shop'"
        ),
        "utf8mb4"
    );

    // Concurrent inserts on both sides do not collide.
    std::thread::scope(|scope| {
        for host in ["db-a", "db-b"] {
            let lab = &lab;
            scope.spawn(move || {
                let insert = format!("insert into hello.acked (host) values ('{host}-late');\n").repeat(200);
                lab.sql(host, &insert);
            });
        }
    });
    for host in ["db-a", "db-b"] {
        lab.wait_sql(host, "select count(*) from hello.acked where host like '%late'", "400");
    }
    same_everywhere(&lab);
    lab.plan("hot-standby").expect(0);
}

/// Every table of the two databases has the same checksum on both sides.
fn same_everywhere(lab: &Lab) {
    lab.same(["db-a", "db-b"], "checksum table shop.item, shop.child, hello.acked extended");
}

#[test]
fn fresh_and_empty_servers_get_no_copy() {
    let lab = Lab::pair();
    let names = lab.plan("hot-standby").expect(2).step_names();
    assert!(!names.iter().any(|n| n.contains("/seed")), "{names:?}");
}

/// A database on each host that the other one has not.
pub fn different_data(lab: &Lab) {
    lab.sql(
        "db-a",
        "create database one; create table one.t (id int primary key); insert into one.t values (1)",
    );
    lab.sql(
        "db-b",
        "create database two; create table two.t (id int primary key); insert into two.t values (2)",
    );
}

#[test]
fn data_on_both_sides_is_never_overwritten() {
    let lab = Lab::pair();
    different_data(&lab);
    let refusal = lab.refuses(&["apply", "hot-standby", "--yes"], "data-on-both");
    assert_eq!(refusal["next"], serde_json::json!([{"kind": "allow", "allow": "reseed"}]));
    let lost = refusal["details"].to_string();
    assert!(lost.contains("only db-b has two.t: 1 row, "), "{refusal}");
    assert_eq!(lab.sql("db-b", "select id from two.t"), "2");
    assert_eq!(lab.sql("db-a", "select count(*) from mysql.user where user='repl_user'"), "0");

    // Allowed by name, it is replaced, and the old data is kept where the output says.
    let run = lab.tandem(&["apply", "hot-standby", "--yes", "--allow", "reseed"]).expect(0);
    lab.plan("hot-standby").expect(0);
    assert_eq!(lab.sql("db-b", "select id from one.t"), "1");
    assert_eq!(
        lab.sql("db-b", "select count(*) from information_schema.schemata where schema_name='two'"),
        "0"
    );
    let path = run.err.split("kept in ").nth(1).and_then(|t| t.split(' ').next()).expect("a path").to_owned();
    assert!(
        lab.at("db-b", &format!("zstd -dc {path}")).contains("INSERT INTO `two`.`t` (`id`) VALUES (2)"),
        "{path}"
    );
}

#[test]
fn rows_that_only_a_replica_has_are_shown_before_anything_could_replace_them() {
    let lab = Lab::pair();
    lab.write(
        "play.yml",
        "- hosts: db\n  topology: {kind: primary-replica, primary: db-a, replicas: [db-b]}\n  roles: [config, accounts, seed, replication]\n",
    );
    lab.apply("play.yml");
    lab.sql(
        "db-a",
        "create database shop; create table shop.t (id int primary key, v varchar(20)); create table shop.same (id int primary key); \
         insert into shop.t values (1, 'one'); insert into shop.same values (1)",
    );
    lab.same(["db-a", "db-b"], "select count(*) from shop.same");
    // Somebody ends the replication and writes on the replica.
    lab.sql(
        "db-b",
        "stop slave; reset slave all; set global read_only = 0; insert into shop.t values (7, 'only here'); \
         create table shop.extra (id int primary key)",
    );
    let run = lab.tandem(&["plan", "play.yml"]).expect(8);
    for said in [
        "shop.t differs: 2 rows on db-b, 1 row on db-a",
        "only db-b has shop.extra: 0 rows",
        "1 table is equal on both",
        "INSERT INTO `shop`.`t` SET @1=7 @2='only here'",
        "create table shop.extra",
    ] {
        assert!(run.out.contains(said), "{said}:\n{}", run.out);
    }
    let plan = lab.tandem(&["plan", "play.yml", "--allow", "reseed"]).expect(2);
    plan.prints_for_people(&["only here"]);
    lab.tandem(&["apply", "play.yml", "--yes", "--allow", "reseed"]).expect(0);
    lab.plan("play.yml").expect(0);
    lab.same(["db-a", "db-b"], "checksum table shop.t, shop.same extended");
}

#[test]
fn a_source_that_has_purged_what_a_replica_needs_leads_to_a_new_copy() {
    let lab = Lab::pair();
    lab.sql("db-a", "create database shop; create table shop.t (id int auto_increment primary key, v varchar(20)); insert into shop.t (v) values ('one')");
    lab.apply("hot-standby");
    lab.same(["db-a", "db-b"], "checksum table shop.t extended");
    // The standby sleeps too long.
    lab.sql("db-b", "stop slave");
    lab.sql("db-a", "insert into shop.t (v) values ('two'); flush binary logs; insert into shop.t (v) values ('three'); flush binary logs");
    let newest = lab.sql("db-a", "show master status").split_whitespace().next().unwrap().to_owned();
    for _ in patience() {
        lab.sql("db-a", &format!("purge binary logs to '{newest}'"));
        if lab.sql("db-a", "show binary logs").lines().count() == 1 {
            break;
        }
    }
    // Found before the channel is started into its error.
    let refusal = lab.refuses(&["plan", "hot-standby"], "source-purged");
    assert_eq!(refusal["next"], serde_json::json!([{"kind": "allow", "allow": "reseed"}]));
    // Started by hand all the same, it is the same finding.
    lab.sql("db-b", "start slave");
    lab.wait_sql("db-b", "select count(*) from information_schema.processlist where command='Slave_IO'", "0");
    lab.tandem(&["apply", "hot-standby", "--yes"]).expect(8);
    let run = lab.tandem(&["apply", "hot-standby", "--yes", "--allow", "reseed"]).expect(0);
    run.tells_people(&["the old data is kept in"]);
    lab.plan("hot-standby").expect(0);
    lab.sql("db-b", "insert into shop.t (v) values ('back')");
    lab.same(["db-a", "db-b"], "checksum table shop.t extended");
    assert_eq!(lab.same(["db-a", "db-b"], "select count(*) from shop.t"), "4");
}

/// A pair of MariaDB whose replica has stopped, since it has a row of its own in the place of one of its source.
pub fn rows_that_differ(lab: &Lab) {
    lab.sql(
        "db-a",
        "create database shop; create table shop.t (id int primary key); insert into shop.t values (1)",
    );
    lab.apply("hot-standby");
    lab.sql("db-b", "set sql_log_bin=0; insert into shop.t values (2)");
    lab.sql("db-a", "insert into shop.t values (2)");
    let applier = "select count(*) from information_schema.processlist where command='Slave_SQL'";
    lab.wait_sql("db-b", applier, "0");
}

#[test]
fn a_replica_whose_rows_differ_is_copied_anew_where_that_is_allowed() {
    let lab = Lab::pair();
    rows_that_differ(&lab);
    let refusal = lab.refuses(&["plan", "hot-standby"], "channel-broken");
    assert_eq!(refusal["next"][2], serde_json::json!({"kind": "allow", "allow": "reseed"}));
    lab.tandem(&["apply", "hot-standby", "--yes", "--allow", "reseed"]).expect(0);
    lab.plan("hot-standby").expect(0);
    lab.sql("db-a", "insert into shop.t values (3)");
    lab.same(["db-a", "db-b"], "checksum table shop.t extended");
}

#[test]
fn what_rests_on_objects_in_the_database_mysql_is_refused_and_what_is_advised_works() {
    let lab = Lab::pair();
    lab.sql(
        "db-a",
        "create table mysql.mine (id int primary key); create function mysql.one() returns int return 1; \
         create database shop; create table shop.t (id int primary key); insert into shop.t values (1); \
         create view shop.v as select * from mysql.mine; create view shop.w as select mysql.one() as n; \
         create view shop.x as select user from mysql.user; create user app; grant select on mysql.mine to app; \
         grant execute on function mysql.one to app; grant select on mysql.user to app",
    );
    let plan = lab.tandem(&["plan", "hot-standby", "--format", "json"]).expect(8).json();
    let refused = plan["refused"].as_array().cloned().unwrap_or_default();
    assert!(!refused.is_empty() && refused.iter().all(|one| one["code"] == "cannot-be-copied"), "{plan:#}");
    let said = refused[0]["next"].to_string();
    for named in ["DROP VIEW `shop`.`v`", "DROP VIEW `shop`.`w`", "`mysql`.`mine`", "FUNCTION `mysql`.`one`"]
    {
        assert!(said.contains(named), "{named}: {said}");
    }
    assert!(!said.contains("`shop`.`x`") && !said.contains("`mysql`.`user`"), "{said}");
    lab.sql(
        "db-a",
        "drop view shop.v; drop view shop.w; revoke select on mysql.mine from app; \
         revoke execute on function mysql.one from app",
    );
    lab.apply("hot-standby");
    lab.same(["db-a", "db-b"], "show create view shop.x; show grants for app");
    lab.plan("hot-standby").expect(0);
}

#[test]
fn data_on_the_wrong_side_only_is_refused_and_the_other_direction_offered() {
    let lab = Lab::pair();
    lab.sql(
        "db-b",
        "create database two; create table two.t (id int primary key); insert into two.t values (2)",
    );
    let refusal = lab.refuses(&["apply", "hot-standby", "--yes"], "data-on-replica-only");
    let way = serde_json::json!([{"kind": "edit-topology", "key": "seed_from", "value": "db-b"}]);
    assert_eq!(refusal["next"], way);
    assert_eq!(lab.sql("db-b", "select id from two.t"), "2");
    // And it leads there.
    let turned = "- hosts: db\n  topology: {kind: dual-primary, members: [db-a, db-b], seed_from: db-b}\n  \
                  roles: [firewall, config, accounts, seed, replication]\n";
    lab.write("turned.yml", turned);
    lab.apply("turned.yml");
    lab.same(["db-a", "db-b"], "select id from two.t");
}

#[test]
fn tables_without_transactions_are_copied_under_a_lock_that_is_named() {
    let lab = Lab::pair();
    lab.sql(
        "db-a",
        "create database old; use old; create table old.m (id int primary key, v int) engine=MyISAM; \
         insert into old.m select seq, seq from seq_1_to_1000; \
         create table old.i (id int primary key) engine=InnoDB; insert into old.i values (1)",
    );
    let plan = lab.plan("hot-standby").expect(2).json();
    let steps = plan["steps"].as_array().expect("steps").iter();
    let risks: Vec<&str> =
        steps.flat_map(|s| s["risk"].as_array().expect("risks")).filter_map(|r| r["kind"].as_str()).collect();
    assert!(risks.contains(&"write-lock"), "{plan}");
    let run = lab.apply("hot-standby");
    run.tells_people(&["longest lock"]);
    lab.same(["db-a", "db-b"], "checksum table old.m, old.i extended");
    for _ in patience().take(1) {
        lab.plan("hot-standby").expect(0);
    }
}

const BASIC: &str = "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\n";
const REPLICA: &str = "- hosts: db\n  topology: {kind: primary-replica, primary: db-a, replicas: [db-b]}\n  \
                       roles: [firewall, config, accounts, seed, replication]\n";

/// Both servers log, as those do that somebody has set up by hand; what the file says that MariaDB and MySQL read.
fn log(lab: &Lab, file: &str, unit: &str) {
    for (host, id) in [("db-a", 1), ("db-b", 2)] {
        let own = format!("[mysqld]\nserver_id={id}\nlog_bin=mysql-bin\n");
        lab.at(host, &format!("printf '%s' '{own}' >{file}; systemctl restart {unit}"));
    }
}

/// Where the source stands, as people note it.
fn place(lab: &Lab, statement: &str) -> String {
    lab.sql("db-a", statement).split('\t').take(2).collect::<Vec<_>>().join(":")
}

/// The guide's own way: a dump by hand, its place noted, writes that went on.
#[test]
fn data_that_was_loaded_by_hand_is_gone_on_with_and_compared() {
    let lab = Lab::pair();
    log(&lab, "/etc/mysql/mariadb.conf.d/70-own.cnf", "mariadb");
    let rows = "create database hello; use hello; create table t (id int primary key, v int); \
                insert into t select seq, seq from seq_1_to_500";
    lab.sql("db-a", rows);
    let noted = place(&lab, "show master status");
    lab.sql("db-b", &lab.at("db-a", "mariadb-dump --databases hello"));
    lab.sql("db-a", "insert into hello.t values (501, 1); update hello.t set v = 0 where id = 7");
    let by_hand = |at: &str| lab.host_vars("db-b", &format!("seed_method: none\nseed_position: {at}\n"));
    // What can't be is refused, and nothing is touched.
    let before = lab.sql("db-b", "show master status");
    for wrong in
        ["mysql-bin.000099:4", "other-bin.000001:4", "mysql-bin.000001:99999999", "0-1-99999", "7-1-1"]
    {
        by_hand(wrong);
        let next = &lab.refuses(&["apply", "hot-standby", "--yes"], "seed-position")["next"];
        assert_eq!(next[0]["variable"], "seed_position", "{next}");
    }
    // Who follows it already would lose his place in its binary logs.
    by_hand(&noted);
    lab.sql("db-a", "change master to master_host='10.77.0.12', master_user='x', master_password='y'");
    let refused = lab.tandem(&["apply", "hot-standby", "--yes", "--format", "json"]).expect(8);
    assert!(refused.refusals().iter().any(|code| code == "seed-position"), "{}", refused.out);
    lab.sql("db-a", "reset slave all");
    assert_eq!(before, lab.sql("db-b", "show master status"));
    for wrong in ["somewhere", "mysql-bin.000001:1"] {
        by_hand(wrong);
        lab.tandem(&["validate", "hot-standby"]).expect(65);
    }
    lab.host_vars("db-b", &format!("seed_position: {noted}\n"));
    lab.tandem(&["validate", "hot-standby"]).expect(65);
    by_hand(&noted);
    lab.apply("hot-standby");
    lab.same(["db-a", "db-b"], "checksum table hello.t extended");
    assert_eq!(lab.sql("db-b", "select count(*) from hello.t"), "501");
    lab.sql("db-b", "insert into hello.t values (1002, 1)");
    lab.wait_sql("db-a", "select count(*) from hello.t", "502");
    lab.plan("hot-standby").expect(0);
    lab.tandem(&["verify", "hot-standby"]).expect(0);
}

/// A row that was lost on the way is found, and what is not equal is not called done.
#[test]
fn data_of_mysql_that_was_loaded_by_hand_counts_once_it_is_equal() {
    let lab = Lab::boot(&["db-a=sid", "db-b=sid"]);
    log(&lab, "/etc/mysql/mysql.conf.d/zy-own.cnf", "mysql");
    lab.vars(&format!("{BASIC}replication_positioning: file\nmysql_log_bin: mysql-bin\n"));
    lab.write("replica.yml", REPLICA);
    lab.sql("db-a", "create database hello; create table hello.t (id int primary key); insert into hello.t values (1), (2), (3)");
    let noted = place(&lab, "show binary log status");
    lab.sql("db-b", "create database hello; create table hello.t (id int primary key); insert into hello.t values (1), (3)");
    lab.sql("db-a", "insert into hello.t values (4)");
    lab.host_vars("db-b", &format!("seed_method: none\nseed_position: {noted}\n"));
    let run = lab.tandem(&["apply", "replica.yml", "--yes"]);
    assert!([1, 3].contains(&run.code), "{}", run.err);
    // It stays a difference until it is none.
    lab.plan("replica.yml").expect(2);
    lab.sql("db-b", "set sql_log_bin=0; set global super_read_only=0; insert into hello.t values (2)");
    lab.apply("replica.yml");
    lab.same(["db-a", "db-b"], "select group_concat(id order by id) from hello.t");
    lab.plan("replica.yml").expect(0);
}
