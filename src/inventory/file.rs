//! Reads inventory files, `group_vars/` and `host_vars/`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use indexmap::IndexMap;

use super::{Level, Variables, expand};
use crate::{
    model::{HostName, Place},
    source::{Fields, Node, Problem, Problems, Sources, Yaml},
};

/// A group as it is written, all mentions taken together.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// Hosts that it names itself, in order.
    pub hosts: IndexMap<HostName, Place>,
    /// Groups below it.
    pub children: BTreeSet<String>,
    /// Its variables, in the order in which they were read.
    pub vars: Vec<Node>,
}

/// Hosts, groups and their variables.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// Hosts in the order of the files, with the place of their first mention.
    pub hosts: IndexMap<HostName, Place>,
    /// Groups by name; `all` is always there.
    pub groups: BTreeMap<String, Group>,
    host_vars: BTreeMap<HostName, Vec<Node>>,
}

/// Reads inventory files, or directories of them, with the variables beside them.
pub fn load(paths: &[PathBuf], sources: &mut Sources, problems: &mut Problems) -> Inventory {
    let mut inventory = Inventory::default();
    inventory.groups.insert("all".into(), Group::default());
    let mut bases: Vec<PathBuf> = Vec::new();
    for path in paths {
        if path.is_dir() {
            let files = yaml_files(path);
            if files.is_empty() {
                let place = Place::file(path.to_string_lossy().as_ref());
                let message =
                    format!("{} holds no inventory: no file that ends in .yml or .yaml", path.display());
                problems.push(Problem::error("inventory::empty", &place, message, "").help(convert(path)));
            }
            for file in files {
                inventory.read_file(&file, sources, problems);
            }
            bases.push(path.clone());
        } else {
            inventory.read_file(path, sources, problems);
            bases.push(path.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf));
        }
    }
    bases.dedup();
    for base in &bases {
        inventory.read_vars_beside(base, sources, problems);
    }
    inventory.check(problems);
    inventory
}

/// YAML files of a directory in the order of their names.
fn yaml_files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
        .map(|entries| entries.filter_map(Result::ok).map(|e| e.path()).collect())
        .unwrap_or_default();
    files.retain(|p| p.is_file() && p.extension().is_some_and(|e| e == "yml" || e == "yaml"));
    files.sort();
    files
}

/// How an inventory that Ansible reads becomes one in YAML.
fn convert(path: &Path) -> String {
    format!("Only YAML is read. Convert it: ansible-inventory -i {} --list -y > hosts.yml", path.display())
}

/// A problem where a file is an inventory in one of Ansible's other forms: INI, or a program that prints one.
fn other_form(path: &Path) -> Option<Problem> {
    let bytes = std::fs::read(path).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let first = text
        .lines()
        .map(str::trim)
        .find(|l| !l.is_empty() && (!l.starts_with(['#', ';']) || l.starts_with("#!")))?;
    let ini_line = |line: &str| {
        let word = line.split_whitespace().nth(1);
        word.is_some_and(|w| w.split_once('=').is_some_and(|(name, _)| name.starts_with("ansible_")))
    };
    let form = match () {
        () if first.starts_with("#!") => "a program",
        () if first.starts_with('[') && first.ends_with(']') => "an inventory in INI form",
        () if path.extension().is_some_and(|e| e == "ini") || ini_line(first) => "an inventory in INI form",
        () => return None,
    };
    let place = Place::file(path.to_string_lossy().as_ref());
    let message = format!("{} is {form}", path.display());
    Some(Problem::error("inventory::form", &place, message, "").help(convert(path)))
}

impl Inventory {
    fn read_file(&mut self, path: &Path, sources: &mut Sources, problems: &mut Problems) {
        if let Some(problem) = other_form(path) {
            problems.push(problem);
            return;
        }
        let Some(node) = sources.load(path, problems) else { return };
        if node.value == Yaml::Null {
            return;
        }
        let Some(entries) = node.map() else {
            let message = "an inventory is a mapping of groups";
            let help = "It begins with `all:` and has `hosts:`, `children:` and `vars:` below.";
            problems
                .push(Problem::error("inventory::shape", &node.place, message, "not a mapping").help(help));
            return;
        };
        for (key, group) in entries {
            self.read_group(&key.text, &key.place, group, problems);
            if key.text != "all" {
                self.child_of("all", &key.text);
            }
        }
    }

    fn child_of(&mut self, parent: &str, child: &str) {
        self.groups.entry(parent.to_owned()).or_default().children.insert(child.to_owned());
        self.groups.entry(child.to_owned()).or_default();
    }

    fn read_group(&mut self, name: &str, place: &Place, node: &Node, problems: &mut Problems) {
        self.groups.entry(name.to_owned()).or_default();
        if node.value == Yaml::Null {
            return;
        }
        if name != "all" && !valid_name(name) {
            let message = format!("`{name}` can't be the name of a group");
            problems.push(Problem::error(
                "inventory::name",
                place,
                message,
                "letters, digits, _ - and . only",
            ));
        }
        let what = format!("group `{name}`");
        let Some(fields) = Fields::of(node, &what, problems) else { return };
        if let Some(hosts) = fields.get("hosts") {
            self.read_hosts(name, hosts, problems);
        }
        if let Some(children) = fields.get("children")
            && children.value != Yaml::Null
        {
            match children.map() {
                Some(entries) => {
                    for (key, child) in entries {
                        self.read_group(&key.text, &key.place, child, problems);
                        self.child_of(name, &key.text);
                    }
                }
                None => problems.push(Problem::error(
                    "inventory::shape",
                    &children.place,
                    format!("`children` of group `{name}` must be a mapping of groups"),
                    "not a mapping",
                )),
            }
        }
        if let Some(vars) = fields.get("vars")
            && vars.value != Yaml::Null
        {
            self.add_group_vars(name, vars, problems);
        }
        fields.finish(problems);
    }

    fn add_group_vars(&mut self, group: &str, vars: &Node, problems: &mut Problems) {
        if vars.map().is_some() {
            self.groups.entry(group.to_owned()).or_default().vars.push(vars.clone());
        } else if vars.value != Yaml::Null {
            let message = format!("variables of group `{group}` must be a mapping, this is {}", vars.kind());
            problems.push(Problem::error("inventory::shape", &vars.place, message, "not a mapping"));
        }
    }

    fn read_hosts(&mut self, group: &str, hosts: &Node, problems: &mut Problems) {
        if hosts.value == Yaml::Null {
            return;
        }
        let Some(entries) = hosts.map() else {
            let message = format!("`hosts` of group `{group}` must be a mapping, this is {}", hosts.kind());
            let help = "Write each host as a key: `db-a:` with its variables below, or nothing.";
            problems
                .push(Problem::error("inventory::shape", &hosts.place, message, "not a mapping").help(help));
            return;
        };
        for (key, vars) in entries {
            let names = match expand(&key.text) {
                Ok(names) => names,
                Err(why) => {
                    problems.push(Problem::error("inventory::range", &key.place, why, "this range"));
                    continue;
                }
            };
            for name in names {
                if !valid_name(&name) {
                    let message = format!("`{name}` can't be the name of a host");
                    problems.push(Problem::error(
                        "inventory::name",
                        &key.place,
                        message,
                        "letters, digits, _ - and . only",
                    ));
                    continue;
                }
                let host = HostName::new(name);
                self.hosts.entry(host.clone()).or_insert_with(|| key.place.clone());
                self.groups
                    .entry(group.to_owned())
                    .or_default()
                    .hosts
                    .entry(host.clone())
                    .or_insert(key.place.clone());
                match &vars.value {
                    Yaml::Null => {}
                    Yaml::Map(_) => self.host_vars.entry(host).or_default().push(vars.clone()),
                    _ => {
                        let message =
                            format!("variables of host `{host}` must be a mapping, this is {}", vars.kind());
                        problems.push(Problem::error(
                            "inventory::shape",
                            &vars.place,
                            message,
                            "not a mapping",
                        ));
                    }
                }
            }
        }
    }

    fn read_vars_beside(&mut self, base: &Path, sources: &mut Sources, problems: &mut Problems) {
        let read = |kind: &str, name: &str, sources: &mut Sources, problems: &mut Problems| {
            let folder = base.join(kind);
            let mut files: Vec<PathBuf> = [format!("{name}.yml"), format!("{name}.yaml")]
                .iter()
                .map(|f| folder.join(f))
                .filter(|p| p.is_file())
                .collect();
            files.extend(yaml_files(&folder.join(name)));
            files.iter().filter_map(|file| sources.load(file, problems)).collect::<Vec<Node>>()
        };
        let groups: Vec<String> = self.groups.keys().cloned().collect();
        for group in groups {
            for vars in read("group_vars", &group, sources, problems) {
                self.add_group_vars(&group, &vars, problems);
            }
        }
        let hosts: Vec<HostName> = self.hosts.keys().cloned().collect();
        for host in hosts {
            for vars in read("host_vars", host.as_str(), sources, problems) {
                if vars.map().is_some() {
                    self.host_vars.entry(host.clone()).or_default().push(vars);
                } else if vars.value != Yaml::Null {
                    let message =
                        format!("variables of host `{host}` must be a mapping, this is {}", vars.kind());
                    problems.push(Problem::error("inventory::shape", &vars.place, message, "not a mapping"));
                }
            }
        }
    }

    fn check(&self, problems: &mut Problems) {
        for (name, group) in &self.groups {
            if self.reaches(name, name, &mut BTreeSet::new()) {
                let place = group
                    .hosts
                    .values()
                    .next()
                    .cloned()
                    .or_else(|| group.vars.first().map(|v| v.place.clone()));
                let place = place.unwrap_or_else(|| Place::file("inventory"));
                let message = format!("group `{name}` is below itself");
                problems.push(Problem::error("inventory::cycle", &place, message, "in this group"));
            }
        }
        for host in self.hosts.keys() {
            self.warn_of_conflicts(host, problems);
        }
    }

    fn reaches(&self, from: &str, to: &str, seen: &mut BTreeSet<String>) -> bool {
        self.groups.get(from).is_some_and(|group| {
            group
                .children
                .iter()
                .any(|child| child == to || (seen.insert(child.clone()) && self.reaches(child, to, seen)))
        })
    }

    /// Two groups of one depth that give a host two values: which one wins depends on their names.
    fn warn_of_conflicts(&self, host: &HostName, problems: &mut Problems) {
        for (name, variable) in self.variables(host).iter() {
            let groups: Vec<_> =
                variable.candidates().iter().filter(|c| matches!(c.level, Level::Group { .. })).collect();
            if !matches!(variable.winner().level, Level::Group { .. }) {
                continue;
            }
            if let [.., first, last] = groups.as_slice()
                && let (Level::Group { depth: a, name: one }, Level::Group { depth: b, name: two }) =
                    (&first.level, &last.level)
                && a == b
                && one != two
                && first.node.value != last.node.value
            {
                let message =
                    format!("`{name}` of {host} has two values, from the groups `{one}` and `{two}`");
                problems.push(
                    Problem::warning(
                        "inventory::conflict",
                        &last.node.place,
                        message,
                        "this one wins, by the group's name",
                    )
                    .see(&first.node.place, "this one loses")
                    .help("Give the value to the host, or to one of the groups only."),
                );
            }
        }
    }

    /// Hosts of a group and of all groups below it, in the inventory's order.
    pub fn members(&self, group: &str) -> Vec<HostName> {
        let mut groups = BTreeSet::from([group.to_owned()]);
        let mut queue = vec![group.to_owned()];
        while let Some(name) = queue.pop() {
            for child in self.groups.get(&name).into_iter().flat_map(|g| &g.children) {
                if groups.insert(child.clone()) {
                    queue.push(child.clone());
                }
            }
        }
        let named: BTreeSet<&HostName> =
            groups.iter().filter_map(|g| self.groups.get(g)).flat_map(|g| g.hosts.keys()).collect();
        self.hosts.keys().filter(|h| group == "all" || named.contains(h)).cloned().collect()
    }

    /// The variables that the inventory gives a host.
    pub fn variables(&self, host: &HostName) -> Variables {
        let mut variables = Variables::default();
        for (name, group) in &self.groups {
            if !self.members(name).contains(host) {
                continue;
            }
            let level = match name.as_str() {
                "all" => Level::All,
                _ => Level::Group { depth: self.depth(name), name: name.clone() },
            };
            group.vars.iter().for_each(|vars| variables.add_all(&level, vars));
        }
        for vars in self.host_vars.get(host).into_iter().flatten() {
            variables.add_all(&Level::Host, vars);
        }
        variables
    }

    /// The longest way from `all` down to a group.
    fn depth(&self, group: &str) -> usize {
        fn climb(inventory: &Inventory, group: &str, left: usize) -> usize {
            if left == 0 {
                return 0;
            }
            inventory
                .groups
                .iter()
                .filter(|(_, g)| g.children.contains(group))
                .map(|(parent, _)| 1 + climb(inventory, parent, left - 1))
                .max()
                .unwrap_or(0)
        }
        climb(self, group, 32)
    }
}

fn valid_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}
