//! Two bare servers become each other's hot standby, and the second apply does nothing at all.

use crate::lab::{Lab, PASSWORD};

#[test]
fn a_fresh_pair_becomes_a_hot_standby() {
    let lab = Lab::pair();
    // The checks that the distribution runs after a start are no clients.
    lab.at(
        "db-b",
        "printf '#!/bin/bash\\n{ mariadb -e \"select sleep(4)\"; true; } >/dev/null &\\n' >/etc/mysql/debian-start; \
         systemctl restart mariadb",
    );
    let checks = "select count(*) from information_schema.processlist where info = 'select sleep(4)'";
    lab.wait_sql("db-b", checks, "1");
    let plan = lab.tandem(&["plan", "hot-standby"]).expect(2).out;
    assert_eq!(plan.matches("; no client is connected").count(), 2, "{plan}");
    let run = lab.apply("hot-standby");
    assert!(!run.out.contains(PASSWORD) && !run.err.contains(PASSWORD));
    let again = lab.plan("hot-standby").expect(0).json();
    assert_eq!(again["in_sync"], true);
    assert_eq!(again["steps"].as_array().map(Vec::len), Some(0));
    lab.tandem(&["status", "hot-standby"]).expect(0);

    // Rows cross both ways, and each server counts in its own steps: 1, 11, 21 and 2, 12.
    lab.sql(
        "db-a",
        "create database hello; create table hello.t (id int auto_increment primary key, v text)",
    );
    lab.sql("db-a", "insert into hello.t (v) values ('a'); insert into hello.t (v) values ('b')");
    lab.sql("db-a", "insert into hello.t (v) values ('c')");
    lab.wait_sql("db-b", "select count(*) from information_schema.tables where table_schema='hello'", "1");
    lab.wait_sql("db-b", "select group_concat(id order by id) from hello.t", "1,11,21");
    lab.sql("db-b", "insert into hello.t (v) values ('d'); insert into hello.t (v) values ('e')");
    let ids =
        lab.same(["db-a", "db-b"], "select group_concat(id order by id) from hello.t having count(*) = 5");
    let ids: Vec<u32> = ids.split(',').map(|id| id.parse().unwrap()).collect();
    assert_eq!(ids.iter().filter(|id| *id % 10 == 1).count(), 3, "{ids:?}");
    assert_eq!(ids.iter().filter(|id| *id % 10 == 2).count(), 2, "{ids:?}");

    // The account is bound to the peer's address, and no other exists.
    for (host, peer) in [("db-a", "10.77.0.12"), ("db-b", "10.77.0.11")] {
        let hosts = lab.sql(host, "select group_concat(host) from mysql.user where user='repl_user'");
        assert_eq!(hosts, peer);
        let grants = lab.sql(host, &format!("show grants for repl_user@'{peer}'"));
        assert!(grants.starts_with("GRANT REPLICATION SLAVE ON *.*"), "{grants}");
    }
}

#[test]
fn a_second_apply_is_silent_seen_from_outside() {
    let lab = Lab::pair();
    lab.apply("hot-standby");
    let state = |host: &str| {
        lab.at(
            host,
            "systemctl show -p MainPID -p InvocationID mariadb; nft list ruleset; iptables-save 2>/dev/null; \
             find /etc /root /home /var/lib/tandem -xdev -newermt @0 -printf '%p %T@ %i\\n' 2>/dev/null | sort; \
             cat /var/lib/mysql/*.info",
        )
    };
    for host in ["db-a", "db-b"] {
        lab.sql(host, "set global general_log_file='/tmp/general.log'; set global general_log=1");
    }
    let (before, positions) = ([state("db-a"), state("db-b")], positions(&lab));
    lab.tandem(&["apply", "hot-standby", "--yes"]).expect(0);
    lab.tandem(&["plan", "hot-standby"]).expect(0);
    lab.tandem(&["drift", "hot-standby"]).expect(0);
    lab.tandem(&["status", "hot-standby"]).expect(0);
    lab.tandem(&["doctor", "hot-standby"]).expect(0);
    assert_eq!(before, [state("db-a"), state("db-b")]);
    assert_eq!(positions, self::positions(&lab));
    for host in ["db-a", "db-b"] {
        lab.sql(host, "set global general_log=0");
        let log = lab.at(host, "cat /tmp/general.log");
        let mut statements = 0;
        for line in log.lines() {
            // What was sent together has a line for each statement; a line of the log itself begins with a time or a tab.
            let statement = match line.split_once("Query\t") {
                Some((_, statement)) => statement,
                None if line.starts_with(|c: char| c.is_ascii_uppercase() && statements > 0) => line,
                None => continue,
            };
            // Our own hand on the log itself.
            if statement.starts_with("set global general_log") {
                continue;
            }
            statements += 1;
            let upper = statement.trim().to_uppercase();
            assert!(
                ["SELECT", "SHOW", "SET SESSION", "(SELECT"].iter().any(|word| upper.starts_with(word)),
                "{host} was told: {statement}"
            );
        }
        assert!(statements > 5, "the log of {host} holds {statements} statements, so it proves nothing");
    }
}

fn positions(lab: &Lab) -> [String; 2] {
    ["db-a", "db-b"]
        .map(|host| lab.sql(host, "select @@gtid_binlog_pos, @@gtid_slave_pos; show master status"))
}

#[test]
fn drift_of_four_kinds_is_named_and_mended_exactly() {
    let lab = Lab::pair();
    lab.vars(
        "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\n\
         firewall_deny_others: true\nfirewall_backend: nftables\nfirewall_allow: [10.77.0.1]\n",
    );
    lab.apply("hot-standby");
    lab.tandem(&["drift", "hot-standby"]).expect(0);

    // One grant, one variable, one firewall rule, one channel option.
    lab.sql("db-b", "set session sql_log_bin=0; grant process on *.* to repl_user@'10.77.0.11'");
    lab.sql("db-b", "set global auto_increment_increment=7");
    lab.at("db-a", "nft flush table inet tandem");
    lab.sql("db-a", "stop slave; change master to master_delay=7; start slave");

    let plan = lab.plan("hot-standby").expect(2);
    let mut names = plan.step_names();
    // Peers come in before others are kept out.
    names.retain(|name| name != "db-a/firewall/close");
    names.sort();
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(names[0].starts_with("db-a/channel"), "{names:?}");
    assert!(names[1].starts_with("db-a/firewall"), "{names:?}");
    assert!(names[2].starts_with("db-b/account"), "{names:?}");
    assert!(names[3].starts_with("db-b/variable"), "{names:?}");
    lab.tandem(&["drift", "hot-standby"]).expect(2);
    assert_eq!(lab.plan("hot-standby").out, plan.out, "the same state gives the same bytes");

    let pids = ["db-a", "db-b"].map(|h| lab.at(h, "systemctl show -p MainPID mariadb"));
    lab.apply("hot-standby");
    assert_eq!(pids, ["db-a", "db-b"].map(|h| lab.at(h, "systemctl show -p MainPID mariadb")));
    lab.tandem(&["drift", "hot-standby"]).expect(0);
    let grants = lab.sql("db-b", "show grants for repl_user@'10.77.0.11'");
    assert!(!grants.contains("PROCESS"), "{grants}");
    assert_eq!(lab.sql("db-b", "select @@global.auto_increment_increment"), "10");
    assert!(lab.at("db-a", "nft list table inet tandem").contains("3306"));
}

#[test]
fn drift_tells_cron_prometheus_and_a_command() {
    let lab = Lab::pair();
    lab.apply("hot-standby");
    let drift = ["drift", "hot-standby", "--metrics-file", "m.prom", "--on-drift", "cat > drift.json"];
    let run = lab.tandem(&drift).expect(0);
    assert_eq!((run.out.as_str(), run.err.as_str()), ("", ""), "drift is not silent");
    assert!(std::fs::read_to_string(lab.path("m.prom")).unwrap().contains("tandem_in_sync 1\n"));
    assert!(!lab.path("drift.json").exists());

    lab.sql("db-b", "set global auto_increment_increment=7");
    lab.tandem(&drift).expect(2);
    let metrics = std::fs::read_to_string(lab.path("m.prom")).unwrap();
    assert!(metrics.contains("tandem_drift_steps{host=\"db-b\",kind=\"variable\"} 1\n"), "{metrics}");
    let json: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(lab.path("drift.json")).unwrap()).unwrap();
    assert_eq!(json["steps"][0]["id"], "db-b/variable");
    lab.tandem(&["drift", "hot-standby", "--ignore", "db-b/variable"]).expect(0);

    let graph = lab.tandem(&["graph", "hot-standby"]).expect(0).out;
    assert!(graph.starts_with("flowchart LR\n") && graph.contains("h0 -->|\u{2713} running"), "{graph}");
    let graph = lab.tandem(&["graph", "hot-standby", "--as", "dot"]).expect(0).out;
    assert!(graph.starts_with("digraph topology {") && graph.contains("h1 -> h0"), "{graph}");
}
