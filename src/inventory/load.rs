//! Reads inventories as Ansible does: files and directories of them, programs, and lists of hosts on the command line.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Beside, Inventory, address, conflict, files, hosts::add_hosts, ini, program, yaml};
use crate::{
    model::Place,
    source::{Problem, Problems, Sources},
};

/// What is read, and how.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Files, directories, programs, or hosts joined by commas.
    pub paths: &'a [PathBuf],
    /// The folder of the playbook, whose `group_vars` and `host_vars` count too.
    pub playbook: Option<&'a Path>,
    /// Ends of names that a directory of inventories leaves out.
    pub ignored: &'a Ignored,
    /// Whether inventory programs may be run.
    pub programs: bool,
}

/// What a directory of inventories leaves out.
#[derive(Debug, Clone)]
pub struct Ignored {
    /// Ends of names.
    pub extensions: Vec<String>,
    /// Regular expressions.
    pub patterns: Vec<regex::Regex>,
}

impl Default for Ignored {
    fn default() -> Self {
        const ENDS: [&str; 13] = [
            ".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".ini", ".cfg",
            ".retry",
        ];
        Self { extensions: ENDS.map(str::to_owned).to_vec(), patterns: Vec::new() }
    }
}

impl Ignored {
    fn fits(&self, name: &str) -> bool {
        name.starts_with('.')
            || matches!(name, "host_vars" | "group_vars" | "vars_plugins")
            || self.extensions.iter().any(|end| name.ends_with(end.as_str()))
            || self.patterns.iter().any(|pattern| pattern.is_match(name))
    }
}

/// Reads inventories with the variables beside them.
pub fn load(request: &Request<'_>, sources: &mut Sources, problems: &mut Problems) -> Inventory {
    let mut inventory = Inventory::empty();
    let mut bases: Vec<(Beside, PathBuf)> = Vec::new();
    for (number, path) in request.paths.iter().enumerate() {
        if let Some(list) = host_list(path) {
            add_list(list, &mut inventory, problems);
            continue;
        }
        let base = if path.is_dir() {
            path.clone()
        } else {
            path.parent().map(Path::to_path_buf).unwrap_or_default()
        };
        bases.push((Beside::Inventory(number), base));
        read(path, request, &mut inventory, sources, problems);
    }
    inventory.reconcile();
    let last = bases.last().and_then(|(_, base)| super::real(base));
    if let Some(folder) = request.playbook
        && (last.is_none() || super::real(folder) != last)
    {
        bases.push((Beside::Playbook, folder.to_owned()));
    }
    for (beside, base) in &bases {
        files::read_beside(*beside, base, &mut inventory, sources, problems);
    }
    conflict::warn(&inventory, problems);
    inventory
}

/// `-i db-a,db-b`.
fn host_list(path: &Path) -> Option<&str> {
    path.to_str().filter(|text| text.contains(',') && !path.exists())
}

fn add_list(list: &str, inventory: &mut Inventory, problems: &mut Problems) {
    let place = Place::file(format!("-i {list}"));
    for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (name, port) = address::split_port(entry).unwrap_or((entry, None));
        add_hosts(&[name.to_owned()], port, "ungrouped", &place, inventory, problems);
    }
}

fn read(
    path: &Path,
    request: &Request<'_>,
    inventory: &mut Inventory,
    sources: &mut Sources,
    problems: &mut Problems,
) -> bool {
    if !path.is_dir() {
        read_file(path, request, inventory, sources, problems);
        return true;
    }
    let names = match files::names_in(path) {
        Ok(names) => names,
        Err(error) => {
            let place = Place::file(path.to_string_lossy().as_ref());
            let message = format!("{} can't be read: {error}", path.display());
            problems.push(Problem::error("file::unreadable", &place, message, ""));
            return true;
        }
    };
    let mut some = false;
    for name in names.iter().filter(|name| !request.ignored.fits(name)) {
        some |= read(&path.join(name), request, inventory, sources, problems);
    }
    if !some && request.paths.iter().any(|named| named == path) {
        let place = Place::file(path.to_string_lossy().as_ref());
        let message = format!("{} has no inventory in it", path.display());
        let help = format!(
            "As with Ansible, hidden files, group_vars, host_vars and names that end in {} are left out of a directory.",
            request.ignored.extensions.join(" ")
        );
        problems.push(Problem::error("inventory::empty", &place, message, "").help(help));
    }
    some
}

/// Reads a file in whichever form it has, in Ansible's order: a program, YAML, INI.
fn read_file(
    path: &Path,
    request: &Request<'_>,
    inventory: &mut Inventory,
    sources: &mut Sources,
    problems: &mut Problems,
) {
    let extension = path.extension().map(|e| e.to_string_lossy().into_owned()).unwrap_or_default();
    match program::of(path) {
        Some(_) if !request.programs => return,
        Some(Ok(())) => return program::run(path, inventory, sources, problems),
        Some(Err(problem)) => return problems.push(problem),
        None => {}
    }
    if extension == "toml" {
        let place = Place::file(path.to_string_lossy().as_ref());
        let message = format!("{} is an inventory in TOML, which is not supported", path.display());
        return problems
            .push(Problem::error("inventory::form", &place, message, "").help(yaml::program_help(path)));
    }
    let mut mistakes = Problems::default();
    let Some(text) = sources.read(path, &mut mistakes) else { return problems.extend(mistakes) };
    let is_yaml = matches!(extension.as_str(), "yml" | "yaml" | "json");
    let sealed = crate::vault::is_sealed(&text);
    if (is_yaml || extension.is_empty()) && (sealed || !ini::looks_like(&text)) {
        match sources.load(path, &mut mistakes) {
            Some(node) if yaml::is_inventory(&node) => {
                problems.extend(mistakes);
                return yaml::read(&node, path, inventory, problems);
            }
            // An empty file is an inventory without hosts.
            Some(node) if node.value == crate::source::Yaml::Null => return problems.extend(mistakes),
            Some(node) if is_yaml => {
                problems.extend(mistakes);
                return problems.push(yaml::shape(&node));
            }
            None if is_yaml || sealed || text.trim_start().starts_with("---") => {
                return problems.extend(mistakes);
            }
            _ => {}
        }
    }
    ini::read(&Arc::from(path.to_string_lossy()), &text, inventory, problems);
}
