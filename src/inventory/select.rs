//! Host patterns: `--limit` and a play's `hosts`.

use std::collections::BTreeSet;

use super::Inventory;
use crate::{
    model::{HostName, glob},
    source::closest,
};

/// The hosts that a pattern names, in the inventory's order: names, groups, globs, joined by `:` or
/// `,`; `!x` takes away, `&x` keeps only what is also there.
///
/// # Errors
/// A part that names nothing, with the nearest name.
pub fn select(inventory: &Inventory, pattern: &str) -> Result<Vec<HostName>, String> {
    let mut chosen: BTreeSet<HostName> = BTreeSet::new();
    let parts: Vec<&str> = pattern.split([':', ',']).map(str::trim).filter(|p| !p.is_empty()).collect();
    if parts.is_empty() {
        return Err("the pattern is empty; `all` names every host".to_owned());
    }
    let only_restricts = parts.iter().all(|p| p.starts_with(['!', '&']));
    if only_restricts {
        chosen.extend(inventory.hosts.keys().cloned());
    }
    // Ansible's order: first everything that is named, then what is also required, then what is taken away.
    for part in parts.iter().filter(|p| !p.starts_with(['!', '&'])) {
        chosen.extend(named(inventory, part)?);
    }
    for part in parts.iter().filter_map(|p| p.strip_prefix('&')) {
        let kept: BTreeSet<HostName> = named(inventory, part)?.into_iter().collect();
        chosen.retain(|host| kept.contains(host));
    }
    for part in parts.iter().filter_map(|p| p.strip_prefix('!')) {
        for host in named(inventory, part)? {
            chosen.remove(&host);
        }
    }
    Ok(inventory.hosts.keys().filter(|h| chosen.contains(*h)).cloned().collect())
}

fn named(inventory: &Inventory, part: &str) -> Result<Vec<HostName>, String> {
    if part == "*" {
        return Ok(inventory.members("all"));
    }
    if inventory.groups.contains_key(part) {
        return Ok(inventory.members(part));
    }
    let hosts: Vec<HostName> = inventory.hosts.keys().filter(|h| glob(part, h.as_str())).cloned().collect();
    let from_groups: BTreeSet<HostName> = inventory
        .groups
        .keys()
        .filter(|g| part.contains(['*', '?']) && glob(part, g))
        .flat_map(|g| inventory.members(g))
        .collect();
    let all: Vec<HostName> =
        inventory.hosts.keys().filter(|h| hosts.contains(h) || from_groups.contains(*h)).cloned().collect();
    if all.is_empty() {
        let known =
            inventory.hosts.keys().map(HostName::as_str).chain(inventory.groups.keys().map(String::as_str));
        return Err(match closest(part, known) {
            Some(near) => format!("`{part}` is neither a host nor a group; did you mean `{near}`?"),
            None => format!("`{part}` is neither a host nor a group of the inventory"),
        });
    }
    Ok(all)
}
