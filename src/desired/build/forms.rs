//! Whether values fit what their variable is for: names of files and units, which a command on a host must not take for
//! something else, and lists whose items are mappings.

use serde_json::Value as Json;

use super::Builder;
use crate::{
    inventory::Variables,
    model::variables::{self, Form},
    source::{Fields, Node, Problem, Problems},
    template::Scope,
};

impl Builder<'_> {
    /// Refuses a relative path, an option in the place of a path, and a unit that can't be one.
    pub(super) fn check_forms(&mut self, variables: &Variables, scope: &Scope) {
        for (name, form, _) in variables::all() {
            if let (Form::Databases, Some(node)) = (form, variables.get(name)) {
                databases(name, node, scope.get(name), &mut self.problems);
                continue;
            }
            if let Form::Flag = form {
                self.check_flag(name, variables, scope.get(name));
                continue;
            }
            let fits: fn(&str) -> bool = match form {
                Form::Path => is_path,
                Form::Unit => is_unit,
                _ => continue,
            };
            let text = match scope.get(name) {
                None | Some(Json::Null) => continue,
                Some(Json::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            };
            if fits(&text) {
                continue;
            }
            let place = variables.get(name).map_or_else(|| self.topology_place(), |n| n.place.clone());
            let (message, label, help) = match form {
                Form::Path => (
                    format!("`{name}` must be an absolute path on the host"),
                    "not an absolute path",
                    "It begins with `/`.",
                ),
                _ => (
                    format!("`{name}` must be the name of a systemd unit"),
                    "not a unit",
                    "For example: mariadb.service.",
                ),
            };
            self.problems.push(Problem::error("variable::name", &place, message, label).help(help));
        }
    }
}

impl Builder<'_> {
    /// Any text but an empty one is true to a template, `no` and `False` among them.
    fn check_flag(&mut self, name: &str, variables: &Variables, value: Option<&Json>) {
        let is_flag = match value {
            None | Some(Json::Null | Json::Bool(_)) => true,
            Some(Json::String(word)) => word.trim().eq_ignore_ascii_case("true"),
            Some(_) => false,
        };
        if is_flag {
            return;
        }
        let place = variables.get(name).map_or_else(|| self.topology_place(), |node| node.place.clone());
        let message = format!("`{name}` must be true or false");
        self.problems.push(
            Problem::error("variable::flag", &place, message, "neither")
                .help("Write true or false, without quotes; in an INI file True or False."),
        );
    }
}

/// Each item has a name, and no key that would be passed over: another role's `state: absent` must not make a database.
fn databases(variable: &str, node: &Node, value: Option<&Json>, problems: &mut Problems) {
    let fail = |problems: &mut Problems, message: String| {
        let help = format!("For example: {variable}: [{{name: shop, character_set: utf8mb4}}]");
        problems.push(Problem::error("variable::item", &node.place, message, "these databases").help(help));
    };
    if let Some(items) = node.seq() {
        for item in items {
            let Some(fields) = Fields::of(item, "a database", problems) else { continue };
            fields.need("name", problems);
            for (key, _) in variables::DATABASE {
                fields.text(key, problems);
            }
            let state = item.get("state").and_then(Node::scalar);
            let twice = SAME.iter().all(|key| item.get(key).is_some());
            in_words_of_others(item, state.as_deref(), twice, problems);
            fields.finish(problems);
        }
        return;
    }
    // What a template gives has no places of its own.
    match value {
        None | Some(Json::Null) => {}
        Some(Json::Array(items)) => {
            for item in items {
                let keys = item.as_object().map(|map| map.keys().map(String::as_str).collect::<Vec<_>>());
                let known = |key: &&str| variables::DATABASE.iter().any(|(name, _)| name == key);
                match keys {
                    None => fail(problems, format!("an item of `{variable}` is no mapping")),
                    Some(keys) if !keys.contains(&"name") => {
                        fail(problems, format!("an item of `{variable}` has no `name`"));
                    }
                    Some(keys) => {
                        if let Some(key) = keys.iter().find(|key| !known(key)) {
                            fail(problems, format!("a database has no key `{key}`"));
                        }
                        let state = item.get("state").and_then(Json::as_str);
                        let twice = SAME.iter().all(|key| item.get(key).is_some());
                        in_words_of_others(node, state, twice, problems);
                    }
                }
            }
        }
        Some(_) => fail(problems, format!("`{variable}` must be a list of databases")),
    }
}

/// What a database that is declared is; other roles know more states.
const PRESENT: &str = "present";
/// Two names for one thing.
const SAME: [&str; 2] = ["character_set", "encoding"];

/// Says what is wrong with a database in the words of other roles.
fn in_words_of_others(node: &Node, state: Option<&str>, twice: bool, problems: &mut Problems) {
    let mut wrong = |message: String, label: &str, help: &str| {
        problems.push(Problem::error("variable::item", &node.place, message, label).help(help));
    };
    match state {
        Some(state) if state != PRESENT => wrong(
            format!("a database can't be `state: {state}`"),
            "no database is dropped",
            "tandem makes databases that are missing, and drops none. Take this one out of the list, and drop it yourself.",
        ),
        _ if twice => wrong(
            format!("`{}` and `{}` are the same", SAME[0], SAME[1]),
            "both are written",
            "Write one of them.",
        ),
        _ => {}
    }
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') && !text.ends_with('/') && !text.contains(char::is_control)
}

fn is_unit(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '.' | '\\' | '@' | '-');
    !text.is_empty() && !text.starts_with('-') && text.chars().all(fits)
}
