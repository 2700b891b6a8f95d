//! What templates of a host may use, and what is said where one of them fails.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::Builder;
use crate::{
    desired::{resource, template_problem::template_problem},
    inventory::{SecretBook, Variables, literal},
    model::variables::{self, Form, is_known as is_known_variable},
    model::{Family, HostName, SecretId, ServerVersion},
    playbook::{Project, ResourceKind, Role},
    source::{Node, Problems},
    template::{Scope, TemplateError},
};

impl Builder<'_> {
    /// Everything that templates of a host may use.
    pub(super) fn scope(&mut self, name: &HostName, variables: &Variables) -> Scope {
        let known = self.known.get(name).cloned().unwrap_or_default();
        let mut scope = self.groups.clone();
        let entry = |host: &HostName| {
            let endpoint = self.endpoint(host);
            json!({"name": host, "address": endpoint.address, "port": endpoint.port})
        };
        // The one that is written to asks all others whether they are.
        let writer =
            self.edges.writers.first().filter(|writer| *writer != name && self.boot_read_only(writer));
        let neighbours = self.edges.replicas_of(name).chain(self.edges.sources_of(name).map(|e| &e.from));
        let mut peers: Vec<&HostName> = neighbours.chain(writer).collect();
        peers.sort();
        peers.dedup();
        let sources: Vec<Json> = self
            .edges
            .sources_of(name)
            .map(|edge| {
                let mut source = entry(&edge.from);
                source["channel"] = edge.name.clone().into();
                source["delay"] = edge.delay.into();
                source["filters"] = json!(edge.filters);
                source
            })
            .collect();
        let replicas: Vec<Json> = self.edges.replicas_of(name).map(entry).collect();
        let is_writer = self.edges.writers.contains(name);
        let is_replica = !sources.is_empty();
        let id = self.ids.get(name).copied();
        let writers = self.edges.writers.len();
        add_names(self.project, &mut scope, name);
        scope.set("is_writer", is_writer.into());
        scope.set("gets_events_twice", self.edges.gets_events_twice(name).into());
        // A host that has left the topology takes no writes for that.
        let closed = self.known.get(name).is_some_and(|known| known.closed);
        scope.set("stays_closed", (closed && !self.edges.members.contains(name)).into());
        scope.set("is_source", (!replicas.is_empty()).into());
        scope.set("is_replica", is_replica.into());
        scope.set("is_seed_source", (self.edges.root.as_ref() == Some(name)).into());
        scope.set("writers", writers.into());
        scope.set("peers", peers.into_iter().map(entry).collect());
        scope.set("sources", sources.into());
        let mut callers: Vec<&HostName> = self.edges.replicas_of(name).collect();
        callers.extend(writer.filter(|writer| !callers.contains(writer)));
        scope.set("replicas", replicas.into());
        scope.set("account_peers", callers.into_iter().map(entry).collect());
        scope.set("boot_read_only", self.boot_read_only(name).into());
        scope.set("seed_from", self.edges.seeds.get(name).into_iter().flatten().map(entry).collect());
        scope.set("server_id", id.into());
        scope.set("auto_increment_offset", self.offsets.get(name).copied().into());
        scope.set("auto_increment_increment", writers.max(10).into());
        // Several writers need a domain each; a single one keeps what it has.
        scope.set("gtid_domain_id", if writers > 1 { id.into() } else { Json::Null });
        scope.set("mysql_port", self.endpoint(name).port.into());
        add_version(&mut scope, known.version);
        scope.set("kind", self.play.topology.as_ref().map(|t| t.kind.word()).into());
        self.add_variables(&mut scope, variables);
        scope
    }

    /// Whether a host comes up read-only: where one host is written to, unless its variables say otherwise, or it is the writer
    /// and nothing could open it then.
    fn boot_read_only(&self, name: &HostName) -> bool {
        let has_lost = self.play.topology.as_ref().is_some_and(|topology| !topology.lost.is_empty());
        let one_writer = self.edges.writers.len() == 1 && (has_lost || !self.edges.edges.is_empty());
        if !one_writer || !self.edges.members.contains(name) {
            return false;
        }
        let declared = match self.own_value(name, "boot_read_only") {
            Some(Json::Bool(flag)) => Some(flag),
            Some(Json::String(word)) => Some(word.trim().eq_ignore_ascii_case("true")),
            _ => None,
        };
        let stuck = || {
            let cannot = self.known.get(name).is_some_and(|it| it.cannot_open_itself);
            self.edges.writers.contains(name) && (cannot || !self.a_role_opens())
        };
        declared.unwrap_or_else(|| !stuck())
    }

    /// Whether a role of the playbook has the unit that opens the writer: one of the user's may take the place of ours.
    fn a_role_opens(&self) -> bool {
        let used = self.project.plays.iter().flat_map(|(play, _)| &play.roles);
        let resources =
            used.filter_map(|used| self.project.roles.get(&used.name)).flat_map(|role| &role.resources);
        resources.into_iter().any(|resource| resource.kind == ResourceKind::RoleUnit)
    }

    /// Adds the user's variables, each after those that it refers to.
    fn add_variables(&mut self, scope: &mut Scope, variables: &Variables) {
        let mut book = self.project.secrets.clone();
        let mut order = Order::new(variables, &mut book);
        let names: Vec<String> = variables.iter().map(|(name, _)| name.to_owned()).collect();
        names.iter().for_each(|name| order.ensure(scope, name));
        let failed = order.failed;
        if failed.is_empty() {
            return;
        }
        // What failed refers to nothing, in a circle, or to what only Ansible has. It is a mistake where tandem or
        // a role looks at it; an inventory may hold much else.
        let mut read: BTreeSet<String> = self
            .play
            .roles
            .iter()
            .filter_map(|used| self.project.roles.get(&used.name))
            .flat_map(names_in_role)
            .collect();
        let is_read = |name: &str, read: &BTreeSet<String>| is_known_variable(name) || read.contains(name);
        loop {
            let before = read.len();
            for name in failed.keys() {
                if let Some(node) = variables.get(name).filter(|_| is_read(name, &read)) {
                    read.extend(names_in(&node.to_json()));
                }
            }
            if read.len() == before {
                break;
            }
        }
        for (name, error) in &failed {
            if let Some(node) = variables.get(name).filter(|_| is_read(name, &read)) {
                let place = &resource::failing(node, scope).place;
                self.problems.push(template_problem(error, place, scope));
            }
        }
    }

    /// What a host's variables give a name, evaluated without what the topology adds.
    pub(super) fn own_value(&self, host: &HostName, name: &str) -> Option<Json> {
        let variables = self.variables.get(host)?;
        let node = variables.get(name)?;
        let json = template_of(name, node);
        if !Scope::has_template(&json) {
            return Some(json);
        }
        let mut scope = self.groups.clone();
        add_names(self.project, &mut scope, host);
        let mut book = self.project.secrets.clone();
        Order::new(variables, &mut book).ensure(&mut scope, name);
        scope.get(name).cloned()
    }
}

/// Ansible's own names.
pub(super) fn add_names(project: &Project, scope: &mut Scope, host: &HostName) {
    let name = host.as_str();
    scope.set("inventory_hostname", name.into());
    scope.set("inventory_hostname_short", name.split('.').next().unwrap_or(name).into());
    let inventory = &project.inventory;
    let mut groups = inventory.groups_of(host);
    groups.sort_unstable();
    scope.set("group_names", groups.into());
    if let Some(file) = inventory.files.get(host) {
        scope.set("inventory_file", file.to_string_lossy().into());
        let folder = file.parent().map(|folder| folder.to_string_lossy().into_owned());
        scope.set("inventory_dir", folder.into());
    }
    scope.set("playbook_dir", project.playbook_folder.to_string_lossy().into());
}

/// Evaluates variables, each after those that it refers to: `default` must not hide one that comes later.
pub(super) struct Order<'a> {
    variables: &'a Variables,
    book: &'a mut SecretBook,
    begun: BTreeSet<String>,
    pub(super) failed: BTreeMap<String, TemplateError>,
}

impl<'a> Order<'a> {
    pub(super) fn new(variables: &'a Variables, book: &'a mut SecretBook) -> Self {
        Self { variables, book, begun: BTreeSet::new(), failed: BTreeMap::new() }
    }

    pub(super) fn ensure(&mut self, scope: &mut Scope, name: &str) {
        let Some(node) = self.variables.get(name) else { return };
        if !self.begun.insert(name.to_owned()) {
            return;
        }
        if let Some(SecretId(id)) = self.book.of_variable(name, node, &mut Problems::default()) {
            return scope.set(name, Scope::secret(&id));
        }
        let json = template_of(name, node);
        if !Scope::has_template(&json) {
            return scope.set(name, json);
        }
        // What a default of ours gives is not what the user's variable gives.
        for other in Scope::names_in(&json) {
            self.ensure(scope, &other);
        }
        match scope.evaluate_variable(&json, &|text| literal(text, &node.place).to_json()) {
            Ok(value) => {
                let secret = crate::inventory::is_secret_name(name);
                if let Some(text) = value.as_str().filter(|_| secret) {
                    crate::inventory::conceal(text);
                }
                let sealed = secret.then(|| self.book.vaulted_value(&value)).flatten();
                scope.set(name, sealed.map_or(value, |SecretId(id)| Scope::secret(&id)));
            }
            Err(error) => {
                self.failed.insert(name.to_owned(), error);
            }
        }
    }
}

/// What templates may ask of a server; where none was read, it is taken for a MariaDB.
fn add_version(scope: &mut Scope, known: Option<ServerVersion>) {
    let family = match known.map(|v| v.family) {
        Some(Family::MySql) => "mysql",
        _ => "mariadb",
    };
    scope.set("mysql_family", family.into());
    scope.set("mysql_major", known.map_or(0, |v| v.major).into());
    scope.set("mysql_version", known.map(|v| format!("{}.{}.{}", v.major, v.minor, v.patch)).into());
}

/// A variable's value as templates are evaluated in it: where text is meant, the text that the file has.
fn template_of(name: &str, node: &Node) -> Json {
    let form = variables::all().find(|(known, ..)| *known == name).map(|(_, form, _)| form);
    let text = |node: &Node| match node.scalar().filter(|_| !node.raw) {
        Some(text) => Json::String(text),
        None => node.to_template(),
    };
    match (form, node.seq()) {
        (Some(Form::Names), Some(items)) => items.iter().map(text).collect(),
        (Some(Form::Text | Form::Path | Form::Unit | Form::Names), _) => text(node),
        _ => node.to_template(),
    }
}

/// Names that a role's resources may refer to.
fn names_in_role(role: &Role) -> Vec<String> {
    let nodes = role.resources.iter().flat_map(|r| [Some(&r.body), r.when.as_ref(), r.for_each.as_ref()]);
    nodes.flatten().flat_map(|node| names_in(&node.to_json())).collect()
}

/// Every word in a value that may be a name.
fn names_in(value: &Json) -> Vec<String> {
    let text = value.to_string();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
