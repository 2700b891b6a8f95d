//! Opens what is encrypted: vaults of Ansible, and files of age by their program, with the keys that the user names.

mod age;
mod ansible;
mod keyring;
mod program;

pub use age::AgeError;
pub use ansible::{VaultError, is_sealed};
pub use keyring::{Keyring, PasswordSource, absolute};
pub(crate) use program::{as_text, printed_by};
