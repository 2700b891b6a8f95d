//! What other programs count: each thing that was looked at, and how it is. What differs or does not hold has failed, what
//! could not be read is an error, and what could not be tried was skipped.

use super::Planned;
use crate::{
    model::HostName,
    plan::{PlanDocument, StepDocument},
    verify::{RestartProof, TableDifference, Verdict, VerifyReport},
    words::{self, verified},
};

/// How a case ended.
pub(super) enum Outcome {
    /// It is as it should be.
    Passed,
    /// The type of the failure, and what is said of it.
    Failed(&'static str, Vec<String>),
    /// It could not be looked at.
    Error(String),
    /// It could not be tried.
    Skipped(String),
}

/// One thing that was looked at.
pub(super) struct Case {
    /// What it is.
    pub name: String,
    /// How it is.
    pub outcome: Outcome,
}

/// A case for each host of a plan.
pub(super) fn of_plan(planned: &Planned<'_>) -> Vec<Case> {
    let mut hosts = planned.hosts.clone();
    hosts.extend(planned.document.refused.iter().map(|refused| refused.host.clone()));
    let cases = hosts.iter().map(|host| {
        let of = |at: &HostName| at == host;
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
    cases.collect()
}

fn steps<'a>(document: &'a PlanDocument, host: &'a str) -> impl Iterator<Item = String> + 'a {
    let told = |step: &StepDocument| words::summary(step);
    document.steps.iter().filter(move |step| step.host.as_str() == host).map(told)
}

fn findings<'a>(document: &'a PlanDocument, host: &'a str) -> impl Iterator<Item = String> + 'a {
    let differs = document.warnings.iter().filter(move |w| w.drift.is_some() && w.host.as_str() == host);
    differs.map(|warning| format!("{} [{}]", warning.text, warning.code))
}

/// A case for each channel, port, restart, and pair of hosts whose tables were compared.
pub(super) fn of_proof(report: &VerifyReport) -> Vec<Case> {
    let mut cases = Vec::new();
    for down in &report.down {
        let outcome = Outcome::Failed("down", vec![verified::host(down)]);
        cases.push(Case { name: format!("server of {}", down.host), outcome });
    }
    for unread in &report.not_read {
        cases.push(Case {
            name: format!("server of {}", unread.host),
            outcome: Outcome::Error(verified::host(unread)),
        });
    }
    for proof in &report.channels {
        let why = proof.problem.as_ref().map(verified::unproven).unwrap_or_default();
        cases.push(case(
            &format!("channel {} -> {} {}", proof.source, proof.replica, proof.name),
            proof.verdict,
            why,
        ));
    }
    if let Some(proof) = &report.ids {
        let why = proof.problem.as_ref().map(verified::collision).unwrap_or_default();
        cases.push(case("numbers of AUTO_INCREMENT", proof.verdict, why));
    }
    for proof in &report.ports {
        let wish = if proof.wished_open { "open" } else { "shut" };
        let name = format!(
            "port {} of {} is {wish} to {}",
            proof.endpoint,
            proof.host,
            verified::vantage(&proof.from)
        );
        cases.push(case(&name, proof.verdict, verified::port(&proof.outcome)));
    }
    for proof in &report.restarts {
        let RestartProof { host, verdict, problem, .. } = proof;
        let why = problem.as_ref().map(verified::restart).unwrap_or_default();
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
        cases.push(Case { name: "run".to_owned(), outcome: Outcome::Error(verified::remark(error)) });
    }
    for what in &report.unmatched {
        cases.push(Case {
            name: "command line".to_owned(),
            outcome: Outcome::Error(verified::unmatched(what)),
        });
    }
    cases
}

fn differing(table: &TableDifference) -> String {
    match &table.problem {
        Some(problem) => format!("{}: {}", table.table, verified::table(problem)),
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
