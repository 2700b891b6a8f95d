//! The same job on every server that boots here, alone and mixed. What it proves is printed as one row for
//! each pair (`cargo test --test hosts versions -- --nocapture`) and written down in docs/versions.md.

use crate::{lab::Lab, seeding::DATA};

const DEFAULT: &str = "replication_password: {env: REPLICATION_PASSWORD}\n";

/// [`DATA`] for MySQL, which has no sequences and other words for some accounts.
pub fn mysql_data() -> String {
    let rows = "create table seq (seq int); insert into seq with recursive n as (select 1 as seq union all select \
                seq + 1 from n where seq < 20000) select /*+ SET_VAR(cte_max_recursion_depth = 30000) */ seq from n;";
    DATA.replace("use shop;", &format!("use shop;\n{rows}"))
        .replace("seq_1_to_20000", "seq")
        .replace("identified via unix_socket", "identified with auth_socket")
        .replace(
            "grant auditor to app@'10.77.%';",
            "grant auditor to app@'10.77.%'; set default role auditor to app@'10.77.%';",
        )
}

/// A pair with data, encrypted as by default: seeded, both threads, rows both ways, checksums, silent again,
/// and the certificate's name verified once the role that issues one is there.
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
    assert!(channels.iter().all(|c| c["tls"] == true), "{status}");
    let version = lab.sql("db-a", "select version()");
    proven(
        suite,
        &format!(
            "| {version} | {version} | seeded, both threads, rows both ways, checksums, second apply silent, TLS in use |"
        ),
    );
}

/// Keeps a row of the matrix for `make versions`, and shows it.
#[allow(clippy::print_stdout)]
fn proven(name: &str, row: &str) {
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("versions");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join(name), format!("{row}\n")).unwrap();
    println!("{row}");
}

#[test]
fn a_pair_of_mariadb_10_5() {
    a_pair_of("bullseye", DATA);
}

#[test]
fn a_pair_of_mariadb_11_8() {
    a_pair_of("trixie", DATA);
}

#[test]
fn a_pair_of_mysql_9() {
    a_pair_of("sid", &mysql_data());
}

#[test]
fn edges_that_versions_forbid_are_refused_before_anything_is_touched() {
    let lab = Lab::boot(&["db-a=trixie", "db-b=bookworm"]);
    lab.vars(DEFAULT);
    let refused = lab.tandem(&["apply", "read-replicas", "--yes"]).expect(8);
    assert!(refused.out.contains("a replica must not be older than its source"), "{}", refused.out);
    for host in ["db-a", "db-b"] {
        lab.at(host, "! test -e /etc/mysql/mariadb.conf.d/zz-tandem.cnf");
    }
    let lab = Lab::boot(&["db-a=sid", "db-b=bookworm"]);
    lab.vars(DEFAULT);
    let refused = lab.tandem(&["apply", "hot-standby", "--yes"]).expect(8);
    assert_eq!(refused.out.matches("the two families write different events").count(), 2, "{}", refused.out);
    for (host, file) in [("db-a", "mysql.conf.d"), ("db-b", "mariadb.conf.d")] {
        lab.at(host, &format!("! test -e /etc/mysql/{file}/zz-tandem.cnf"));
    }
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
