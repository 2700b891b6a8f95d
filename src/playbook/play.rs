//! A play: which hosts, which topology, which roles.

use std::sync::Arc;

use super::Topology;
use crate::{
    inventory::Layer,
    model::{HostName, Place},
    source::{Fields, Node, Problem, Problems, Yaml},
    template::Scope,
};

/// A role that a play uses.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleUse {
    /// The role's name.
    pub name: String,
    /// Variables of this use.
    pub vars: Option<Node>,
    /// A condition that decides for each host.
    pub when: Option<Node>,
    /// Where it is named.
    pub place: Place,
}

/// One play.
#[derive(Debug, Clone, PartialEq)]
pub struct Play {
    /// Its name.
    pub name: String,
    /// The pattern of its hosts, and its place.
    pub hosts: (String, Place),
    /// Its topology.
    pub topology: Option<Topology>,
    /// Its variables.
    pub vars: Option<Node>,
    /// Its roles, in order.
    pub roles: Vec<RoleUse>,
    /// Where it stands.
    pub place: Place,
    /// What it and its roles give every host.
    pub layers: Vec<Arc<Layer>>,
}

impl Play {
    /// A play that asks for nothing, for looking at hosts.
    pub fn bare() -> Self {
        let place = Place::file("inventory");
        Self {
            name: "hosts".to_owned(),
            hosts: ("all".to_owned(), place.clone()),
            topology: None,
            vars: None,
            roles: Vec::new(),
            place,
            layers: Vec::new(),
        }
    }

    /// Reads all plays of a playbook. `groups` is for templates in a topology, such as `{{ groups.db }}`.
    pub fn read_all(node: &Node, scope: &Scope, problems: &mut Problems) -> Vec<Self> {
        let Some(items) = node.seq() else {
            let message = "a playbook is a list of plays";
            let help = "Begin with `- name: ...`.";
            problems.push(Problem::error("playbook::shape", &node.place, message, "not a list").help(help));
            return Vec::new();
        };
        if items.is_empty() {
            problems.push(Problem::error(
                "playbook::shape",
                &node.place,
                "the playbook has no play",
                "empty",
            ));
        }
        items.iter().filter_map(|item| Self::read(item, scope, problems)).collect()
    }

    fn read(node: &Node, scope: &Scope, problems: &mut Problems) -> Option<Self> {
        let fields = Fields::of(node, "a play", problems)?;
        let name = fields.text("name", problems).map_or_else(|| "replication".to_owned(), |(text, _)| text);
        let hosts = match fields.text("hosts", problems) {
            Some((pattern, node)) => (pattern, node.place.clone()),
            None => ("all".to_owned(), node.place.clone()),
        };
        let topology = fields.get("topology").and_then(|t| {
            let evaluated = evaluate_names(t, scope, problems)?;
            Topology::read(&evaluated, problems)
        });
        let vars = fields.get("vars").filter(|v| v.value != Yaml::Null).cloned();
        if let Some(vars) = vars.as_ref().filter(|v| v.map().is_none()) {
            problems.push(Problem::error(
                "playbook::shape",
                &vars.place,
                "`vars` must be a mapping",
                "not a mapping",
            ));
        }
        let roles = match fields.get("roles") {
            None => Vec::new(),
            Some(list) => match list.seq() {
                Some(items) => items.iter().filter_map(|item| read_use(item, problems)).collect(),
                None => {
                    problems.push(Problem::error(
                        "playbook::shape",
                        &list.place,
                        "`roles` must be a list",
                        "not a list",
                    ));
                    Vec::new()
                }
            },
        };
        fields.finish(problems);
        Some(Self { name, hosts, topology, vars, roles, place: node.place.clone(), layers: Vec::new() })
    }
}

fn read_use(node: &Node, problems: &mut Problems) -> Option<RoleUse> {
    if let Some(name) = node.scalar() {
        return Some(RoleUse { name, vars: None, when: None, place: node.place.clone() });
    }
    let fields = Fields::of(node, "the use of a role", problems)?;
    let (name, place) =
        fields.need("role", problems).and_then(|n| n.scalar().map(|s| (s, n.place.clone())))?;
    let (vars, when) = (fields.get("vars").cloned(), fields.get("when").cloned());
    fields.finish(problems);
    Some(RoleUse { name, vars, when, place })
}

/// Evaluates templates inside a topology; lists that come out of one keep the template's place.
fn evaluate_names(node: &Node, scope: &Scope, problems: &mut Problems) -> Option<Node> {
    let value = match &node.value {
        Yaml::Text(text) if !node.raw && text.contains("{{") => {
            match scope.evaluate(&serde_json::Value::String(text.clone())) {
                Ok(value) => from_json(&value, &node.place).value,
                Err(error) => {
                    problems.push(Problem::error(
                        "template::failed",
                        &node.place,
                        error.message,
                        "in this template",
                    ));
                    return None;
                }
            }
        }
        Yaml::Seq(items) => {
            Yaml::Seq(items.iter().filter_map(|i| evaluate_names(i, scope, problems)).collect())
        }
        Yaml::Map(entries) => Yaml::Map(
            entries
                .iter()
                .filter_map(|(k, v)| Some((k.clone(), evaluate_names(v, scope, problems)?)))
                .collect(),
        ),
        other => other.clone(),
    };
    Some(Node { value, ..node.clone() })
}

fn from_json(value: &serde_json::Value, place: &Place) -> Node {
    use serde_json::Value;
    let value = match value {
        Value::String(text) => Yaml::Text(text.clone()),
        Value::Array(items) => Yaml::Seq(items.iter().map(|i| from_json(i, place)).collect()),
        Value::Bool(b) => Yaml::Bool(*b),
        Value::Number(n) => n.as_i128().map_or(Yaml::Null, Yaml::Int),
        Value::Null | Value::Object(_) => Yaml::Null,
    };
    Node::new(place.clone(), value)
}

/// The groups of an inventory as templates see them.
pub(crate) fn groups_scope(inventory: &crate::inventory::Inventory) -> Scope {
    let mut scope = Scope::default();
    let names = |hosts: &[HostName]| hosts.iter().map(|h| h.as_str().to_owned()).collect::<Vec<_>>();
    let groups: serde_json::Map<String, serde_json::Value> =
        inventory.groups.keys().map(|g| (g.clone(), names(inventory.members(g)).into())).collect();
    scope.set("groups", serde_json::Value::Object(groups));
    scope
}
