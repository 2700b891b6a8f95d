//! The format of `ansible-vault`, versions 1.1 and 1.2 (Ansible's documentation, "Format of files encrypted
//! with Ansible Vault").

use aes::{
    Aes256,
    cipher::{KeyIvInit, StreamCipher},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Rounds of PBKDF2, which the format fixes.
const ROUNDS: u32 = 10_000;

/// Why a vault stays closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// No password was given at all.
    #[error("no vault password was given{}", label.as_ref().map(|l| format!("; its label is `{l}`")).unwrap_or_default())]
    NoPassword {
        /// The label that the vault carries.
        label: Option<String>,
    },
    /// Every password was tried. What was written with another password has another HMAC.
    #[error("the HMAC does not match with the password of {}: the password is wrong, or the text was changed", .tried.join(", "))]
    WrongPassword {
        /// Where the passwords came from.
        tried: Vec<String>,
    },
    /// The file or program of a password gave none.
    #[error("no vault password from {path}: {why}")]
    PasswordSource {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// It is no vault, or one of another version.
    #[error("the vault can't be read: {0}")]
    Malformed(&'static str),
}

impl VaultError {
    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            VaultError::NoPassword { .. } | VaultError::WrongPassword { .. } => {
                "Name the file with the password: --vault-password-file FILE, --vault-id LABEL@FILE, or \
                 ANSIBLE_VAULT_PASSWORD_FILE or ANSIBLE_VAULT_IDENTITY_LIST. A file that is executable is run."
            }
            VaultError::PasswordSource { .. } => {
                "A file that is executable is run and prints the password; any other holds it."
            }
            VaultError::Malformed(_) => "See whether `ansible-vault view` reads it.",
        }
    }
}

/// Whether a text is a vault by its first line.
pub fn is_sealed(text: &str) -> bool {
    text.trim_start().starts_with("$ANSIBLE_VAULT;")
}

/// A vault taken apart, still closed.
pub(super) struct Vault {
    /// The label of version 1.2.
    pub label: Option<String>,
    salt: Vec<u8>,
    hmac: Vec<u8>,
    sealed: Vec<u8>,
}

impl Vault {
    /// Takes the text apart.
    pub(super) fn parse(text: &str) -> Result<Self, VaultError> {
        let mut lines = text.trim().lines().map(str::trim);
        let header = lines.next().unwrap_or_default();
        let mut fields = header.split(';').map(str::trim);
        if fields.next() != Some("$ANSIBLE_VAULT") {
            return Err(VaultError::Malformed("it does not begin with $ANSIBLE_VAULT"));
        }
        let label = match fields.next() {
            Some("1.1") => None,
            Some("1.2") => Some(()),
            _ => return Err(VaultError::Malformed("its version is neither 1.1 nor 1.2")),
        };
        if fields.next() != Some("AES256") {
            return Err(VaultError::Malformed("its cipher is not AES256"));
        }
        let label = label.and_then(|()| fields.next()).filter(|l| !l.is_empty()).map(str::to_owned);
        let outer: String = lines.collect();
        let inner = unhex(outer.as_bytes()).ok_or(VaultError::Malformed("its lines are not hexadecimal"))?;
        let mut parts = inner.split(|b| *b == b'\n').map(unhex);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Some(salt)), Some(Some(hmac)), Some(Some(sealed)), None) => {
                Ok(Self { label, salt, hmac, sealed })
            }
            _ => Err(VaultError::Malformed("it does not hold a salt, an HMAC and a text")),
        }
    }

    /// Opens it; `None` where the HMAC does not match, which is looked at before anything is decrypted.
    pub(super) fn open(&self, password: &[u8]) -> Option<Result<Zeroizing<Vec<u8>>, VaultError>> {
        let mut keys = Zeroizing::new([0u8; 80]);
        pbkdf2::pbkdf2_hmac::<Sha256>(password, &self.salt, ROUNDS, keys.as_mut_slice());
        let (cipher, rest) = keys.split_at(32);
        let (hmac, counter) = rest.split_at(32);
        let mut mac = Hmac::<Sha256>::new_from_slice(hmac).ok()?;
        mac.update(&self.sealed);
        mac.verify_slice(&self.hmac).ok()?;
        let mut stream = ctr::Ctr128BE::<Aes256>::new_from_slices(cipher, counter).ok()?;
        let mut text = Zeroizing::new(self.sealed.clone());
        stream.apply_keystream(&mut text);
        // PKCS#7: the last byte says how many there are of it.
        let pad = text.last().map_or(0, |b| usize::from(*b));
        let end = text.len().checked_sub(pad).filter(|_| (1..=16).contains(&pad));
        match end {
            Some(end) if text[end..].iter().all(|b| usize::from(*b) == pad) => {
                text.truncate(end);
                Some(Ok(text))
            }
            _ => Some(Err(VaultError::Malformed("its padding is none"))),
        }
    }
}

fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made by ansible-core with the password `swordfish`: see tests/vault/README.md.
    const WHOLE: &str = include_str!("../../tests/vault/whole.yml");
    const PLAIN: &str = include_str!("../../tests/vault/plain.yml");

    #[test]
    fn what_ansible_sealed_is_opened() {
        let vault = Vault::parse(WHOLE).expect("a vault");
        assert_eq!(vault.label, None);
        let text = vault.open(b"swordfish").expect("the password fits").expect("it is whole");
        assert_eq!(std::str::from_utf8(&text), Ok(PLAIN));
        assert!(vault.open(b"swordfisk").is_none());
    }

    #[test]
    fn a_byte_that_was_changed_is_noticed_before_decryption() {
        let mut vault = Vault::parse(WHOLE).expect("a vault");
        let last = vault.sealed.len() - 1;
        vault.sealed[last] ^= 1;
        assert!(vault.open(b"swordfish").is_none());
    }

    #[test]
    fn versions_and_labels() {
        let line = |header: &str| WHOLE.replacen("$ANSIBLE_VAULT;1.1;AES256", header, 1);
        let parsed = |header: &str| Vault::parse(&line(header)).map(|v| v.label);
        assert_eq!(parsed("$ANSIBLE_VAULT;1.2;AES256;prod"), Ok(Some("prod".into())));
        assert_eq!(parsed("$ANSIBLE_VAULT;1.1;AES256\r"), Ok(None));
        assert!(parsed("$ANSIBLE_VAULT;1.0;AES").is_err());
        assert!(parsed("$ANSIBLE_VAULT;1.1;AES128").is_err());
        assert!(Vault::parse("$ANSIBLE_VAULT;1.1;AES256\n0").is_err());
        assert!(Vault::parse("$ANSIBLE_VAULT;1.1;AES256\n").is_err());
    }

    /// Texts, passwords and labels by chance: see tests/vault/many.py.
    #[test]
    fn whatever_ansible_seals_is_opened() {
        let cases: Vec<serde_json::Value> =
            serde_json::from_str(include_str!("../../tests/vault/many.json")).expect("JSON");
        assert!(cases.len() > 20);
        for case in cases {
            let field = |name: &str| case[name].as_str().unwrap_or_default();
            let vault = Vault::parse(field("sealed")).expect("a vault");
            assert_eq!(vault.label.as_deref(), case["label"].as_str());
            let text = vault.open(field("password").as_bytes()).expect("it fits").expect("it is whole");
            assert_eq!(std::str::from_utf8(&text), Ok(field("text")));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken_apart_or_refused(text in "(\\$ANSIBLE_VAULT;1\\.[12];AES256(;a)?\n)?[0-9a-f\nx]{0,80}") {
            let _ = Vault::parse(&text);
        }
    }
}
