//! `history`: past runs, out of their journals.

use std::path::Path;

use serde_json::{Value, json};

use super::{
    args::Global,
    exit::Exit,
    form::Format,
    runs::{directory, entries, names, text},
    wants_json,
};
use crate::{engine::CommandError, render::Terminal, source::closest};

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
            show(&entries(&directory, name), global, terminal);
        }
    }
    Ok(Exit::Done)
}

fn list(directory: &Path, names: &[String], global: &Global, terminal: &Terminal) {
    let mut runs = Vec::new();
    for name in names {
        let entries = entries(directory, name);
        let header = entries.first().cloned().unwrap_or_default();
        let end = entries.iter().find(|e| text(e, "event") == "run_ended");
        if wants_json(global.wanted.format()) {
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
    match global.wanted.format() {
        Format::Human => {}
        Format::Json => terminal.json(&json!({"format_version": "1.0", name: values})),
        Format::Jsonl => values.iter().for_each(|value| terminal.json_line(value)),
    }
}

fn show(entries: &[Value], global: &Global, terminal: &Terminal) {
    if wants_json(global.wanted.format()) {
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
