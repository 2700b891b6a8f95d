//! Reads Rust sources as far as rooms go: which file names which path, on which line.
//!
//! No parser: tokens are enough to know names, and they cannot get out of step with the compiler's grammar.
//! Comments, strings and what only tests see are left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// A word or a sign, and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// A path as it stands in a file, with imported names written out: `crate::model::Fact`, `std::fs::read`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub path: Vec<String>,
    pub line: usize,
}

/// One file.
#[derive(Debug)]
pub struct File {
    /// Below `src`.
    pub name: String,
    /// Its module below the crate: `["cli", "adopt", "missing"]`.
    pub module: Vec<String>,
    pub tokens: Vec<Token>,
    /// Every path in it, absolute where it leads into the crate.
    pub named: Vec<Named>,
    /// What it gives on under a name of its own: name -> path.
    pub given_on: BTreeMap<String, Vec<String>>,
}

impl File {
    pub fn room(&self) -> Option<&str> {
        self.module.first().map(String::as_str)
    }
}

/// All files of the crate but those that only tests see.
pub struct Crate {
    pub files: Vec<File>,
    modules: BTreeSet<Vec<String>>,
}

impl Crate {
    /// The files below a directory.
    pub fn read(src: &Path) -> Self {
        let mut texts = Vec::new();
        collect(src, src, &mut texts);
        texts.sort();
        let texts: Vec<(&str, &str)> = texts.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
        Self::of(&texts)
    }

    /// Files by name and text.
    pub fn of(texts: &[(&str, &str)]) -> Self {
        let mut only_tests: BTreeSet<Vec<String>> = BTreeSet::new();
        let mut files = Vec::new();
        let modules: BTreeSet<Vec<String>> = texts.iter().map(|(name, _)| module_of(name)).collect();
        for (name, text) in texts {
            let module = Module { path: module_of(name), all: &modules };
            let (tokens, test_modules) = without_tests(&tokens(text));
            only_tests
                .extend(test_modules.into_iter().map(|child| [module.path.clone(), vec![child]].concat()));
            let uses = uses(&tokens, &module);
            let named = named(&tokens, &module, &uses);
            let given_on = uses.into_iter().filter(|u| u.public).map(|u| (u.name, u.path)).collect();
            files.push(File { name: (*name).into(), module: module.path, tokens, named, given_on });
        }
        files.retain(|file| !only_tests.iter().any(|test| file.module.starts_with(test)));
        Self { files, modules }
    }

    /// The module in which a path ends, through what modules give on: `crate::plan::Step` is `plan::step`.
    pub fn home_of(&self, path: &[String]) -> Option<Vec<String>> {
        let mut path = path.to_vec();
        for _ in 0..8 {
            let inside = path.strip_prefix(&["crate".to_owned()])?;
            let depth = (0..=inside.len()).rev().find(|n| self.modules.contains(&inside[..*n]))?;
            let (module, rest) = inside.split_at(depth);
            let file = self.files.iter().find(|f| f.module == module)?;
            match rest.first().and_then(|name| file.given_on.get(name)) {
                Some(further) if further.first().is_some_and(|f| f == "crate") => {
                    path = [further.as_slice(), &rest[1..]].concat();
                }
                _ => return Some(module.to_vec()),
            }
        }
        None
    }
}

fn collect(root: &Path, directory: &Path, texts: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(directory).expect("a readable directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, texts);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let name = path.strip_prefix(root).expect("below it").to_string_lossy().into_owned();
            texts.push((name, fs::read_to_string(&path).expect("a readable file")));
        }
    }
}

fn module_of(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    parts
}

/// Cuts a text into words and signs; `::` is one sign. Strings, characters and lifetimes are left out.
pub fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let (mut at, mut line) = (0, 1);
    let mut found = Vec::new();
    while at < chars.len() {
        let rest = &chars[at..];
        let word = rest.iter().take_while(|c| is_of_word(**c)).count();
        let (length, keep) = if rest.starts_with(&['/', '/']) {
            (rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()), false)
        } else if rest.starts_with(&['/', '*']) {
            (end_of_comment(rest), false)
        } else if let Some(length) = length_of_string(rest) {
            (length.min(rest.len()), false)
        } else if word > 0 {
            (word, true)
        } else if rest.starts_with(&[':', ':']) {
            (2, true)
        } else {
            (1, !rest[0].is_whitespace())
        };
        if keep {
            found.push(Token { text: rest[..length].iter().collect(), line });
        }
        line += rest[..length].iter().filter(|c| **c == '\n').count();
        at += length;
    }
    found
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn end_of_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of a string, a character or a lifetime that begins here.
fn length_of_string(rest: &[char]) -> Option<usize> {
    let word = rest.iter().take_while(|c| is_of_word(**c)).count();
    let prefix: String = rest[..word].iter().collect();
    if !matches!(prefix.as_str(), "" | "r" | "b" | "br" | "c" | "cr") {
        return None;
    }
    let hashes = rest[word..].iter().take_while(|c| **c == '#').count();
    let raw = prefix.ends_with('r');
    let quote = rest.get(word + hashes)?;
    match quote {
        '"' if raw => {
            let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
            let begin = word + hashes + 1;
            let end = (begin..rest.len()).find(|n| rest[*n..].starts_with(&close))?;
            Some(end + close.len())
        }
        '"' if hashes == 0 => {
            let mut at = word + 1;
            while at < rest.len() && rest[at] != '"' {
                at += if rest[at] == '\\' { 2 } else { 1 };
            }
            Some(at + 1)
        }
        '\'' if hashes == 0 && !raw => {
            let inner = &rest[word + 1..];
            match (inner.first()?, inner.get(1)) {
                ('\\', _) => Some(word + 3 + inner[2..].iter().position(|c| *c == '\'')? + 1),
                (_, Some('\'')) => Some(word + 3),
                _ => {
                    let name = inner.iter().take_while(|c| is_of_word(**c)).count();
                    Some(word + 1 + name)
                }
            }
        }
        _ => None,
    }
}

fn is(tokens: &[Token], at: usize, text: &str) -> bool {
    tokens.get(at).is_some_and(|t| t.text == text)
}

/// Takes out what stands behind `#[cfg(test)]`. Modules of that kind that are files are named.
fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
    let (mut kept, mut modules, mut at) = (Vec::new(), Vec::new(), 0);
    while at < tokens.len() {
        let whole_file = is(tokens, at, "#") && is(tokens, at + 1, "!");
        let opens = at + if whole_file { 2 } else { 1 };
        if !(is(tokens, at, "#") && is(tokens, opens, "[") && is(tokens, opens + 1, "cfg")) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let end = end_of_group(tokens, opens);
        let condition: Vec<&str> = tokens[opens..end].iter().map(|t| t.text.as_str()).collect();
        if !condition.contains(&"test") || condition.contains(&"not") {
            kept.extend_from_slice(&tokens[at..end]);
            at = end;
            continue;
        }
        if whole_file {
            return (Vec::new(), Vec::new());
        }
        at = end;
        while is(tokens, at, "#") {
            at = end_of_group(tokens, at + 1);
        }
        let mut words = tokens[at..].iter().skip_while(|t| t.text != "mod" && t.text != "{" && t.text != ";");
        if words.next().is_some_and(|t| t.text == "mod")
            && let (Some(name), Some(sign)) = (words.next(), words.next())
            && sign.text == ";"
        {
            modules.push(name.text.clone());
        }
        at = end_of_item(tokens, at);
    }
    (kept, modules)
}

/// Behind the bracket that closes the one at `at`.
fn end_of_group(tokens: &[Token], mut at: usize) -> usize {
    let mut depth = 0;
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at
}

fn end_of_item(tokens: &[Token], mut at: usize) -> usize {
    let import = is(tokens, at, "use") || is(tokens, at + 1, "use") || is(tokens, at + 4, "use");
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            ";" => return at + 1,
            "{" => {
                at = end_of_group(tokens, at);
                if !import {
                    return at;
                }
            }
            "(" | "[" => at = end_of_group(tokens, at),
            _ => at += 1,
        }
    }
    at
}

/// A module of a crate.
struct Module<'a> {
    path: Vec<String>,
    all: &'a BTreeSet<Vec<String>>,
}

impl Module<'_> {
    /// A path from the crate's root where it begins with `crate`, `self`, `super` or a module inside this one.
    fn absolute(&self, path: &[String]) -> Vec<String> {
        let mut base = self.path.clone();
        let mut rest = path;
        match rest.first().map(String::as_str) {
            Some("crate") => base.clear(),
            Some("self" | "super") => {}
            Some(first) if self.all.contains(&[self.path.as_slice(), &[first.to_owned()]].concat()) => {}
            _ => return path.to_vec(),
        }
        while let Some(first) = rest.first() {
            match first.as_str() {
                "crate" | "self" => {}
                "super" => drop(base.pop()),
                _ => break,
            }
            rest = &rest[1..];
        }
        [&["crate".to_owned()], base.as_slice(), rest].concat()
    }
}

/// A name that `use` brings in.
struct Use {
    name: String,
    path: Vec<String>,
    line: usize,
    public: bool,
    /// Where its declaration begins and ends among the tokens.
    span: (usize, usize),
}

fn uses(tokens: &[Token], module: &Module) -> Vec<Use> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].text != "use"
            || at > 0 && matches!(tokens[at - 1].text.as_str(), "::" | "." | "+" | "<")
        {
            at += 1;
            continue;
        }
        let public = at > 0 && matches!(tokens[at - 1].text.as_str(), "pub" | ")");
        let end = at + tokens[at..].iter().position(|t| t.text == ";").unwrap_or(tokens.len() - at);
        let mut leaves = Vec::new();
        tree(&tokens[at + 1..end], &[], &mut leaves);
        for (path, name, line) in leaves {
            found.push(Use { name, path: module.absolute(&path), line, public, span: (at, end) });
        }
        at = end;
    }
    found
}

/// The leaves of a tree of imports.
fn tree(tokens: &[Token], before: &[String], leaves: &mut Vec<(Vec<String>, String, usize)>) {
    let mut path = before.to_vec();
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            "::" => {}
            "{" => {
                let end = end_of_group(tokens, at);
                for part in split(&tokens[at + 1..end - 1]) {
                    tree(part, &path, leaves);
                }
                return;
            }
            "as" => {
                let name = tokens.get(at + 1).map(|t| t.text.clone()).unwrap_or_default();
                leaves.push((path, name, tokens[at].line));
                return;
            }
            "self" if !before.is_empty() && path.len() == before.len() => {}
            text => path.push(text.to_owned()),
        }
        at += 1;
    }
    if let (Some(name), Some(token)) = (path.last().cloned(), tokens.last()) {
        leaves.push((path, name, token.line));
    }
}

fn split(tokens: &[Token]) -> Vec<&[Token]> {
    let (mut parts, mut depth, mut begin) = (Vec::new(), 0, 0);
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            "," if depth == 0 => {
                parts.push(&tokens[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&tokens[begin..]);
    parts.retain(|part| !part.is_empty());
    parts
}

fn named(tokens: &[Token], module: &Module, uses: &[Use]) -> Vec<Named> {
    let mut found: Vec<Named> = uses.iter().map(|u| Named { path: u.path.clone(), line: u.line }).collect();
    let declared: BTreeMap<usize, usize> = uses.iter().map(|u| u.span).collect();
    let mut at = 0;
    while at < tokens.len() {
        if let Some(end) = declared.get(&at) {
            at = *end;
            continue;
        }
        let begins = is_word(&tokens[at].text)
            && is(tokens, at + 1, "::")
            && !(at > 0 && matches!(tokens[at - 1].text.as_str(), "::" | "in"));
        if !begins {
            at += 1;
            continue;
        }
        let line = tokens[at].line;
        let mut path = vec![tokens[at].text.clone()];
        at += 1;
        while is(tokens, at, "::") && tokens.get(at + 1).is_some_and(|t| is_word(&t.text)) {
            path.push(tokens[at + 1].text.clone());
            at += 2;
        }
        if let Some(import) = uses.iter().find(|u| u.name == path[0]) {
            path = [import.path.as_slice(), &path[1..]].concat();
        }
        found.push(Named { path: module.absolute(&path), line });
    }
    found
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}
