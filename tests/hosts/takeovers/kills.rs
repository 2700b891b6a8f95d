//! SIGKILL of the controller at random moments of a switchover.

use std::{
    io::Write,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{
    Book, address,
    clients::{Clients, pause},
    other,
    run::now,
    session::Doors,
};
use crate::{
    lab::{Lab, patience},
    limits::{controller, files},
    switchover::wait_said,
};

/// Numbers from a seed (splitmix64).
struct Random(u64);

impl Random {
    /// A moment before this many milliseconds have passed.
    fn moment(&mut self, milliseconds: f64) -> Duration {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let fraction =
            f64::from(u32::try_from((z ^ (z >> 31)) >> 32).expect("32 bits")) / f64::from(u32::MAX);
        Duration::from_secs_f64(milliseconds * fraction / 1000.0)
    }
}

/// Half of them at any moment of the run, half of them while writes wait and shortly after.
pub fn kills(lab: &Lab, book: &mut Book, kills: usize, seed: u64) {
    let clients = Clients::start(lab, "kill", &super::ADDRESSES[..2]);
    let (whole, locked) =
        (book.figures.median("switchover-took"), book.figures.median("switchover-locked") * 3.0);
    let (mut random, mut doors) = (Random(seed), Doors::new(lab));
    let (mut writer, mut hit, mut moments) = ("db-a", 0, Vec::new());
    while hit < kills {
        let to = other(writer);
        let args = ["switchover", "play.yml", "--yes", "--to", to];
        let before = files(&lab.path("state"));
        let victim = Victim::begin(lab, &args);
        let within = match hit % 2 {
            0 => whole,
            _ => {
                wait_said(lab, &before, "FLUSH TABLES WITH READ LOCK");
                locked
            }
        };
        let killed = victim.kill(random.moment(within));
        // One that has come to its end was no kill, and is none of the forty.
        hit += usize::from(killed.is_some());
        let open = settled(&mut doors);
        let seen = now();
        if open.len() > 1 {
            book.wrong.push(format!("two writers after a kill: {open:?}"));
        }
        if killed.is_some() {
            book.figures.count(["killed-none", "killed-one", "killed-two"][open.len().min(2)], 1);
        }
        writer = go_on(lab, book, open.first().copied(), to);
        clients.write_to(address(writer));
        if let (Some(at), false) = (killed, open.is_empty()) {
            moments.push((at, seen));
        }
        book.in_sync(lab, "a kill");
    }
    if writer != "db-a" {
        let home = lab.tandem(&["switchover", "play.yml", "--yes", "--to", "db-a"]);
        book.ends(&home, 0, "switchover after the kills");
    }
    let acked = clients.end(book, "kills");
    for (from, to) in moments {
        book.figures.value("killed-pause", pause(&acked, from, to));
    }
    for name in ["killed-none", "killed-one", "killed-two"] {
        book.figures.count(name, 0);
    }
    book.figures.keep("kills");
}

/// A run that can be killed at once.
struct Victim {
    run: Child,
    /// A shell that waits for the word.
    killer: Child,
    pid: String,
}

impl Victim {
    fn begin(lab: &Lab, args: &[&str]) -> Self {
        let killer = Command::new("sh").stdin(Stdio::piped()).stderr(Stdio::null()).spawn();
        let killer = killer.expect("a shell");
        let mut run = lab.tandem_command(args);
        let run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("tandem runs");
        let (mut pid, begun) = (String::new(), Instant::now());
        while pid.is_empty() && begun.elapsed().as_secs() < 10 {
            pid = controller(&run);
        }
        Self { run, killer, pid }
    }

    /// When it was killed; nothing if it had come to its end by itself.
    fn kill(mut self, after: Duration) -> Option<u64> {
        std::thread::sleep(after);
        let at = now();
        let word = format!("kill -KILL {}\n", self.pid);
        self.killer.stdin.take().expect("a pipe").write_all(word.as_bytes()).expect("a word");
        let _ = self.killer.wait();
        let ended = self.run.wait().expect("it ends");
        // It dies by the signal itself, or its parent says so in its stead.
        ended.code().is_none_or(|code| code == 137).then_some(at)
    }
}

/// Which hosts accept writes once what was on its way has arrived.
fn settled(doors: &mut Doors) -> Vec<&'static str> {
    let mut open = doors.open();
    let begun = Instant::now();
    while open.len() != 1 && begun.elapsed().as_secs() < 5 {
        std::thread::sleep(Duration::from_millis(50));
        open = doors.open();
    }
    open
}

/// What the user does: the same command again, or `apply` where nobody can write. Who takes the writes then.
fn go_on(lab: &Lab, book: &mut Book, open: Option<&'static str>, to: &'static str) -> &'static str {
    if open.is_some() {
        let again = lab.tandem(&["switchover", "play.yml", "--yes", "--to", to]);
        book.ends(&again, 0, "switchover again after a kill");
        return to;
    }
    let status = lab.tandem(&["status", "play.yml", "--format", "json"]);
    if book.ends(&status, 2, "status without a writer") && status.json()["writers"] != serde_json::json!([]) {
        book.wrong.push(format!("status names a writer where there is none: {}", status.out));
    }
    let apply = lab.tandem(&["apply", "play.yml", "--yes"]);
    book.ends(&apply, 0, "apply after a kill");
    let opened = || super::ALL.into_iter().find(|host| lab.sql(host, "select @@read_only") == "0");
    let mut found = opened();
    for _ in patience() {
        if found.is_some() {
            break;
        }
        found = opened();
    }
    found.expect("apply opens a host")
}
