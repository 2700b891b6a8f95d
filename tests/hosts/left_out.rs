//! What a server or a channel leaves out is compared with what is declared, whoever wrote it down.

use crate::lab::Lab;

const FILE: &str = "/etc/mysql/mariadb.conf.d/60-site.cnf";

fn replica() -> Lab {
    let lab = Lab::pair();
    lab.sql("db-a", "create database shop; create table shop.t (id int primary key)");
    lab.apply("read-replicas");
    lab
}

/// Codes and named options of what is refused.
fn left_out(lab: &Lab) -> Vec<String> {
    let plan = lab.plan("read-replicas").expect(8);
    let refused = plan.json()["refused"].as_array().expect("a list").clone();
    let one = |r: &serde_json::Value| {
        let text = r["reason"].as_str().expect("a reason");
        let option = text.split('`').nth(1).expect("an option");
        format!("{} {} {option}", r["host"].as_str().expect("a host"), r["code"].as_str().expect("a code"))
    };
    refused.iter().map(one).collect()
}

#[test]
fn a_filter_in_a_file_of_somebody_is_not_in_sync() {
    let lab = replica();
    let write = |host: &str, text: &str| {
        lab.at(host, &format!("printf '[mysqld]\\n{text}' >{FILE}; systemctl restart mariadb"));
    };
    write(
        "db-b",
        "replicate-ignore-db=logs\\nreplicate-ignore-table=shop.x\\nreplicate-rewrite-db=a->b\\nslave-skip-errors=1062\\n",
    );
    write("db-a", "binlog-ignore-db=scratch\\n");
    let of = |host: &str, option: &str| format!("{host} undeclared-filter {option}");
    assert_eq!(
        left_out(&lab),
        [
            of("db-a", "binlog_ignore_db"),
            of("db-b", "replicate_ignore_db"),
            of("db-b", "replicate_ignore_table"),
            of("db-b", "replicate_rewrite_db"),
            of("db-b", "slave_skip_errors"),
        ]
    );
    // To cron it is a difference.
    lab.tandem(&["drift", "read-replicas"]).expect(2);
    let next = &lab.refuses(&["plan", "read-replicas"], "undeclared-filter")["next"];
    let line = serde_json::json!({"kind": "edit-file", "on": "db-a", "file": FILE, "line": 2});
    assert_eq!(next[1], line);

    // Declared, it is as it shall be; taken out of the file, it is mended.
    lab.vars(
        "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\n\
         mysql_settings: {slave_skip_errors: 1062, replicate_ignore_table: shop.x}\n",
    );
    lab.host_vars("db-a", "binlog_ignore_databases: [scratch]\n");
    assert_eq!(left_out(&lab), [of("db-b", "replicate_ignore_db"), of("db-b", "replicate_rewrite_db")]);
    lab.at("db-b", &format!("sed -i '/rewrite/d; /ignore-db/d' {FILE}"));
    assert_eq!(left_out(&lab), [of("db-b", "replicate_rewrite_db")]);
    lab.at("db-b", "systemctl restart mariadb");
    lab.apply("read-replicas");
    lab.plan("read-replicas").expect(0);
}

#[test]
fn a_channel_that_leaves_events_out_by_their_origin_is_mended() {
    let lab = replica();
    lab.sql(
        "db-b",
        "stop slave; change master to ignore_server_ids=(1,2,3), ignore_domain_ids=(7); set global replicate_ignore_db='logs'; \
         start slave",
    );
    let plan = lab.plan("read-replicas").expect(2);
    assert_eq!(plan.step_names(), ["db-b/variable", "db-b/channel/db-a"]);
    let before = plan.json()["steps"][1]["before"].clone();
    let origins = serde_json::json!({"kind": "options", "values": [
        {"name": "server ids left out", "value": "1, 2, 3"}, {"name": "GTID domains left out", "value": "7"}]});
    assert_eq!(before, origins);
    lab.apply("read-replicas");
    lab.plan("read-replicas").expect(0);
    lab.sql("db-a", "insert into shop.t values (1)");
    lab.wait_sql("db-b", "select count(*) from shop.t", "1");
}
