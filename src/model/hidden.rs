//! Secrets, taken out of every text that leaves the process.
//!
//! Where a secret becomes a value, it is registered here: [`hide_from_now_on`]. A text is masked where it enters a
//! value that is shown or kept (a problem, a step's error, an event, a document), and by everything that escapes,
//! wraps or cuts a text, before it does. What leaves the process passes [`without_hidden`] once more: the last net,
//! which also knows a secret in the escapes of JSON, HTML, URLs, a shell or SQL, and across the end of a line.

use std::{
    borrow::Cow,
    sync::{PoisonError, RwLock},
};

use serde_json::Value;
use zeroize::Zeroizing;

/// Shorter values are words and numbers that every text is full of; they are masked only where a value is known to
/// be the secret.
const LEAST: usize = 4;

/// What stands in the place of a secret, however long it is.
pub const STARS: &str = "***";

/// So many letters of a secret are masked even where a server has cut the rest off.
const CUT: usize = 12;

/// A text to take out.
#[derive(PartialEq, Eq)]
struct Form {
    text: Zeroizing<String>,
    /// Whether a long beginning of it is taken out, too.
    cut: bool,
}

/// Texts to take out, the longest first.
#[derive(Default)]
pub(super) struct Hidden(Vec<Form>);

/// What this process takes out of all that it prints and keeps.
static HIDDEN: RwLock<Hidden> = RwLock::new(Hidden(Vec::new()));

impl Hidden {
    /// Adds values, the lines of those that have several, and each of them as it may stand inside of quotes.
    ///
    /// With `cut`, a text that ends in the middle of a value is masked, too.
    pub(super) fn add<'a>(&mut self, values: impl IntoIterator<Item = &'a str>, cut: bool) {
        let before = self.0.len();
        for line in values.into_iter().flat_map(str::lines).map(str::trim) {
            let known = |known: &Form| known.text.as_str() == line && (known.cut || !cut);
            if line.chars().count() < LEAST || self.0.iter().any(known) {
                continue;
            }
            for form in forms(line).into_iter().map(|text| Form { text, cut }) {
                if !self.0.contains(&form) {
                    self.0.push(form);
                }
            }
        }
        if self.0.len() > before {
            self.0.sort_by(|a, b| b.text.len().cmp(&a.text.len()).then_with(|| a.text.cmp(&b.text)));
        }
    }

    /// The text with stars in the place of each value.
    pub(super) fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut found: Vec<(usize, usize)> = self.0.iter().flat_map(|form| found(text, form)).collect();
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        found.sort_unstable();
        let mut out = String::with_capacity(text.len());
        let mut shown = 0;
        for (from, to) in found {
            // What overlaps is one place: of an escaped secret, its beginning is found, too.
            if from >= shown {
                out.push_str(&text[shown..from]);
                out.push_str(STARS);
            }
            shown = shown.max(to);
        }
        out.push_str(&text[shown..]);
        Cow::Owned(out)
    }
}

/// A value in every form in which a text may hold it.
fn forms(value: &str) -> Vec<Zeroizing<String>> {
    let backslashes = value.replace('\\', "\\\\");
    let inside = [
        value.to_owned(),
        value.replace('\'', "'\\''"),
        value.replace('\'', "''"),
        backslashes.replace('\'', "''"),
        backslashes.replace('\'', "\\'"),
        value.escape_debug().to_string(),
    ]
    .map(Zeroizing::new);
    let mut forms = vec![percent(value, false), percent(value, true)];
    for text in inside {
        forms.push(json(&text));
        forms.push(html(&text, "&#x27;", "&#x2f;"));
        forms.push(html(&text, "&#39;", "/"));
        forms.push(html(&text, "'", "/"));
        forms.push(text);
    }
    forms
}

fn json(text: &str) -> Zeroizing<String> {
    let quoted = Zeroizing::new(Value::from(text).to_string());
    Zeroizing::new(quoted.get(1..quoted.len() - 1).unwrap_or(text).to_owned())
}

fn html(text: &str, quote: &str, slash: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(text.len() * 6));
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str(quote),
            '/' => out.push_str(slash),
            c => out.push(c),
        }
    }
    out
}

fn percent(text: &str, upper: bool) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(text.len() * 3));
    for byte in text.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~') => out.push(b.into()),
            b if upper => out.push_str(&format!("%{b:02X}")),
            b => out.push_str(&format!("%{b:02x}")),
        }
    }
    out
}

/// Where a text holds a form: from and to.
fn found(text: &str, form: &Form) -> Vec<(usize, usize)> {
    let whole = form.text.as_str();
    // Most texts hold nothing: that is seen at once where nothing can stand between the letters.
    let folded = text.contains(['\n', '\u{1b}']);
    let begin = whole.char_indices().nth(CUT).map_or(whole.len(), |(at, _)| at);
    let begin = whole[..begin].split(char::is_whitespace).next().unwrap_or_default();
    if !folded && !text.contains(begin) {
        return Vec::new();
    }
    let Some(first) = whole.chars().next() else { return Vec::new() };
    let at = |(at, _)| length_at(&text[at..], whole, form.cut).map(|length| (at, at + length));
    text.match_indices(first).filter_map(at).collect()
}

/// How many bytes of a text a form takes at its beginning: blanks of any number, ends of lines with what stands
/// before the next one, and colours count for nothing. With `cut`, a long beginning of the form is enough.
fn length_at(text: &str, form: &str, cut: bool) -> Option<usize> {
    let (mut at, mut letters) = (0, 0);
    let mut wanted = form.chars().peekable();
    while let Some(c) = wanted.next() {
        if c.is_whitespace() {
            while wanted.next_if(|c| c.is_whitespace()).is_some() {}
        }
        let between = match c.is_whitespace() {
            true => gap(&text[at..], true),
            false if at > 0 && !text[at..].starts_with(c) => gap(&text[at..], false),
            false => 0,
        };
        let goes_on = match c.is_whitespace() {
            true => between > 0,
            false => text[at + between..].starts_with(c),
        };
        if !goes_on {
            return (cut && letters >= CUT).then_some(at);
        }
        at += between + if c.is_whitespace() { 0 } else { c.len_utf8() };
        letters += 1;
    }
    Some(at)
}

/// The length of what may stand between two letters of a value that was wrapped or painted.
fn gap(text: &str, blanks: bool) -> usize {
    let mut rest = text;
    let mut broken = blanks;
    loop {
        if let Some(tail) = rest.strip_prefix("\u{1b}[")
            && let Some(end) = tail.find(|c: char| !c.is_ascii_digit() && c != ';')
            && tail[end..].starts_with('m')
        {
            rest = &tail[end + 1..];
            continue;
        }
        match rest.chars().next() {
            Some('\n') => broken = true,
            Some(c) if broken && (c.is_whitespace() || c == '│') => {}
            _ => return text.len() - rest.len(),
        }
        rest = &rest[rest.chars().next().map_or(0, char::len_utf8)..];
    }
}

/// Notes values that this process shows nowhere from now on, such as all that came out of a vault.
pub fn hide_from_now_on<'a>(values: impl IntoIterator<Item = &'a str>) {
    HIDDEN.write().unwrap_or_else(PoisonError::into_inner).add(values, false);
}

/// Notes a secret, of which not even a beginning is shown from now on.
pub fn hide_secret(value: &str) {
    HIDDEN.write().unwrap_or_else(PoisonError::into_inner).add([value], true);
}

/// A text without the values that were noted.
pub fn without_hidden(text: &str) -> Cow<'_, str> {
    HIDDEN.read().unwrap_or_else(PoisonError::into_inner).hide(text)
}

/// The same for a text that is kept.
pub fn masked(text: impl Into<String>) -> String {
    let text = text.into();
    match without_hidden(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(masked) => masked,
    }
}

/// The same for every text in a JSON value, and for keys that are no words of ours.
pub fn json_without_hidden(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(hidden) = without_hidden(text) {
                *text = hidden;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(json_without_hidden),
        Value::Object(map) => {
            map.values_mut().for_each(json_without_hidden);
            let is_own = |key: &str| key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            if map.keys().any(|key| !is_own(key) && matches!(without_hidden(key), Cow::Owned(_))) {
                *map = std::mem::take(map).into_iter().map(|(key, value)| (masked(key), value)).collect();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_go_first_and_short_ones_stay() {
        let mut hidden = Hidden::default();
        hidden.add(["word", "password", "no", "first line\nsecond line\n"], false);
        assert_eq!(hidden.hide("no password is a word"), "no *** is a ***");
        assert_eq!(hidden.hide("+ second line"), "+ ***");
        assert!(matches!(hidden.hide("nothing"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_value_is_found_where_a_screen_broke_or_painted_it() {
        let mut hidden = Hidden::default();
        hidden.add(["two  words'<b>", "x-123456789"], false);
        for text in [
            "it is two\n      words'<b>, said",
            "it is two words'<b>, said",
            "it is tw\n  │ o words'<b>, said",
            "it is t\u{1b}[31mwo\u{1b}[0m  words'&lt;b&gt;\n, said",
        ] {
            let said = hidden.hide(text);
            assert!(said.starts_with("it is ***") && said.contains(", said"), "{said}");
        }
        assert_eq!(hidden.hide("x-1\nx-12345\n   6789!"), "x-1\n***!");
    }

    #[test]
    fn a_secret_that_was_cut_is_found() {
        let mut hidden = Hidden::default();
        hidden.add(["a long'secret of 31 letters, all"], true);
        assert_eq!(hidden.hide("near 'a long''secret of 31 let' at"), "near '***' at");
        assert_eq!(hidden.hide("a long story"), "a long story");
    }

    fn in_every_form(value: &str) -> Vec<String> {
        let quoted = value.replace('\\', "\\\\").replace('\'', "\\'");
        let mut forms = vec![
            format!("{value:?}"),
            Value::from(value).to_string(),
            crate::dialect::literal(value),
            crate::transport::command_words(&[value.to_owned()]),
            Value::from(crate::dialect::literal(value)).to_string(),
            Value::from(quoted).to_string(),
            value.replace('\'', "''"),
        ];
        let mut page = minijinja::Environment::new();
        page.set_auto_escape_callback(|_| minijinja::AutoEscape::Html);
        forms.extend(page.render_str("{{ v }}", minijinja::context! { v => value }));
        forms
    }

    proptest::proptest! {
        #[test]
        fn no_value_is_left(values in proptest::collection::vec("[a-z]{4,6}", 1..4), around in "[a-z ]{0,12}") {
            let mut hidden = Hidden::default();
            hidden.add(values.iter().map(String::as_str), false);
            let text = format!("{around}{}{around}", values.join(" "));
            let said = hidden.hide(&text);
            for value in &values {
                proptest::prop_assert!(!said.contains(value.as_str()), "{said}");
            }
        }

        #[test]
        fn no_escape_hides_a_value_from_the_net(value in "X[a-z'\"<>&/ \\\\üé%;:]{3,24}X") {
            let mut hidden = Hidden::default();
            hidden.add([value.as_str()], true);
            for form in in_every_form(&value) {
                let said = hidden.hide(&form);
                proptest::prop_assert!(said.contains(STARS) && !said.contains('X'), "{form} -> {said}");
            }
        }
    }
}
