//! A screen that is drawn again and again in one place.

use std::io::{IsTerminal, Write};

use super::terminal::harmless;

/// Leaves the terminal's own lines alone and shows others, until it is dropped.
#[derive(Debug)]
pub(crate) struct Screen(());

impl Screen {
    /// Takes the screen over, where standard output is one.
    pub(crate) fn begin() -> Option<Self> {
        std::io::stdout().is_terminal().then(|| {
            // The second screen of the terminal, without the cursor.
            put("\u{1b}[?1049h\u{1b}[?25l");
            Self(())
        })
    }

    /// Shows a text in the place of the one before, as far as the screen has lines. Each line takes the place
    /// of the old one, so that nothing flickers.
    pub(crate) fn draw(&self, text: &str) {
        let lines =
            terminal_size::terminal_size().map_or(usize::MAX, |(_, terminal_size::Height(h))| h.into());
        let text = harmless(text);
        let shown: String = text
            .lines()
            .take(lines.saturating_sub(1))
            // The rest of a line is cleared before it is written: behind a full one stands no cursor.
            .flat_map(|line| ["\u{1b}[K", line, "\u{1b}[0m\r\n"])
            .collect();
        put(&format!("\u{1b}[H{shown}\u{1b}[J"));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        put("\u{1b}[?25h\u{1b}[?1049l");
    }
}

fn put(text: &str) {
    let mut stream = anstream::stdout();
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}
