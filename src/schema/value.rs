//! Values as they may stand in any of the files.

use serde_json::{Map, Value, json};

use crate::model::variables::{DATABASE, Form};

/// What the schemas of files share.
pub(super) fn definitions() -> Map<String, Value> {
    let one = |key: &str, value: Value, text: &str| {
        json!({
            "type": "object", "properties": {key: value}, "required": [key], "additionalProperties": false,
            "description": text,
        })
    };
    let path = || json!({"type": "string", "description": "relative to the file that names it"});
    let mut definitions = Map::new();
    definitions.insert(
        "template".into(),
        json!({"type": "string", "pattern": "\\{\\{|\\{%", "description": "a minijinja template"}),
    );
    definitions.insert(
        "sealed".into(),
        json!({"type": "string", "pattern": "^\\s*\\$ANSIBLE_VAULT;", "description": "a value with the tag !vault"}),
    );
    definitions.insert(
        "reference".into(),
        json!({
            "description": "where a secret is found",
            "oneOf": [
                one("env", json!({"type": "string"}), "an environment variable"),
                one("file", path(), "a file, which may be a vault of Ansible"),
                one(
                    "command",
                    json!({"type": "array", "items": {"type": ["string", "number"]}, "minItems": 1}),
                    "a program with its arguments, which prints the secret",
                ),
                one("age", path(), "a file that age has encrypted"),
                {
                    "type": "object",
                    "properties": {
                        "sops": path(),
                        "key": {"type": ["string", "number"], "description": "the way to the value: a.b"},
                    },
                    "required": ["sops"],
                    "additionalProperties": false,
                    "description": "a value in a file that sops has sealed",
                },
            ],
        }),
    );
    definitions.insert("scalar".into(), json!({"type": ["string", "number", "boolean"]}));
    definitions
        .insert("condition".into(), json!({"type": ["string", "boolean"], "description": "an expression"}));
    definitions.insert(
        "host".into(),
        json!({"type": ["string", "number"], "description": "a host of the inventory"}),
    );
    definitions.insert(
        "names".into(),
        json!({"anyOf": [{"type": "array", "items": refer("scalar")}, {"type": ["string", "number"]}]}),
    );
    definitions.insert(
        "hosts".into(),
        json!({"anyOf": [{"type": "array", "items": refer("host")}, {"type": "string"}]}),
    );
    definitions
}

/// A definition by its name.
pub(super) fn refer(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}

/// A reference with a description.
pub(super) fn described(mut value: Value, text: &str) -> Value {
    if let (Value::Object(map), false) = (&mut value, text.is_empty()) {
        map.insert("description".into(), text.into());
    }
    value
}

/// An object with these keys and no others.
pub(super) fn object(properties: Map<String, Value>, required: &[&str]) -> Value {
    let mut object = json!({"type": "object"});
    object["properties"] = Value::Object(properties);
    object["required"] = required.into();
    object["additionalProperties"] = false.into();
    object
}

/// A value of a variable: what its form says, or a template, a reference, a sealed text, or nothing.
pub(super) fn value(form: Form) -> Value {
    let mut any = match form {
        Form::Text => vec![refer("scalar")],
        Form::Path => vec![json!({"type": "string", "pattern": "^/"})],
        Form::Unit => {
            vec![json!({"type": "string", "pattern": "^[A-Za-z0-9:_.\\\\@][A-Za-z0-9:_.\\\\@-]*$"})]
        }
        Form::Secret => vec![json!({"type": ["string", "number"]})],
        Form::Number(least, most) => vec![
            json!({"type": "integer", "minimum": least, "maximum": most}),
            json!({"type": "string", "pattern": "^[0-9]+$"}),
        ],
        Form::Time => vec![
            json!({"type": "number", "exclusiveMinimum": 0}),
            json!({"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(ms|s|m|min|h)?$"}),
        ],
        Form::Flag => vec![json!({"type": "boolean"})],
        Form::Switch => vec![
            json!({"type": "boolean"}),
            json!({"type": "string", "pattern": "^([Tt]rue|[Ff]alse|[Yy]es|[Nn]o|[Oo]n|[Oo]ff|[01])$"}),
        ],
        Form::Words(words) => {
            let mut all: Vec<Value> = words.iter().map(|word| Value::from(*word)).collect();
            let small =
                words.iter().map(|word| word.to_ascii_lowercase()).filter(|w| !words.contains(&w.as_str()));
            all.extend(small.map(Value::from));
            // YAML reads `off` as a boolean.
            if words.contains(&"off") {
                all.push(false.into());
            }
            vec![json!({"enum": all})]
        }
        Form::Names => vec![refer("names")],
        Form::Settings => vec![settings()],
        Form::Databases => vec![json!({"type": "array", "items": database()})],
        Form::Rules => vec![json!({"type": "array", "items": rule()})],
    };
    any.extend([refer("template"), refer("reference"), refer("sealed"), json!({"type": "null"})]);
    json!({"anyOf": any})
}

/// Server variables by name.
pub(super) fn settings() -> Value {
    json!({
        "type": "object",
        "propertyNames": {"pattern": "^[A-Za-z0-9_.-]+$"},
        "additionalProperties": {
            "anyOf": [refer("scalar"), {"type": "array", "items": refer("scalar")}, {"type": "null"}],
        },
    })
}

fn database() -> Value {
    let mut keys = Map::new();
    for (key, text) in DATABASE {
        keys.insert(key.into(), described(refer("scalar"), text));
    }
    object(keys, &["name"])
}

fn rule() -> Value {
    let mut keys = Map::new();
    for (key, text) in [
        ("what", "a pattern over names of findings, such as */variable/max_connections"),
        ("reason", "why it is left out"),
        ("until", "the last day on which the rule holds, such as 2027-01-31"),
    ] {
        keys.insert(key.into(), described(refer("scalar"), text));
    }
    object(keys, &["what", "reason"])
}
