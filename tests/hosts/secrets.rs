//! Passwords are in no argument, environment, output, journal, log, history or binary log.

use std::{
    collections::BTreeSet,
    fs,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use crate::lab::Lab;

/// Passwords of the administrator's account and the ssh user. The last part of each is what no quoting of a
/// shell, of SQL or of an option file changes. That of the replication account lies in the vault
/// tests/vault/host.yml: `p'q"r\s$(id)t ü;--canary-one-5f1c`.
const ADMINISTRATOR: &str = r#"b'o"ss \ $x canary-two-77ad"#;
const OPERATOR: &str = "o'p\"s $word canary-three-09be";
/// What the vault tests/vault/host.yml holds beside the password: no secret by its name, and shown nowhere either.
/// It does lie in the option file of the hosts, where the server reads it.
const VAULTED: &str = "canary-four-c3d2";
const CANARIES: [&str; 3] = ["canary-one-5f1c", "canary-two-77ad", "canary-three-09be"];

/// What is given by `-e`, which a plan does not keep.
const GIVEN: &str = r#"g'v"n\ $(id) <b>&%41 ü; canary-five-a6e2"#;

/// Base64 of a text wherever it begins within three bytes: the letters that do not depend on what is around it.
fn base64_of(text: &str) -> [String; 3] {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    [0, 1, 2].map(|skip: usize| {
        let whole = text.as_bytes()[skip..].chunks_exact(3);
        whole
            .flat_map(|c| {
                let n = u32::from(c[0]) << 16 | u32::from(c[1]) << 8 | u32::from(c[2]);
                [18, 12, 6, 0].map(|shift| char::from(LETTERS[(n >> shift & 63) as usize]))
            })
            .collect()
    })
}

/// Whether a text shows a password: as it is, in any escapes, broken over lines, or in base64.
fn shows(text: &str) -> bool {
    let all = [&CANARIES[..], &["canary-five-a6e2"]].concat();
    let joined: String = text.chars().filter(|c| !c.is_whitespace() && *c != '│').collect();
    all.iter().any(|c| joined.contains(c) || base64_of(c).iter().any(|coded| joined.contains(coded.as_str())))
}

fn canaries_in(bytes: &[u8]) -> bool {
    CANARIES.iter().any(|canary| bytes.windows(canary.len()).any(|w| w == canary.as_bytes()))
}

/// Arguments and environments of all processes, the controller's and those of both hosts, which are
/// processes of this machine too. Returns what was seen of those that hold a canary.
fn watch(stop: &AtomicBool, looks: &AtomicUsize) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    while !stop.load(Ordering::Relaxed) {
        for entry in fs::read_dir("/proc").expect("/proc").flatten() {
            let path = entry.path();
            if !entry.file_name().to_string_lossy().chars().all(|c| c.is_ascii_digit()) {
                continue;
            }
            for what in ["cmdline", "environ"] {
                // A process that ended meanwhile has neither.
                let bytes = fs::read(path.join(what)).unwrap_or_default();
                if canaries_in(&bytes) {
                    let command = fs::read(path.join("cmdline")).unwrap_or_default();
                    found.insert(format!(
                        "{what} of {}",
                        String::from_utf8_lossy(&command).replace('\0', " ")
                    ));
                }
            }
        }
        looks.fetch_add(1, Ordering::Relaxed);
    }
    found
}

/// Ends the watcher when it is dropped.
struct Stopped<'a>(&'a AtomicBool);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "one run, looked at everywhere")]
fn a_password_is_seen_nowhere() {
    let lab = Lab::pair();
    lab.sql(
        "db-a",
        "create database shop; use shop; create table shop.t (id int auto_increment primary key, v text); \
         insert into shop.t (v) select repeat('x', 1000) from seq_1_to_20000; create table shop.old (id int) engine=MyISAM",
    );
    for host in ["db-a", "db-b"] {
        let quoted = ADMINISTRATOR.replace('\\', "\\\\").replace('\'', "''");
        lab.sql(host, &format!("create user boss@localhost identified by '{quoted}'; grant all on *.* to boss@localhost with grant option"));
        lab.at(host, &format!("chpasswd <<'END'\nops:{OPERATOR}\nEND"));
        // Every statement is logged from the first to the last, by the audit plugin too.
        lab.at(
            host,
            "printf '[mysqld]\\nplugin_load_add=server_audit\\nserver_audit_logging=ON\\ngeneral_log=1\\ngeneral_log_file=general.log\\nslow_query_log=1\\nlong_query_time=0\\n' \
             > /etc/mysql/mariadb.conf.d/70-logs.cnf; systemctl restart mariadb",
        );
    }
    for (name, secret) in [("admin", ADMINISTRATOR), ("ops", OPERATOR), ("vault", "swordfish")] {
        lab.write(&format!("{name}.secret"), &format!("{secret}\n"));
    }
    // Sealed by ansible-vault; it holds the replication account's password, VAULTED and one more setting.
    lab.write("group_vars/db/vault.yml", include_str!("../vault/host.yml"));
    let key = ["--vault-password-file", "vault.secret"];
    let tandem = |words: &[&str]| lab.tandem(&[words, &key].concat());
    lab.write(
        "group_vars/db/vars.yml",
        "replication_password: \"{{ vault_replication_password }}\"\nreplication_tls: \"off\"\nmysql_admin_user: boss\n\
         mysql_admin_password: {file: ../../admin.secret}\nansible_user: ops\nansible_become: true\n\
         ansible_become_password: {file: ../../ops.secret}\n",
    );

    let (stop, looks) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (runs, seen) = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(&stop, &looks));
        // A failure in here ends the watcher too; the scope waits for it.
        let stopped = Stopped(&stop);
        let mut runs = vec![tandem(&["plan", "hot-standby", "-o", "saved.plan"]).expect(2)];
        runs.push(lab.tandem(&["show", "saved.plan"]));
        runs.push(
            tandem(&["apply", "saved.plan", "--yes", "--allow", "restart", "-vv", "--format", "jsonl"])
                .expect(0),
        );
        // The wrong password is put right, and what stands behind a channel is asked for.
        lab.sql("db-b", "stop slave; change master to master_password='nonsense'; start slave");
        runs.push(tandem(&["apply", "hot-standby", "--yes", "-vv"]).expect(0));
        for words in [
            &["status", "hot-standby", "--format", "json"][..],
            &["doctor", "hot-standby"],
            &["drift", "hot-standby"],
            &["vars", "db-a"],
            &["graph", "hot-standby"],
            &["history"],
            &["history", "--help"],
        ] {
            runs.push(tandem(words));
        }
        drop(stopped);
        (runs, watcher.join().expect("the watcher ends"))
    });
    assert!(looks.load(Ordering::Relaxed) > 50, "the processes were looked at too seldom");
    assert_eq!(seen, BTreeSet::new());
    for run in &runs {
        assert!(!canaries_in(run.out.as_bytes()) && !canaries_in(run.err.as_bytes()), "{run:?}");
        assert!(!run.out.contains(VAULTED) && !run.err.contains(VAULTED), "{run:?}");
        // As a number of its own: bytes and times may hold these digits.
        let numbers =
            |text: &str| text.split(|c: char| !c.is_ascii_digit() && c != '.').any(|number| number == "137");
        assert!(!numbers(&run.out) && !run.err.contains("max_connections = 137"), "{run:?}");
    }
    assert!(runs[0].out.contains("max_connections = ***"), "{:?}", runs[0]);
    a_list_of_processes_has_an_end(&lab);
    for host in ["db-a", "db-b"] {
        assert_eq!(
            lab.sql(host, "select concat(@@report_host, ' ', @@max_connections)"),
            format!("{VAULTED} 137")
        );
    }

    what_is_given_on_the_command_line_is_kept_nowhere(&lab, &key);

    // Everything on the hosts and beside the inventory, but for the server's own stores of credentials.
    let all = [&CANARIES[..], &["canary-five-a6e2"]].concat();
    let patterns = all.iter().map(|canary| format!("-e {canary}")).collect::<Vec<_>>().join(" ");
    for host in ["db-a", "db-b"] {
        let searched = format!(
            "sync; grep -rlFa {patterns} / --exclude-dir=proc --exclude-dir=sys --exclude-dir=dev 2>/dev/null || true"
        );
        let hits = lab.at(host, &searched);
        let foreign: Vec<&str> =
            hits.lines().filter(|path| !path.starts_with("/var/lib/mysql/master")).collect();
        assert_eq!(foreign, Vec::<&str>::new(), "{host} holds a password");
        assert!(hits.contains("/var/lib/mysql/master"), "the search finds what is there: {hits}");
        let log = lab.at(host, "grep -c . /var/lib/mysql/general.log");
        assert!(log.parse::<u32>().expect("a number") > 20, "the general log was on");
    }
    let output = std::process::Command::new("grep")
        .args(["-rlFa"])
        .args(all.iter().chain([&VAULTED]).flat_map(|c| ["-e", c]))
        .arg(lab.path(""))
        .output()
        .expect("grep runs");
    let hits = String::from_utf8_lossy(&output.stdout);
    let foreign: Vec<&str> = hits
        .lines()
        .filter(|path| !path.ends_with(".secret") && !path.contains("/var/lib/mysql/master"))
        .filter(|path| !path.ends_with("/zz-tandem.cnf"))
        .collect();
    assert_eq!(foreign, Vec::<&str>::new(), "the controller holds a password");
}

/// A running statement is shown as far as its first 65,535 bytes; behind them stands what a channel's statement says.
fn a_list_of_processes_has_an_end(lab: &Lab) {
    let sees = |blanks: usize| {
        let sql = "select concat(length(info), ' ', instr(info, concat('be', 'hind')) > 0) from information_schema.processlist";
        let blanks = " ".repeat(blanks);
        lab.sql("db-b", &format!("{sql} {blanks} where id = connection_id() and 'behind' = 'behind'"))
    };
    assert!(sees(0).ends_with(" 1"), "{}", sees(0));
    assert_eq!(sees(65_535), "65535 0");
}

/// A saved plan names a secret that was given by `-e`, and is applied with it. Other sources than files are read too.
fn what_is_given_on_the_command_line_is_kept_nowhere(lab: &Lab, key: &[&str]) {
    lab.write(
        "group_vars/db/vars.yml",
        "replication_password: nothing that counts\nreplication_tls: \"off\"\nmysql_admin_user: boss\n\
         mysql_admin_password: {command: [cat, admin.secret]}\nansible_user: ops\nansible_become: true\n\
         ansible_become_password: {env: OPS_PASSWORD}\ndb_api_token: canary-five-a6e2\n",
    );
    let tandem = |words: &[&str]| {
        let mut command = lab.tandem_command(&[words, key].concat());
        let run = crate::lab::Run::of(&command.env("OPS_PASSWORD", OPERATOR).output().expect("tandem runs"));
        assert!(!shows(&run.out) && !shows(&run.err), "{words:?}: {run:?}");
        run
    };
    let given = format!("replication_password={}", serde_json::Value::from(GIVEN));
    let with = |words: &[&str]| tandem(&[words, &["-e", &given]].concat());
    with(&["plan", "hot-standby", "-o", "given.plan"]).expect(2);
    with(&["plan", "hot-standby", "--format", "json"]).expect(2);
    tandem(&["show", "given.plan"]).expect(0);
    // The plan itself says what is missing.
    let run = tandem(&["apply", "given.plan", "--yes"]).expect(64);
    assert!(run.err.contains("-e replication_password="), "{run:?}");
    with(&["apply", "given.plan", "--yes", "-vv", "--format", "json"]).expect(0);
    with(&["plan", "hot-standby"]).expect(0);
    for (words, code) in [
        (&["verify", "hot-standby", "--quick"][..], 0),
        (&["status", "hot-standby", "-v"], 0),
        (&["drift", "hot-standby", "--metrics-file", "tandem.prom", "--format", "json"], 0),
        (&["report", "hot-standby", "-o", "given.html"], 0),
        (&["graph", "hot-standby", "--as", "svg"], 0),
        (&["vars", "db-a", "hot-standby", "--format", "json"], 0),
        (&["vars", "db-a", "--explain", "db_api_token"], 0),
    ] {
        with(words).expect(code);
    }
    // What is wrong with a channel is told in the server's words.
    lab.sql("db-a", "set sql_log_bin=0; alter user repl_user@10.77.0.12 identified by 'other'");
    lab.sql("db-b", "stop slave; start slave");
    lab.wait_sql(
        "db-b",
        "select variable_value from information_schema.global_status where variable_name='slave_running'",
        "OFF",
    );
    with(&["doctor", "hot-standby", "--format", "json"]).expect(2);
    with(&["drift", "hot-standby"]).expect(2);
    with(&["apply", "hot-standby", "--yes", "-vv", "--format", "jsonl"]).expect(0);
    for (value, code) in [(format!("{GIVEN}{}", "x".repeat(97)), 65), (format!("{GIVEN}\nx"), 65)] {
        let given = format!("replication_password={}", serde_json::Value::from(value));
        for command in ["validate", "plan", "apply"] {
            tandem(&[command, "hot-standby", "-e", &given]).expect(code);
        }
    }
    // A document in the place of NAME=VALUE.
    tandem(&[
        "plan",
        "hot-standby",
        "-e",
        &format!("{{\"replication_password\": {}}}", serde_json::Value::from("canary-five-a6e2")),
    ])
    .expect(65);
    fs::remove_file(lab.path("group_vars/db/vars.yml")).expect("removed");
}
