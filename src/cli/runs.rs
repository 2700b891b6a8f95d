//! Journals of past runs.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{engine::CommandError, model::home, render::PastRun};

/// Where journals are: `$XDG_STATE_HOME/tandem/runs`.
pub fn directory() -> Result<PathBuf, CommandError> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    match state.or_else(|| home().map(|home| home.join(".local/state"))) {
        Some(state) => Ok(state.join("tandem/runs")),
        None => {
            let what = "No place for journals: neither HOME nor XDG_STATE_HOME is an absolute path. Set one of them.";
            Err(CommandError::failed(what))
        }
    }
}

/// Names of all runs, the oldest first.
pub fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = match std::fs::read_dir(directory) {
        Ok(entries) => entries
            .flatten()
            .filter_map(|e| e.file_name().to_str()?.strip_suffix(".jsonl").map(str::to_owned))
            .collect(),
        Err(_) => Vec::new(),
    };
    names.sort();
    names
}

/// The last runs, the newest first.
pub fn past(most: usize) -> Vec<PastRun> {
    let Ok(directory) = directory() else { return Vec::new() };
    let names = names(&directory);
    let run = |name: &String| {
        let entries = entries(&directory, name);
        let end = entries.iter().find(|e| text(e, "event") == "run_ended");
        PastRun {
            run: name.clone(),
            playbook: entries.first().map(|e| text(e, "playbook").to_owned()).unwrap_or_default(),
            summary: end.map_or("did not come to its end", |e| text(e, "summary")).to_owned(),
            ended: end.is_some(),
        }
    };
    names.iter().rev().take(most).map(run).collect()
}

/// A journal's entries. The last line of a run that was killed may be half a line.
pub fn entries(directory: &Path, name: &str) -> Vec<Value> {
    std::fs::read_to_string(directory.join(format!("{name}.jsonl")))
        .unwrap_or_default()
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// A field of an entry; one that is not there is empty.
pub fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry.get(key).and_then(Value::as_str).unwrap_or("")
}
