//! What two plays want of one host: each would take back what the other one has done, for ever.

use super::Built;
use crate::{
    playbook::Play,
    source::{Problem, Problems},
};

/// Looks at all plays together.
pub(crate) fn together(plays: &[(&Play, Built)]) -> Problems {
    let mut problems = Problems::default();
    for (n, later) in plays.iter().enumerate() {
        for earlier in &plays[..n] {
            let found = [same_file(earlier, later), same_channel(earlier, later)];
            found.into_iter().flatten().for_each(|problem| problems.push(problem));
        }
    }
    problems
}

/// Two plays that write one option file.
fn same_file((earlier, other): &(&Play, Built), (play, built): &(&Play, Built)) -> Option<Problem> {
    let host = built.desired.hosts.values().find(|host| {
        let there = other.desired.hosts.get(&host.name);
        there.is_some_and(|there| {
            let written = host.settings.is_some() && there.settings.is_some();
            // Several servers of one host have a file each.
            written && (&host.service, &host.option_file) == (&there.service, &there.option_file)
        })
    })?;
    let message = format!(
        "this play and the one of line {} both set variables of {}: each would take out what the other one has written",
        earlier.place.line, host.name
    );
    let place = play.roles.first().map_or(&play.place, |used| &used.place);
    Some(Problem::error("playbook::same-option-file", place, message, "this play").help(
        "Set variables of a host in one play; what differs from host to host goes into host_vars or group_vars.",
    ))
}

/// Two plays that want one channel of a host from two sources.
fn same_channel((earlier, other): &(&Play, Built), (play, built): &(&Play, Built)) -> Option<Problem> {
    let (host, channel, there) = built.desired.hosts.values().find_map(|host| {
        let there = &other.desired.hosts.get(&host.name)?.channels;
        host.channels.iter().find_map(|channel| {
            let same = there.iter().find(|there| there.name == channel.name)?;
            (same.source != channel.source).then_some((&host.name, channel, &same.source))
        })
    })?;
    let message = format!(
        "{host} replicates from {} here and from {there} in the play of line {}, on one channel: each apply would move it \
         twice",
        channel.source, earlier.place.line
    );
    Some(Problem::error("playbook::same-channel", &play.place, message, "this play").help(
        "Declare both channels in one topology (`kind: channels`); a server with two sources needs a name for each.",
    ))
}
