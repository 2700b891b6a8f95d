//! Proof by use: what is proven, what is named, and that nothing is left behind.

use std::{
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::Value;

use crate::lab::{Lab, Run};

const BASIC: &str = "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\n";

const THERE: &str = "select count(*) from information_schema.schemata where schema_name like 'tandem%'";

/// Rows of every kind that a comparison could stumble over.
const DATA: &str = "create database hello; use hello; set sql_mode='';
    create table t (id int auto_increment primary key, v varchar(40), n double, b blob);
    insert into t (v, n, b) select concat('row ', seq), seq / 7, unhex(sha1(seq)) from seq_1_to_3000;
    create table keyless (a int, v text); insert into keyless values (1, 'x'), (1, 'x'), (2, 'y'), (null, null);
    create table pair (g varchar(10) character set latin1, n int, e enum('a','b',''), primary key (g, n, e));
    insert into pair values ('é', 1, 'a'), ('É', 2, 'b'), ('zwölf', 1, ''), ('', 1, 'a'), ('x', 1, 'none');
    create table odd (id bigint unsigned primary key, f float, fd float(7,3), dc decimal(30,10), t text character set ucs2, j json,
      y year, dt datetime(6), ts timestamp(3) null, tm time(2), d date, bi bit(64), s set('x','y'), i6 inet6, g geometry,
      vg int as (y + 1) virtual, sg int as (y + 2) stored, inv int invisible default 3, bn binary(4), c char(10));
    insert into odd (id) values (18446744073709551615);
    insert into odd (id, f, fd, dc, t, j, y, dt, ts, tm, d, bi, s, i6, g, bn, c) values
      (1, 1.1, 3.14159, -12345678901234567890.0123456789, 'тест#', '{\"a\": 1.5}', 2024, '0000-00-00', '2024-01-02 03:04:05.678',
       '-12:34:56.78', '2024-00-00', b'1111111111111111111111111111111111111111111111111111111111111111', 'x,y', '::1',
       point(1, 2.5), x'01', 'a '),
      (2, 16777217, -0.0, 0, '', 'null', 0, '9999-12-31 23:59:59.999999', null, '838:59:59', '0000-00-00', b'0', '', '::', null, '', '');
    create table kept (id int primary key, v int) with system versioning; insert into kept values (1, 1); update kept set v = 2;
    create table wide (a date, b decimal(10,2), c binary(3), d float, v int, primary key (a, b, c, d));
    insert into wide select '2024-01-01' + interval seq % 7 day, seq / 100, char(seq % 250), seq / 3, seq from seq_1_to_5000;
    create view seen as select * from t; create sequence numbers;";

fn pair(data: &str) -> Lab {
    let lab = Lab::pair();
    lab.apply("hot-standby");
    lab.sql("db-a", data);
    lab.same(["db-a", "db-b"], "select count(*) from information_schema.tables where table_schema = 'hello'");
    lab
}

fn verify(lab: &Lab, args: &[&str]) -> Run {
    lab.tandem(&[&["verify", "hot-standby"], args].concat())
}

/// Waits until the database of the proof is gone.
#[track_caller]
fn clean(lab: &Lab, hosts: &[&str]) {
    for host in hosts {
        assert_eq!(lab.sql(host, THERE), "0", "{host}");
    }
}

/// Tables that differ, each with what is said of it.
fn differing(report: &Value) -> Vec<(String, Vec<String>)> {
    let pairs = report["data"].as_array().expect("pairs");
    let tables = pairs.iter().flat_map(|p| p["differing"].as_array().expect("tables"));
    let row = |row: &Value| {
        let key = row["key"].as_array().expect("a key");
        let key: Vec<&str> = key.iter().filter_map(|k| k[1].as_str()).collect();
        let columns: Vec<&str> =
            row["columns"].as_array().expect("columns").iter().filter_map(|c| c["name"].as_str()).collect();
        format!("{} {} {}", key.join(","), row["kind"].as_str().unwrap_or_default(), columns.join(","))
    };
    tables
        .map(|t| {
            let rows = t["rows"].as_array().expect("rows");
            (t["table"].as_str().expect("a name").to_owned(), rows.iter().map(row).collect())
        })
        .collect()
}

#[test]
fn a_pair_is_proven_and_left_as_it_was() {
    let lab = pair(DATA);
    let trace = |host: &str| {
        lab.sql(
            host,
            "show databases; select user, host from mysql.user order by 1, 2; select @@read_only, @@sql_log_bin; \
             select table_name, auto_increment from information_schema.tables where table_schema = 'hello' order by 1",
        )
    };
    let position =
        |host: &str| lab.sql(host, "show master status").split('\t').nth(1).expect("a position").to_owned();
    let (before, from) = ([trace("db-a"), trace("db-b")], [position("db-a"), position("db-b")]);
    let report = verify(&lab, &["--format", "json"]).expect(0).json();
    assert_eq!(report["proven"], true, "{report}");
    let channels = report["channels"].as_array().expect("channels");
    assert_eq!(channels.len(), 2);
    for channel in channels {
        assert_eq!((&channel["verdict"], &channel["threads"]), (&"proven".into(), &"running".into()));
        assert_eq!(channel["canary_from"], channel["source"]);
        assert!(channel["canary_ms"].as_u64().is_some_and(|ms| ms < 10_000), "{channel}");
    }
    assert_eq!(report["ids"]["inserted"], 40);
    assert_eq!(report["ports"].as_array().map(Vec::len), Some(2));
    let data = &report["data"][0];
    // Six tables; a view and a sequence hold no rows to be compared.
    assert_eq!(
        (&data["mutual"], &data["tables"], &data["rows"]),
        (&true.into(), &6.into(), &8013.into()),
        "{data}"
    );
    // As a person reads it, and without a playbook.
    let text = verify(&lab, &[]).expect(0).out;
    assert!(text.contains("Everything is proven.") && text.contains("no number twice"), "{text}");
    let bare = lab.tandem(&["verify"]).expect(0).out;
    assert!(bare.contains("db-a -> db-b") && bare.contains("db-a = db-b"), "{bare}");
    let quick = verify(&lab, &["--quick"]).expect(0).out;
    assert!(!quick.contains("tables") && !quick.contains("numbers") && quick.contains("canary"), "{quick}");

    clean(&lab, &["db-a", "db-b"]);
    assert_eq!(before, [trace("db-a"), trace("db-b")]);
    // The binary logs hold what the canaries did, and nothing else.
    for (host, from) in ["db-a", "db-b"].into_iter().zip(from) {
        let events = lab.sql(host, &format!("show binlog events from {from}"));
        for line in events.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let (kind, info) = (fields[2], fields[5].to_lowercase());
            let ours = info.contains("tandem") || info.starts_with("commit");
            let quiet = [
                "Gtid",
                "Xid",
                "Annotate_rows",
                "Write_rows_v1",
                "Delete_rows_v1",
                "Gtid_list",
                "Binlog_checkpoint",
            ];
            assert!(ours || quiet.contains(&kind), "{host}: {line}");
        }
        assert!(
            events.contains("canary"),
            "the log of {host} holds no canary, so it proves nothing: {events}"
        );
    }
    lab.plan("hot-standby").expect(0);
    // Two runs that write keep out of each other's way.
    lab.at("db-b", "mkdir -p -m 700 /run/tandem; nohup flock /run/tandem/lock sleep 100 >/dev/null 2>&1 &");
    let locked = verify(&lab, &[]).expect(5);
    locked.tells_people(&["db-b is locked by another run"]);
    clean(&lab, &["db-a", "db-b"]);
}

/// Chunks whose ends are worked out, and their pieces: before and behind zero, in a gap, at the ends.
#[test]
fn rows_that_differ_are_found_wherever_keys_count() {
    let lab = pair(
        "create database hello; use hello; create table many (id bigint primary key, v int);
         insert into many select 2 * cast(seq as signed) - 20000, seq from seq_1_to_20000;
         insert into many select 1000000000 + seq, seq from seq_1_to_6000",
    );
    lab.same(["db-a", "db-b"], "select count(*) from hello.many having count(*) = 26000");
    let only_many = ["--tables", "hello.many", "--format", "json"];
    verify(&lab, &only_many).expect(0);
    lab.sql(
        "db-b",
        "set sql_log_bin=0; use hello; insert into many values (-1000000, 0), (5, 0), (500000000, 0), (2000000000, 0);
         update many set v = 0 where id in (-15998, 0, 1000005999); delete from many where id in (4, 20000, 1000006000)",
    );
    let found = differing(&verify(&lab, &only_many).expect(2).json());
    let expected = [
        "-1000000 missing_on_source",
        "-15998 changed",
        "0 changed",
        "4 missing_on_replica",
        "5 missing_on_source",
        "20000 missing_on_replica",
        "500000000 missing_on_source",
        "1000005999 changed",
        "1000006000 missing_on_replica",
        "2000000000 missing_on_source",
    ];
    let rows = found.iter().flat_map(|(_, rows)| rows);
    let named: Vec<String> =
        rows.map(|r| r.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(named, expected);
}

#[test]
fn rows_that_differ_are_named() {
    let lab = pair(DATA);
    // One float in its last digit, one text in its case, one NULL, rows too many and too few.
    lab.sql(
        "db-b",
        "set sql_log_bin=0; use hello; set sql_mode='';
         update t set v = 'ROW 2' where id = 11; update t set n = n + 1e-12 where id = 21; delete from t where id = 31;
         insert into t values (2, 'extra', null, null); update t set v = null where id = 41; update t set b = concat(b, '') where id = 51;
         update keyless set v = 'z' where a = 2; insert into keyless values (1, 'x');
         delete from pair where n = 2; update odd set d = '2024-01-00', tm = '-12:34:56.79' where id = 1; update wide set v = 0 where v = 4711;
         create table only_b (id int primary key); create database aside; create table aside.t (id int primary key)",
    );
    lab.sql("db-a", "set sql_log_bin=0; create table hello.only_a (id int)");
    // A limit that a server has for all its sessions must not cut what is compared.
    for host in ["db-a", "db-b"] {
        lab.sql(host, "set global sql_select_limit=2");
    }
    let run = verify(&lab, &["--format", "json"]).expect(2);
    let found = differing(&run.json());
    let expected = [
        (
            "hello.keyless",
            vec![" missing_on_replica a,v", " missing_on_source a,v", " missing_on_source a,v"],
        ),
        ("hello.odd", vec!["1 changed tm,d"]),
        ("hello.pair", vec!["É,2,b missing_on_replica "]),
        (
            "hello.t",
            vec![
                "11 changed v",
                "2 missing_on_source v,n,b",
                "21 changed n",
                "31 missing_on_replica v,n,b",
                "41 changed v",
            ],
        ),
        ("hello.wide", vec!["2024-01-01,47.11,0xD30000,1570.3333740234375 changed v"]),
        ("aside.t", vec![]),
        ("hello.only_a", vec![]),
        ("hello.only_b", vec![]),
    ];
    for ((table, rows), (name, named)) in found.iter().zip(&expected) {
        let mut rows = rows.clone();
        rows.sort();
        assert_eq!((table.as_str(), rows), (*name, named.iter().map(ToString::to_string).collect()));
    }
    assert_eq!(found.len(), expected.len(), "{found:?}");
    let text = verify(&lab, &["--databases", "hello", "--tables", "hello.t"]).expect(2).out;
    assert!(text.contains("id=11: v='row 2' on db-a; v='ROW 2' on db-b"), "{text}");
    assert!(
        text.contains("id=2: only on db-b") && text.contains("5 rows differ") && !text.contains("keyless"),
        "{text}"
    );
    // What is asked to be left out is left out.
    verify(&lab, &["--tables", "hello.k*pt"]).expect(0);
    verify(&lab, &["--no-checksums"]).expect(0);
    clean(&lab, &["db-a", "db-b"]);
}

/// Writes on a host until it is told to stop.
fn load(lab: &Lab, host: &str, origin: u32, stop: &AtomicBool) {
    let round = format!(
        "insert into hello.l (o, v) values ({origin}, uuid()); update hello.l set v = uuid() where o = {origin} order by id desc limit 3; \
         delete from hello.l where o = {origin} and id % 7 = 0 order by id limit 1; update hello.hot set n = n + 1 where id = {origin}; \
         update hello.t set n = n + 1 where id % 97 = {origin} and id % 10 = {origin};"
    );
    // Each writer keeps to rows of its own; two that write the same row at once do differ for ever.
    while !stop.load(Ordering::Relaxed) {
        let _ = lab.try_at(host, &format!("mariadb --force -e '{}'", round.repeat(40)));
    }
}

#[test]
fn under_load_only_what_differs_is_called_different() {
    let lab = pair(DATA);
    lab.sql(
        "db-a",
        "create table hello.l (id int auto_increment primary key, o int, v varchar(40)); create table hello.hot (id int primary key, n int); \
         insert into hello.hot values (1, 0), (2, 0)",
    );
    lab.same(["db-a", "db-b"], "select n from hello.hot where id = 2");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for (host, origin) in [("db-a", 1), ("db-b", 2)] {
            let (lab, stop) = (&lab, &stop);
            scope.spawn(move || load(lab, host, origin, stop));
        }
        // Whatever fails in here must not leave the writers running.
        let proven = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            lab.wait_sql("db-b", "select count(*) > 200 from hello.l", "1");
            for _ in 0..3 {
                let before = lab.sql("db-a", "select n from hello.hot where id = 1");
                let report = verify(&lab, &["--format", "json"]).expect(0).json();
                assert_eq!(
                    (&report["proven"], &report["not_provable"]),
                    (&true.into(), &Value::Array(vec![])),
                    "{report}"
                );
                assert_ne!(
                    before,
                    lab.sql("db-a", "select n from hello.hot where id = 1"),
                    "nothing was written meanwhile"
                );
            }
            lab.sql("db-b", "set sql_log_bin=0; update hello.t set v = 'evil' where id = 4001; delete from hello.l where o = 1 order by id limit 1");
            let first = lab.sql("db-a", "select min(id) from hello.l where o = 1");
            let report = verify(&lab, &["--format", "json"]).expect(2).json();
            let expected = [
                ("hello.l".to_owned(), vec![format!("{first} missing_on_replica o,v")]),
                ("hello.t".to_owned(), vec!["4001 changed v".to_owned()]),
            ];
            assert_eq!(differing(&report), expected);
        }));
        stop.store(true, Ordering::Relaxed);
        if let Err(panic) = proven {
            std::panic::resume_unwind(panic);
        }
    });
    clean(&lab, &["db-a", "db-b"]);
    lab.channels_run(&["db-a", "db-b"]);
}

#[test]
fn a_ring_is_proven_and_its_gap_is_named() {
    let lab = Lab::boot(&["db-a", "db-b", "db-c"]);
    lab.write(
        "ring.yml",
        "- hosts: db\n  topology: {kind: ring, members: [db-a, db-b, db-c]}\n  roles: [firewall, config, accounts, seed, replication]\n",
    );
    lab.apply("ring.yml");
    lab.sql("db-a", "create database hello; create table hello.t (id int auto_increment primary key); insert into hello.t values (), ()");
    lab.wait_sql("db-c", "select count(*) from information_schema.tables where table_schema = 'hello'", "1");
    let report = lab.tandem(&["verify", "ring.yml", "--format", "json"]).expect(0).json();
    assert_eq!(report["channels"].as_array().map(Vec::len), Some(3));
    assert_eq!(report["data"].as_array().map(Vec::len), Some(3));
    assert_eq!(report["ids"]["inserted"], 60);
    clean(&lab, &["db-a", "db-b", "db-c"]);
    // A row that one link lost is found on both sides of the host that lacks it.
    lab.sql("db-b", "set sql_log_bin=0; delete from hello.t limit 1");
    let report = lab.tandem(&["verify", "ring.yml", "--format", "json"]).expect(2).json();
    let found = differing(&report);
    assert_eq!(found.len(), 2, "{report}");
    lab.sql("db-c", "stop slave");
    let report = lab.tandem(&["verify", "ring.yml", "--format", "json"]).expect(2).json();
    let verdict = |replica: &str| {
        let channels = report["channels"].as_array().expect("channels");
        channels.iter().find(|c| c["replica"] == replica).expect("its channel")["verdict"].clone()
    };
    assert_eq!((verdict("db-c"), verdict("db-a")), ("failed".into(), "proven".into()), "{report}");
    lab.sql("db-c", "start slave");
    lab.channels_run(&["db-a", "db-b", "db-c"]);
    lab.wait_sql("db-c", THERE, "0");
    lab.tandem(&["verify", "ring.yml", "--quick"]).expect(0);
    clean(&lab, &["db-a", "db-b", "db-c"]);
}

#[test]
fn what_a_filter_or_a_delay_keeps_apart_is_named() {
    let lab = Lab::boot(&["db-a", "db-b", "db-c"]);
    lab.write(
        "tree.yml",
        "- hosts: db\n  topology:\n    kind: channels\n    channels: [{from: db-a, to: db-b}, {from: db-a, to: db-c, delay: 2}]\n    seed_from: db-a\n  \
         roles: [firewall, config, accounts, seed, replication]\n",
    );
    lab.host_vars("db-b", "replicate_databases: [hello]\n");
    lab.apply("tree.yml");
    for database in ["hello", "other"] {
        lab.sql("db-a", &format!("create database {database}; use {database}; create table t (id int primary key); insert into t values (1)"));
    }
    lab.wait_sql("db-c", "select count(*) from information_schema.tables where table_schema = 'other'", "1");
    let before = lab.sql("db-b", "show master status");
    let report = lab.tandem(&["verify", "tree.yml", "--format", "json"]).expect(0).json();
    let verdicts: Vec<&str> =
        report["channels"].as_array().unwrap().iter().filter_map(|c| c["verdict"].as_str()).collect();
    assert_eq!(verdicts, ["not_provable", "proven"], "{report}");
    assert!(report["channels"][1]["canary_ms"].as_u64().is_some_and(|ms| ms >= 900), "{report}");
    assert!(report["ids"].is_null());
    assert_eq!((&report["data"][0]["tables"], &report["data"][1]["tables"]), (&1.into(), &2.into()));
    let left_out = &report["data"][0]["left_out"][0];
    assert_eq!((&left_out["about"], &left_out["code"]), (&"other.t".into(), &"table-filtered".into()));
    assert_eq!(report["not_provable"][0]["code"], "canary-filtered", "{report}");
    assert_eq!(report["channels"][0]["code"], "canary-filtered", "{report}");
    // Nothing was ever written on a host that only reads.
    assert_eq!(lab.sql("db-b", "select @@read_only"), "1");
    assert_eq!(before, lab.sql("db-b", "show master status"));
    lab.wait_sql("db-c", THERE, "0");
    // A writer that was made read_only is spared, and then nothing proves its channels.
    lab.sql("db-a", "set global read_only = 1");
    let report = lab.tandem(&["verify", "tree.yml", "--format", "json"]).expect(0).json();
    let channels = report["channels"].as_array().expect("channels");
    assert!(channels.iter().all(|c| c["verdict"] == "not_provable"), "{report}");
    let remarks = report["not_provable"].as_array().expect("remarks");
    let closed =
        |remark: &serde_json::Value| remark["about"] == "db-a" && remark["code"] == "writer-read-only";
    assert!(remarks.iter().any(closed), "{report}");
    let run = lab.tandem(&["verify", "tree.yml", "--format", "junit"]).expect(0);
    let junit = roxmltree::Document::parse(&run.out).expect("XML");
    assert_eq!(junit.root_element().attribute("skipped"), Some("2"), "{}", run.out);
}

#[test]
fn a_stranger_is_kept_out_of_the_port() {
    let lab = Lab::pair();
    lab.vars(&format!("{BASIC}firewall_deny_others: true\n"));
    lab.apply("hot-standby");
    assert_eq!(shut_to_strangers(&lab, 0), ["proven", "proven"]);
    // Who is let in proves nothing.
    lab.vars(&format!("{BASIC}firewall_deny_others: true\nfirewall_allow: [10.77.0.0/24]\n"));
    lab.apply("hot-standby");
    assert_eq!(shut_to_strangers(&lab, 0), [""; 0]);
    // The rules on the hosts let in more than is wished now.
    lab.vars(&format!("{BASIC}firewall_deny_others: true\n"));
    assert_eq!(shut_to_strangers(&lab, 2), ["failed", "failed"]);
}

/// Verdicts on the ports that this machine tried and that should be shut to it.
fn shut_to_strangers(lab: &Lab, code: i32) -> Vec<String> {
    let report = verify(lab, &["--quick", "--format", "json"]).expect(code).json();
    let ports = report["ports"].as_array().expect("ports").iter();
    let shut = ports.filter(|port| port["wished_open"] == false && port["from"] == "this machine");
    shut.map(|port| port["verdict"].as_str().expect("a verdict").to_owned()).collect()
}

fn main_pid(lab: &Lab, host: &str) -> String {
    lab.at(host, "systemctl show -p MainPID --value mariadb")
}

#[test]
fn replication_returns_after_a_restart_only_if_it_was_asked_for() {
    let lab = pair("create database hello; create table hello.t (id int primary key)");
    let before = [main_pid(&lab, "db-a"), main_pid(&lab, "db-b")];
    verify(&lab, &[]).expect(0);
    let refused = verify(&lab, &["--reboot"]).expect(1);
    refused.tells_people(&["--yes"]);
    let no = lab.tandem_answering(&["verify", "hot-standby", "--reboot"], "no\n").expect(1);
    no.tells_people(&["Nothing was restarted."]);
    assert_eq!(before, [main_pid(&lab, "db-a"), main_pid(&lab, "db-b")]);

    let report = verify(&lab, &["--reboot", "--yes", "--format", "json"]).expect(0).json();
    let restarts = report["restarts"].as_array().expect("restarts");
    assert_eq!(restarts.len(), 2, "{report}");
    assert!(restarts.iter().all(|r| r["verdict"] == "proven" && r["back_ms"].as_u64().is_some()), "{report}");
    for (host, pid) in ["db-a", "db-b"].into_iter().zip(&before) {
        assert_ne!(main_pid(&lab, host), *pid);
    }
    clean(&lab, &["db-a", "db-b"]);

    // A server that does not begin to replicate by itself is found, and the others are left alone.
    lab.at("db-b", "printf '[mysqld]\\nskip_slave_start\\n' >/etc/mysql/mariadb.conf.d/zzz.cnf");
    let run = verify(&lab, &["--reboot", "--yes", "--wait", "2s", "--format", "json"]).expect(2);
    let report = run.json();
    let restarts = report["restarts"].as_array().expect("restarts");
    let failed = restarts.iter().find(|r| r["host"] == "db-b").expect("its restart");
    assert_eq!((&failed["verdict"], failed["back_ms"].is_null()), (&"failed".into(), true), "{report}");
    clean(&lab, &["db-a"]);
}

/// A source and a replica whose applier is held up.
fn held() -> Lab {
    let lab = Lab::pair();
    lab.apply("read-replicas");
    lab.at("db-b", "nohup mariadb -e 'flush tables with read lock; do sleep(100)' >/dev/null 2>&1 &");
    lab.wait_sql(
        "db-b",
        "select count(*) from information_schema.processlist where info like 'do sleep%'",
        "1",
    );
    lab
}

fn release(lab: &Lab) {
    let kill = "select concat('kill ', id) from information_schema.processlist where info like 'do sleep%'";
    lab.sql("db-b", &lab.sql("db-b", kill));
}

#[test]
fn what_a_killed_run_leaves_the_next_one_removes() {
    let lab = held();
    let mut tandem = lab
        .tandem_command(&["verify", "read-replicas", "--wait", "60s"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("tandem runs");
    lab.wait_sql("db-a", THERE, "1");
    // What was spawned enters the lab and waits; its child is tandem.
    let found = Command::new("pgrep").args(["-P", &tandem.id().to_string()]).output().unwrap();
    let pid = String::from_utf8(found.stdout).unwrap().trim().to_owned();
    assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    let _ = tandem.wait();
    release(&lab);
    lab.wait_sql("db-b", THERE, "1");
    lab.tandem(&["verify", "read-replicas"]).expect(0);
    clean(&lab, &["db-a", "db-b"]);

    // Somebody's own database of that name is not touched.
    lab.sql("db-a", "create database tandem_1; create table tandem_1.bicycle (id int primary key); insert into tandem_1.bicycle values (2)");
    lab.wait_sql(
        "db-b",
        "select count(*) from information_schema.tables where table_schema = 'tandem_1'",
        "1",
    );
    let report = lab.tandem(&["verify", "read-replicas", "--format", "json"]).expect(1).json();
    assert_eq!(report["errors"].as_array().map(Vec::len), Some(1), "{report}");
    for host in ["db-a", "db-b"] {
        assert_eq!(lab.sql(host, "select id from tandem_1.bicycle"), "2");
    }
}

#[test]
fn a_row_that_does_not_arrive_in_time_fails_the_proof() {
    let lab = held();
    let late = ["verify", "read-replicas", "--quick", "--wait", "2s", "--format", "json"];
    let report = lab.tandem(&late).expect(2).json();
    let channel = &report["channels"][0];
    assert_eq!((&channel["verdict"], channel["canary_ms"].is_null()), (&"failed".into(), true), "{report}");
    release(&lab);
    lab.tandem(&["verify", "read-replicas"]).expect(0);
    clean(&lab, &["db-a", "db-b"]);
}

#[test]
fn mysql_is_proven_too_and_its_rows_are_named() {
    let lab = Lab::boot(&["db-a=sid", "db-b=sid"]);
    lab.apply("hot-standby");
    lab.sql(
        "db-a",
        "create database hello; use hello; set sql_mode='';
         create table t (id int auto_increment primary key, j json, f float, d double, b bit(20), e enum('a','b'), s set('x','y'),
           g geometry, t text, v varchar(20) collate utf8mb4_0900_ai_ci, dt datetime(6), ts timestamp(6) null, n double as (d + 1) virtual);
         insert into t (j, f, d, b, e, s, g, t, v, dt, ts) values
           ('{\"a\": [1.5, null, \"ü\"]}', 1.1, 1.1e300, b'101', 'b', 'x,y', point(1, 2.5), 'text#', 'é', '0000-00-00', '2024-01-02 03:04:05.678901'),
           ('{}', 16777217, -0.1, b'0', 'none', '', null, null, '', '9999-12-31 23:59:59.999999', null);
         create table keyless (a int, b json); insert into keyless values (1, '[1]'), (1, '[1]'), (null, null);
         create table pair (k varchar(10) character set latin1, d date, primary key (k, d)); insert into pair values ('é', '2024-01-01'), ('z', '0000-00-00')",
    );
    lab.same(["db-a", "db-b"], "select count(*) from hello.pair having count(*) = 2");
    let report = verify(&lab, &["--format", "json"]).expect(0).json();
    assert_eq!((&report["proven"], &report["not_provable"]), (&true.into(), &serde_json::json!([])));
    clean(&lab, &["db-a", "db-b"]);
    lab.sql(
        "db-b",
        "set sql_log_bin=0; use hello; update t set j = '{\"a\": [1.5, null, \"u\"]}' where id = 1; update t set f = 16777218 where id = 11; \
         delete from pair where k = 'z'; insert into keyless values (2, '[2]')",
    );
    let report = verify(&lab, &["--format", "json"]).expect(2).json();
    let expected = [
        ("hello.keyless".to_owned(), vec![" missing_on_source a,b".to_owned()]),
        ("hello.pair".to_owned(), vec!["z,0000-00-00 missing_on_replica ".to_owned()]),
        ("hello.t".to_owned(), vec!["1 changed j".to_owned(), "11 changed f".to_owned()]),
    ];
    assert_eq!(differing(&report), expected, "{report}");
    verify(&lab, &["--quick", "--reboot", "--yes"]).expect(0);
    clean(&lab, &["db-a", "db-b"]);
}

#[test]
fn older_and_newer_servers_are_proven_too() {
    for suite in ["bullseye", "trixie"] {
        let lab = Lab::boot(&[&format!("db-a={suite}"), &format!("db-b={suite}")]);
        lab.apply("hot-standby");
        lab.sql("db-a", DATA);
        lab.same(
            ["db-a", "db-b"],
            "select count(*) from information_schema.tables where table_schema = 'hello' having count(*) = 8",
        );
        verify(&lab, &[]).expect(0);
        lab.sql("db-b", "set sql_log_bin=0; update hello.odd set f = 1.1000001 where id = 1; delete from hello.wide where v = 4711");
        let found = differing(&verify(&lab, &["--format", "json"]).expect(2).json());
        let tables: Vec<&str> = found.iter().map(|(table, _)| table.as_str()).collect();
        assert_eq!(tables, ["hello.odd", "hello.wide"], "{suite}: {found:?}");
        clean(&lab, &["db-a", "db-b"]);
    }
}
