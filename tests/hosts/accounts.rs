//! Accounts: a password is rotated under writes, and what others have made of an account is read right.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    lab::{Lab, PASSWORD},
    takeover::tree,
};

#[test]
fn a_password_is_rotated_under_writes() {
    rotation("bookworm");
}

#[test]
fn mysql_rotates_a_password_under_writes() {
    rotation("sid");
}

fn rotation(suite: &str) {
    let lab = Lab::boot(&[&format!("db-a={suite}"), &format!("db-b={suite}")]);
    lab.sql("db-a", "create database hello; create table hello.t (id bigint primary key auto_increment)");
    lab.apply("hot-standby");
    let mut writer = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/lab"))
        .arg("at")
        .arg(lab.path(""))
        .args([
            "db-a",
            "sql=$(command -v mariadb || command -v mysql); i=0; while [ ! -e /tmp/stop ] && [ $i -lt 20000 ]; do i=$((i+1)); \
             echo 'insert into hello.t () values ();'; sleep 0.01; done | $sql --unbuffered",
        ])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    lab.wait_sql("db-b", "select count(*) > 20 from hello.t", "1");

    lab.write("secret", "rotated p'assword\\");
    lab.vars("replication_password: {file: ../secret}\nreplication_tls: \"off\"\n");
    let before: u64 = lab.sql("db-b", "select count(*) from hello.t").parse().unwrap();
    lab.apply("hot-standby");
    lab.wait_sql("db-b", &format!("select count(*) > {before} + 20 from hello.t"), "1");
    lab.at("db-a", "touch /tmp/stop");
    writer.wait().unwrap();
    lab.same(["db-a", "db-b"], "select count(*), sum(id) from hello.t");
    lab.plan("hot-standby").expect(0);

    // From the statement that stops a channel to the one that starts it again: both are in the journal.
    let mut journals: Vec<_> =
        std::fs::read_dir(lab.path("state/tandem/runs")).unwrap().map(|e| e.unwrap().path()).collect();
    journals.sort();
    let entries = std::fs::read_to_string(journals.last().unwrap()).unwrap();
    let mut stopped: Option<jiff::Timestamp> = None;
    let mut gaps = 0;
    for line in entries.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        let (Some(text), Some(time)) = (entry["what"].as_str(), entry["time"].as_str()) else { continue };
        let time: jiff::Timestamp = time.parse().expect("a time");
        if entry["host"] == "db-b" && text.starts_with("STOP ") {
            stopped = Some(time);
        } else if entry["host"] == "db-b" && text.starts_with("START ") {
            let gap = time.duration_since(stopped.take().expect("it was stopped before"));
            assert!(gap.unsigned_abs() < Duration::from_secs(5), "{gap:?}");
            gaps += 1;
        }
    }
    assert_eq!(gaps, 1);
    assert!(!entries.contains("rotated p") && !entries.contains(PASSWORD));
}

#[test]
fn an_account_is_read_right_whatever_it_logs_in_with() {
    let lab = Lab::pair();
    lab.apply("hot-standby");
    // Written in other words it is the same account.
    lab.sql("db-a", "set sql_log_bin=0; grant replication replica on *.* to repl_user@'10.77.0.12'");
    lab.plan("hot-standby").expect(0);
    let account = "db-a/account/repl_user@10.77.0.12";
    for (made, clause) in [
        ("install soname 'auth_ed25519'", "identified via ed25519 using password('x')"),
        ("select 1", "identified via unix_socket"),
        ("select 1", "identified via mysql_native_password using password('x') or unix_socket"),
        ("select 1", "require x509"),
        ("select 1", "account lock"),
    ] {
        lab.sql("db-a", &format!("{made}; set sql_log_bin=0; alter user repl_user@'10.77.0.12' {clause}"));
        let plan = lab.plan("hot-standby").expect(2);
        assert_eq!(plan.step_names(), [account], "{clause}: {}", plan.out);
        lab.apply("hot-standby");
        lab.plan("hot-standby").expect(0);
    }
}

/// Who administers a replica keeps the password that is declared there, whatever the account of that name has on the source.
#[test]
fn the_administrator_of_a_replica_keeps_its_own_password() {
    let lab = Lab::pair();
    for (host, password) in [("db-a", "Of a 1"), ("db-b", "Of b 2")] {
        lab.sql(
            host,
            &format!("create user adm@localhost identified by '{password}'; grant all on *.* to adm@localhost with grant option"),
        );
        lab.write(&format!("secret-{host}"), password);
        lab.host_vars(
            host,
            &format!("mysql_admin_user: adm\nmysql_admin_password: {{file: ../secret-{host}}}\n"),
        );
    }
    lab.sql("db-a", "create database shop; create table shop.t (id int primary key); create user app@'%' identified by 'x'");
    lab.tandem(&["apply", "read-replicas", "--yes"]).expect(0);
    lab.tandem(&["plan", "read-replicas"]).expect(0);
    assert_eq!(lab.sql("db-b", "select count(*) from mysql.user where user in ('adm', 'app')"), "2");
    assert_eq!(lab.at("db-b", "mariadb -N -uadm -p'Of b 2' -e 'select 1'"), "1");
}

/// A replica that is left out, or off, still logs in with what it has: its account changes with it, or not at all.
#[test]
fn a_login_changes_on_both_sides_or_on_none() {
    let lab = tree("bookworm");
    let reconnects = |host: &str| {
        lab.sql(host, "stop slave; start slave");
        lab.channels_run(&[host]);
    };
    lab.write("secret", "another one");
    lab.vars("replication_password: {file: ../secret}\nreplication_tls: \"off\"\n");
    for limit in ["db-a", "db-c"] {
        let run = lab.tandem(&["plan", "play.yml", "--limit", limit, "--format", "json"]).json();
        let waits = run["waiting"].as_array().unwrap();
        assert!(waits.iter().any(|waiting| waiting["host"] == limit), "{run:#}");
        lab.tandem(&["apply", "play.yml", "--limit", limit, "--yes"]);
        reconnects("db-b");
        reconnects("db-c");
    }
    lab.link("db-c", "down");
    lab.tandem(&["apply", "play.yml", "--yes"]).expect(4);
    reconnects("db-b");
    lab.link("db-c", "up");
    reconnects("db-c");
    lab.apply("play.yml");
    reconnects("db-b");
    reconnects("db-c");
    lab.plan("play.yml").expect(0);
}
