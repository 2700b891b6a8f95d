//! Columns that stand below each other, as many as fit.

use textwrap::core::display_width;

use super::paint::{QUIET, paint};
use crate::model::visible;

/// One field: its text on one line, whatever a server has as a name, and how it looks once it has its width.
pub(super) struct Cell {
    text: String,
    style: Option<anstyle::Style>,
}

impl Cell {
    /// A field.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: visible(&text.into()), style: None }
    }

    /// A field that stands out.
    pub(super) fn styled(text: impl Into<String>, style: anstyle::Style) -> Self {
        Self { text: visible(&text.into()), style: Some(style) }
    }
}

/// The headings and a line for each row. A column that is empty everywhere is left out, and the last ones are
/// where the lines would be longer than `width`; the first two always stay.
pub(super) fn table(headings: &[&str], rows: &[Vec<Cell>], width: usize) -> Vec<String> {
    const GAP: usize = 2;
    let mut columns: Vec<(usize, usize)> = (0..headings.len())
        .filter_map(|n| {
            let widest =
                rows.iter().filter_map(|row| row.get(n)).map(|cell| display_width(&cell.text)).max()?;
            (widest > 0).then(|| (n, widest.max(display_width(headings[n]))))
        })
        .collect();
    let whole = |columns: &[(usize, usize)]| columns.iter().map(|(_, w)| w + GAP).sum::<usize>();
    while columns.len() > 2 && whole(&columns) > width + GAP {
        columns.pop();
    }
    let line = |cell: &dyn Fn(usize) -> (String, Option<anstyle::Style>)| {
        let mut text = String::new();
        for (place, (n, wide)) in columns.iter().enumerate() {
            let (word, style) = cell(*n);
            let pad = match place + 1 == columns.len() {
                true => 0,
                false => wide + GAP - display_width(&word),
            };
            text.push_str(&style.map_or(word.clone(), |style| paint(style, &word)));
            text.push_str(&" ".repeat(pad));
        }
        text.trim_end().to_owned()
    };
    let mut lines = vec![line(&|n| (headings[n].to_owned(), Some(QUIET)))];
    for row in rows {
        lines.push(line(&|n| row.get(n).map_or((String::new(), None), |c| (c.text.clone(), c.style))));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_the_last_ones_give_way() {
        let row = |cells: &[&str]| cells.iter().map(|c| Cell::new(*c)).collect::<Vec<_>>();
        let rows = vec![row(&["db-a", "up", "", "10.0 MiB"]), row(&["replica-17", "DOWN", "", "1 B"])];
        let plain = |width: usize| -> Vec<String> {
            table(&["host", "state", "nothing", "data"], &rows, width)
                .iter()
                .map(|line| anstream::adapter::strip_str(line).to_string())
                .collect()
        };
        assert_eq!(
            plain(80),
            ["host        state  data", "db-a        up     10.0 MiB", "replica-17  DOWN   1 B"]
        );
        assert_eq!(plain(20), ["host        state", "db-a        up", "replica-17  DOWN"]);
        // A letter may be two columns wide, or none.
        let rows = [row(&["表名", "up"]), row(&["o\u{308}", "up"])];
        let lines = table(&["host", "state"], &rows, 80);
        assert_eq!(lines[1..], ["表名  up", "o\u{308}     up"]);
    }
}
