//! Roles: folders that declare typed resources.

use std::path::{Path, PathBuf};

use super::shipped;
use crate::{
    model::Place,
    resource::KindName,
    source::{Fields, Node, Problem, Problems, Sources, Yaml, closest, has_word},
};

/// The types of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResourceKind {
    /// One that is whole in a file of the room `resource`.
    Plain(KindName),
    /// Server variables in tandem's option file.
    Settings,
    /// The server's port in the packet filter.
    Firewall,
    /// An account.
    Account,
    /// A database.
    Database,
    /// The copy of a source's data.
    Seed,
    /// A replication channel.
    Channel,
    /// Certificates for the server.
    Certificates,
    /// The row by which lag is measured.
    Heartbeat,
    /// The database server itself.
    Server,
    /// The unit that opens a host after a start of its server.
    RoleUnit,
}

/// Types that are parts of replication, each with its word in a role and its keys; none where the keys are the user's.
const OF_REPLICATION: [(&str, ResourceKind, &[&str]); 10] = [
    ("settings", ResourceKind::Settings, &[]),
    ("firewall", ResourceKind::Firewall, &["port", "peers", "allow", "deny_others", "backend"]),
    ("account", ResourceKind::Account, &["user", "host", "password", "privileges", "on", "tls"]),
    ("database", ResourceKind::Database, &["name", "character_set", "collation"]),
    ("seed", ResourceKind::Seed, &["from", "method", "path", "databases", "accounts", "position"]),
    (
        "channel",
        ResourceKind::Channel,
        &["source", "name", "user", "password", "tls", "tls_ca", "positioning", "delay", "filters"],
    ),
    ("certificates", ResourceKind::Certificates, &["directory"]),
    ("heartbeat", ResourceKind::Heartbeat, &["interval"]),
    ("server", ResourceKind::Server, &["package", "version", "start", "secure"]),
    ("role_unit", ResourceKind::RoleUnit, &["user", "password", "tls", "tls_ca"]),
];

impl ResourceKind {
    /// Every type.
    pub fn all() -> impl Iterator<Item = Self> {
        let plain = KindName::ALL.iter().copied().map(ResourceKind::Plain);
        plain.chain(OF_REPLICATION.iter().map(|(_, kind, _)| *kind))
    }

    /// The word in a role.
    pub fn word(self) -> &'static str {
        match self {
            ResourceKind::Plain(kind) => kind.word(),
            _ => OF_REPLICATION.iter().find(|(_, kind, _)| *kind == self).map_or("", |(word, ..)| word),
        }
    }

    /// Its keys; none where they are the user's.
    pub fn keys(self) -> Vec<&'static str> {
        match self {
            ResourceKind::Plain(kind) => kind.shape().keys.iter().map(String::as_str).collect(),
            _ => {
                let found = OF_REPLICATION.iter().find(|(_, kind, _)| *kind == self);
                found.map_or(Vec::new(), |(.., keys)| keys.to_vec())
            }
        }
    }
}

/// One resource of a role, not evaluated yet.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleResource {
    /// Its type.
    pub kind: ResourceKind,
    /// A condition that decides for each host.
    pub when: Option<Node>,
    /// A list; the resource is declared once for each item.
    pub for_each: Option<Node>,
    /// Settings that take a restart wait for one that happens anyway.
    pub at_next_restart: bool,
    /// Settings with which the server starts, whatever it runs with afterwards.
    pub at_start: bool,
    /// What it declares.
    pub body: Node,
}

/// A role as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// The folder, for a role of the user's.
    pub folder: Option<PathBuf>,
    /// Defaults of its variables.
    pub defaults: Option<Node>,
    /// Its resources.
    pub resources: Vec<RoleResource>,
}

impl Role {
    /// Finds a role: a folder beside the playbook wins over a shipped one.
    pub fn find(
        name: &str,
        place: &Place,
        beside: &[PathBuf],
        sources: &mut Sources,
        problems: &mut Problems,
    ) -> Option<Self> {
        let valid = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
        let folder = beside
            .iter()
            .map(|base| base.join("roles").join(name))
            .find(|f| valid && f.join("role.yml").is_file());
        let (role, defaults) = match &folder {
            Some(folder) => {
                let defaults = Some(folder.join("defaults/main.yml")).filter(|p| p.is_file());
                (
                    sources.load(&folder.join("role.yml"), problems)?,
                    defaults.and_then(|p| sources.load(&p, problems)),
                )
            }
            None => match shipped::role_file(name, "role.yml") {
                Some(text) => {
                    let role = sources.shipped(&format!("built-in:roles/{name}/role.yml"), text, problems)?;
                    let file = "defaults/main.yml";
                    let defaults = shipped::role_file(name, file).and_then(|text| {
                        sources.shipped(&format!("built-in:roles/{name}/{file}"), text, problems)
                    });
                    (role, defaults)
                }
                None => {
                    let problem = Problem::error(
                        "playbook::unknown-role",
                        place,
                        format!("there is no role `{name}`"),
                        "unknown role",
                    );
                    problems.push(match closest(name, shipped::role_names().into_iter()) {
                        Some(near) => problem.help(format!("Did you mean `{near}`?")),
                        None => problem.help(format!(
                            "A role is a folder roles/{name} beside the playbook with a role.yml; the shipped ones are {}.",
                            shipped::role_names().join(", ")
                        )),
                    });
                    return None;
                }
            },
        };
        let defaults = defaults.filter(|d| d.value != Yaml::Null);
        let resources = read_resources(&role, problems);
        Some(Self { name: name.to_owned(), folder, defaults, resources })
    }

    /// Whether a file of the role's folder holds this word. Those that are templates are read only when they are used.
    pub fn mentions(&self, word: &str) -> bool {
        let Some(folder) = &self.folder else { return false };
        ["templates", "files", "vars"].iter().any(|kind| {
            let entries = std::fs::read_dir(folder.join(kind)).into_iter().flatten().flatten();
            entries
                .into_iter()
                .any(|entry| std::fs::read_to_string(entry.path()).is_ok_and(|text| has_word(&text, word)))
        })
    }

    /// Reads a file of the role's folder.
    pub fn file(&self, kind: &str, name: &str) -> Option<String> {
        match &self.folder {
            Some(folder) => {
                std::fs::read_to_string(folder.join(kind).join(Path::new(name).file_name()?)).ok()
            }
            None => shipped::role_file(&self.name, &format!("{kind}/{name}")).map(str::to_owned),
        }
    }
}

fn read_resources(node: &Node, problems: &mut Problems) -> Vec<RoleResource> {
    let Some(fields) = Fields::of(node, "a role", problems) else { return Vec::new() };
    fields.get("description");
    let list = fields.get("resources").and_then(Node::seq).unwrap_or_default();
    let resources = list.iter().filter_map(|n| read_resource(n, problems)).collect();
    fields.finish(problems);
    resources
}

fn read_resource(node: &Node, problems: &mut Problems) -> Option<RoleResource> {
    let fields = Fields::of(node, "a resource", problems)?;
    fields.get("name");
    let (when, for_each) = (fields.get("when").cloned(), fields.get("for_each").cloned());
    let timing = [fields.get("at_next_restart"), fields.get("at_start")];
    let found: Vec<_> =
        ResourceKind::all().filter_map(|kind| fields.get(kind.word()).map(|body| (kind, body))).collect();
    fields.finish(problems);
    let is_settings = matches!(found[..], [(ResourceKind::Settings, ..)]);
    let [at_next_restart, at_start] = timing.map(|node| match node.map(|node| (node, &node.value)) {
        None => false,
        Some((_, Yaml::Bool(flag))) if is_settings => *flag,
        Some((node, _)) => {
            let message = "`at_next_restart` and `at_start` are true or false, beside `settings`";
            problems.push(Problem::error("role::at-next-restart", &node.place, message, "this one"));
            false
        }
    });
    let (kind, body) = match found.as_slice() {
        [one] => *one,
        _ => {
            let words: Vec<&str> = ResourceKind::all().map(ResourceKind::word).collect();
            let message = format!("a resource declares exactly one of {}", words.join(", "));
            problems.push(Problem::error("role::resource", &node.place, message, "this resource"));
            return None;
        }
    };
    let keys = kind.keys();
    if !keys.is_empty()
        && let Some(entries) = body.map()
    {
        for (key, _) in entries.iter().filter(|(key, _)| !keys.contains(&key.text.as_str())) {
            let message = format!("a resource `{}` has no key `{}`", kind.word(), key.text);
            let problem = Problem::error("file::unknown-key", &key.place, message, "unknown key");
            problems.push(match closest(&key.text, keys.iter().copied()) {
                Some(near) => problem.help(format!("Did you mean `{near}`?")),
                None => problem.help(format!("The keys are {}.", keys.join(", "))),
            });
        }
    }
    Some(RoleResource { kind, when, for_each, at_next_restart, at_start, body: body.clone() })
}
