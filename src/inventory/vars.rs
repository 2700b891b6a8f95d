//! Variables of a host, with every place that gives a value and the one that wins.

use std::collections::BTreeMap;

use crate::source::Node;

/// Who gives a value, from the weakest to the strongest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A role's `defaults/main.yml`.
    RoleDefault(String),
    /// The group `all`.
    All,
    /// Another group: parents come before children, then names in order.
    Group {
        /// How deep the group stands below `all`.
        depth: usize,
        /// Its name.
        name: String,
    },
    /// The host itself.
    Host,
    /// `vars` of the play.
    Play,
    /// `vars` where the play uses a role.
    RoleUse(String),
    /// `-e` on the command line.
    Extra,
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Level::RoleDefault(role) => write!(f, "default of role {role}"),
            Level::All => f.write_str("group all"),
            Level::Group { name, .. } => write!(f, "group {name}"),
            Level::Host => f.write_str("host"),
            Level::Play => f.write_str("play"),
            Level::RoleUse(role) => write!(f, "use of role {role}"),
            Level::Extra => f.write_str("command line"),
        }
    }
}

/// One value of a variable and who gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Who.
    pub level: Level,
    /// What, and where.
    pub node: Node,
}

/// All values of one variable, from the weakest to the strongest. Never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable(Vec<Candidate>);

impl Variable {
    /// The value that counts.
    pub fn winner(&self) -> &Candidate {
        // A variable is made with its first candidate, and none is ever taken away.
        &self.0[self.0.len() - 1]
    }

    /// Every value, from the weakest to the strongest.
    pub fn candidates(&self) -> &[Candidate] {
        &self.0
    }
}

/// The variables of one host, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Variables(BTreeMap<String, Variable>);

impl Variables {
    /// Adds a value; the strongest level wins, and of one level the last that was added.
    pub fn add(&mut self, name: &str, level: Level, node: Node) {
        let candidate = Candidate { level, node };
        match self.0.get_mut(name) {
            None => {
                self.0.insert(name.to_owned(), Variable(vec![candidate]));
            }
            Some(variable) => {
                let place = variable.0.partition_point(|c| c.level <= candidate.level);
                variable.0.insert(place, candidate);
            }
        }
    }

    /// Adds every entry of a mapping.
    pub fn add_all(&mut self, level: &Level, node: &Node) {
        for (key, value) in node.map().unwrap_or_default() {
            self.add(&key.text, level.clone(), value.clone());
        }
    }

    /// The value that counts.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.0.get(name).map(|v| &v.winner().node)
    }

    /// A variable with all its candidates.
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.0.get(name)
    }

    /// Every variable in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Variable)> {
        self.0.iter().map(|(name, variable)| (name.as_str(), variable))
    }
}
