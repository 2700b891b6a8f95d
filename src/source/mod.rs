//! YAML with places: every value knows its file and line, and every mistake is a [`Problem`].

mod fields;
mod node;
mod problem;
mod scalar;
mod shown;
mod sources;
mod yaml;

pub use fields::{Fields, closest};
pub use node::{Key, Node, Yaml};
pub use problem::{Problem, Problems, Severity};
pub use sources::{Sources, has_word};
