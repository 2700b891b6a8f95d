//! Accounts and privileges in one canonical form, read from SHOW GRANTS and SHOW CREATE USER.

mod account;
mod parse;
mod password;
mod revoke;
mod serves;
mod sha_crypt;

pub use account::{AccountState, canonical_privilege, canonical_privileges, is_system_account};
pub use parse::read_grant;
pub use password::{PasswordCheck, ed25519_hash, native_hash, sha256_hex};
pub use revoke::{revocation, split as split_outside_quotes};
pub use serves::{Login, Unfit, unfit};
pub use sha_crypt::{caching_sha2_hash, is_caching_sha2};
