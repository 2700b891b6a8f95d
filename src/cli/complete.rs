//! The words that a shell is offered.
//!
//! Only files are read for them, and nothing is said about mistakes in these: a prompt is no place for
//! that, and `validate` is.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use clap::builder::StyledStr;
use clap_complete::engine::{
    ArgValueCandidates, ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter,
};

use super::runs;
use crate::{
    inventory::{self, Inventory, USUAL_NAMES, changed_by_others},
    model::at_home,
    plan::Allow,
    playbook,
    source::{Problems, Sources},
    words::codes::KINDS,
};

/// Past runs that are offered: a journal is read for each.
const RUNS: usize = 50;

/// Hosts of the inventory.
pub(super) fn hosts() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let inventory = inventory();
        inventory.hosts.keys().map(|host| CompletionCandidate::new(host.as_str())).collect()
    })
}

/// What `--limit` takes: hosts and groups, also behind `!` and behind what is already there.
pub(super) fn pattern() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let Some(current) = current.to_str() else { return Vec::new() };
        let last = current.rfind([',', ':', '!', '&']).map_or(0, |at| at + 1);
        let (before, begun) = current.split_at(last);
        let inventory = inventory();
        let groups =
            inventory.groups.keys().filter(|group| !inventory.members(group).is_empty()).map(|group| {
                let hosts = inventory.members(group).len();
                candidate(group, &format!("{hosts} {}", if hosts == 1 { "host" } else { "hosts" }))
            });
        let hosts = inventory.hosts.keys().map(|host| CompletionCandidate::new(host.as_str()));
        groups
            .chain(hosts)
            .filter(|word| word.get_value().to_string_lossy().starts_with(begun))
            .map(|word| word.add_prefix(before))
            .collect()
    })
}

/// Codes, with what they mean.
pub(super) fn codes() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let all = KINDS.iter().flat_map(|kind| kind.codes);
        all.map(|code| candidate(code.code, code.means)).collect()
    })
}

/// Variables that the inventory gives to some host.
pub(super) fn variables() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let inventory = inventory();
        let layers = inventory.layers();
        let names: BTreeSet<String> =
            layers.flat_map(|layer| layer.iter()).map(|(name, _)| name.to_owned()).collect();
        names.into_iter().map(CompletionCandidate::new).collect()
    })
}

/// Playbooks: the shipped ones by name, and files.
pub(super) fn playbooks() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| words_and_files(current, is_yaml))
}

/// Playbooks, and plans that were saved.
pub(super) fn playbooks_and_plans() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| words_and_files(current, |path| is_yaml(path) || is_plan(path)))
}

/// Plans that were saved, told by what they begin with.
pub(super) fn plans() -> ArgValueCompleter {
    ArgValueCompleter::new(PathCompleter::any().filter(is_plan))
}

/// Words of `--allow`.
pub(super) fn allowed() -> ArgValueCandidates {
    ArgValueCandidates::new(|| Allow::WORDS.iter().map(CompletionCandidate::new).collect())
}

/// Past runs, the last one first.
pub(super) fn runs() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let past = runs::past(RUNS);
        past.iter()
            .enumerate()
            .map(|(n, run)| {
                candidate(&run.run, &format!("{}: {}", run.playbook, run.summary)).display_order(Some(n))
            })
            .collect()
    })
}

fn candidate(word: &str, help: &str) -> CompletionCandidate {
    CompletionCandidate::new(word).help(Some(StyledStr::from(help.to_owned())))
}

fn words_and_files(
    current: &OsStr,
    wanted: impl Fn(&Path) -> bool + Send + Sync + 'static,
) -> Vec<CompletionCandidate> {
    let inventories = named_inventories();
    let wanted =
        move |path: &Path| wanted(path) && !inventories.iter().any(|inventory| path.ends_with(inventory));
    let begun = current.to_string_lossy();
    let shipped = playbook::playbook_names().into_iter().filter(|name| name.starts_with(&*begun));
    shipped
        .map(|name| candidate(name, "built in"))
        .chain(PathCompleter::any().filter(wanted).complete(current))
        .collect()
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml") && path.is_file()
}

/// Whether a file begins as `plan -o` does.
fn is_plan(path: &Path) -> bool {
    let mut begin = Vec::new();
    let read =
        path.is_file() && File::open(path).and_then(|file| file.take(64).read_to_end(&mut begin)).is_ok();
    read && begin.starts_with(b"{") && String::from_utf8_lossy(&begin).contains("\"format_version\"")
}

fn inventory() -> Inventory {
    let config = inventory::Config::find();
    let config =
        inventory::Config::read(config.as_deref(), &mut Sources::default(), &mut Problems::default());
    let mut paths = named_inventories();
    if paths.is_empty() {
        paths = config.inventory;
    }
    // No program is run because somebody has pressed the tab key.
    let request =
        inventory::Request { paths: &paths, playbook: None, ignored: &config.ignored, programs: false };
    inventory::load(&request, &mut Sources::default(), &mut Problems::default())
}

/// The inventories of the command line as far as it is typed, or of the environment.
fn named_inventories() -> Vec<PathBuf> {
    let typed = std::env::args_os().skip_while(|word| word != "--").skip(1);
    let mut found = inventories_of(typed);
    if found.is_empty() {
        found.extend(std::env::var_os("TANDEM_INVENTORY").filter(|path| !path.is_empty()).map(PathBuf::from));
    }
    if found.is_empty() {
        let usual = USUAL_NAMES.into_iter().map(PathBuf::from);
        found.extend(usual.filter(|path| path.is_file() && changed_by_others(path).is_none()).take(1));
    }
    // A shell hands on `~/` as it was typed.
    found.into_iter().map(|path| path.to_str().map_or_else(|| path.clone(), at_home)).collect()
}

/// The inventories that a line names, as far as it is typed. What else stands in it may be wrong or unfinished, so
/// it is not parsed. bash splits `--inventory=FILE` into three words.
fn inventories_of(typed: impl Iterator<Item = OsString>) -> Vec<PathBuf> {
    let mut words = typed.filter(|word| word != "=");
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        let joined = text.strip_prefix("--inventory=").or_else(|| text.strip_prefix("-i"));
        match joined {
            Some("") => found.extend(words.next().map(PathBuf::from)),
            Some(path) => found.push(path.into()),
            None if text == "--inventory" => found.extend(words.next().map(PathBuf::from)),
            None => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventories(line: &str) -> Vec<PathBuf> {
        inventories_of(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn the_inventory_is_found_in_a_line_that_is_not_finished() {
        for line in [
            "tandem -i hosts.yml --limit",
            "tandem --limit x -i hosts.yml",
            "tandem --inventory=hosts.yml plan",
            "tandem --inventory = hosts.yml plan",
            "tandem vars -i hosts.yml",
            "tandem apply --allow restart, -i hosts.yml --nonsense",
        ] {
            assert_eq!(inventories(line), [PathBuf::from("hosts.yml")], "{line}");
        }
    }
}
