//! Words by chance.

use std::hash::{BuildHasher, RandomState};

/// Characters that stand for themselves in SQL and in a shell.
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Bytes of a salt, as MySQL's `caching_sha2_password` has them.
const SALT: usize = 20;

/// A salt of characters that stand for themselves in SQL and in a shell.
pub(crate) fn new_salt() -> String {
    // Each state has keys of its own from the system's source of randomness.
    let mut salt = String::with_capacity(SALT);
    while salt.len() < SALT {
        let mut bits = RandomState::new().hash_one(salt.len());
        for _ in 0..10 {
            salt.push(char::from(ALPHABET[(bits & 63) as usize]));
            bits >>= 6;
        }
    }
    salt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_salt_is_new_and_safe_to_quote() {
        let (one, two) = (new_salt(), new_salt());
        assert!(one != two && one.len() == 20);
        assert!(one.chars().all(|c| c.is_ascii_alphanumeric() || "./".contains(c)));
    }
}
