//! The server variables of a role.

use serde_json::Value as Json;

use super::{Evaluated, scalar};
use crate::{
    desired::{DesiredSetting, template_problem::template_problem},
    option_file::{canonical_name, list_separator},
    source::{Key, Node, Problem, Problems, Yaml},
};

pub(super) fn settings(evaluated: &Evaluated<'_>, problems: &mut Problems) -> Vec<DesiredSetting> {
    let body = &evaluated.declared.body;
    // `settings: "{{ mysql_settings }}"`: each entry was written by the user and keeps that place.
    let source = evaluated.variable_behind(body).unwrap_or(body);
    let Some(entries) = source.map() else {
        if source.value != Yaml::Null {
            let message = format!("settings must be a mapping of variables, this is {}", source.kind());
            problems.push(Problem::error("role::settings", &source.place, message, "not a mapping"));
        }
        return Vec::new();
    };
    let mut wishes = Vec::new();
    for (key, node) in entries {
        match setting(evaluated, key, node) {
            Ok(wish) => wishes.push(wish),
            Err(problem) => problems.push(problem),
        }
    }
    wishes
}

/// One entry.
fn setting(evaluated: &Evaluated<'_>, key: &Key, node: &Node) -> Result<DesiredSetting, Problem> {
    let value = evaluated.scope.evaluate(&written(node));
    let value = value.map_err(|error| template_problem(&error, &node.place, evaluated.scope))?;
    let place = evaluated.place_of(node);
    let valid = !key.text.is_empty()
        && key.text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if !valid {
        let message = format!("`{}` can't be the name of a server variable", key.text);
        return Err(Problem::error("setting::name", &key.place, message, "letters, digits, _ and - only"));
    }
    let values: Option<Vec<String>> = match &value {
        Json::Null => Some(Vec::new()),
        Json::Array(items) => items.iter().map(scalar).collect(),
        one => scalar(one).map(|v| vec![v]),
    };
    let name = canonical_name(&key.text);
    // Of several lines for one variable a server takes the last.
    let values = values.map(|values| match list_separator(&name) {
        Some(between) if values.len() > 1 => vec![values.join(between)],
        _ => values,
    });
    let Some(values) = values else {
        let message =
            format!("the value of `{}` must be text, a number, a boolean or a list of them", key.text);
        return Err(Problem::error("setting::value", &place, message, "this value"));
    };
    if let Some(bad) = values.iter().find(|v| v.contains(['\n', '\0'])) {
        let message = format!("the value of `{}` has a line break", key.text);
        return Err(Problem::error("setting::value", &place, message, format!("{} characters", bad.len())));
    }
    let (at_next_restart, at_start) = (evaluated.declared.at_next_restart, evaluated.declared.at_start);
    Ok(DesiredSetting { name, values, at_next_restart, at_start, place })
}

/// A number as it is written: `-10:00` is a time zone, and for YAML a number in base 60.
fn written(node: &Node) -> Json {
    match (&node.value, node.written.as_deref()) {
        (Yaml::Int(_) | Yaml::Float(_), Some(text)) if !text.contains(['_', 'x', 'b']) => text.into(),
        _ => node.to_template(),
    }
}
