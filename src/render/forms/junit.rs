//! For a pipeline: a case for each host, or for each thing that was tried. What differs or does not hold has failed, what
//! could not be read is an error, and what could not be tried was skipped.

use std::fmt::{Display, Write};

use super::Planned;
use crate::{
    model::masked,
    plan::{PlanDocument, StepDocument},
    render::{paint::plain, picture::escaped},
    verify::{RestartProof, TableDifference, Verdict, VerifyReport},
    words,
};

/// How a case ended.
enum Outcome {
    Passed,
    /// The type of the failure, and what is said of it.
    Failed(&'static str, Vec<String>),
    /// It could not be looked at.
    Error(String),
    Skipped(String),
}

struct Case {
    name: String,
    outcome: Outcome,
}

/// A plan: a case for each host.
pub fn plan(planned: &Planned<'_>) -> String {
    let mut hosts = planned.hosts.clone();
    hosts.extend(planned.document.refused.iter().map(|refused| refused.host.clone()));
    let cases = hosts.iter().map(|host| {
        let of = |at: &crate::model::HostName| at == host;
        let document = planned.document;
        let refused: Vec<String> = document
            .refused
            .iter()
            .filter(|r| of(&r.host))
            .map(|r| format!("refused: {} [{}]", r.reason, r.code))
            .collect();
        let differs: Vec<String> =
            steps(document, host.as_str()).chain(findings(document, host.as_str())).collect();
        let waiting: Vec<String> = document
            .waiting
            .iter()
            .filter(|w| of(&w.host))
            .map(|w| format!("waits: {} [{}]", w.reason, w.code))
            .collect();
        let outcome = match planned.unread.get(host) {
            Some(why) => Outcome::Error(why.clone()),
            None if !refused.is_empty() => Outcome::Failed("refused", [refused, differs].concat()),
            None if !differs.is_empty() => Outcome::Failed("differs", differs),
            None if !waiting.is_empty() => Outcome::Failed("waiting", waiting),
            None => Outcome::Passed,
        };
        Case { name: host.to_string(), outcome }
    });
    suite(planned.playbook, &cases.collect::<Vec<_>>())
}

fn steps<'a>(document: &'a PlanDocument, host: &'a str) -> impl Iterator<Item = String> + 'a {
    let told = |step: &StepDocument| words::summary(step);
    document.steps.iter().filter(move |step| step.host.as_str() == host).map(told)
}

fn findings<'a>(document: &'a PlanDocument, host: &'a str) -> impl Iterator<Item = String> + 'a {
    let differs = document.warnings.iter().filter(move |w| w.drift.is_some() && w.host.as_str() == host);
    differs.map(|warning| format!("{} [{}]", warning.text, warning.code))
}

/// What was proven: a case for each channel, port, restart, and pair of hosts whose tables were compared.
pub fn verify(report: &VerifyReport) -> String {
    let mut cases = Vec::new();
    let said = |problem: Option<&dyn Display>| problem.map(ToString::to_string).unwrap_or_default();
    for down in &report.down {
        let outcome = Outcome::Failed("down", vec![down.to_string()]);
        cases.push(Case { name: format!("server of {}", down.host), outcome });
    }
    for unread in &report.not_read {
        cases.push(Case {
            name: format!("server of {}", unread.host),
            outcome: Outcome::Error(unread.to_string()),
        });
    }
    for proof in &report.channels {
        let why = said(proof.problem.as_ref().map(|p| p as &dyn Display));
        cases.push(case(
            &format!("channel {} -> {} {}", proof.source, proof.replica, proof.name),
            proof.verdict,
            why,
        ));
    }
    if let Some(proof) = &report.ids {
        let why = said(proof.problem.as_ref().map(|p| p as &dyn Display));
        cases.push(case("numbers of AUTO_INCREMENT", proof.verdict, why));
    }
    for proof in &report.ports {
        let wish = if proof.wished_open { "open" } else { "shut" };
        let name = format!("port {} of {} is {wish} to {}", proof.endpoint, proof.host, proof.from);
        cases.push(case(&name, proof.verdict, proof.said.clone()));
    }
    for proof in &report.restarts {
        let RestartProof { host, verdict, problem, .. } = proof;
        let why = said(problem.as_ref().map(|p| p as &dyn Display));
        cases.push(case(&format!("restart of {host}"), *verdict, why));
    }
    for proof in &report.data {
        let why: Vec<String> = proof.differing.iter().map(differing).collect();
        cases.push(case(
            &format!("tables of {} and {}", proof.source, proof.replica),
            proof.verdict,
            why.join("\n"),
        ));
    }
    for error in &report.errors {
        cases.push(Case { name: "run".to_owned(), outcome: Outcome::Error(error.to_string()) });
    }
    for what in &report.unmatched {
        cases.push(Case { name: "command line".to_owned(), outcome: Outcome::Error(what.clone()) });
    }
    suite("verify", &cases)
}

fn differing(table: &TableDifference) -> String {
    match &table.problem {
        Some(problem) => format!("{}: {problem}", table.table),
        None => {
            let least = if table.at_least { "at least " } else { "" };
            format!("{}: {least}{} rows differ", table.table, table.count)
        }
    }
}

fn case(name: &str, verdict: Verdict, why: String) -> Case {
    let outcome = match verdict {
        Verdict::Proven => Outcome::Passed,
        Verdict::Failed => Outcome::Failed("failed", vec![why]),
        Verdict::NotProvable => Outcome::Skipped(why),
    };
    Case { name: name.trim_end().to_owned(), outcome }
}

fn suite(name: &str, cases: &[Case]) -> String {
    let count = |which: fn(&Outcome) -> bool| cases.iter().filter(|case| which(&case.outcome)).count();
    let (failures, errors, skipped) = (
        count(|outcome| matches!(outcome, Outcome::Failed(..))),
        count(|outcome| matches!(outcome, Outcome::Error(_))),
        count(|outcome| matches!(outcome, Outcome::Skipped(_))),
    );
    let numbers =
        format!(r#"tests="{}" failures="{failures}" errors="{errors}" skipped="{skipped}""#, cases.len());
    let name = attribute(name);
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(text, r#"<testsuites name="tandem" {numbers}>"#);
    let _ = writeln!(text, r#"  <testsuite name="{name}" {numbers}>"#);
    for Case { name: of, outcome } in cases {
        let _ = write!(text, r#"    <testcase classname="{name}" name="{}""#, attribute(of));
        let _ = match outcome {
            Outcome::Passed => writeln!(text, "/>"),
            Outcome::Failed(kind, said) => {
                let first = said.first().map(String::as_str).unwrap_or_default();
                let all = content(&said.join("\n"));
                writeln!(
                    text,
                    ">\n      <failure type=\"{kind}\" message=\"{}\">{all}</failure>\n    </testcase>",
                    attribute(first)
                )
            }
            Outcome::Error(why) => {
                writeln!(text, ">\n      <error message=\"{}\"/>\n    </testcase>", attribute(why))
            }
            Outcome::Skipped(why) => {
                writeln!(text, ">\n      <skipped message=\"{}\"/>\n    </testcase>", attribute(why))
            }
        };
    }
    text.push_str("  </testsuite>\n</testsuites>\n");
    text
}

/// In an attribute a line break as it is would become a space.
fn attribute(text: &str) -> String {
    lines(text, "&#10;")
}

fn content(text: &str) -> String {
    lines(text, "\n")
}

fn lines(text: &str, between: &str) -> String {
    masked(plain(text)).lines().map(escaped).collect::<Vec<_>>().join(between)
}
