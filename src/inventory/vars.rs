//! Variables of a host, with every place that gives a value and the one that wins.
//!
//! A layer is what one place gives: a file, or a mapping in one. Hosts share layers, so what a host costs does not
//! grow with what is in them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use crate::source::Node;

/// Beside what a folder of variables lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Beside {
    /// Beside an inventory: the first, the second.
    Inventory(usize),
    /// Beside the playbook.
    Playbook,
}

/// Which of two groups wins: the deeper one, then the priority, then the name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank {
    /// How deep the group stands below `all`.
    pub depth: usize,
    /// Its `ansible_group_priority`.
    pub priority: i64,
    /// Its name.
    pub name: String,
}

/// Who gives a value, from the weakest to the strongest: Ansible's order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// A role's `defaults/main.yml`.
    RoleDefault(String),
    /// The group `all` in the inventory itself.
    All,
    /// Another group in the inventory itself.
    Group(Rank),
    /// A file of the group `all`.
    AllFile(Beside),
    /// A file of another group.
    GroupFile(Beside, Rank),
    /// The host itself, in the inventory.
    Host,
    /// A file of the host.
    HostFile(Beside),
    /// `vars` of the play.
    Play,
    /// `vars` where the play uses a role.
    RoleUse(String),
    /// `-e` on the command line.
    Extra,
}

impl Level {
    /// The group that gives the value, where it is one other than `all`.
    pub fn group(&self) -> Option<&Rank> {
        match self {
            Level::Group(rank) | Level::GroupFile(_, rank) => Some(rank),
            _ => None,
        }
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Level::RoleDefault(role) => write!(f, "default of role {role}"),
            Level::All | Level::AllFile(_) => f.write_str("group all"),
            Level::Group(rank) | Level::GroupFile(_, rank) => write!(f, "group {}", rank.name),
            Level::Host | Level::HostFile(_) => f.write_str("host"),
            Level::Play => f.write_str("play"),
            Level::RoleUse(role) => write!(f, "use of role {role}"),
            Level::Extra => f.write_str("command line"),
        }
    }
}

/// What one place gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Who gives it.
    pub level: Level,
    values: HashMap<String, Node>,
}

impl Layer {
    /// The entries of a mapping; of one that is none there are none.
    pub fn of(level: Level, node: &Node) -> Arc<Self> {
        let entries = node.map().unwrap_or_default();
        let values = entries.iter().map(|(key, value)| (key.text.clone(), value.clone())).collect();
        Arc::new(Self { level, values })
    }

    /// One value.
    pub fn one(level: Level, name: &str, node: Node) -> Arc<Self> {
        Arc::new(Self { level, values: HashMap::from([(name.to_owned(), node)]) })
    }

    /// A value.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.values.get(name)
    }

    /// Every name with its value, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.values.iter().map(|(name, node)| (name.as_str(), node))
    }
}

/// One value of a variable and who gives it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate<'a> {
    /// Who.
    pub level: &'a Level,
    /// What, and where.
    pub node: &'a Node,
}

/// All values of one variable, from the weakest to the strongest. Never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable<'a>(Vec<Candidate<'a>>);

impl<'a> Variable<'a> {
    /// The value that counts.
    pub fn winner(&self) -> &Candidate<'a> {
        // A variable is made with its first candidate, and none is ever removed.
        &self.0[self.0.len() - 1]
    }

    /// Every value, from the weakest to the strongest.
    pub fn candidates(&self) -> &[Candidate<'a>] {
        &self.0
    }
}

/// The variables of one host, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Variables(Vec<Arc<Layer>>);

impl Variables {
    /// Layers that are in order already.
    pub(super) fn of(layers: Vec<Arc<Layer>>) -> Self {
        Self(layers)
    }

    /// Adds a layer: the strongest level wins, and of one level the last that was added.
    pub fn add(&mut self, layer: Arc<Layer>) {
        let place = self.0.partition_point(|there| there.level <= layer.level);
        self.0.insert(place, layer);
    }

    /// The value that counts.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.0.iter().rev().find_map(|layer| layer.get(name))
    }

    /// A variable with all its candidates.
    pub fn variable(&self, name: &str) -> Option<Variable<'_>> {
        let candidates: Vec<Candidate<'_>> = self
            .0
            .iter()
            .filter_map(|l| l.get(name).map(|node| Candidate { level: &l.level, node }))
            .collect();
        (!candidates.is_empty()).then_some(Variable(candidates))
    }

    /// Every variable in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Variable<'_>)> {
        let mut all: BTreeMap<&str, Vec<Candidate<'_>>> = BTreeMap::new();
        for layer in &self.0 {
            for (name, node) in layer.iter() {
                all.entry(name).or_default().push(Candidate { level: &layer.level, node });
            }
        }
        all.into_iter().map(|(name, candidates)| (name, Variable(candidates)))
    }

    /// The layers, from the weakest to the strongest.
    pub fn layers(&self) -> &[Arc<Layer>] {
        &self.0
    }
}
