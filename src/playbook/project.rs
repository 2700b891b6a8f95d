//! Everything that is read from files for one run.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Play, Role, play::groups_scope, shipped};
use crate::{
    inventory::{
        self, Inventory, Layer, Level, SecretBook, Uses, Variables, is_secret_name, looks_like_reference,
        select,
    },
    model::IgnoreRule,
    model::variables,
    model::{HostName, Place, Secret, SecretId},
    source::{Node, Problem, Problems, Sources, closest},
    vault::Keyring,
};

/// What a command line asks to be read.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Inventory files or directories.
    pub inventory: Vec<PathBuf>,
    /// Playbook: a path, or the name of a shipped one. Without one only the inventory is read.
    pub playbook: Option<String>,
    /// `-e NAME=VALUE`.
    pub extra: Vec<String>,
    /// What opens vaults and age files.
    pub keyring: Keyring,
    /// An `ansible.cfg`.
    pub config: Option<PathBuf>,
}

/// What was read, and what is wrong with it.
#[derive(Debug)]
pub struct Loaded {
    /// The files' contents as a whole.
    pub project: Project,
    /// Mistakes and warnings.
    pub problems: Problems,
    /// The texts, for diagnostics.
    pub sources: Sources,
}

/// An inventory, a playbook and its roles.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// Hosts and groups.
    pub inventory: Inventory,
    /// Plays, each with its hosts.
    pub plays: Vec<(Play, Vec<HostName>)>,
    /// Roles that the plays use, by name.
    pub roles: BTreeMap<String, Role>,
    /// Secrets by reference.
    pub secrets: SecretBook,
    /// What passwords are for, once the plays were built.
    pub uses: Uses,
    /// `-e` values.
    pub extra: Vec<(String, Node)>,
    /// What ansible.cfg and Ansible's environment give where no variable does.
    pub config: inventory::Config,
    /// The inventory's directory.
    pub base: PathBuf,
    /// The playbook's folder, absolute: templates know it as `playbook_dir`.
    pub playbook_folder: PathBuf,
    /// The controller's environment, for `lookup('env', NAME)`; names and values that are no UTF-8 are left out.
    pub environment: BTreeMap<String, String>,
    /// Values that came out of vaults, to be shown nowhere.
    pub hidden: Vec<Secret>,
}

/// Reads everything and reports every mistake at once.
pub fn load(request: &Request) -> Loaded {
    let mut problems = Problems::default();
    let mut sources = Sources::with_keys(request.keyring.clone());
    let playbook = request.playbook.as_deref().map(folder_of);
    let config = inventory::Config::read(request.config.as_deref(), &mut sources, &mut problems);
    let wanted = inventory::Request {
        paths: &request.inventory,
        playbook: playbook.as_deref(),
        ignored: &config.ignored,
        programs: true,
    };
    let mut project = Project {
        secrets: SecretBook::with_keys(request.keyring.clone()),
        inventory: inventory::load(&wanted, &mut sources, &mut problems),
        base: base(&request.inventory),
        config,
        playbook_folder: absolute(playbook.as_deref().unwrap_or(Path::new(""))),
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        ..Project::default()
    };
    project.inventory.files.values_mut().for_each(|file| *file = absolute(file));
    if project.inventory.hosts.is_empty() && !problems.fatal() && !request.inventory.is_empty() {
        let names: Vec<String> = request.inventory.iter().map(|p| p.display().to_string()).collect();
        let place = Place::file(names.first().cloned().unwrap_or_default());
        let message = format!("the inventory has no host: {}", names.join(", "));
        problems.push(
            Problem::error("inventory::no-hosts", &place, message, "")
                .help("Name hosts below `all: hosts:`; `tandem init` writes an inventory to start from."),
        );
        // What is missing since there are no hosts is no second mistake.
        return Loaded { project, problems, sources };
    }
    for text in &request.extra {
        project.extra.extend(extra(text, &mut sources, &mut problems));
    }
    if let Some(name) = &request.playbook {
        let path = Path::new(name);
        let (node, beside) = if path.is_file() {
            (sources.load(path, &mut problems), path.parent().map(Path::to_path_buf).into_iter().collect())
        } else if let Some((file, text)) = shipped::playbook(name) {
            (
                sources.shipped(&format!("built-in:playbooks/{file}"), text, &mut problems),
                vec![PathBuf::from(".")],
            )
        } else {
            problems.push(no_playbook(name, &project.inventory));
            (None, Vec::new())
        };
        if let Some(node) = node {
            project.read_plays(&node, &beside, &mut sources, &mut problems);
        }
    }
    project.read_secrets(&mut problems);
    project.read_vaulted();
    project.warn_of_misspelt_names(&mut problems);
    project.secrets.literals().for_each(|place| sources.mask(place));
    Loaded { project, problems, sources }
}

fn absolute(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    here.join(path).components().collect()
}

/// A playbook that does not exist: perhaps another one is meant, or a host.
fn no_playbook(name: &str, inventory: &Inventory) -> Problem {
    let place = Place::file(name);
    let problem = Problem::error("playbook::not-found", &place, format!("there is no playbook `{name}`"), "");
    if inventory.hosts.contains_key(&HostName::new(name)) || inventory.groups.contains_key(name) {
        return problem.help(format!("`{name}` is in the inventory: --limit {name} chooses it."));
    }
    problem.help(match closest(name, shipped::playbook_names().into_iter()) {
        Some(near) => format!("Did you mean the shipped playbook `{near}`?"),
        None => format!("Shipped playbooks are {}.", shipped::playbook_names().join(", ")),
    })
}

/// The folder of a playbook; of a built-in one the current folder.
fn folder_of(playbook: &str) -> PathBuf {
    let path = Path::new(playbook);
    path.parent().filter(|_| path.is_file()).map(Path::to_path_buf).unwrap_or_default()
}

/// The directory of the first inventory.
fn base(inventory: &[PathBuf]) -> PathBuf {
    match inventory.first() {
        Some(path) if path.is_dir() => path.clone(),
        Some(path) => path.parent().map(Path::to_path_buf).unwrap_or_default(),
        None => PathBuf::new(),
    }
}

/// `-e NAME=VALUE`, the value read as YAML.
fn extra(text: &str, sources: &mut Sources, problems: &mut Problems) -> Option<(String, Node)> {
    let Some((name, value)) = text.split_once('=') else {
        // What stands behind the name, or in a document, may be a secret.
        let name = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '.' | '/' | '-');
        let place = Place::file(format!("-e {}", text.chars().take_while(name).collect::<String>()));
        problems.push(Problem::error("extra::shape", &place, "-e takes NAME=VALUE", ""));
        return None;
    };
    // Of a reason, a message or a saved plan, the value is no part: it may be a secret.
    let file = format!("-e {}", name.trim());
    if variables::looks_secret(name.trim()) {
        inventory::conceal(value);
        sources.mask_all(&file);
    }
    sources.built_in(&file, value, problems).map(|node| (name.trim().to_owned(), node))
}

impl Project {
    fn read_plays(
        &mut self,
        node: &Node,
        beside: &[PathBuf],
        sources: &mut Sources,
        problems: &mut Problems,
    ) {
        let scope = groups_scope(&self.inventory);
        let known: Vec<HostName> = self.inventory.hosts.keys().cloned().collect();
        for play in Play::read_all(node, &scope, problems) {
            let hosts = match select(&self.inventory, &play.hosts.0) {
                Ok(hosts) if hosts.is_empty() && !self.inventory.hosts.is_empty() => {
                    let message = format!("`hosts: {}` names no host", play.hosts.0);
                    problems.push(Problem::error("playbook::hosts", &play.hosts.1, message, "no host"));
                    hosts
                }
                Ok(hosts) => hosts,
                Err(why) => {
                    problems.push(Problem::error("playbook::hosts", &play.hosts.1, why, "this pattern"));
                    Vec::new()
                }
            };
            if let Some(topology) = &play.topology {
                topology.check_hosts(&known, problems);
                for member in
                    topology.members.iter().filter(|m| known.contains(&m.host) && !hosts.contains(&m.host))
                {
                    let message =
                        format!("{} is a member but `hosts: {}` does not name it", member.host, play.hosts.0);
                    problems.push(Problem::error(
                        "playbook::member-outside",
                        &member.place,
                        message,
                        "outside of the play",
                    ));
                }
            }
            for role in &play.roles {
                if !self.roles.contains_key(&role.name)
                    && let Some(found) = Role::find(&role.name, &role.place, beside, sources, problems)
                {
                    self.roles.insert(role.name.clone(), found);
                }
            }
            let layers = self.layers_of(&play);
            self.plays.push((Play { layers, ..play }, hosts));
        }
    }

    /// A host's variables in a play: role defaults, inventory, play, command line.
    pub fn variables(&self, play: Option<&Play>, host: &HostName) -> Variables {
        let mut variables = self.inventory.variables(host);
        for layer in play.into_iter().flat_map(|play| &play.layers) {
            variables.add(layer.clone());
        }
        for (name, node) in &self.extra {
            variables.add(Layer::one(Level::Extra, name, node.clone()));
        }
        variables
    }

    /// What a play and its roles give every host.
    fn layers_of(&self, play: &Play) -> Vec<Arc<Layer>> {
        let mut layers = Vec::new();
        for role in &play.roles {
            if let Some(defaults) = self.roles.get(&role.name).and_then(|r| r.defaults.as_ref()) {
                layers.push(Layer::of(Level::RoleDefault(role.name.clone()), defaults));
            }
            if let Some(vars) = &role.vars {
                layers.push(Layer::of(Level::RoleUse(role.name.clone()), vars));
            }
        }
        layers.extend(play.vars.iter().map(|vars| Layer::of(Level::Play, vars)));
        layers
    }

    /// Every layer of variables, each once.
    fn layers(&self) -> impl Iterator<Item = &Arc<Layer>> {
        self.inventory.layers().chain(self.plays.iter().flat_map(|(play, _)| &play.layers))
    }

    /// The rules of `drift_ignore`, each with the hosts that it is for.
    pub fn drift_rules(&self, problems: &mut Problems) -> Vec<IgnoreRule> {
        let mut rules: Vec<IgnoreRule> = Vec::new();
        let mut seen: BTreeMap<Place, Vec<IgnoreRule>> = BTreeMap::new();
        for (play, hosts) in &self.plays {
            for host in hosts {
                let variables = self.variables(Some(play), host);
                let Some(node) = variables.get("drift_ignore") else { continue };
                if !seen.contains_key(&node.place) {
                    seen.insert(node.place.clone(), super::ignore::read(node, problems));
                }
                for rule in seen.get(&node.place).into_iter().flatten() {
                    match rules.iter_mut().find(|r| r.place == rule.place) {
                        Some(there) if there.hosts.contains(host) => {}
                        Some(there) => there.hosts.push(host.clone()),
                        None => rules.push(IgnoreRule { hosts: vec![host.clone()], ..rule.clone() }),
                    }
                }
            }
        }
        rules
    }

    /// The secret that a value refers to, or is.
    pub fn secret_of(&mut self, name: &str, node: &Node, problems: &mut Problems) -> Option<SecretId> {
        self.secrets.of_variable(name, node, problems)
    }

    /// Notes every secret that some variable of some host refers to.
    fn read_secrets(&mut self, problems: &mut Problems) {
        let extra = self.extra.iter().map(|(name, node)| (name.as_str(), node));
        let names: BTreeSet<String> = self
            .layers()
            .flat_map(|layer| layer.iter())
            .chain(extra)
            .filter(|(name, node)| is_secret_name(name) || looks_like_reference(node))
            .map(|(name, _)| name.to_owned())
            .collect();
        let mut seen: HashSet<(String, Place)> = HashSet::new();
        let mut found: Vec<(String, Node)> = Vec::new();
        for (play, host) in self.views() {
            let variables = self.variables(play, host);
            for name in &names {
                let Some(node) = variables.get(name) else { continue };
                let meant = looks_like_reference(node) || is_secret_name(name);
                if meant && seen.insert((name.clone(), node.place.clone())) {
                    found.push((name.clone(), node.clone()));
                }
            }
        }
        for (name, node) in found {
            self.secret_of(&name, &node, problems);
        }
    }

    /// Notes everything that came out of a vault: what of it is needed as a secret, templates decide.
    fn read_vaulted(&mut self) {
        let mut found: Vec<(String, Place)> = Vec::new();
        for (_, node) in self.layers().flat_map(|layer| layer.iter()) {
            node.vaulted(&mut found);
        }
        found.sort();
        found.dedup();
        for (text, place) in found {
            // A host's or a group's name is in every line, and no secret.
            let name = self.inventory.groups.contains_key(&text)
                || self.inventory.hosts.contains_key(&HostName::new(text.as_str()));
            if !name && !variables::is_common(&text) {
                self.hidden.push(Secret::new(text.as_str()));
            }
            self.secrets.vaulted(text, &place);
        }
    }

    /// Every host in every play, or by itself where there is none.
    fn views(&self) -> Vec<(Option<&Play>, &HostName)> {
        let hosts = || self.inventory.hosts.keys();
        match self.plays.is_empty() {
            true => hosts().map(|host| (None, host)).collect(),
            false => self.plays.iter().flat_map(|(play, _)| hosts().map(move |h| (Some(play), h))).collect(),
        }
    }

    /// Variables that are nearly one of ours: a typing mistake would otherwise be silence.
    fn warn_of_misspelt_names(&self, problems: &mut Problems) {
        let mut nearest: HashMap<&str, Option<&'static str>> = HashMap::new();
        let mut found: Vec<(&str, &'static str, &Place)> = Vec::new();
        let extra = self.extra.iter().map(|(name, node)| (name.as_str(), node));
        for (name, node) in self.layers().flat_map(|layer| layer.iter()).chain(extra) {
            if let Some(near) = *nearest.entry(name).or_insert_with(|| near(name)) {
                found.push((name, near, &node.place));
            }
        }
        found.sort_unstable();
        for (name, near, place) in found {
            let message = format!("`{name}` is not a variable that tandem reads");
            let problem = Problem::warning("variable::unknown", place, message, "this one");
            problems.push(problem.help(format!("Did you mean `{near}`?")));
        }
    }
}

/// The variable of ours that an unknown one is nearly.
fn near(name: &str) -> Option<&'static str> {
    if variables::is_known(name) {
        return None;
    }
    let alike =
        variables::all().map(|(known, ..)| known).filter(|known| known.len().abs_diff(name.len()) <= 2);
    closest(name, alike).filter(|near| strsim::osa_distance(name, near) <= 2)
}
