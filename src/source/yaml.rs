//! The one place that knows the YAML library.
//!
//! Events of the parser become a [`Node`] tree, so that every mistake in a file can be reported at once and with its
//! place. Values are those that Ansible's loader makes of them ([`super::scalar`]); the text of a scalar stays beside
//! its value. Unknown tags and documents after the first are mistakes; a key that stands twice is a warning.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::{Key, Node, Problem, Yaml, scalar};
use crate::model::Place;

/// What opens a value with the tag `!vault`.
pub(super) type Open<'a> = &'a mut dyn FnMut(&Place, &str) -> Result<String, Problem>;

/// Levels of nesting that a file may have.
const DEEPEST: usize = 200;
/// Values that aliases may add to a file: enough for a thousand hosts that share their variables, and too few for a
/// file that is made to fill the memory.
const MOST_COPIES: usize = 2_000_000;
/// The tags of a value that is sealed by itself.
const VAULT_TAGS: [&str; 2] = ["!vault", "!vault-encrypted"];

/// Parses one document. `vaulted` says that the text itself came out of a vault: then no message repeats it.
/// `None` where the text is not YAML; what is wrong, and what is worth knowing, is added to `problems`.
pub(super) fn parse(
    file: &Arc<str>,
    text: &str,
    vaulted: bool,
    open: Open<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Node> {
    // Ansible reads JSON first, and JSON may be indented with tabs, which YAML may not.
    let json = text.trim_start().starts_with(['{', '['])
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    let text = if json { without_tabs(text) } else { Cow::Borrowed(text) };
    let options = granit_parser::options! {
        flow_nesting_limit: DEEPEST,
        block_nesting_limit: DEEPEST,
        simple_key_max_lookahead: 4096,
    };
    let mut reader = Reader {
        file,
        text: &text,
        vaulted,
        json,
        open,
        anchors: HashMap::new(),
        copies: 0,
        problems: Vec::new(),
        events: Parser::new_from_str_with_options(&text, options),
    };
    let tree = reader.document();
    let tree = match tree {
        Ok(tree) => Some(tree),
        Err(problem) => {
            reader.problems.push(*problem);
            None
        }
    };
    let fatal = reader.problems.iter().any(|p| p.severity == super::Severity::Error);
    problems.append(&mut reader.problems);
    tree.filter(|_| !fatal)
}

/// JSON with blanks in the place of tabs, so that every other character stays where it is.
fn without_tabs(text: &str) -> Cow<'_, str> {
    if !text.contains('\t') {
        return Cow::Borrowed(text);
    }
    let (mut quoted, mut escaped) = (false, false);
    let put = |c: char| {
        let shown = if c == '\t' && !quoted { ' ' } else { c };
        if escaped {
            escaped = false;
        } else if quoted && c == '\\' {
            escaped = true;
        } else if c == '"' {
            quoted = !quoted;
        }
        shown
    };
    Cow::Owned(text.chars().map(put).collect())
}

/// What ends the reading of a file.
type Stop = Box<Problem>;

struct Reader<'a, 't> {
    file: &'a Arc<str>,
    text: &'t str,
    vaulted: bool,
    json: bool,
    open: Open<'a>,
    /// Values by the number of their anchor, with how many values there are in each.
    anchors: HashMap<usize, (Node, usize)>,
    copies: usize,
    problems: Vec<Problem>,
    events: Parser<'t, StrInput<'t>>,
}

impl<'t> Reader<'_, 't> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Stop> {
        match self.events.next_event() {
            None => Ok((Event::StreamEnd, Span::default())),
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(Box::new(self.syntax(&error))),
        }
    }

    fn document(&mut self) -> Result<Node, Stop> {
        let nothing = Node::new(
            Place { line: 1, column: 1, vaulted: self.vaulted, ..Place::file(self.file.clone()) },
            Yaml::Null,
        );
        let mut found = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(found.unwrap_or(nothing)),
                Event::DocumentStart(..) if found.is_some() => {
                    let problem = self.error(&span, "the file has a second document", "begins here");
                    return Err(Box::new(problem.help("One file is one document: remove the second `---`.")));
                }
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                event => found = Some(self.node(event, &span)?),
            }
        }
    }

    /// The value that begins with an event.
    fn node(&mut self, event: Event<'t>, span: &Span) -> Result<Node, Stop> {
        let (node, anchor) = match event {
            Event::Alias(id) => return self.copy(id, span),
            Event::Scalar(text, style, anchor, tag) => {
                (self.scalar(&text, style, tag.as_deref(), span), anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.node(event, &span)?),
                    }
                }
                (self.collection(Yaml::Seq(items), tag.as_deref(), span), anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                let entries = self.entries()?;
                (self.collection(Yaml::Map(entries), tag.as_deref(), span), anchor)
            }
            _ => return Err(Box::new(self.error(span, "a value was expected", "here"))),
        };
        if anchor > 0 {
            let size = size(&node);
            self.anchors.insert(anchor, (node.clone(), size));
        }
        Ok(node)
    }

    /// What an alias stands for.
    fn copy(&mut self, id: usize, span: &Span) -> Result<Node, Stop> {
        let Some((node, size)) = self.anchors.get(&id) else {
            return Err(Box::new(self.error(
                span,
                "an alias can't stand inside of its own anchor",
                "this alias",
            )));
        };
        self.copies += size;
        if self.copies > MOST_COPIES {
            let message = format!("the aliases of this file stand for more than {MOST_COPIES} values");
            return Err(Box::new(self.error(span, message, "at this alias")));
        }
        Ok(node.clone())
    }

    fn entries(&mut self) -> Result<Vec<(Key, Node)>, Stop> {
        let mut own: Vec<(Key, Node)> = Vec::new();
        let mut merged: Vec<(Key, Node)> = Vec::new();
        loop {
            let (event, span) = match self.next()? {
                (Event::MappingEnd, _) => break,
                next => next,
            };
            let merges = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<");
            let key = self.node(event, &span)?;
            let (event, value_span) = self.next()?;
            let value = self.node(event, &value_span)?;
            if merges {
                self.merge(value, &mut merged, &span)?;
                continue;
            }
            let text = match (key.written(), &key.value) {
                (_, Yaml::Seq(_) | Yaml::Map(_)) => {
                    let problem = self.error(&span, format!("{} can't be a key", key.kind()), "this key");
                    return Err(Box::new(problem.help("Quote a template: \"{{ name }}\".")));
                }
                (Some(text), _) => text.to_owned(),
                (None, _) => String::new(),
            };
            own.push((Key { text, place: key.place }, value));
        }
        Ok(self.unique(merged, own))
    }

    /// Adds what `<<` brings in. Of several mappings the first one counts.
    fn merge(&mut self, value: Node, into: &mut Vec<(Key, Node)>, span: &Span) -> Result<(), Stop> {
        match value.value {
            Yaml::Map(entries) => into.extend(entries),
            Yaml::Seq(items) => {
                for item in items.into_iter().rev() {
                    self.merge(item, into, span)?;
                }
            }
            _ => {
                let problem = self.error(span, "`<<` takes a mapping or a list of mappings", "this key");
                return Err(Box::new(problem));
            }
        }
        Ok(())
    }

    /// The entries of a mapping: what was merged in comes first and gives way; of what stands twice the last counts.
    fn unique(&mut self, merged: Vec<(Key, Node)>, own: Vec<(Key, Node)>) -> Vec<(Key, Node)> {
        if merged.is_empty() {
            let mut seen: HashSet<&str> = HashSet::with_capacity(own.len());
            if own.iter().all(|(key, _)| seen.insert(&key.text)) {
                return own;
            }
        }
        let mut at: HashMap<String, (usize, bool)> = HashMap::new();
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let all =
            merged.into_iter().map(|entry| (entry, false)).chain(own.into_iter().map(|entry| (entry, true)));
        for ((key, value), is_own) in all {
            match at.get(&key.text).copied() {
                Some((n, was_own)) => {
                    if is_own && was_own {
                        let message = format!("the key `{}` stands twice in one mapping", key.text);
                        self.problems.push(
                            Problem::warning("yaml::duplicate", &key.place, message, "this one counts")
                                .see(&entries[n].0.place, "this one does not")
                                .help("Remove one of the two."),
                        );
                    }
                    at.insert(key.text.clone(), (n, is_own));
                    entries[n] = (key, value);
                }
                None => {
                    at.insert(key.text.clone(), (entries.len(), is_own));
                    entries.push((key, value));
                }
            }
        }
        entries
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, span: &Span) -> Node {
        let mut place = self.place(span);
        let tag = tag.map(Tag::original);
        let mut raw = false;
        let value = match tag.as_deref() {
            None if style != ScalarStyle::Plain => Yaml::Text(text.to_owned()),
            None if self.json => json_scalar(text),
            None => scalar::plain(text),
            Some("!!str" | "!") => Yaml::Text(text.to_owned()),
            // Ansible's `!unsafe` says that a text is no template.
            Some("!unsafe") => {
                raw = true;
                Yaml::Text(text.to_owned())
            }
            Some(tag) if VAULT_TAGS.contains(&tag) => match (self.open)(&place, text) {
                Ok(text) => {
                    place.vaulted = true;
                    Yaml::Text(text)
                }
                Err(problem) => {
                    self.problems.push(problem);
                    Yaml::Null
                }
            },
            Some(tag @ ("!!null" | "!!bool" | "!!int" | "!!float")) => match (tag, scalar::plain(text)) {
                ("!!null", Yaml::Null) => Yaml::Null,
                ("!!bool", Yaml::Bool(b)) => Yaml::Bool(b),
                ("!!int", Yaml::Int(n)) => Yaml::Int(n),
                ("!!float", Yaml::Float(n)) => Yaml::Float(n),
                ("!!float", Yaml::Int(n)) => Yaml::Float(n as f64),
                _ => {
                    let message = format!("the value does not fit its tag `{tag}`");
                    self.problems.push(Problem::error("yaml::tag", &place, message, "this value"));
                    Yaml::Null
                }
            },
            Some(tag) => {
                self.unknown_tag(tag, &place);
                Yaml::Null
            }
        };
        let written = (!matches!(value, Yaml::Text(_))).then(|| text.into());
        Node { place, value, written, raw }
    }

    fn collection(&mut self, value: Yaml, tag: Option<&Tag>, span: &Span) -> Node {
        let place = self.place(span);
        match (&value, tag.map(Tag::original).as_deref()) {
            (_, None | Some("!")) | (Yaml::Seq(_), Some("!!seq")) | (Yaml::Map(_), Some("!!map")) => {}
            (_, Some(tag)) => self.unknown_tag(tag, &place),
        }
        Node::new(place, value)
    }

    fn unknown_tag(&mut self, tag: &str, place: &Place) {
        let message = format!("the tag `{tag}` is not supported here");
        let help =
            "Supported are !vault, before a text that ansible-vault encrypt_string has made, and !unsafe.";
        self.problems.push(Problem::error("yaml::tag", place, message, "this value").help(help));
    }

    fn error(&self, span: &Span, message: impl Into<String>, label: &str) -> Problem {
        Problem::error("yaml::syntax", &self.place(span), message, label)
    }

    fn syntax(&self, error: &ScanError) -> Problem {
        let at = *error.marker();
        let mut place = self.place(&Span::new(at, at));
        // A file that ends too early is shown at its last line, since there is none behind it.
        if place.offset >= self.text.len() {
            let text = self.text.trim_end();
            let begin = text.rfind('\n').map_or(0, |n| n + 1);
            place.line = text.matches('\n').count() as u32 + 1;
            place.column = text[begin..].chars().count() as u32 + 1;
            place.offset = text.len().saturating_sub(text.chars().next_back().map_or(0, char::len_utf8));
        }
        place.length = self.text.get(place.offset..).and_then(|t| t.chars().next()).map_or(0, char::len_utf8);
        if self.vaulted {
            let message = format!("the content of the vault {} is not valid YAML", self.file);
            let help = "The parser's own words are left out, since they may repeat the text. See `ansible-vault view`.";
            return Problem::error("yaml::syntax", &place, message, "here, in the decrypted text").help(help);
        }
        let (message, help) = words(error.kind());
        Problem::error("yaml::syntax", &place, message, "here").help(help)
    }

    fn place(&self, span: &Span) -> Place {
        let bytes = |at: &Marker| at.byte_offset().unwrap_or(0).min(self.text.len());
        let (offset, end) = (bytes(&span.start), bytes(&span.end));
        // A block's span reaches to the next token; only its first line is worth marking.
        let first = self.text.get(offset..end.max(offset)).and_then(|t| t.lines().next()).unwrap_or_default();
        Place {
            file: self.file.clone(),
            line: span.start.line() as u32,
            column: span.start.col() as u32 + 1,
            offset,
            length: first.trim_end().len(),
            vaulted: self.vaulted,
        }
    }
}

/// How many values there are in a value.
fn size(node: &Node) -> usize {
    match &node.value {
        Yaml::Seq(items) => 1 + items.iter().map(size).sum::<usize>(),
        Yaml::Map(entries) => 1 + entries.iter().map(|(_, node)| size(node)).sum::<usize>(),
        _ => 1,
    }
}

/// A number of JSON needs no point before its exponent.
fn json_scalar(text: &str) -> Yaml {
    match text {
        "null" => Yaml::Null,
        "true" => Yaml::Bool(true),
        "false" => Yaml::Bool(false),
        _ if text.contains(['.', 'e', 'E']) => {
            text.parse().map_or_else(|_| Yaml::Text(text.into()), Yaml::Float)
        }
        _ => text.parse().map_or_else(|_| Yaml::Text(text.into()), Yaml::Int),
    }
}

/// What is wrong, and what to do.
fn words(kind: &ErrorKind) -> (String, &'static str) {
    use ErrorKind as K;
    let indentation = "Check the indentation: the keys of one mapping begin in the same column.";
    match kind {
        K::TabNotAllowed | K::TabInBlockIndentation | K::TabInIndentation | K::TabAtBlockScalarStart => {
            ("a tab can't be used for indentation".into(), "Indent with spaces, not with tabs.")
        }
        K::UnclosedQuotedScalar => ("a quote is not closed".into(), "Add the quote that ends the text."),
        K::UnclosedFlowCollection { open } => {
            (format!("`{open}` is not closed"), "Add the bracket that closes it.")
        }
        K::UnexpectedEofFlowSequence => ("`[` is not closed".into(), "Add the `]` that closes it."),
        K::UnexpectedEofFlowMapping | K::UnexpectedEofImplicitFlowMapping => {
            ("`{` is not closed".into(), "Add the `}` that closes it.")
        }
        K::MismatchedFlowCollectionEnd { open, close } => {
            (format!("`{open}` is closed by `{close}`"), "Use the bracket that fits.")
        }
        K::MisplacedFlowCollectionEnd => {
            ("a bracket is closed that was not opened".into(), "Remove it, or quote the value.")
        }
        K::ExpectedFlowMappingSeparator | K::ExpectedFlowSequenceSeparator => (
            "a comma or a closing bracket was expected".into(),
            "Separate the items by commas; quote a value with special characters.",
        ),
        K::MappingValueNotAllowed | K::InvalidColonPlacement => (
            "`:` can't stand here".into(),
            "Quote a value that contains `: `. Otherwise check the indentation.",
        ),
        K::ExpectedBlockMappingKey | K::SimpleKeyExpected | K::InvalidSimpleKey => {
            ("a key and a `:` were expected".into(), indentation)
        }
        K::InvalidIndentation | K::ExpectedBlockSequenceEntry | K::BlockSequenceEntryNotAllowed => {
            ("the indentation does not fit the lines above".into(), indentation)
        }
        K::UnknownAnchor => (
            "the alias has no anchor before it".into(),
            "Define it above with `&name`, or quote a text that begins with `*`.",
        ),
        K::UnexpectedCharacter { character } => {
            (format!("`{}` can't begin a value", character.escape_default()), "Quote the value.")
        }
        K::UnknownQuotedScalarEscape => (
            "unknown escape in a text in double quotes".into(),
            "Write `\\\\` for a backslash, or use single quotes.",
        ),
        K::RecursionLimitExceeded => {
            (format!("the file is nested more than {DEEPEST} levels deep"), "Use fewer levels.")
        }
        other => {
            let text = other.to_string();
            let text = text
                .split_once(", ")
                .filter(|(head, _)| head.starts_with("while "))
                .map_or(text.as_str(), |(_, rest)| rest);
            (text.to_owned(), "Fix the YAML of this line, or of the line before it.")
        }
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Node, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut open = |_: &Place, sealed: &str| Ok(format!("opened {}", sealed.trim()));
        parse(&"f.yml".into(), text, false, &mut open, &mut problems).ok_or(problems)
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
        for (text, line) in [("a: 1\nb: [1\nc: 2\n", 2..=4), ("a:\n\t- b\n", 2..=2)] {
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
        let mut sealed = Vec::new();
        let none = parse(&"f.yml".into(), "a: [canary\n", true, &mut |_, _| Ok(String::new()), &mut sealed);
        assert!(none.is_none() && !format!("{sealed:?}").contains("canary"), "{sealed:?}");
    }

    #[test]
    fn ordinary_files_of_any_shape_are_read() {
        let comments = "# one more\n".repeat(500);
        let aliases = "- *a\n".repeat(1000);
        let deep = (0..90).map(|n| format!("{}k:\n", " ".repeat(n))).collect::<String>();
        for text in [
            format!("a:\n{comments}b: 1\n"),
            format!("x: &a {{b: 1}}\nc:\n{aliases}"),
            deep,
            "a: 18446744073709547520\nb: .inf\nc: -.inf\n".to_owned(),
            "{\n\t\"a\": [1e3,\t\"\tx\"]\n}".to_owned(),
        ] {
            read(&text).unwrap_or_else(|p| panic!("{text:.60}: {p:?}"));
        }
        let bomb: String =
            (1..12).map(|n| format!("a{n}: &a{n} [{}]\n", format!("*a{}, ", n - 1).repeat(9))).collect();
        let problems = read(&format!("a0: &a0 [x]\n{bomb}")).expect_err("a bomb");
        assert!(problems[0].message.contains("aliases"), "{problems:?}");
    }

    #[test]
    fn merged_keys_give_way_and_the_last_of_two_counts() {
        let node = read("x: &x {a: 1, b: 2}\ny: {b: 3, <<: *x}\nz: {a: 1, a: 2}\n").expect("parses");
        assert_eq!(node.get("y").map(Node::to_json), Some(serde_json::json!({"a": 1, "b": 3})));
        assert_eq!(node.get("z").map(Node::to_json), Some(serde_json::json!({"a": 2})));
    }

    #[test]
    fn a_scalar_keeps_its_text() {
        let node = read("a: 0755\nb: yes\nc: 1.50\nd: 12:30\n").expect("parses");
        let text = |key: &str| node.get(key).and_then(Node::scalar).unwrap_or_default();
        assert_eq!([text("a"), text("b"), text("c"), text("d")], ["0755", "yes", "1.50", "12:30"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken_or_refused(text in "[ -~\n\t{}\\[\\]:&*!|>é-]{0,80}") {
            let _ = read(&text);
        }
    }
}
