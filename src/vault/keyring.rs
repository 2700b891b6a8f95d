//! Passwords of vaults and identities of age, by the files that hold them.

use std::{
    collections::BTreeMap,
    fmt, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use zeroize::Zeroizing;

use super::{
    AgeError, VaultError, age,
    ansible::Vault,
    program::{as_text, printed_by},
};
use crate::model::{at_home, hide_secret};

/// Where one vault password comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PasswordSource {
    /// The label of `--vault-id`.
    pub label: Option<String>,
    /// A file that holds the password, or a program that prints it.
    pub path: PathBuf,
}

type Password = Result<Zeroizing<Vec<u8>>, String>;

/// What opens the vaults of a run. Passwords are fetched with the first vault that needs them, and once; a file of age is
/// decrypted once, since its program may ask at the terminal.
#[derive(Clone, Default)]
pub struct Keyring(Arc<Keys>);

#[derive(Default)]
struct Keys {
    passwords: Vec<(PasswordSource, OnceLock<Password>)>,
    identities: Vec<PathBuf>,
    decrypted: Mutex<BTreeMap<PathBuf, Result<Zeroizing<String>, AgeError>>>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources: Vec<&PasswordSource> = self.0.passwords.iter().map(|(source, _)| source).collect();
        f.debug_struct("Keyring")
            .field("passwords", &sources)
            .field("identities", &self.0.identities)
            .finish()
    }
}

impl Keyring {
    /// A keyring of these files. Nothing is read yet.
    pub fn new(passwords: Vec<PasswordSource>, identities: Vec<PathBuf>) -> Self {
        let passwords = passwords.into_iter().map(|source| (source, OnceLock::new())).collect();
        Self(Arc::new(Keys { passwords, identities, decrypted: Mutex::default() }))
    }

    /// Opens a vault of Ansible: with the password of its label if there is one, else with each in turn.
    ///
    /// # Errors
    /// When no password was given, none fits, one can't be fetched, or the text is no vault.
    pub fn open(&self, text: &str) -> Result<Zeroizing<String>, VaultError> {
        let vault = Vault::parse(text)?;
        if self.0.passwords.is_empty() {
            return Err(VaultError::NoPassword { label: vault.label });
        }
        let (fits, others): (Vec<_>, Vec<_>) = self
            .0
            .passwords
            .iter()
            .partition(|(source, _)| source.label.is_some() && source.label == vault.label);
        let mut tried = Vec::new();
        for (source, password) in fits.into_iter().chain(others) {
            let path = source.path.display().to_string();
            match password.get_or_init(|| source.fetch()) {
                Err(why) => return Err(VaultError::PasswordSource { path, why: why.clone() }),
                Ok(password) => match vault.open(password) {
                    Some(opened) => {
                        return as_text(opened?).ok_or(VaultError::Malformed("what it holds is not UTF-8"));
                    }
                    None => tried.push(path),
                },
            }
        }
        Err(VaultError::WrongPassword { tried })
    }

    /// Opens a file of age.
    ///
    /// # Errors
    /// When its program is not installed or could not decrypt it.
    pub fn open_age(&self, path: &Path) -> Result<Zeroizing<String>, AgeError> {
        let mut decrypted = self.0.decrypted.lock().unwrap_or_else(PoisonError::into_inner);
        decrypted.entry(path.to_owned()).or_insert_with(|| age::open(path, &self.0.identities)).clone()
    }
}

impl PasswordSource {
    /// Reads `LABEL@FILE`, or `FILE` alone.
    ///
    /// # Errors
    /// For what asks a person, which a run without one could not.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (label, path) = match text.split_once('@') {
            Some((label, path)) => (Some(label.to_owned()).filter(|l| !l.is_empty()), path),
            None => (None, text),
        };
        if path.is_empty() {
            return Err("LABEL@FILE is needed".into());
        }
        if path == "prompt" || path == "prompt_ask_vault_pass" {
            return Err("tandem does not ask for vault passwords; name a file, or a program that asks".into());
        }
        Ok(Self { label, path: absolute(path).map_err(|e| e.to_string())? })
    }

    fn fetch(&self) -> Password {
        let words = |error: io::Error| error.to_string();
        let metadata = std::fs::metadata(&self.path).map_err(words)?;
        let bytes = if metadata.is_file() && metadata.permissions().mode() & 0o111 != 0 {
            let mut command = Command::new(&self.path);
            // A program of the name `...-client` knows several passwords, and is told which.
            if self.path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("-client"))
                && let Some(label) = &self.label
            {
                command.args(["--vault-id", label]);
            }
            printed_by(command.stdin(Stdio::inherit())).map_err(|e| match e.kind() {
                io::ErrorKind::Other => e.to_string(),
                _ => format!("{e}; it is executable and was run: take that right away if it is no program"),
            })?
        } else {
            let bytes = std::fs::read(&self.path).map(Zeroizing::new).map_err(words)?;
            Zeroizing::new(bytes.trim_ascii().to_vec())
        };
        if bytes.starts_with(b"$ANSIBLE_VAULT;") {
            return Err("it is itself a vault".into());
        }
        // Ends of lines are no part of a password; blanks that a program prints are.
        let begin = bytes.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        let end = bytes.iter().rev().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        let bytes = bytes.get(begin..bytes.len().saturating_sub(end)).unwrap_or_default();
        if let Ok(password) = std::str::from_utf8(bytes) {
            hide_secret(password);
        }
        if bytes.is_empty() { Err("it is empty".into()) } else { Ok(Zeroizing::new(bytes.to_vec())) }
    }
}

/// A path as it was meant where it was given: `~/` is the home, and a later change of directory changes nothing.
pub fn absolute(path: &str) -> io::Result<PathBuf> {
    std::path::absolute(at_home(path))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn fixture(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vault").join(name)
    }

    fn read(name: &str) -> Vec<u8> {
        std::fs::read(fixture(name)).expect("a fixture")
    }

    fn ring(sources: &[(&str, &str)]) -> Keyring {
        let source = |(label, file): &(&str, &str)| PasswordSource {
            label: Some((*label).to_owned()).filter(|l| !l.is_empty()),
            path: fixture(file),
        };
        Keyring::new(sources.iter().map(source).collect(), Vec::new())
    }

    fn open(ring: &Keyring, name: &str) -> Result<String, VaultError> {
        ring.open(&String::from_utf8_lossy(&read(name))).map(|text| text.to_string())
    }

    #[test]
    fn the_label_chooses_and_all_others_are_tried() {
        let plain = String::from_utf8(read("plain.yml")).expect("text");
        for sources in [
            &[("prod", "password-prod")][..],
            &[("", "password"), ("prod", "password-prod")],
            &[("prod", "password"), ("stage", "password-prod")],
        ] {
            assert_eq!(open(&ring(sources), "labelled.yml").as_ref(), Ok(&plain), "{sources:?}");
        }
        let error = open(&ring(&[("prod", "password")]), "labelled.yml").expect_err("wrong");
        assert!(error.to_string().contains("HMAC") && error.to_string().contains("password"), "{error}");
        let error = open(&Keyring::default(), "labelled.yml").expect_err("none");
        assert!(error.to_string().contains("`prod`"), "{error}");
        let error = open(&ring(&[("", "no-such-file")]), "labelled.yml").expect_err("missing");
        assert!(error.to_string().contains("no-such-file"), "{error}");
    }

    #[test]
    fn an_executable_file_is_run_and_a_client_is_told_the_label() {
        let directory = tempfile::tempdir().expect("a directory");
        for (name, text) in [
            ("ask.sh", "#!/bin/sh\necho correct horse\n"),
            ("ask-client.sh", "#!/bin/sh\n[ \"$*\" = '--vault-id prod' ] && echo correct horse\n"),
        ] {
            let path = directory.path().join(name);
            std::fs::write(&path, text).expect("a file");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("rights");
            let source = PasswordSource { label: Some("prod".into()), path };
            let ring = Keyring::new(vec![source], Vec::new());
            assert!(open(&ring, "labelled.yml").is_ok(), "{name}");
        }
    }

    #[test]
    fn a_source_is_a_label_and_a_file() {
        let parsed = PasswordSource::parse("prod@/etc/pass@word").expect("a source");
        assert_eq!(parsed, PasswordSource { label: Some("prod".into()), path: "/etc/pass@word".into() });
        assert_eq!(PasswordSource::parse("/etc/pw").map(|s| s.label), Ok(None));
        assert!(PasswordSource::parse("prod@prompt").is_err());
        assert!(PasswordSource::parse("prod@").is_err());
    }
}
