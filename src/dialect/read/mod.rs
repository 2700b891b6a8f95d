//! Statements that only read. A connection that reads takes nothing else, and nobody but the dialect makes one.

mod accounts;
mod ask;
mod clone;
mod content;
mod definitions;
mod guard;
mod server;
mod verify;

use std::borrow::Cow;

pub(crate) use content::Scalar;
pub(crate) use definitions::DefinitionQuery;
pub(crate) use guard::reads_only;

/// A statement that only reads: a SELECT, a SHOW, or a setting of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadStatement(Cow<'static, str>);

impl ReadStatement {
    /// For the dialect alone: who makes one answers for it.
    pub(in crate::dialect) fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self(text.into())
    }

    /// Whether what the session answers later on depends on it.
    pub fn sets_session(&self) -> bool {
        let text = self.0.trim_start();
        text.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("set"))
            && *self != Self::hashes_as_hex()
            && !guard::is_question(text)
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.0
    }
}
