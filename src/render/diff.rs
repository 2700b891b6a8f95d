//! What was and what will be: `old -> new` where that is enough, else a unified diff.

use similar::{ChangeTag, TextDiff};

use super::paint::{ADDED, QUIET, REMOVED, paint};

/// Lines that show a change, without indentation.
///
/// Where both sides are lists of `name = value`, each name that differs gets one line; other texts are
/// compared line by line.
pub fn change(before: Option<&str>, after: Option<&str>) -> Vec<String> {
    match (before, after) {
        (None, None) => Vec::new(),
        (Some(before), Some(after)) if short(before) && short(after) => vec![arrow(before, after)],
        (Some(before), Some(after)) => match (pairs(before), pairs(after)) {
            (Some(before), Some(after)) => pairwise(&before, &after),
            _ => unified(before, after),
        },
        (before, after) => unified(before.unwrap_or_default(), after.unwrap_or_default()),
    }
}

fn short(text: &str) -> bool {
    !text.contains('\n') && !text.contains(" = ") && text.chars().count() <= 40
}

fn arrow(before: &str, after: &str) -> String {
    let shown = |text: &str| if text.is_empty() { "\"\"".to_owned() } else { text.to_owned() };
    format!("{} -> {}", paint(REMOVED, shown(before)), paint(ADDED, shown(after)))
}

/// A list of `name = value`, if the text is nothing else.
fn pairs(text: &str) -> Option<Vec<(&str, &str)>> {
    text.lines()
        .map(|line| {
            let (name, value) = line.split_once(" =")?;
            let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
            (plain && !name.is_empty()).then(|| (name, value.trim_start()))
        })
        .collect()
}

fn pairwise(before: &[(&str, &str)], after: &[(&str, &str)]) -> Vec<String> {
    let width = before.iter().chain(after).map(|(name, _)| name.len()).max().unwrap_or(0);
    let find = |list: &[(&str, &str)], name: &str| {
        list.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
    };
    let mut lines = Vec::new();
    for (name, new) in after {
        match find(before, name) {
            Some(old) if old == *new => {}
            Some(old) => lines.push(format!("{name:width$}  {}", arrow(&old, new))),
            None => lines.push(format!("{name:width$}  {}", paint(ADDED, format_args!("+ {new}")))),
        }
    }
    for (name, old) in before {
        if find(after, name).is_none() {
            lines.push(format!("{name:width$}  {}", paint(REMOVED, format_args!("- {old}"))));
        }
    }
    lines
}

fn unified(before: &str, after: &str) -> Vec<String> {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for (number, group) in diff.grouped_ops(2).iter().enumerate() {
        if number > 0 {
            lines.push(paint(QUIET, "..."));
        }
        for op in group {
            for change in diff.iter_changes(op) {
                let text = change.value().trim_end_matches('\n');
                lines.push(match change.tag() {
                    ChangeTag::Delete => paint(REMOVED, format_args!("- {text}")),
                    ChangeTag::Insert => paint(ADDED, format_args!("+ {text}")),
                    ChangeTag::Equal => format!("  {text}"),
                });
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(before: &str, after: &str) -> String {
        anstream::adapter::strip_str(&change(Some(before), Some(after)).join("\n")).to_string()
    }

    #[test]
    fn short_values_stand_side_by_side() {
        assert_eq!(plain("1", "2"), "1 -> 2");
        assert_eq!(plain("", "2"), "\"\" -> 2");
    }

    #[test]
    fn lists_of_names_are_compared_by_name() {
        assert_eq!(plain("a = 1\nbb = 2", "bb = 3\na = 1\nc = 4"), "bb  2 -> 3\nc   + 4");
        assert_eq!(plain("a =", "a = x"), "a  \"\" -> x");
    }

    #[test]
    fn other_texts_are_compared_by_line() {
        assert_eq!(plain("[mysqld]\na = 1\n", "[mysqld]\na = 2\n"), "  [mysqld]\n- a = 1\n+ a = 2");
    }
}
