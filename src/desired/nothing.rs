//! What is declared and comes to nothing: a topology that no role makes, a play that asks for nothing, a variable of
//! the command line that nothing reads. "In sync" about nothing would be no success.

use super::{Built, DesiredHost};
use crate::{
    model::Place,
    model::variables,
    playbook::{Play, Project},
    source::{Problem, Problems, Sources, closest},
};

/// Looks at all plays together: one may declare a topology whose channels another one makes.
pub(crate) fn nothing(project: &Project, plays: &[(&Play, Built)]) -> Problems {
    let mut problems = Problems::default();
    for (play, built) in plays {
        if play.roles.is_empty() {
            let message = format!("the play `{}` has no roles, so nothing is made of it", play.name);
            problems.push(Problem::error("playbook::no-roles", &play.place, message, "this play").help(
                "Add `roles: [firewall, tls, config, accounts, seed, replication]`, or those that you want.",
            ));
        } else if play.roles.iter().all(|used| project.roles.contains_key(&used.name)) {
            channels(play, built, plays, &mut problems);
        }
    }
    problems
}

/// Channels of a topology that no role of any play makes, and roles that make nothing.
fn channels(play: &Play, built: &Built, plays: &[(&Play, Built)], problems: &mut Problems) {
    let made = |edge: &super::Edge| {
        plays.iter().any(|(_, built)| {
            let host = built.desired.hosts.get(&edge.to);
            host.is_some_and(|host| host.channels.iter().any(|wish| wish.source == edge.from))
        })
    };
    let place = play.topology.as_ref().map_or(&play.place, |topology| &topology.place);
    let missing: Vec<String> = built
        .edges
        .edges
        .iter()
        .filter(|edge| !made(edge))
        .map(|edge| format!("{} -> {}", edge.from, edge.to))
        .collect();
    // A mistake in a template has its own words.
    if !missing.is_empty() && !built.problems.fatal() {
        let message = format!("no role makes the channels of this topology: {}", missing.join(", "));
        let used = play.roles.iter().any(|used| used.name == "replication");
        let help = match used {
            true => "The role `replication` is left out for these hosts by its `when`.",
            false => "Add the role `replication` to `roles`.",
        };
        problems.push(Problem::error("topology::no-role", place, message, "this topology").help(help));
    }
    let asks = built.desired.hosts.values().any(asks);
    if !asks && missing.is_empty() && !built.problems.fatal() && !built.desired.hosts.is_empty() {
        let names: Vec<&str> = play.roles.iter().map(|used| used.name.as_str()).collect();
        let message = format!("the roles of this play ask for nothing on any host: {}", names.join(", "));
        let place = play.roles.first().map_or(&play.place, |used| &used.place);
        let problem = Problem::error("playbook::roles-make-nothing", place, message, "these roles");
        problems.push(match play.topology {
            Some(_) => problem,
            None => problem.help("Without a `topology` there is nothing for them to make."),
        });
    }
}

/// Whether anything is asked of a host.
fn asks(host: &DesiredHost) -> bool {
    host.settings.as_ref().is_some_and(|settings| !settings.is_empty())
        || !host.accounts.is_empty()
        || !host.databases.is_empty()
        || !host.seeds.is_empty()
        || !host.channels.is_empty()
        || host.firewall.is_some()
        || !host.resources.is_empty()
        || host.certificates.is_some()
        || host.heartbeat.is_some()
        || host.server.is_some()
}

/// Variables of the command line that neither this program, a role, nor a file reads.
pub(crate) fn unread_extra(project: &Project, sources: &Sources) -> Problems {
    let mut problems = Problems::default();
    for (name, node) in &project.extra {
        let read = variables::is_known(name)
            || sources.mention(name)
            || project.roles.values().any(|role| role.mentions(name));
        if read {
            continue;
        }
        let own: Vec<&str> = variables::all().map(|(known, ..)| known).collect();
        let of_roles = project.roles.values().filter_map(|role| role.defaults.as_ref()?.map());
        let of_roles = of_roles.flatten().map(|(key, _)| key.text.as_str());
        let near = closest(name, own.into_iter().chain(of_roles));
        let place = Place::file(format!("-e {name}"));
        let place = if node.place.file.starts_with("-e ") { &node.place } else { &place };
        let problem =
            Problem::error("extra::unread", place, format!("nothing reads the variable `{name}`"), "unread");
        problems.push(match near {
            Some(near) => problem.help(format!("Did you mean `{near}`?")),
            None => problem.help("`tandem vars HOST` lists the variables of a host."),
        });
    }
    problems
}
