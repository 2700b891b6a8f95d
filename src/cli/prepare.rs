//! What every command does first: read the files, report what is wrong with them, fetch the secrets.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::args::Global;
use crate::{
    desired::{self, Built, DesiredHost},
    engine::CommandError,
    inventory::{Uses, select},
    model::variables::looks_secret,
    model::{HostName, Secret, SecretId, hide_from_now_on, without_hidden},
    observe::Options,
    plan::{Allow, Inputs, Policy},
    playbook::{Loaded, Play, Project, Request, load},
    render::{self, Terminal},
    source::{Problem, Problems, Sources},
    transport::Scratch,
};

/// Files that hold, and all that is needed to go on from them.
pub struct Prepared {
    /// Inventory, plays and roles.
    pub project: Project,
    /// Values of the secrets.
    pub secrets: BTreeMap<SecretId, Secret>,
    /// How hosts are reached.
    pub options: Options,
    /// Directory of this run's sockets.
    pub scratch: Arc<Scratch>,
    /// Hosts that `--limit` names.
    pub limit: Option<BTreeSet<HostName>>,
    /// Texts, for mistakes that show later.
    pub sources: Sources,
    /// What the plan may rest on.
    pub policy: Policy,
    /// What a saved plan notes of its making.
    pub inputs: Inputs,
}

impl Prepared {
    /// The plays with their hosts.
    pub fn plays(&self) -> impl Iterator<Item = (&Play, &[HostName])> {
        self.project.plays.iter().map(|(play, hosts)| (play, hosts.as_slice()))
    }
}

/// Reads files and reports every mistake. `playbook` may be left out where only hosts matter.
pub fn prepare(
    global: &Global,
    playbook: Option<&str>,
    allow: &[Allow],
    terminal: &Terminal,
) -> Result<Prepared, CommandError> {
    let (loaded, built_problems) = check(global, playbook)?;
    let Loaded { project, mut problems, sources } = loaded;
    problems.extend(built_problems);
    let secrets = match project.secrets.resolve_all() {
        Ok(secrets) => {
            project.secrets.check_passwords(&project.uses, &secrets, &mut problems);
            secrets
        }
        Err(more) => {
            problems.extend(more);
            BTreeMap::new()
        }
    };
    let fatal = problems.fatal();
    if fatal {
        return Err(CommandError::files(problems, sources));
    }
    render::mistakes(problems, &sources, terminal);
    let limit = match &global.limit {
        None => None,
        Some(pattern) => {
            Some(limited(&project, pattern).map_err(|why| CommandError::usage("--limit").because(why))?)
        }
    };
    let scratch = Scratch::new()
        .map_err(|error| CommandError::failed("a directory for sockets can't be made").because(error))?;
    Ok(Prepared {
        project,
        secrets,
        options: Options {
            forks: global.forks,
            connect_timeout: global.connect_timeout,
            timeout: global.timeout,
            ssh_config: global.ssh_config.clone(),
        },
        scratch: Arc::new(scratch),
        limit,
        sources,
        policy: Policy { allow: allow.iter().copied().collect() },
        inputs: inputs(global, playbook, allow),
    })
}

/// The hosts that a pattern chooses; with a playbook, at least one of its own must be among them.
fn limited(project: &Project, pattern: &str) -> Result<BTreeSet<HostName>, String> {
    let chosen: BTreeSet<HostName> = select(&project.inventory, pattern)?.into_iter().collect();
    if chosen.is_empty() {
        return Err(format!("`{pattern}` leaves no host"));
    }
    let of_plays: BTreeSet<&HostName> = project.plays.iter().flat_map(|(_, hosts)| hosts).collect();
    if !of_plays.is_empty() && !chosen.iter().any(|host| of_plays.contains(host)) {
        let names: Vec<&str> = of_plays.into_iter().map(HostName::as_str).collect();
        return Err(format!("`{pattern}` is no host of this playbook; its hosts are {}", names.join(", ")));
    }
    Ok(chosen)
}

/// Reads files; what vaults among them hold is shown nowhere from now on.
pub fn read_files(request: &Request) -> Loaded {
    let loaded = load(request);
    hide_from_now_on(loaded.project.hidden.iter().map(Secret::expose));
    loaded
}

/// Reads files and evaluates every template as far as that goes without a connection.
pub fn check(global: &Global, playbook: Option<&str>) -> Result<(Loaded, Problems), CommandError> {
    if global.inventory.is_empty() {
        let what = "no inventory: name one with -i PATH, or set TANDEM_INVENTORY";
        return Err(CommandError::usage(what));
    }
    let request = Request {
        inventory: global.inventory.clone(),
        playbook: playbook.map(str::to_owned),
        extra: global.extra.clone(),
        keyring: global.keyring(),
    };
    let mut loaded = read_files(&request);
    let mut problems = Problems::default();
    if loaded.problems.0.iter().any(|p| matches!(p.code, "vault::closed" | "inventory::no-hosts")) {
        // What is missing because a vault stays closed, or because there is no host, is no second mistake.
        return Ok((loaded, problems));
    }
    let named: Vec<String> =
        global.inventory.iter().map(|path| path.to_string_lossy().into_owned()).collect();
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
        if playbook.is_some() {
            problems.extend(desired::unread_extra(&loaded.project, &loaded.sources));
        }
    }
    drop(plays);
    let rules = loaded.project.drift_rules(&mut problems);
    let hosts: Vec<HostName> = loaded.project.plays.iter().flat_map(|(_, hosts)| hosts.clone()).collect();
    for rule in rules {
        if let (Some(why), Some(place)) = (rule.never_fits(&hosts), &rule.place) {
            problems.push(Problem::error("drift::rule", place, why, "this rule"));
        }
    }
    loaded.project.uses = uses;
    veil(&mut loaded.problems, &loaded.project.hidden);
    veil(&mut problems, &loaded.project.hidden);
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
fn veil(problems: &mut Problems, hidden: &[Secret]) {
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
pub fn bare_hosts(project: &Project) -> Vec<DesiredHost> {
    let play = Play::bare();
    let hosts: Vec<HostName> = project.inventory.hosts.keys().cloned().collect();
    let mut built = desired::build(project, &play, &hosts, &BTreeMap::new()).desired.hosts;
    hosts.iter().filter_map(|name| built.remove(name)).collect()
}

/// `-e NAME=VALUE` as a saved plan keeps it: a secret by its name alone.
fn kept(text: &str) -> String {
    match text.split_once('=') {
        Some((name, _)) if looks_secret(name.trim()) || without_hidden(text) != text => {
            name.trim().to_owned()
        }
        _ => text.to_owned(),
    }
}

fn inputs(global: &Global, playbook: Option<&str>, allow: &[Allow]) -> Inputs {
    Inputs {
        directory: std::env::current_dir().unwrap_or_default().to_string_lossy().into_owned(),
        inventory: global.inventory.iter().map(|p| p.to_string_lossy().into_owned()).collect(),
        playbook: playbook.unwrap_or_default().to_owned(),
        limit: global.limit.clone(),
        extra: global.extra.iter().map(|text| kept(text)).collect(),
        allow: allow.iter().map(ToString::to_string).collect(),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
