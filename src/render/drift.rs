//! What differs, short enough for a mail.

use std::{collections::BTreeMap, fmt::Write};

use super::{
    diff::shown,
    paint::{ALARM, CHANGED, HEADING, QUIET, paint},
    prose::sentence,
};
use crate::{
    model::{HostName, visible},
    plan::{DriftKind, PlanDocument, StepDocument},
    words,
};

/// Differences that are shown of one host.
const SHOWN: usize = 10;

/// One line for each difference, and a sum. `playbook` is named where the whole can be seen.
/// Sentences are to fit into `width` columns.
pub(crate) fn drift(
    document: &PlanDocument,
    unread: &BTreeMap<HostName, String>,
    playbook: &str,
    width: usize,
) -> String {
    let mut lines: BTreeMap<&HostName, Vec<String>> = BTreeMap::new();
    for (host, why) in unread {
        lines.entry(host).or_default().push(format!("{} {why}", paint(ALARM, "not read:")));
    }
    for refusal in &document.refused {
        let line = format!("{} {}", paint(ALARM, "refused:"), refusal.reason);
        lines.entry(&refusal.host).or_default().push(line);
    }
    for step in &document.steps {
        let reason = step.reason.first().map(words::reason);
        let place = reason.map(|r| format!("  {}", paint(QUIET, format!("({r})")))).unwrap_or_default();
        let what = changes(step);
        let what = if what.is_empty() { String::new() } else { format!(": {what}") };
        let line = format!("{}{what}{place}", paint(CHANGED, visible(&words::summary(step))));
        lines.entry(&step.host).or_default().push(line);
    }
    for warning in &document.warnings {
        let word = match warning.drift {
            Some(DriftKind::Data) => "data:",
            Some(DriftKind::Undeclared) => "undeclared:",
            Some(DriftKind::Writers) => "writers:",
            Some(DriftKind::Returned) => "returned:",
            Some(DriftKind::Events) => "events:",
            None => continue,
        };
        let told = words::whole(&warning.text, &warning.details);
        lines.entry(&warning.host).or_default().push(format!("{} {told}", paint(ALARM, word)));
    }
    for waiting in document.waiting.iter().filter(|w| !unread.contains_key(&w.host)) {
        lines.entry(&waiting.host).or_default().push(format!("waits: {}", waiting.reason));
    }
    let mut text = String::new();
    for (host, lines) in &lines {
        let _ = writeln!(text, "{}", paint(HEADING, visible(host.as_str())));
        for line in lines.iter().take(SHOWN) {
            sentence("  ", 4, line, width, &mut text);
        }
        if let Some(more) = lines.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            let _ = writeln!(text, "  and {more} more");
        }
    }
    // That a host could not be read is no difference.
    let all = lines.values().map(Vec::len).sum::<usize>() - unread.len();
    let differing =
        lines.iter().filter(|(host, l)| l.len() > usize::from(unread.contains_key(*host))).count();
    let mut parts = Vec::new();
    if all > 0 || unread.is_empty() {
        let (s, hosts) = (if all == 1 { "" } else { "s" }, if differing == 1 { "" } else { "s" });
        parts.push(format!("{all} difference{s} on {differing} host{hosts}"));
    }
    if !unread.is_empty() {
        let s = if unread.len() == 1 { "" } else { "s" };
        parts.push(format!("{} host{s} not read", unread.len()));
    }
    let _ = writeln!(text, "{}. In full: tandem plan {playbook}", parts.join(", "));
    text
}

/// `name before -> after` for values by name; nothing for other states.
fn changes(step: &StepDocument) -> String {
    const MOST: usize = 3;
    let changed: Vec<String> = step
        .changes()
        .into_iter()
        .filter_map(|change| {
            let before = change.before.map_or("\"\"", |value| shown(words::value(value)));
            Some(format!("{} {before} -> {}", change.name, words::value(change.after?)))
        })
        .collect();
    match changed.len().checked_sub(MOST) {
        None | Some(0) => visible(&changed.join(", ")),
        Some(more) => visible(&format!("{} and {more} more", changed[..MOST].join(", "))),
    }
}
