//! A run of the program: when it began and ended, and what its journal says of it.

use std::{
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use crate::{
    lab::{Lab, Run},
    limits::files,
};

/// Microseconds since 1970, as clients note them.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    u64::try_from(since.as_micros()).expect("a time")
}

/// Milliseconds from one moment to another.
pub fn between(from: u64, to: u64) -> f64 {
    f64::from(u32::try_from(to.saturating_sub(from)).unwrap_or(u32::MAX)) / 1000.0
}

pub struct Told {
    pub began: u64,
    pub ended: u64,
    pub run: Run,
    journal: Vec<Value>,
}

/// Runs the program, and reads what it has written about that.
pub fn told(lab: &Lab, args: &[&str]) -> Told {
    let directory = lab.path("state").join("tandem");
    let before = files(&directory);
    let began = now();
    let run = lab.tandem(args);
    let ended = now();
    let fresh = files(&directory).into_iter().filter(|file: &PathBuf| !before.contains(file));
    let text: String = fresh.filter_map(|file| std::fs::read_to_string(file).ok()).collect();
    let journal = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Told { began, ended, run, journal }
}

impl Told {
    pub fn took(&self) -> f64 {
        between(self.began, self.ended)
    }

    /// For how long writes waited by the program's own journal: from the statement that locks the one host to the
    /// end of the one that opens the other.
    pub fn locked(&self, from: &str, to: &str) -> Option<f64> {
        let ran = |host: &str, words: &str| {
            let found = |entry: &&Value| {
                let what = entry["what"].as_str().unwrap_or_default();
                entry["host"] == host && entry["result"] == "ok" && what.starts_with(words)
            };
            self.journal.iter().rfind(found)
        };
        let lock = ran(from, "FLUSH TABLES WITH READ LOCK")?;
        let open =
            ran(to, "SET GLOBAL read_only = OFF").or_else(|| ran(to, "SET GLOBAL read_only = 'OFF'"))?;
        let begun = time(lock)? - lock["seconds"].as_f64()? * 1000.0;
        Some(time(open)? - begun)
    }

    /// When a step began, in microseconds.
    pub fn step(&self, id: &str) -> Option<u64> {
        let found =
            self.journal.iter().find(|entry| entry["event"] == "step_started" && entry["step"] == id)?;
        u64::try_from(at(found)?.as_microsecond()).ok()
    }
}

fn at(entry: &Value) -> Option<jiff::Timestamp> {
    entry["time"].as_str()?.parse().ok()
}

/// When an entry was written, in milliseconds.
fn time(entry: &Value) -> Option<f64> {
    let nanoseconds = at(entry)?.as_nanosecond();
    // Milliseconds of this century and their fractions fit.
    #[allow(clippy::cast_precision_loss)]
    Some(nanoseconds as f64 / 1e6)
}
