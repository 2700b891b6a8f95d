//! The views of a topology that go on.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
    time::{Duration, Instant},
};

use crate::lab::{Lab, patience};

#[test]
fn a_watch_tells_what_changes_and_ends_when_asked() {
    let lab = Lab::pair();
    lab.apply("hot-standby");
    let mut watch = lab
        .tandem_command(&["status", "hot-standby", "--watch", "--interval", "200ms"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("tandem runs");
    let (said, lines) = std::sync::mpsc::channel();
    let out = BufReader::new(watch.stdout.take().expect("a pipe"));
    std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| said.send(line)));
    // A watch goes on for ever, and a test must not.
    let until = |words: &str| {
        let begun = Instant::now();
        let mut seen = Vec::new();
        while let Some(left) = Duration::from_secs(90).checked_sub(begun.elapsed()) {
            match lines.recv_timeout(left) {
                Ok(line) if line.contains(words) => return,
                Ok(line) => seen.push(line),
                Err(_) => break,
            }
        }
        panic!("no {words}, but {seen:#?}");
    };
    until("2 of 2 channels running");
    lab.sql("db-b", "stop slave");
    until("since the last look: db-b from db-a was running and is");
    lab.sql("db-b", "start slave");
    until("and is running");
    // A host that goes away is said, and the others are still shown.
    lab.at("db-a", "systemctl stop mariadb");
    // On the way down it may be seen as it stops.
    until("and is down");
    until("1 of 2 servers up");
    lab.at("db-a", "systemctl start mariadb");
    until("2 of 2 servers up");
    // Its own process, behind those that put it into the lab's network.
    let own =
        std::process::Command::new("pgrep").args(["-P", &watch.id().to_string()]).output().expect("pgrep");
    let child = String::from_utf8_lossy(&own.stdout).trim().to_owned();
    let pid = if child.is_empty() { watch.id().to_string() } else { child };
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
    let ended = watch.wait().expect("it ends");
    assert!(matches!(ended.code(), Some(0 | 2)), "{ended}");
}

#[test]
fn a_report_and_a_picture_show_what_is_wished_and_what_is() {
    let lab = Lab::boot(&["db-a", "db-b", "db-c"]);
    lab.write(
        "play.yml",
        "- hosts: db\n  topology: {kind: primary-replica, primary: db-a, replicas: [db-b, db-c]}\n  roles: [firewall, config, accounts, seed, replication]\n",
    );
    lab.apply("play.yml");
    lab.tandem(&["report", "play.yml", "-o", "report.html"]).expect(0);
    let page = std::fs::read_to_string(lab.path("report.html")).unwrap();
    for part in ["Everything is as declared", "<svg", "db-c", "steps in", "MariaDB 10.11"] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert!(!page.contains("<script") && !page.contains(crate::lab::PASSWORD), "{page}");

    lab.sql("db-b", "stop slave");
    lab.sql("db-c", "stop slave; reset slave all; set global binlog_format = 'MIXED'");
    let picture = lab.tandem(&["graph", "play.yml", "--as", "svg"]).expect(2).out;
    for part in ["\u{2717} stopped", "\u{2205} missing", "declared, and not there"] {
        assert!(picture.contains(part), "{part}\n{picture}");
    }
    let text = lab.tandem(&["graph", "play.yml"]).expect(2).out;
    assert!(text.contains("-.-x|\u{2717} stopped") && text.contains("-.->|\u{2205} missing"), "{text}");
    lab.tandem(&["report", "play.yml", "-o", "report.html"]).expect(2);
    let page = std::fs::read_to_string(lab.path("report.html")).unwrap();
    for part in ["What differs from the files", "binlog_format = MIXED", "Findings", "tandem apply"] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    // Without a playbook it shows what is there.
    let page = lab.tandem(&["report"]).expect(2).out;
    assert!(page.starts_with("<!doctype html>") && page.contains("All hosts of the inventory"), "{page}");
    // A host that does not answer has its channel in the picture all the same.
    lab.link("db-c", "down");
    let picture = lab.tandem(&["graph", "play.yml", "--as", "svg", "--connect-timeout", "1s"]);
    picture.prints_for_people(&["? unknown", "not read"]);
}

#[test]
fn lag_is_measured_by_a_heartbeat() {
    heartbeat("bookworm", "stop slave sql_thread", "start slave sql_thread");
}

#[test]
fn lag_of_mysql_is_measured_by_a_heartbeat() {
    heartbeat("sid", "stop replica sql_thread", "start replica sql_thread");
}

fn heartbeat(suite: &str, stop: &str, start: &str) {
    let lab = Lab::boot(&[&format!("db-a={suite}"), &format!("db-b={suite}")]);
    let declare = |topology: &str| {
        lab.write(
            "play.yml",
            &format!("- hosts: db\n  topology: {topology}\n  roles: [firewall, config, accounts, seed, replication, heartbeat]\n"),
        );
    };
    declare("{kind: dual-primary, members: [db-a, db-b]}");
    lab.sql("db-a", "create database hello; create table hello.t (id int auto_increment primary key); insert into hello.t values ()");
    lab.apply("play.yml");
    lab.plan("play.yml").expect(0);
    // Each writer stamps a row of its own on both hosts.
    for host in ["db-a", "db-b"] {
        lab.wait_sql(host, "select count(*) from tandem_heartbeat.beat", "2");
    }
    let lag = |from: &str| {
        let json = lab.tandem(&["status", "play.yml", "--format", "json"]).json();
        let channels = json["channels"].as_array().cloned().unwrap_or_default();
        let channel = channels.into_iter().find(|c| c["source"] == from).unwrap_or_default();
        assert_eq!(channel["lag_source"], "heartbeat", "{channel}");
        channel["lag_seconds"].as_u64().unwrap_or(9999)
    };
    assert!(lag("db-a") <= 2 && lag("db-b") <= 2);
    lab.sql("db-b", stop);
    assert!(patience().any(|()| lag("db-a") >= 3), "the heartbeat does not tell of a stopped applier");
    lab.sql("db-b", start);
    assert!(patience().any(|()| lag("db-a") <= 1), "the heartbeat does not catch up");
    let text = lab.tandem(&["status", "play.yml"]).expect(0).out;
    assert!(text.contains("s by heartbeat"), "{text}");
    lab.tandem(&["verify", "play.yml"]).expect(0);
    // Who is written to no more beats no more.
    declare("{kind: primary-replica, primary: db-a, replicas: [db-b]}");
    lab.tandem(&["apply", "play.yml", "--yes", "--allow", "restart"]);
    let beats =
        "select count(*) from tandem_heartbeat.beat where stamp > utc_timestamp() - interval 3 second";
    lab.wait_sql("db-b", beats, "1");
}

#[test]
fn doctor_shows_the_row_on_both_sides_and_what_each_repair_loses() {
    rows("bookworm");
}

#[test]
#[ignore = "make more"]
fn doctor_shows_rows_of_mysql_too() {
    rows("sid");
}

fn rows(suite: &str) {
    let lab = Lab::boot(&[&format!("db-a={suite}"), &format!("db-b={suite}")]);
    lab.sql("db-a", "create database hello; create table hello.t (id int primary key, v varchar(20)); insert into hello.t values (1, 'one'), (2, 'it''s two')");
    lab.apply("hot-standby");
    let doctor = |word: &str| {
        let mut last = String::new();
        let found = patience().any(|()| {
            last = lab.tandem(&["doctor", "hot-standby"]).out;
            last.contains(word)
        });
        assert!(found, "{word} is not in\n{last}");
        last
    };
    // The command that it names mends it.
    let run = |text: &str| {
        let line = text.lines().find(|l| l.contains("on db-b: SET SESSION")).expect("a command");
        lab.sql("db-b", line.split_once("on db-b: ").expect("a command").1);
        lab.wait_sql("db-b", "select count(*) from hello.t where v = 'changed'", "1");
        let healthy = patience().any(|()| lab.tandem(&["doctor", "hot-standby"]).code == 0);
        assert!(healthy, "{}", lab.tandem(&["doctor", "hot-standby"]).out);
    };
    lab.sql("db-b", "set sql_log_bin=0; delete from hello.t where id = 2");
    lab.sql("db-a", "update hello.t set v = 'changed' where id = 2");
    let text = doctor("db-b has now: no such row");
    for part in [
        "changes in hello.t: id=2, v='it''s two' to id=2, v='changed'",
        "db-a has now: id='2', v='changed'",
        "loses nothing of this row",
        "--allow reseed",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    run(&text);
    lab.sql("db-a", "update hello.t set v = 'again' where id = 2");
    lab.sql("db-b", "set sql_log_bin=0; insert into hello.t values (7, 'only here')");
    lab.sql("db-a", "insert into hello.t values (7, 'changed')");
    let text = doctor("db-b has now: id='7', v='only here'");
    assert!(
        text.contains("inserts into hello.t: id=7, v='changed'")
            && text.contains("loses what db-b has in this row"),
        "{text}"
    );
    run(&text);
    lab.same(["db-a", "db-b"], "checksum table hello.t");

    // A server that does not start is told by the line that keeps it down.
    let folder = if suite == "sid" { "/etc/mysql/mysql.conf.d" } else { "/etc/mysql/mariadb.conf.d" };
    lab.at("db-b", &format!("printf '[mysqld]\\n# a mistake\\nmax_conections=7\\n' > {folder}/77-mine.cnf; timeout 60 systemctl restart mysql || true"));
    let text = doctor("does not know");
    assert!(text.contains(&format!("it stands in {folder}/77-mine.cnf:3")), "{text}");

    // So is one whose files belong to somebody else, and the plan says the same. It stops first: MySQL's unit waits for
    // ever for a server that can't write any more.
    lab.at(
        "db-b",
        &format!(
            "rm {folder}/77-mine.cnf; timeout 60 systemctl stop mysql; chown root: /var/lib/mysql; \
             timeout 60 systemctl start mysql || true"
        ),
    );
    let cause =
        "/var/lib/mysql belongs to root, and the server runs as mysql: chown -R mysql: /var/lib/mysql";
    doctor(cause);
    let plan = lab.tandem(&["plan", "hot-standby"]);
    assert!(plan.out.contains(cause), "{}", plan.out);
    let plan = lab.plan("hot-standby").json();
    let start = plan["steps"].as_array().and_then(|steps| steps.iter().find(|s| s["id"] == "db-b/start"));
    let start = start.unwrap_or_else(|| panic!("it is not started: {plan:#}"));
    assert_eq!(start["reason"][0]["why"], "data-of-another-user", "{start}");
    lab.at("db-b", "chown -R mysql: /var/lib/mysql");
    lab.apply("hot-standby");
}
