//! Sentences on a screen that is narrower than they are.
//!
//! What a person reads is broken between words and stays under its beginning. What may be copied (commands, values,
//! lines of files) is left to the terminal, which knows that its lines belong together.

use std::fmt::Write;

use textwrap::{Options, WordSeparator, WordSplitter};

use crate::model::without_hidden;

/// Adds a line that begins with `begin`; what does not fit into `width` columns follows under `indent` spaces.
pub(super) fn sentence(begin: &str, indent: usize, text: &str, width: usize, out: &mut String) {
    // Before it is broken somewhere in the middle of a secret.
    let text = &*without_hidden(text);
    // A long beginning leaves no room for what stands under its end.
    let under = " ".repeat(indent.min(width / 3));
    if width == usize::MAX || text.is_empty() {
        let _ = writeln!(out, "{begin}{}", text.replace('\n', &format!("\n{under}")));
        return;
    }
    for (n, line) in text.lines().enumerate() {
        let options = Options::new(width)
            .initial_indent(if n == 0 { begin } else { &under })
            .subsequent_indent(&under)
            .break_words(false)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation);
        let _ = writeln!(out, "{}", textwrap::fill(line, options));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(begin: &str, indent: usize, text: &str, width: usize) -> String {
        let mut out = String::new();
        sentence(begin, indent, text, width, &mut out);
        out
    }

    #[test]
    fn words_stay_whole_and_lines_under_their_beginning() {
        assert_eq!(said("  db-a  ", 8, "one two three four", 24), "  db-a  one two three\n        four\n");
        assert_eq!(
            said("  ", 4, "a-very-long-word-without-end b", 12),
            "  a-very-long-word-without-end\n    b\n"
        );
        assert_eq!(said("  ", 4, "one two three", usize::MAX), "  one two three\n");
        assert_eq!(said("  ", 4, "one\ntwo", 80), "  one\n    two\n");
    }

    #[test]
    fn colours_take_no_room() {
        let painted = super::super::paint::paint(super::super::paint::ALARM, "refused:");
        assert_eq!(said("", 2, &format!("{painted} it is"), 14), format!("{painted} it is\n"));
    }
}
