//! Reads a mapping field by field and reports what is left over, with "did you mean".

use std::{cell::RefCell, collections::BTreeSet};

use super::{Key, Node, Problem, Problems, Yaml};
use crate::model::Place;

/// A mapping that is being read.
pub struct Fields<'a> {
    entries: &'a [(Key, Node)],
    place: Place,
    what: &'a str,
    taken: RefCell<BTreeSet<&'static str>>,
}

impl<'a> Fields<'a> {
    /// Begins; something that is no mapping is a problem. `what` names it in messages ("a play").
    pub fn of(node: &'a Node, what: &'a str, problems: &mut Problems) -> Option<Self> {
        match &node.value {
            Yaml::Map(entries) => {
                Some(Self { entries, place: node.place.clone(), what, taken: RefCell::default() })
            }
            _ => {
                let message = format!("{what} must be a mapping, this is {}", node.kind());
                problems.push(Problem::error("file::not-a-mapping", &node.place, message, "not a mapping"));
                None
            }
        }
    }

    /// The place of the whole mapping.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// A field, if it is there.
    pub fn get(&self, name: &'static str) -> Option<&'a Node> {
        self.taken.borrow_mut().insert(name);
        self.entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| node)
    }

    /// A field that must be there.
    pub fn need(&self, name: &'static str, problems: &mut Problems) -> Option<&'a Node> {
        let found = self.get(name);
        if found.is_none() {
            let message = format!("{} needs `{name}`", self.what);
            problems.push(Problem::error(
                "file::missing-key",
                &self.place,
                message,
                format!("`{name}` is missing"),
            ));
        }
        found
    }

    /// A field that is text.
    pub fn text(&self, name: &'static str, problems: &mut Problems) -> Option<(String, &'a Node)> {
        let node = self.get(name)?;
        match node.scalar() {
            Some(text) => Some((text, node)),
            None => {
                let message = format!("`{name}` must be text, this is {}", node.kind());
                problems.push(Problem::error("file::wrong-type", &node.place, message, "not text"));
                None
            }
        }
    }

    /// Reports every key that nobody asked for.
    pub fn finish(self, problems: &mut Problems) {
        let known = self.taken.borrow();
        for (key, _) in self.entries.iter().filter(|(key, _)| !known.contains(key.text.as_str())) {
            let message = format!("{} has no key `{}`", self.what, key.text);
            let problem = Problem::error("file::unknown-key", &key.place, message, "unknown key");
            problems.push(match closest(&key.text, known.iter().copied()) {
                Some(near) => problem.help(format!("Did you mean `{near}`?")),
                None => {
                    let all: Vec<&str> = known.iter().copied().collect();
                    problem.help(format!("The keys are {}.", all.join(", ")))
                }
            });
        }
    }
}

/// The known word that is nearest to a misspelt one, if one is near.
pub fn closest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance > 0 && *distance <= (candidate.len().max(word.len()) / 4).clamp(1, 3)
        })
        .min()
        .map(|(_, candidate)| candidate)
}
