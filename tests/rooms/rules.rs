//! What must not stand where.

use std::collections::{BTreeMap, BTreeSet};

use crate::scan::{Crate, File};

/// What is wrong, and where.
pub type Findings = Vec<String>;

/// Rooms from the lowest to the highest, each with the rooms that it may name.
pub type Table = [(&'static str, &'static [&'static str])];

fn at(file: &File, line: usize) -> String {
    format!("src/{}:{line}", file.name)
}

/// Every room that another one names, with one place where it does.
pub fn edges(code: &Crate) -> BTreeMap<(String, String), String> {
    let mut edges = BTreeMap::new();
    for file in &code.files {
        let Some(room) = file.room() else { continue };
        for named in &file.named {
            let (Some("crate"), Some(other)) = (named.path.first().map(String::as_str), named.path.get(1))
            else {
                continue;
            };
            if other != room {
                edges.entry((room.to_owned(), other.clone())).or_insert_with(|| at(file, named.line));
            }
        }
    }
    edges
}

/// The table against the sources: no edge but the declared ones, none declared that is not there, and every room may
/// name lower ones only.
pub fn table(code: &Crate, table: &Table) -> Findings {
    let mut wrong = Findings::new();
    let edges = edges(code);
    for (place, (room, below)) in table.iter().enumerate() {
        for other in *below {
            if !table[..place].iter().any(|(lower, _)| lower == other) {
                wrong.push(format!("table: `{other}` does not stand below `{room}`"));
            }
            if !edges.contains_key(&((*room).to_owned(), (*other).to_owned())) {
                wrong.push(format!("table: `{room}` does not name `{other}` any more"));
            }
        }
    }
    for ((room, other), place) in &edges {
        match table.iter().find(|(known, _)| known == room) {
            Some((_, below)) if below.contains(&other.as_str()) => {}
            Some(_) => wrong.push(format!("{place}: `{room}` names `{other}`")),
            None => wrong.push(format!("{place}: `{room}` is no room of the table")),
        }
    }
    wrong
}

/// A rule: what must not stand in some files, and the files that may hold it all the same, each with its reason.
pub struct Rule {
    pub what: &'static str,
    /// Paths by their beginnings, such as `std::fs`; one that begins with `::` by its end.
    pub paths: &'static [&'static str],
    /// Words and signs in a row, separated by blanks.
    pub words: &'static [&'static str],
    /// Files and rooms that may, by the beginning of their names, and why.
    pub but: &'static [(&'static str, &'static str)],
}

impl Rule {
    /// What breaks it among the files that `concerns` chooses. An exception that nothing needs is wrong, too.
    pub fn findings(&self, code: &Crate, concerns: impl Fn(&File) -> bool) -> Findings {
        let mut wrong = Findings::new();
        let mut needed = BTreeSet::new();
        for file in code.files.iter().filter(|file| concerns(file)) {
            let mut found = self.paths_in(file);
            found.extend(self.words_in(file));
            if found.is_empty() {
                continue;
            }
            match self.but.iter().find(|(name, _)| file.name.starts_with(name)) {
                Some((name, _)) => drop(needed.insert(*name)),
                None => wrong.extend(found),
            }
        }
        let idle = self.but.iter().filter(|(name, _)| !needed.contains(name));
        wrong.extend(idle.map(|(name, _)| format!("{}: the exception for {name} is not needed", self.what)));
        wrong
    }

    fn paths_in(&self, file: &File) -> Findings {
        let breaks = |path: &[String]| {
            self.paths.iter().any(|bad| match bad.strip_prefix("::") {
                Some(end) => path.len() > 1 && path.last().is_some_and(|last| last == end),
                None => {
                    let bad: Vec<&str> = bad.split("::").collect();
                    path.len() >= bad.len() && path.iter().zip(&bad).all(|(a, b)| a == b)
                }
            })
        };
        let named = file.named.iter().filter(|named| breaks(&named.path));
        named.map(|n| format!("{}: {}: `{}`", at(file, n.line), self.what, n.path.join("::"))).collect()
    }

    fn words_in(&self, file: &File) -> Findings {
        let mut found = Findings::new();
        for words in self.words {
            let words: Vec<&str> = words.split(' ').collect();
            for tokens in file.tokens.windows(words.len()) {
                if tokens.iter().zip(&words).all(|(token, word)| token.text == *word) {
                    found.push(format!("{}: {}: `{}`", at(file, tokens[0].line), self.what, words.concat()));
                }
            }
        }
        found
    }
}

/// An edge that goes back, which module it leads from and to below their parent, and why it may.
pub type Back = (&'static str, &'static str, &'static str);

/// Circles between modules that lie beside each other, once the edges that may go back are taken out: the edges of each.
///
/// What a parent and its children have with each other is no circle: a reader knows them as one.
pub fn circles(code: &Crate, may: &[Back]) -> Vec<Findings> {
    let mut edges: BTreeMap<(String, String), String> = BTreeMap::new();
    for file in &code.files {
        for named in &file.named {
            let Some(home) = code.home_of(&named.path) else { continue };
            let shared = file.module.iter().zip(&home).take_while(|(a, b)| a == b).count();
            if shared > 0 && file.module.len() > shared && home.len() > shared {
                let edge = (file.module[..=shared].join("::"), home[..=shared].join("::"));
                edges.entry(edge).or_insert_with(|| at(file, named.line));
            }
        }
    }
    let mut wrong: Vec<Findings> = Vec::new();
    for (from, to, _) in may {
        if edges.remove(&((*from).to_owned(), (*to).to_owned())).is_none() {
            wrong.push(vec![format!("the exception for `{from}`, which names `{to}`, is not needed")]);
        }
    }
    let names: BTreeSet<&String> = edges.keys().flat_map(|(from, to)| [from, to]).collect();
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        names.iter().map(|name| (*name, reached(name, &edges))).collect();
    let mut seen: BTreeSet<&String> = BTreeSet::new();
    for name in names {
        let circle: BTreeSet<&String> =
            reached[name].iter().filter(|other| reached[**other].contains(name)).copied().collect();
        if !circle.is_empty() && !seen.contains(name) {
            let inside = edges.iter().filter(|((from, to), _)| circle.contains(from) && circle.contains(to));
            wrong.push(inside.map(|((from, to), place)| format!("{place}: `{from}` names `{to}`")).collect());
            seen.extend(circle);
        }
    }
    wrong
}

fn reached<'a>(from: &str, edges: &'a BTreeMap<(String, String), String>) -> BTreeSet<&'a String> {
    let mut found: BTreeSet<&String> = BTreeSet::new();
    let mut open: Vec<&str> = vec![from];
    while let Some(name) = open.pop() {
        for (_, to) in edges.keys().filter(|(source, _)| source == name) {
            if found.insert(to) {
                open.push(to);
            }
        }
    }
    found
}
