//! `history`: past runs, out of their journals.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{
    args::{Format, Global},
    exit::Exit,
    wants_json,
};
use crate::{
    engine::CommandError,
    model::home,
    render::{PastRun, Terminal},
    source::closest,
};

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
fn names(directory: &Path) -> Vec<String> {
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

/// Runs the command.
pub fn run(global: &Global, wanted: Option<&str>, terminal: &Terminal) -> Result<Exit, CommandError> {
    let directory = directory()?;
    let names = names(&directory);
    match wanted {
        None if names.is_empty() => {
            return Err(CommandError::failed(format!(
                "no run has a journal in {}; `tandem apply` writes one",
                directory.display()
            )));
        }
        None => list(&directory, &names, global, terminal),
        Some(wanted) => {
            let Some(name) = names.iter().find(|n| !wanted.is_empty() && n.starts_with(wanted)) else {
                return Err(CommandError::failed(match closest(wanted, names.iter().map(String::as_str)) {
                    Some(near) => format!("no run begins with `{wanted}`; did you mean `{near}`?"),
                    None => format!("no run begins with `{wanted}`; `tandem history` lists them"),
                }));
            };
            one(&entries(&directory, name), global, terminal);
        }
    }
    Ok(Exit::Done)
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
fn entries(directory: &Path, name: &str) -> Vec<Value> {
    std::fs::read_to_string(directory.join(format!("{name}.jsonl")))
        .unwrap_or_default()
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry.get(key).and_then(Value::as_str).unwrap_or("")
}

fn list(directory: &Path, names: &[String], global: &Global, terminal: &Terminal) {
    let mut runs = Vec::new();
    for name in names {
        let entries = entries(directory, name);
        let header = entries.first().cloned().unwrap_or_default();
        let end = entries.iter().find(|e| text(e, "event") == "run_ended");
        if wants_json(global.format) {
            runs.push(json!({"run": name, "started": header, "ended": end}));
            continue;
        }
        let summary = end.map_or("did not come to its end", |e| text(e, "summary"));
        terminal.out(&format!("{name}  {}  {summary}\n", text(&header, "playbook")));
    }
    print_values("runs", &runs, global, terminal);
}

/// Values as JSON: one object, or one a line.
fn print_values(name: &str, values: &[Value], global: &Global, terminal: &Terminal) {
    match global.format {
        Format::Human => {}
        Format::Json => terminal.json(&json!({"format_version": "1.0", name: values})),
        Format::Jsonl => values.iter().for_each(|value| terminal.json_line(value)),
    }
}

fn one(entries: &[Value], global: &Global, terminal: &Terminal) {
    if wants_json(global.format) {
        return print_values("events", entries, global, terminal);
    }
    for entry in entries {
        let time = text(entry, "time");
        let seconds =
            entry.get("seconds").and_then(Value::as_f64).map(|s| format!("  {s:.3} s")).unwrap_or_default();
        let what = match text(entry, "event") {
            "run_started" => format!("run of {}", text(entry, "playbook")),
            "step_started" => format!("{}: {}", text(entry, "step"), text(entry, "summary")),
            "step_done" => format!("{}: done{seconds}", text(entry, "step")),
            "step_failed" => format!("{}: FAILED{seconds}: {}", text(entry, "step"), text(entry, "error")),
            "step_skipped" => format!("{}: skipped: {}", text(entry, "step"), text(entry, "because")),
            "ran" => format!(
                "  {}: {}{seconds}  {}",
                text(entry, "host"),
                text(entry, "what"),
                text(entry, "result")
            ),
            "run_ended" => text(entry, "summary").to_owned(),
            other => other.to_owned(),
        };
        terminal.out(&format!("{time}  {what}\n"));
    }
}
