//! `history`: past runs, out of their journals.

use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    args::Global,
    exit::Exit,
    form::Format,
    runs::{directory, end_of, lines, names, playbook},
    wants_json,
};
use crate::{
    engine::{
        CommandError,
        journal::{Entry, Line},
    },
    render::Terminal,
    source::closest,
};

/// Runs the command.
pub(super) fn run(global: &Global, wanted: Option<&str>, terminal: &Terminal) -> Result<Exit, CommandError> {
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
            show(&lines(&directory, name), global, terminal);
        }
    }
    Ok(Exit::Done)
}

fn list(directory: &Path, names: &[String], global: &Global, terminal: &Terminal) {
    let mut runs = Vec::new();
    for name in names {
        let lines = lines(directory, name);
        let end = end_of(&lines);
        if wants_json(global.wanted.format()) {
            let ended = lines.iter().find(|line| matches!(line.entry(), Some(Entry::RunEnded { .. })));
            runs.push(json!({"run": name, "started": lines.first(), "ended": ended}));
            continue;
        }
        terminal.out(&format!("{name}  {}  {}\n", playbook(&lines), end.summary));
    }
    print_values("runs", &runs, global, terminal);
}

/// Values as JSON: one object, or one a line.
fn print_values<T: Serialize>(name: &str, values: &[T], global: &Global, terminal: &Terminal) {
    match global.wanted.format() {
        Format::Human => {}
        Format::Json => terminal.json(&json!({"format_version": "1.0", name: values})),
        Format::Jsonl => values.iter().for_each(|value| terminal.json_line(value)),
    }
}

fn show(lines: &[Line], global: &Global, terminal: &Terminal) {
    if wants_json(global.wanted.format()) {
        return print_values("events", lines, global, terminal);
    }
    for line in lines {
        let (time, what) = match line {
            Line::Known { entry, time } => (time.as_str(), words(entry)),
            Line::Other(value) => {
                let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
                (text("time"), text("event").to_owned())
            }
        };
        terminal.out(&format!("{time}  {what}\n"));
    }
}

/// What happened, in words.
fn words(entry: &Entry) -> String {
    match entry {
        Entry::RunStarted(run) => format!("run of {}", run.playbook),
        Entry::StepStarted { step, summary, .. } => format!("{step}: {summary}"),
        Entry::StepDone { step, seconds, .. } => format!("{step}: done  {seconds:.3} s"),
        Entry::StepFailed { step, seconds, error, .. } => format!("{step}: FAILED  {seconds:.3} s: {error}"),
        Entry::StepSkipped { step, because, .. } => format!("{step}: skipped: {because}"),
        Entry::Ran { host, what, seconds, result } => format!("  {host}: {what}  {seconds:.3} s  {result}"),
        Entry::RunEnded { summary, .. } => summary.clone(),
    }
}
