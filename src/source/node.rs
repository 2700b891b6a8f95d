//! A YAML document as a tree in which everything has a place.

use std::sync::Arc;

use crate::{model::Place, template::Scope};

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where.
    pub place: Place,
    /// What.
    pub value: Yaml,
    /// The text of a scalar that is not text, as the file has it: `0755`, `yes`.
    pub written: Option<Arc<str>>,
    /// Whether a text is no template, whatever it holds.
    pub raw: bool,
}

/// A YAML value.
#[derive(Debug, Clone, PartialEq)]
pub enum Yaml {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// Another number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    Seq(Vec<Node>),
    /// A mapping, in the order of the file.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its text.
    pub text: String,
    /// Where.
    pub place: Place,
}

impl Node {
    /// A value at a place.
    pub fn new(place: Place, value: Yaml) -> Self {
        Self { place, value, written: None, raw: false }
    }

    /// The text of a scalar as it is written, also of nothing: `null`.
    pub fn written(&self) -> Option<&str> {
        match &self.value {
            Yaml::Text(text) => Some(text),
            _ => self.written.as_deref(),
        }
    }

    /// Text where text is meant: of a number or a boolean what the file has, so that `0815` stays `0815`.
    pub fn scalar(&self) -> Option<String> {
        match (&self.value, &self.written) {
            (Yaml::Null | Yaml::Seq(_) | Yaml::Map(_), _) => None,
            (Yaml::Text(text), _) => Some(text.clone()),
            (_, Some(written)) => Some(written.to_string()),
            (Yaml::Int(n), None) => Some(n.to_string()),
            (Yaml::Float(n), None) => Some(n.to_string()),
            (Yaml::Bool(b), None) => Some(b.to_string()),
        }
    }

    /// The entries, where this is a mapping.
    pub fn map(&self) -> Option<&[(Key, Node)]> {
        match &self.value {
            Yaml::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items, where this is a list.
    pub fn seq(&self) -> Option<&[Node]> {
        match &self.value {
            Yaml::Seq(items) => Some(items),
            _ => None,
        }
    }

    /// An entry of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.map()?.iter().find(|(k, _)| k.text == key).map(|(_, v)| v)
    }

    /// Every text and number in it that came out of a vault, with its place.
    pub fn vaulted(&self, found: &mut Vec<(String, Place)>) {
        match &self.value {
            Yaml::Seq(items) => items.iter().for_each(|item| item.vaulted(found)),
            Yaml::Map(entries) => entries.iter().for_each(|(_, node)| node.vaulted(found)),
            Yaml::Text(_) | Yaml::Int(_) | Yaml::Float(_) if self.place.vaulted => {
                found.extend(self.scalar().map(|text| (text, self.place.clone())));
            }
            _ => {}
        }
    }

    /// The value without its places, and stars for what came out of a vault or stands behind a name that speaks of a
    /// secret.
    pub fn to_shown_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.value {
            Yaml::Seq(items) => items.iter().map(Node::to_shown_json).collect(),
            Yaml::Map(entries) => {
                let shown = |key: &Key, node: &Node| (key.text.clone(), node.shown_as(&key.text));
                Value::Object(entries.iter().map(|(key, node)| shown(key, node)).collect())
            }
            _ if self.place.vaulted => "***".into(),
            _ => self.to_json(),
        }
    }

    /// The same for the value of a name.
    pub fn shown_as(&self, name: &str) -> serde_json::Value {
        match &self.value {
            Yaml::Null | Yaml::Bool(_) | Yaml::Map(_) => self.to_shown_json(),
            _ if crate::model::variables::looks_secret(name) => "***".into(),
            _ => self.to_shown_json(),
        }
    }

    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Yaml::Null => "nothing",
            Yaml::Bool(_) => "a boolean",
            Yaml::Int(_) | Yaml::Float(_) => "a number",
            Yaml::Text(_) => "text",
            Yaml::Seq(_) => "a list",
            Yaml::Map(_) => "a mapping",
        }
    }

    /// The value without its places.
    pub fn to_json(&self) -> serde_json::Value {
        self.json(&Node::to_json)
    }

    /// The value as templates are evaluated in it: a raw text stays what it is.
    pub fn to_template(&self) -> serde_json::Value {
        match &self.value {
            Yaml::Text(text) if self.raw => Scope::raw(text),
            _ => self.json(&Node::to_template),
        }
    }

    fn json(&self, inner: &dyn Fn(&Node) -> serde_json::Value) -> serde_json::Value {
        use serde_json::Value;
        match &self.value {
            Yaml::Null => Value::Null,
            Yaml::Bool(b) => Value::Bool(*b),
            Yaml::Int(n) => number(*n),
            Yaml::Float(n) if !n.is_finite() => self.scalar().map_or(Value::Null, Value::String),
            Yaml::Float(n) => Value::from(*n),
            Yaml::Text(text) => Value::String(text.clone()),
            Yaml::Seq(items) => items.iter().map(inner).collect(),
            Yaml::Map(entries) => {
                Value::Object(entries.iter().map(|(key, node)| (key.text.clone(), inner(node))).collect())
            }
        }
    }
}

/// A number as JSON has it; one beyond all that servers know stays text.
fn number(n: i128) -> serde_json::Value {
    match (i64::try_from(n), u64::try_from(n)) {
        (Ok(n), _) => n.into(),
        (_, Ok(n)) => n.into(),
        _ => n.to_string().into(),
    }
}
