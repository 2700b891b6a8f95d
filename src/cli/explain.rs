//! `explain`: what a code means, and what to do.

use serde_json::{Value, json};

use super::{args::Global, exit::Exit, form::Format};
use crate::{
    engine::CommandError,
    render::{self, Terminal},
    source::closest,
    words::codes::{Code, KINDS, Kind, meanings},
};

/// Runs the command. Without a code all of them are listed.
pub(super) fn run(global: &Global, wanted: &[String], terminal: &Terminal) -> Result<Exit, CommandError> {
    let mut found: Vec<(&Kind, &Code)> = Vec::new();
    for word in wanted {
        let code = bare(word);
        match meanings(code).as_slice() {
            [] => return Err(unknown(code)),
            some => found.extend(some),
        }
    }
    if wanted.is_empty() {
        found = KINDS.iter().flat_map(|kind| kind.codes.iter().map(move |code| (kind, code))).collect();
    }
    match global.wanted.format() {
        Format::Human if wanted.is_empty() => terminal.out(&render::all_codes(terminal.columns_out())),
        Format::Human => terminal.out(&render::codes(&found, terminal.columns_out())),
        Format::Json => {
            let codes: Vec<Value> = found.iter().map(|(kind, code)| value(kind, code)).collect();
            terminal.json(&json!({"format_version": "1.0", "codes": codes}));
        }
        Format::Jsonl => found.iter().for_each(|(kind, code)| terminal.json_line(&value(kind, code))),
    }
    Ok(Exit::Done)
}

fn value(kind: &Kind, Code { code, means, next }: &Code) -> Value {
    let next = (!next.is_empty()).then_some(next);
    json!({"code": code, "kind": kind.heading, "found_in": kind.about, "means": means, "next": next})
}

/// As it stands in brackets, or at the end of a name of `drift_ignore`.
fn bare(word: &str) -> &str {
    let word = word.trim_matches(['[', ']', '`', ',']);
    word.rsplit('/').next().unwrap_or(word)
}

fn unknown(code: &str) -> CommandError {
    let known = KINDS.iter().flat_map(|kind| kind.codes).map(|known| known.code);
    CommandError::usage(match closest(code, known) {
        Some(near) => format!("no code is called `{code}`; did you mean `{near}`?"),
        None => format!("no code is called `{code}`; `tandem explain` lists them"),
    })
}
