//! Inventories and files of variables.

use serde_json::{Map, Value, json};

use super::{
    document,
    value::{definitions, described, object, refer, value},
};
use crate::model::variables::{Form, all};

/// The schema of an inventory file.
pub fn inventory() -> Value {
    document(
        "Inventory of tandem",
        "An inventory in Ansible's form: groups with hosts, groups below them, and variables.",
        json!({"type": ["object", "null"], "additionalProperties": refer("group"), "$defs": groups()}),
    )
}

/// The schema of a file in `group_vars/` or `host_vars/`.
pub fn variables() -> Value {
    let mut definitions = definitions();
    definitions.insert("variables".into(), mapping());
    document(
        "Variables of tandem",
        "A file in group_vars/ or host_vars/, or a role's defaults/main.yml.",
        json!({"$ref": "#/$defs/variables", "$defs": definitions}),
    )
}

fn groups() -> Map<String, Value> {
    let mut definitions = definitions();
    definitions.insert("variables".into(), mapping());
    let mut keys = Map::new();
    let map_of = |name: &str, text: &str| json!({"type": ["object", "null"], "additionalProperties": refer(name), "description": text});
    keys.insert(
        "hosts".into(),
        map_of("variables", "hosts by name, or a range such as db[01:10], with their variables"),
    );
    keys.insert("children".into(), map_of("group", "groups below this one"));
    keys.insert("vars".into(), described(refer("variables"), "variables of every host in this group"));
    let mut group = object(keys, &[]);
    group["type"] = json!(["object", "null"]);
    definitions.insert("group".into(), group);
    definitions
}

/// Variables by name. Names that are not ours are the user's own, and may hold anything.
pub(super) fn mapping() -> Value {
    let properties: Map<String, Value> =
        all().map(|(name, form, row)| (name.to_owned(), variable(form, row.text, row.default))).collect();
    json!({"type": ["object", "null"], "properties": properties})
}

fn variable(form: Form, text: &str, default: &str) -> Value {
    let default = if default.is_empty() { String::new() } else { format!("Default: {default}") };
    let parts: Vec<&str> = [text, default.as_str()].into_iter().filter(|part| !part.is_empty()).collect();
    described(value(form), &parts.join(". "))
}
