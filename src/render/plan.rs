//! A plan as text for people, from the same value that is written as JSON.

use std::{collections::BTreeSet, fmt::Write};

use super::{
    diff::change,
    paint::{ACTION, ADDED, ALARM, CHANGED, HEADING, QUIET, REMOVED, paint},
    prose::sentence,
};
use crate::{
    model::HostName,
    plan::{Because, DataEffect, DriftKind, Kind, PlanDocument, ReasonDocument, Risk, StepDocument},
    words,
};

/// How much of a plan is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanView {
    /// Only the last line.
    pub brief: bool,
    /// Every step's name and everything that it waits for.
    pub names: bool,
    /// Columns into which sentences are to fit.
    pub width: usize,
}

impl Default for PlanView {
    fn default() -> Self {
        Self { brief: false, names: false, width: usize::MAX }
    }
}

/// What a step is, by the sign before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    Change,
    Create,
    Remove,
    Act,
    Interrupt,
}

impl Sign {
    fn of(step: &StepDocument) -> Self {
        let interrupts =
            step.risks().any(|risk| matches!(risk, Risk::Restart { .. } | Risk::CutClients { .. }));
        match (step.kind, &step.before, &step.after) {
            _ if interrupts => Sign::Interrupt,
            (Kind::Seed, Some(_), None) => Sign::Remove,
            (Kind::Seed | Kind::Compare | Kind::Service | Kind::Command, ..) => Sign::Act,
            (_, None, None) => Sign::Act,
            (_, None, Some(_)) => Sign::Create,
            (_, Some(_), None) => Sign::Remove,
            _ => Sign::Change,
        }
    }

    fn painted(self) -> String {
        match self {
            Sign::Change => paint(CHANGED, "~"),
            Sign::Create => paint(ADDED, "+"),
            Sign::Remove => paint(REMOVED, "-"),
            Sign::Act => paint(ACTION, ">"),
            Sign::Interrupt => paint(ALARM, "!"),
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Sign::Change => "change",
            Sign::Create => "create",
            Sign::Remove => "remove",
            Sign::Act => "action",
            Sign::Interrupt => "interrupts service",
        }
    }
}

/// The text of a plan.
pub fn plan(document: &PlanDocument, view: PlanView) -> String {
    let mut text = String::new();
    writers(document, view.width, &mut text);
    if !view.brief {
        steps(document, view, &mut text);
        notices(document, view.width, &mut text);
    }
    text.push_str(&last_line(document));
    if !view.brief && !document.steps.is_empty() {
        let signs: BTreeSet<Sign> = document.steps.iter().map(Sign::of).collect();
        let legend: Vec<String> =
            signs.into_iter().map(|s| format!("{} {}", s.painted(), s.meaning())).collect();
        let _ = writeln!(text, "  {}", legend.join("   "));
    }
    text
}

fn steps(document: &PlanDocument, view: PlanView, text: &mut String) {
    for host in hosts(document) {
        let _ = writeln!(text, "{}", paint(HEADING, host));
        text.push_str(&host_steps(document, host, view));
        text.push('\n');
    }
}

/// Hosts that have steps, in the order in which these begin.
pub(super) fn hosts(document: &PlanDocument) -> Vec<&HostName> {
    let mut hosts: Vec<&HostName> = Vec::new();
    for step in &document.steps {
        if !hosts.contains(&&step.host) {
            hosts.push(&step.host);
        }
    }
    hosts
}

/// The steps of a host.
pub(super) fn host_steps(document: &PlanDocument, host: &HostName, view: PlanView) -> String {
    let mut text = String::new();
    for step in document.steps.iter().filter(|s| s.host == *host) {
        of_step(document, step, view, &mut text);
    }
    text
}

fn of_step(document: &PlanDocument, step: &StepDocument, view: PlanView, text: &mut String) {
    let name = if view.names { paint(QUIET, format_args!("  [{}]", step.id)) } else { String::new() };
    let lines = change(step);
    let inline = match lines.as_slice() {
        [line] if step.before.is_some() && step.after.is_some() => format!("  {line}"),
        _ => String::new(),
    };
    let (sign, what) = (Sign::of(step).painted(), words::summary(step));
    let _ = writeln!(text, "  {sign} {what}{inline}{name}");
    if inline.is_empty() {
        for line in lines {
            let _ = writeln!(text, "        {line}");
        }
    }
    let said_before = document.steps.iter().take_while(|s| s.id != step.id).any(|earlier| {
        earlier.host == step.host
            && step.reason.len() > 1
            && step.reason.iter().all(|one| earlier.reason.iter().any(|reason| reason == one))
    });
    let reasons = match said_before {
        true => vec!["because of the same lines".to_owned()],
        false => because(&step.reason),
    };
    for line in reasons {
        sentence("      ", 8, &paint(QUIET, line), view.width, text);
    }
    for risk in &step.risk {
        sentence("      ", 8, &format!("{} {}", paint(ALARM, "!"), risk.text), view.width, text);
    }
    // What a host does first on itself is seen from the order; what another host does first is not.
    let mut foreign: Vec<(&HostName, Vec<String>)> = Vec::new();
    let needed = step.requires.iter().filter_map(|id| document.steps.iter().find(|s| s.id == *id));
    for needed in needed.filter(|needed| view.names || needed.host != step.host) {
        let name = match view.names {
            true => needed.id.to_string(),
            false => needed.kind.to_string(),
        };
        match foreign.iter_mut().find(|(host, _)| *host == &needed.host) {
            Some((_, names)) if names.contains(&name) => {}
            Some((_, names)) => names.push(name),
            None => foreign.push((&needed.host, vec![name])),
        }
    }
    for (host, names) in foreign {
        let names = names.join(", ");
        let line = if view.names { format!("after {names}") } else { format!("after {host}: {names}") };
        sentence("      ", 8, &paint(QUIET, line), view.width, text);
    }
}

/// Reasons as few lines as possible: those of one file stand together, each with its line.
fn because(reasons: &[ReasonDocument]) -> Vec<String> {
    let mut files: Vec<(&str, Vec<(&ReasonDocument, u32)>)> = Vec::new();
    let mut lines = Vec::new();
    for reason in reasons {
        let place = reason.place.as_ref().and_then(|place| Some((place.file.as_str(), place.line?)));
        let Some((file, line)) = place else {
            lines.push(format!("because {}", words::reason(reason)));
            continue;
        };
        match files.iter_mut().find(|(f, _)| *f == file) {
            Some((_, entries)) if entries.contains(&(reason, line)) => {}
            Some((_, entries)) => entries.push((reason, line)),
            None => files.push((file, vec![(reason, line)])),
        }
    }
    for (file, entries) in files {
        lines.push(match entries.as_slice() {
            [(one, _)] => format!("because {}", words::reason(one)),
            _ => format!("because {file}: {}", entries.iter().map(entry).collect::<Vec<_>>().join(", ")),
        });
    }
    lines
}

fn entry((reason, line): &(&ReasonDocument, u32)) -> String {
    match reason.because {
        Because::Declared => format!("line {line}"),
        _ => format!("{} :{line}", reason.text),
    }
}

/// None or several hosts accept writes: that comes before everything else.
fn writers(document: &PlanDocument, width: usize, text: &mut String) {
    for warning in document.warnings.iter().filter(|warning| warning.drift == Some(DriftKind::Writers)) {
        let code = paint(QUIET, format_args!("[{}]", warning.code));
        let begin = format!("{}  ", paint(ALARM, "writers"));
        sentence(&begin, 9, &format!("{}  {code}", warning.text), width, text);
    }
}

fn notices(document: &PlanDocument, width: usize, text: &mut String) {
    if !document.waiting.is_empty() {
        let _ = writeln!(text, "{}", paint(HEADING, "waiting"));
        for waiting in &document.waiting {
            let begin = format!("  {}  ", waiting.host);
            sentence(&begin, begin.len(), &waiting.reason, width, text);
        }
        text.push('\n');
    }
    let others = || document.warnings.iter().filter(|warning| warning.drift != Some(DriftKind::Writers));
    if others().next().is_some() {
        let _ = writeln!(text, "{}", paint(HEADING, "worth knowing"));
        for warning in others() {
            let code = paint(QUIET, format_args!("[{}]", warning.code));
            let told = words::whole(&warning.text, &warning.details);
            sentence("  ", 4, &format!("{told}  {code}"), width, text);
        }
        text.push('\n');
    }
    if !document.refused.is_empty() {
        let _ = writeln!(text, "{}", paint(ALARM, "refused"));
        for refusal in &document.refused {
            let code = paint(QUIET, format_args!("[{}]", refusal.code));
            let begin = format!("  {}  ", refusal.host);
            let told = words::whole(&refusal.reason, &refusal.details);
            sentence(&begin, 6, &format!("{told}  {code}"), width, text);
        }
        text.push('\n');
    }
}

/// The one line that sums a plan up.
pub(super) fn last_line(document: &PlanDocument) -> String {
    if document.in_sync {
        return "In sync: nothing to do.\n".into();
    }
    let mut parts = Vec::new();
    let summary = &document.summary;
    if summary.steps > 0 {
        parts.push(format!("{} on {}.", count(summary.steps, "step"), count(summary.hosts, "host")));
        parts.push(match summary.restarts {
            0 => "No restart.".to_owned(),
            n => format!("{}.", count(n, "restart")),
        });
        parts.push(match document.data() {
            DataEffect::Replaced => paint(ALARM, "Data is replaced."),
            DataEffect::Kept if document.steps.iter().any(|step| step.kind == Kind::Failover) => {
                "Nothing that a replica has received is lost.".to_owned()
            }
            DataEffect::Kept => "No data is lost.".to_owned(),
        });
        let resets = |risk: &Risk| matches!(risk, Risk::ResetsBinlogs { .. });
        if document.steps.iter().flat_map(StepDocument::risks).any(resets) {
            parts.push(paint(ALARM, "Binary logs are reset."));
        }
    } else {
        parts.push("no steps.".to_owned());
    }
    let waiting: BTreeSet<&str> = document.waiting.iter().map(|w| w.host.as_str()).collect();
    if !waiting.is_empty() {
        parts.push(format!("Waiting: {}.", waiting.into_iter().collect::<Vec<_>>().join(", ")));
    }
    if !document.refused.is_empty() {
        parts.push(paint(ALARM, format_args!("{} refused.", document.refused.len())));
    }
    format!("{} {}\n", paint(HEADING, "Plan:"), parts.join(" "))
}

pub(super) fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
