//! Accounts and privileges in one canonical form, read from SHOW GRANTS and SHOW CREATE USER.

mod account;
mod parse;
mod password;
mod revoke;
mod serves;
mod sha_crypt;

pub use account::AccountState;
pub(crate) use account::Expiry;
pub(crate) use account::{canonical_privilege, canonical_privileges, is_system_account};
pub(crate) use parse::{LIMITS, canonical_line, read_grant};
pub(crate) use password::ed25519_hash;
pub use password::{PasswordCheck, native_hash, sha256_hex};
pub(crate) use revoke::{revocation, split as split_outside_quotes};
pub(crate) use serves::{Login, Unfit, unfit};
pub(crate) use sha_crypt::{caching_sha2_hash, is_caching_sha2};
