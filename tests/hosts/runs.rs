//! Runs as such: saved plans, locks, the prompt, limits, interrupts, a kill in the middle.

use std::{io::Read, process::Stdio};

use crate::lab::{Lab, patience};

const OFF: &str = "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\n";

#[test]
fn a_saved_plan_runs_as_it_was_read_or_not_at_all() {
    let lab = Lab::pair();
    lab.tandem(&["plan", "hot-standby", "-o", "pair.plan"]).expect(2);
    let text = std::fs::read_to_string(lab.path("pair.plan")).unwrap();
    assert!(!text.contains(crate::lab::PASSWORD));
    let shown = lab.tandem(&["show", "pair.plan"]).expect(0).out;
    assert_eq!(shown, lab.tandem(&["plan", "hot-standby"]).expect(2).out);
    // Something that the plan rests on changes.
    lab.sql("db-b", "set global auto_increment_increment = 3");
    let run = lab.tandem(&["apply", "pair.plan", "--yes"]).expect(7);
    run.tells_people(&["on db-b was"]);
    assert_eq!(lab.sql("db-a", "select count(*) from mysql.user where user='repl_user'"), "0");
    lab.sql("db-b", "set global auto_increment_increment = 1");
    lab.tandem(&["apply", "pair.plan", "--yes"]).expect(0);
    lab.plan("hot-standby").expect(0);
    lab.tandem(&["apply", "pair.plan", "--yes"]).expect(7);
}

#[test]
fn the_prompt_wants_a_yes_and_a_restart_under_clients_wants_to_be_read() {
    let lab = Lab::pair();
    lab.tandem(&["apply", "hot-standby"]).expect(1);
    lab.tandem_answering(&["apply", "hot-standby"], "no\n").expect(1);
    assert_eq!(lab.sql("db-a", "select count(*) from mysql.user where user='repl_user'"), "0");
    let mut client = std::process::Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/lab"))
        .arg("at")
        .arg(lab.path(""))
        .args(["db-a", "exec mariadb -e 'select sleep(300)'"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    lab.wait_sql(
        "db-a",
        "select count(*) from information_schema.processlist where info like 'select sleep%'",
        "1",
    );
    let refusal = lab.refuses(&["apply", "hot-standby", "--yes"], "not-allowed-restart");
    assert_eq!(refusal["next"], serde_json::json!([{"kind": "allow", "allow": "restart"}]));
    assert_eq!(lab.sql("db-b", "select count(*) from mysql.user where user='repl_user'"), "0");
    lab.tandem_answering(&["apply", "hot-standby"], "yes\n").expect(0);
    client.wait().unwrap();
    lab.plan("hot-standby").expect(0);
}

#[test]
fn two_runs_exclude_each_other_and_a_kill_leaves_no_lock() {
    let lab = Lab::pair();
    lab.apply("hot-standby");
    lab.sql("db-b", "set global auto_increment_increment = 3");
    // Somebody else's run holds the lock of one host for as long as it lives.
    let mut holder = std::process::Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/lab"))
        .arg("at")
        .arg(lab.path(""))
        .args([
            "db-b",
            "mkdir -p -m 700 /run/tandem; exec 9>>/run/tandem/lock; flock -n 9; \
             echo '{\"who\":\"ann@desk\",\"pid\":77,\"since\":\"2026-01-02T03:04:05Z\"}' > /run/tandem/lock.json; echo held; exec cat",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut word = [0; 4];
    holder.stdout.as_mut().unwrap().read_exact(&mut word).unwrap();
    let run = lab.tandem(&["apply", "hot-standby", "--yes"]).expect(5);
    run.tells_people(&["ann@desk", "2026-01-02"]);
    assert_eq!(lab.sql("db-b", "select @@global.auto_increment_increment"), "3");
    drop(holder.stdin.take());
    holder.wait().unwrap();
    lab.apply("hot-standby");
}

#[test]
fn a_limit_plans_nothing_elsewhere() {
    let lab = Lab::pair();
    // Data that is older than the binary log: nothing but the channel itself will prove where it came from.
    lab.sql(
        "db-a",
        "create database old; create table old.t (id int primary key); insert into old.t values (1)",
    );
    let plan = lab.tandem(&["plan", "hot-standby", "--limit", "db-b", "--format", "json"]).expect(2);
    assert!(plan.step_names().iter().all(|n| n.starts_with("db-b/")), "{:?}", plan.step_names());
    let before = lab.at("db-a", "ls -la /etc/mysql/mariadb.conf.d | md5sum");
    lab.tandem(&["apply", "hot-standby", "--limit", "db-b", "--yes"]);
    assert_eq!(lab.at("db-a", "ls -la /etc/mysql/mariadb.conf.d | md5sum"), before);
    // First all but the way back, then that too.
    lab.tandem(&["apply", "hot-standby", "--limit", "db-a", "--yes"]);
    lab.tandem(&["apply", "hot-standby", "--limit", "db-b", "--yes"]).expect(0);
    assert_eq!(lab.sql("db-b", "select id from old.t"), "1");
    let names = lab.plan("hot-standby").expect(2).step_names();
    assert_eq!(names, ["db-a/channel/db-b"]);
    lab.apply("hot-standby");
    lab.plan("hot-standby").expect(0);
}

#[test]
fn a_bad_setting_is_refused_by_the_server_itself_and_changes_nothing() {
    let lab = Lab::pair();
    lab.apply("hot-standby");
    let before =
        lab.at("db-b", "cat /etc/mysql/mariadb.conf.d/zz-tandem.cnf; systemctl show -p MainPID mariadb");
    let unchanged = |run: &crate::lab::Run| {
        let after =
            lab.at("db-b", "cat /etc/mysql/mariadb.conf.d/zz-tandem.cnf; systemctl show -p MainPID mariadb");
        assert_eq!(after, before, "{run:?}");
    };
    // A name that is misspelt, with the place of the wish.
    lab.vars(&format!("{OFF}mysql_settings:\n  innodb_bufer_pool_size: 64M\n"));
    let apply = ["apply", "hot-standby", "--yes"];
    let refusal = lab.refuses(&apply, "unknown-variable");
    assert_eq!(refusal["next"][0]["variable"], "innodb_bufer_pool_size");
    assert_eq!(refusal["place"], serde_json::json!({"file": "group_vars/db.yml", "line": 4}));
    let run = lab.tandem(&apply).expect(8);
    run.prints_for_people(&["did you mean `innodb_buffer_pool_size`?"]);
    unchanged(&run);
    // One that was removed from the server.
    lab.vars(&format!("{OFF}mysql_settings:\n  innodb_file_format: Barracuda\n"));
    let run = lab.tandem(&["apply", "hot-standby", "--yes", "--format", "json"]).expect(8);
    assert_eq!(run.refusal("unknown-variable")["next"][0]["variable"], "innodb_file_format");
    unchanged(&run);
    // A value that can't be.
    lab.vars(&format!("{OFF}mysql_settings:\n  innodb_flush_method: sometimes\n"));
    let refusal = lab.refuses(&["apply", "hot-standby", "--yes", "--allow", "restart"], "value-not-taken");
    let said = refusal["reason"].to_string();
    assert!(said.contains("`innodb_flush_method`") && said.contains("sometimes"), "{said}");
    unchanged(&run);
    // A later file that would win.
    lab.vars(&format!("{OFF}mysql_settings:\n  max_connections: 77\n"));
    lab.at(
        "db-b",
        "printf '# ours\\n[mariadbd]\\nmax-connections = 88\\n' > /etc/mysql/mariadb.conf.d/zzz-local.cnf",
    );
    let refusal = lab.refuses(&apply, "overridden-setting");
    let file = "/etc/mysql/mariadb.conf.d/zzz-local.cnf";
    let edit = serde_json::json!({"kind": "edit-file", "on": "db-b", "file": file, "line": 3});
    assert_eq!(refusal["next"][0], edit);
    lab.at("db-b", "rm /etc/mysql/mariadb.conf.d/zzz-local.cnf");
    unchanged(&run);
    // One that the check lets pass and the start does not.
    lab.vars(&format!("{OFF}mysql_settings: {{innodb_data_file_path: lots}}\n"));
    let file = lab.at("db-b", "cat /etc/mysql/mariadb.conf.d/zz-tandem.cnf");
    let other = lab.at("db-a", "systemctl show -p MainPID mariadb");
    let begun = std::time::Instant::now();
    let run = lab.tandem(&["apply", "hot-standby", "--yes"]).expect(1);
    assert!(begun.elapsed().as_secs() < 60, "{run:?}");
    assert_eq!(lab.at("db-a", "systemctl show -p MainPID mariadb"), other);
    assert_eq!(lab.at("db-b", "cat /etc/mysql/mariadb.conf.d/zz-tandem.cnf"), file);
    assert_eq!(lab.sql("db-b", "select 1"), "1");
    assert_eq!(lab.sql("db-a", "select 1"), "1");
    lab.vars(OFF);
    lab.apply("hot-standby");
    lab.plan("hot-standby").expect(0);
}

#[test]
fn killed_in_the_middle_of_a_copy_nothing_stays_locked_and_the_next_run_ends_it() {
    let lab = Lab::pair();
    lab.sql(
        "db-a",
        "create database big; use big; create table t (id int auto_increment primary key, v varchar(200)); \
         insert into t (v) select repeat(md5(seq), 6) from seq_1_to_400000; \
         create table m (id int primary key) engine=MyISAM; insert into m values (1)",
    );
    let kept = lab.sql("db-a", "select @@global.expire_logs_days");
    assert_ne!(kept, "0.000000");
    for how in ["-KILL", "-INT"] {
        let mut child = lab
            .tandem_command(&["apply", "hot-standby", "--yes", "--format", "jsonl"])
            .stdout(std::fs::File::create(lab.path("stdout")).unwrap())
            .stderr(std::fs::File::create(lab.path("stderr")).unwrap())
            .spawn()
            .unwrap();
        // The copy has begun when its mark lies on the replica and rows are being written.
        const WRITES: &str = "mariadb -NBe 'show processlist' | grep -q 'INSERT INTO .big'";
        // The host itself looks, and halts its server then: it goes on when the run has been killed.
        let halt = format!(
            "end=$(($(date +%s) + 120)); until test -e /var/lib/tandem/seed.json && {WRITES}; do \
             [ $(date +%s) -lt $end ] || exit 1; done; kill -STOP $(pidof mariadbd)"
        );
        let seen = lab.try_at("db-b", &halt);
        let said = ["stdout", "stderr"].map(|name| std::fs::read_to_string(lab.path(name)).unwrap());
        assert!(seen.code == 0, "the copy was over before it could be interrupted: {said:?}");
        lab.wait_sql("db-a", "select @@global.expire_logs_days", "0.000000");
        // What was spawned enters the lab and waits; its child is tandem.
        let found =
            std::process::Command::new("pgrep").args(["-P", &child.id().to_string()]).output().unwrap();
        let pid = String::from_utf8(found.stdout).unwrap().trim().to_owned();
        // Twice ends at once, where it can be caught.
        for _ in 0..if how == "-INT" { 2 } else { 1 } {
            std::process::Command::new("kill").args([how, &pid]).status().unwrap();
        }
        lab.at("db-b", "kill -CONT $(pidof mariadbd)");
        child.wait().unwrap();
        // The source takes writes again, and nobody holds a lock.
        lab.sql("db-a", "set session lock_wait_timeout=5; insert ignore into big.m values (2)");
        for host in ["db-a", "db-b"] {
            let mut free = false;
            for _ in patience() {
                free =
                    lab.try_at(host, "mkdir -p -m 700 /run/tandem; flock -n /run/tandem/lock true").code == 0;
                if free {
                    break;
                }
            }
            assert!(free, "{host} is still locked");
        }
        // The hosts end what the run has left, and put back what it had changed.
        assert!(patience().any(|()| lab.try_at("db-b", WRITES).code != 0), "the copy goes on");
        lab.wait_sql("db-a", "select @@global.expire_logs_days", &kept);
    }
    lab.sql("db-a", "insert into big.t (v) values ('late')");
    lab.apply("hot-standby");
    // The source keeps its binary logs as long as before.
    assert_eq!(lab.sql("db-a", "select @@global.expire_logs_days"), kept);
    lab.at("db-a", "test ! -e /var/lib/tandem/retention.json");
    lab.same(["db-a", "db-b"], "checksum table big.t, big.m extended");
    lab.plan("hot-standby").expect(0);
    let left = lab.at(
        "db-b",
        "ls /run/tandem/copy.* /run/tandem-check.* /var/lib/tandem/seed.json 2>/dev/null || true",
    );
    assert_eq!(left, "");
}

#[test]
fn one_ctrl_c_ends_after_the_running_steps_and_the_next_apply_goes_on() {
    let lab = Lab::pair();
    let mut child = lab
        .tandem_command(&["apply", "hot-standby", "--yes", "--format", "jsonl"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let first =
        lines.by_ref().map_while(Result::ok).find(|l| l.contains("\"started\"")).expect("a step begins");
    let found = std::process::Command::new("pgrep").args(["-P", &child.id().to_string()]).output().unwrap();
    let pid = String::from_utf8(found.stdout).unwrap().trim().to_owned();
    std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap();
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{first}\n{}", rest.join("\n"));
    // What had begun came to its end, and nothing else began.
    let count = |word: &str| rest.iter().filter(|l| l.contains(&format!("\"type\":\"{word}\""))).count();
    assert_eq!(count("done"), count("started") + 1, "{}", rest.join("\n"));
    lab.apply("hot-standby");
    lab.plan("hot-standby").expect(0);
}

#[test]
fn a_killed_lab_leaves_nothing_behind() {
    let lab = Lab::boot(&["db-a"]);
    let directory = lab.path("").display().to_string();
    let mounts = || std::fs::read_to_string("/proc/mounts").unwrap().matches(&directory).count();
    let processes = || {
        let found = std::process::Command::new("pgrep").args(["-f", &directory]).output().unwrap();
        String::from_utf8(found.stdout).unwrap().lines().count()
    };
    assert!(processes() > 0);
    lab.kill();
    for _ in patience() {
        if processes() == 0 {
            break;
        }
    }
    assert_eq!((processes(), mounts()), (0, 0));
    // The host's changes were in memory; the next lab sweeps the control groups.
    let hosts = std::fs::read_dir(lab.path("hosts")).map(Iterator::count).unwrap_or(0);
    assert_eq!(hosts, 0, "files of hosts are left");
}

/// Applies with a command of three seconds before everything else on db-b, and does something meanwhile.
fn meddle(lab: &Lab, with: &str) -> crate::lab::Run {
    lab.write(
        "roles/slow/role.yml",
        "description: something that takes its time\nresources:\n  - command: {run: [sh, -c, sleep 3; touch /var/tmp/slept], unless: [test, -e, /var/tmp/slept]}\n",
    );
    lab.write(
        "play.yml",
        "- hosts: db\n  topology: {kind: dual-primary, members: [db-a, db-b]}\n  roles: [{role: slow, when: inventory_hostname == 'db-b'}, config, accounts, seed, replication]\n",
    );
    let child = lab
        .tandem_command(&["apply", "play.yml", "--yes"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    for _ in patience() {
        if lab.try_at("db-b", "pgrep -x sleep").code == 0 {
            break;
        }
    }
    lab.at("db-b", with);
    crate::lab::Run::of(&child.wait_with_output().unwrap())
}

#[test]
fn what_a_step_rests_on_is_looked_at_once_more_right_before_it() {
    let lab = Lab::pair();
    let run =
        meddle(&lab, "printf '[mysqld]\\nmax_connections=99\\n' > /etc/mysql/mariadb.conf.d/zz-tandem.cnf")
            .expect(7);
    run.tells_people(&["the file has changed"]);
    assert!(lab.at("db-b", "cat /etc/mysql/mariadb.conf.d/zz-tandem.cnf").contains("max_connections=99"));

    let lab = Lab::pair();
    lab.sql("db-a", "create database hello; create table hello.t (id int primary key)");
    let run = meddle(&lab, "mariadb -e 'create database mine; create table mine.t (id int primary key); insert into mine.t values (7)'")
        .expect(7);
    run.tells_people(&["mine"]);
    assert_eq!(lab.sql("db-b", "select id from mine.t"), "7");
}

#[test]
fn a_firewall_that_is_not_confirmed_is_taken_back_by_the_host_itself() {
    let lab = Lab::pair();
    lab.vars(&format!("{OFF}firewall_deny_others: true\nfirewall_backend: nftables\n"));
    let mut child = lab
        .tandem_command(&["apply", "hot-standby", "--yes"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // The switch is armed: the rules are loaded and nobody has confirmed them yet.
    let mut armed = false;
    for _ in 0..2000 {
        if lab
            .try_at(
                "db-a",
                "test -e /run/tandem/firewall-undo.sh && nft list table inet tandem >/dev/null 2>&1",
            )
            .code
            == 0
        {
            let found =
                std::process::Command::new("pgrep").args(["-P", &child.id().to_string()]).output().unwrap();
            let pid = String::from_utf8(found.stdout).unwrap().trim().to_owned();
            std::process::Command::new("kill").args(["-KILL", &pid]).status().unwrap();
            armed = lab.try_at("db-a", "test -e /run/tandem/firewall-undo.sh").code == 0;
            break;
        }
        if child.try_wait().unwrap().is_some() {
            break;
        }
    }
    child.wait().unwrap();
    assert!(armed, "the change was confirmed before the controller could be killed");
    let gone =
        (0..2).flat_map(|_| patience()).any(|()| lab.try_at("db-a", "nft list table inet tandem").code != 0);
    assert!(gone, "the rules are still there");
    lab.apply("hot-standby");
    lab.plan("hot-standby").expect(0);
}

/// Each play is about other hosts, and has its connections still when its turn comes.
#[test]
fn plays_about_different_hosts_are_all_applied() {
    let lab = Lab::pair();
    lab.write(
        "two.yml",
        "- name: first\n  hosts: db-a\n  roles: [config]\n  vars: {mysql_settings: {max_connections: 187}}\n\
         - name: second\n  hosts: db-b\n  roles: [config]\n  vars: {mysql_settings: {max_connections: 188}}\n",
    );
    lab.tandem(&["apply", "two.yml", "--yes"]).expect(0);
    let values = ["db-a", "db-b"].map(|host| lab.sql(host, "select @@max_connections"));
    assert_eq!(values, ["187", "188"]);
    lab.tandem(&["drift", "two.yml"]).expect(0);
}
