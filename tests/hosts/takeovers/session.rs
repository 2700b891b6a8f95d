//! Connections that stay open: for the floor, which is plain SQL and nothing else, and for whoever watches how many hosts accept writes.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use super::ALL;
use crate::lab::{Lab, script};

/// A session of root's, past the network.
pub struct Session {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Session {
    /// It ends with the first statement that fails.
    pub fn open(lab: &Path, host: &str) -> Self {
        Self::with(lab, host, "")
    }

    /// The same with options of the client.
    pub fn with(lab: &Path, host: &str, options: &str) -> Self {
        let client = format!("exec $(command -v mariadb || command -v mysql) -N -B -n {options}");
        let mut command = Command::new(script());
        command.arg("at").arg(lab).args([host, &client]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the lab script runs");
        let (to, from) = (child.stdin.take(), child.stdout.take().expect("a pipe"));
        Self { child, to, from: BufReader::new(from) }
    }

    /// The one row that these statements give; nothing where the server or the session is gone.
    pub fn try_ask(&mut self, sql: &str) -> Option<String> {
        writeln!(self.to.as_mut()?, "{sql};").ok()?;
        let mut row = String::new();
        let read = self.from.read_line(&mut row).ok()?;
        (read > 0).then(|| row.trim_end().to_owned())
    }

    #[track_caller]
    pub fn ask(&mut self, sql: &str) -> String {
        self.try_ask(sql).unwrap_or_else(|| panic!("no answer: {sql}"))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.to.take());
        let _ = self.child.wait();
    }
}

const CLOSED: &str = "select @@global.read_only";

/// Which hosts accept writes, by sessions that are open already. A switchover ends such sessions, too.
pub struct Doors {
    lab: PathBuf,
    sessions: [Option<Session>; 3],
}

impl Doors {
    pub fn new(lab: &Lab) -> Self {
        Self { lab: lab.path(""), sessions: [const { None }; 3] }
    }

    /// For each host whether it does; a server that does not answer accepts nothing.
    pub fn look(&mut self) -> [bool; 3] {
        let mut open = [false; 3];
        for (n, session) in self.sessions.iter_mut().enumerate() {
            let mut ask = || session.get_or_insert_with(|| Session::open(&self.lab, ALL[n])).try_ask(CLOSED);
            let answer = ask();
            if answer.is_none() {
                *session = None;
            }
            open[n] = answer.as_deref() == Some("0");
        }
        open
    }

    pub fn open(&mut self) -> Vec<&'static str> {
        // The sessions may be those that were ended.
        self.look();
        let open = self.look();
        ALL.into_iter().zip(open).filter(|(_, open)| *open).map(|(host, _)| host).collect()
    }
}

/// What a watch has seen.
#[derive(Default)]
pub struct Seen {
    pub samples: u64,
    /// Pairs of hosts that accepted writes at the same moment.
    pub twice: Vec<String>,
}

/// Looks again and again which hosts accept writes.
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

impl Watch {
    pub fn begin(lab: &Lab) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (mut doors, stopped) = (Doors::new(lab), Arc::clone(&stop));
        Self { stop, thread: std::thread::spawn(move || watch(&mut doors, &stopped)) }
    }

    pub fn end(self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the watch ends")
    }
}

fn watch(doors: &mut Doors, stop: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    let mut before = [false; 3];
    while !stop.load(Ordering::Relaxed) {
        let now = doors.look();
        seen.samples += 1;
        seen.twice.extend(at_once(before, now));
        before = now;
        std::thread::sleep(Duration::from_millis(5));
    }
    seen
}

/// Hosts are asked one after the other, so two answers say nothing yet: one host was open in two rounds, and the other in
/// the answer between them.
fn at_once(before: [bool; 3], now: [bool; 3]) -> Vec<String> {
    let mut found = Vec::new();
    for (one, _) in (0..3).zip(before).filter(|(one, open)| *open && now[*one]) {
        for other in (0..3).filter(|other| *other != one) {
            let between = if other > one { before[other] } else { now[other] };
            if between {
                found.push(format!("{} and {}", ALL[one], ALL[other]));
            }
        }
    }
    found
}

#[test]
fn two_writers_are_told_from_one_that_moves() {
    let none: [String; 0] = [];
    let (a, b, c) = ([true, false, false], [false, true, false], [false, false, true]);
    assert_eq!(at_once(a, b), none);
    assert_eq!(at_once(b, a), none);
    // a was asked before it closed, and b after it opened.
    assert_eq!(at_once([true, true, false], b), none);
    assert_eq!(at_once(c, [true, false, true]), ["db-c and db-a"]);
    assert_eq!(at_once([true, true, false], a), ["db-a and db-b"]);
}
