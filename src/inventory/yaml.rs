//! Inventories in YAML.

use std::path::Path;

use super::{Inventory, Layer, Level, address, hosts::add_hosts};
use crate::{
    model::Place,
    source::{Node, Problem, Problems, Yaml, closest},
};

/// The keys of a group.
const KEYS: [&str; 3] = ["hosts", "children", "vars"];

/// Whether a document is a mapping with something in it.
pub(super) fn is_inventory(node: &Node) -> bool {
    node.map().is_some_and(|entries| !entries.is_empty())
}

/// What is wrong with a document that is none.
pub(super) fn shape(node: &Node) -> Problem {
    let message = format!("an inventory is a mapping of groups, this is {}", node.kind());
    let help = "It begins with `all:` and has `hosts:`, `children:` and `vars:` below.";
    Problem::error("inventory::shape", &node.place, message, "not a mapping").help(help)
}

/// Reads the groups of a document.
pub(super) fn read(node: &Node, path: &Path, inventory: &mut Inventory, problems: &mut Problems) {
    if let Some(plugin) = node.get("plugin").filter(|plugin| plugin.value != Yaml::Null) {
        let name = plugin.scalar().unwrap_or_default();
        let message = format!(
            "{} configures the inventory plugin `{name}` of Ansible, which is not supported",
            path.display()
        );
        return problems.push(
            Problem::error("inventory::plugin", &plugin.place, message, "this plugin")
                .help(program_help(path)),
        );
    }
    for (key, group) in node.map().unwrap_or_default() {
        read_group(&key.text, &key.place, group, inventory, problems);
    }
}

/// Reads a group; `false` where it is none.
fn read_group(
    name: &str,
    place: &Place,
    node: &Node,
    inventory: &mut Inventory,
    problems: &mut Problems,
) -> bool {
    let entries = match &node.value {
        Yaml::Null => &[][..],
        Yaml::Map(entries) => entries.as_slice(),
        _ => {
            let message = format!("`{name}` is skipped: a group is a mapping, this is {}", node.kind());
            problems.push(Problem::warning("inventory::skipped", place, message, "not a group"));
            return false;
        }
    };
    if name.is_empty() || name.chars().any(char::is_whitespace) {
        let message = format!("`{name}` can't be the name of a group");
        problems.push(Problem::error("inventory::name", place, message, "a name without blanks"));
        return false;
    }
    inventory.add_group(name);
    for (key, value) in entries {
        match (key.text.as_str(), &value.value) {
            ("hosts" | "children" | "vars", Yaml::Null) => {}
            ("hosts", Yaml::Text(host)) => read_host(name, host, &value.place, None, inventory, problems),
            ("hosts", Yaml::Map(hosts)) => {
                for (host, vars) in hosts {
                    read_host(name, &host.text, &host.place, Some(vars), inventory, problems);
                }
            }
            ("children", Yaml::Text(child)) => {
                inventory.add_group(child);
                join(name, child, &value.place, inventory, problems);
            }
            ("children", Yaml::Map(children)) => {
                for (child, group) in children {
                    if read_group(&child.text, &child.place, group, inventory, problems) {
                        join(name, &child.text, &child.place, inventory, problems);
                    }
                }
            }
            ("vars", Yaml::Map(_)) => inventory.add_group_vars(name, value, problems),
            (section @ ("hosts" | "children" | "vars"), _) => {
                problems.push(wrong_section(name, section, value));
            }
            (other, kind) => skipped(name, other, &key.place, matches!(kind, Yaml::Map(_)), problems),
        }
    }
    true
}

fn wrong_section(group: &str, section: &str, value: &Node) -> Problem {
    let message = format!("`{section}` of group `{group}` must be a mapping, this is {}", value.kind());
    let help = match section {
        "hosts" => "Write each host as a key: `db-a:` with its variables below, or nothing.",
        "children" => "Write each group as a key: `db:` with its own keys below, or nothing.",
        _ => "Write each variable as a key with its value.",
    };
    Problem::error("inventory::shape", &value.place, message, "not a mapping").help(help)
}

/// A key that is none of a group's: a mistake where it is nearly one, else left alone as Ansible does.
fn skipped(group: &str, key: &str, place: &Place, mapping: bool, problems: &mut Problems) {
    if let Some(near) = closest(key, KEYS.into_iter()) {
        let message = format!("group `{group}` has no key `{key}`");
        let problem = Problem::error("file::unknown-key", place, message, "unknown key");
        problems.push(problem.help(format!("Did you mean `{near}`?")));
    } else if mapping && !group.starts_with("x-") && !key.starts_with("x-") {
        let message =
            format!("`{key}` in group `{group}` is skipped: a group has only hosts, children and vars");
        let problem = Problem::warning("inventory::skipped", place, message, "skipped");
        problems.push(problem.help("A group below this one stands under `children:`."));
    }
}

pub(super) fn join(
    parent: &str,
    child: &str,
    place: &Place,
    inventory: &mut Inventory,
    problems: &mut Problems,
) {
    if !inventory.join(parent, child) {
        let message = format!("group `{child}` is below itself");
        problems.push(Problem::error("inventory::cycle", place, message, "in this group"));
    }
}

fn read_host(
    group: &str,
    entry: &str,
    place: &Place,
    vars: Option<&Node>,
    inventory: &mut Inventory,
    problems: &mut Problems,
) {
    let (names, port) = match address::hosts(entry) {
        Ok(found) => found,
        Err(why) => return problems.push(Problem::error("inventory::range", place, why, "this range")),
    };
    let hosts = add_hosts(&names, port, group, place, inventory, problems);
    let Some(vars) = vars.filter(|vars| vars.value != Yaml::Null) else { return };
    if vars.map().is_none() {
        let message = format!("variables of host `{entry}` must be a mapping, this is {}", vars.kind());
        return problems.push(Problem::error("inventory::shape", &vars.place, message, "not a mapping"));
    }
    let layer = Layer::of(Level::Host, vars);
    hosts.iter().for_each(|host| inventory.add_host_layer(host, layer.clone()));
}

/// What to do about an inventory that only Ansible's own plugins can read.
pub(super) fn program_help(path: &Path) -> String {
    format!(
        "Let Ansible read it: write an executable file next to it with the two lines `#!/bin/sh` and \
         `exec ansible-inventory -i {} --list`, and pass that with -i.",
        path.display()
    )
}
