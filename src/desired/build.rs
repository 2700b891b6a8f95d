//! Evaluates each role for each host.

mod connection;
mod forms;
mod hostvars;
mod scope;

use std::{collections::BTreeMap, str::FromStr, time::Duration};

use serde_json::Value as Json;

use super::{
    AllPlays, Desired, DesiredHost, Edges, Identity, LostHost, OptionFileHolds, identity,
    resource::{self, Evaluated},
};
use crate::{
    desired::template_problem::template_problem,
    inventory::Variables,
    model::{Endpoint, HostName, Place, UnknownWord, limits, time},
    playbook::{Declared, Kind, Play, Project, Role},
    source::{Node, Problem, Problems},
    template::Scope,
};

pub(crate) use hostvars::{Values, values};

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
    /// What would be wished if another member took the writes for a while; nothing unless a plan needs that.
    pub turned: Option<Turned>,
    /// Members that were declared lost until now, and come back by this plan.
    pub returned: Vec<HostName>,
}

/// A play with another member in the place of the one that clients write to.
#[derive(Debug)]
pub struct Turned {
    /// That member.
    pub to: HostName,
    /// What would be wished.
    pub desired: Desired,
}

/// Works out what would be wished of a play's members if another one of them took the writes. Nothing where the topology
/// knows no single host that does.
pub fn turned(
    project: &Project,
    play: &Play,
    hosts: &[HostName],
    known: &BTreeMap<HostName, Identity>,
    to: &HostName,
) -> Option<Turned> {
    let mut play = play.clone();
    play.topology.as_mut()?.turn(to).ok()?;
    let desired = build(project, &play, hosts, known).desired;
    Some(Turned { to: to.clone(), desired })
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
    let mut edges = play.topology.as_ref().map(Edges::of).unwrap_or_default();
    let mut members = edges.members.clone();
    let lost: &[Declared] = play.topology.as_ref().map_or(&[], |topology| &topology.lost);
    let is_lost = |host: &&HostName| lost.iter().any(|lost| lost.host == **host);
    members.extend(hosts.iter().filter(|h| !edges.members.contains(h) && !is_lost(h)).cloned());
    let all = || members.iter().chain(lost.iter().map(|lost| &lost.host));
    let variables: BTreeMap<HostName, Variables> =
        all().map(|host| (host.clone(), project.variables(Some(play), host))).collect();
    let groups = hostvars::scope(project, play);
    let named = Builder {
        project,
        play,
        edges: &edges,
        variables: &variables,
        groups: &groups,
        known,
        ids: &BTreeMap::new(),
        offsets: &BTreeMap::new(),
        endpoints: &BTreeMap::new(),
        problems: Problems::default(),
    };
    let endpoints: BTreeMap<HostName, Endpoint> =
        all().map(|host| (host.clone(), named.endpoint(host))).collect();
    let mut problems = Problems::default();
    let declared_ids = numbers("server_id", &members, &named, &mut problems);
    let declared_offsets = numbers("auto_increment_offset", &members, &named, &mut problems);
    edges.name_channels(|edge| {
        let channels = &known.get(&edge.to)?.channels;
        let source = endpoints.get(&edge.from)?;
        channels.iter().find(|(_, at)| at == source).map(|(name, _)| name.clone())
    });
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
        endpoints: &endpoints,
        problems,
    };
    let mut desired = without_hosts(play, &members, &edges);
    builder.add_hosts(&members, lost, &mut desired);
    let without_id = edges.members.iter().filter(|m| !ids.contains_key(*m)).cloned().collect();
    let problems = builder.problems;
    Built { desired, without_id, problems, edges, turned: None, returned: Vec::new() }
}

/// What is wished of a play, before its hosts are added.
fn without_hosts(play: &Play, members: &[HostName], edges: &Edges) -> Desired {
    Desired {
        play: play.name.clone(),
        members: members.to_vec(),
        hosts: BTreeMap::new(),
        several_writers: edges.writers.len() > 1,
        one_primary: play.topology.as_ref().is_some_and(|t| t.kind == Kind::PrimaryReplica),
        lost: Vec::new(),
        all_plays: AllPlays::default(),
    }
}

/// A variable of every member that has it, where it is a whole number.
fn numbers(
    name: &str,
    members: &[HostName],
    named: &Builder<'_>,
    problems: &mut Problems,
) -> BTreeMap<HostName, u64> {
    let mut numbers = BTreeMap::new();
    for host in members {
        let Some(node) = named.variables.get(host).and_then(|variables| variables.get(name)) else {
            continue;
        };
        // A template that fails is reported with the host's other variables.
        let Some(value) = named.own_value(host, name) else { continue };
        if let Some(n) = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok()) {
            numbers.insert(host.clone(), n);
            continue;
        }
        let is = node.scalar().map_or_else(|| node.kind().to_owned(), |s| format!("`{s}`"));
        let message = format!("`{name}` must be a whole number from 0 on, this is {is}");
        problems.push(Problem::error("variable::type", &node.place, message, "not such a number"));
    }
    numbers
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
    endpoints: &'a BTreeMap<HostName, Endpoint>,
    problems: Problems,
}

impl Builder<'_> {
    /// Adds the hosts: those of the topology with all that is wished of them, and those that are declared lost.
    fn add_hosts(&mut self, members: &[HostName], lost: &[Declared], desired: &mut Desired) {
        for Declared { host, place } in lost {
            let (host, ..) = self.frame(host);
            desired.lost.push(LostHost { host, place: place.clone() });
        }
        let gone: Vec<Endpoint> = lost.iter().map(|lost| self.endpoint(&lost.host)).collect();
        for host in members {
            let built = DesiredHost { lost: gone.clone(), ..self.host(host) };
            desired.hosts.insert(host.clone(), built);
        }
    }

    /// How a host is reached and treated, whatever its roles wish of it; and what its templates may use.
    fn frame(&mut self, name: &HostName) -> (DesiredHost, Variables, Scope) {
        let variables = self.variables.get(name).cloned().unwrap_or_default();
        let scope = self.scope(name, &variables);
        let connection = self.connection(name, &variables, &scope);
        let endpoint = self.endpoint(name);
        self.check_forms(&variables, &scope);
        let text = |variable: &str| scope.get(variable).and_then(Json::as_str).map(str::to_owned);
        let host = DesiredHost {
            connection,
            endpoint,
            writer: self.edges.writers.contains(name),
            replicas: self.edges.replicas_of(name).cloned().collect(),
            service: text("mysql_service"),
            option_file: text("mysql_option_file"),
            option_file_holds: self
                .word("mysql_option_file_holds", &variables, &scope)
                .unwrap_or(OptionFileHolds::Everything),
            restart_wait: self.time("restart_wait", &variables, &scope).unwrap_or(limits::RESTART.time),
            restart_primary: self.word("restart_primary", &variables, &scope),
            switchover_limit: self
                .time("switchover_limit", &variables, &scope)
                .unwrap_or(limits::SWITCHOVER.time),
            switchover_wait: self
                .time("switchover_wait", &variables, &scope)
                .unwrap_or(limits::SWITCHOVER_WAIT.time),
            ..DesiredHost::bare(name)
        };
        (host, variables, scope)
    }

    fn host(&mut self, name: &HostName) -> DesiredHost {
        let (mut host, variables, scope) = self.frame(name);
        let variables = &variables;
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

    /// A variable that holds one of some words.
    fn word<T: FromStr<Err = UnknownWord>>(
        &mut self,
        name: &str,
        variables: &Variables,
        scope: &Scope,
    ) -> Option<T> {
        let word = match scope.get(name)? {
            Json::Null => return None,
            value => value.as_str().unwrap_or_default(),
        };
        match word.parse() {
            Ok(word) => Some(word),
            Err(UnknownWord { list, .. }) => {
                let place = variables.get(name).map_or_else(|| self.topology_place(), |n| n.place.clone());
                let message = format!("`{word}` is not a value of `{name}`");
                self.problems.push(
                    Problem::error("variable::word", &place, message, "unknown word")
                        .help(format!("The words are {list}.")),
                );
                None
            }
        }
    }

    /// A variable that holds a time.
    fn time(&mut self, name: &str, variables: &Variables, scope: &Scope) -> Option<Duration> {
        let text = match scope.get(name)? {
            Json::String(text) => text.clone(),
            Json::Null => return None,
            other => other.to_string(),
        };
        match time(&text) {
            Ok(time) => Some(time),
            Err(why) => {
                let place = variables.get(name).map_or_else(|| self.topology_place(), |n| n.place.clone());
                let message = format!("`{name}` must be a time such as 90s or 10min: {why}");
                self.problems.push(Problem::error("variable::type", &place, message, "not a time"));
                None
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
            None => scope.evaluate(&list.to_template()),
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
        if let Some(endpoint) = self.endpoints.get(name) {
            return endpoint.clone();
        }
        let text = |variable: &str| match self.own_value(name, variable)? {
            Json::String(text) => Some(text),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let address = ["replication_address", "ansible_ssh_host", "ansible_host"].into_iter().find_map(text);
        // A login in the host's name is no part of its address.
        let own = name.as_str();
        let address =
            address.unwrap_or_else(|| own.rsplit_once('@').map_or(own, |(_, host)| host).to_owned());
        // Servers name a client by the one form that the system prints.
        let address = address.parse::<std::net::IpAddr>().map_or(address, |canonical| canonical.to_string());
        let declared = text("mysql_port").and_then(|p| p.trim().parse().ok());
        let port = declared.or_else(|| self.known.get(name).and_then(|k| k.port)).unwrap_or(3306);
        Endpoint { address, port }
    }
}
