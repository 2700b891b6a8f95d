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

use serde_json::{Value, json};

use super::StepError;
use crate::{
    model::{HostName, json_without_hidden},
    plan::Step,
};

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
    pub fn begin(directory: &Path, header: Value, words: fn(&Step) -> String) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let now = jiff::Timestamp::now();
        let name = format!("{}-{}.jsonl", now.strftime("%Y%m%dT%H%M%SZ"), std::process::id());
        let path = directory.join(name);
        let mut options = OpenOptions::new();
        options.create_new(true).append(true);
        options.mode(0o600);
        let file = Some(Mutex::new(options.open(&path)?));
        let journal = Self { file, path, words, later: AtomicUsize::new(0) };
        journal.write("run_started", header);
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

    fn write(&self, kind: &str, mut entry: Value) {
        if let Value::Object(map) = &mut entry {
            map.insert("event".into(), kind.into());
            map.insert("time".into(), jiff::Timestamp::now().to_string().into());
        }
        json_without_hidden(&mut entry);
        let Some(Ok(mut file)) = self.file.as_ref().map(Mutex::lock) else { return };
        // A full disk on the controller must not stop a run half way on the hosts.
        let _ = writeln!(file, "{entry}").and_then(|()| match self.later.load(Ordering::Relaxed) {
            0 => file.sync_data(),
            _ => Ok(()),
        });
    }

    /// A step began.
    pub fn step_started(&self, step: &Step) {
        self.write(
            "step_started",
            json!({"step": step.id, "host": step.host, "summary": (self.words)(step)}),
        );
    }

    /// A step was done.
    pub fn step_done(&self, step: &Step, took: Duration, note: Option<&str>) {
        self.write(
            "step_done",
            json!({"step": step.id, "host": step.host, "seconds": took.as_secs_f64(), "note": note}),
        );
    }

    /// A step failed.
    pub fn step_failed(&self, step: &Step, took: Duration, error: &StepError) {
        let entry = json!({
            "step": step.id, "host": step.host, "seconds": took.as_secs_f64(), "error": error.to_string(),
        });
        self.write("step_failed", entry);
    }

    /// A step was not begun.
    pub fn step_skipped(&self, step: &Step, because: &str) {
        self.write("step_skipped", json!({"step": step.id, "host": step.host, "because": because}));
    }

    /// A statement or command was run. `text` has secrets replaced by `***` already.
    pub fn ran(&self, host: &HostName, text: &str, took: Duration, result: &str) {
        self.write(
            "ran",
            json!({"host": host, "what": text, "seconds": took.as_secs_f64(), "result": result}),
        );
    }

    /// The run ended.
    pub fn run_ended(&self, exit: u8, summary: &str) {
        self.write("run_ended", json!({"exit": exit, "summary": summary}));
    }
}
