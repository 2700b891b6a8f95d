//! Strict templates and expressions over a host's variables.
//!
//! An undefined variable is a mistake, never an empty text. In roles booleans are written as option files have them,
//! `ON` and `OFF`; in a user's variables as Ansible writes them, `True` and `False`. A secret can be passed on as a whole value, and never becomes part of a text.

mod ansible;
mod context;

pub(crate) use context::{Scope, TemplateError};
