//! Reads the files of a run, and says all that is wrong with them.

use std::collections::BTreeMap;

use super::{CommandError, Options};
use crate::{
    desired::{self, Built, DesiredHost},
    inventory::Uses,
    model::{HostName, Secret, hide_from_now_on, without_hidden},
    playbook::{Loaded, Play, Project, Request, load},
    source::{Problem, Problems},
    words,
};

/// Reads files; what vaults among them hold is shown nowhere from now on.
pub(crate) fn read_files(request: &Request) -> Loaded {
    let loaded = load(request);
    hide_from_now_on(loaded.project.hidden.iter().map(Secret::expose));
    loaded
}

/// Reads files and evaluates every template as far as that goes without a connection.
pub(crate) fn check(options: &Options) -> Result<(Loaded, Problems), CommandError> {
    if options.inventory.is_empty() {
        let what = "no inventory: name one with -i PATH, in TANDEM_INVENTORY or in ansible.cfg, or call it inventory.yml here";
        return Err(CommandError::usage(what));
    }
    let request = Request {
        inventory: options.inventory.clone(),
        playbook: options.playbook.clone(),
        extra: options.extra.clone(),
        keyring: options.keyring.clone(),
        config: options.ansible_config.clone(),
    };
    let mut loaded = read_files(&request);
    let mut problems = Problems::default();
    if loaded.problems.0.iter().any(|p| matches!(p.code, "vault::closed" | "inventory::no-hosts")) {
        // What is missing because a vault stays closed, or because there is no host, is no second mistake.
        return Ok((loaded, problems));
    }
    let named: Vec<String> =
        options.inventory.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    let unreadable =
        |p: &Problem| p.code == "file::unreadable" && named.iter().any(|path| *path == *p.place.file);
    if loaded.problems.0.iter().any(unreadable) {
        // Whatever else seems to be wrong follows from the inventory that is not there.
        loaded.problems.0.retain(unreadable);
        return Ok((loaded, problems));
    }
    let mut plays = Vec::new();
    let mut uses = Uses::default();
    for (play, hosts) in &loaded.project.plays {
        let built = desired::build(&loaded.project, play, hosts, &BTreeMap::new());
        for host in built.desired.hosts.values() {
            uses.channels.extend(host.channels.iter().map(|c| c.password.clone()));
            let sudo = host.connection.sudo.as_ref().and_then(|s| s.password.clone());
            uses.logins.extend(host.connection.password.clone().into_iter().chain(sudo));
        }
        missing_keys(&loaded.project, play, &built, &mut problems);
        problems.extend(desired::lint(&built));
        problems.extend(built.problems.clone());
        plays.push((play, built));
    }
    // What follows from another mistake is none of its own.
    if !loaded.problems.fatal() {
        problems.extend(desired::nothing(&loaded.project, &plays));
        problems.extend(desired::together(&plays));
        if options.playbook.is_some() {
            problems.extend(desired::unread_extra(&loaded.project, &loaded.sources));
        }
    }
    drop(plays);
    let rules = loaded.project.drift_rules(&mut problems);
    let hosts: Vec<HostName> = loaded.project.plays.iter().flat_map(|(_, hosts)| hosts.clone()).collect();
    for rule in rules {
        if let (Some(why), Some(place)) = (rule.never_fits(&hosts), &rule.place) {
            problems.push(Problem::error("drift::rule", place, words::never_fits(&why), "this rule"));
        }
    }
    loaded.project.uses = uses;
    mask_vaulted(&mut loaded.problems, &loaded.project.hidden);
    mask_vaulted(&mut problems, &loaded.project.hidden);
    Ok((loaded, problems))
}

/// Keys that are not where the inventory says: ssh goes on without them, and says so to nobody.
fn missing_keys(project: &Project, play: &Play, built: &Built, problems: &mut Problems) {
    for host in built.desired.hosts.values() {
        let Some(key) = host.connection.key_file().filter(|key| !key.exists()) else { continue };
        let variables = project.variables(Some(play), &host.name);
        let Some(node) = variables.get("ansible_ssh_private_key_file") else { continue };
        let message = format!("the key {} does not exist; ssh tries the others that it has", key.display());
        let problem = Problem::warning("connection::key", &node.place, message, "this key");
        if !problems.0.iter().any(|p| p.code == problem.code && p.place == problem.place) {
            problems.push(problem);
        }
    }
}

/// Takes what came out of a vault out of problems, before lines are broken somewhere in it.
fn mask_vaulted(problems: &mut Problems, hidden: &[Secret]) {
    for problem in &mut problems.0 {
        let vaulted = problem.place.vaulted;
        let veiled = |text: &str| {
            let mut text = without_hidden(text).into_owned();
            // A problem about a vault quotes even the shortest value of it.
            for value in hidden.iter().filter(|_| vaulted) {
                text = text.replace(&format!("`{}`", value.expose()), "`***`");
            }
            text
        };
        problem.message = veiled(&problem.message);
        problem.label = veiled(&problem.label);
        problem.help = problem.help.as_deref().map(veiled);
        if let Some((_, label)) = &mut problem.related {
            *label = veiled(label);
        }
    }
}

/// Hosts as an inventory alone knows them, for commands without a playbook.
pub(crate) fn bare_hosts(project: &Project) -> Vec<DesiredHost> {
    let play = Play::bare();
    let hosts: Vec<HostName> = project.inventory.hosts.keys().cloned().collect();
    let mut built = desired::build(project, &play, &hosts, &BTreeMap::new()).desired.hosts;
    hosts.iter().filter_map(|name| built.remove(name)).collect()
}
