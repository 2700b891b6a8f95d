//! `groups`, the hosts of a play, and `hostvars`: what templates may ask of other hosts.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::Builder;
use crate::{
    desired::Edges,
    inventory::Variables,
    model::HostName,
    playbook::{Play, Project, groups_scope},
    source::{Problems, has_word},
    template::Scope,
};

/// Names that are the same for every host.
pub(super) fn scope(project: &Project, play: &Play) -> Scope {
    let mut scope = groups_scope(&project.inventory);
    scope.set_environment(&project.environment);
    let of_play = project.plays.iter().find(|(known, _)| known.place == play.place).map(|(_, hosts)| hosts);
    if let Some(hosts) = of_play {
        let names: Vec<&str> = hosts.iter().map(HostName::as_str).collect();
        for name in ["ansible_play_hosts", "ansible_play_hosts_all", "ansible_play_batch", "play_hosts"] {
            scope.set(name, names.clone().into());
        }
    }
    if mentioned(project, play) {
        let all = hostvars(project, play, &scope);
        scope.set("hostvars", all);
    }
    scope
}

/// Whether some template asks for another host's variables: they are evaluated only then.
fn mentioned(project: &Project, play: &Play) -> bool {
    let inventory = project.inventory.layers().chain(&play.layers);
    let values = inventory.flat_map(|layer| layer.iter()).map(|(_, node)| node);
    let roles = play.roles.iter().filter_map(|used| project.roles.get(&used.name));
    values.chain(project.extra.iter().map(|(_, node)| node)).any(|node| node.mentions("hostvars"))
        || roles.into_iter().any(|role| {
            role.mentions("hostvars")
                || role.resources.iter().any(|resource| resource.body.mentions("hostvars"))
        })
}

/// Every host's variables, as far as they have a value that is no secret.
fn hostvars(project: &Project, play: &Play, scope: &Scope) -> Json {
    let hosts = project.inventory.hosts.keys();
    let variables: BTreeMap<HostName, Variables> =
        hosts.map(|host| (host.clone(), project.variables(Some(play), host))).collect();
    let (edges, none, nothing, numbers) =
        (Edges::default(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let builder = Builder {
        project,
        play,
        edges: &edges,
        variables: &variables,
        groups: scope,
        known: &none,
        ids: &numbers,
        offsets: &numbers,
        endpoints: &nothing,
        problems: Problems::default(),
    };
    let one = |host: &HostName, variables: &Variables| {
        let mut scope = scope.clone();
        builder.add_names(&mut scope, host);
        let mut book = project.secrets.clone();
        let mut order = super::scope::Order::new(variables, &mut book);
        let names: Vec<&str> = variables.iter().map(|(name, _)| name).collect();
        names.iter().for_each(|name| order.ensure(&mut scope, name));
        let shown = names.into_iter().chain(["inventory_hostname", "group_names", "inventory_dir"]);
        let values = shown.filter_map(|name| Some((name.to_owned(), scope.get(name)?.clone())));
        Json::Object(values.filter(|(_, value)| Scope::secret_id(value).is_none()).collect::<Map<_, _>>())
    };
    let all = variables.iter().map(|(host, variables)| (host.to_string(), one(host, variables)));
    Json::Object(all.collect())
}

impl crate::source::Node {
    /// Whether some text in it holds a word.
    fn mentions(&self, word: &str) -> bool {
        match &self.value {
            crate::source::Yaml::Text(text) => has_word(text, word),
            crate::source::Yaml::Seq(items) => items.iter().any(|item| item.mentions(word)),
            crate::source::Yaml::Map(entries) => entries.iter().any(|(_, node)| node.mentions(word)),
            _ => false,
        }
    }
}
