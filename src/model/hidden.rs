//! Values that came out of vaults, taken out of every text that leaves the process.
//!
//! A secret by name or by reference never becomes part of a text. What else a vault holds is used as any other
//! variable is, so it may turn up in a server's message or in a file's new lines. This is where it is stopped.

use std::{
    borrow::Cow,
    sync::{PoisonError, RwLock},
};

use serde_json::Value;
use zeroize::Zeroizing;

/// Shorter values are words and numbers that every text is full of.
const LEAST: usize = 4;

/// Texts to take out, the longest first.
#[derive(Default)]
pub struct Hidden(Vec<Zeroizing<String>>);

/// What this process takes out of all that it prints and keeps.
static HIDDEN: RwLock<Hidden> = RwLock::new(Hidden(Vec::new()));

impl Hidden {
    /// Adds values, and the lines of those that have several.
    pub fn add<'a>(&mut self, values: impl IntoIterator<Item = &'a str>) {
        for line in values.into_iter().flat_map(str::lines).map(str::trim) {
            if line.chars().count() >= LEAST && !self.0.iter().any(|known| known.as_str() == line) {
                self.0.push(Zeroizing::new(line.to_owned()));
            }
        }
        self.0.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    }

    /// The text with stars in the place of each value.
    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        for value in &self.0 {
            if text.contains(value.as_str()) {
                text = Cow::Owned(text.replace(value.as_str(), "***"));
            }
        }
        text
    }
}

/// Notes values that this process shows nowhere from now on.
pub fn hide_from_now_on<'a>(values: impl IntoIterator<Item = &'a str>) {
    HIDDEN.write().unwrap_or_else(PoisonError::into_inner).add(values);
}

/// A text without the values that were noted.
pub fn without_hidden(text: &str) -> Cow<'_, str> {
    HIDDEN.read().unwrap_or_else(PoisonError::into_inner).hide(text)
}

/// The same for every text in a JSON value; keys stay.
pub fn json_without_hidden(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(hidden) = without_hidden(text) {
                *text = hidden;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(json_without_hidden),
        Value::Object(map) => map.values_mut().for_each(json_without_hidden),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_go_first_and_short_ones_stay() {
        let mut hidden = Hidden::default();
        hidden.add(["word", "password", "no", "first line\nsecond line\n"]);
        assert_eq!(hidden.hide("no password is a word"), "no *** is a ***");
        assert_eq!(hidden.hide("+ second line"), "+ ***");
        assert!(matches!(hidden.hide("nothing"), Cow::Borrowed(_)));
    }

    proptest::proptest! {
        #[test]
        fn no_value_is_left(values in proptest::collection::vec("[a-z]{4,6}", 1..4), around in "[a-z ]{0,12}") {
            let mut hidden = Hidden::default();
            hidden.add(values.iter().map(String::as_str));
            let text = format!("{around}{}{around}", values.join(" "));
            let said = hidden.hide(&text);
            for value in &values {
                proptest::prop_assert!(!said.contains(value.as_str()), "{said}");
            }
        }
    }
}
