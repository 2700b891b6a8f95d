//! Resources that have to do with the host and not with its server: kinds of the room `resource`.

use serde_json::Value as Json;

use super::Evaluated;
use crate::{
    desired::{DeclaredResource, DesiredHost},
    model::Place,
    resource::{KindName, RoleFolder, Wrong},
    source::{Node, Problem, Problems, Yaml},
};

pub(super) fn add(
    evaluated: &Evaluated<'_>,
    kind: KindName,
    host: &mut DesiredHost,
    problems: &mut Problems,
) {
    let body = match evaluated.scope.evaluate(&template(&evaluated.declared.body)) {
        Ok(body) => body,
        Err(error) => {
            problems.push(evaluated.blame(&error));
            return;
        }
    };
    let resource = match kind.declare(&body, evaluated) {
        Ok(resource) => resource,
        Err(wrong) => {
            problems.push(problem(evaluated, kind, wrong));
            return;
        }
    };
    let place =
        kind.place().map_or_else(|| evaluated.declared.body.place.clone(), |key| place(evaluated, key));
    let name = resource.any().name();
    let twin = host
        .resources
        .iter()
        .find(|other| name.is_some() && other.resource.kind() == kind && other.resource.any().name() == name);
    match twin {
        Some(twin) if twin.resource == resource => {}
        Some(twin) => {
            let message = format!("{} is declared twice, and not the same", resource.any().what());
            let problem = Problem::error("role::twice", &place, message, "the second one");
            problems.push(problem.see(&twin.place, "the first one"));
        }
        None => host.resources.push(DeclaredResource { resource, place }),
    }
}

/// The body as templates are evaluated in it; a number that is written there keeps its text, so that `0640` is a mode.
fn template(node: &Node) -> Json {
    match &node.value {
        Yaml::Int(_) | Yaml::Float(_) => node.scalar().map_or(Json::Null, Json::String),
        Yaml::Seq(items) => items.iter().map(template).collect(),
        Yaml::Map(entries) => {
            Json::Object(entries.iter().map(|(key, node)| (key.text.clone(), template(node))).collect())
        }
        _ => node.to_template(),
    }
}

fn place(evaluated: &Evaluated<'_>, key: &str) -> Place {
    let body = &evaluated.declared.body;
    body.get(key).map_or_else(|| body.place.clone(), |node| evaluated.place_of(node))
}

fn problem(evaluated: &Evaluated<'_>, kind: KindName, wrong: Wrong) -> Problem {
    let word = kind.word();
    let whole = &evaluated.declared.body.place;
    match wrong {
        Wrong::Value(key, what) => {
            let message = format!("`{key}` of a resource `{word}` must be {what}");
            Problem::error("role::value", &place(evaluated, &key), message, format!("must be {what}"))
        }
        Wrong::Missing(key) => {
            let label = format!("`{key}` is missing");
            Problem::error("role::value", whole, format!("a resource `{word}` needs `{key}`"), label)
        }
        Wrong::Unknown(key) => {
            let message = format!("a resource `{word}` has no key `{key}`");
            Problem::error("file::unknown-key", &place(evaluated, &key), message, "unknown key")
        }
        Wrong::NotAMapping => {
            let message = format!("a resource `{word}` must be a mapping of its keys");
            Problem::error("role::value", whole, message, "not a mapping")
        }
        Wrong::Elsewhere(problem) => *problem,
    }
}

impl RoleFolder for Evaluated<'_> {
    fn file(&self, folder: &str, name: &str) -> Option<String> {
        self.role.file(folder, name)
    }

    fn render(&self, template: &str, text: &str) -> Result<String, Problem> {
        self.scope.render(text).map_err(|error| {
            let mut place = Place::file(format!("roles/{}/templates/{template}", self.role.name));
            place.line = error.line as u32;
            Problem::error("template::failed", &place, error.message, "here")
        })
    }
}
