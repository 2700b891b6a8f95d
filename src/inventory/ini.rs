//! Inventories in INI form.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Inventory, Layer, Level, address,
    hosts::add_hosts,
    literal,
    words::{self, Word},
    yaml::join,
};
use crate::{
    model::Place,
    source::{Key, Node, Problem, Problems, Yaml},
};

/// Whether a text begins as an inventory in INI form and as no YAML.
pub(super) fn looks_like(text: &str) -> bool {
    let mut lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
    lines.next().is_some_and(|line| section(line).is_some())
}

/// What the lines below a heading are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Hosts,
    Children,
    Vars,
}

/// `[name:kind]`, with a comment behind it.
fn section(line: &str) -> Option<(&str, &str)> {
    let (inner, rest) = line.strip_prefix('[')?.split_once(']')?;
    let rest = rest.trim_start();
    let (name, kind) = inner.split_once(':').unwrap_or((inner, "hosts"));
    let named = !name.is_empty() && !name.contains(char::is_whitespace);
    let word = !kind.is_empty() && kind.chars().all(|c| c.is_alphanumeric() || c == '_');
    (named && word && (rest.is_empty() || rest.starts_with('#'))).then_some((name, kind))
}

/// A group that is mentioned and not defined yet.
struct Pending {
    place: Place,
    parents: Vec<String>,
}

struct Reader<'a> {
    file: &'a Arc<str>,
    inventory: &'a mut Inventory,
    problems: &'a mut Problems,
    group: String,
    kind: Kind,
    pending: BTreeMap<String, Pending>,
}

/// Reads the lines of a file.
pub(super) fn read(file: &Arc<str>, text: &str, inventory: &mut Inventory, problems: &mut Problems) {
    let mut reader = Reader {
        file,
        inventory,
        problems,
        group: "ungrouped".into(),
        kind: Kind::Hosts,
        pending: BTreeMap::new(),
    };
    let mut offset = 0;
    for (number, whole) in text.split_inclusive('\n').enumerate() {
        let line = whole.trim();
        let begin = offset + (whole.len() - whole.trim_start().len());
        offset += whole.len();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let column = whole.trim_end_matches(['\n', '\r']).len()
            - whole.trim_end_matches(['\n', '\r']).trim_start().len()
            + 1;
        let place = Place {
            line: number as u32 + 1,
            column: column as u32,
            offset: begin,
            length: line.len(),
            ..Place::file(file.clone())
        };
        reader.line(line, &place);
    }
    reader.finish();
}

impl Reader<'_> {
    fn error(&mut self, place: &Place, message: impl Into<String>, help: &str) {
        self.problems.push(Problem::error("inventory::ini", place, message, "this line").help(help));
    }

    fn line(&mut self, line: &str, place: &Place) {
        if let Some((name, kind)) = section(line) {
            return self.heading(name, kind, place);
        }
        if line.starts_with('[') && line.ends_with(']') && address::hosts(line).is_err() {
            return self.error(
                place,
                format!("`{line}` is not a section"),
                "Write [group], [group:children] or [group:vars].",
            );
        }
        match self.kind {
            Kind::Hosts => self.host(line, place),
            Kind::Children => self.child(line, place),
            Kind::Vars => match line.split_once('=') {
                Some((name, value)) => self.variable(line, name, value, place),
                None => self.error(
                    place,
                    "a variable is NAME=VALUE",
                    "Hosts stand below [group], groups below [group:children].",
                ),
            },
        }
    }

    fn heading(&mut self, name: &str, kind: &str, place: &Place) {
        self.group = name.to_owned();
        self.kind = match kind {
            "hosts" => Kind::Hosts,
            "children" => Kind::Children,
            "vars" => Kind::Vars,
            other => {
                let message = format!("a section can't be of the kind `{other}`");
                return self.error(place, message, "The kinds are hosts, children and vars.");
            }
        };
        if self.kind != Kind::Vars {
            self.inventory.add_group(name);
            if let Some(pending) = self.pending.remove(name) {
                for parent in pending.parents {
                    join(&parent, name, place, self.inventory, self.problems);
                }
            }
        } else if !self.inventory.groups.contains_key(name) && !self.pending.contains_key(name) {
            self.pending.insert(name.to_owned(), Pending { place: place.clone(), parents: Vec::new() });
        }
    }

    fn child(&mut self, line: &str, place: &Place) {
        let name = line.split(char::is_whitespace).next().unwrap_or_default();
        let rest = line[name.len()..].trim_start();
        if name.is_empty() || name.contains([':', ']']) || !(rest.is_empty() || rest.starts_with('#')) {
            let message = format!("`{line}` can't be the name of a group");
            return self.error(place, message, "Below [group:children] each line is the name of one group.");
        }
        if self.inventory.groups.contains_key(name) {
            let group = self.group.clone();
            return join(&group, name, place, self.inventory, self.problems);
        }
        let pending = Pending { place: place.clone(), parents: Vec::new() };
        self.pending.entry(name.to_owned()).or_insert(pending).parents.push(self.group.clone());
    }

    fn variable(&mut self, line: &str, name: &str, value: &str, place: &Place) {
        let text = value.trim();
        let skipped = name.len() + 1 + (value.len() - value.trim_start().len());
        let place = part(place, line, skipped, text.len());
        let node = literal::value(text, &place);
        let key = Key { text: name.trim().to_owned(), place: place.clone() };
        let vars = Node::new(place, Yaml::Map(vec![(key, node)]));
        let group = self.group.clone();
        self.inventory.add_group_vars(&group, &vars, self.problems);
    }

    fn host(&mut self, line: &str, place: &Place) {
        let words = match words::split(line) {
            Ok(words) => words,
            Err(why) => return self.error(place, why, "Close the quote, or put a backslash before it."),
        };
        let Some((entry, rest)) = words.split_first() else { return };
        if entry.text == "---" || (entry.text.ends_with(':') && address::split_port(&entry.text).is_none()) {
            let message = format!(
                "`{}` can't be a host: this looks like YAML in a file that is read as INI",
                entry.text
            );
            return self.error(place, message, "Name a file in YAML with the ending .yml.");
        }
        let (names, port) = match address::hosts(&entry.text) {
            Ok(found) => found,
            Err(why) => {
                return self.problems.push(Problem::error("inventory::range", place, why, "this range"));
            }
        };
        let mut entries: Vec<(Key, Node)> = Vec::new();
        for Word { text, begin, end } in rest {
            let Some((name, value)) = text.split_once('=') else {
                let message = format!("`{text}` is not NAME=VALUE");
                let here = part(place, line, *begin, end - begin);
                self.error(
                    &here,
                    message,
                    "Behind a host there are variables; put a value with blanks in quotes.",
                );
                continue;
            };
            let whole = part(place, line, *begin, end - begin);
            let skipped = if line[*begin..].starts_with(&text[..=name.len()]) {
                begin + name.len() + 1
            } else {
                *begin
            };
            let value = literal::value(value, &part(place, line, skipped, end - skipped));
            entries.retain(|(key, _)| key.text != name);
            entries.push((Key { text: name.to_owned(), place: whole }, value));
        }
        let group = self.group.clone();
        let hosts = add_hosts(&names, port, &group, place, self.inventory, self.problems);
        if !entries.is_empty() {
            let layer = Layer::of(Level::Host, &Node::new(place.clone(), Yaml::Map(entries)));
            hosts.iter().for_each(|host| self.inventory.add_host_layer(host, layer.clone()));
        }
    }

    fn finish(self) {
        for (name, pending) in self.pending {
            let (message, help) = match pending.parents.first() {
                Some(parent) => (
                    format!(
                        "[{parent}:children] names the group `{name}`, which {} does not define",
                        self.file
                    ),
                    format!("Add a section [{name}]."),
                ),
                None => (
                    format!("[{name}:vars] is about a group that {} does not define", self.file),
                    format!("Add a section [{name}]."),
                ),
            };
            self.problems
                .push(Problem::error("inventory::ini", &pending.place, message, "this group").help(help));
        }
    }
}

/// A part of a line: where it stands in the file.
fn part(place: &Place, line: &str, skipped: usize, length: usize) -> Place {
    Place {
        column: place.column + line[..skipped].chars().count() as u32,
        offset: place.offset + skipped,
        length,
        ..place.clone()
    }
}
