//! Opens what is sealed: vaults of Ansible and files of age, with the keys that the user names.

mod age;
mod ansible;
mod keyring;

pub use ansible::{VaultError, is_sealed};
pub use keyring::{Keyring, PasswordSource, absolute};
