//! The texts of all files of a run, for diagnostics that show the line.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use super::{Node, Problem, Problems, yaml};
use crate::model::Place;

/// Files by the name under which they are shown.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    texts: BTreeMap<Arc<str>, Arc<str>>,
}

impl Sources {
    /// Reads and parses a file. What is wrong with it becomes a problem, and no tree.
    pub fn load(&mut self, path: &Path, problems: &mut Problems) -> Option<Node> {
        let text = self.read(path, problems)?;
        let name = Self::name(path);
        yaml::parse(&name, &text).map_err(|p| problems.push(p)).ok()
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
        let name: Arc<str> = name.into();
        let text = self.add(name.clone(), text.to_owned());
        yaml::parse(&name, &text).map_err(|p| problems.push(p)).ok()
    }

    /// Keeps a text under a name.
    pub fn add(&mut self, name: Arc<str>, text: String) -> Arc<str> {
        let text: Arc<str> = text.into();
        self.texts.insert(name, text.clone());
        text
    }

    /// Hides a secret that is written out in a file, so that no diagnostic shows it.
    pub fn mask(&mut self, place: &Place) {
        let Some(text) = self.texts.get_mut(&place.file) else { return };
        let end = place.offset.saturating_add(place.length).min(text.len());
        if let (Some(before), Some(hidden), Some(after)) =
            (text.get(..place.offset), text.get(place.offset..end), text.get(end..))
        {
            // Of the same length, so that every other place stays where it is.
            let stars: String = hidden
                .chars()
                .map(|c| if c == '\n' { "\n".into() } else { "*".repeat(c.len_utf8()) })
                .collect();
            *text = format!("{before}{stars}{after}").into();
        }
    }

    /// A file's text.
    pub fn text(&self, name: &str) -> Option<&Arc<str>> {
        self.texts.get(name)
    }

    fn name(path: &Path) -> Arc<str> {
        path.to_string_lossy().into()
    }
}
