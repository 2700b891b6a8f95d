//! What was and what will be: `old -> new` where that is enough, else a unified diff.

use similar::{ChangeTag, TextDiff};

use super::paint::{ADDED, QUIET, REMOVED, paint};
use crate::{
    plan::{Change, State, StepDocument, Value},
    words,
};

/// Lines that show what a step changes, without indentation.
///
/// Where both sides are values by name, each that differs gets one line; other states are compared line by line.
pub(super) fn change(step: &StepDocument) -> Vec<String> {
    let values = |state: &Option<State>| state.as_ref().is_some_and(|state| state.values().is_some());
    if values(&step.before) && values(&step.after) {
        return by_name(&step.changes());
    }
    let text = |state: &Option<State>| state.as_ref().map(words::state);
    match (text(&step.before), text(&step.after)) {
        (Some(before), Some(after)) if short(&before) && short(&after) => vec![arrow(&before, &after)],
        (before, after) => unified(&before.unwrap_or_default(), &after.unwrap_or_default()),
    }
}

fn short(text: &str) -> bool {
    text.lines().count() < 2 && text.chars().count() <= 40
}

fn arrow(before: &str, after: &str) -> String {
    format!("{} -> {}", paint(REMOVED, shown(before)), paint(ADDED, shown(after)))
}

/// A value that can be seen although it is empty.
pub(super) fn shown(text: &str) -> &str {
    if text.is_empty() { "\"\"" } else { text }
}

fn by_name(changes: &[Change<'_>]) -> Vec<String> {
    let width = changes.iter().map(|change| change.name.len()).max().unwrap_or(0);
    let value = |value: &Value| shown(words::value(value)).to_owned();
    let line = |change: &Change<'_>| {
        let name = change.name;
        match (change.before, change.after) {
            (Some(old), Some(new)) => format!("{name:width$}  {}", arrow(&value(old), &value(new))),
            (None, Some(new)) => {
                format!("{name:width$}  {}", paint(ADDED, format_args!("+ {}", value(new))))
            }
            (old, None) => {
                let old = old.map(value).unwrap_or_default();
                format!("{name:width$}  {}", paint(REMOVED, format_args!("- {old}")))
            }
        }
    };
    changes.iter().map(line).collect()
}

/// Lines that show how a text changes.
pub(crate) fn text_change(before: &str, after: &str) -> Vec<String> {
    unified(before, after)
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
    use crate::plan::Named;

    fn plain(before: State, after: State) -> String {
        let step = StepDocument {
            id: crate::plan::StepId("db-a/x".into()),
            host: "db-a".into(),
            kind: crate::plan::Kind::File,
            summary: String::new(),
            bytes: None,
            position: None,
            reason: Vec::new(),
            before: Some(before),
            after: Some(after),
            risk: Vec::new(),
            requires: Vec::new(),
        };
        anstream::adapter::strip_str(&change(&step).join("\n")).to_string()
    }

    fn settings(values: &[(&str, &str)]) -> State {
        State::Settings { values: values.iter().map(|(name, value)| Named::new(*name, *value)).collect() }
    }

    #[test]
    fn short_texts_stand_side_by_side() {
        assert_eq!(plain(State::text("1"), State::text("2")), "1 -> 2");
        assert_eq!(plain(State::text(""), State::text("2")), "\"\" -> 2");
    }

    #[test]
    fn values_are_compared_by_name() {
        let before = settings(&[("a", "1"), ("bb", "2")]);
        let after = settings(&[("bb", "3"), ("a", "1"), ("c", "4")]);
        assert_eq!(plain(before, after), "bb  2 -> 3\nc   + 4");
        assert_eq!(plain(settings(&[("a", "")]), settings(&[("a", "x")])), "a  \"\" -> x");
    }

    #[test]
    fn a_text_is_compared_by_line_whatever_it_looks_like() {
        let file = |n: u8| State::text(format!("[mysqld]\na = {n}\n"));
        assert_eq!(plain(file(1), file(2)), "  [mysqld]\n- a = 1\n+ a = 2");
    }
}
