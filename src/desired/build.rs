//! Evaluates each role for each host.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::{
    Desired, DesiredHost, Edges, Identity, OptionFileHolds, identity,
    resource::{self, Evaluated},
};
use crate::{
    inventory::{Connection, SudoAs, Variables},
    model::{Endpoint, HostName, Place, SecretId},
    playbook::{Play, Project, Role},
    schema::is_known as is_known_variable,
    source::{Node, Problem, Problems},
    template::Scope,
};

/// A play's wishes, with what is wrong in its files.
#[derive(Debug)]
pub struct Built {
    /// The wishes.
    pub desired: Desired,
    /// The topology worked out.
    pub edges: Edges,
    /// Members whose server id can't be known before they, or others, have been read.
    pub without_id: Vec<HostName>,
    /// Mistakes that only show when templates are evaluated.
    pub problems: Problems,
}

/// Works out what a play asks of every member of its topology.
///
/// `known` is what the hosts are; without a connection it is empty, and ids are assigned as if all
/// servers were fresh.
pub fn build(
    project: &Project,
    play: &Play,
    hosts: &[HostName],
    known: &BTreeMap<HostName, Identity>,
) -> Built {
    let mut problems = Problems::default();
    let mut edges = play.topology.as_ref().map(Edges::of).unwrap_or_default();
    let mut members = edges.members.clone();
    members.extend(hosts.iter().filter(|h| !edges.members.contains(h)).cloned());
    let variables: BTreeMap<HostName, Variables> =
        members.iter().map(|host| (host.clone(), project.variables(Some(play), host))).collect();
    let mut numbers = |name: &str| -> BTreeMap<HostName, u64> {
        members
            .iter()
            .filter_map(|host| {
                let node = variables.get(host)?.get(name)?;
                match node.scalar().and_then(|s| s.parse().ok()) {
                    Some(n) => Some((host.clone(), n)),
                    None => {
                        let is = node.scalar().map_or_else(|| node.kind().to_owned(), |s| format!("`{s}`"));
                        let message = format!("`{name}` must be a whole number from 0 on, this is {is}");
                        problems.push(Problem::error(
                            "variable::type",
                            &node.place,
                            message,
                            "not such a number",
                        ));
                        None
                    }
                }
            })
            .collect()
    };
    let groups = crate::playbook::groups_scope(&project.inventory);
    let named = Builder {
        project,
        play,
        edges: &edges,
        variables: &variables,
        groups: &groups,
        known,
        ids: &BTreeMap::new(),
        offsets: &BTreeMap::new(),
        problems: Problems::default(),
    };
    let endpoints: BTreeMap<HostName, Endpoint> =
        members.iter().map(|host| (host.clone(), named.endpoint(host))).collect();
    edges.name_channels(|edge| {
        let channels = &known.get(&edge.to)?.channels;
        let source = endpoints.get(&edge.from)?;
        channels.iter().find(|(_, at)| at == source).map(|(name, _)| name.clone())
    });
    let (declared_ids, declared_offsets) = (numbers("server_id"), numbers("auto_increment_offset"));
    let ids = identity::server_ids(&members, &declared_ids, known);
    let offsets = identity::offsets(&edges.writers, &declared_offsets);
    let mut builder = Builder {
        project,
        play,
        edges: &edges,
        variables: &variables,
        groups: &groups,
        known,
        ids: &ids,
        offsets: &offsets,
        problems,
    };
    let mut desired = Desired {
        play: play.name.clone(),
        members: members.clone(),
        hosts: BTreeMap::new(),
        several_writers: edges.writers.len() > 1,
    };
    for host in &members {
        let built = builder.host(host);
        desired.hosts.insert(host.clone(), built);
    }
    let without_id = edges.members.iter().filter(|m| !ids.contains_key(*m)).cloned().collect();
    let problems = builder.problems;
    Built { desired, without_id, problems, edges }
}

struct Builder<'a> {
    project: &'a Project,
    play: &'a Play,
    edges: &'a Edges,
    variables: &'a BTreeMap<HostName, Variables>,
    groups: &'a Scope,
    known: &'a BTreeMap<HostName, Identity>,
    ids: &'a BTreeMap<HostName, u64>,
    offsets: &'a BTreeMap<HostName, u64>,
    problems: Problems,
}

impl Builder<'_> {
    fn host(&mut self, name: &HostName) -> DesiredHost {
        let empty = Variables::default();
        let variables = self.variables.get(name).unwrap_or(&empty);
        let scope = self.scope(name, variables);
        let connection = self.connection(name, variables, &scope);
        let endpoint = self.endpoint(name);
        let text = |variable: &str| scope.get(variable).and_then(Json::as_str).map(str::to_owned);
        let mut host = DesiredHost {
            connection,
            endpoint,
            writer: self.edges.writers.contains(name),
            replicas: self.edges.replicas_of(name).cloned().collect(),
            service: text("mysql_service"),
            option_file: text("mysql_option_file"),
            option_file_holds: self.option_file_holds(variables, &scope),
            ..DesiredHost::bare(name)
        };
        for used in &self.play.roles {
            let Some(role) = self.project.roles.get(&used.name) else { continue };
            if let Some(when) = &used.when
                && !self.condition(when, &scope)
            {
                continue;
            }
            self.role(role, &mut host, variables, &scope);
        }
        let version = self.known.get(name).and_then(|known| known.version);
        super::filters::add_settings(&mut host, version.map_or(crate::model::Family::MariaDb, |v| v.family));
        host
    }

    fn option_file_holds(&mut self, variables: &Variables, scope: &Scope) -> OptionFileHolds {
        const NAME: &str = "mysql_option_file_holds";
        match scope.get(NAME).map(|value| value.as_str().unwrap_or_default()) {
            None | Some("everything") => OptionFileHolds::Everything,
            Some("what_is_missing") => OptionFileHolds::WhatIsMissing,
            Some(other) => {
                let place = variables.get(NAME).map_or_else(|| self.topology_place(), |n| n.place.clone());
                self.problems.push(
                    Problem::error(
                        "variable::word",
                        &place,
                        format!("`{other}` is not a value of `{NAME}`"),
                        "unknown word",
                    )
                    .help("The words are everything, what_is_missing."),
                );
                OptionFileHolds::Everything
            }
        }
    }

    fn role(&mut self, role: &Role, host: &mut DesiredHost, variables: &Variables, scope: &Scope) {
        for declared in &role.resources {
            let items = match &declared.for_each {
                None => vec![None],
                Some(list) => match self.list(list, scope) {
                    Some(items) => items.into_iter().map(Some).collect(),
                    None => continue,
                },
            };
            for item in items {
                let mut scope = scope.clone();
                if let Some(item) = item {
                    scope.set("item", item);
                }
                if let Some(when) = &declared.when
                    && !self.condition(when, &scope)
                {
                    continue;
                }
                let evaluated = Evaluated {
                    role,
                    declared,
                    scope: &scope,
                    variables,
                    base: &self.project.base,
                    secrets: &self.project.secrets,
                };
                let mut problems = Problems::default();
                resource::add(
                    &evaluated,
                    host,
                    &|name| self.endpoint(name),
                    &self.topology_place(),
                    &mut problems,
                );
                self.problems.extend(problems);
            }
        }
    }

    fn topology_place(&self) -> Place {
        self.play.topology.as_ref().map_or_else(|| self.play.place.clone(), |t| t.place.clone())
    }

    fn condition(&mut self, when: &Node, scope: &Scope) -> bool {
        match &when.value {
            crate::source::Yaml::Bool(value) => *value,
            _ => {
                let text = when.scalar().unwrap_or_default();
                match scope.expression(&text) {
                    Ok(Json::Bool(value)) => value,
                    Ok(Json::Null) => false,
                    Ok(_) => true,
                    Err(error) => {
                        self.problems.push(template_problem(&error, &when.place, scope));
                        false
                    }
                }
            }
        }
    }

    fn list(&mut self, list: &Node, scope: &Scope) -> Option<Vec<Json>> {
        let value = match list.scalar() {
            Some(text) if !text.contains("{{") => scope.expression(&text),
            Some(text) => scope.evaluate(&Json::String(text)),
            None => scope.evaluate(&list.to_json()),
        };
        match value {
            Ok(Json::Array(items)) => Some(items),
            Ok(_) => {
                self.problems.push(Problem::error(
                    "role::for-each",
                    &list.place,
                    "for_each needs a list",
                    "not a list",
                ));
                None
            }
            Err(error) => {
                self.problems.push(template_problem(&error, &list.place, scope));
                None
            }
        }
    }

    fn endpoint(&self, name: &HostName) -> Endpoint {
        let variables = self.variables.get(name);
        let text = |variable: &str| variables.and_then(|v| v.get(variable)).and_then(Node::scalar);
        let address = ["replication_address", "ansible_host", "ansible_ssh_host"].into_iter().find_map(text);
        let address = address.unwrap_or_else(|| name.to_string());
        let address = self.template(name, address);
        let declared = text("mysql_port").and_then(|p| p.parse().ok());
        let port = declared.or_else(|| self.known.get(name).and_then(|k| k.port)).unwrap_or(3306);
        Endpoint { address, port }
    }

    /// Addresses may refer to other variables of the same host.
    fn template(&self, name: &HostName, text: String) -> String {
        if !text.contains("{{") {
            return text;
        }
        let mut scope = Scope::default();
        for (key, variable) in self.variables.get(name).into_iter().flat_map(Variables::iter) {
            scope.set(key, variable.winner().node.to_json());
        }
        scope
            .evaluate(&Json::String(text.clone()))
            .ok()
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or(text)
    }

    /// Everything that templates of a host may use.
    fn scope(&mut self, name: &HostName, variables: &Variables) -> Scope {
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
                None if has_template(&node.to_json()) => left.push((name, node)),
                None => scope.set(name, node.to_json()),
            }
        }
        let mut errors = Vec::new();
        while !left.is_empty() {
            let before = left.len();
            errors.clear();
            left.retain(|(name, node)| match scope.evaluate(&node.to_json()) {
                Ok(value) => {
                    let sealed =
                        crate::inventory::is_secret_name(name).then(|| book.vaulted_value(&value)).flatten();
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

    fn connection(&mut self, name: &HostName, variables: &Variables, scope: &Scope) -> Connection {
        let mut connection = Connection::to(name);
        let place = |variable: &str| {
            variables.get(variable).map_or_else(|| Place::file("inventory"), |n| n.place.clone())
        };
        let text = |variable: &str| match scope.get(variable)? {
            Json::String(text) => Some(text.clone()),
            Json::Number(n) => Some(n.to_string()),
            _ => None,
        };
        let secret =
            |variable: &str| scope.get(variable).and_then(Scope::secret_id).map(|id| SecretId(id.to_owned()));
        if let Some(address) = text("ansible_host").or_else(|| text("ansible_ssh_host")) {
            connection.destination = address;
        }
        if connection.destination.starts_with('-') {
            let message = "an address can't begin with `-`: ssh would take it for an option";
            self.problems.push(Problem::error(
                "connection::address",
                &place("ansible_host"),
                message,
                "this address",
            ));
        }
        if let Some(port) = text("ansible_port").or_else(|| text("ansible_ssh_port")) {
            match port.parse() {
                Ok(port) => connection.port = Some(port),
                Err(_) => self.problems.push(Problem::error(
                    "connection::port",
                    &place("ansible_port"),
                    "ansible_port is a number from 1 to 65535",
                    "not a port",
                )),
            }
        }
        connection.user = text("ansible_user").or_else(|| text("ansible_ssh_user"));
        connection.key = text("ansible_ssh_private_key_file").map(|path| expand_home(&path).into());
        for variable in ["ansible_ssh_common_args", "ansible_ssh_extra_args"] {
            let Some(args) = text(variable) else { continue };
            match shlex::split(&args) {
                Some(words) => connection.args.extend(words),
                None => self.problems.push(Problem::error(
                    "connection::args",
                    &place(variable),
                    format!("`{variable}` has a quote that does not end"),
                    "these arguments",
                )),
            }
        }
        connection.password = secret("ansible_password").or_else(|| secret("ansible_ssh_pass"));
        let truthy = |variable: &str| match scope.get(variable) {
            Some(Json::Bool(b)) => *b,
            Some(Json::String(s)) => matches!(s.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1"),
            _ => false,
        };
        if truthy("ansible_become") {
            if let Some(method) = text("ansible_become_method").filter(|m| m != "sudo") {
                let message = format!("become by `{method}` is not there, only by sudo");
                self.problems.push(Problem::error(
                    "connection::become",
                    &place("ansible_become_method"),
                    message,
                    "this method",
                ));
            }
            let password = secret("ansible_become_password").or_else(|| secret("ansible_become_pass"));
            let user = text("ansible_become_user").unwrap_or_else(|| "root".into());
            connection.sudo = Some(SudoAs { user, password });
        }
        if let Some(kind) = text("ansible_connection").filter(|k| k != "ssh" && k != "smart") {
            let message = format!("a connection of kind `{kind}` is not there, only ssh");
            self.problems.push(Problem::error(
                "connection::kind",
                &place("ansible_connection"),
                message,
                "this kind",
            ));
        }
        connection.socket = text("mysql_socket");
        connection.admin_user = text("mysql_admin_user");
        connection.admin_password = secret("mysql_admin_password");
        connection
    }
}

fn expand_home(path: &str) -> String {
    match (path.strip_prefix("~/"), std::env::var("HOME")) {
        (Some(rest), Ok(home)) => format!("{home}/{rest}"),
        _ => path.to_owned(),
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
pub(super) fn template_problem(
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
