//! A file's text as diagnostics may show it: with stars of one length in the place of each secret.

use crate::model::{STARS, variables::looks_secret};

/// A text in which parts were replaced, and where its places went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The text.
    pub text: String,
    /// What was replaced: from and to in the file.
    hidden: Vec<(usize, usize)>,
}

impl Shown {
    /// The text without these parts, and without what stands behind a name that speaks of a secret: a file with a
    /// mistake is shown before anybody knows its values. Each line stays a line.
    pub(super) fn new(text: &str, parts: &[(usize, usize)]) -> Self {
        let mut hidden: Vec<(usize, usize)> = parts.to_vec();
        hidden.extend(named_secrets(text));
        let mut hidden: Vec<(usize, usize)> =
            hidden.into_iter().flat_map(|(from, to)| by_line(text, from, to.min(text.len()))).collect();
        hidden.sort_unstable();
        hidden.dedup_by(|next, before| {
            let overlaps = next.0 < before.1;
            if overlaps {
                before.1 = before.1.max(next.1);
            }
            overlaps
        });
        let mut shown = String::with_capacity(text.len());
        let mut at = 0;
        for (from, to) in &hidden {
            shown.push_str(text.get(at..*from).unwrap_or_default());
            shown.push_str(STARS);
            at = *to;
        }
        shown.push_str(text.get(at..).unwrap_or_default());
        Self { text: shown, hidden }
    }

    /// Where a part of the file begins in the text, and how long it is there.
    pub fn span(&self, offset: usize, length: usize) -> (usize, usize) {
        let from = self.moved(offset);
        (from, self.moved(offset + length).saturating_sub(from).max(1))
    }

    fn moved(&self, offset: usize) -> usize {
        let before = self.hidden.iter().take_while(|(from, _)| *from < offset);
        before.fold(offset, |moved, (from, to)| {
            let gone = offset.min(*to) - from;
            let stars = if offset < *to { gone.min(STARS.len()) } else { STARS.len() };
            moved - gone + stars
        })
    }
}

/// A part of a text as parts of its lines.
fn by_line(text: &str, from: usize, to: usize) -> Vec<(usize, usize)> {
    let mut parts = Vec::new();
    let mut at = from;
    for line in text.get(from..to).unwrap_or_default().split_inclusive('\n') {
        let inner = line.trim_end_matches(['\n', '\r']);
        let blank = inner.len() - inner.trim_start().len();
        if blank < inner.len() {
            parts.push((at + blank, at + inner.len()));
        }
        at += line.len();
    }
    parts
}

/// Values that stand behind names such as `ansible_password`, in YAML and in INI.
fn named_secrets(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut offset = 0;
    // The margin of a name whose value follows on lines of its own.
    let mut block: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let margin = line.len() - line.trim_start().len();
        if block.is_some_and(|above| margin > above || line.trim().is_empty()) {
            found.push((offset, offset + line.len()));
        } else {
            block = None;
            for (at, separator) in line.match_indices([':', '=']) {
                if !looks_secret(name_before(&line[..at])) {
                    continue;
                }
                let rest = &line[at + separator.len()..];
                let value = rest.trim_start();
                let begin = at + separator.len() + rest.len() - value.len();
                match value.chars().next() {
                    Some('|' | '>') => block = Some(margin),
                    None | Some('{' | '!' | '&' | '*' | '#') => {}
                    _ if value.starts_with("\"{{") || value.starts_with("'{{") => {}
                    _ => found.push((offset + begin, offset + begin + length(value, separator, &line[..at]))),
                }
            }
        }
        offset += line.len();
    }
    found
}

fn name_before(text: &str) -> &str {
    let text = text.trim_end().trim_end_matches(['"', '\'']);
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.rfind(|c| !name(c)).map_or(text, |at| text.get(at + 1..).unwrap_or_default())
}

/// How long a value is that stands behind `before`, on one line.
fn length(value: &str, separator: &str, before: &str) -> usize {
    let line = value.trim_end();
    if let Some(quote) = line.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        return line[1..].rfind(quote).map_or(line.len(), |end| end + 2);
    }
    let flow = before.matches('{').count() > before.matches('}').count();
    let end = match (separator, flow) {
        ("=", _) => line.find(char::is_whitespace),
        (_, true) => line.find([',', '}']),
        _ => None,
    };
    end.unwrap_or(line.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_a_secret_name_is_not_shown() {
        for (text, shown) in [
            ("replication_password: hunter two # x\nb: 1\n", "replication_password: ***\nb: 1\n"),
            ("{a: 1, ansible_password: hunter, b: 2}", "{a: 1, ansible_password: ***, b: 2}"),
            ("db ansible_password=hunter ansible_port=22", "db ansible_password=*** ansible_port=22"),
            ("my_db_password: 'a b', c: [", "my_db_password: ***, c: ["),
            ("replication_password: {env: NAME}", "replication_password: {env: NAME}"),
            ("replication_password: \"{{ x }}\"", "replication_password: \"{{ x }}\""),
            ("a:\n  api_token: |\n    one\n    two\n  b: 1", "a:\n  api_token: |\n    ***\n    ***\n  b: 1"),
        ] {
            assert_eq!(Shown::new(text, &[]).text, shown);
        }
    }

    #[test]
    fn places_move_with_what_was_replaced() {
        let text = "x_password: abcdefgh\ny_password: a\nz: here";
        let shown = Shown::new(text, &[]);
        let (from, length) = shown.span(text.find("here").expect("it is there"), 4);
        assert_eq!(&shown.text[from..from + length], "here");
        let (from, length) = shown.span(text.find("abc").expect("it is there"), 8);
        assert_eq!(&shown.text[from..from + length], "***");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_shown(text in "[a-z_:=|{}'\" \n*é]{0,60}", from in 0_usize..60, length in 0_usize..20) {
            let part = (from..=text.len()).find(|n| text.is_char_boundary(*n)).unwrap_or(text.len());
            let end = (part + length..=text.len()).find(|n| text.is_char_boundary(*n)).unwrap_or(text.len());
            let shown = Shown::new(&format!("{text} password: x"), &[(part, end)]);
            let (at, long) = shown.span(part, length);
            proptest::prop_assert!(at + long <= shown.text.len() + length + 4);
        }
    }
}
