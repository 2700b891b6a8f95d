//! In which form a command prints.

use clap::ValueEnum;

use crate::render::Form;

/// Form of the output, as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Wanted {
    /// For people.
    Human,
    /// One JSON value.
    Json,
    /// One JSON value a line, as things happen.
    Jsonl,
    /// For a comment of a merge request.
    Markdown,
    /// For a pipeline that counts tests.
    Junit,
    /// For what shows mistakes beside the lines of files.
    Sarif,
}

/// Form of the output of a command that has none for other programs but JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// For people.
    Human,
    /// One JSON value.
    Json,
    /// One JSON value a line, as things happen.
    Jsonl,
}

impl Wanted {
    /// The form; what a command prints in a form of its own is for people else.
    pub(super) fn format(self) -> Format {
        match self {
            Wanted::Json => Format::Json,
            Wanted::Jsonl => Format::Jsonl,
            Wanted::Human | Wanted::Markdown | Wanted::Junit | Wanted::Sarif => Format::Human,
        }
    }

    /// The form of a plan or a proof that another program reads.
    pub(super) fn form(self) -> Option<Form> {
        match self {
            Wanted::Markdown => Some(Form::Markdown),
            Wanted::Junit => Some(Form::Junit),
            Wanted::Human | Wanted::Json | Wanted::Jsonl | Wanted::Sarif => None,
        }
    }
}
