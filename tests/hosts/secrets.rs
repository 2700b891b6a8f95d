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
        // Every statement is logged from the first to the last.
        lab.at(
            host,
            "printf '[mysqld]\\ngeneral_log=1\\ngeneral_log_file=general.log\\nslow_query_log=1\\nlong_query_time=0\\n' \
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
        assert!(!run.out.contains("137") && !run.err.contains("max_connections = 137"), "{run:?}");
    }
    assert!(runs[0].out.contains("max_connections = ***"), "{:?}", runs[0]);
    for host in ["db-a", "db-b"] {
        assert_eq!(
            lab.sql(host, "select concat(@@report_host, ' ', @@max_connections)"),
            format!("{VAULTED} 137")
        );
    }

    // Everything on the hosts and beside the inventory, but for the server's own stores of credentials.
    let patterns = CANARIES.map(|canary| format!("-e {canary}")).join(" ");
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
        .args(CANARIES.iter().chain([&VAULTED]).flat_map(|c| ["-e", c]))
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
