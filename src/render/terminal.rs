//! Where text goes.

use std::io::{IsTerminal, Write};

use anstream::ColorChoice;

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

    /// Data, to standard output. A reader that has gone away is no error of ours.
    pub fn out(&self, text: &str) {
        let mut stream = anstream::stdout();
        let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    }

    /// A JSON value, to standard output.
    pub fn json(&self, value: &impl serde::Serialize) {
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        self.out(&format!("{text}\n"));
    }

    /// A JSON value on one line, to standard output.
    pub fn json_line(&self, value: &impl serde::Serialize) {
        let text = serde_json::to_string(value).unwrap_or_default();
        self.out(&format!("{text}\n"));
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

    /// Text to standard error as it is.
    pub fn err(&self, text: &str) {
        let mut stream = anstream::stderr();
        let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    }

    /// Whether a person can be asked.
    pub fn can_ask(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
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

    /// Whether standard output gets colours.
    pub fn colours_out(&self) -> bool {
        matches!(
            anstream::AutoStream::choice(&std::io::stdout()),
            ColorChoice::Always | ColorChoice::AlwaysAnsi
        )
    }

    /// Whether standard error gets colours.
    pub fn colours_err(&self) -> bool {
        matches!(
            anstream::AutoStream::choice(&std::io::stderr()),
            ColorChoice::Always | ColorChoice::AlwaysAnsi
        )
    }

    /// Asks a question on standard error and reads a line.
    pub fn ask(&self, question: &str) -> Option<String> {
        self.err(question);
        let mut answer = String::new();
        match std::io::stdin().read_line(&mut answer) {
            Ok(n) if n > 0 => Some(answer.trim().to_owned()),
            _ => None,
        }
    }
}
