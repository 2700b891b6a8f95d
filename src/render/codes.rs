//! What codes mean, for people.

use std::fmt::Write;

use super::{
    paint::{ACTION, HEADING, QUIET, paint},
    prose::sentence,
};
use crate::words::codes::{Code, KINDS, Kind};

/// Each with where it stands and what to do.
pub(crate) fn codes(found: &[(&Kind, &Code)], width: usize) -> String {
    let mut text = String::new();
    for (n, (kind, Code { code, means, next })) in found.iter().enumerate() {
        if n > 0 {
            text.push('\n');
        }
        let _ = writeln!(text, "{}", paint(HEADING, code));
        sentence("  ", 2, &format!("{means}."), width, &mut text);
        if !next.is_empty() {
            sentence("  next: ", 8, &format!("{next}."), width, &mut text);
        }
        sentence("  ", 2, &paint(QUIET, format_args!("It stands in {}.", kind.about)), width, &mut text);
    }
    text
}

/// All codes, kind by kind.
pub(crate) fn all_codes(width: usize) -> String {
    let mut text = String::new();
    for kind in KINDS {
        let _ = writeln!(text, "{}", paint(HEADING, kind.heading.replace('`', "")));
        let column = kind.codes.iter().map(|known| known.code.len()).max().unwrap_or_default();
        for Code { code, means, .. } in kind.codes {
            let padding = " ".repeat(column - code.len());
            let begin = format!("  {}{padding}  ", paint(ACTION, code));
            sentence(&begin, column + 4, means, width, &mut text);
        }
        text.push('\n');
    }
    text
}
