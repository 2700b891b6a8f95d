//! Names of files and units on a host: a command there must not take them for something else.

use serde_json::Value as Json;

use super::Builder;
use crate::{
    inventory::Variables,
    model::variables::{self, Form},
    source::Problem,
    template::Scope,
};

impl Builder<'_> {
    /// Refuses a relative path, an option in the place of a path, and a unit that can't be one.
    pub(super) fn check_names(&mut self, variables: &Variables, scope: &Scope) {
        for (name, form, _) in variables::all() {
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

fn is_path(text: &str) -> bool {
    text.starts_with('/') && !text.ends_with('/') && !text.contains(char::is_control)
}

fn is_unit(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '.' | '\\' | '@' | '-');
    !text.is_empty() && !text.starts_with('-') && text.chars().all(fits)
}
