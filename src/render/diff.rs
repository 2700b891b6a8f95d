//! What was and what will be, side by side or line by line.

use similar::{ChangeTag, TextDiff};

use super::paint::{ADDED, QUIET, REMOVED, paint};

/// Lines that show a change, without indentation: `old -> new` where both are short, else a unified diff.
pub fn change(before: Option<&str>, after: Option<&str>) -> Vec<String> {
    match (before, after) {
        (None, None) => Vec::new(),
        (Some(before), Some(after)) if short(before) && short(after) => {
            vec![format!("{} -> {}", paint(REMOVED, before), paint(ADDED, after))]
        }
        (before, after) => unified(before.unwrap_or_default(), after.unwrap_or_default()),
    }
}

fn short(text: &str) -> bool {
    !text.contains('\n') && text.chars().count() <= 40
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
