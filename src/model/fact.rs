//! A fact is known, known to be absent, or unread with the reason.

use serde::{Deserialize, Serialize};

/// Something that was asked of a host.
///
/// An unread fact never causes a change: code that plans must ask for [`Fact::known`] and treat
/// [`Fact::Unread`] as a reason to wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact<T> {
    /// The host answered, with this.
    Known(T),
    /// The host answered that there is no such thing.
    Absent,
    /// The host did not answer, and this is why, in words for a person.
    Unread(String),
}

impl<T> Fact<T> {
    /// The value, where there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Fact::Known(value) => Some(value),
            Fact::Absent | Fact::Unread(_) => None,
        }
    }

    /// Why nothing is known, where that is so.
    pub fn unread(&self) -> Option<&str> {
        match self {
            Fact::Unread(why) => Some(why),
            Fact::Known(_) | Fact::Absent => None,
        }
    }

    /// Whether the host answered that there is no such thing.
    pub fn is_absent(&self) -> bool {
        matches!(self, Fact::Absent)
    }

    /// The same fact about a part of the value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Fact::Known(value) => Fact::Known(f(value)),
            Fact::Absent => Fact::Absent,
            Fact::Unread(why) => Fact::Unread(why),
        }
    }
}

impl<T> Default for Fact<T> {
    fn default() -> Self {
        Fact::Unread("not asked for".into())
    }
}

impl<T> From<Option<T>> for Fact<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Fact::Absent, Fact::Known)
    }
}
