//! A copy counts once it was compared: `apply` ends with 0 only if rows, definitions and accounts are the same.

use crate::lab::Lab;

/// What a dump loses, and what it must not lose.
const DATA: &str = r#"
install soname 'ha_archive';
create database shop;
create table shop.f (id int primary key, v float);
insert into shop.f values (1, 1.5), (2, 8388609);
create table shop.old (id int not null, name varchar(10)) engine=archive;
insert into shop.old values (1, 'a');
create table shop.plain (id int auto_increment primary key, name varchar(20));
insert into shop.plain (name) values ('x'), ('y');
create user app@'%' identified by 'right';
grant select on shop.* to app@'%';
create user maker@'%' identified by 'maker';
grant all on shop.* to maker@'%';
set session sql_mode='ANSI_QUOTES', session character_set_client=latin1, session collation_connection=latin1_german1_ci;
create definer=maker@'%' event shop.tidy on schedule every 1 day do delete from shop.plain where id < 0;
"#;
const EVENT: &str = "select definer, sql_mode, character_set_client, collation_connection from \
                     information_schema.events where event_schema='shop'";
const LOGIN: &str = "select authentication_string from mysql.user where user='app'";

#[test]
fn a_copy_that_is_not_the_same_is_not_done() {
    let lab = Lab::pair();
    lab.sql("db-a", DATA);
    // Somebody has made the account before, with another password and no privilege.
    lab.sql("db-b", "create user app@'%' identified by 'wrong'");

    let done = lab.tandem(&["apply", "hot-standby", "--yes", "--format", "json"]).expect(3).json();
    let failed: Vec<&str> =
        done["failed"].as_array().unwrap().iter().filter_map(|f| f["id"].as_str()).collect();
    assert_eq!(failed, ["db-b/compare/db-a"]);
    let error = done["failed"][0]["error"].as_str().unwrap();
    assert!(error.contains("shop.f") && error.contains("shop.old"), "{error}");
    assert!(!error.contains("shop.plain") && !error.contains("tidy") && !error.contains("app@"), "{error}");

    // What does not depend on the dump is the same.
    assert_eq!(lab.sql("db-b", EVENT), lab.sql("db-a", EVENT));
    assert_eq!(lab.sql("db-b", LOGIN), lab.sql("db-a", LOGIN));
    assert_eq!(lab.sql("db-b", "show grants for app@'%'"), lab.sql("db-a", "show grants for app@'%'"));

    // It is not in sync, whoever asks, and says what differs.
    let plan = lab.plan("hot-standby").expect(2);
    assert_eq!(plan.step_names(), ["db-b/compare/db-a"]);
    assert!(plan.json()["steps"][0]["before"].as_str().unwrap().contains("shop.f"));
    lab.tandem(&["drift", "hot-standby"]).expect(2);

    // Rows travel through the channel as they are, and so the two become the same.
    lab.sql("db-a", "update shop.f set v = 1 where id = 2; update shop.f set v = 8388609 where id = 2");
    lab.sql("db-a", "alter table shop.old engine=innodb");
    lab.apply("hot-standby");
    assert_eq!(lab.plan("hot-standby").expect(0).step_names(), Vec::<String>::new());
    lab.at("db-b", "test ! -e /var/lib/tandem/seed.json");
}
