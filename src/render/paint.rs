//! The few styles of the program. A colour never carries a meaning that the text does not have too.

use anstyle::{AnsiColor, Style};

use crate::model::masked;

/// A heading: a host, a file.
pub(super) const HEADING: Style = Style::new().bold();
/// Something is made.
pub(super) const ADDED: Style = AnsiColor::Green.on_default();
/// Something goes away.
pub(super) const REMOVED: Style = AnsiColor::Red.on_default();
/// Something changes.
pub(super) const CHANGED: Style = AnsiColor::Yellow.on_default();
/// Something is done.
pub(super) const ACTION: Style = AnsiColor::Cyan.on_default();
/// Something interrupts a service, or went wrong.
pub(super) const ALARM: Style = AnsiColor::Red.on_default().bold();
/// What matters less.
pub(super) const QUIET: Style = Style::new().dimmed();

/// A text in a style. It is masked before colours part it.
pub(super) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{}{style:#}", masked(text.to_string()))
}

/// A text without colours.
pub(super) fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}
