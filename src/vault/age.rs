//! Files of age, opened by the identities that the user has.

use std::{
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

use age::{Decryptor, Identity, IdentityFile, armor::ArmoredReader, ssh};
use zeroize::Zeroizing;

/// More than any secret, so that a file that unpacks without end fills no memory.
const MOST: u64 = 1 << 20;

/// Opens an age file, armored or not.
///
/// # Errors
/// In words, without anything of the text.
pub(super) fn open(sealed: &[u8], identities: &[PathBuf]) -> Result<Zeroizing<String>, String> {
    if identities.is_empty() {
        return Err("there is no age identity".into());
    }
    let mut keys: Vec<Box<dyn Identity>> = Vec::new();
    for path in identities {
        keys.extend(read(path)?);
    }
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(sealed)).map_err(|e| e.to_string())?;
    if decryptor.is_scrypt() {
        return Err("it is sealed with a passphrase, and tandem opens with identities only".into());
    }
    let reader = decryptor.decrypt(keys.iter().map(AsRef::as_ref)).map_err(|e| match e {
        age::DecryptError::NoMatchingKeys => {
            let names: Vec<String> = identities.iter().map(|p| p.display().to_string()).collect();
            format!("it is sealed for others than the identities in {}", names.join(", "))
        }
        other => other.to_string(),
    })?;
    let mut text = Zeroizing::new(String::new());
    reader.take(MOST).read_to_string(&mut text).map_err(|e| e.to_string())?;
    Ok(text)
}

fn read(path: &Path) -> Result<Vec<Box<dyn Identity>>, String> {
    let failed = |why: &str| format!("the identity {}: {why}", path.display());
    let text = std::fs::read(path).map(Zeroizing::new).map_err(|e| failed(&e.to_string()))?;
    if text.starts_with(b"-----BEGIN AGE") || text.starts_with(b"age-encryption.org/") {
        return Err(failed("it is itself sealed with a passphrase"));
    }
    if text.starts_with(b"-----BEGIN") {
        let name = path.display().to_string();
        return match ssh::Identity::from_buffer(BufReader::new(text.as_slice()), Some(name)) {
            Ok(identity @ ssh::Identity::Unencrypted(_)) => Ok(vec![Box::new(identity)]),
            Ok(ssh::Identity::Encrypted(_)) => Err(failed("this ssh key has a passphrase")),
            Ok(ssh::Identity::Unsupported(_)) => Err(failed("age can't use this kind of ssh key")),
            Err(error) => Err(failed(&error.to_string())),
        };
    }
    let file = IdentityFile::from_buffer(BufReader::new(text.as_slice()))
        .map_err(|_| failed("it is neither a file of age-keygen nor an ssh key"))?;
    let keys = file.into_identities().map_err(|e| failed(&e.to_string()))?;
    Ok(keys.into_iter().map(|key| key as Box<dyn Identity>).collect())
}
