//! For a comment of a merge request: the gist, then a fold for each host.

use std::{collections::BTreeSet, fmt::Write};

use super::{
    Planned,
    cases::{self, Case, Outcome},
};
use crate::{
    model::{HostName, masked},
    plan::{PlanDocument, Risk},
    render::{paint::plain, picture, plan as shown, verify as verified},
    verify::VerifyReport,
    words,
};

/// Characters of a whole document. GitHub takes comments of 65 536; the caller may add some of its own.
const ROOM: usize = 60_000;
/// Columns of the folds.
const WIDTH: usize = 100;

/// A plan.
pub(super) fn plan(planned: &Planned<'_>) -> String {
    let Planned { playbook, document, unread, .. } = planned;
    let mut text = format!("### tandem: {}\n\n", code(playbook));
    let _ = writeln!(text, "**{}**\n", escaped(plain(&shown::last_line(document)).trim()));
    for refusal in &document.refused {
        let told = words::whole(&refusal.reason, &[]);
        item("Refused", &refusal.host, &told, Some(&refusal.code), &mut text);
    }
    for (host, why) in unread.iter() {
        item("Not read", host, why, None, &mut text);
    }
    for waiting in document.waiting.iter().filter(|w| !unread.contains_key(&w.host)) {
        item("Waiting", &waiting.host, &waiting.reason, Some(&waiting.code), &mut text);
    }
    for warning in document.warnings.iter().filter(|w| w.drift.is_some()) {
        item("Differs", &warning.host, &warning.text, Some(&warning.code), &mut text);
    }
    for (host, told) in risks(document) {
        item("Risk", host, &told, None, &mut text);
    }
    if text.ends_with("\n\n") {
        text.pop();
    }
    let view = shown::PlanView { width: WIDTH, ..shown::PlanView::default() };
    for host in shown::hosts(document) {
        let steps = document.steps.iter().filter(|step| step.host == *host).count();
        let title = format!("{host}: {}", shown::count(steps, "step"));
        fold(&title, &shown::host_steps(document, host, view), &mut text);
    }
    let others: Vec<String> = document
        .warnings
        .iter()
        .filter(|warning| warning.drift.is_none())
        .map(|warning| format!("{}: {}  [{}]", warning.host, warning.text, warning.code))
        .collect();
    if !others.is_empty() {
        fold("Worth knowing", &others.join("\n"), &mut text);
    }
    masked(text)
}

/// What steps can disrupt, each said once for a host.
fn risks(document: &PlanDocument) -> Vec<(&HostName, String)> {
    let mut told: BTreeSet<(&HostName, &str)> = BTreeSet::new();
    let all = document.steps.iter().flat_map(|step| step.risk.iter().map(move |risk| (&step.host, risk)));
    let needs = all.filter(|(_, risk)| risk.allow.is_some() || matches!(risk.what, Risk::Restart { .. }));
    needs
        .filter(|(host, risk)| told.insert((host, &risk.text)))
        .map(|(host, risk)| match risk.allow {
            Some(allow) => (host, format!("{} (`--allow {allow}`)", risk.text)),
            None => (host, risk.text.clone()),
        })
        .collect()
}

/// What was proven.
pub(super) fn verify(report: &VerifyReport) -> String {
    let whole = verified(report, false);
    let gist = plain(whole.lines().last().unwrap_or_default());
    let mut text = format!("### tandem verify\n\n**{}**\n", escaped(gist.trim()));
    for Case { name, outcome } in cases::of_proof(report) {
        let (what, why) = match outcome {
            Outcome::Failed(_, said) => ("FAILED", said.join("; ")),
            Outcome::Error(why) => ("Error", why),
            Outcome::Passed | Outcome::Skipped(_) => continue,
        };
        let _ = writeln!(text, "\n- **{what}** {}: {}", escaped(&name), escaped(&one_line(&why)));
    }
    fold("All that was tried", &whole, &mut text);
    masked(text)
}

fn item(what: &str, host: &HostName, told: &str, code_of: Option<&str>, text: &mut String) {
    let code_of = code_of.map(|code| format!(" `[{code}]`")).unwrap_or_default();
    let _ = writeln!(text, "- **{what}** {}: {}{code_of}", code(host.as_str()), escaped(&one_line(told)));
}

/// A fold, or its title alone where it would be too long for the whole.
fn fold(title: &str, content: &str, text: &mut String) {
    let content = plain(content);
    let fence = fence(&content);
    let folded = format!(
        "\n<details><summary>{}</summary>\n\n{fence}text\n{}\n{fence}\n\n</details>\n",
        // This line is HTML, in which a backslash is one.
        picture::escaped(title),
        content.trim_end()
    );
    if text.len() + folded.len() <= ROOM {
        text.push_str(&folded);
    } else {
        let _ = writeln!(text, "\n{} (too long for a comment)", escaped(title));
    }
}

/// A fence that the content does not end.
fn fence(content: &str) -> String {
    "`".repeat((longest_run(content) + 1).max(3))
}

/// The most backticks that stand together.
fn longest_run(content: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in content.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

fn one_line(text: &str) -> String {
    plain(text).lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// As a span of code, where no signs count.
fn code(text: &str) -> String {
    let fence = "`".repeat(longest_run(text) + 1);
    format!("{fence}{text}{fence}")
}

/// A sentence: spans of code stay, and nothing in it is taken for HTML, a list, a mention or a picture.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_code = false;
    // A backtick that has no partner begins no code, and what follows it would count.
    let paired = text.chars().filter(|c| *c == '`').count() % 2 == 0;
    for c in text.chars() {
        match c {
            '`' if paired => in_code = !in_code,
            '`' => out.push('\\'),
            '<' | '>' | '&' | '*' | '_' | '[' | ']' | '!' | '#' | '|' | '\\' | '~' if !in_code => {
                out.push('\\');
            }
            // A mention would write to somebody.
            '@' if !in_code => {
                out.push_str("&#64;");
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_for_nothing_else() {
        assert_eq!(escaped("a <b> `c*d` @team *x*"), r"a \<b\> `c*d` &#64;team \*x\*");
        assert_eq!(escaped("of `t @team <b>"), r"of \`t &#64;team \<b\>");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(fence("x ``` y"), "````");
    }

    #[test]
    fn what_is_too_long_is_named() {
        let mut text = String::new();
        fold("db-a: 1 step", &"x".repeat(ROOM), &mut text);
        assert!(text.len() < 100, "{text}");
        fold("db_b: 1 step", "y", &mut text);
        assert!(text.contains("<summary>db_b: 1 step</summary>"), "{text}");
        assert!(text.ends_with("</details>\n"), "{text}");
    }
}
