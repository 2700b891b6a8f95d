//! Everything that is read from files for one run.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{Play, Role, play::groups_scope, shipped};
use crate::{
    inventory::{
        self, Inventory, Level, SecretBook, Variables, is_secret_name, looks_like_reference, select,
    },
    model::{HostName, Place, SecretId},
    plan::IgnoreRule,
    source::{Node, Problem, Problems, Sources, closest},
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
    /// `-e` values.
    pub extra: Vec<(String, Node)>,
    /// The inventory's directory.
    pub base: PathBuf,
}

/// Reads everything and reports every mistake at once.
pub fn load(request: &Request) -> Loaded {
    let mut problems = Problems::default();
    let mut sources = Sources::default();
    let mut project = Project {
        inventory: inventory::load(&request.inventory, &mut sources, &mut problems),
        base: base(&request.inventory),
        ..Project::default()
    };
    for text in &request.extra {
        project.extra.extend(extra(text, &mut sources, &mut problems));
    }
    if let Some(name) = &request.playbook {
        let path = Path::new(name);
        let (node, beside) = if path.is_file() {
            (sources.load(path, &mut problems), path.parent().map(Path::to_path_buf).into_iter().collect())
        } else if let Some((file, text)) = shipped::playbook(name) {
            (
                sources.built_in(&format!("built-in:playbooks/{file}"), text, &mut problems),
                vec![PathBuf::from(".")],
            )
        } else {
            let place = Place::file(name.as_str());
            let problem =
                Problem::error("playbook::not-found", &place, format!("there is no playbook `{name}`"), "");
            problems.push(match closest(name, shipped::playbook_names().into_iter()) {
                Some(near) => problem.help(format!("Did you mean the shipped playbook `{near}`?")),
                None => {
                    problem.help(format!("Shipped playbooks are {}.", shipped::playbook_names().join(", ")))
                }
            });
            (None, Vec::new())
        };
        if let Some(node) = node {
            project.read_plays(&node, &beside, &mut sources, &mut problems);
        }
    }
    project.read_secrets(&mut problems);
    project.warn_of_misspelt_names(&mut problems);
    project.secrets.literals().for_each(|place| sources.mask(place));
    Loaded { project, problems, sources }
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
    let file = format!("-e {text}");
    let Some((name, value)) = text.split_once('=') else {
        let place = Place::file(file);
        problems.push(Problem::error("extra::shape", &place, "-e takes NAME=VALUE", ""));
        return None;
    };
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
            self.plays.push((play, hosts));
        }
    }

    /// A host's variables in a play: role defaults, inventory, play, command line.
    pub fn variables(&self, play: Option<&Play>, host: &HostName) -> Variables {
        let mut variables = self.inventory.variables(host);
        if let Some(play) = play {
            for role in &play.roles {
                if let Some(defaults) = self.roles.get(&role.name).and_then(|r| r.defaults.as_ref()) {
                    variables.add_all(&Level::RoleDefault(role.name.clone()), defaults);
                }
                if let Some(vars) = &role.vars {
                    variables.add_all(&Level::RoleUse(role.name.clone()), vars);
                }
            }
            if let Some(vars) = &play.vars {
                variables.add_all(&Level::Play, vars);
            }
        }
        for (name, node) in &self.extra {
            variables.add(name, Level::Extra, node.clone());
        }
        variables
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
        let mut found: Vec<(String, Node)> = Vec::new();
        let hosts: Vec<HostName> = self.inventory.hosts.keys().cloned().collect();
        let plays: Vec<Option<Play>> = match self.plays.is_empty() {
            true => vec![None],
            false => self.plays.iter().map(|(play, _)| Some(play.clone())).collect(),
        };
        for play in &plays {
            for host in &hosts {
                for (name, variable) in self.variables(play.as_ref(), host).iter() {
                    let node = &variable.winner().node;
                    if looks_like_reference(node) || is_secret_name(name) {
                        found.push((name.to_owned(), node.clone()));
                    }
                }
            }
        }
        for (name, node) in found {
            self.secret_of(&name, &node, problems);
        }
    }

    /// Variables that are nearly one of ours: a typing mistake would otherwise be silence.
    fn warn_of_misspelt_names(&self, problems: &mut Problems) {
        for host in self.inventory.hosts.keys() {
            for play in self.plays.iter().map(|(p, _)| Some(p)).chain([None]) {
                for (name, variable) in self.variables(play, host).iter() {
                    if KNOWN.contains(&name) {
                        continue;
                    }
                    if let Some(near) = closest(name, KNOWN.iter().copied())
                        .filter(|near| strsim::osa_distance(name, near) <= 2)
                    {
                        let place = &variable.winner().node.place;
                        let message = format!("`{name}` is not a variable that tandem reads");
                        problems.push(
                            Problem::warning("variable::unknown", place, message, "this one")
                                .help(format!("Did you mean `{near}`?")),
                        );
                    }
                }
            }
        }
    }
}

/// Whether this program reads a variable of this name by itself; roles may read others.
pub fn is_known_variable(name: &str) -> bool {
    KNOWN.contains(&name)
}

/// Every variable that this program reads.
const KNOWN: &[&str] = &[
    "ansible_become",
    "ansible_become_method",
    "ansible_become_pass",
    "ansible_become_password",
    "ansible_become_user",
    "ansible_connection",
    "ansible_host",
    "ansible_password",
    "ansible_port",
    "ansible_python_interpreter",
    "ansible_ssh_common_args",
    "ansible_ssh_extra_args",
    "ansible_ssh_host",
    "ansible_ssh_pass",
    "ansible_ssh_port",
    "ansible_ssh_private_key_file",
    "ansible_ssh_user",
    "ansible_user",
    "auto_increment_increment",
    "auto_increment_offset",
    "binlog_databases",
    "binlog_ignore_databases",
    "drift_ignore",
    "firewall_allow",
    "firewall_backend",
    "firewall_deny_others",
    "gtid_domain_id",
    "heartbeat_interval",
    "mysql_admin_password",
    "mysql_admin_user",
    "mysql_databases",
    "mysql_option_file",
    "mysql_option_file_holds",
    "mysql_port",
    "mysql_service",
    "mysql_settings",
    "mysql_socket",
    "replicate_databases",
    "replicate_ignore_databases",
    "replicate_wild_ignore_tables",
    "replicate_wild_tables",
    "replication_account_host",
    "replication_account_privileges",
    "replication_account_tls",
    "replication_account_user",
    "replication_address",
    "replication_password",
    "replication_positioning",
    "replication_tls",
    "replication_tls_ca",
    "tls_directory",
    "replication_user",
    "seed_accounts",
    "seed_databases",
    "seed_method",
    "server_id",
];
