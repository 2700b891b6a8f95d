//! Stored hashes of passwords.

use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha512};

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

/// The stored form of MariaDB's `ed25519` without its padding: the public key that belongs to the password,
/// where SHA-512 of the password stands for what a secret key is hashed to (MariaDB manual,
/// "Authentication Plugin - ed25519").
pub(crate) fn ed25519_hash(password: &str) -> String {
    let hash: [u8; 64] = Sha512::digest(password.as_bytes()).into();
    let mut scalar = [0u8; 32];
    scalar.copy_from_slice(&hash[..32]);
    let key = curve25519_dalek::EdwardsPoint::mul_base_clamped(scalar).compress();
    base64(key.as_bytes())
}

/// Base 64 without padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let value = chunk.iter().fold(0u32, |v, b| v << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for n in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(value >> (18 - 6 * n) & 63) as usize]));
        }
    }
    text
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
        // The example of MariaDB's manual.
        assert_eq!(super::ed25519_hash("secret"), "ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJY");
    }
}
