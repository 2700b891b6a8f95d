//! Ansible's inventory: hosts, groups, ranges, variables with their places, connections.

mod address;
mod config;
mod conflict;
mod connection;
mod files;
mod groups;
mod hosts;
mod ini;
mod literal;
mod load;
mod program;
mod range;
mod secret;
mod select;
mod vars;
mod words;
mod yaml;

use std::path::{Path, PathBuf};

pub(crate) use crate::model::variables::is_secret_name;
pub(crate) use config::{Config, USUAL_NAMES, changed_by_others};
pub(crate) use connection::{Connection, SudoAs};
pub use groups::Inventory;
pub(crate) use literal::value as literal;
pub use load::{Ignored, Request, load};
pub(crate) use range::expand;
pub use secret::SecretBook;
pub(crate) use secret::Uses;
pub(crate) use secret::{conceal, looks_like_reference};
pub use select::select;
pub(crate) use vars::{Beside, Layer, Level, Rank, Variables};

/// A folder without links in its name; no name is the current one.
fn real(folder: &Path) -> Option<PathBuf> {
    let named = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    std::fs::canonicalize(named).ok()
}
