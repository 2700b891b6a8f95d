//! A plan as JSON: the one form that machines read, people are shown, and files keep.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Action, Ignored, Kind, Plan, Refusal, Risk, RiskDocument, RiskKind, Step, StepId, Waiting, Warning,
};
use crate::model::HostName;

/// Version of the format: a minor step only adds, a major one may change what is there.
pub const FORMAT_VERSION: &str = "2.0";

/// A plan as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanDocument {
    /// See [`FORMAT_VERSION`].
    pub format_version: String,
    /// Whether nothing is to be done.
    pub in_sync: bool,
    /// Counts.
    pub summary: Summary,
    /// Steps in an order in which they may run.
    pub steps: Vec<StepDocument>,
    /// Hosts or wishes for which nothing is planned.
    pub waiting: Vec<WaitingDocument>,
    /// What was refused.
    pub refused: Vec<RefusedDocument>,
    /// What is worth knowing and changes nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// What `drift` left out, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<Ignored>,
    /// What a saved plan was made from, so that it can be made again and compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Inputs>,
}

/// Something that waits, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingDocument {
    /// The host.
    pub host: HostName,
    /// A stable word for machines, such as `source-not-read`.
    pub code: String,
    /// What it waits for.
    pub reason: String,
}

impl From<&Waiting> for WaitingDocument {
    fn from(waiting: &Waiting) -> Self {
        Self {
            host: waiting.host.clone(),
            code: waiting.why.code().to_owned(),
            reason: crate::render::words::waits(waiting),
        }
    }
}

/// A refusal as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefusedDocument {
    /// The host.
    pub host: HostName,
    /// A stable word for machines, such as `data-on-both`.
    pub code: String,
    /// Why, and what to do instead.
    pub reason: String,
}

impl From<&Refusal> for RefusedDocument {
    fn from(refusal: &Refusal) -> Self {
        Self {
            host: refusal.host.clone(),
            code: refusal.why.code().to_owned(),
            reason: crate::render::words::refused(refusal),
        }
    }
}

/// Counts of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Steps.
    pub steps: usize,
    /// Restarts of servers among them.
    pub restarts: usize,
    /// Hosts that have steps.
    pub hosts: usize,
    /// What becomes of data that exists on one host only.
    pub data: DataEffect,
}

/// What becomes of data that exists on one host only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DataEffect {
    /// No step replaces any.
    Kept,
    /// A step replaces some.
    Replaced,
}

/// The files and options a plan was made from. No values, no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Inputs {
    /// The directory that relative paths start from.
    pub directory: String,
    /// Inventory paths as they were given.
    pub inventory: Vec<String>,
    /// Playbook as it was named.
    pub playbook: String,
    /// `--limit`, if it was given.
    pub limit: Option<String>,
    /// `-e NAME=VALUE` as they were given; of a secret the name alone, whose value `apply` has to be given again.
    pub extra: Vec<String>,
    /// Words of `--allow` that the plan was made with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// The version of the program that made the plan.
    pub tool: String,
}

/// A step as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepDocument {
    /// Its name in the plan.
    pub id: StepId,
    /// Where.
    pub host: HostName,
    /// The family.
    pub kind: Kind,
    /// What, in one line.
    pub summary: String,
    /// Why, each with its place.
    pub reason: Vec<String>,
    /// What is there now.
    pub before: Option<String>,
    /// What will be there.
    pub after: Option<String>,
    /// What it can disrupt.
    pub risk: Vec<RiskDocument>,
    /// What must be done first.
    pub requires: Vec<StepId>,
}

impl From<&Plan> for PlanDocument {
    fn from(plan: &Plan) -> Self {
        let hosts: BTreeSet<&HostName> = plan.steps.iter().map(|s| &s.host).collect();
        let restarts = plan
            .steps
            .iter()
            .filter(|s| match &s.action {
                Action::Restart { .. } => true,
                Action::Seed(seed) => seed.method.is_whole(),
                _ => false,
            })
            .count();
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            in_sync: plan.in_sync(),
            summary: Summary {
                steps: plan.steps.len(),
                restarts,
                hosts: hosts.len(),
                data: data_effect(plan.steps.iter().flat_map(|s| &s.risk).map(Risk::kind)),
            },
            steps: plan.steps.iter().map(StepDocument::from).collect(),
            waiting: plan.waiting.iter().map(WaitingDocument::from).collect(),
            refused: plan.refused.iter().map(RefusedDocument::from).collect(),
            warnings: plan.warnings.clone(),
            ignored: Vec::new(),
            inputs: None,
        }
    }
}

impl From<&Step> for StepDocument {
    fn from(step: &Step) -> Self {
        Self {
            id: step.id.clone(),
            host: step.host.clone(),
            kind: step.kind,
            summary: step.summary.clone(),
            reason: step.reason.iter().map(ToString::to_string).collect(),
            before: step.before.clone(),
            after: step.after.clone(),
            risk: step.risk.iter().map(RiskDocument::from).collect(),
            requires: step.requires.clone(),
        }
    }
}

fn data_effect(mut risks: impl Iterator<Item = RiskKind>) -> DataEffect {
    match risks.any(|kind| kind == RiskKind::ReplacesData) {
        true => DataEffect::Replaced,
        false => DataEffect::Kept,
    }
}

impl StepDocument {
    /// Whether a risk of this kind is among its own.
    pub fn risks(&self, kind: RiskKind) -> bool {
        self.risk.iter().any(|risk| risk.kind == kind)
    }

    /// The step without what changes from second to second on a server that is in use: sizes of data
    /// and numbers of sessions. Whether there are any sessions at all stays.
    fn settled(&self) -> Self {
        let mut step = self.clone();
        if step.kind == Kind::Seed
            && let Some((text, _size)) = step.summary.rsplit_once(" (")
        {
            step.summary = text.to_owned();
        }
        step.risk.retain(|risk| risk.kind != RiskKind::CopyLoad);
        for risk in step.risk.iter_mut().filter(|r| r.kind == RiskKind::Restart && r.allow.is_some()) {
            risk.text = "client sessions are cut".to_owned();
        }
        step
    }
}

/// Why a saved plan can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// It is not JSON of a plan.
    #[error("line {line}, column {column}: {what}")]
    Malformed {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        what: String,
    },
    /// It comes from a later program.
    #[error("it has format version {0}, this program reads {FORMAT_VERSION}")]
    Version(String),
}

impl PlanDocument {
    /// Reads a saved plan.
    ///
    /// # Errors
    /// When the text is no plan, or one of another major version.
    pub fn parse(text: &str) -> Result<Self, PlanFileError> {
        let malformed = |error: serde_json::Error| PlanFileError::Malformed {
            line: error.line(),
            column: error.column(),
            what: error.to_string().split(" at line ").next().unwrap_or_default().to_owned(),
        };
        let value: serde_json::Value = serde_json::from_str(text).map_err(malformed)?;
        let version = value.get("format_version").and_then(|v| v.as_str()).unwrap_or("none");
        if version.split('.').next() != FORMAT_VERSION.split('.').next() {
            return Err(PlanFileError::Version(version.to_owned()));
        }
        serde_json::from_str(text).map_err(malformed)
    }

    /// The same with every text that is made for people passed through `words`, and names that hold text from outside.
    #[must_use]
    pub fn reworded(mut self, words: impl Fn(&str) -> String) -> Self {
        for step in &mut self.steps {
            let shown = [&mut step.before, &mut step.after].into_iter().flatten();
            let names = step.requires.iter_mut().chain([&mut step.id]).map(|id| &mut id.0);
            for text in shown
                .chain([&mut step.summary])
                .chain(&mut step.reason)
                .chain(step.risk.iter_mut().map(|r| &mut r.text))
                .chain(names)
            {
                *text = words(text);
            }
        }
        let waiting = self.waiting.iter_mut().map(|w| &mut w.reason);
        let refused = self.refused.iter_mut().map(|r| &mut r.reason);
        let warnings = self.warnings.iter_mut().map(|w| &mut w.text);
        waiting.chain(refused).chain(warnings).for_each(|text| *text = words(text));
        self
    }

    /// What becomes of data that exists on one host only: by the steps that are there, whatever the summary says.
    pub fn data(&self) -> DataEffect {
        data_effect(self.steps.iter().flat_map(|s| &s.risk).map(|r| r.kind))
    }

    /// The first way in which a fresh plan differs from this one, in words; `None` if they are the same.
    pub fn first_difference(&self, fresh: &PlanDocument) -> Option<String> {
        for step in &self.steps {
            match fresh.steps.iter().find(|s| s.id == step.id) {
                None => return Some(format!("{}: \"{}\" is not needed any more", step.id, step.summary)),
                Some(now) if now.before != step.before => {
                    return Some(format!(
                        "{}: what is there now has changed since the plan was made",
                        step.id
                    ));
                }
                Some(now) if now.settled() != step.settled() => {
                    return Some(format!("{}: it would now be \"{}\"", step.id, now.summary));
                }
                Some(_) => {}
            }
        }
        if let Some(new) = fresh.steps.iter().find(|s| !self.steps.iter().any(|old| old.id == s.id)) {
            return Some(format!("{}: \"{}\" is needed in addition", new.id, new.summary));
        }
        if self.refused != fresh.refused || self.waiting != fresh.waiting {
            return Some("what is refused or waits has changed".to_owned());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_plan_is_the_documented_object() {
        let json = serde_json::to_string(&PlanDocument::from(&Plan::default())).unwrap_or_default();
        assert_eq!(
            json,
            r#"{"format_version":"2.0","in_sync":true,"summary":{"steps":0,"restarts":0,"hosts":0,"data":"kept"},"steps":[],"waiting":[],"refused":[]}"#
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = PlanDocument::parse(&text);
        }
    }
}
