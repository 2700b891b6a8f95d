//! Stored hashes of passwords.

use sha1::{Digest, Sha1};
use sha2::Sha256;

/// What comparing a password with a stored hash has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordCheck {
    /// It is this password.
    Matches,
    /// It is another one.
    Differs,
    /// The hash is of a kind that can't be recomputed here.
    Unknown,
}

/// The stored form of `mysql_native_password`: `*` and SHA1(SHA1(password)) in upper-case hex; empty
/// for an empty password.
pub fn native_hash(password: &str) -> String {
    if password.is_empty() {
        return String::new();
    }
    let twice = Sha1::digest(Sha1::digest(password.as_bytes()));
    format!("*{}", hex(&twice).to_ascii_uppercase())
}

/// SHA-256 in lower-case hex, as `sha256sum` prints it.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn hashes_are_the_servers() {
        // SELECT PASSWORD('secret') on MariaDB 10.11.
        assert_eq!(super::native_hash("secret"), "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7");
        assert_eq!(super::native_hash(""), "");
    }
}
