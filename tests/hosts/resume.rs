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
    if suite != "sid" {
        for host in ["db-a", "db-b"] {
            lab.sql(host, "set sql_log_bin=0; install soname 'ha_archive'");
        }
    }
    let numbers = "with recursive r as (select 1 n union all select n + 1 from r where n < 300) \
        select a.n * 300 + b.n from r a, r b";
    lab.sql(
        "db-a",
        &format!(
            "create database shop; use shop; create table item (id int auto_increment primary key, noise varbinary(400), alone int, unique (alone), key `od``d` (noise(9)), key both_ (alone, id)); \
             insert into item (id, noise) {}; update item set alone = id; \
             create table named (a varchar(60) character set latin1, b int, c text, primary key (a, b)); \
             insert into named select sha2(id, 224), id, repeat('c', 200) from item where id % 9 = 0; create table plain (v varbinary(400)); \
             insert into plain select noise from item where id % 9 = 0; create table log (id int auto_increment primary key, v varbinary(400)) engine=ARCHIVE; \
             insert into log select id, noise from item where id % 9 = 0; create table other (id int primary key); insert into other values (1), (2); \
             create view dear as select id from item; create trigger odd before insert on named for each row set new.b = new.b + 1; \
             analyze table item, named, plain, log, other",
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
        "select count(*), sum(crc32(concat_ws('#', id, alone, noise))) from shop.item",
        "select count(*), sum(crc32(concat_ws('#', a, b, c))) from shop.named",
        "select count(*), sum(crc32(v)) from shop.plain",
        "select group_concat(id order by id) from shop.other",
        "select count(*) from shop.dear",
        "show create database shop",
        "select count(*), sum(crc32(v)) from shop.log",
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
    // The servers are set up before, and may be busy.
    assert!(
        (0..3).flat_map(|_| patience()).any(|()| lab.try_at("db-b", &count).out.trim() == "1"),
        "no rows arrived"
    );
    signal(&controller(&run), "KILL");
    run.wait().unwrap();
}

fn goes_on(suite: &str) {
    let lab = pair(suite);
    cut_off(&lab);
    // They are made once all rows are there.
    assert!(!lab.sql("db-b", "show create table shop.item").contains("both_"));
    let before = made(&lab, suite);
    if suite != "sid" {
        lab.sql("db-a", "alter database shop comment 'ours'");
        lab.sql("db-b", "set sql_log_bin=0; alter database shop comment 'theirs'");
    }
    // Both ends go on meanwhile, and what arrived is not what it was.
    lab.sql("db-b", "set sql_log_bin=0; update shop.item set noise = 'other' order by id limit 1; delete from shop.item order by id desc limit 1");
    lab.sql("db-b", "set sql_log_bin=0; drop table if exists shop.stray; create table shop.stray (id int)");
    lab.sql("db-a", "use shop; update item set noise = 'changed' where id % 1000 = 7; delete from item order by id desc limit 10; \
        set @last = (select max(id) from item); update item set alone = -1 where id = @last; update item set alone = @last where id = 1; \
        update item set alone = 1 where id = @last; alter table other add v int; update named set c = 'x' order by a limit 5; update plain set v = 'y' limit 1");
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

/// Data of many kinds, as they stand in a script that a client loads.
const OWN: &str = "create database own; create database `ö'wn`; use own; \
    create table f (id int primary key, f float, d double, n decimal(30,10), b bit(9), e enum('a','') , t timestamp(6) null, j json); \
    insert into f values (1, 0.1, 1e-300, 12345678901234567890.0123456789, b'101010101', 'a', '2020-01-02 03:04:05.678901', '{\"a\": [1, \"//\"]}'), \
        (2, 16777217, 0.1, -1, null, '', null, null); \
    create table b (id int auto_increment primary key, raw blob, txt text character set latin1, u varchar(20) character set ucs2) auto_increment=77; \
    insert into b (id, raw, txt, u) values (3, x'0001ff0a0d1a27225c00', 'Gr\u{fc}\u{df}e\\n\\r\\t\\\\', 'AB'), (5, null, '', x'41424344'); \
    create table `ö'wn`.`t\u{e4}``b` (`a b` int, g int generated always as (`a b` * 2) stored) comment='it''s; -- no'; \
    insert into `ö'wn`.`t\u{e4}``b` (`a b`) values (1), (1), (2); \
    create table parent (id int primary key); create table child (id int primary key, p int, foreign key (p) references parent (id)); \
    insert into parent values (1); insert into child values (1, 1); \
    create table noise (v blob); insert into noise values (random_bytes(1000)), (random_bytes(1000)), (random_bytes(1000)), \
    (random_bytes(1000)), (random_bytes(1000)), (random_bytes(1000)), (random_bytes(1000)), (random_bytes(1000)); \
    create view a_last as select 1 as n; create view m as select id from f; create or replace view a_last as select id from m; \
    create trigger tr before insert on child for each row set new.p = coalesce(new.p, 1); \
    create procedure p() comment 'x' select '; // //1//' as s; \
    create event ev on schedule every 1 day disable do delete from own.child where id < 0;";

/// What of it is held against what was loaded again.
const LOOKS: [&str; 10] = [
    "select sum(crc32(v)) from own.noise",
    "select count(*), sum(crc32(concat_ws('#', id, f * 1e0, d * 1e0, n, b + 0, e + 0, t, cast(j as char)))) from own.f",
    "select count(*), sum(crc32(concat_ws('#', id, hex(raw), hex(txt), hex(u)))) from own.b",
    "show create table own.b",
    "show create table `ö'wn`.`t\u{e4}``b`",
    "select sum(`a b`), sum(g), count(*) from `ö'wn`.`t\u{e4}``b`",
    "select p from own.child",
    "select group_concat(id) from own.a_last",
    "select routine_name, routine_definition, sql_mode from information_schema.routines where routine_schema = 'own'",
    "select trigger_name, action_statement from information_schema.triggers where trigger_schema = 'own'",
];

fn looks(lab: &Lab) -> [String; 10] {
    LOOKS.map(|look| lab.sql("db-b", &format!("set names utf8mb4; set time_zone = '+00:00'; {look}")))
}

fn kept(suite: &str, path: &str) {
    let lab = pair(suite);
    lab.vars(&format!(
        "replication_password: {{env: REPLICATION_PASSWORD}}\nreplication_tls: \"off\"\nseed_method: logical\nseed_path: {path}\n"
    ));
    lab.sql("db-b", &format!("set names utf8mb4; {OWN}"));
    let before = looks(&lab);
    // Where it can't be kept it stays.
    let small = "mkdir -p -m 700 /var/lib/tandem/replaced && mount -t tmpfs -o size=4k,mode=700 none /var/lib/tandem/replaced";
    lab.at("db-b", small);
    let failed = lab.tandem(&["apply", "hot-standby", "--yes", "--allow", "reseed"]);
    assert!([1, 3].contains(&failed.code), "{failed:?}");
    assert_eq!(before, looks(&lab));
    lab.at("db-b", "test -z \"$(ls /var/lib/tandem/replaced)\" && umount /var/lib/tandem/replaced");
    lab.tandem(&["apply", "hot-standby", "--yes", "--allow", "reseed"]).expect(0);
    assert_eq!(
        lab.sql("db-b", "select count(*) from information_schema.schemata where schema_name = 'own'"),
        "0"
    );
    let client = if suite == "sid" { "mysql" } else { "mariadb" };
    lab.at("db-b", "test $(stat -c %a /var/lib/tandem/replaced) = 700; ! ls /var/lib/tandem/replaced/*.new /var/lib/tandem/direct.* 2>/dev/null");
    // Whatever a client of this host speaks.
    for charset in ["utf8mb4", "latin1"] {
        lab.at(
            "db-b",
            &format!(
                "set -e; cd /var/lib/tandem/replaced; (echo 'set sql_log_bin=0;'; zstd -dc *.zst 2>/dev/null || zcat *.gz 2>/dev/null || cat *.sql) \
                 | {client} --default-character-set={charset}"
            ),
        );
        let after = looks(&lab);
        assert_eq!(before, after, "{charset}");
        lab.sql("db-b", "set sql_log_bin=0; drop database own; drop database `ö'wn`");
    }
    lab.plan("hot-standby").expect(0);
}

#[test]
fn what_was_replaced_can_be_loaded_again() {
    kept("bookworm", "relay");
}

#[test]
#[ignore = "make more"]
fn what_was_replaced_on_mysql_can_be_loaded_again() {
    kept("sid", "direct");
}
