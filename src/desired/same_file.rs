//! Two plays that write one option file: each would take out what the other one has written, for ever.

use super::Built;
use crate::{
    playbook::Play,
    source::{Problem, Problems},
};

/// Looks at all plays together.
pub(crate) fn same_file(plays: &[(&Play, Built)]) -> Problems {
    let mut problems = Problems::default();
    for (n, (play, built)) in plays.iter().enumerate() {
        for (earlier, other) in &plays[..n] {
            let both = built.desired.hosts.values().find(|host| {
                let there = other.desired.hosts.get(&host.name);
                there.is_some_and(|there| {
                    let written = host.settings.is_some() && there.settings.is_some();
                    // Several servers of one host have a file each.
                    written && (&host.service, &host.option_file) == (&there.service, &there.option_file)
                })
            });
            let Some(host) = both else { continue };
            let message = format!(
                "this play and the one of line {} both set variables of {}: each would take out what the other one has written",
                earlier.place.line, host.name
            );
            let place = play.roles.first().map_or(&play.place, |used| &used.place);
            problems.push(Problem::error("playbook::same-option-file", place, message, "this play").help(
                "Set variables of a host in one play; what differs from host to host goes into host_vars or group_vars.",
            ));
        }
    }
    problems
}
