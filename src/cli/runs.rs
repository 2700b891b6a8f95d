//! Journals of past runs.

use std::path::{Path, PathBuf};

use crate::{
    engine::{
        CommandError,
        journal::{self, Entry, Line},
    },
    model::home,
    render::PastRun,
};

/// Where journals are: `$XDG_STATE_HOME/tandem/runs`.
pub(super) fn directory() -> Result<PathBuf, CommandError> {
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
pub(super) fn names(directory: &Path) -> Vec<String> {
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
pub(super) fn past(most: usize) -> Vec<PastRun> {
    let Ok(directory) = directory() else { return Vec::new() };
    let names = names(&directory);
    let run = |name: &String| {
        let lines = lines(&directory, name);
        let RunEnd { summary, ended } = end_of(&lines);
        PastRun {
            run: name.clone(),
            playbook: playbook(&lines).to_owned(),
            summary: summary.to_owned(),
            ended,
        }
    };
    names.iter().rev().take(most).map(run).collect()
}

/// The lines of a run's journal.
pub(super) fn lines(directory: &Path, name: &str) -> Vec<Line> {
    journal::read(&directory.join(format!("{name}.jsonl")))
}

/// The playbook of a run; empty where its journal does not tell.
pub(super) fn playbook(lines: &[Line]) -> &str {
    match lines.first().and_then(Line::entry) {
        Some(Entry::RunStarted(run)) => &run.playbook,
        _ => "",
    }
}

/// How a run ended.
pub(super) struct RunEnd<'a> {
    /// In words.
    pub summary: &'a str,
    /// Whether it came to its end.
    pub ended: bool,
}

/// How a run ended, as its journal says.
pub(super) fn end_of(lines: &[Line]) -> RunEnd<'_> {
    let summary = lines.iter().find_map(|line| match line.entry() {
        Some(Entry::RunEnded { summary, .. }) => Some(summary.as_str()),
        _ => None,
    });
    RunEnd { summary: summary.unwrap_or("did not come to its end"), ended: summary.is_some() }
}
