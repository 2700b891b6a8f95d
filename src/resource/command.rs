//! A guarded command.

use std::convert::Infallible;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Comparison, Kind, KindName, RoleFolder, Work,
    kind::unclear,
    spec::{Texts, Wrong},
};
use crate::model::Fact;

/// a command that runs when `unless` fails
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandSpec {
    /// program and arguments, as a list
    run: Texts,
    /// program and arguments; the command is not needed where this succeeds
    unless: Texts,
}

/// A command, and the guard that says whether it is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Program and arguments.
    pub run: Vec<String>,
    /// When this succeeds the command has been done already.
    pub unless: Vec<String>,
}

/// The exit status of a guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuardStatus(i32);

impl Kind for Command {
    const WORD: &'static str = "command";
    // A shell of its own: a word of ours must not stand in for a program.
    const LOOK: &'static str = r#"sh -c '"$@"' sh "$@" >/dev/null 2>&1 </dev/null; echo $?"#;
    const APPLY: &'static str = r#"sh -c '"$@"' sh "$@" </dev/null"#;

    const AFTER: &'static [KindName] = &[KindName::Packages, KindName::File];

    type Spec = CommandSpec;
    type State = GuardStatus;
    type Obstacle = Infallible;

    fn declare(spec: CommandSpec, _: &dyn RoleFolder) -> Result<Self, Wrong> {
        let (Texts(run), Texts(unless)) = (spec.run, spec.unless);
        if run.is_empty() || unless.is_empty() {
            let what = "a list of words: a command without a guard would run again each time";
            return Err(Wrong::must_be("unless", what));
        }
        Ok(Command { run, unless })
    }

    fn name(&self) -> Option<String> {
        None
    }

    fn ask(&self) -> Vec<String> {
        self.unless.clone()
    }

    fn read(&self, answer: &str) -> Fact<GuardStatus> {
        answer.trim().parse().map_or_else(|_| unclear(answer), |status| Fact::Known(GuardStatus(status)))
    }

    fn compare(&self, now: Option<&GuardStatus>) -> Comparison<Self> {
        match now {
            Some(GuardStatus(0)) | None => Comparison::Same,
            Some(_) => Comparison::Differs(self.clone()),
        }
    }

    fn work(&self, _now: Option<&GuardStatus>) -> Work<'_> {
        Work { args: self.run.clone(), ..Work::default() }
    }

    fn what(&self) -> String {
        format!("the guard `{}`", self.unless.join(" "))
    }

    fn summary(&self, _now: Option<&GuardStatus>) -> String {
        format!("run `{}`", self.run.join(" "))
    }

    fn before(&self, now: Option<&GuardStatus>) -> Option<String> {
        now.map(|GuardStatus(status)| format!("`{}` fails with {status}", self.unless.join(" ")))
    }

    fn after(&self) -> Option<String> {
        Some(format!("`{}` succeeds", self.unless.join(" ")))
    }

    fn without_effect(&self, now: Option<&GuardStatus>) -> (String, Option<String>) {
        let status = now.map_or(0, |now| now.0);
        let next = "A command whose guard does not see its effect would run each time; correct the guard in the role.";
        let why = format!("it succeeded, but its guard `{}` still fails with {status}", self.unless.join(" "));
        (why, Some(next.to_owned()))
    }
}
