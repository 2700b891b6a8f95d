//! Why a command did not do what it was asked to.

use super::{Terminal, problems};
use crate::{
    engine::{CommandError, ErrorKind},
    source::{Problem, Problems, Sources},
};

/// Shows an error, on standard error.
pub(crate) fn failure(error: CommandError, terminal: &Terminal) {
    if let Some(files) = error.files {
        mistakes(files.0, &files.1, terminal);
    }
    error.causes.iter().for_each(|cause| terminal.error(&cause.to_string()));
    if error.kind == ErrorKind::Interrupted && error.causes.is_empty() {
        // The terminal has shown ^C on this line.
        terminal.err("\n");
    }
    if let Some(next) = &error.next {
        terminal.note(next);
    }
}

/// Draws mistakes and warnings in files, on standard error.
pub(crate) fn mistakes(problems_found: Problems, sources: &Sources, terminal: &Terminal) {
    let fatal = problems_found.fatal();
    let sorted = problems_found.sorted();
    if sorted.is_empty() || (terminal.quiet && !fatal) {
        return;
    }
    let sorted: Vec<Problem> = sorted.into_iter().map(Problem::masked).collect();
    terminal.err(&problems(&sorted, sources, terminal.colours_err(), terminal.width()));
}
