//! The same job on every server that boots here, alone and mixed. What a test has proven is a row of
//! docs/versions.md, which `make versions` writes.

use crate::{lab::Lab, seeding::DATA};

const DEFAULT: &str = "replication_password: {env: REPLICATION_PASSWORD}\n";

/// [`DATA`] for MySQL, which has no sequences and other words for some accounts.
pub fn mysql_data() -> String {
    let rows = "create table seq (seq int); insert into seq with recursive n as (select 1 as seq union all select \
                seq + 1 from n where seq < 20000) select /*+ SET_VAR(cte_max_recursion_depth = 30000) */ seq from n;";
    let role = "grant auditor to app@'10.77.%';";
    DATA.replace("use shop;", &format!("use shop;\n{rows}"))
        .replace("seq_1_to_20000", "seq")
        .replace("identified via unix_socket", "identified with auth_socket")
        .replace(role, &format!("{role} set default role auditor to app@'10.77.%';"))
}

/// Keeps a row of the matrix for `make versions`, and shows it.
#[allow(clippy::print_stdout)]
pub fn proven(lab: &Lab, [source, replica]: [&str; 2], what: &str) {
    let version = |host: &str| {
        let text = lab.sql(host, "select version()");
        let family = if text.contains("MariaDB") { "MariaDB" } else { "MySQL" };
        format!("{family} {}", text.split('-').next().unwrap_or_default())
    };
    let (source, replica) = (version(source), version(replica));
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("versions");
    std::fs::create_dir_all(&directory).unwrap();
    let row = format!("| {source} | {replica} | {what} |\n");
    std::fs::write(directory.join(format!("{source} {replica}")), &row).unwrap();
    println!("{row}");
}

/// A pair with data, encrypted as by default: seeded, both threads, rows both ways, checksums, silent again,
/// and the certificate's name verified.
fn a_pair_of(suite: &str, data: &str) {
    let lab = Lab::boot(&[&format!("db-a={suite}"), &format!("db-b={suite}")]);
    lab.vars(DEFAULT);
    lab.sql("db-a", data);
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
    let status = lab.tandem(&["status", "hot-standby", "--format", "json"]).expect(0).json();
    let channels = status["channels"].as_array().unwrap();
    assert!(channels.len() == 2 && channels.iter().all(|c| c["tls"] == "on"), "{status}");
    // The sources see it too: every thread that sends a binary log uses a cipher.
    for host in ["db-a", "db-b"] {
        let clear = "select count(*) from performance_schema.status_by_thread s join performance_schema.threads t \
                     using (thread_id) where t.processlist_command like 'Binlog Dump%' and s.variable_name = 'Ssl_cipher'";
        let all = lab.sql(host, clear);
        let encrypted = lab.sql(host, &format!("{clear} and s.variable_value <> ''"));
        assert_eq!(all, encrypted, "{host}");
    }
    let what =
        "seeded, both threads, rows both ways, checksums, second apply silent, TLS in use and verified";
    proven(&lab, ["db-a", "db-b"], what);
}

#[test]
#[ignore = "make more"]
fn a_pair_of_mariadb_10_5() {
    a_pair_of("bullseye", DATA);
}

#[test]
#[ignore = "make more"]
fn a_pair_of_mariadb_10_11() {
    a_pair_of("bookworm", DATA);
}

#[test]
#[ignore = "make more"]
fn a_pair_of_mariadb_11_8() {
    a_pair_of("trixie", DATA);
}

#[test]
#[ignore = "make more"]
fn a_pair_of_mysql_9() {
    a_pair_of("sid", &mysql_data());
}

#[test]
fn edges_that_versions_forbid_are_refused_before_anything_is_touched() {
    for (source, playbook, reason, what) in [
        (
            "trixie",
            "read-replicas",
            "a replica must not be older than its source",
            "a replica must not be older",
        ),
        ("sid", "hot-standby", "the two families write different events", "two families"),
    ] {
        let lab = Lab::boot(&[&format!("db-a={source}"), "db-b=bookworm"]);
        lab.vars(DEFAULT);
        let refused = lab.tandem(&["apply", playbook, "--yes"]).expect(8);
        assert!(refused.out.contains(reason), "{}", refused.out);
        for host in ["db-a", "db-b"] {
            lab.at(host, "! ls /etc/mysql/*/zz-tandem.cnf");
        }
        proven(&lab, ["db-a", "db-b"], &format!("refused before anything is touched: {what}"));
    }
}

#[test]
#[ignore = "make more"]
fn newer_replicas_of_an_older_source() {
    let lab = Lab::boot(&["db-a=bullseye", "db-b=bookworm", "db-c=trixie"]);
    lab.vars(DEFAULT);
    lab.sql("db-a", "create database hello; create table hello.t (id int auto_increment primary key, v varchar(20)); insert into hello.t (v) values ('before')");
    lab.apply("read-replicas");
    lab.plan("read-replicas").expect(0);
    lab.sql("db-a", "insert into hello.t (v) values ('after')");
    for host in ["db-b", "db-c"] {
        lab.wait_sql(host, "select group_concat(v order by id) from hello.t", "before,after");
        proven(&lab, ["db-a", host], "seeded, both threads, rows, second apply silent");
    }
}
