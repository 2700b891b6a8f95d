//! What a server takes the words of its option files for.

use std::collections::BTreeMap;

use super::{Files, Occurrence};
use crate::{dialect::Dialect, model::ServerVersion};

/// The variables of a server, by which it knows what a word means: abbreviations, negations, names of other versions.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Its version.
    pub version: ServerVersion,
    /// Its variables with what they run with; empty where it could not be asked, and then words mean what they say.
    pub variables: &'a BTreeMap<String, String>,
}

impl Known<'_> {
    /// The option and the value that it takes a mention for.
    pub fn meant(self, name: &str, value: Option<&str>) -> (String, Option<String>) {
        let names = self.variables.keys().map(String::as_str);
        let (name, value) = Dialect::of(self.version).option_meant(name, value, &names);
        let boolean = matches!(self.variables.get(&name).map(String::as_str), Some("ON" | "OFF"));
        // Neither is a boolean to the server, which takes what it does not know for OFF.
        let unknown = |value: &String| matches!(value.to_ascii_lowercase().as_str(), "yes" | "y");
        match value.as_ref().is_some_and(unknown) && boolean && name != "log_bin" {
            true => (name, Some("OFF".to_owned())),
            false => (name, value),
        }
    }

    fn all_meant(self, mut all: Vec<Occurrence>) -> Vec<Occurrence> {
        for one in &mut all {
            (one.name, one.value) = self.meant(&one.name, one.value.as_deref());
        }
        all
    }
}

impl Files {
    /// Every mention that the server looks at, in order, under the names that it knows. The last of a name wins.
    pub fn meant(&self, server: Known<'_>) -> Vec<Occurrence> {
        server.all_meant(self.occurrences(Some(server.version)))
    }

    /// The last value that the files give an option, of a server whose variables can't be asked for.
    pub fn last_of(&self, name: &str, version: Option<ServerVersion>) -> Option<String> {
        let variables = BTreeMap::from([(name.to_owned(), String::new())]);
        let mentions = match version {
            Some(version) => self.meant(Known { version, variables: &variables }),
            None => self.occurrences(None),
        };
        mentions.into_iter().rfind(|one| one.name == name)?.value
    }

    /// Those that it reads after `path`, which would win over it.
    pub fn meant_after(&self, path: &str, server: Known<'_>) -> Vec<Occurrence> {
        server.all_meant(self.read_after(path, Some(server.version)))
    }
}
