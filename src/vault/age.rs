//! Files of age, decrypted by the program `age`, or by `rage`, which takes the same words.
//!
//! The program rather than its crate: who has such files has it, and it brings what no library does here: a passphrase
//! is asked for at the terminal, and identities on a token are reached through plugins.

use std::{
    ffi::OsString,
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use zeroize::Zeroizing;

use super::program::{as_text, printed_by};

/// Tried in this order.
const PROGRAMS: [&str; 2] = ["age", "rage"];

/// How a file begins that is encrypted with a passphrase: <https://age-encryption.org/v1>, binary, and armored as far
/// as whole groups of base64 go (`age-encryption.org/v1\n-> scryp`).
const PASSPHRASE: &[u8] = b"age-encryption.org/v1\n-> scrypt ";
const ARMORED_PASSPHRASE: &[u8] = b"YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNjcnlw";
const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";

/// Why a file of age was not decrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgeError {
    /// The file itself can't be read.
    #[error("{} can't be read: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// Neither program is in PATH.
    #[error("the program `age` is not installed, and {} is encrypted with it", path.display())]
    NotInstalled {
        /// The file.
        path: PathBuf,
    },
    /// The program ran and did not decrypt it.
    #[error("{program} could not decrypt {}{}: {why}", path.display(), with(identities))]
    Failed {
        /// The program.
        program: &'static str,
        /// The file.
        path: PathBuf,
        /// What it was given to decrypt with.
        identities: Vec<PathBuf>,
        /// How it ended.
        why: String,
    },
}

impl AgeError {
    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            AgeError::Unreadable { .. } => "The path is relative to the file that names it.",
            AgeError::NotInstalled { .. } => {
                "Install it (the package is called age; rage will do as well), or put its directory into PATH."
            }
            AgeError::Failed { identities, .. } if identities.is_empty() => {
                "Its own words stand above. Name an identity with --age-identity FILE or TANDEM_AGE_IDENTITY; without \
                 one, ~/.config/age/keys.txt and SOPS_AGE_KEY_FILE are read."
            }
            AgeError::Failed { .. } => {
                "Its own words stand above. Encrypt the file for one of these identities, or name another one with \
                 --age-identity FILE or TANDEM_AGE_IDENTITY."
            }
        }
    }
}

fn with(identities: &[PathBuf]) -> String {
    let names: Vec<String> = identities.iter().map(|path| path.display().to_string()).collect();
    if names.is_empty() { String::new() } else { format!(" with {}", names.join(", ")) }
}

/// Decrypts a file, armored or not.
///
/// # Errors
/// When the file can't be read, neither program is installed, or it failed; the program itself said why.
pub(super) fn open(path: &Path, identities: &[PathBuf]) -> Result<Zeroizing<String>, AgeError> {
    let passphrase = has_passphrase(path)
        .map_err(|error| AgeError::Unreadable { path: path.to_owned(), why: error.to_string() })?;
    // With identities it would refuse such a file; without, it asks.
    let identities = if passphrase { &[] } else { identities };
    for program in PROGRAMS {
        let failed = |why: String| AgeError::Failed {
            program,
            path: path.to_owned(),
            identities: identities.to_vec(),
            why,
        };
        match printed_by(Command::new(program).args(words(path, identities)).stdin(Stdio::null())) {
            Ok(bytes) => return as_text(bytes).ok_or_else(|| failed("what it holds is not UTF-8".into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error.to_string())),
        }
    }
    Err(AgeError::NotInstalled { path: path.to_owned() })
}

/// What the program is told: names of files and nothing else.
fn words(path: &Path, identities: &[PathBuf]) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec!["--decrypt".into()];
    for identity in identities {
        words.extend(["--identity".into(), identity.into()]);
    }
    // A name that begins with a dash is no option.
    words.extend(["--".into(), path.into()]);
    words
}

fn has_passphrase(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    std::fs::File::open(path)?.take(256).read_to_end(&mut head)?;
    Ok(match head.trim_ascii_start().strip_prefix(ARMOR) {
        Some(armored) => armored.trim_ascii_start().starts_with(ARMORED_PASSPHRASE),
        None => head.starts_with(PASSPHRASE),
    })
}
