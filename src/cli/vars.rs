//! `vars`: a host's variables and where they come from.

use serde_json::{Map, Value, json};

use super::{
    args::{Global, VarsArgs},
    exit::Exit,
    form::Format,
    wants_json,
};
use crate::{
    engine::{CommandError, Evaluated, check_files},
    inventory::Variables,
    model::HostName,
    model::variables::{self, Row},
    render::Terminal,
    source::{Node, closest},
};

/// Runs the command. Without a playbook the inventory and `-e` alone count.
pub(super) fn run(global: &Global, args: &VarsArgs, terminal: &Terminal) -> Result<Exit, CommandError> {
    let (loaded, _) = check_files(&global.options(args.playbook.as_deref(), &[]))?;
    if loaded.problems.fatal() {
        return Err(CommandError::files(loaded.problems, loaded.sources));
    }
    let host = HostName::new(&args.host);
    let project = &loaded.project;
    if !project.inventory.hosts.contains_key(&host) {
        let near = closest(&args.host, project.inventory.hosts.keys().map(HostName::as_str));
        let help = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
        return Err(CommandError::usage(format!("`{host}` is not a host of the inventory{help}")));
    }
    let play = project.plays.iter().find(|(_, hosts)| hosts.contains(&host)).map(|(play, _)| play);
    let variables = project.variables(play, &host);
    match &args.explain {
        None if args.evaluate => evaluated(&Evaluated::of(project, play, &host), global, terminal),
        None => all(&variables, global, terminal),
        Some(name) => return explain(&variables, name, global, terminal),
    }
    Ok(Exit::Done)
}

fn all(variables: &Variables, global: &Global, terminal: &Terminal) {
    if wants_json(global.wanted.format()) {
        let map: Map<String, Value> =
            variables.iter().map(|(name, v)| (name.to_owned(), value(name, v.winner().node))).collect();
        match global.wanted.format() {
            Format::Jsonl => terminal.json_line(&map),
            _ => terminal.json(&map),
        }
        return;
    }
    let width = variables.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, variable) in variables.iter() {
        let winner = variable.winner();
        terminal.out(&format!("{name:width$}  {}  ({})\n", value(name, winner.node), winner.node.place));
    }
}

fn evaluated(found: &Evaluated, global: &Global, terminal: &Terminal) {
    if wants_json(global.wanted.format()) {
        let whole = json!({"values": found.values, "failed": found.failed});
        match global.wanted.format() {
            Format::Jsonl => terminal.json_line(&whole),
            _ => terminal.json(&whole),
        }
        return;
    }
    let width = found.values.keys().chain(found.failed.keys()).map(String::len).max().unwrap_or(0);
    for (name, value) in &found.values {
        terminal.out(&format!("{name:width$}  {value}\n"));
    }
    for (name, why) in &found.failed {
        terminal.out(&format!("{name:width$}  no value: {why}\n"));
    }
}

fn explain(
    variables: &Variables,
    name: &str,
    global: &Global,
    terminal: &Terminal,
) -> Result<Exit, CommandError> {
    let Some(variable) = variables.variable(name) else {
        if let Some((.., row)) = variables::all().find(|(known, ..)| *known == name) {
            return Ok(default(name, row, global, terminal));
        }
        let near = closest(name, variables.iter().map(|(n, _)| n).chain(variables::all().map(|(n, ..)| n)));
        let help = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
        return Err(CommandError::failed(format!("no place gives `{name}` a value{help}")));
    };
    let candidates = variable.candidates();
    if wants_json(global.wanted.format()) {
        let list: Vec<Value> = candidates
            .iter()
            .enumerate()
            .map(|(n, c)| {
                json!({"value": value(name, c.node), "level": c.level.to_string(), "place": c.node.place.to_string(),
                    "wins": n + 1 == candidates.len()})
            })
            .collect();
        terminal.json(&json!({"name": name, "candidates": list}));
        return Ok(Exit::Done);
    }
    for (number, candidate) in candidates.iter().enumerate().rev() {
        let mark = if number + 1 == candidates.len() { "wins " } else { "     " };
        terminal.out(&format!(
            "{mark} {}  {}  {}\n",
            value(name, candidate.node),
            candidate.level,
            candidate.node.place
        ));
    }
    Ok(Exit::Done)
}

/// A variable of ours that no file sets: what counts instead.
fn default(name: &str, row: &Row, global: &Global, terminal: &Terminal) -> Exit {
    match global.wanted.format() {
        Format::Human => {
            let default = match row.default {
                "" => "no default".to_owned(),
                default => format!("default: {}", default.replace('`', "")),
            };
            let of: Vec<&str> = row.names.iter().map(|(name, _)| *name).collect();
            let of = if of.len() > 1 { format!(" (of {})", of.join(", ")) } else { String::new() };
            terminal.out(&format!("No file sets {name}; {default}{of}\n"));
        }
        Format::Json => terminal.json(&json!({"name": name, "candidates": [], "default": row.default})),
        Format::Jsonl => terminal.json_line(&json!({"name": name, "candidates": [], "default": row.default})),
    }
    Exit::Done
}

/// A value for showing; a secret that is written out is not.
fn value(name: &str, node: &Node) -> Value {
    node.shown_as(name)
}
