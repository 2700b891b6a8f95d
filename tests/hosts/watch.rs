//! `drift` where it lives: under systemd and cron on a host of its own, with rules for what is known.

use std::{fs::File, process::Stdio};

use crate::lab::{Lab, PASSWORD, patience};

/// Puts a file of this machine onto a host.
pub fn install(lab: &Lab, from: &std::path::Path, host: &str, to: &str, mode: &str) {
    let done = std::process::Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/lab"))
        .arg("at")
        .arg(lab.path(""))
        .args([host, &format!("mkdir -p $(dirname {to}) && cat > {to} && chmod {mode} {to}")])
        .stdin(File::open(from).expect("a file"))
        .stdout(Stdio::null())
        .status()
        .expect("the lab script runs");
    assert!(done.success(), "{to}");
}

fn unit(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/units").join(name)
}

#[test]
fn a_timer_and_cron_tell_when_the_servers_have_left_their_files() {
    let lab = Lab::pair();
    lab.apply("hot-standby");
    // The first host looks after both.
    install(&lab, env!("CARGO_BIN_EXE_tandem").as_ref(), "db-a", "/usr/bin/tandem", "755");
    install(&lab, &lab.path("id_ed25519"), "db-a", "/etc/tandem/id", "600");
    install(&lab, &lab.path("known_hosts"), "db-a", "/etc/tandem/known_hosts", "644");
    let here = lab.path("").to_string_lossy().trim_end_matches('/').to_owned();
    let inventory = std::fs::read_to_string(lab.path("hosts.yml")).unwrap();
    let inventory = inventory
        .replace(&format!("{here}/id_ed25519"), "/etc/tandem/id")
        .replace(&format!("{here}/known_hosts"), "/etc/tandem/known_hosts");
    assert!(!inventory.contains(&here), "{inventory}");
    install(&lab, &lab.write("there.yml", &inventory), "db-a", "/etc/tandem/hosts.yml", "644");
    let vars = "replication_password: {file: password}\nreplication_tls: \"off\"\n";
    install(&lab, &lab.write("there-vars.yml", vars), "db-a", "/etc/tandem/group_vars/db.yml", "644");
    let password = lab.write("there-password", PASSWORD);
    install(&lab, &password, "db-a", "/etc/tandem/group_vars/password", "600");
    lab.at("db-a", "echo TANDEM_PLAYBOOK=hot-standby > /etc/tandem/drift.env");
    for name in ["tandem-drift.service", "tandem-drift.timer"] {
        install(&lab, &unit(name), "db-a", &format!("/etc/systemd/system/{name}"), "644");
    }
    let verified = lab.try_at("db-a", "systemd-analyze verify /etc/systemd/system/tandem-drift.*");
    assert!(verified.code == 0 && verified.err.is_empty(), "{}", verified.err);

    let started = lab.try_at(
        "db-a",
        "systemctl daemon-reload; systemctl enable --now tandem-drift.timer; systemctl start tandem-drift.service",
    );
    assert_eq!(started.code, 0, "{}", lab.at("db-a", "journalctl -u tandem-drift -o cat"));
    let log =
        |fields: &str| lab.at("db-a", &format!("journalctl --sync; journalctl -t tandem -o cat {fields}"));
    assert!(log("").contains("hot-standby: in sync"), "{}", log(""));
    assert!(lab.at("db-a", "systemctl list-timers tandem-drift.timer").contains("tandem-drift.service"));
    // It can write nowhere but in its own directory.
    let wrote = lab.at("db-a", "find /etc/tandem /root /home -newer /etc/tandem/drift.env -type f");
    assert_eq!(wrote, "");

    lab.sql("db-b", "set global relay_log_purge = 1; set global binlog_format = 'MIXED'");
    assert_ne!(lab.try_at("db-a", "systemctl start tandem-drift.service").code, 0);
    assert_eq!(lab.at("db-a", "systemctl show -p ExecMainStatus --value tandem-drift.service"), "2");
    assert!(log("TANDEM_HOST=db-b -p warning").contains("db-b differs: set binlog_format"), "{}", log(""));
    // What cron would mail is short.
    let mail = lab.tandem(&["drift", "hot-standby"]).expect(2);
    assert_eq!(mail.out.lines().count(), 3, "{}", mail.out);
    mail.prints_for_people(&["binlog_format MIXED -> ROW"]);
    assert_eq!(mail.err, "");

    install(&lab, &unit("tandem-drift.cron"), "db-a", "/etc/cron.d/tandem-drift", "644");
    lab.at("db-a", "sed -i 's/^[*]\\/15/*/' /etc/cron.d/tandem-drift; journalctl --rotate --vacuum-time=1s -q; systemctl restart cron");
    // cron looks once a minute.
    let told = (0..3).flat_map(|_| patience()).any(|()| {
        lab.try_at("db-a", "journalctl -t tandem -o cat").out.contains("db-b differs: set binlog_format")
    });
    assert!(told, "{}", lab.try_at("db-a", "journalctl -n 30").out);
}

#[test]
fn what_is_known_is_left_out_with_its_reason_until_its_last_day() {
    let lab = Lab::pair();
    lab.apply("hot-standby");
    lab.tandem(&["drift", "hot-standby"]).expect(0);
    lab.sql("db-b", "set global binlog_format = 'MIXED'");
    lab.sql("db-a", "set sql_log_bin=0; create user repl_user@'10.9.9.9' identified by 'x'");
    let run = lab.tandem(&["drift", "hot-standby", "--format", "json"]).expect(2);
    assert_eq!(run.json()["in_sync"], false);
    let run = lab.tandem(&["drift", "hot-standby", "--format", "junit"]).expect(2);
    let junit = roxmltree::Document::parse(&run.out).expect("XML");
    let counts =
        ["tests", "failures", "errors"].map(|name| junit.root_element().attribute(name).expect("a count"));
    assert_eq!(counts, ["2", "2", "0"], "{}", run.out);
    let run = lab.tandem(&["plan", "hot-standby", "--format", "markdown"]).expect(2);
    let folds = run.out.matches("<details>").count();
    assert!(folds >= 1 && folds == run.out.matches("</details>").count(), "{}", run.out);
    lab.tandem(&["drift", "hot-standby", "--ignore", "db-b/variable/binlog_*"]).expect(2);
    lab.tandem(&[
        "drift",
        "hot-standby",
        "--ignore",
        "db-b/variable/binlog_*; a test",
        "--ignore",
        "*/extra-account",
    ])
    .expect(0);
    let rules = |until: &str| {
        lab.vars(&format!(
            "replication_password: {{env: REPLICATION_PASSWORD}}\nreplication_tls: \"off\"\n\
             drift_ignore:\n  - {{what: \"*/variable/binlog_format\", reason: a trial, until: {until}}}\n  \
             - {{what: \"db-a/extra-*\", reason: it is being moved}}\n  - {{what: db-b/test-database, reason: idle}}\n"
        ));
    };
    rules("2999-12-31");
    let run = lab.tandem(&["drift", "hot-standby", "-v"]).expect(0);
    for line in [
        "Ignored: db-b/variable/binlog_format (a trial, until 2999-12-31)",
        "Ignored: db-a/extra-account (it is being moved)",
        "A rule fits nothing: db-b/test-database",
    ] {
        assert!(run.err.contains(line), "{line}\n{}", run.err);
    }
    let json = lab.tandem(&["drift", "hot-standby", "--format", "json"]).expect(0).json();
    assert_eq!((json["ignored"].as_array().map(Vec::len), &json["in_sync"]), (Some(2), &true.into()));
    rules("2001-01-01");
    let run = lab.tandem(&["drift", "hot-standby"]).expect(2);
    run.tells_people(&["A rule has ended", "group_vars/db.yml:4"]);
    rules("soon");
    let run = lab.tandem(&["validate", "hot-standby"]).expect(65);
    run.tells_people(&["`until` is a day such as"]);
}

#[test]
fn a_replica_that_nobody_declared_is_told() {
    let lab = Lab::boot(&["db-a", "db-b", "db-c"]);
    lab.write(
        "play.yml",
        "- hosts: db-a,db-b\n  topology: {kind: primary-replica, primary: db-a, replicas: [db-b]}\n  roles: [firewall, config, accounts, seed, replication]\n",
    );
    lab.apply("play.yml");
    lab.tandem(&["drift", "play.yml"]).expect(0);
    lab.sql("db-a", "set sql_log_bin=0; create user foreign_user@'%' identified by 'x'; grant replication slave on *.* to foreign_user@'%'");
    lab.sql("db-c", "set global server_id = 77; change master to master_host='10.77.0.11', master_user='foreign_user', master_password='x', master_use_gtid=slave_pos; start slave");
    let told = patience().any(|()| lab.tandem(&["drift", "play.yml"]).out.contains("server_id 77"));
    assert!(told, "{}", lab.tandem(&["drift", "play.yml"]).out);
    lab.tandem(&["drift", "play.yml"]).expect(2);
    lab.tandem(&["drift", "play.yml", "--ignore", "db-a/extra-replica; a backup"]).expect(0);
}

#[test]
fn rows_that_differ_are_found_by_a_sample() {
    let lab = Lab::pair();
    lab.sql("db-a", "create database hello; create table hello.t (id int primary key, v varchar(20)); use hello; insert into t select seq, 'row' from seq_1_to_1000");
    lab.apply("hot-standby");
    lab.tandem(&["drift", "hot-standby", "--sample-data", "5"]).expect(0);
    lab.sql("db-b", "set sql_log_bin=0; update hello.t set v = 'other' where id = 500");
    lab.tandem(&["drift", "hot-standby"]).expect(0);
    let run = lab.tandem(&["drift", "hot-standby", "--sample-data", "5"]).expect(2);
    run.prints_for_people(&["differ in hello.t, among 1000 rows"]);
    lab.tandem(&["drift", "hot-standby", "--sample-data", "5", "--ignore", "*/data-differs; known"])
        .expect(0);
}
