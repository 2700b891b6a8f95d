//! References to secrets, and the one place where they become values.

mod password;
mod sops;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    model::variables::{is_common, is_secret_name},
    model::{Place, Secret, SecretId, at_home, hide_secret},
    source::{Node, Problem, Problems, Yaml},
    vault::{Keyring, as_text, is_sealed, printed_by},
};
use zeroize::Zeroizing;

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

pub(crate) use password::Uses;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reference {
    Env(String),
    File(PathBuf),
    Command(Vec<String>),
    Age(PathBuf),
    Sops(PathBuf, Option<String>),
    Literal(Secret),
}

/// Every secret of a run by its id. Values are fetched when they are needed, and from then on shown nowhere.
#[derive(Debug, Clone, Default)]
pub struct SecretBook {
    entries: BTreeMap<SecretId, (Reference, Place)>,
    keyring: Keyring,
}

impl SecretBook {
    /// An empty book whose sealed files are opened with these keys.
    pub fn with_keys(keyring: Keyring) -> Self {
        Self { keyring, ..Self::default() }
    }

    /// Notes a reference such as `{env: NAME}`; `None` where the value is none.
    pub fn reference(&mut self, node: &Node, problems: &mut Problems) -> Option<SecretId> {
        if !looks_like_reference(node) {
            return None;
        }
        if let Some(path) = node.get("sops") {
            return self.sops(path, node, problems);
        }
        let [(key, value)] = node.map()? else { return None };
        let reference = match key.text.as_str() {
            "env" => Reference::Env(value.scalar()?),
            "file" => Reference::File(beside(&value.place, &value.scalar()?)),
            "age" => Reference::Age(beside(&value.place, &value.scalar()?)),
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
            Reference::Age(path) => format!("age:{}", path.display()),
            Reference::Sops(..) | Reference::Literal(_) => return None,
        };
        Some(self.keep(SecretId(id), reference, &node.place))
    }

    /// The secret that a variable refers to, or is. Ansible's `{{ lookup('env', 'NAME') }}` is understood where a
    /// secret is meant.
    pub fn of_variable(&mut self, name: &str, node: &Node, problems: &mut Problems) -> Option<SecretId> {
        if let Some(id) = self.reference(node, problems) {
            return Some(id);
        }
        let text = node.scalar().filter(|_| is_secret_name(name))?;
        if let Some(variable) = looked_up(&text).filter(|_| !node.raw) {
            let id = SecretId(format!("env:{variable}"));
            return Some(self.keep(id, Reference::Env(variable), &node.place));
        }
        if text.contains("{{") && !node.raw {
            return None;
        }
        if is_sealed(&text) {
            let message = format!("`{name}` is a vault without the tag that says so");
            problems.push(
                Problem::error("secret::vault", &node.place, message, "encrypted by ansible-vault")
                    .help(format!("Write the tag before it: {name}: !vault |")),
            );
            return Some(self.keep(
                SecretId(format!("literal:{}:{}", node.place, node.place.column)),
                Reference::Literal(Secret::new(String::new())),
                &node.place,
            ));
        }
        Some(self.literal(name, text, &node.place, problems))
    }

    /// `{sops: path, key: a.b}`.
    fn sops(&mut self, path: &Node, node: &Node, problems: &mut Problems) -> Option<SecretId> {
        let file = beside(&path.place, &path.scalar()?);
        let key = node.get("key");
        let extract =
            match key.and_then(Node::scalar) {
                None => None,
                Some(key) => match sops::extract(&key) {
                    Some(extract) => Some(extract),
                    None => {
                        let message = format!("`{key}` is no way to a value in a sops file");
                        let place = node.get("key").map_or(&node.place, |k| &k.place);
                        problems.push(Problem::error("secret::sops", place, message, "this key").help(
                            "Names and numbers joined by dots: {sops: path, key: replication.password}.",
                        ));
                        return None;
                    }
                },
            };
        let id = format!("sops:{}:{}", file.display(), extract.as_deref().unwrap_or_default());
        Some(self.keep(SecretId(id), Reference::Sops(file, extract), &node.place))
    }

    /// Notes a value that came out of a vault: it is a secret wherever one is needed, and else a value like others.
    pub fn vaulted(&mut self, text: String, place: &Place) -> SecretId {
        let id = SecretId(format!("vault:{place}:{}", place.column));
        self.keep(id, Reference::Literal(Secret::new(text)), place)
    }

    /// The secret that a text is, if it came out of a vault: templates pass on texts and no places.
    pub fn vaulted_id(&self, text: &str) -> Option<SecretId> {
        let fits = |(reference, place): &(Reference, Place)| {
            place.vaulted && matches!(reference, Reference::Literal(secret) if secret.expose() == text)
        };
        self.entries.iter().find(|(_, entry)| fits(entry)).map(|(id, _)| id.clone())
    }

    /// The same for what a template has given.
    pub fn vaulted_value(&self, value: &serde_json::Value) -> Option<SecretId> {
        match value {
            serde_json::Value::String(text) => self.vaulted_id(text),
            serde_json::Value::Number(number) => self.vaulted_id(&number.to_string()),
            _ => None,
        }
    }

    /// Notes a secret that is written out, with a warning unless a vault holds it.
    fn literal(&mut self, name: &str, text: String, place: &Place, problems: &mut Problems) -> SecretId {
        conceal(&text);
        if place.vaulted {
            return self.vaulted(text, place);
        }
        problems.push(
            Problem::warning(
                "secret::literal",
                place,
                format!("`{name}` is written out in a file"),
                "a secret in clear text",
            )
            .help(format!(
                "Write a reference: {name}: {{env: NAME}}, {{file: path}} or {{command: [...]}}, or seal it with ansible-vault."
            )),
        );
        // Two may stand in one line.
        let id = SecretId(format!("literal:{place}:{}", place.column));
        self.keep(id, Reference::Literal(Secret::new(text)), place)
    }

    fn keep(&mut self, id: SecretId, reference: Reference, place: &Place) -> SecretId {
        self.entries.entry(id.clone()).or_insert_with(|| (reference, place.clone()));
        id
    }

    /// Places of secrets that are written out.
    pub fn literals(&self) -> impl Iterator<Item = &Place> {
        self.entries.values().filter(|(r, _)| matches!(r, Reference::Literal(_))).map(|(_, place)| place)
    }

    /// Fetches a secret, which is shown nowhere from then on.
    ///
    /// # Errors
    /// When the reference leads to nothing; the problem has the reference's place.
    pub fn resolve(&self, id: &SecretId) -> Result<Secret, Problem> {
        let fetched = self.fetch(id);
        // What came out of a vault is hidden when it is read, whether it is a password or not.
        if let Ok(secret) = &fetched
            && !self.entries.get(id).is_some_and(|(_, place)| place.vaulted)
        {
            conceal(secret.expose());
        }
        fetched
    }

    fn fetch(&self, id: &SecretId) -> Result<Secret, Problem> {
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
            Reference::File(path) => match std::fs::read_to_string(path).map(Zeroizing::new) {
                Ok(text) if is_sealed(&text) => {
                    self.keyring.open(&text).map(|opened| line(&opened)).map_err(|error| {
                        failed(
                            format!("the vault {} stays closed: {error}", path.display()),
                            error.help().into(),
                        )
                    })
                }
                Ok(text) => Ok(line(&text)),
                Err(error) => Err(failed(
                    format!("{} can't be read: {error}", path.display()),
                    "The path is relative to the file that names it.".into(),
                )),
            },
            Reference::Age(path) => {
                let opened = self.keyring.open_age(path).map(|text| line(&text));
                opened.map_err(|error| failed(error.to_string(), error.help().into()))
            }
            Reference::Sops(path, extract) => run(&sops::argv(path, extract.as_deref())).map_err(|why| {
                let (message, help) = sops::failure(path, &why, in_path("sops"));
                failed(message, help)
            }),
            Reference::Command(argv) => run(argv).map_err(|why| {
                failed(
                    format!("`{}` gave no secret: {why}", argv.first().map_or("", String::as_str)),
                    "Run it by hand and see.".into(),
                )
            }),
        }
    }

    /// What can be known of every reference without running a command.
    pub fn check(&self, uses: &Uses, problems: &mut Problems) {
        let mut values = BTreeMap::new();
        for (id, (reference, place)) in &self.entries {
            match reference {
                Reference::Command(_) | Reference::Sops(..) => {
                    let program = match reference {
                        Reference::Command(argv) => argv.first().map_or("", String::as_str),
                        _ => "sops",
                    };
                    if !in_path(program) {
                        let message = format!("the program `{program}` of a secret is not found");
                        let problem = Problem::error("secret::unresolved", place, message, "this secret");
                        problems.push(problem.help("Install it, or put its directory into PATH."));
                    }
                }
                _ => match self.resolve(id) {
                    Ok(secret) => {
                        values.insert(id.clone(), secret);
                    }
                    Err(problem) => problems.push(problem),
                },
            }
        }
        self.check_passwords(uses, &values, problems);
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

/// Takes a secret out of all that is shown; a word that every second sentence has stays.
pub(crate) fn conceal(value: &str) {
    if !is_common(value) {
        hide_secret(value);
    }
}

/// A path relative to the file that names it.
fn beside(place: &Place, path: &str) -> PathBuf {
    let path = at_home(path);
    Path::new(place.file.as_ref()).parent().map_or_else(|| path.clone(), |base| base.join(&path))
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
    let printed = printed_by(Command::new(program).args(args).stdin(Stdio::null()));
    let text = as_text(printed.map_err(|e| e.to_string())?).ok_or("its output is not UTF-8")?;
    let text = line(&text);
    if text.expose().is_empty() { Err("its output is empty".into()) } else { Ok(text) }
}

/// A secret without the line break that ends a file.
fn line(text: &str) -> Secret {
    Secret::new(text.strip_suffix('\n').unwrap_or(text))
}

/// Whether a value is a reference by its shape alone.
pub(crate) fn looks_like_reference(node: &Node) -> bool {
    let Yaml::Map(entries) = &node.value else { return false };
    let keys: Vec<&str> = entries.iter().map(|(key, _)| key.text.as_str()).collect();
    matches!(
        keys.as_slice(),
        ["env" | "file" | "command" | "age" | "sops"] | ["sops", "key"] | ["key", "sops"]
    )
}
