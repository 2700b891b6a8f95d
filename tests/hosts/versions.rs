//! The same job on other servers: MariaDB 10.5, 10.11 and 11.8, alone and mixed.

use crate::{lab::Lab, seeding::DATA};

const DEFAULT: &str = "replication_password: {env: REPLICATION_PASSWORD}\n";

/// A pair with data, encrypted as by default: seeded, both threads, rows both ways, checksums, silent again.
fn a_pair_of(suite: &str) {
    let lab = Lab::boot(&[&format!("db-a={suite}"), &format!("db-b={suite}")]);
    lab.vars(DEFAULT);
    lab.sql("db-a", DATA);
    lab.apply("hot-standby");
    lab.plan("hot-standby").expect(0);
    lab.sql("db-a", "insert into hello.acked (host) values ('db-a')");
    lab.sql("db-b", "insert into hello.acked (host) values ('db-b')");
    lab.same(["db-a", "db-b"], "select group_concat(host order by id) from hello.acked having count(*) = 2");
    lab.same(["db-a", "db-b"], "checksum table shop.item, shop.child, hello.acked extended");
    for (host, peer) in [("db-a", "10.77.0.12"), ("db-b", "10.77.0.11")] {
        assert!(lab.sql(host, &format!("show create user repl_user@'{peer}'")).contains("REQUIRE SSL"));
    }
    lab.vars(&format!("{DEFAULT}replication_tls: verify_identity\n"));
    lab.apply("hot-standby");
    lab.plan("hot-standby").expect(0);
}

#[test]
fn a_pair_of_mariadb_10_5() {
    a_pair_of("bullseye");
}

#[test]
fn a_pair_of_mariadb_11_8() {
    a_pair_of("trixie");
}

#[test]
fn newer_replicas_of_an_older_source() {
    let lab = Lab::boot(&["db-a=bullseye", "db-b=bookworm", "db-c=trixie"]);
    lab.vars(DEFAULT);
    lab.sql("db-a", "create database hello; create table hello.t (id int auto_increment primary key, v varchar(20)); insert into hello.t (v) values ('before')");
    lab.apply("read-replicas");
    lab.plan("read-replicas").expect(0);
    lab.sql("db-a", "insert into hello.t (v) values ('after')");
    for host in ["db-b", "db-c"] {
        lab.wait_sql(host, "select group_concat(v order by id) from hello.t", "before,after");
    }
}
