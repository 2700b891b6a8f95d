//! Writes go from one host to another while clients write: nothing is lost, nothing doubled.

use std::{
    io::Write,
    path::PathBuf,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use crate::{
    client::{Client, show},
    lab::{Lab, patience},
    limits::{controller, files, signal},
    takeover::{declare, tree},
};

const ALL: [&str; 3] = ["db-a", "db-b", "db-c"];

#[test]
fn writes_are_switched_under_load() {
    switches("bookworm");
}

#[test]
fn writes_are_switched_under_load_on_mysql() {
    switches("sid");
}

/// Back and forth, by the playbook alone: `drift` finds nothing left behind either time.
fn switches(suite: &str) {
    let lab = tree(suite);
    let address = |host: &str| if host == "db-a" { "10.77.0.11" } else { "10.77.0.12" };
    let client = Client::start(&lab, "db-c", "one", "app", &["10.77.0.11", "10.77.0.12"]);
    for (from, to) in [("db-a", "db-b"), ("db-b", "db-a"), ("db-a", "db-b")] {
        declare(&lab, to, &[from, "db-c"]);
        let plan = lab.plan("play.yml").expect(2);
        let steps = plan.step_names();
        assert!(steps.contains(&format!("{to}/switchover")), "{steps:?}");
        lab.apply("play.yml");
        client.writes(address(to));
        lab.plan("play.yml").expect(0);
        lab.tandem(&["drift", "play.yml"]).expect(0);
        for host in ALL {
            let closed = if host == to { "0" } else { "1" };
            assert_eq!(lab.sql(host, "select @@read_only"), closed, "{host}");
        }
        let channels = if suite == "sid" { "show replica status" } else { "show all slaves status" };
        assert_eq!(lab.sql(to, channels), "", "{to} follows nobody");
    }
    client.lost_nothing(&ALL, suite);
}

/// Whoever may write past `read_only` is told before, needs a word, and loses nothing.
#[test]
fn an_administrator_who_writes_loses_nothing() {
    let lab = tree("bookworm");
    lab.sql("db-a", "create user boss@'%' identified by 'app'; grant all privileges on *.* to boss@'%'");
    lab.same(["db-a", "db-b"], "select user from mysql.user where user = 'boss'");
    let clients = ["one", "two"].map(|name| {
        let user = if name == "one" { "boss" } else { "app" };
        Client::start(&lab, "db-c", name, user, &["10.77.0.11", "10.77.0.12"])
    });
    for (from, to, address) in [("db-a", "db-b", "10.77.0.12"), ("db-b", "db-a", "10.77.0.11")] {
        let verb = ["switchover", "play.yml", "--to", to, "--yes"];
        lab.refuses(&verb, "not-allowed-lock-accounts");
        assert_eq!(lab.sql(from, "select @@read_only"), "0");
        lab.tandem(&[&verb[..], &["--allow", "lock-accounts"]].concat()).expect(0);
        for client in &clients {
            client.writes(address);
        }
        let denied = format!("$(command -v mariadb) -h {} -uboss -papp -e 'select 1'", other(address));
        let denied = lab.try_at("db-c", &denied);
        assert!(denied.err.contains("locked"), "{}", denied.err);
    }
    for client in clients {
        client.lost_nothing(&ALL, "administrator");
    }
}

fn other(address: &str) -> &'static str {
    if address == "10.77.0.11" { "10.77.0.12" } else { "10.77.0.11" }
}

/// The playbook says afterwards what is there, in its own words; where it can't, the lines are named.
#[test]
fn the_verb_edits_the_playbook() {
    let lab = tree("bookworm");
    let text = |primary: &str, replica: &str| {
        format!(
            "# Two sites\n- hosts: db\n  topology:\n    kind: primary-replica\n    primary: {primary}   # writes\n    \
             replicas:\n      - {{host: \"{replica}\"}}\n      - db-c\n  \
             roles: [firewall, tls, config, accounts, seed, replication]\n"
        )
    };
    let file = lab.write("play.yml", &text("db-a", "db-b"));
    lab.apply("play.yml");
    lab.tandem(&["switchover", "play.yml", "--to", "db-d", "--yes"]).expect(64);
    // A server that takes what clients write otherwise is no place for them.
    for (name, value) in [("sql_mode", "'ANSI_QUOTES'"), ("tx_read_only", "1"), ("max_join_size", "1")] {
        lab.sql("db-b", &format!("set global {name} = {value}"));
        lab.refuses(&["switchover", "play.yml", "--to", "db-b", "--yes"], "other-parameters");
        assert_eq!(lab.sql("db-a", "select @@read_only"), "0");
        lab.sql("db-b", &format!("set global {name} = default"));
    }
    let done = lab.tandem(&["switchover", "play.yml", "--to", "db-b", "--yes"]).expect(0);
    done.tells_people(&[
        "Changed play.yml",
        "-     primary: db-a   # writes",
        "+     primary: db-b   # writes",
    ]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text("db-b", "db-a"));
    lab.tandem(&["drift", "play.yml"]).expect(0);
    // Again is nothing to do, and changes no file.
    lab.tandem(&["switchover", "play.yml", "--to", "db-b", "--yes"]).expect(0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text("db-b", "db-a"));

    let done = lab.tandem(&["switchover", "play.yml", "--to", "db-c", "--yes", "--no-edit"]).expect(0);
    done.tells_people(&["+     primary: db-c   # writes"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text("db-b", "db-a"));
    lab.tandem(&["drift", "play.yml"]).expect(2);
    assert_eq!(lab.sql("db-c", "select @@read_only"), "0");
}

/// A long write is waited for and never ended; others go on meanwhile, and what was begun leaves no trace.
#[test]
fn a_long_write_is_waited_for() {
    let lab = tree("bookworm");
    lab.vars(
        "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\nswitchover_wait: 5s\n",
    );
    lab.sql("db-a", "create table hello.l (id int primary key)");
    let client = Client::start(&lab, "db-c", "one", "app", &["10.77.0.11", "10.77.0.12"]);
    let holds = "(echo 'lock tables hello.l write; select sleep(90);'; sleep 1) | mariadb";
    lab.at("db-a", &format!("setsid sh -c \"{holds}\" </dev/null >/dev/null 2>&1 &"));
    lab.wait_sql(
        "db-a",
        "select count(*) from information_schema.processlist where state = 'User sleep'",
        "1",
    );
    let file = lab.at("db-a", "cat /etc/mysql/mariadb.conf.d/zz-tandem.cnf");
    let refused = lab.tandem(&["switchover", "play.yml", "--to", "db-b", "--yes"]).expect(7);
    refused.tells_people(&["long writes did not end within 5 s", "db-a takes writes as before"]);
    assert_eq!(lab.sql("db-a", "select @@read_only"), "0");
    assert_eq!(lab.at("db-a", "cat /etc/mysql/mariadb.conf.d/zz-tandem.cnf"), file);
    // It is the recorded writer as before, too.
    assert_eq!(
        lab.at("db-a", "systemctl is-enabled tandem-role; ls -d /var/lib/tandem/role*"),
        "enabled\n/var/lib/tandem/role"
    );
    client.writes("10.77.0.11");
    client.lost_nothing(&ALL, "long write");
}

/// A session of MySQL that gave up waiting for the tables keeps its lock: nobody may wait for longer than an attempt takes.
#[test]
fn a_long_read_holds_no_writer_up_on_mysql() {
    let lab = tree("sid");
    lab.vars(
        "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\nswitchover_wait: 12s\n",
    );
    lab.sql("db-a", "create table hello.l (id int primary key); insert into hello.l values (1)");
    let client = Client::start(&lab, "db-c", "one", "app", &["10.77.0.11", "10.77.0.12"]);
    let reads = "mysql -e 'select count(*) from hello.l where sleep(90) = 0'";
    lab.at("db-a", &format!("setsid sh -c \"{reads}\" </dev/null >/dev/null 2>&1 &"));
    lab.wait_sql(
        "db-a",
        "select count(*) from performance_schema.processlist where state = 'User sleep'",
        "1",
    );
    lab.tandem(&["switchover", "play.yml", "--to", "db-b", "--yes"]).expect(7);
    assert_eq!(lab.sql("db-a", "select @@read_only"), "0");
    client.writes("10.77.0.11");
    let (_, gap) = client.end();
    // The lock would have stayed for all of the twelve seconds.
    assert!(gap < 6_000, "{gap} ms without a write");
}

/// Killed at any moment: never two writers, and whoever wrote goes on by himself or one `apply` opens the other.
#[test]
#[ignore = "make more"]
fn a_killed_switchover_leaves_one_writer_or_one_apply_to_go() {
    let lab = tree("bookworm");
    let client = Client::start(&lab, "db-c", "one", "app", &["10.77.0.11", "10.77.0.12"]);
    let (mut writer, mut by_itself) = ("db-a", 0);
    for turn in 0..12_u64 {
        let to = if writer == "db-a" { "db-b" } else { "db-a" };
        let mut run = begin(&lab, to);
        // From the lock on, a few milliseconds later each time.
        std::thread::sleep(Duration::from_millis(turn * 2));
        signal(&controller(&run), "KILL");
        let _ = run.wait();
        let open: Vec<&str> =
            ["db-a", "db-b"].into_iter().filter(|host| lab.sql(host, "select @@read_only") == "0").collect();
        assert!(open.len() < 2, "two writers");
        by_itself += open.len();
        if open.is_empty() {
            lab.tandem(&["switchover", "play.yml", "--to", to, "--yes"]).expect(0);
        } else {
            lab.tandem(&["switchover", "play.yml", "--to", open[0], "--yes"]).expect(0);
        }
        writer = if open.first().unwrap_or(&to) == &"db-a" { "db-a" } else { "db-b" };
        client.writes(if writer == "db-a" { "10.77.0.11" } else { "10.77.0.12" });
    }
    show(&format!("of 12 kills, {by_itself} left a writer"));
    client.lost_nothing(&ALL, "killed");
}

/// A switchover that has just locked the old writer.
fn begin(lab: &Lab, to: &str) -> Child {
    until_said(lab, &["switchover", "play.yml", "--to", to, "--yes"], "FLUSH TABLES WITH READ LOCK")
}

/// A run whose journal has just got this statement.
pub fn until_said(lab: &Lab, args: &[&str], statement: &str) -> Child {
    let before = files(&lab.path("state"));
    let mut run = lab.tandem_command(args);
    let run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_said(lab, &before, statement);
    run
}

/// Waits until a journal that was not there before has this statement.
pub fn wait_said(lab: &Lab, before: &[PathBuf], statement: &str) {
    let said = |file: &PathBuf| {
        !before.contains(file) && std::fs::read_to_string(file).unwrap_or_default().contains(statement)
    };
    let begun = Instant::now();
    while !files(&lab.path("state")).iter().any(said) {
        assert!(begun.elapsed().as_secs() < 30, "no journal has {statement}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The network of the one that takes over is gone while writes wait: the old writer goes on within seconds.
#[test]
#[ignore = "make more"]
fn a_target_that_is_cut_off_leaves_the_old_writer() {
    let lab = tree("bookworm");
    let client = Client::start(&lab, "db-c", "one", "app", &["10.77.0.11", "10.77.0.12"]);
    // The lock is tried for and not taken yet when the line is cut: no last event arrives any more.
    lab.sql("db-a", "create table hello.l (id int primary key)");
    let holds = "(echo 'lock tables hello.l write; select sleep(40);'; sleep 1) | mariadb";
    lab.at("db-a", &format!("setsid sh -c \"{holds}\" </dev/null >/dev/null 2>&1 &"));
    let run = begin(&lab, "db-b");
    lab.link("db-b", "down");
    let ended = run.wait_with_output().unwrap();
    assert_ne!(ended.status.code(), Some(0));
    lab.link("db-b", "up");
    lab.sql("db-b", "stop slave; start slave");
    assert_eq!(lab.sql("db-a", "select @@read_only"), "0");
    assert_eq!(lab.sql("db-b", "select @@read_only"), "1");
    client.writes("10.77.0.11");
    client.lost_nothing(&ALL, "cut off");
}

/// That nobody can write, or that too many can, is the first that is told.
#[test]
fn another_number_of_writers_is_told_first() {
    let lab = tree("bookworm");
    lab.tandem(&["status", "play.yml"]).expect(0);
    for (host, closed, code) in [("db-a", "1", "no-writer"), ("db-c", "0", "several-writers")] {
        let before = lab.sql(host, "select @@read_only");
        lab.sql(host, &format!("set global read_only = {closed}"));
        let drift = lab.tandem(&["drift", "play.yml", "--format", "json"]).expect(2).plan_json();
        let found = drift["warnings"].as_array().unwrap().iter().find(|w| w["drift"] == "writers").cloned();
        assert_eq!(found.expect("a finding")["code"], code);
        for command in ["status", "plan"] {
            let told = lab.tandem(&[command, "play.yml"]).expect(2);
            assert!(told.out.starts_with("writers"), "{}", told.out);
        }
        lab.sql(host, &format!("set global read_only = {before}"));
    }
    lab.tandem(&["drift", "play.yml"]).expect(0);
    // One that is open alone is told, too, while nobody knows what became of the declared one.
    lab.sql("db-c", "set global read_only = 0");
    lab.link("db-a", "down");
    let plan = lab.tandem(&["plan", "play.yml", "--format", "json"]).json();
    let codes: Vec<&str> =
        plan["warnings"].as_array().unwrap().iter().filter_map(|w| w["code"].as_str()).collect();
    assert!(codes.contains(&"other-host-open"), "{codes:?}");
    lab.tandem(&["status", "play.yml"]).prints_for_people(&["db-c accepts writes"]);
}

/// A switch that was cut off after it had opened its target: what was written there is nobody's to give up.
#[test]
fn a_switch_that_was_cut_off_is_gone_on_with_from_where_the_writes_are() {
    let lab = tree("bookworm");
    lab.sql("db-a", "insert into hello.w (n, who) values (1, 'a')");
    lab.same(["db-a", "db-c"], "select count(*) from hello.w");
    lab.sql("db-a", "set global read_only = 1");
    lab.sql(
        "db-c",
        "stop slave; reset slave all; set global read_only = 0; insert into hello.w (n, who) values (2, 'c')",
    );
    for allow in [&[][..], &["--allow", "discard-errant"], &["--allow", "reseed"]] {
        lab.refuses(&[&["apply", "play.yml", "--yes"], allow].concat(), "writes-elsewhere");
        assert_eq!(lab.sql("db-c", "select @@read_only"), "0");
    }
    for (to, n) in [("db-c", 3), ("db-a", 4)] {
        lab.tandem(&["switchover", "play.yml", "--to", to, "--yes"]).expect(0);
        lab.sql(to, &format!("insert into hello.w (n, who) values ({n}, 'x')"));
    }
    for host in ["db-b", "db-c"] {
        lab.wait_sql(host, "select group_concat(n order by n) from hello.w", "1,2,3,4");
    }
    lab.tandem(&["drift", "play.yml"]).expect(0);
}

/// What only a third host has is told by what it is before anything moves, and given up only by name.
#[test]
fn what_only_a_third_host_has_is_told_before_a_switch() {
    only_a_third_host("bookworm");
}

#[test]
#[ignore = "make more"]
fn what_only_a_third_host_has_is_told_before_a_switch_on_mysql() {
    only_a_third_host("sid");
}

fn only_a_third_host(suite: &str) {
    let lab = tree(suite);
    let closed = |sql: &str| format!("set global read_only = 0; {sql}; set global read_only = 1");
    lab.sql("db-c", &closed("insert into hello.w (n, who) values (7, 'c')"));
    if suite == "sid" {
        lab.sql("db-c", "set global super_read_only = 1");
    }
    lab.sql("db-a", "insert into hello.w (n, who) values (1, 'a')");
    lab.same(["db-a", "db-b"], "select count(*) from hello.w");
    lab.refuses(&["switchover", "play.yml", "--to", "db-b", "--yes"], "errant-transactions");
    assert_eq!(lab.sql("db-a", "select @@read_only"), "0");
    lab.tandem(&["switchover", "play.yml", "--to", "db-b", "--yes", "--allow", "discard-errant"]).expect(0);
    lab.sql("db-b", "insert into hello.w (n, who) values (2, 'b')");
    for host in ["db-a", "db-c"] {
        lab.wait_sql(host, "select group_concat(n order by n) from hello.w", "1,2");
    }
    lab.tandem(&["drift", "play.yml"]).expect(0);
}

/// Somebody else moves the writes while a prompt waits: what was planned before opens no second writer.
#[test]
fn who_answers_a_prompt_too_late_moves_nothing() {
    let lab = tree("bookworm");
    std::fs::copy(lab.path("play.yml"), lab.path("mine.yml")).unwrap();
    let stderr = std::fs::File::create(lab.path("stderr")).unwrap();
    let mut late = lab.tandem_command(&["switchover", "mine.yml", "--to", "db-c"]);
    let late = late.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(stderr);
    let mut late = late.spawn().unwrap();
    let said = || std::fs::read_to_string(lab.path("stderr")).unwrap();
    assert!(patience().any(|()| said().contains("Only `yes`")), "{}", said());
    lab.tandem(&["switchover", "play.yml", "--to", "db-b", "--yes"]).expect(0);
    late.stdin.take().unwrap().write_all(b"yes\n").unwrap();
    assert_eq!(late.wait().unwrap().code(), Some(7), "{}", said());
    let open = ALL.map(|host| lab.sql(host, "select @@read_only") == "0");
    assert_eq!(open, [false, true, false]);
    lab.plan("play.yml").expect(0);
}

/// A target that was opened by hand, and does not follow any more: nothing is closed for it, whatever else is refused.
#[test]
fn the_one_that_clients_write_to_is_not_closed_for_a_target_that_is_open() {
    let lab = tree("bookworm");
    let client = Client::start(&lab, "db-c", "one", "app", &["10.77.0.11", "10.77.0.12"]);
    lab.sql("db-b", "set global read_only = 0; stop slave sql_thread");
    lab.refuses(&["switchover", "play.yml", "--to", "db-b", "--yes"], "writers-not-one");
    assert_eq!(lab.sql("db-a", "select @@read_only"), "0");
    lab.sql("db-b", "set global read_only = 1");
    lab.refuses(&["switchover", "play.yml", "--to", "db-b", "--yes"], "target-broken");
    assert_eq!(lab.sql("db-a", "select @@read_only"), "0");
    lab.sql("db-b", "start slave sql_thread");
    lab.tandem(&["switchover", "play.yml", "--to", "db-b", "--yes"]).expect(0);
    client.writes("10.77.0.12");
    client.lost_nothing(&ALL, "open by hand");
}
