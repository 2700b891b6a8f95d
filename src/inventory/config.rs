//! `ansible.cfg`: what of it is about reading inventories and entering hosts.

mod file;

use std::{
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use self::file::{Setting, settings};
use super::{Ignored, Layer, Level};
use crate::{
    model::{Place, at_home, home},
    source::{Key, Node, Problem, Problems, Sources, Yaml},
};

/// What an `ansible.cfg` and Ansible's environment give.
#[derive(Debug, Clone)]
pub struct Config {
    /// `inventory`, where the command line names none.
    pub inventory: Vec<PathBuf>,
    /// `vault_password_file` and `vault_identity_list`, as `--vault-id` takes them.
    pub vaults: Vec<String>,
    /// What a directory of inventories leaves out.
    pub ignored: Ignored,
    /// Connection settings, under the names of the variables that they stand for.
    pub connection: Arc<Layer>,
}

impl Default for Config {
    fn default() -> Self {
        let nothing = Node::new(Place::file("ansible.cfg"), Yaml::Null);
        Self {
            inventory: Vec::new(),
            vaults: Vec::new(),
            ignored: Ignored::default(),
            connection: Layer::of(Level::All, &nothing),
        }
    }
}

/// A setting of the file by section and name, the variable of the environment that wins over it, and the variable of an
/// inventory that it stands for.
const VARIABLES: [(&str, &str, &str, &str); 13] = [
    ("defaults", "remote_user", "ANSIBLE_REMOTE_USER", "ansible_user"),
    ("defaults", "remote_port", "ANSIBLE_REMOTE_PORT", "ansible_port"),
    ("defaults", "private_key_file", "ANSIBLE_PRIVATE_KEY_FILE", "ansible_private_key_file"),
    ("defaults", "transport", "ANSIBLE_TRANSPORT", "ansible_connection"),
    ("privilege_escalation", "become", "ANSIBLE_BECOME", "ansible_become"),
    ("privilege_escalation", "become_method", "ANSIBLE_BECOME_METHOD", "ansible_become_method"),
    ("privilege_escalation", "become_user", "ANSIBLE_BECOME_USER", "ansible_become_user"),
    ("privilege_escalation", "become_exe", "ANSIBLE_BECOME_EXE", "ansible_become_exe"),
    ("privilege_escalation", "become_flags", "ANSIBLE_BECOME_FLAGS", "ansible_become_flags"),
    ("ssh_connection", "ssh_args", "ANSIBLE_SSH_ARGS", "ansible_ssh_args"),
    ("ssh_connection", "ssh_common_args", "ANSIBLE_SSH_COMMON_ARGS", "ansible_ssh_common_args"),
    ("ssh_connection", "ssh_extra_args", "ANSIBLE_SSH_EXTRA_ARGS", "ansible_ssh_extra_args"),
    ("ssh_connection", "ssh_executable", "ANSIBLE_SSH_EXECUTABLE", "ansible_ssh_executable"),
];

const KEYS_OF_HOSTS: &str = "Keys of hosts are always checked: add them to known_hosts with ssh-keyscan.";

/// Settings that would change what is read or done, with the values that change nothing, and what to do instead.
const NOT_HONOURED: [(&str, &str, &[&str], &str); 9] = [
    (
        "defaults",
        "hash_behaviour",
        &["replace"],
        "Mappings are replaced, never merged: write each mapping out as a whole.",
    ),
    ("defaults", "precedence", &[], "Ansible's usual order of variables is used."),
    (
        "defaults",
        "force_valid_group_names",
        &["never", "ignore"],
        "Names of groups are used as they are written.",
    ),
    ("defaults", "ask_pass", &["false"], "There is no prompt: set ansible_password, or use a key."),
    ("defaults", "ask_vault_pass", &["false"], "There is no prompt: pass --vault-password-file."),
    ("defaults", "timeout", &["10"], "Pass --connect-timeout instead."),
    (
        "privilege_escalation",
        "become_ask_pass",
        &["false"],
        "There is no prompt: set ansible_become_password.",
    ),
    ("defaults", "host_key_checking", &["true"], KEYS_OF_HOSTS),
    ("ssh_connection", "host_key_checking", &["true"], KEYS_OF_HOSTS),
];

impl Config {
    /// The file that Ansible would read: `ANSIBLE_CONFIG`, else here, in the home, in `/etc/ansible`.
    pub fn find() -> Option<PathBuf> {
        if let Some(named) = std::env::var_os("ANSIBLE_CONFIG") {
            let path = PathBuf::from(named);
            let path = if path.is_dir() { path.join("ansible.cfg") } else { path };
            return path.is_file().then_some(path);
        }
        let home = home().map(|home| home.join(".ansible.cfg"));
        let usual = [PathBuf::from("ansible.cfg")].into_iter().chain(home);
        usual.chain([PathBuf::from("/etc/ansible/ansible.cfg")]).find(|path| path.is_file())
    }

    /// Reads a file, where there is one, and what the environment says instead. What would change something and is not
    /// honoured is a warning, and so is a file that somebody else could have put there: it may name programs, so it is
    /// not read.
    pub fn read(path: Option<&Path>, sources: &mut Sources, problems: &mut Problems) -> Self {
        let mut config = Self::default();
        let mut found = Vec::new();
        let mut folder = PathBuf::new();
        let named =
            path.map_or_else(|| Place::file("ansible.cfg"), |path| Place::file(path.to_string_lossy()));
        if let Some(path) = path {
            folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
            match others_change(path) {
                Some(what) => problems.push(not_trusted(&named, &what)),
                None => {
                    let text = sources.read(path, problems).unwrap_or_default();
                    found = settings(&text, &named.file);
                }
            }
        }
        let mut variables: Vec<(Key, Node)> = Vec::new();
        for setting in &found {
            config.take(setting, &folder, problems);
        }
        for (section, name, environment, variable) in VARIABLES {
            let of_file = found.iter().find(|s| (s.section.as_str(), s.name.as_str()) == (section, name));
            let given = match std::env::var(environment).ok().filter(|value| !value.is_empty()) {
                Some(value) => Some((value, Place::file(environment))),
                None => of_file.filter(|s| !s.value.is_empty()).map(|s| {
                    let path = name == "private_key_file";
                    let value = if path {
                        beside(&folder, &s.value).to_string_lossy().into()
                    } else {
                        s.value.clone()
                    };
                    (value, s.place.clone())
                }),
            };
            if let Some((value, place)) = given {
                let key = Key { text: variable.to_owned(), place: place.clone() };
                variables.push((key, Node::new(place, Yaml::Text(value))));
            }
        }
        if let Some(named) = std::env::var_os("ANSIBLE_INVENTORY").and_then(|paths| paths.into_string().ok())
        {
            let paths = named.split(',').map(str::trim).filter(|path| !path.is_empty());
            config.inventory = paths.map(at_home).collect();
        }
        config.connection = Layer::of(Level::All, &Node::new(named, Yaml::Map(variables)));
        config
    }

    fn take(&mut self, setting: &Setting, folder: &Path, problems: &mut Problems) {
        let value = setting.value.as_str();
        let parts = || value.split(',').map(str::trim).filter(|part| !part.is_empty());
        match (setting.section.as_str(), setting.name.as_str()) {
            ("defaults", "inventory") => {
                self.inventory = parts().map(|part| beside(folder, part)).collect();
            }
            ("defaults", "vault_password_file") if !value.is_empty() => {
                self.vaults.push(beside(folder, value).to_string_lossy().into());
            }
            ("defaults", "vault_identity_list") => {
                self.vaults.extend(parts().map(|part| match part.split_once('@') {
                    Some((label, path)) => format!("{label}@{}", beside(folder, path).display()),
                    None => beside(folder, part).to_string_lossy().into(),
                }));
            }
            ("defaults", "inventory_ignore_extensions") | ("inventory", "ignore_extensions") => {
                self.ignored.extensions = parts().map(str::to_owned).collect();
            }
            ("defaults", "inventory_ignore_patterns") | ("inventory", "ignore_patterns") => {
                for part in parts() {
                    match regex::Regex::new(part) {
                        Ok(pattern) => self.ignored.patterns.push(pattern),
                        Err(_) => problems.push(not_honoured(
                            setting,
                            "It is not a regular expression that can be used here.",
                        )),
                    }
                }
            }
            (section, name) => {
                let known = NOT_HONOURED.iter().find(|(s, n, ..)| (*s, *n) == (section, name));
                if let Some((.., help)) =
                    known.filter(|(_, _, usual, _)| !usual.contains(&plain(value).as_str()))
                {
                    problems.push(not_honoured(setting, help));
                }
            }
        }
    }
}

fn not_honoured(setting: &Setting, help: &str) -> Problem {
    let message = format!("`{} = {}` of ansible.cfg is not honoured", setting.name, setting.value);
    Problem::warning("config::unused", &setting.place, message, "not honoured").help(help)
}

fn not_trusted(place: &Place, what: &str) -> Problem {
    let message =
        format!("{} is not read: {what} belongs to another user, or anybody may write to it", place.file);
    Problem::warning("config::untrusted", place, message, "").help(
        "It may name programs to run. If it is yours: chown, chmod o-w, or name it with ANSIBLE_CONFIG.",
    )
}

/// What of it other users may change. A file that `ANSIBLE_CONFIG` names is the user's own choice.
fn others_change(path: &Path) -> Option<String> {
    match std::env::var_os("ANSIBLE_CONFIG") {
        Some(_) => None,
        None => changed_by_others(path),
    }
}

/// Names under which an inventory is looked for where none is named; the first one that is there counts.
pub(crate) const USUAL_NAMES: [&str; 3] = ["inventory.yml", "hosts.yml", "hosts.ini"];

/// What of a file and its folder other users may change: the file, or the folder.
pub(crate) fn changed_by_others(path: &Path) -> Option<String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    [path, folder].into_iter().find_map(|at| {
        let meta = std::fs::metadata(at).ok()?;
        let open = meta.permissions().mode() & 0o002 != 0;
        // Whose it is decides who wrote it, and whose folder it is what lies beside it: a link there may lead to a file
        // of ours that names a program by a relative path.
        let strange = meta.uid() != 0 && Some(meta.uid()) != me();
        (open || strange).then(|| at.display().to_string())
    })
}

/// The user that the program runs as.
fn me() -> Option<u32> {
    std::fs::metadata("/proc/self").ok().map(|meta| meta.uid())
}

/// A boolean in one word.
fn plain(value: &str) -> String {
    match value.to_ascii_lowercase().as_str() {
        "yes" | "on" | "1" | "true" | "t" | "y" => "true".into(),
        "no" | "off" | "0" | "false" | "f" | "n" => "false".into(),
        other => other.to_owned(),
    }
}

/// A path relative to the file that names it.
fn beside(folder: &Path, path: &str) -> PathBuf {
    match path.strip_prefix("{{CWD}}/") {
        Some(rest) => PathBuf::from(rest),
        None => folder.join(at_home(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_what_is_not_honoured_is_named() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("ansible.cfg");
        let text = "[defaults]\ninventory = a.ini, /b\nremote_user: admin ; who\nhash_behaviour = merge\n\
                    host_key_checking=True\nvault_password_file = .pw\n[ssh_connection]\nssh_args = -C\n  -o X=y\n";
        std::fs::write(&path, text).expect("a file");
        let mut problems = Problems::default();
        let config = Config::read(Some(&path), &mut Sources::default(), &mut problems);
        assert_eq!(config.inventory, [folder.path().join("a.ini"), PathBuf::from("/b")]);
        assert_eq!(config.vaults, [folder.path().join(".pw").display().to_string()]);
        let text = |name: &str| config.connection.get(name).and_then(Node::scalar);
        assert_eq!(text("ansible_user").as_deref(), Some("admin"));
        assert_eq!(text("ansible_ssh_args").as_deref(), Some("-C\n-o X=y"));
        let found: Vec<_> = problems.0.iter().map(|p| (p.code, p.place.line)).collect();
        assert_eq!(found, [("config::unused", 4)]);
    }

    #[test]
    fn a_file_that_anybody_could_have_written_is_not_read() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("ansible.cfg");
        std::fs::write(&path, "[defaults]\ninventory = a.ini\n").expect("a file");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).expect("modes");
        let mut problems = Problems::default();
        let config = Config::read(Some(&path), &mut Sources::default(), &mut problems);
        assert!(config.inventory.is_empty());
        assert_eq!(problems.0.iter().map(|p| p.code).collect::<Vec<_>>(), ["config::untrusted"]);
    }
}
