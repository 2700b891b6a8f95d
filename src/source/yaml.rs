//! The one place that knows the YAML library.
//!
//! A document becomes a [`Node`] tree first, so that every mistake in it can be reported at once and
//! with its place. Duplicate keys, unknown tags and documents after the first are mistakes.

use std::{fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{Location, Spanned};

use super::{Key, Node, Problem, Yaml};
use crate::model::Place;

/// Parses one document.
pub fn parse(file: &Arc<str>, text: &str) -> Result<Node, Problem> {
    let whole = Place { file: file.clone(), line: 1, column: 1, offset: 0, length: 0 };
    if text
        .lines()
        .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#') || line.trim() == "---")
    {
        return Ok(Node { place: whole, value: Yaml::Null });
    }
    let tree: Spanned<Tree> = serde_saphyr::from_str(text).map_err(|error| problem(file, text, &error))?;
    Ok(convert(file, text, tree))
}

fn problem(file: &Arc<str>, text: &str, error: &serde_saphyr::Error) -> Problem {
    let place = error.location().map_or_else(|| Place::file(file.clone()), |at| place(file, text, &at));
    let message = error.without_snippet().to_string();
    // The library ends its messages with the place, which is shown anyway.
    let message = message.split(" at line ").next().unwrap_or(&message);
    let message = message.strip_prefix("error: ").unwrap_or(message).trim().trim_end_matches('.').to_owned();
    let help = if message.contains("uplicate") {
        Some("A key may stand once in a mapping; take one of the two out.")
    } else if message.contains("tab") {
        Some("Indent with blanks, not with tabs.")
    } else if message.contains("tag") {
        Some(
            "Tags such as !vault are not read here; use {env: NAME}, {file: path} or {command: [..]} for secrets.",
        )
    } else {
        None
    };
    let problem = Problem::error("yaml::syntax", &place, message, "here");
    match help {
        Some(help) => problem.help(help),
        None => problem,
    }
}

fn place(file: &Arc<str>, text: &str, at: &Location) -> Place {
    let span = at.span();
    let offset = span.byte_offset().map_or(0, |n| n as usize).min(text.len());
    let mut length = span.byte_len().map_or(0, |n| n as usize).min(text.len() - offset);
    // A block's span reaches to the next token; only its first line is worth marking.
    if let Some(line) = text.get(offset..offset + length).and_then(|t| t.lines().next()) {
        length = line.trim_end().len();
    }
    Place { file: file.clone(), line: at.line() as u32, column: at.column() as u32, offset, length }
}

fn convert(file: &Arc<str>, text: &str, tree: Spanned<Tree>) -> Node {
    let place = place(file, text, &tree.referenced);
    let value = match tree.value {
        Tree::Null => Yaml::Null,
        Tree::Bool(b) => Yaml::Bool(b),
        Tree::Int(n) => Yaml::Int(n),
        Tree::Float(n) => Yaml::Float(n),
        Tree::Text(text) => Yaml::Text(text),
        Tree::Seq(items) => Yaml::Seq(items.into_iter().map(|item| convert(file, text, item)).collect()),
        Tree::Map(entries) => Yaml::Map(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let key_place = self::place(file, text, &key.referenced);
                    (Key { text: key.value.0, place: key_place }, convert(file, text, value))
                })
                .collect(),
        ),
    };
    Node { place, value }
}

enum Tree {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Seq(Vec<Spanned<Tree>>),
    Map(Vec<(Spanned<KeyText>, Spanned<Tree>)>),
}

/// Keys such as `1` or `true` are text.
struct KeyText(String);

impl<'de> Deserialize<'de> for KeyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(KeyText)
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Int(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Tree, E> {
        i64::try_from(value).map(Tree::Int).map_err(|_| E::custom("the number is too large"))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Tree::Seq(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Tree::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Node, Problem> {
        parse(&"f.yml".into(), text)
    }

    #[test]
    fn values_know_their_places() {
        let node = read("all:\n  vars:\n    server_id: 7\n    list: [a, 'b c']\n").expect("parses");
        let id = node.get("all").and_then(|n| n.get("vars")).and_then(|n| n.get("server_id")).expect("there");
        assert_eq!((id.place.line, id.place.column, &id.value), (3, 16, &Yaml::Int(7)));
        let list = node.get("all").and_then(|n| n.get("vars")).and_then(|n| n.get("list")).expect("there");
        assert_eq!(list.to_json(), serde_json::json!(["a", "b c"]));
    }

    #[test]
    fn mistakes_have_places() {
        for (text, line) in [("a: 1\nb: [1\nc: 2\n", 2..=4), ("a: 1\na: 2\n", 2..=2), ("a:\n\t- b\n", 2..=2)]
        {
            let problem = read(text).expect_err(text);
            assert!(line.contains(&problem.place.line), "{text:?}: {problem:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken_or_refused(text in "[ -~\n\t{}\\[\\]:&*!|>é-]{0,80}") {
            let _ = read(&text);
        }
    }
}
