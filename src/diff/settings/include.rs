//! A line in an option file of somebody's, where none includes a directory.

use crate::{
    desired::DesiredHost,
    grant::sha256_hex,
    option_file::{Files, Include},
    plan::{Action, Because, Kind, Reason, Risk, State, Step, StepId, StepName},
};

/// The line that has to be added before a file of ours can count.
pub(super) fn needed(host: &DesiredHost, files: &Files) -> Option<Include> {
    let needed = host.option_file.is_none() && files.place_for_owned().is_none();
    files.include_for_owned().filter(|_| needed)
}

/// The step that adds it.
pub(super) fn step(host: &DesiredHost, files: &Files, include: Include) -> Option<Step> {
    let Include { file, directory } = include;
    let digest = sha256_hex(files.content(&file)?);
    Some(Step {
        id: StepId::of(&host.name, StepName::Include),
        host: host.name.clone(),
        kind: Kind::OptionFile,
        reason: vec![Reason::because(Because::NoDirectoryIncluded)],
        before: None,
        after: Some(State::text(format!("!includedir {directory}\n"))),
        risk: vec![Risk::EditsOptionFile { file: file.clone() }],
        requires: Vec::new(),
        action: Action::IncludeDirectory { file, digest, directory },
    })
}
