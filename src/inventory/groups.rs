//! Hosts and groups as Ansible holds them: members in the order in which they are written, groups above and below,
//! and which variables a host has.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    path::PathBuf,
    sync::Arc,
};

use indexmap::{IndexMap, IndexSet};

use super::{Layer, Level, Rank, Variables};
use crate::{
    model::{HostName, Place},
    source::{Node, Problem, Problems},
};

/// A group as it is written, all mentions taken together.
#[derive(Debug, Clone)]
pub struct Group {
    /// Hosts that it names itself, in order.
    pub hosts: IndexMap<HostName, Place>,
    /// Groups below it, in order.
    pub children: IndexSet<String>,
    parents: IndexSet<String>,
    depth: usize,
    priority: i64,
    inline: Vec<Node>,
}

impl Default for Group {
    fn default() -> Self {
        Self {
            hosts: IndexMap::new(),
            children: IndexSet::new(),
            parents: IndexSet::new(),
            depth: 0,
            priority: 1,
            inline: Vec::new(),
        }
    }
}

/// A host: where it is first mentioned, and what the inventory itself gives it.
#[derive(Debug, Clone, Default)]
struct Own {
    groups: IndexSet<String>,
    layers: Vec<Arc<Layer>>,
}

/// Hosts, groups and their variables.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// Hosts in the order of the files, with the place of their first mention.
    pub hosts: IndexMap<HostName, Place>,
    /// Groups in the order of the files; `all` and `ungrouped` are always there.
    pub groups: IndexMap<String, Group>,
    /// The files that hosts were first named in, by host.
    pub files: HashMap<HostName, PathBuf>,
    own: HashMap<HostName, Own>,
    group_layers: HashMap<String, Vec<Arc<Layer>>>,
    members: BTreeMap<String, Vec<HostName>>,
}

impl Inventory {
    /// An inventory with nothing in it.
    pub(super) fn empty() -> Self {
        let mut inventory = Self::default();
        inventory.add_group("all");
        inventory.add_group("ungrouped");
        inventory.join("all", "ungrouped");
        inventory
    }

    pub(super) fn add_group(&mut self, name: &str) {
        if !self.groups.contains_key(name) {
            self.groups.insert(name.to_owned(), Group::default());
        }
    }

    /// Puts a group below another; `false` where it would then be below itself.
    pub(super) fn join(&mut self, parent: &str, child: &str) -> bool {
        if parent == child || self.above(parent).contains(child) {
            return false;
        }
        self.add_group(parent);
        self.add_group(child);
        let depth = self.groups.get(parent).map_or(0, |group| group.depth);
        if let Some(group) = self.groups.get_mut(parent) {
            group.children.insert(child.to_owned());
        }
        if let Some(group) = self.groups.get_mut(child) {
            group.parents.insert(parent.to_owned());
        }
        self.deepen(child, depth + 1);
        true
    }

    /// A group is deeper than everything above it.
    fn deepen(&mut self, name: &str, depth: usize) {
        let mut left = vec![(name.to_owned(), depth)];
        while let Some((name, depth)) = left.pop() {
            if let Some(group) = self.groups.get_mut(&name).filter(|group| group.depth < depth) {
                group.depth = depth;
                left.extend(group.children.iter().map(|child| (child.clone(), depth + 1)));
            }
        }
    }

    /// Names a host in a group. `true` where it was not known before.
    pub(super) fn add_host(&mut self, group: &str, host: &HostName, place: &Place) -> bool {
        let new = !self.hosts.contains_key(host);
        if new {
            self.hosts.insert(host.clone(), place.clone());
            self.files.insert(host.clone(), PathBuf::from(place.file.as_ref()));
        }
        self.own.entry(host.clone()).or_default().groups.insert(group.to_owned());
        self.add_group(group);
        if let Some(group) = self.groups.get_mut(group) {
            group.hosts.entry(host.clone()).or_insert_with(|| place.clone());
        }
        new
    }

    /// Variables that the inventory itself gives a host.
    pub(super) fn add_host_layer(&mut self, host: &HostName, layer: Arc<Layer>) {
        self.own.entry(host.clone()).or_default().layers.push(layer);
    }

    /// Variables that the inventory itself gives a group, without the one that is its priority.
    pub(super) fn add_group_vars(&mut self, name: &str, vars: &Node, problems: &mut Problems) {
        const PRIORITY: &str = "ansible_group_priority";
        self.add_group(name);
        let Some(group) = self.groups.get_mut(name) else { return };
        let mut vars = vars.clone();
        if let crate::source::Yaml::Map(entries) = &mut vars.value
            && let Some(at) = entries.iter().position(|(key, _)| key.text == PRIORITY)
        {
            let (_, node) = entries.remove(at);
            match node.scalar().and_then(|text| text.trim().parse().ok()) {
                Some(priority) => group.priority = priority,
                None => {
                    let message = format!("`{PRIORITY}` of group `{name}` must be a whole number");
                    problems.push(Problem::error(
                        "inventory::priority",
                        &node.place,
                        message,
                        "not a number",
                    ));
                }
            }
        }
        group.inline.push(vars);
    }

    /// What a group's file gives, once all groups are known.
    pub(super) fn add_group_file(&mut self, name: &str, layer: Arc<Layer>) {
        self.group_layers.entry(name.to_owned()).or_default().push(layer);
    }

    /// How a group stands among others.
    pub(super) fn rank(&self, name: &str) -> Rank {
        let group = self.groups.get(name);
        Rank {
            depth: group.map_or(0, |g| g.depth),
            priority: group.map_or(1, |g| g.priority),
            name: name.to_owned(),
        }
    }

    /// All groups above one.
    fn above(&self, name: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut left = vec![name];
        while let Some(name) = left.pop() {
            for parent in self.groups.get(name).into_iter().flat_map(|group| &group.parents) {
                if found.insert(parent.clone()) {
                    left.push(parent);
                }
            }
        }
        found
    }

    /// Ends the reading of inventories: every group is below `all`, and hosts of no group are in `ungrouped`.
    pub(super) fn reconcile(&mut self) {
        let names: Vec<String> = self.groups.keys().cloned().collect();
        for name in &names {
            if name != "all" && self.groups.get(name).is_some_and(|group| group.parents.is_empty()) {
                self.join("all", name);
            }
        }
        let hosts: Vec<(HostName, Place)> = self.hosts.iter().map(|(h, p)| (h.clone(), p.clone())).collect();
        for (host, place) in hosts {
            let groups = self.own.get(&host).map(|own| own.groups.clone()).unwrap_or_default();
            let elsewhere = groups.iter().any(|group| group != "all" && group != "ungrouped");
            if elsewhere && groups.contains("ungrouped") {
                if let Some(own) = self.own.get_mut(&host) {
                    own.groups.shift_remove("ungrouped");
                }
                if let Some(group) = self.groups.get_mut("ungrouped") {
                    group.hosts.shift_remove(&host);
                }
            } else if !elsewhere && !groups.contains("ungrouped") {
                self.add_host("ungrouped", &host, &place);
            }
        }
        self.members = names.iter().map(|name| (name.clone(), self.walk(name))).collect();
        for name in &names {
            let level = if name == "all" { Level::All } else { Level::Group(self.rank(name)) };
            let inline = self.groups.get(name).map(|group| group.inline.clone()).unwrap_or_default();
            let layers = inline.iter().map(|vars| Layer::of(level.clone(), vars)).collect();
            self.group_layers.insert(name.clone(), layers);
        }
    }

    /// The group's own hosts first, then those of the groups below, level by level.
    fn walk(&self, name: &str) -> Vec<HostName> {
        let mut seen: HashSet<&str> = HashSet::from([name]);
        let mut queue = VecDeque::from([name]);
        let mut found: IndexSet<&HostName> = IndexSet::new();
        while let Some(name) = queue.pop_front() {
            let Some(group) = self.groups.get(name) else { continue };
            found.extend(group.hosts.keys());
            queue.extend(group.children.iter().map(String::as_str).filter(|child| seen.insert(child)));
        }
        found.into_iter().cloned().collect()
    }

    /// Hosts of a group and of all groups below it, in Ansible's order.
    pub fn members(&self, group: &str) -> &[HostName] {
        self.members.get(group).map_or(&[], Vec::as_slice)
    }

    /// Groups that a host is in, also through others, without `all`: from the weakest to the strongest.
    pub fn groups_of(&self, host: &HostName) -> Vec<&str> {
        let mut names: BTreeSet<String> = BTreeSet::new();
        for group in self.own.get(host).into_iter().flat_map(|own| &own.groups) {
            if names.insert(group.clone()) {
                names.extend(self.above(group));
            }
        }
        names.remove("all");
        let mut ranked: Vec<(usize, i64, &str)> = names
            .iter()
            .filter_map(|name| self.groups.get_full(name.as_str()))
            .map(|(_, name, group)| (group.depth, group.priority, name.as_str()))
            .collect();
        ranked.sort_unstable();
        ranked.into_iter().map(|(_, _, name)| name).collect()
    }

    /// The variables that the inventory gives a host.
    pub fn variables(&self, host: &HostName) -> Variables {
        let groups = std::iter::once("all").chain(self.groups_of(host));
        let of_groups = groups.filter_map(|name| self.group_layers.get(name)).flatten();
        let of_host = self.own.get(host).into_iter().flat_map(|own| &own.layers);
        let mut layers: Vec<Arc<Layer>> = of_groups.chain(of_host).cloned().collect();
        // Stable: of one level the last that was read wins.
        layers.sort_by(|a, b| a.level.cmp(&b.level));
        Variables::of(layers)
    }

    /// Every layer of variables, each once.
    pub fn layers(&self) -> impl Iterator<Item = &Arc<Layer>> {
        let mut seen = HashSet::new();
        let of_groups = self.groups.keys().filter_map(|name| self.group_layers.get(name)).flatten();
        let of_hosts = self.hosts.keys().filter_map(|host| self.own.get(host)).flat_map(|own| &own.layers);
        of_groups.chain(of_hosts).filter(move |layer| seen.insert(Arc::as_ptr(layer)))
    }
}
