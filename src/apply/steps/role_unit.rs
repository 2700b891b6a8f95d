//! The unit that opens the recorded writer after a start of its server.

use std::time::Instant;

use crate::{
    exec::{On, SCRIPT, StepError, new_salt},
    role_unit::{RoleUnit, UNIT},
};

macro_rules! script {
    ($call:literal) => {
        concat!(include_str!("../../transport/safe.sh"), include_str!("role_unit.sh"), $call)
    };
}

const RECORD: &str = script!("record\n");
const FORGET: &str = script!("forget \"$1\"\n");
const SETTLE: &str = script!("settle \"$1\"\n");

/// Records the host as the writer, once every other host that answers has said that it accepts no writes.
pub(super) async fn record(on: On<'_>, unit: &RoleUnit) -> Result<Option<String>, StepError> {
    let tried = "record it as the writer";
    let password = on.secret(&unit.password)?.expose();
    let admin = match &unit.admin.1 {
        Some(id) => Some(on.secret(id)?.expose()),
        None => None,
    };
    let files = unit.files(password, admin);
    let mut input = format!("@@ salt\n{}\n", new_salt());
    for (name, content) in files.all() {
        input.push_str(&format!("@@ {name}\n{content}"));
    }
    let begun = Instant::now();
    let output = on.writer()?.try_run(tried, RECORD, &[], input.as_bytes(), SCRIPT).await;
    let output = output.map_err(|why| on.failed(tried, why))?;
    on.ran(tried, begun, if output.status == 0 { "ok" } else { "failed" });
    let text = output.text();
    match output.status {
        0 => Ok(silent(&text)),
        3 => Err(on.failed(tried, objections(&text)).then(format!(
            "{} starts read-only and is not opened by itself. Fix the cause, then run `tandem apply` again.",
            on.host
        ))),
        _ => Err(on.failed(tried, output.stderr.trim())),
    }
}

/// The hosts that did not answer.
fn silent(text: &str) -> Option<String> {
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    let silent: Vec<&str> = pairs.filter(|(_, state)| *state == "silent").map(|(host, _)| host).collect();
    (!silent.is_empty()).then(|| format!("without an answer from {}", silent.join(", ")))
}

fn objections(text: &str) -> String {
    let objection = |line: &str| {
        let (host, state) = line.split_once(' ')?;
        match state.split_once(' ').unwrap_or((state, "")) {
            ("open", _) => Some(format!("{host} accepts writes")),
            ("unknown", words) => Some(format!("{host} does not say whether it accepts writes: {words}")),
            _ => None,
        }
    };
    let all: Vec<String> = text.lines().filter_map(objection).collect();
    all.join("; ")
}

/// Takes the record and its unit away, or puts them aside.
pub(super) async fn forget(on: On<'_>, aside: bool) -> Result<Option<String>, StepError> {
    let tried = format!("take {UNIT} away");
    run(on, &tried, FORGET, if aside { "aside" } else { "" }).await.map(|()| None)
}

/// What becomes of a record that was put aside for a switch of writes: it counts again where the host takes them still.
pub(super) async fn settle(on: On<'_>, takes_writes: bool) -> Result<(), StepError> {
    let tried = format!("put {UNIT} back, or away for good");
    run(on, &tried, SETTLE, if takes_writes { "back" } else { "" }).await
}

async fn run(on: On<'_>, tried: &str, script: &str, word: &str) -> Result<(), StepError> {
    let begun = Instant::now();
    let run = on.writer()?.run(tried, script, &[word], b"", SCRIPT).await;
    on.ran(tried, begun, if run.is_ok() { "ok" } else { "failed" });
    run.map(drop).map_err(|e| on.failed(tried, e))
}
