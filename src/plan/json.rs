//! A plan as JSON: the one form that machines read, people are shown, and files keep.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Allow, Because, Change, DriftKind, Ignored, Kind, Next, Risk, State, StepId};
use crate::model::{HostName, Place};

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
    /// Hosts that accept writes of clients now. One that was not read is not among them.
    pub writers: Vec<HostName>,
    /// Steps in an order in which they may run.
    pub steps: Vec<StepDocument>,
    /// Hosts or wishes for which nothing is planned.
    pub waiting: Vec<WaitingDocument>,
    /// What was refused.
    pub refused: Vec<RefusedDocument>,
    /// What is worth knowing and changes nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<WarningDocument>,
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
    /// The code of what is wrong with its channel, where it waits for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What it waits for.
    pub reason: String,
}

/// A refusal as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefusedDocument {
    /// The host.
    pub host: HostName,
    /// A stable word for machines, such as `data-on-both`.
    pub code: String,
    /// The code of what is wrong with its channel, where it is refused for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Where what is refused is declared; null where nothing is declared in one place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceDocument>,
    /// Why, and what to do instead.
    pub reason: String,
    /// What stands below it, a line for each: user's data may stand in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// What to do, each a way out by itself.
    pub next: Vec<Next>,
}

/// Something worth knowing, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WarningDocument {
    /// The host, or the first of two.
    pub host: HostName,
    /// A stable word for machines, such as `no-primary-key`.
    pub code: String,
    /// What, and what may come of it.
    pub text: String,
    /// What stands below it, a line for each: user's data may stand in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// As what `drift` counts it as a difference; left out where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftKind>,
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

impl DataEffect {
    /// What becomes of it where steps carry these risks.
    pub fn of<'r>(mut risks: impl Iterator<Item = &'r Risk>) -> Self {
        match risks.any(Risk::replaces_data) {
            true => DataEffect::Replaced,
            false => DataEffect::Kept,
        }
    }
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
    /// What, in one line, without what changes from second to second on a server that is in use.
    pub summary: String,
    /// Estimated bytes of a copy before compression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The position of this moment at which a channel begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// Why.
    pub reason: Vec<ReasonDocument>,
    /// What is there now.
    pub before: Option<State>,
    /// What will be there.
    pub after: Option<State>,
    /// What it can disrupt.
    pub risk: Vec<RiskDocument>,
    /// What must be done first.
    pub requires: Vec<StepId>,
}

/// A reason as it is written: why, a text for people, and where it is declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReasonDocument {
    /// Why.
    #[serde(flatten)]
    pub because: Because,
    /// For people.
    pub text: String,
    /// Where it is declared; null where it follows from other steps or from what was observed.
    pub place: Option<PlaceDocument>,
}

/// A place in a file as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlaceDocument {
    /// The file as it was named.
    pub file: String,
    /// The line, from 1; null where only the file is known.
    pub line: Option<u32>,
}

impl From<&Place> for PlaceDocument {
    fn from(place: &Place) -> Self {
        Self { file: place.file.to_string(), line: (place.line > 0).then_some(place.line) }
    }
}

impl fmt::Display for PlaceDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

/// A risk as it is written: what it is, the word that allows it, and a text for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RiskDocument {
    /// What it is.
    #[serde(flatten)]
    pub what: Risk,
    /// The word of `--allow` without which the step is refused; null where nothing has to be allowed.
    pub allow: Option<Allow>,
    /// For people.
    pub text: String,
}

impl StepDocument {
    /// What it can disrupt.
    pub fn risks(&self) -> impl Iterator<Item = &Risk> {
        self.risk.iter().map(|risk| &risk.what)
    }

    /// Values that it changes, by name; those of a new thing are in `after` alone.
    pub fn changes(&self) -> Vec<Change<'_>> {
        let before = self.before.as_ref().and_then(State::values);
        let after = self.after.as_ref().and_then(State::values);
        before.zip(after).map(|(before, after)| Change::between(before, after)).unwrap_or_default()
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
        let value: Value = serde_json::from_str(text).map_err(malformed)?;
        let version = value.get("format_version").and_then(|v| v.as_str()).unwrap_or("none");
        if version.split('.').next() != FORMAT_VERSION.split('.').next() {
            return Err(PlanFileError::Version(version.to_owned()));
        }
        serde_json::from_str(text).map_err(malformed)
    }

    /// The same with every text passed through `words`: sentences, values, and names that come from outside.
    ///
    /// # Errors
    /// When nothing that can be read comes of it. It is never handed over as it was instead.
    pub fn reworded(self, words: impl Fn(&str) -> String) -> Result<Self, serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
        reword(&mut value, &words);
        serde_json::from_value(value)
    }

    /// What becomes of data that exists on one host only: by the steps that are there, whatever the summary says.
    pub fn data(&self) -> DataEffect {
        DataEffect::of(self.steps.iter().flat_map(StepDocument::risks))
    }
}

/// Keys whose values are words of this program: no text from outside stands there.
const OURS: [&str; 12] = [
    "allow",
    "applier",
    "code",
    "data",
    "drift",
    "format_version",
    "hidden",
    "host",
    "kept",
    "kind",
    "layer",
    "receiver",
];

fn reword(value: &mut Value, words: &impl Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = words(text),
        Value::Array(items) => items.iter_mut().for_each(|item| reword(item, words)),
        Value::Object(fields) => {
            let texts = fields.iter_mut().filter(|(key, _)| !OURS.contains(&key.as_str()));
            texts.for_each(|(_, value)| reword(value, words));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls `found` for each property that takes words of a closed list alone.
    fn closed(schema: &Value, whole: &Value, found: &mut impl FnMut(&str)) {
        for (name, value) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let target = value.get("$ref").and_then(Value::as_str).and_then(|r| whole.pointer(&r[1..]));
            let holds = target.unwrap_or(value);
            let listed = |schema: &Value| schema.get("enum").is_some() || schema.get("const").is_some();
            let one_of = holds.get("oneOf").and_then(Value::as_array);
            if listed(holds) || one_of.is_some_and(|all| all.iter().all(listed)) {
                found(name);
            }
        }
        match schema {
            Value::Object(fields) => fields.values().for_each(|below| closed(below, whole, found)),
            Value::Array(items) => items.iter().for_each(|below| closed(below, whole, found)),
            _ => {}
        }
    }

    #[test]
    fn no_secret_can_take_the_place_of_a_word_of_ours() {
        let schema = schemars::schema_for!(PlanDocument).to_value();
        let mut seen = Vec::new();
        closed(&schema, &schema, &mut |name| seen.push(name.to_owned()));
        assert!(seen.iter().any(|name| name == "kind") && seen.iter().any(|name| name == "data"), "{seen:?}");
        seen.retain(|name| !OURS.contains(&name.as_str()));
        assert!(seen.is_empty(), "{seen:?}");
    }

    #[test]
    fn a_masked_plan_shows_the_text_nowhere() {
        let text = include_str!("../../tests/planner/plan-2.0.json");
        let document = PlanDocument::parse(text).expect("a plan");
        let masked = document.clone().reworded(|text| text.replace("repl_user", "***")).expect("a plan");
        assert!(!serde_json::to_string(&masked).expect("JSON").contains("repl_user"));
        assert_eq!(masked.steps[0].kind, document.steps[0].kind);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = PlanDocument::parse(&text);
        }
    }
}
