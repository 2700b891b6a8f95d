//! MySQL option files: lossless documents, includes, and what the server will see.
//!
//! The rules are those of the manual's "Using Option Files": groups, `name=value`, bare flags, `#` and
//! `;` comments, quotes and escapes, `!include` and `!includedir`, the last mention of a name wins.

mod arguments;
mod asked;
mod disputes;
mod document;
mod effective;
mod meant;
mod name;
mod value;
mod write;

pub use arguments::Argument;
pub(crate) use arguments::{UnitLine, arguments};
pub use asked::Asked;
pub(crate) use disputes::Dispute;
pub(crate) use document::{Document, Meaning};
pub use effective::Files;
pub(crate) use effective::{Include, Occurrence};
pub use meant::Known;
pub(crate) use name::canonical_name;
pub(crate) use value::{
    DEFAULT, canonical_value, list_separator, plainly_other, same_value, takes_several, value_in_sql,
};
pub(crate) use write::{OWNED_HEADER, Setting, owned_text, quoted};
