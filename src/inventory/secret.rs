//! References to secrets, and the one place where they become values.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    model::{Place, Secret, SecretId},
    source::{Node, Problem, Problems, Yaml},
};

/// Variables whose literal text is a secret.
const NAMES: &[&str] = &[
    "replication_password",
    "mysql_admin_password",
    "ansible_password",
    "ansible_ssh_pass",
    "ansible_become_password",
    "ansible_become_pass",
];

/// What a text that ansible-vault has encrypted begins with.
pub(super) const VAULT: &str = "$ANSIBLE_VAULT;";

/// The name in `{{ lookup('env', 'NAME') }}`.
fn looked_up(text: &str) -> Option<String> {
    let call = text.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
    let (kind, name) = call.strip_prefix("lookup(")?.strip_suffix(')')?.split_once(',')?;
    let word = |text: &str| {
        let text = text.trim();
        let inside = ['\'', '"'].into_iter().find_map(|q| text.strip_prefix(q)?.strip_suffix(q));
        inside
            .filter(|w| w.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.'))
            .map(str::to_owned)
    };
    matches!(word(kind)?.as_str(), "env" | "ansible.builtin.env").then(|| word(name))?
}

/// Whether a variable of this name holds a secret, whatever its value is.
pub fn is_secret_name(name: &str) -> bool {
    NAMES.contains(&name)
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reference {
    Env(String),
    File(PathBuf),
    Command(Vec<String>),
    Literal(Secret),
}

/// Every secret of a run by its id. Values are fetched when they are needed.
#[derive(Debug, Clone, Default)]
pub struct SecretBook {
    entries: BTreeMap<SecretId, (Reference, Place)>,
}

impl SecretBook {
    /// Notes a reference such as `{env: NAME}`; `None` where the value is none.
    pub fn reference(&mut self, node: &Node, problems: &mut Problems) -> Option<SecretId> {
        let [(key, value)] = node.map()? else { return None };
        let reference = match key.text.as_str() {
            "env" => Reference::Env(value.scalar()?),
            "file" => Reference::File(beside(&value.place, &value.scalar()?)),
            "command" => {
                let argv: Option<Vec<String>> =
                    value.seq().map(|s| s.iter().map(Node::scalar).collect()).unwrap_or_default();
                match argv {
                    Some(argv) if !argv.is_empty() => Reference::Command(argv),
                    _ => {
                        problems.push(
                            Problem::error(
                                "secret::command",
                                &value.place,
                                "a secret's command must be a list of words",
                                "here",
                            )
                            .help("For example: {command: [pass, show, replication]}"),
                        );
                        return None;
                    }
                }
            }
            _ => return None,
        };
        let id = match &reference {
            Reference::Env(name) => format!("env:{name}"),
            Reference::File(path) => format!("file:{}", path.display()),
            Reference::Command(argv) => format!("command:{}", argv.join(" ")),
            Reference::Literal(_) => return None,
        };
        Some(self.keep(SecretId(id), reference, &node.place))
    }

    /// The secret that a variable refers to, or is. Ansible's `{{ lookup('env', 'NAME') }}` is understood where a
    /// secret is meant; what ansible-vault has encrypted is not.
    pub fn of_variable(&mut self, name: &str, node: &Node, problems: &mut Problems) -> Option<SecretId> {
        if let Some(id) = self.reference(node, problems) {
            return Some(id);
        }
        let text = node.scalar().filter(|_| is_secret_name(name))?;
        if let Some(variable) = looked_up(&text) {
            let id = SecretId(format!("env:{variable}"));
            return Some(self.keep(id, Reference::Env(variable), &node.place));
        }
        if text.contains("{{") {
            return None;
        }
        if text.trim_start().starts_with(VAULT) {
            let message = format!("`{name}` is encrypted by ansible-vault, which is not read here");
            problems.push(Problem::error("secret::vault", &node.place, message, "encrypted").help(format!(
                "Keep it in a file of its own and let Ansible decrypt it: {name}: {{command: [ansible-vault, view, FILE]}}."
            )));
            return Some(self.keep(
                SecretId(format!("literal:{}", node.place)),
                Reference::Literal(Secret::new(String::new())),
                &node.place,
            ));
        }
        Some(self.literal(name, text, &node.place, problems))
    }

    /// Notes a secret that is written out, with a warning.
    fn literal(&mut self, name: &str, text: String, place: &Place, problems: &mut Problems) -> SecretId {
        problems.push(
            Problem::warning(
                "secret::literal",
                place,
                format!("`{name}` is written out in a file"),
                "a secret in clear text",
            )
            .help(format!("Write a reference: {name}: {{env: NAME}}, {{file: path}} or {{command: [...]}}.")),
        );
        self.keep(SecretId(format!("literal:{place}")), Reference::Literal(Secret::new(text)), place)
    }

    fn keep(&mut self, id: SecretId, reference: Reference, place: &Place) -> SecretId {
        self.entries.entry(id.clone()).or_insert_with(|| (reference, place.clone()));
        id
    }

    /// Places of secrets that are written out.
    pub fn literals(&self) -> impl Iterator<Item = &Place> {
        self.entries.values().filter(|(r, _)| matches!(r, Reference::Literal(_))).map(|(_, place)| place)
    }

    /// Fetches a secret.
    ///
    /// # Errors
    /// When the reference leads to nothing; the problem has the reference's place.
    pub fn resolve(&self, id: &SecretId) -> Result<Secret, Problem> {
        let Some((reference, place)) = self.entries.get(id) else {
            return Err(Problem::error(
                "secret::unknown",
                &Place::file("inventory"),
                format!("no secret `{}` is declared", id.0),
                "",
            ));
        };
        let failed = |message: String, help: String| {
            Problem::error("secret::unresolved", place, message, "this secret").help(help)
        };
        match reference {
            Reference::Literal(secret) => Ok(secret.clone()),
            Reference::Env(name) => match std::env::var(name) {
                Ok(value) if !value.is_empty() => Ok(Secret::new(value)),
                Ok(_) => Err(failed(
                    format!("the environment variable {name} is empty"),
                    format!("Set it: export {name}=..."),
                )),
                Err(_) => Err(failed(
                    format!("the environment variable {name} is not set"),
                    format!("Set it: export {name}=..."),
                )),
            },
            Reference::File(path) => match std::fs::read_to_string(path) {
                Ok(text) => Ok(Secret::new(text.strip_suffix('\n').unwrap_or(&text))),
                Err(error) => Err(failed(
                    format!("{} can't be read: {error}", path.display()),
                    "The path is relative to the file that names it.".into(),
                )),
            },
            Reference::Command(argv) => run(argv).map_err(|why| {
                failed(
                    format!("`{}` gave no secret: {why}", argv.first().map_or("", String::as_str)),
                    "Run it by hand and see.".into(),
                )
            }),
        }
    }

    /// What can be known of every reference without running a command.
    pub fn check(&self, problems: &mut Problems) {
        for (id, (reference, place)) in &self.entries {
            match reference {
                Reference::Command(argv) => {
                    let program = argv.first().map_or("", String::as_str);
                    if !in_path(program) {
                        let message = format!("the program `{program}` of a secret is not found");
                        problems.push(Problem::error("secret::unresolved", place, message, "this secret"));
                    }
                }
                _ => {
                    if let Err(problem) = self.resolve(id) {
                        problems.push(problem);
                    }
                }
            }
        }
    }

    /// The secrets that can be fetched now; the others are left out.
    pub fn resolve_some(&self) -> BTreeMap<SecretId, Secret> {
        self.entries.keys().filter_map(|id| Some((id.clone(), self.resolve(id).ok()?))).collect()
    }

    /// Fetches all secrets.
    ///
    /// # Errors
    /// Every reference that leads to nothing.
    pub fn resolve_all(&self) -> Result<BTreeMap<SecretId, Secret>, Problems> {
        let mut values = BTreeMap::new();
        let mut problems = Problems::default();
        for id in self.entries.keys() {
            match self.resolve(id) {
                Ok(secret) => {
                    values.insert(id.clone(), secret);
                }
                Err(problem) => problems.push(problem),
            }
        }
        if problems.0.is_empty() { Ok(values) } else { Err(problems) }
    }
}

/// A path relative to the file that names it.
fn beside(place: &Place, path: &str) -> PathBuf {
    if let Some(rest) = path.strip_prefix("~/")
        && let Some(home) = std::env::var_os("HOME")
    {
        return PathBuf::from(home).join(rest);
    }
    Path::new(place.file.as_ref()).parent().map_or_else(|| PathBuf::from(path), |base| base.join(path))
}

fn in_path(program: &str) -> bool {
    if program.contains('/') {
        return Path::new(program).is_file();
    }
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

fn run(argv: &[String]) -> Result<Secret, String> {
    let (program, args) = argv.split_first().ok_or("no command")?;
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err(output.status.to_string());
    }
    let text = String::from_utf8(output.stdout).map_err(|_| "its output is not UTF-8".to_owned())?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    if text.is_empty() { Err("its output is empty".into()) } else { Ok(Secret::new(text)) }
}

/// Whether a value is a reference by its shape alone.
pub(crate) fn looks_like_reference(node: &Node) -> bool {
    matches!(&node.value, Yaml::Map(entries) if entries.len() == 1 && matches!(entries[0].0.text.as_str(), "env" | "file" | "command"))
}
