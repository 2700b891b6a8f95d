//! Inventory programs: executable files that print JSON when they are called with `--list`.

use std::{
    fs,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use serde_json::Value as Json;

use super::{Inventory, Layer, Level, hosts::add_hosts, yaml::join};
use crate::{
    model::{HostName, Place},
    source::{Node, Problem, Problems, Sources, Yaml},
};

/// Whether a file is a program; a script that is not executable is a mistake.
pub(super) fn of(path: &Path) -> Option<Result<(), Problem>> {
    let mut begin = Vec::new();
    let mut file = fs::File::open(path).ok()?;
    let mode = file.metadata().ok().filter(fs::Metadata::is_file)?.permissions().mode();
    file.by_ref().take(4).read_to_end(&mut begin).ok()?;
    let script = begin.starts_with(b"#!");
    match mode & 0o111 != 0 {
        // Some file systems show every file as executable: what no kernel can run is read as a file.
        true => (script || begin == b"\x7fELF").then_some(Ok(())),
        false if script => {
            let place = Place { line: 1, column: 1, ..Place::file(path.to_string_lossy().as_ref()) };
            let message = format!("{} is a program that is not executable", path.display());
            let help = format!("To run it as an inventory program: chmod +x {}", path.display());
            Some(Err(Problem::error("inventory::program", &place, message, "").help(help)))
        }
        false => None,
    }
}

/// Runs the program and reads what it prints.
pub(super) fn run(path: &Path, inventory: &mut Inventory, sources: &mut Sources, problems: &mut Problems) {
    let Some(node) = called(path, &["--list"], sources, problems) else { return };
    let mut hosts: Vec<HostName> = Vec::new();
    for (key, group) in node.map().unwrap_or_default().iter().filter(|(key, _)| key.text != "_meta") {
        read_group(&key.text, &key.place, group, &mut hosts, inventory, problems);
    }
    let meta = node.get("_meta").and_then(|meta| meta.get("hostvars"));
    let mut seen = std::collections::HashSet::new();
    for host in hosts.into_iter().filter(|host| seen.insert(host.clone())) {
        let vars = match meta {
            Some(meta) => meta.get(host.as_str()).cloned(),
            None => called(path, &["--host", host.as_str()], sources, problems),
        };
        match vars {
            Some(vars) if vars.map().is_some() => {
                inventory.add_host_layer(&host, Layer::of(Level::Host, &vars));
            }
            None => {}
            Some(vars) => {
                let message =
                    format!("variables of host `{host}` must be a mapping, this is {}", vars.kind());
                problems.push(Problem::error("inventory::shape", &vars.place, message, "not a mapping"));
            }
        }
    }
}

fn read_group(
    name: &str,
    place: &Place,
    node: &Node,
    named: &mut Vec<HostName>,
    inventory: &mut Inventory,
    problems: &mut Problems,
) {
    inventory.add_group(name);
    let mut add =
        |name_of_host: String, place: &Place, inventory: &mut Inventory, problems: &mut Problems| {
            named.extend(add_hosts(&[name_of_host], None, name, place, inventory, problems));
        };
    let wrong = |what: &str, node: &Node| {
        let message = format!("`{what}` of group `{name}` can't be {}", node.kind());
        Problem::error("inventory::shape", &node.place, message, "here")
    };
    let (hosts, vars, children) = match &node.value {
        Yaml::Map(_) => {
            let (hosts, vars, children) = (node.get("hosts"), node.get("vars"), node.get("children"));
            if hosts.is_none() && vars.is_none() && children.is_none() {
                // The short form: a host with its variables.
                add(name.to_owned(), place, inventory, problems);
                return inventory.add_group_vars(name, node, problems);
            }
            (hosts, vars, children)
        }
        _ => (Some(node), None, None),
    };
    match hosts.map(|node| (node, node.seq())) {
        None => {}
        Some((_, Some(items))) => {
            for item in items {
                match item.scalar() {
                    Some(host) => add(host, &item.place, inventory, problems),
                    None => problems.push(wrong("hosts", item)),
                }
            }
        }
        Some((node, None)) => problems.push(wrong("hosts", node)),
    }
    match vars {
        Some(vars) if vars.map().is_some() => inventory.add_group_vars(name, vars, problems),
        Some(vars) => problems.push(wrong("vars", vars)),
        None => {}
    }
    for child in children.and_then(Node::seq).unwrap_or_default() {
        let Some(text) = child.scalar() else { continue };
        inventory.add_group(&text);
        join(name, &text, &child.place, inventory, problems);
    }
}

/// What the program prints when it is called like this, each value with its line in the output.
fn called(path: &Path, args: &[&str], sources: &mut Sources, problems: &mut Problems) -> Option<Node> {
    let shown = format!("{} {}", path.display(), args.join(" "));
    let place = Place::file(shown.as_str());
    let failed = |why: String, help: String| {
        Problem::error("inventory::program", &place, format!("`{shown}` printed no inventory: {why}"), "")
            .help(help)
    };
    // A name without a slash is a file here, and no program of PATH.
    let program = if path.is_absolute() { path.to_owned() } else { PathBuf::from(".").join(path) };
    let output = match Command::new(program).args(args).stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) => {
            problems.push(failed(error.to_string(), "Check its first line and its permissions.".into()));
            return None;
        }
    };
    let run_it = format!("Run it by hand: {shown}");
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.trim().lines().last().unwrap_or_default();
        let why =
            if last.is_empty() { output.status.to_string() } else { format!("{}: {last}", output.status) };
        problems.push(failed(why, run_it));
        return None;
    }
    let text = String::from_utf8_lossy(&output.stdout);
    if text.trim().is_empty() && args.first() == Some(&"--host") {
        return None;
    }
    let json: Json = match serde_json::from_str(&text) {
        Ok(json @ Json::Object(_)) => json,
        Ok(_) => {
            problems.push(failed("it printed JSON that is not an object".into(), run_it));
            return None;
        }
        Err(error) => {
            problems.push(failed(format!("it printed no JSON: {error}"), run_it));
            return None;
        }
    };
    // One value on each line, so that a mistake is shown at its own.
    let pretty = serde_json::to_string_pretty(&json).unwrap_or_else(|_| text.into_owned());
    sources.parse_text(&Arc::from(shown.as_str()), pretty, problems)
}
