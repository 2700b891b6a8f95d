//! The texts of all files of a run, for diagnostics that show the line.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Node, Problem, Problems, shown::Shown, yaml};
use crate::{
    model::Place,
    vault::{Keyring, VaultError, is_sealed},
};

/// Files by the name under which they are shown.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    texts: BTreeMap<Arc<str>, Arc<str>>,
    /// Files that are vaults; of these only the names of variables are kept as a text.
    vaults: BTreeSet<Arc<str>>,
    /// Parts of texts that are secrets: from and to.
    masked: BTreeMap<Arc<str>, Vec<(usize, usize)>>,
    keyring: Keyring,
}

impl Sources {
    /// No files yet; vaults among them are opened with these keys.
    pub fn with_keys(keyring: Keyring) -> Self {
        Self { keyring, ..Self::default() }
    }

    /// Reads and parses a file, which may be a vault. What is wrong with it becomes a problem, and no tree.
    pub fn load(&mut self, path: &Path, problems: &mut Problems) -> Option<Node> {
        let text = self.read(path, problems)?;
        let name = Self::name(path);
        if !is_sealed(&text) {
            return self.parse(&name, &text, false, problems);
        }
        let place =
            Place { line: 1, column: 1, length: text.find('\n').unwrap_or(0), ..Place::file(name.clone()) };
        match self.keyring.open(&text) {
            Ok(opened) => {
                self.vaults.insert(name.clone());
                let mut found = Problems::default();
                let node = self.parse(&name, &opened, true, &mut found);
                self.texts.insert(name.clone(), names_only(&opened, node.as_ref()).into());
                problems.extend(found);
                node
            }
            Err(error) => {
                problems.push(closed(&place, &format!("the vault {name}"), &error));
                None
            }
        }
    }

    fn parse(&self, name: &Arc<str>, text: &str, vaulted: bool, problems: &mut Problems) -> Option<Node> {
        let keyring = &self.keyring;
        let mut open = |place: &Place, sealed: &str| match keyring.open(sealed) {
            // Ansible keeps the text as it was sealed, with the line break of a file in it.
            Ok(text) => Ok(text.to_string()),
            Err(error) => Err(closed(place, &format!("a value in {name}"), &error)),
        };
        let mut found = Vec::new();
        let node = yaml::parse(name, text, vaulted, &mut open, &mut found);
        found.into_iter().for_each(|problem| problems.push(problem));
        node
    }

    /// Whether a file is a vault, so that its lines are not shown.
    pub fn is_vault(&self, name: &str) -> bool {
        self.vaults.contains(name)
    }

    /// Reads a file as text.
    pub fn read(&mut self, path: &Path, problems: &mut Problems) -> Option<Arc<str>> {
        let name = Self::name(path);
        let place = Place::file(name.clone());
        match std::fs::read(path) {
            Err(error) => {
                problems.push(Problem::error(
                    "file::unreadable",
                    &place,
                    format!("{name} can't be read: {error}"),
                    "",
                ));
                None
            }
            Ok(bytes) => match String::from_utf8(bytes) {
                Err(error) => {
                    let at = error.utf8_error().valid_up_to();
                    problems.push(Problem::error(
                        "file::not-utf8",
                        &place,
                        format!("{name} is not UTF-8 (byte {at})"),
                        "",
                    ));
                    None
                }
                Ok(text) => Some(self.add(name, text)),
            },
        }
    }

    /// Parses a text that is part of the program.
    pub fn built_in(&mut self, name: &str, text: &str, problems: &mut Problems) -> Option<Node> {
        self.parse_text(&name.into(), text.to_owned(), problems)
    }

    /// The same for one that never changes: it is parsed once, however many projects use it.
    pub fn shipped(&mut self, name: &str, text: &'static str, problems: &mut Problems) -> Option<Node> {
        static PARSED: Mutex<BTreeMap<String, Node>> = Mutex::new(BTreeMap::new());
        let parsed = || PARSED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(node) = parsed().get(name).cloned() {
            self.add(name.into(), text.to_owned());
            return Some(node);
        }
        let node = self.built_in(name, text, problems)?;
        parsed().insert(name.to_owned(), node.clone());
        Some(node)
    }

    /// Parses a text that comes out of no file.
    pub fn parse_text(&mut self, name: &Arc<str>, text: String, problems: &mut Problems) -> Option<Node> {
        let text = self.add(name.clone(), text);
        self.parse(name, &text, false, problems)
    }

    /// Keeps a text under a name.
    pub fn add(&mut self, name: Arc<str>, text: String) -> Arc<str> {
        let text: Arc<str> = text.into();
        self.texts.insert(name, text.clone());
        text
    }

    /// Hides a secret that is written out in a file, so that no diagnostic shows it.
    pub fn mask(&mut self, place: &Place) {
        if !self.is_vault(&place.file) {
            let part = (place.offset, place.offset.saturating_add(place.length));
            self.masked.entry(place.file.clone()).or_default().push(part);
        }
    }

    /// Whether some file holds this word. What a vault holds is not looked at but for the names of its variables.
    pub fn mention(&self, word: &str) -> bool {
        let files = self.texts.iter().filter(|(name, _)| !name.starts_with("-e "));
        files.into_iter().any(|(_, text)| has_word(text, word))
    }

    /// The same for a whole text.
    pub fn mask_all(&mut self, name: &str) {
        self.masked.entry(name.into()).or_default().push((0, usize::MAX));
    }

    /// A file's text as it may be shown.
    pub fn shown(&self, name: &str) -> Option<Shown> {
        let parts = self.masked.get(name).map(Vec::as_slice).unwrap_or_default();
        self.texts.get(name).map(|text| Shown::new(text, parts))
    }

    fn name(path: &Path) -> Arc<str> {
        path.to_string_lossy().into()
    }
}

/// Whether a text holds a word, and not only as a part of another one.
pub fn has_word(text: &str, word: &str) -> bool {
    let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word).any(|(at, _)| {
        !inside(text[..at].chars().next_back()) && !inside(text[at + word.len()..].chars().next())
    })
}

fn closed(place: &Place, what: &str, error: &VaultError) -> Problem {
    Problem::error(
        "vault::closed",
        place,
        format!("{what} stays closed: {error}"),
        "sealed with ansible-vault",
    )
    .help(error.help())
}

/// The lines of a vault as diagnostics may show them: a variable's name at the margin, and stars.
fn names_only(text: &str, node: Option<&Node>) -> String {
    let names: BTreeMap<usize, &str> = node
        .and_then(Node::map)
        .into_iter()
        .flatten()
        .map(|(key, _)| (key.place.line as usize, key.text.as_str()))
        .collect();
    let shown = |(number, line): (usize, &str)| match names.get(&(number + 1)) {
        Some(name) => format!("{name}: ***\n"),
        None if line.trim().is_empty() => "\n".to_owned(),
        None => "***\n".to_owned(),
    };
    text.lines().enumerate().map(shown).collect()
}
