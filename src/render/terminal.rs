//! Where text goes.

use std::{
    borrow::Cow,
    io::{self, IsTerminal, Write},
    sync::OnceLock,
};

use anstream::ColorChoice;

use crate::model::{json_without_hidden, visible, without_hidden};

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Where the stream is a terminal and `NO_COLOR` is not set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Standard output and standard error.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    /// Print less to standard error.
    pub quiet: bool,
    /// Print more to standard error.
    pub verbose: u8,
}

impl Terminal {
    /// Sets colours for the whole program.
    pub fn new(color: Choice, quiet: bool, verbose: u8) -> Self {
        match color {
            Choice::Auto => ColorChoice::Auto,
            Choice::Always => ColorChoice::Always,
            Choice::Never => ColorChoice::Never,
        }
        .write_global();
        Self { quiet, verbose }
    }

    /// Data, to standard output. What could not be written is told at the end: [`output_error`].
    pub fn out(&self, text: &str) {
        write_out(&without_hidden(text));
    }

    /// A JSON value, to standard output.
    pub fn json(&self, value: &impl serde::Serialize) {
        write_out(&format!("{:#}\n", json(value)));
    }

    /// A JSON value on one line, to standard output.
    pub fn json_line(&self, value: &impl serde::Serialize) {
        write_out(&format!("{}\n", json(value)));
    }

    /// A line to standard error, unless the user wants quiet.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.err(&format!("{text}\n"));
        }
    }

    /// An error, to standard error, always.
    pub fn error(&self, text: &str) {
        use super::paint::{ALARM, paint};
        self.err(&format!("{} {text}\n", paint(ALARM, "error:")));
    }

    /// A warning, to standard error.
    pub fn warning(&self, text: &str) {
        use super::paint::{CHANGED, paint};
        if !self.quiet {
            self.err(&format!("{} {text}\n", paint(CHANGED, "warning:")));
        }
    }

    /// Text to standard error.
    pub fn err(&self, text: &str) {
        let mut stream = anstream::stderr();
        let _ = stream.write_all(harmless(&without_hidden(text)).as_bytes()).and_then(|()| stream.flush());
    }

    /// Whether things may move on standard error.
    pub fn can_animate(&self) -> bool {
        !self.quiet && self.verbose == 0 && std::io::stderr().is_terminal()
    }

    /// Columns of the screen; 100 where there is none.
    pub fn width(&self) -> usize {
        terminal_size::terminal_size_of(std::io::stderr())
            .map_or(100, |(terminal_size::Width(w), _)| usize::from(w).clamp(40, 160))
    }

    /// Columns for sentences on standard output; no end of them where that is no screen.
    pub fn columns_out(&self) -> usize {
        columns(terminal_size::terminal_size_of(std::io::stdout()))
    }

    /// The same for standard error.
    pub fn columns_err(&self) -> usize {
        columns(terminal_size::terminal_size_of(std::io::stderr()))
    }

    /// Whether standard error gets colours.
    pub fn colours_err(&self) -> bool {
        matches!(
            anstream::AutoStream::choice(&std::io::stderr()),
            ColorChoice::Always | ColorChoice::AlwaysAnsi
        )
    }

    /// Asks a question on standard error and reads a line. Who waits for the answer can stop waiting: the line is
    /// read by a thread of its own, which does not hold up the end of the program.
    pub async fn ask(&self, question: &str) -> Option<String> {
        self.err(question);
        let line = tokio::task::spawn_blocking(|| {
            let mut answer = String::new();
            std::io::stdin().read_line(&mut answer).ok().filter(|read| *read > 0).map(|_| answer)
        });
        let answer = line.await.ok().flatten().map(|answer| answer.trim().to_owned());
        if answer.is_none() {
            self.err("\n");
        }
        answer
    }
}

/// The first failure to write to standard output.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Why standard output did not take all that was printed, if so.
pub(crate) fn output_error() -> Option<&'static io::Error> {
    LOST.get()
}

/// Whether the reader of standard output has gone away, so that nothing more is worth printing.
pub(crate) fn reader_is_gone() -> bool {
    output_error().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn write_out(text: &str) {
    let mut stream = anstream::stdout();
    if let Err(error) = stream.write_all(harmless(text).as_bytes()).and_then(|()| stream.flush()) {
        let _ = LOST.set(error);
    }
}

fn columns(size: Option<(terminal_size::Width, terminal_size::Height)>) -> usize {
    size.map_or(usize::MAX, |(terminal_size::Width(columns), _)| usize::from(columns).max(40))
}

/// A value without secrets: keys that are words of ours stay, so that a program can read it whatever a secret is.
fn json(value: &impl serde::Serialize) -> serde_json::Value {
    let mut value = serde_json::to_value(value).unwrap_or_default();
    json_without_hidden(&mut value);
    value
}

/// A text without what a server could put into a name to take hold of the terminal: control characters
/// are escaped, except for ends of lines and the colours of our own.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    let wild = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(wild) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(wild) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let colour = rest.strip_prefix("\u{1b}[").and_then(|tail| {
            let end = tail.find(|c: char| !c.is_ascii_digit() && c != ';')?;
            tail[end..].starts_with('m').then_some("\u{1b}[".len() + end + 1)
        });
        let length = colour.unwrap_or_else(|| rest.chars().next().map_or(0, char::len_utf8));
        match colour {
            Some(_) => out.push_str(&rest[..length]),
            None => out.push_str(&visible(&rest[..length])),
        }
        rest = &rest[length..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn only_colours_reach_the_terminal() {
        assert_eq!(harmless("a\tb\n"), "a\tb\n");
        assert_eq!(harmless("\u{1b}[1;31mred\u{1b}[0m"), "\u{1b}[1;31mred\u{1b}[0m");
        assert_eq!(harmless("\u{1b}[2J\r\u{9b}31m\u{1b}"), "\\u{1b}[2J\\r\\u{9b}31m\\u{1b}");
    }

    proptest::proptest! {
        #[test]
        fn nothing_else_is_left(text in "(\\x1b\\[|\\x1b|[0-9;mJ]|\\PC|\\p{Cc}){0,30}") {
            let said = harmless(&text);
            for piece in said.split('\u{1b}').skip(1) {
                let end = piece.find('m');
                proptest::prop_assert!(end.is_some_and(|e| piece[..e].starts_with('[') && piece[1..e].chars().all(|c| c.is_ascii_digit() || c == ';')));
            }
        }
    }
}
