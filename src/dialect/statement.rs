//! A statement that changes a server, and the form of it that may be shown.

use std::fmt;

use zeroize::Zeroizing;

use super::literal;
use crate::model::STARS;

/// A statement and its shown form. Both are made at once, so that what is masked is the value itself and never what a
/// text looks like.
#[derive(Clone, PartialEq, Eq)]
pub struct Statement {
    text: Zeroizing<String>,
    shown: String,
}

impl Statement {
    /// One with a secret in it. `make` puts it together around the quoted value: the server's own, and three stars.
    pub fn with_secret(secret: &str, make: impl Fn(&str) -> String) -> Self {
        let quoted = Zeroizing::new(literal(secret));
        Self { text: Zeroizing::new(make(&quoted)), shown: make(&literal(STARS)) }
    }

    /// One that comes from a server, and the form of it without what is secret there.
    pub fn masked(text: &str, shown: String) -> Self {
        Self { text: Zeroizing::new(text.to_owned()), shown }
    }

    /// The same with another text for the server, such as one that begins with spaces.
    #[must_use]
    pub(super) fn sent_as(self, change: impl FnOnce(&str) -> String) -> Self {
        Self { text: Zeroizing::new(change(&self.text)), ..self }
    }

    /// What the server gets.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What may be shown and noted.
    pub fn shown(&self) -> &str {
        &self.shown
    }
}

impl From<String> for Statement {
    /// One without a secret.
    fn from(text: String) -> Self {
        Self { text: Zeroizing::new(text.clone()), shown: text }
    }
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Statement").field(&self.shown).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_in_what_is_sent_and_nowhere_else() {
        // A value that stands elsewhere in the statement, too, is masked where it is the secret.
        let statement =
            Statement::with_secret("SSL", |quoted| format!("ALTER USER a BY {quoted} REQUIRE SSL"));
        assert_eq!(statement.text(), "ALTER USER a BY 'SSL' REQUIRE SSL");
        assert_eq!(statement.shown(), "ALTER USER a BY '***' REQUIRE SSL");
        let quoted = Statement::with_secret("a'b", |quoted| format!("SET PASSWORD = {quoted}"));
        assert!(!format!("{quoted:?}").contains("a'b") && quoted.text().ends_with("'a\\'b'"));
    }
}
