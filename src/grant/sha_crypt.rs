//! The stored form of `caching_sha2_password`: SHA-256 crypt after U. Drepper's specification, with a salt
//! of 20 bytes where that allows 16 (MySQL manual, "Caching SHA-2 Pluggable Authentication"). No crate
//! takes such a salt.

use sha2::{Digest, Sha256};

/// Bytes of a salt.
const SALT: usize = 20;
/// Rounds for each unit of the three digits behind `$A$`, which are hexadecimal.
const UNIT: u32 = 1000;
/// What the server uses unless `caching_sha2_password_digest_rounds` says more.
const DIGITS: &str = "005";
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The stored form of a password with this salt, of which the first 20 characters count.
pub(crate) fn caching_sha2_hash(password: &str, salt: &str) -> String {
    let salt: String = salt.chars().take(SALT).collect();
    format!("$A${DIGITS}${salt}{}", digest(password.as_bytes(), salt.as_bytes(), 5 * UNIT))
}

/// Whether a stored form, as text or as the hexadecimal number that `SHOW CREATE USER` prints, is that of a
/// password. `None` where it is no such form.
pub(crate) fn is_caching_sha2(stored: &str, password: &str) -> Option<bool> {
    let bytes = match stored.strip_prefix("0x") {
        Some(hex) => unhex(hex)?,
        None => stored.as_bytes().to_vec(),
    };
    let rest = bytes.strip_prefix(b"$A$")?;
    let (digits, rest) = (rest.get(..3)?, rest.get(3..)?.strip_prefix(b"$")?);
    let rounds = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?.checked_mul(UNIT)?;
    let (salt, hash) = (rest.get(..SALT)?, rest.get(SALT..)?);
    (rounds > 0).then(|| digest(password.as_bytes(), salt, rounds).as_bytes() == hash)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = digits.filter(|d| d.len().is_multiple_of(2))?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// The 43 characters behind the salt.
fn digest(password: &[u8], salt: &[u8], rounds: u32) -> String {
    let other = Sha256::new().chain_update(password).chain_update(salt).chain_update(password).finalize();
    let repeated =
        |block: &[u8], length: usize| -> Vec<u8> { block.iter().copied().cycle().take(length).collect() };
    let mut first = Sha256::new().chain_update(password).chain_update(salt);
    first.update(repeated(&other, password.len()));
    let mut bits = password.len();
    while bits > 0 {
        if bits & 1 == 1 {
            first.update(other);
        } else {
            first.update(password);
        }
        bits >>= 1;
    }
    let mut result = first.finalize();

    let mut of_password = Sha256::new();
    password.iter().for_each(|_| of_password.update(password));
    let password = repeated(&of_password.finalize(), password.len());
    let mut of_salt = Sha256::new();
    (0..16 + usize::from(result[0])).for_each(|_| of_salt.update(salt));
    let salt = repeated(&of_salt.finalize(), salt.len());

    for round in 0..rounds {
        let mut hash = Sha256::new();
        if round % 2 == 1 {
            hash.update(&password);
        } else {
            hash.update(result);
        }
        if round % 3 != 0 {
            hash.update(&salt);
        }
        if round % 7 != 0 {
            hash.update(&password);
        }
        if round % 2 == 1 {
            hash.update(result);
        } else {
            hash.update(&password);
        }
        result = hash.finalize();
    }
    encode(result.as_slice())
}

/// Three bytes become four characters, lowest bits first, in an order that the specification lays down.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(43);
    let mut put = |mut value: u32, count: usize| {
        for _ in 0..count {
            text.push(char::from(ALPHABET[(value & 63) as usize]));
            value >>= 6;
        }
    };
    let mut at = (0usize, 10usize, 20usize);
    for _ in 0..10 {
        let byte = |n: usize| u32::from(bytes[n]);
        put(byte(at.0) << 16 | byte(at.1) << 8 | byte(at.2), 4);
        at = ((at.1 + 11) % 30, (at.2 + 11) % 30, (at.0 + 11) % 30);
    }
    put(u32::from(bytes[31]) << 8 | u32::from(bytes[30]), 3);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_specification() {
        // Vectors of the specification; the second with another number of rounds.
        let five = "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5";
        assert_eq!(digest(b"Hello world!", b"saltstring", 5000), five);
        let ten = "3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA";
        assert_eq!(digest(b"Hello world!", b"saltstringsaltst", 10000), ten);
    }

    #[test]
    fn a_servers_own_hash_is_known() {
        // SHOW CREATE USER of MySQL 9.7.4.
        let stored = "0x244124303041244E4708493D15133A6F63513E0C0B530F4B6526676F745553566D5A58456E472E736B72623978444954667A73324B31556139513675737A4437583234516F38";
        assert_eq!(is_caching_sha2(stored, "sé%s"), Some(true));
        assert_eq!(is_caching_sha2(stored, "se%s"), Some(false));
        for nonsense in ["", "0x", "0x2", "$A$005$short", "$A$zzz$", "*AB", "0x24412430303524"] {
            assert_ne!(is_caching_sha2(nonsense, ""), Some(true), "{nonsense}");
        }
    }

    #[test]
    fn our_own_hash_is_known_and_safe_to_quote() {
        let stored = caching_sha2_hash("p q'\"$\\", "./23456789abcdefghij");
        assert_eq!(stored.len(), 7 + 20 + 43);
        assert_eq!(is_caching_sha2(&stored, "p q'\"$\\"), Some(true));
        assert_eq!(is_caching_sha2(&stored, "p q'\"$"), Some(false));
    }
}
