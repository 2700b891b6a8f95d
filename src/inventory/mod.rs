//! The Ansible-shaped inventory: hosts, groups, ranges, variables with their places, connections.

mod connection;
mod file;
mod range;
mod secret;
mod select;
mod vars;

pub use crate::schema::is_secret_name;
pub use connection::{Connection, SudoAs};
pub use file::{Group, Inventory, load};
pub use range::expand;
pub use secret::{SecretBook, Uses};
pub(crate) use secret::{conceal, looks_like_reference};
pub use select::select;
pub use vars::{Candidate, Level, Variable, Variables};
