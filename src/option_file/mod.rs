//! MySQL option files: lossless documents, includes, and what the server will see.
//!
//! The rules are those of the manual's "Using Option Files": groups, `name=value`, bare flags, `#` and
//! `;` comments, quotes and escapes, `!include` and `!includedir`, the last mention of a name wins.

mod document;
mod effective;
mod name;
mod value;
mod write;

pub use document::{Document, Meaning};
pub use effective::{Files, Occurrence};
pub use name::canonical_name;
pub use value::{canonical_value, same_value};
pub use write::{Setting, owned_text};
