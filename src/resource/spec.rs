//! What stands under a resource's key in a role: read by serde, described by schemars, from one declaration.

use std::{borrow::Cow, cell::Cell, collections::BTreeMap};

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, IntoDeserializer, Visitor, value::MapDeserializer},
    forward_to_deserialize_any,
};
use serde_json::{Map, Value as Json};

use crate::source::Problem;

/// What is wrong with a resource, at one of its keys or as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// The value of a key; to be read after "must be".
    Value(String, String),
    /// A key that has to be there.
    Missing(String),
    /// It has no such key.
    Unknown(String),
    /// It is not a mapping.
    NotAMapping,
    /// Something that has a place of its own, such as a line of a template.
    Elsewhere(Box<Problem>),
}

impl Wrong {
    /// A value that must be something else.
    pub fn must_be(key: &str, what: impl Into<String>) -> Self {
        Wrong::Value(key.to_owned(), what.into())
    }
}

/// Reads an evaluated body.
///
/// # Errors
/// The first mistake, with its key.
pub(super) fn read<T: DeserializeOwned>(body: &Json) -> Result<T, Wrong> {
    let Json::Object(entries) = body else { return Err(Wrong::NotAMapping) };
    let at: Cell<Option<&str>> = Cell::new(None);
    let fields = entries
        .iter()
        .map(|(key, value)| {
            at.set(Some(key));
            (key.as_str(), Field(value))
        })
        .chain(std::iter::from_fn(|| {
            at.set(None);
            None
        }));
    T::deserialize(MapDeserializer::new(fields)).map_err(|mistake| match (mistake, at.get()) {
        (Mistake::Missing(key), _) => Wrong::Missing(key.to_owned()),
        (Mistake::Unknown(key), _) => Wrong::Unknown(key),
        (Mistake::Value(what), Some(key)) => Wrong::Value(key.to_owned(), what),
        (Mistake::Value(_), None) => Wrong::NotAMapping,
    })
}

/// A mistake before its key is known.
#[derive(Debug, thiserror::Error)]
enum Mistake {
    #[error("{0}")]
    Value(String),
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("there is no {0}")]
    Unknown(String),
}

impl Error for Mistake {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Mistake::Value(message.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Mistake::Missing(field)
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Mistake::Unknown(field.to_owned())
    }
}

/// A value of a body. Nothing counts as left out.
struct Field<'a>(&'a Json);

impl<'de> IntoDeserializer<'de, Mistake> for Field<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Field<'de> {
    type Error = Mistake;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.0.deserialize_any(visitor).map_err(|error| Mistake::Value(error.to_string()))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.0 {
            Json::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A scalar as text: a number as the role has it, a boolean as option files have it.
pub(crate) fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Bool(true) => Some("ON".into()),
        Json::Bool(false) => Some("OFF".into()),
        Json::Number(n) => Some(n.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// Declares the type of a key: how it is read, what it must be in words, and its schema.
macro_rules! field {
    ($(#[$doc:meta])* $name:ident($inner:ty), $must:literal, $read:expr, $schema:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub(crate) struct $name(pub(crate) $inner);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let read: fn(&Json) -> Option<$inner> = $read;
                let value = Json::deserialize(deserializer)?;
                read(&value).map($name).ok_or_else(|| D::Error::custom($must))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

field!(
    /// Some text.
    Text(String),
    "text",
    |value| scalar(value).filter(|text| !text.is_empty()),
    json_schema!({"$ref": "#/$defs/scalar"})
);

field!(
    /// Text that may be empty.
    AnyText(String),
    "text",
    scalar,
    json_schema!({"$ref": "#/$defs/scalar"})
);

field!(
    /// A list of texts; a single one stands for a list of one.
    Texts(Vec<String>),
    "a list of texts",
    |value| match value {
        Json::Null => Some(Vec::new()),
        Json::Array(items) => items.iter().map(scalar).collect(),
        one => scalar(one).map(|text| vec![text]),
    },
    json_schema!({"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/scalar"}}, {"$ref": "#/$defs/scalar"}]})
);

field!(
    /// A switch.
    Flag(bool),
    "true or false",
    Json::as_bool,
    json_schema!({"anyOf": [{"type": "boolean"}, {"$ref": "#/$defs/template"}]})
);

field!(
    /// Texts by name.
    Named(BTreeMap<String, String>),
    "a mapping of names to texts",
    |value| match value {
        Json::Object(entries) => {
            entries.iter().map(|(name, value)| scalar(value).map(|text| (name.clone(), text))).collect()
        }
        _ => None,
    },
    json_schema!({
        "anyOf": [
            {"type": "object", "additionalProperties": {"$ref": "#/$defs/scalar"}},
            {"$ref": "#/$defs/template"},
        ],
    })
);

field!(
    /// An octal mode as it is written. Out of a template comes a number that has lost its text.
    Mode(String),
    "an octal mode in quotes, such as \"0644\"",
    |value| match value {
        Json::String(text) => {
            Some(text.clone()).filter(|t| (1..=4).contains(&t.len()) && t.chars().all(|c| ('0'..='7').contains(&c)))
        }
        _ => None,
    },
    json_schema!({"$ref": "#/$defs/scalar"})
);

/// What a kind of resource may hold, as data.
#[derive(Debug, Clone)]
pub struct Shape {
    /// What the resource is.
    pub about: String,
    /// Its keys, in order.
    pub keys: Vec<String>,
    /// Its JSON Schema, without definitions.
    pub schema: Json,
}

impl Shape {
    /// The shape of a specification.
    pub fn of<T: JsonSchema>() -> Self {
        let generator = SchemaSettings::draft2020_12().into_generator();
        let mut schema = generator.into_root_schema_for::<T>().to_value();
        if let Json::Object(root) = &mut schema {
            root.retain(|key, _| !matches!(key.as_str(), "$schema" | "title" | "$defs"));
            if let Some(Json::Object(properties)) = root.get_mut("properties") {
                properties.values_mut().for_each(on_one_line);
            }
            on_one_line_text(root);
        }
        let text = |key: &str| schema.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
        let about = text("description");
        let properties = schema.get("properties").and_then(Json::as_object);
        let keys = properties.map(|p| p.keys().cloned().collect()).unwrap_or_default();
        Self { about, keys, schema }
    }
}

fn on_one_line(schema: &mut Json) {
    if let Json::Object(map) = schema {
        map.remove("default");
        on_one_line_text(map);
    }
}

/// Descriptions come from doc comments, which are wrapped and begin with a capital letter.
fn on_one_line_text(map: &mut Map<String, Json>) {
    if let Some(Json::String(text)) = map.get_mut("description") {
        *text = text.replace('\n', " ").trim_end_matches('.').to_owned();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Something to read.
    #[derive(Debug, Deserialize, JsonSchema, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Example {
        /// its name
        name: Text,
        /// whether
        on: Option<Flag>,
        /// many
        many: Option<Texts>,
    }

    #[test]
    fn a_mistake_has_its_key() {
        let read = |body: Json| read::<Example>(&body).expect_err("a mistake");
        assert_eq!(read(json!({"name": []})), Wrong::must_be("name", "text"));
        assert_eq!(read(json!({"name": ""})), Wrong::must_be("name", "text"));
        assert_eq!(read(json!({"on": true})), Wrong::Missing("name".into()));
        assert_eq!(read(json!({"name": "x", "on": "maybe"})), Wrong::must_be("on", "true or false"));
        assert_eq!(read(json!({"name": "x", "of": 1})), Wrong::Unknown("of".into()));
        assert_eq!(read(json!(["name"])), Wrong::NotAMapping);
    }

    #[test]
    fn nothing_counts_as_left_out() {
        let read = read::<Example>(&json!({"name": 1, "on": null, "many": "x"})).expect("it is fine");
        assert_eq!(read, Example { name: Text("1".into()), on: None, many: Some(Texts(vec!["x".into()])) });
    }

    #[test]
    fn keys_and_schema_come_from_the_declaration() {
        let shape = Shape::of::<Example>();
        assert_eq!(shape.about, "Something to read");
        assert_eq!(shape.keys, ["name", "on", "many"]);
        assert_eq!(shape.schema["required"], json!(["name"]));
        assert_eq!(shape.schema["properties"]["name"]["description"], json!("its name"));
    }
}
