//! What two hosts differ in is said before anything is changed.

use crate::lab::Lab;

fn codes(lab: &Lab, playbook: &str) -> Vec<String> {
    let plan = lab.plan(playbook).json();
    let list = plan["warnings"].as_array().cloned().unwrap_or_default();
    list.iter().map(|w| w["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn differences_are_told_once_and_only_where_there_are_any() {
    let lab = Lab::pair();
    assert_eq!(codes(&lab, "hot-standby"), Vec::<String>::new());
    lab.apply("hot-standby");
    assert_eq!(codes(&lab, "hot-standby"), Vec::<String>::new());

    lab.sql(
        "db-a",
        "create database hello; create table hello.`bare table` (v int); create table hello.keyed (id int not null, unique key (id)); \
         create table hello.parts (v int) partition by hash (v) partitions 3; \
         set global sql_mode = 'ANSI_QUOTES'; set global binlog_format = 'STATEMENT'; set global max_allowed_packet = 1073741824",
    );
    lab.sql(
        "db-b",
        "set global slave_max_allowed_packet = 16777216; set global collation_server = 'latin1_bin'",
    );
    lab.vars("replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\nmysql_binlog_format: STATEMENT\n");
    let plan = lab.tandem(&["plan", "hot-standby"]).expect(2);
    let text = &plan.out;
    for (line, times) in [
        ("db-a: no primary key: hello.bare table, hello.parts;", 1),
        ("db-a and db-b: sql_mode differs in", 1),
        ("db-a and db-b: collation_server is", 1),
        ("db-a: binlog_format is STATEMENT", 1),
        ("db-b: binlog_format is STATEMENT", 1),
        ("db-b only events of 16777216", 1),
        ("hello.keyed", 0),
    ] {
        assert_eq!(text.matches(line).count(), times, "{line}\n{text}");
    }
}

#[test]
fn names_that_mean_other_tables_are_refused() {
    let lab = Lab::pair();
    lab.at("db-b", "printf '[mysqld]\\nlower_case_table_names=1\\n' > /etc/mysql/conf.d/case.cnf; systemctl restart mariadb");
    let refused = lab.tandem(&["apply", "hot-standby", "--yes"]).expect(8);
    refused.prints_for_people(&["lower_case_table_names is 0 on db-a and 1 on db-b"]);
    for host in ["db-a", "db-b"] {
        lab.at(host, "! test -e /etc/mysql/mariadb.conf.d/zz-tandem.cnf");
    }
}
