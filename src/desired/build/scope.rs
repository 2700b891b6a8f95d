//! What templates of a host may use, and what is said where one of them fails.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::Builder;
use crate::{
    desired::resource,
    inventory::Variables,
    model::variables::is_known as is_known_variable,
    model::{HostName, Place, SecretId},
    playbook::Role,
    source::{Node, Problem, Problems},
    template::Scope,
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
        let mut peers: Vec<&HostName> =
            self.edges.replicas_of(name).chain(self.edges.sources_of(name).map(|e| &e.from)).collect();
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
        scope.set("inventory_hostname", name.as_str().into());
        scope.set("is_writer", is_writer.into());
        scope.set("gets_events_twice", self.edges.gets_events_twice(name).into());
        scope.set("is_source", (!replicas.is_empty()).into());
        scope.set("is_replica", is_replica.into());
        scope.set("is_seed_source", (self.edges.root.as_ref() == Some(name)).into());
        scope.set("writers", writers.into());
        scope.set("peers", peers.into_iter().map(entry).collect());
        scope.set("sources", sources.into());
        scope.set("replicas", replicas.into());
        scope.set("seed_from", self.edges.seeds.get(name).into_iter().flatten().map(entry).collect());
        scope.set("server_id", id.into());
        scope.set("auto_increment_offset", self.offsets.get(name).copied().into());
        scope.set("auto_increment_increment", writers.max(10).into());
        // Several writers need a domain each; a single one keeps what it has.
        scope.set("gtid_domain_id", if writers > 1 { id.into() } else { Json::Null });
        scope.set("mysql_port", self.endpoint(name).port.into());
        scope.set(
            "mysql_family",
            match known.version.map(|v| v.family) {
                Some(crate::model::Family::MySql) => "mysql".into(),
                _ => "mariadb".into(),
            },
        );
        scope.set("mysql_major", known.version.map_or(0, |v| v.major).into());
        scope.set(
            "mysql_version",
            known.version.map(|v| format!("{}.{}.{}", v.major, v.minor, v.patch)).into(),
        );
        scope.set("kind", self.play.topology.as_ref().map(|t| t.kind.word()).into());
        self.add_variables(&mut scope, variables);
        scope
    }

    /// Adds the user's variables; those that refer to others are evaluated until nothing changes.
    fn add_variables(&mut self, scope: &mut Scope, variables: &Variables) {
        let mut left: Vec<(&str, &Node)> = Vec::new();
        let mut book = self.project.secrets.clone();
        for (name, variable) in variables.iter() {
            let node = &variable.winner().node;
            match book.of_variable(name, node, &mut Problems::default()) {
                Some(SecretId(id)) => scope.set(name, Scope::secret(&id)),
                None if has_template(&node.to_template()) => left.push((name, node)),
                None => scope.set(name, node.to_json()),
            }
        }
        let mut errors = Vec::new();
        while !left.is_empty() {
            let before = left.len();
            errors.clear();
            left.retain(|(name, node)| match scope.evaluate(&node.to_template()) {
                Ok(value) => {
                    let secret = crate::inventory::is_secret_name(name);
                    if let Some(text) = value.as_str().filter(|_| secret) {
                        crate::inventory::conceal(text);
                    }
                    let sealed = secret.then(|| book.vaulted_value(&value)).flatten();
                    scope.set(name, sealed.map_or(value, |SecretId(id)| Scope::secret(&id)));
                    false
                }
                Err(error) => {
                    errors.push(template_problem(&error, &resource::failing(node, scope).place, scope));
                    true
                }
            });
            if left.len() == before {
                break;
            }
        }
        if left.is_empty() {
            return;
        }
        // What is left refers to nothing, in a circle, or to what only Ansible has. It is a mistake where tandem or
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
            for (name, node) in &left {
                if is_read(name, &read) {
                    read.extend(names_in(&node.to_json()));
                }
            }
            if read.len() == before {
                break;
            }
        }
        for ((name, _), problem) in left.iter().zip(errors) {
            if is_read(name, &read) {
                self.problems.push(problem);
            }
        }
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

fn has_template(value: &Json) -> bool {
    match value {
        Json::String(text) => text.contains("{{") || text.contains("{%"),
        Json::Array(items) => items.iter().any(has_template),
        Json::Object(map) => map.values().any(has_template),
        _ => false,
    }
}

/// A template's mistake at the place of the text that holds it.
pub(in crate::desired) fn template_problem(
    error: &crate::template::TemplateError,
    place: &Place,
    scope: &Scope,
) -> Problem {
    let mut place = place.clone();
    if error.line > 1 && place.line > 0 {
        place.line += error.line as u32 - 1;
    }
    let label = if error.undefined.is_some() { "used here" } else { "in this template" };
    let code = if error.undefined.is_some() { "template::undefined" } else { "template::failed" };
    let problem = Problem::error(code, &place, error.message.clone(), label);
    if error.message.starts_with("lookup is unknown") {
        return problem.help(
            "Lookups are Ansible's and are not made here. Write the value, or give it with -e NAME=VALUE; a secret is \
             {env: NAME}, {file: path} or {command: [..]}.",
        );
    }
    let Some(name) = &error.undefined else { return problem };
    if matches!(
        name.as_str(),
        "ansible_facts" | "hostvars" | "vars" | "ansible_default_ipv4" | "ansible_hostname"
    ) {
        return problem.help(format!("`{name}` is Ansible's, gathered while it runs. Write the value out."));
    }
    if name == "replication_password" {
        return problem.help("Set replication_password, for example: {env: REPLICATION_PASSWORD}");
    }
    match crate::source::closest(name, scope.names()) {
        Some(near) => problem.help(format!("Did you mean `{near}`?")),
        None => {
            problem.help(format!("Give `{name}` a value in the inventory, the play or the role's defaults."))
        }
    }
}
