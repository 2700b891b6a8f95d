//! Strict templates and expressions over a host's variables.
//!
//! An undefined variable is a mistake, never an empty text. Booleans are written as option files have
//! them, `ON` and `OFF`. A secret can be passed on as a whole value, and never becomes part of a text.

mod context;

pub use context::{Scope, TemplateError};
