//! A copy goes on with what it finds on the replica: a table that is defined alike stays, and only what differs is carried.

use crate::{
    lab::{Lab, patience},
    limits::{controller, signal},
};

fn pair(suite: &str) -> Lab {
    let lab = Lab::boot(&[&format!("db-a={suite}"), &format!("db-b={suite}")]);
    lab.vars(
        "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\nseed_method: logical\nseed_path: relay\n",
    );
    let numbers = "with recursive r as (select 1 n union all select n + 1 from r where n < 300) \
        select a.n * 300 + b.n from r a, r b";
    lab.sql(
        "db-a",
        &format!(
            "create database shop; use shop; create table item (id int auto_increment primary key, noise varbinary(400)); \
             insert into item (id, noise) {}; \
             create table named (a varchar(60) character set latin1, b int, c text, primary key (a, b)); \
             insert into named select sha2(id, 224), id, repeat('c', 200) from item where id % 9 = 0; create table plain (v varbinary(400)); \
             insert into plain select noise from item where id % 9 = 0; create table other (id int primary key); insert into other values (1), (2); \
             create view dear as select id from item; create trigger odd before insert on named for each row set new.b = new.b + 1; \
             analyze table item, named, plain, other",
            numbers.replace("+ b.n from", "+ b.n, random_bytes(400) from"),
        ),
    );
    lab
}

/// What tells one making of a table from another.
fn made(lab: &Lab, suite: &str) -> String {
    let of = if suite == "sid" { "innodb_tables" } else { "innodb_sys_tables" };
    lab.sql("db-b", &format!("select table_id from information_schema.{of} where name = 'shop/item'"))
}

/// Both have the same, and the counters, too.
fn same(lab: &Lab) {
    for query in [
        "select count(*), sum(crc32(concat_ws('#', id, noise))) from shop.item",
        "select count(*), sum(crc32(concat_ws('#', a, b, c))) from shop.named",
        "select count(*), sum(crc32(v)) from shop.plain",
        "select group_concat(id order by id) from shop.other",
        "select count(*) from shop.dear",
        "show create table shop.item",
        "show create table shop.other",
    ] {
        lab.same(["db-a", "db-b"], query);
    }
}

/// Kills a copy once rows of `item` have arrived.
fn cut_off(lab: &Lab) {
    let mut run = lab.tandem_command(&["apply", "hot-standby", "--yes", "--rate-limit", "6M"]);
    let mut run =
        run.stderr(std::process::Stdio::null()).stdout(std::process::Stdio::null()).spawn().unwrap();
    let socket = lab.try_at("db-b", "command -v mariadb || command -v mysql").out;
    let count = format!("{} -Ne 'select count(*) > 10000 from shop.item'", socket.trim());
    assert!(patience().any(|()| lab.try_at("db-b", &count).out.trim() == "1"), "no rows arrived");
    signal(&controller(&run), "KILL");
    run.wait().unwrap();
}

fn goes_on(suite: &str) {
    let lab = pair(suite);
    cut_off(&lab);
    let before = made(&lab, suite);
    // Both ends go on meanwhile, and what arrived is not what it was.
    lab.sql("db-b", "set sql_log_bin=0; update shop.item set noise = 'other' order by id limit 1; delete from shop.item order by id desc limit 1");
    lab.sql("db-b", "set sql_log_bin=0; drop table if exists shop.stray; create table shop.stray (id int)");
    lab.sql("db-a", "use shop; update item set noise = 'changed' where id % 1000 = 7; delete from item order by id desc limit 10; \
        alter table other add v int; update named set c = 'x' order by a limit 5; update plain set v = 'y' limit 1");
    lab.tandem(&["apply", "hot-standby", "--yes"]).expect(0);
    assert_eq!(made(&lab, suite), before, "the table was made again");
    same(&lab);
    lab.plan("hot-standby").expect(0);
    // Nor is a replica whose rows differ copied from the beginning.
    lab.sql("db-b", "set sql_log_bin=0; insert into shop.other (id) values (7)");
    lab.sql("db-a", "insert into shop.other (id) values (7)");
    let applier = "select count(*) from performance_schema.replication_applier_status_by_worker where last_error_number <> 0";
    let stopped = "select count(*) = 0 from information_schema.processlist where command = 'Slave_SQL'";
    lab.wait_sql("db-b", if suite == "sid" { applier } else { stopped }, "1");
    lab.tandem(&["apply", "hot-standby", "--yes", "--allow", "reseed"]).expect(0);
    assert_eq!(made(&lab, suite), before, "the table was made again");
    same(&lab);
}

#[test]
fn a_copy_that_was_cut_off_goes_on() {
    goes_on("bookworm");
}

#[test]
#[ignore = "make more"]
fn a_copy_of_mysql_that_was_cut_off_goes_on() {
    goes_on("sid");
}
