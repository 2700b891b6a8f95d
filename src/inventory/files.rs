//! `group_vars/` and `host_vars/`: which files belong to a name, as Ansible finds them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::{Beside, Inventory, Layer, Level};
use crate::{
    model::HostName,
    source::{Node, Problem, Problems, Sources, Yaml},
};

/// Ends of names of files with variables, in the order in which they are looked for.
const EXTENSIONS: [&str; 3] = [".yml", ".yaml", ".json"];

/// Reads the files for all groups and hosts beside an inventory or a playbook.
pub(super) fn read_beside(
    beside: Beside,
    base: &Path,
    inventory: &mut Inventory,
    sources: &mut Sources,
    problems: &mut Problems,
) {
    let groups = Folder::of(&base.join("group_vars"), problems);
    for name in inventory.groups.keys().cloned().collect::<Vec<_>>() {
        let level = match name.as_str() {
            "all" => Level::AllFile(beside),
            _ => Level::GroupFile(beside, inventory.rank(&name)),
        };
        for node in groups.read(&name, &format!("group `{name}`"), sources, problems) {
            inventory.add_group_file(&name, Layer::of(level.clone(), &node));
        }
    }
    let hosts = Folder::of(&base.join("host_vars"), problems);
    for host in inventory.hosts.keys().cloned().collect::<Vec<HostName>>() {
        for node in hosts.read(host.as_str(), &format!("host `{host}`"), sources, problems) {
            inventory.add_host_layer(&host, Layer::of(Level::HostFile(beside), &node));
        }
    }
}

/// Names in a directory, in order.
pub(super) fn names_in(path: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// A folder, read once, since each name is looked for in several forms.
struct Folder {
    path: PathBuf,
    names: BTreeSet<String>,
}

impl Folder {
    fn of(path: &Path, problems: &mut Problems) -> Self {
        let names = match names_in(path) {
            Ok(names) => names.into_iter().collect(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeSet::new(),
            Err(error) => {
                let place = crate::model::Place::file(path.to_string_lossy().as_ref());
                let message = format!("{} can't be read: {error}", path.display());
                problems.push(Problem::error("file::unreadable", &place, message, ""));
                BTreeSet::new()
            }
        };
        Self { path: path.to_owned(), names }
    }

    /// The values for a name, from the weakest to the strongest.
    fn read(&self, name: &str, whose: &str, sources: &mut Sources, problems: &mut Problems) -> Vec<Node> {
        let mut found = Vec::new();
        for file in self.files(name, whose, problems) {
            let Some(node) = sources.load(&file, problems) else { continue };
            if node.map().is_some() {
                found.push(node);
            } else if node.value != Yaml::Null {
                let message = format!("variables of {whose} must be a mapping, this is {}", node.kind());
                problems.push(Problem::error("inventory::shape", &node.place, message, "not a mapping"));
            }
        }
        found
    }

    /// The first form that is there: without an extension, as a file or a folder, then with each extension. As with
    /// Ansible the others are not read, which is named.
    fn files(&self, name: &str, whose: &str, problems: &mut Problems) -> Vec<PathBuf> {
        let forms = std::iter::once(name.to_owned()).chain(EXTENSIONS.map(|end| format!("{name}{end}")));
        let mut there = forms.filter(|form| self.names.contains(form)).map(|form| self.path.join(form));
        let Some(path) = there.next() else { return Vec::new() };
        for other in there {
            let place = crate::model::Place::file(other.to_string_lossy().as_ref());
            let message = format!("not read: {} holds the variables of {whose}", path.display());
            let help = "As with Ansible the first of NAME, NAME.yml, NAME.yaml and NAME.json counts. Move its values there.";
            problems.push(Problem::warning("inventory::skipped", &place, message, "").help(help));
        }
        if path.is_dir() { nested(&path, 0) } else { vec![path] }
    }
}

/// Folders in folders that are looked into.
const DEEPEST: usize = 32;

/// The files of a name's folder, and of the folders in it.
fn nested(path: &Path, depth: usize) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for name in names_in(path).unwrap_or_default() {
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let file = path.join(&name);
        let extension = file.extension().map(|e| format!(".{}", e.to_string_lossy()));
        match (fs::metadata(&file), extension) {
            (Ok(meta), None) if meta.is_dir() && depth < DEEPEST => found.extend(nested(&file, depth + 1)),
            (Ok(meta), None) if meta.is_file() => found.push(file),
            (Ok(meta), Some(end)) if meta.is_file() && EXTENSIONS.contains(&end.as_str()) => found.push(file),
            _ => {}
        }
    }
    found
}
