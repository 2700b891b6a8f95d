//! The one place that knows the YAML library.
//!
//! A document becomes a [`Node`] tree first, so that every mistake in it can be reported at once and
//! with its place. Duplicate keys, unknown tags and documents after the first are mistakes.

use std::{fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{Location, Spanned, Tagged};

use super::{Key, Node, Problem, Yaml};
use crate::model::Place;

/// What opens a value with the tag `!vault`.
pub type Open<'a> = &'a mut dyn FnMut(&Place, &str) -> Result<String, Problem>;

/// Parses one document. `vaulted` says that the text itself came out of a vault: then no message repeats it.
pub fn parse(file: &Arc<str>, text: &str, vaulted: bool, open: Open<'_>) -> Result<Node, Vec<Problem>> {
    let whole = Place { line: 1, column: 1, vaulted, ..Place::file(file.clone()) };
    if text
        .lines()
        .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#') || line.trim() == "---")
    {
        return Ok(Node { place: whole, value: Yaml::Null });
    }
    let reader = Reader { file, text, vaulted };
    let tree: Value = serde_saphyr::from_str(text).map_err(|error| vec![reader.problem(&error)])?;
    let mut problems = Vec::new();
    let node = reader.convert(tree, open, &mut problems);
    if problems.is_empty() { Ok(node) } else { Err(problems) }
}

/// The tags of a value that is sealed by itself.
const VAULT_TAGS: [&str; 2] = ["!vault", "!vault-encrypted"];

struct Reader<'a> {
    file: &'a Arc<str>,
    text: &'a str,
    vaulted: bool,
}

impl Reader<'_> {
    fn problem(&self, error: &serde_saphyr::Error) -> Problem {
        let place = error.location().map_or_else(|| Place::file(self.file.clone()), |at| self.place(&at));
        if self.vaulted {
            let message = format!("what the vault {} holds is not valid YAML", self.file);
            let help = "The library's own words are left out, since they may repeat the text. See `ansible-vault view`.";
            return Problem::error("yaml::syntax", &place, message, "here, in the opened text").help(help);
        }
        let message = error.without_snippet().to_string();
        // The library ends its messages with the place, which is shown anyway.
        let message = message.split(" at line ").next().unwrap_or(&message);
        let message =
            message.strip_prefix("error: ").unwrap_or(message).trim().trim_end_matches('.').to_owned();
        let help = if message.contains("uplicate") {
            Some("A key may stand once in a mapping; take one of the two out.")
        } else if message.contains("tab") {
            Some("Indent with blanks, not with tabs.")
        } else {
            None
        };
        let problem = Problem::error("yaml::syntax", &place, message, "here");
        match help {
            Some(help) => problem.help(help),
            None => problem,
        }
    }

    fn place(&self, at: &Location) -> Place {
        let (text, span) = (self.text, at.span());
        let offset = span.byte_offset().map_or(0, |n| n as usize).min(text.len());
        let mut length = span.byte_len().map_or(0, |n| n as usize).min(text.len() - offset);
        // A block's span reaches to the next token; only its first line is worth marking.
        if let Some(line) = text.get(offset..offset + length).and_then(|t| t.lines().next()) {
            length = line.trim_end().len();
        }
        Place {
            file: self.file.clone(),
            line: at.line() as u32,
            column: at.column() as u32,
            offset,
            length,
            vaulted: self.vaulted,
        }
    }

    fn convert(&self, tree: Value, open: Open<'_>, problems: &mut Vec<Problem>) -> Node {
        let mut place = self.place(&tree.referenced);
        let Tagged(tree, tag) = tree.value;
        // Ansible's `!unsafe` says that a text is no template. Whoever looks at one here finds a mistake in it.
        let tag = tag.filter(|tag| !tag.starts_with("tag:yaml.org,2002:") && tag != "!unsafe");
        let value = match (tree, tag.as_deref()) {
            (Tree::Text(sealed), Some(tag)) if VAULT_TAGS.contains(&tag) => match open(&place, &sealed) {
                Ok(text) => {
                    place.vaulted = true;
                    Yaml::Text(text)
                }
                Err(problem) => {
                    problems.push(problem);
                    Yaml::Null
                }
            },
            (_, Some(tag)) => {
                let message = format!("the tag `{tag}` is not read here");
                let help = "The one tag is !vault, before a text that ansible-vault encrypt_string has made.";
                problems.push(Problem::error("yaml::tag", &place, message, "this value").help(help));
                Yaml::Null
            }
            (Tree::Null, _) => Yaml::Null,
            (Tree::Bool(b), _) => Yaml::Bool(b),
            (Tree::Int(n), _) => Yaml::Int(n),
            (Tree::Float(n), _) => Yaml::Float(n),
            (Tree::Text(text), _) => Yaml::Text(text),
            (Tree::Seq(items), _) => {
                Yaml::Seq(items.into_iter().map(|item| self.convert(item, open, problems)).collect())
            }
            (Tree::Map(entries), _) => Yaml::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| {
                        let place = self.place(&key.referenced);
                        (Key { text: key.value.0, place }, self.convert(value, open, problems))
                    })
                    .collect(),
            ),
        };
        Node { place, value }
    }
}

type Value = Spanned<Tagged<Tree>>;

enum Tree {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Seq(Vec<Value>),
    Map(Vec<(Spanned<KeyText>, Value)>),
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

    fn read(text: &str) -> Result<Node, Vec<Problem>> {
        parse(&"f.yml".into(), text, false, &mut |_, sealed| Ok(format!("opened {}", sealed.trim())))
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
            let problems = read(text).expect_err(text);
            assert!(line.contains(&problems[0].place.line), "{text:?}: {problems:?}");
        }
    }

    #[test]
    fn a_sealed_value_is_opened_and_other_tags_are_none_of_ours() {
        let node = read("a: !vault |\n  sealed\nb: !!str 7\nc: [!vault x]\n").expect("parses");
        // A block begins where its text does.
        let a = node.get("a").expect("there");
        assert_eq!((&a.value, a.place.vaulted, a.place.line), (&Yaml::Text("opened sealed".into()), true, 2));
        let b = node.get("b").expect("there");
        assert_eq!((&b.value, b.place.vaulted), (&Yaml::Text("7".into()), false));
        let problems = read("a: !widget x\nb: {c: !vault [x]}\nd: !unsafe x\n").expect_err("refused");
        let lines: Vec<u32> = problems.iter().map(|p| p.place.line).collect();
        assert_eq!(lines, [1, 2], "{problems:?}");
        let sealed = parse(&"f.yml".into(), "a: canary\na: canary\n", true, &mut |_, _| Ok(String::new()));
        assert!(!format!("{sealed:?}").contains("canary"), "{sealed:?}");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken_or_refused(text in "[ -~\n\t{}\\[\\]:&*!|>é-]{0,80}") {
            let _ = read(&text);
        }
    }
}
