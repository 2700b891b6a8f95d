//! The wire is encrypted unless somebody says otherwise, and certificates are verified where that is wished.

use crate::lab::Lab;

const DEFAULT: &str = "replication_password: {env: REPLICATION_PASSWORD}\n";

#[test]
fn channels_are_encrypted_by_default_and_the_authority_stays_beside_the_inventory() {
    let lab = Lab::pair();
    lab.vars(DEFAULT);
    lab.apply("hot-standby");
    lab.plan("hot-standby").expect(0);
    for (host, peer) in [("db-a", "10.77.0.12"), ("db-b", "10.77.0.11")] {
        // The server itself refuses this account without TLS, and the channel runs.
        let grant = lab.sql(host, &format!("show create user repl_user@'{peer}'"));
        assert!(grant.contains("REQUIRE SSL"), "{grant}");
        lab.wait_sql(
            host,
            "select variable_value from information_schema.global_status where variable_name='slave_running'",
            "ON",
        );
        assert_eq!(lab.at(host, "stat -c '%U %a' /etc/mysql/tandem/server-key.pem"), "mysql 400");
    }
    use std::os::unix::fs::PermissionsExt;
    let key = std::fs::metadata(lab.path("tls/ca.key")).expect("the authority's key");
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    lab.sql("db-a", "create database hello; create table hello.t (id int auto_increment primary key); insert into hello.t values ()");
    lab.wait_sql(
        "db-b",
        "select count(*) from information_schema.tables where table_name='t' and table_schema='hello'",
        "1",
    );
    lab.wait_sql("db-b", "select count(*) from hello.t", "1");
}

#[test]
fn identity_is_verified_and_a_wrong_name_is_refused() {
    a_wrong_name_is_refused("bookworm", "flush ssl", "stop slave; start slave", "mariadb");
}

#[test]
fn mysql_verifies_identity_too() {
    a_wrong_name_is_refused("sid", "alter instance reload tls", "stop replica; start replica", "mysql");
}

fn a_wrong_name_is_refused(suite: &str, reload: &str, again: &str, unit: &str) {
    let lab = Lab::boot(&[&format!("db-a={suite}"), &format!("db-b={suite}")]);
    lab.vars(&format!("{DEFAULT}replication_tls: verify_identity\n"));
    lab.apply("hot-standby");
    lab.plan("hot-standby").expect(0);
    // db-a answers with the certificate of another host by the same authority.
    lab.at("db-a", "cp -p /etc/mysql/tandem/server-cert.pem /root/kept.pem; cp -p /etc/mysql/tandem/server-key.pem /root/kept.key");
    let foreign = lab.at("db-b", "base64 -w0 /etc/mysql/tandem/server-cert.pem");
    let key = lab.at("db-b", "base64 -w0 /etc/mysql/tandem/server-key.pem");
    lab.at("db-a", &format!("echo {foreign} | base64 -d > /etc/mysql/tandem/server-cert.pem; echo {key} | base64 -d > /etc/mysql/tandem/server-key.pem"));
    lab.sql("db-a", reload);
    lab.sql("db-b", again);
    let mut doctor = lab.tandem(&["doctor", "hot-standby"]);
    for _ in crate::lab::patience() {
        if doctor.out.contains("TLS") {
            break;
        }
        doctor = lab.tandem(&["doctor", "hot-standby"]);
    }
    doctor.prints_for_people(&["TLS"]);
    // The plan sees the wrong name, and the apply mends it without a restart.
    let names = lab.plan("hot-standby").expect(2).step_names();
    assert!(names.contains(&"db-a/certificate".to_owned()), "{names:?}");
    let main_pid = format!("systemctl show -p MainPID {unit}");
    let pid = lab.at("db-a", &main_pid);
    lab.apply("hot-standby");
    assert_eq!(lab.at("db-a", &main_pid), pid);
    lab.plan("hot-standby").expect(0);
}

#[test]
fn from_clear_text_to_verified_and_back() {
    there_and_back("bookworm");
}

#[test]
fn mysql_from_clear_text_to_verified_and_back() {
    there_and_back("sid");
}

fn there_and_back(suite: &str) {
    let lab = Lab::boot(&[&format!("db-a={suite}"), &format!("db-b={suite}")]);
    lab.apply("hot-standby");
    for tls in ["required", "verify_ca", "verify_identity", "off"] {
        lab.vars(&format!("{DEFAULT}replication_tls: \"{tls}\"\n"));
        lab.tandem(&["apply", "hot-standby", "--yes", "--allow", "restart"]).expect(0);
        lab.plan("hot-standby").expect(0);
    }
}

/// Nobody has given the replica an authority: the channel goes on in the clear, and says so.
#[test]
#[ignore = "make more"]
fn a_change_of_tls_that_fails_leaves_the_channel_as_it_was() {
    for (suite, running) in [("trixie", "show slave status"), ("sid", "show replica status")] {
        let lab = Lab::boot(&[&format!("db-a={suite}"), &format!("db-b={suite}")]);
        lab.write(
            "play.yml",
            "- hosts: db\n  topology: {kind: primary-replica, primary: db-a, replicas: [db-b]}\n  \
             roles: [config, accounts, seed, replication]\n",
        );
        lab.vars(&format!("{DEFAULT}replication_tls: \"off\"\n"));
        lab.apply("play.yml");
        lab.vars(&format!("{DEFAULT}replication_tls: verify_ca\n"));
        lab.refuses(&["apply", "play.yml", "--yes", "--allow", "restart"], "tls-without-authority");
        // A file that is there, and is no authority's.
        lab.vars(&format!("{DEFAULT}replication_tls: verify_ca\nreplication_tls_ca: /etc/hostname\n"));
        let run = lab.tandem(&["apply", "play.yml", "--yes", "--allow", "restart"]);
        assert!(![0, 8, 130].contains(&run.code), "{suite}: {}", run.err);
        let status = lab.sql("db-b", running);
        let threads = status.split('\t').filter(|value| *value == "Yes").count();
        assert_eq!(threads, 2, "{suite}: {status}");
        lab.sql("db-a", "create database after_it");
        lab.wait_sql(
            "db-b",
            "select count(*) from information_schema.schemata where schema_name='after_it'",
            "1",
        );
        lab.vars(&format!("{DEFAULT}replication_tls: \"off\"\n"));
        lab.tandem(&["apply", "play.yml", "--yes", "--allow", "restart"]).expect(0);
        lab.plan("play.yml").expect(0);
    }
}
