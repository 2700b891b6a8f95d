//! Faults at every step and in the middle of the long ones: `make torture`.
//!
//! Each trial boots a pair, the first host with data and under writes, starts an apply, and does
//! something to it when a certain step begins. Afterwards no lock may be left, the source must take
//! writes, and applying once more must end where an undisturbed run ends, without a row lost.
#![allow(clippy::unwrap_used, dead_code)]

mod faults;
#[path = "../hosts/lab.rs"]
mod lab;

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use faults::{Fault, harm, heal, prepare};
use lab::{Lab, patience};

/// What the run is to bring about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scene {
    /// A fresh host becomes the standby of one with data.
    Fresh,
    /// A standby slept until its source had purged what it needs, and is copied anew.
    Purged,
}

/// The step at whose beginning it is done.
#[derive(Debug, Clone, Copy)]
enum At {
    /// The n-th that begins.
    Step(usize),
    /// The first whose name ends so.
    Named(&'static str),
}

const SEED: At = At::Named("db-b/seed/db-a");
const COMPARE: At = At::Named("/compare/db-a");

/// When it is done: at the beginning of a step, and so much later.
#[derive(Debug, Clone, Copy)]
struct Trial {
    scene: Scene,
    fault: Fault,
    step: At,
    after: Duration,
}

/// What a trial has shown.
#[derive(Debug, Default)]
struct Shown {
    acked: usize,
    lost: usize,
    /// How long the first write on the source took after the fault.
    write: Duration,
    /// The step that began before the harm.
    step: String,
    problem: Option<String>,
}

const STEPS: usize = 15;

fn trials() -> Vec<Trial> {
    let mut list = Vec::new();
    let of = |scene, fault, step, milliseconds| Trial {
        scene,
        fault,
        step,
        after: Duration::from_millis(milliseconds),
    };
    let at = |fault, step, milliseconds| of(Scene::Fresh, fault, At::Step(step), milliseconds);
    for step in 1..=STEPS {
        list.push(at(Fault::Kill, step, 0));
        list.push(at(Fault::Kill, step, 40 + 37 * step as u64));
    }
    for step in [1, 3, 5, 7, 9, 11, 12, 13] {
        list.push(at(Fault::Hangup, step, 30));
    }
    for (step, host) in [(2, "db-b"), (5, "db-a"), (9, "db-b"), (11, "db-a"), (12, "db-b")] {
        list.push(at(Fault::Network(host), step, 20));
    }
    for (step, host) in [(4, "db-b"), (9, "db-a"), (11, "db-b"), (11, "db-a"), (12, "db-a"), (13, "db-b")] {
        list.push(at(Fault::Crash(host), step, 60));
    }
    for (step, host) in [(6, "db-b"), (11, "db-b"), (12, "db-a")] {
        list.push(at(Fault::Power(host), step, 50));
    }
    // The copy is the first of three steps, and the longest.
    for (step, milliseconds) in [(1, 0), (1, 150), (1, 400), (1, 700), (2, 0), (2, 100), (3, 0), (3, 60)] {
        list.push(of(Scene::Purged, Fault::Kill, At::Step(step), milliseconds));
    }
    for (fault, step, milliseconds) in [
        (Fault::Hangup, 1, 300),
        (Fault::Network("db-b"), 1, 200),
        (Fault::Crash("db-b"), 1, 500),
        (Fault::Crash("db-a"), 2, 20),
    ] {
        list.push(of(Scene::Purged, fault, At::Step(step), milliseconds));
    }
    for (fault, step, milliseconds) in [
        (Fault::Cable("db-a"), At::Step(6), 50),
        (Fault::Cable("db-a"), SEED, 100),
        (Fault::Cable("db-b"), SEED, 100),
        (Fault::Cable("db-b"), COMPARE, 0),
        (Fault::Dark, At::Step(5), 50),
        (Fault::Dark, SEED, 0),
        (Fault::Dark, SEED, 200),
        (Fault::Dark, COMPARE, 50),
        (Fault::Full("db-b", "/var/lib/mysql"), SEED, 0),
        (Fault::Full("db-b", "/var/lib/tandem"), At::Step(1), 0),
        (Fault::Full("db-b", "/var/lib/tandem"), SEED, 0),
        (Fault::Full("db-a", "/var/lib/tandem"), SEED, 0),
        (Fault::Full("db-b", "/etc/mysql"), At::Step(1), 0),
        (Fault::Full("db-a", "/etc/mysql"), At::Step(1), 0),
        (Fault::Full("db-b", "/run"), At::Step(1), 0),
        (Fault::Memory("db-b"), SEED, 0),
        (Fault::Memory("db-b"), SEED, 300),
        (Fault::Memory("db-a"), SEED, 50),
        (Fault::Memory("db-b"), COMPARE, 0),
        (Fault::Users, At::Step(5), 100),
        (Fault::Users, SEED, 100),
    ] {
        list.push(of(Scene::Fresh, fault, step, milliseconds));
    }
    for (fault, milliseconds) in [
        (Fault::Cable("db-a"), 300),
        (Fault::Dark, 300),
        (Fault::Full("db-b", "/var/lib/mysql"), 0),
        (Fault::Memory("db-b"), 300),
    ] {
        list.push(of(Scene::Purged, fault, SEED, milliseconds));
    }
    list
}

fn main() {
    // One kind alone, such as TANDEM_TRIALS=Memory; then nothing is written down.
    let some = std::env::var("TANDEM_TRIALS").ok();
    let chosen = |trial: &Trial| some.as_ref().is_none_or(|some| format!("{trial:?}").contains(some));
    let trials: Vec<Trial> = trials().into_iter().filter(chosen).collect();
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(trial) = trials.get(number) else { return };
                    let shown = std::panic::catch_unwind(|| run(*trial)).unwrap_or_else(|panic| Shown {
                        problem: Some(
                            panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "it panicked".into()),
                        ),
                        ..Shown::default()
                    });
                    let word = shown.problem.as_deref().unwrap_or("converged");
                    print(&format!(
                        "{:?}: {:?} at {:?}, {} + {} ms: {word}; {} rows, {} lost, write after {} ms",
                        trial.scene,
                        trial.fault,
                        trial.step,
                        shown.step,
                        trial.after.as_millis(),
                        shown.acked,
                        shown.lost,
                        shown.write.as_millis()
                    ));
                    results.lock().unwrap().push((number, shown));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(number, _)| *number);
    let results: Vec<Shown> = results.into_iter().map(|(_, shown)| shown).collect();
    let good = results.iter().filter(|r| r.problem.is_none()).count();
    let lost: usize = results.iter().map(|r| r.lost).sum();
    let acked: usize = results.iter().map(|r| r.acked).sum();
    let slowest = results.iter().map(|r| r.write).max().unwrap_or_default();
    print(&format!(
        "{good} of {} converged, rows lost {lost} of {acked}, slowest first write {} ms, {} s in all",
        results.len(),
        slowest.as_millis(),
        begun.elapsed().as_secs()
    ));
    if some.is_none() {
        report(&trials, &results, acked, slowest);
    }
    assert!(good == results.len() && lost == 0, "see above");
}

/// Writes docs/reliability.md.
fn report(trials: &[Trial], results: &[Shown], acked: usize, slowest: Duration) {
    let mut kinds: Vec<&str> = Vec::new();
    for trial in trials {
        if !kinds.contains(&trial.fault.kind()) {
            kinds.push(trial.fault.kind());
        }
    }
    let mut text = String::from(
        "# Reliability\n\nMade by `make torture`. Each trial boots two hosts, the first with data (also in a table without transactions) and under\n\
         writes, starts `apply`, and does harm at the beginning of a step or some moments later. In some trials the second host is fresh;\n\
         in others it was a standby already, and the first has purged what it needs next. Afterwards no lock may be left, a write on the\n\
         source must succeed, and `apply` once more must end with an empty plan, equal checksums, every acknowledged row on both hosts, and no\n\
         temporary file. The time of the first write counts from the harm.\n\n| what was done | trials | converged | rows acknowledged | rows lost | slowest first write on the source |\n|---|---|---|---|---|---|\n",
    );
    for name in kinds {
        let of: Vec<&Shown> =
            trials.iter().zip(results).filter(|(t, _)| t.fault.kind() == name).map(|(_, r)| r).collect();
        text.push_str(&format!(
            "| {name} | {} | {} | {} | {} | {:.1} s |\n",
            of.len(),
            of.iter().filter(|r| r.problem.is_none()).count(),
            of.iter().map(|r| r.acked).sum::<usize>(),
            of.iter().map(|r| r.lost).sum::<usize>(),
            of.iter().map(|r| r.write).max().unwrap_or_default().as_secs_f64()
        ));
    }
    let good = results.iter().filter(|r| r.problem.is_none()).count();
    let lost: usize = results.iter().map(|r| r.lost).sum();
    text.push_str(&format!(
        "\n**{good} of {} converged, rows lost {lost}** of {acked}. The slowest first write on the source after a fault took {} ms.\n",
        results.len(),
        slowest.as_millis()
    ));
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reliability.md"), text).unwrap();
}

fn print(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Writes on the source until told to stop; every acknowledged id is kept.
fn writer(lab: &Lab) -> (Child, std::thread::JoinHandle<Vec<String>>) {
    let mut child = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/lab"))
        .arg("at")
        .arg(lab.path(""))
        .args([
            "db-a",
            "i=0; while [ ! -e /var/tmp/stop ] && [ $i -lt 3000 ]; do i=$((i+1)); \
             mariadb -N -B -e \"insert into shop.acked () values (); select last_insert_id()\" 2>/dev/null; sleep 0.02; done",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let collected = std::thread::spawn(move || lines.map_while(Result::ok).collect());
    (child, collected)
}

fn run(trial: Trial) -> Shown {
    let lab = Lab::pair();
    lab.vars("replication_password: {env: REPLICATION_PASSWORD}\nfirewall_deny_others: true\n");
    lab.sql(
        "db-a",
        "create database shop; use shop; create table item (id int auto_increment primary key, v varchar(200)); \
         insert into item (v) select repeat(md5(seq), 5) from seq_1_to_60000; \
         create table old (id int primary key) engine=MyISAM; insert into old select seq from seq_1_to_1000; \
         create table acked (id bigint auto_increment primary key)",
    );
    if trial.scene == Scene::Purged {
        purge(&lab);
    }
    prepare(&lab, trial.fault);
    let (mut child, collected) = writer(&lab);
    let (step, write) = disturb(&lab, trial);
    let mut shown = Shown { step, write, ..Shown::default() };
    heal(&lab, trial.fault);
    if !locks_are_free(&lab) {
        shown.problem = Some("a lock is left".into());
    }
    let again = lab.tandem(&apply(trial.scene));
    if again.code != 0 {
        shown.problem = Some(format!("apply again ends with {}: {}{}", again.code, again.out, again.err));
    }
    lab.try_at("db-a", "touch /var/tmp/stop");
    let _ = child.wait();
    let acked = collected.join().unwrap_or_default();
    shown.acked = acked.len();
    if shown.problem.is_none() {
        shown.lost = lost(&lab, &acked);
        shown.problem = left(&lab);
    }
    shown
}

/// The standby stops, and the source purges what it needs next.
fn purge(lab: &Lab) {
    lab.apply("hot-standby");
    lab.sql("db-b", "stop slave");
    lab.sql("db-a", "insert into shop.acked () values (); flush binary logs; insert into shop.acked () values (); flush binary logs");
    let newest = lab.sql("db-a", "show master status");
    let newest = newest.split_whitespace().next().unwrap();
    for _ in patience() {
        lab.sql("db-a", &format!("purge binary logs to '{newest}'"));
        if lab.sql("db-a", "show binary logs").lines().count() == 1 {
            return;
        }
    }
    panic!("db-a keeps its binary logs");
}

fn apply(scene: Scene) -> Vec<&'static str> {
    let mut words = vec!["apply", "hot-standby", "--yes", "--allow", "restart"];
    if scene == Scene::Purged {
        words.extend(["--allow", "reseed"]);
    }
    words
}

/// Applies until the chosen step begins, and does the harm. Which step that was, and how long the first write on the
/// source took from then on.
fn disturb(lab: &Lab, trial: Trial) -> (String, Duration) {
    let mut words = apply(trial.scene);
    words.extend(["--format", "jsonl", "--timeout", "10s"]);
    let mut apply = lab.tandem_command(&words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (mut started, mut step) = (0, String::new());
    let mut lines = BufReader::new(apply.stdout.take().unwrap()).lines();
    for line in lines.by_ref().map_while(Result::ok) {
        if line.contains("\"type\":\"started\"") {
            started += 1;
            let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            step = event["id"].as_str().unwrap_or(&line).to_owned();
        }
        let here = match trial.step {
            At::Step(number) => started == number,
            At::Named(end) => step.ends_with(end),
        };
        if here {
            break;
        }
    }
    std::thread::sleep(trial.after);
    harm(lab, trial.fault, &apply);
    let write = std::thread::scope(|scope| {
        let write = scope.spawn(|| first_write(lab));
        // The run ends by itself, sooner or later; what it prints has to be read.
        for _ in lines.map_while(Result::ok) {}
        let _ = apply.wait();
        write.join().unwrap()
    });
    for host in ["db-a", "db-b"] {
        for _ in patience() {
            if lab
                .try_at(host, "mariadb -e 'select 1' >/dev/null 2>&1 || ! systemctl is-active -q mariadb")
                .code
                == 0
            {
                break;
            }
        }
    }
    (step, write)
}

/// How long a write on the source takes now.
fn first_write(lab: &Lab) -> Duration {
    let begun = Instant::now();
    for _ in patience() {
        if lab.try_at("db-a", "timeout 60 mariadb -e 'insert ignore into shop.old values (5000)'").code == 0 {
            break;
        }
    }
    begun.elapsed()
}

fn locks_are_free(lab: &Lab) -> bool {
    ["db-a", "db-b"].iter().all(|host| {
        patience().any(|()| {
            lab.try_at(host, "mkdir -p -m 700 /run/tandem; flock -n /run/tandem/lock true").code == 0
        })
    })
}

/// Acknowledged rows that one of the two does not have.
fn lost(lab: &Lab, acked: &[String]) -> usize {
    if acked.is_empty() {
        return 0;
    }
    let count = format!("select count(*) from shop.acked where id in ({})", acked.join(","));
    let mut missing = acked.len();
    for _ in patience() {
        let have = ["db-a", "db-b"].map(|h| lab.sql(h, &count).parse::<usize>().unwrap_or(0));
        missing = acked.len() - have.into_iter().min().unwrap_or(0).min(acked.len());
        if missing == 0 {
            break;
        }
    }
    missing
}

/// What is not as after an undisturbed run.
fn left(lab: &Lab) -> Option<String> {
    let plan = lab.plan("hot-standby");
    if plan.code != 0 {
        return Some(format!("the plan is not empty: {}{}", plan.out, plan.err));
    }
    let sums = "checksum table shop.item, shop.old, shop.acked extended";
    let same = patience().any(|()| lab.sql("db-a", sums) == lab.sql("db-b", sums));
    if !same {
        return Some("the checksums differ".into());
    }
    for host in ["db-a", "db-b"] {
        let files = lab.try_at(
            host,
            "ls -d /run/tandem/copy.* /run/tandem-check.* /var/lib/tandem/seed.json* /run/tandem/*undo* /etc/mysql/tandem/*.new /etc/mysql/mariadb.conf.d/*.new 2>/dev/null",
        );
        if !files.out.trim().is_empty() {
            return Some(format!("{host} has files left: {}", files.out.trim()));
        }
    }
    None
}
