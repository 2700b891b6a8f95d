//! `groups`, the hosts of a play, and `hostvars`: what templates may ask of other hosts.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::scope::{Order, add_names};
use crate::{
    inventory::Variables,
    model::HostName,
    playbook::{Play, Project, groups_scope},
    source::has_word,
    template::Scope,
};

fn of_inventory(project: &Project) -> Scope {
    let mut scope = groups_scope(&project.inventory);
    scope.set_environment(&project.environment);
    scope
}

/// Names that are the same for every host of a play.
pub(super) fn scope(project: &Project, play: &Play) -> Scope {
    let mut scope = of_inventory(project);
    let of_play = project.plays.iter().find(|(known, _)| known.place == play.place).map(|(_, hosts)| hosts);
    if let Some(hosts) = of_play {
        let names: Vec<&str> = hosts.iter().map(HostName::as_str).collect();
        for name in ["ansible_play_hosts", "ansible_play_hosts_all", "ansible_play_batch", "play_hosts"] {
            scope.set(name, names.clone().into());
        }
    }
    if mentioned(project, play) {
        let all = hostvars(project, Some(play), &scope);
        scope.set("hostvars", all);
    }
    scope
}

/// Whether some template asks for another host's variables: they are evaluated only then.
fn mentioned(project: &Project, play: &Play) -> bool {
    let roles = play.roles.iter().filter_map(|used| project.roles.get(&used.name));
    inventory_mentions(project)
        || play.layers.iter().flat_map(|layer| layer.iter()).any(|(_, node)| node.mentions("hostvars"))
        || roles.into_iter().any(|role| {
            role.mentions("hostvars")
                || role.resources.iter().any(|resource| resource.body.mentions("hostvars"))
        })
}

fn inventory_mentions(project: &Project) -> bool {
    let values = project.inventory.layers().flat_map(|layer| layer.iter()).map(|(_, node)| node);
    values.chain(project.extra.iter().map(|(_, node)| node)).any(|node| node.mentions("hostvars"))
}

/// What the variables of a host give.
#[derive(Debug, Default)]
pub(crate) struct Values {
    /// Each with its templates evaluated; one that stands for a secret is what [`Scope::secret`] makes.
    pub values: BTreeMap<String, Json>,
    /// Those whose template has no value, with the reason.
    pub failed: BTreeMap<String, String>,
}

/// What the variables of a host give, without what a topology adds.
pub(crate) fn values(project: &Project, play: Option<&Play>, host: &HostName) -> Values {
    let mut scope = play.map_or_else(|| of_inventory(project), |play| scope(project, play));
    if play.is_none() && inventory_mentions(project) {
        let all = hostvars(project, None, &scope);
        scope.set("hostvars", all);
    }
    host_values(project, &scope, host, &project.variables(play, host))
}

/// Every host's variables, as far as they have a value that is no secret.
fn hostvars(project: &Project, play: Option<&Play>, scope: &Scope) -> Json {
    let of = |host: &HostName| {
        let values = host_values(project, scope, host, &project.variables(play, host)).values.into_iter();
        Json::Object(values.filter(|(_, value)| Scope::secret_id(value).is_none()).collect::<Map<_, _>>())
    };
    Json::Object(project.inventory.hosts.keys().map(|host| (host.to_string(), of(host))).collect())
}

fn host_values(project: &Project, scope: &Scope, host: &HostName, variables: &Variables) -> Values {
    let mut scope = scope.clone();
    add_names(project, &mut scope, host);
    let mut book = project.secrets.clone();
    let mut order = Order::new(variables, &mut book);
    let names: Vec<&str> = variables.iter().map(|(name, _)| name).collect();
    names.iter().for_each(|name| order.ensure(&mut scope, name));
    let failed = order.failed.into_iter().map(|(name, error)| (name, error.message)).collect();
    let shown = names.into_iter().chain(["inventory_hostname", "group_names", "inventory_dir"]);
    let values = shown.filter_map(|name| Some((name.to_owned(), scope.get(name)?.clone())));
    Values { values: values.collect(), failed }
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
