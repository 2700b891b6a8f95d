//! The journal of a run: JSON lines, one file a run, appended to and synced as things happen.
//!
//! It explains what was done. It is never read to find out what is left to do: that is observed.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::StepError;
use crate::{
    model::{HostName, json_without_hidden},
    plan::{Step, StepId},
};

/// What happened, as a line of the journal says it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Entry {
    /// The run began.
    RunStarted(RunStarted),
    /// A step began.
    StepStarted {
        /// Step.
        step: StepId,
        /// Where.
        host: HostName,
        /// What it does.
        summary: String,
    },
    /// A step was done.
    StepDone {
        /// Step.
        step: StepId,
        /// Where.
        host: HostName,
        /// How long it took.
        seconds: f64,
        /// What is worth knowing of it.
        note: Option<String>,
    },
    /// A step failed.
    StepFailed {
        /// Step.
        step: StepId,
        /// Where.
        host: HostName,
        /// How long it took.
        seconds: f64,
        /// Why.
        error: String,
    },
    /// A step was not begun.
    StepSkipped {
        /// Step.
        step: StepId,
        /// Where.
        host: HostName,
        /// Why.
        because: String,
    },
    /// A statement or command was run.
    Ran {
        /// Where.
        host: HostName,
        /// Its text, with secrets replaced by `***`.
        what: String,
        /// How long it took.
        seconds: f64,
        /// How it ended.
        result: String,
    },
    /// The run ended.
    RunEnded {
        /// The exit status.
        exit: u8,
        /// How it ended.
        summary: String,
    },
}

/// What a run is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// The program's version.
    pub tool: String,
    /// Inventory files or directories.
    pub inventory: Vec<String>,
    /// The playbook.
    pub playbook: String,
    /// `--limit`.
    pub limit: Option<String>,
    /// Steps.
    pub steps: usize,
    /// Restarts of servers among them.
    pub restarts: usize,
    /// Hosts that have steps.
    pub hosts: usize,
}

/// A line of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// One that this version knows.
    Known {
        /// What happened.
        #[serde(flatten)]
        entry: Entry,
        /// When.
        time: String,
    },
    /// One of another version, as it is.
    Other(Value),
}

impl Line {
    /// What happened, where this version knows it.
    pub fn entry(&self) -> Option<&Entry> {
        match self {
            Line::Known { entry, .. } => Some(entry),
            Line::Other(_) => None,
        }
    }
}

/// The lines of a journal. The last one of a run that was killed may be half a line.
pub fn read(path: &Path) -> Vec<Line> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// Nothing where no journal is kept.
    file: Option<Mutex<File>>,
    words: fn(&Step) -> String,
    /// How many wish that the disk is not waited for.
    later: AtomicUsize,
}

/// As long as it lives entries are written and not waited for: not even a kill loses one. Its end makes up for that.
#[must_use]
pub struct SyncLater<'a>(&'a Journal);

impl Drop for SyncLater<'_> {
    fn drop(&mut self) {
        self.0.later.fetch_sub(1, Ordering::Relaxed);
        if let Some(Ok(file)) = self.0.file.as_ref().map(Mutex::lock) {
            let _ = file.sync_data();
        }
    }
}

impl Journal {
    /// Begins the journal of a run under `directory`, named after the time and the process. `words` says what a step
    /// does.
    ///
    /// # Errors
    /// When the directory or the file can't be made; a run without a journal does not begin.
    pub fn begin(directory: &Path, header: RunStarted, words: fn(&Step) -> String) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let now = jiff::Timestamp::now();
        let name = format!("{}-{}.jsonl", now.strftime("%Y%m%dT%H%M%SZ"), std::process::id());
        let path = directory.join(name);
        let mut options = OpenOptions::new();
        options.create_new(true).append(true);
        options.mode(0o600);
        let file = Some(Mutex::new(options.open(&path)?));
        let journal = Self { file, path, words, later: AtomicUsize::new(0) };
        journal.write(Entry::RunStarted(header));
        Ok(journal)
    }

    /// That of a proof, which leaves nothing changed and keeps none.
    pub fn none() -> Self {
        Self { path: PathBuf::new(), file: None, words: |_| String::new(), later: AtomicUsize::new(0) }
    }

    /// Does not let what comes next wait for the controller's disk: clients can't write meanwhile.
    pub fn sync_later(&self) -> SyncLater<'_> {
        self.later.fetch_add(1, Ordering::Relaxed);
        SyncLater(self)
    }

    /// Where it is written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn write(&self, entry: Entry) {
        let line = Line::Known { entry, time: jiff::Timestamp::now().to_string() };
        let Ok(mut line) = serde_json::to_value(&line) else { return };
        json_without_hidden(&mut line);
        let Some(Ok(mut file)) = self.file.as_ref().map(Mutex::lock) else { return };
        // A full disk on the controller must not stop a run half way on the hosts.
        let _ = writeln!(file, "{line}").and_then(|()| match self.later.load(Ordering::Relaxed) {
            0 => file.sync_data(),
            _ => Ok(()),
        });
    }

    /// A step began.
    pub fn step_started(&self, step: &Step) {
        let (step, host, summary) = (step.id.clone(), step.host.clone(), (self.words)(step));
        self.write(Entry::StepStarted { step, host, summary });
    }

    /// A step was done.
    pub fn step_done(&self, step: &Step, took: Duration, note: Option<&str>) {
        let (step, host, note) = (step.id.clone(), step.host.clone(), note.map(str::to_owned));
        self.write(Entry::StepDone { step, host, seconds: took.as_secs_f64(), note });
    }

    /// A step failed.
    pub fn step_failed(&self, step: &Step, took: Duration, error: &StepError) {
        let (step, host, error) = (step.id.clone(), step.host.clone(), error.to_string());
        self.write(Entry::StepFailed { step, host, seconds: took.as_secs_f64(), error });
    }

    /// A step was not begun.
    pub fn step_skipped(&self, step: &Step, because: &str) {
        let (step, host, because) = (step.id.clone(), step.host.clone(), because.to_owned());
        self.write(Entry::StepSkipped { step, host, because });
    }

    /// A statement or command was run. `text` has secrets replaced by `***` already.
    pub fn ran(&self, host: &HostName, text: &str, took: Duration, result: &str) {
        let (host, what, result) = (host.clone(), text.to_owned(), result.to_owned());
        self.write(Entry::Ran { host, what, seconds: took.as_secs_f64(), result });
    }

    /// The run ended.
    pub fn run_ended(&self, exit: u8, summary: &str) {
        self.write(Entry::RunEnded { exit, summary: summary.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of the first version that kept a journal, in its order.
    const OLD: &str = r#"{"tool":"0.1.0","inventory":["hosts.yml"],"playbook":"pair","limit":null,"steps":1,"restarts":0,"hosts":1,"event":"run_started","time":"2026-01-01T00:00:00Z"}
{"step":"db-a/option-file","host":"db-a","summary":"write","event":"step_started","time":"2026-01-01T00:00:01Z"}
{"host":"db-a","what":"SELECT 1","seconds":0.5,"result":"ok","event":"ran","time":"2026-01-01T00:00:02Z"}
{"step":"db-a/option-file","host":"db-a","seconds":1,"note":null,"event":"step_done","time":"2026-01-01T00:00:03Z"}
{"step":"db-a/option-file","host":"db-a","seconds":1.5,"error":"no","event":"step_failed","time":"2026-01-01T00:00:03Z"}
{"step":"db-a/option-file","host":"db-a","because":"no","event":"step_skipped","time":"2026-01-01T00:00:03Z"}
{"exit":3,"summary":"Ended.","event":"run_ended","time":"2026-01-01T00:00:04Z"}"#;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        for text in OLD.lines() {
            let line: Line = serde_json::from_str(text).expect("a line");
            assert!(line.entry().is_some(), "{text}");
            let (old, again): (Value, Value) = (
                serde_json::from_str(text).expect("an object"),
                serde_json::to_value(&line).expect("an object"),
            );
            assert_eq!(again.to_string().replace(".0,", ",").len(), old.to_string().len(), "{text}");
            let old = old.as_object().expect("an object");
            assert!(old.iter().all(|(key, value)| again[key].as_str() == value.as_str()), "{again}");
        }
    }

    #[test]
    fn a_line_of_another_version_stays_as_it_is() {
        let text = r#"{"event":"moon_rose","time":"2026-01-01T00:00:00Z","how":1}"#;
        let line: Line = serde_json::from_str(text).expect("a line");
        assert_eq!((line.entry(), serde_json::to_string(&line).expect("text")), (None, text.to_owned()));
    }
}
