//! Host patterns: `--limit` and a play's `hosts`, as Ansible has them.

use indexmap::IndexSet;
use regex::Regex;

use super::{Inventory, address};
use crate::{
    model::{HostName, fnmatch},
    source::closest,
};

/// The hosts that a pattern names, in the order of its parts: names, groups, globs, `~` and a regular expression,
/// `g[0]`, `g[1:]`, joined by `,` or `:`; `!x` excludes, `&x` keeps only what is also there; `@file` holds parts.
///
/// # Errors
/// A part that names nothing, with the nearest name, or that can't be read.
pub fn select(inventory: &Inventory, pattern: &str) -> Result<Vec<HostName>, String> {
    let mut parts: Vec<String> = Vec::new();
    for part in split(pattern) {
        match part.strip_prefix('@') {
            Some(file) => {
                let text = std::fs::read_to_string(file).map_err(|e| format!("{file} can't be read: {e}"))?;
                parts.extend(text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()));
            }
            None => parts.push(part),
        }
    }
    if parts.is_empty() {
        return Err("the pattern is empty; `all` names every host".to_owned());
    }
    let mut chosen: IndexSet<HostName> = IndexSet::new();
    if parts.iter().all(|part| part.starts_with(['!', '&'])) {
        chosen.extend(inventory.members("all").iter().cloned());
    }
    // Ansible's order: first everything that is named, then what is also required, then what is excluded.
    for part in parts.iter().filter(|p| !p.starts_with(['!', '&'])) {
        chosen.extend(named(inventory, part)?);
    }
    for part in parts.iter().filter_map(|p| p.strip_prefix('&')) {
        let kept: IndexSet<HostName> = named(inventory, part)?.into_iter().collect();
        chosen.retain(|host| kept.contains(host));
    }
    for part in parts.iter().filter_map(|p| p.strip_prefix('!')) {
        for host in named(inventory, part)? {
            chosen.shift_remove(&host);
        }
    }
    Ok(chosen.into_iter().collect())
}

/// The parts of a pattern: at commas; else at colons, unless the whole is one address or range.
fn split(pattern: &str) -> Vec<String> {
    let parts: Vec<String> = if pattern.contains(',') {
        pattern.split(',').map(str::to_owned).collect()
    } else if address::split_port(pattern).is_some() || pattern.trim_start().starts_with('~') {
        vec![pattern.to_owned()]
    } else {
        let mut parts = vec![String::new()];
        let mut inside = false;
        for c in pattern.chars() {
            match c {
                '[' => inside = true,
                ']' => inside = false,
                _ => {}
            }
            match parts.last_mut() {
                Some(part) if inside || !(c == ':' || c.is_whitespace()) => part.push(c),
                _ => parts.push(String::new()),
            }
        }
        parts
    };
    parts.iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// The first and the last of `g[0]`, `g[1:3]`, `g[1:]`, `g[-1]`; both ends count.
fn subscript(part: &str) -> Option<(&str, i64, Option<i64>)> {
    let (name, inner) = part.strip_suffix(']')?.rsplit_once('[')?;
    if name.is_empty() {
        return None;
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits(inner.strip_prefix('-').unwrap_or(inner)) {
        let at = inner.parse().ok()?;
        return Some((name, at, Some(at)));
    }
    let (from, to) = inner.split_once([':', '-'])?;
    let last = if to.is_empty() { None } else { Some(to.parse().ok().filter(|_| digits(to))?) };
    digits(from).then(|| from.parse().ok()).flatten().map(|from| (name, from, last))
}

fn named(inventory: &Inventory, part: &str) -> Result<Vec<HostName>, String> {
    let host = HostName::new(part);
    if inventory.hosts.contains_key(&host) {
        return Ok(vec![host]);
    }
    let (expression, range) = match subscript(part).filter(|_| !part.starts_with('~')) {
        Some((name, from, to)) => (name, Some((from, to))),
        None => (part, None),
    };
    let found = matches(inventory, expression)?;
    if found.is_empty() {
        return Err(nothing(inventory, expression));
    }
    let Some((from, to)) = range else { return Ok(found) };
    let count = found.len() as i64;
    let at = |n: i64| if n < 0 { count + n } else { n };
    let (from, to) = (at(from), to.map_or(count - 1, at));
    let chosen: Vec<HostName> =
        (0..).zip(found).filter(|(n, _)| (from..=to).contains(n)).map(|(_, host)| host).collect();
    if chosen.is_empty() {
        return Err(format!("`{part}` names no host: `{expression}` has {count}, counted from 0"));
    }
    Ok(chosen)
}

/// Hosts of the groups that fit, and hosts that fit themselves.
fn matches(inventory: &Inventory, expression: &str) -> Result<Vec<HostName>, String> {
    let regex =
        match expression.strip_prefix('~') {
            Some(text) => {
                let regex = Regex::new(&format!("^(?:{text})"));
                Some(regex.map_err(|_| {
                    format!("`{expression}` is not a regular expression that can be used here")
                })?)
            }
            None => None,
        };
    let fits = |name: &str| match &regex {
        Some(regex) => regex.is_match(name),
        None => fnmatch(expression, name),
    };
    let mut found: IndexSet<HostName> = IndexSet::new();
    let mut group_fits = false;
    for group in inventory.groups.keys().filter(|group| fits(group)) {
        group_fits = true;
        found.extend(inventory.members(group).iter().cloned());
    }
    if !group_fits || regex.is_some() || expression.contains(['.', '?', '*', '[']) {
        found.extend(inventory.hosts.keys().filter(|host| fits(host.as_str())).cloned());
    }
    Ok(found.into_iter().collect())
}

fn nothing(inventory: &Inventory, part: &str) -> String {
    if inventory.groups.contains_key(part) {
        return format!("the group `{part}` has no hosts");
    }
    let known =
        inventory.hosts.keys().map(HostName::as_str).chain(inventory.groups.keys().map(String::as_str));
    match closest(part, known) {
        Some(near) => format!("`{part}` is neither a host nor a group; did you mean `{near}`?"),
        None => format!("`{part}` is neither a host nor a group of the inventory"),
    }
}
