//! Plays, topologies and roles as a user writes them, and the shipped ones.

mod edit;
mod ignore;
mod play;
mod project;
mod role;
mod shipped;
mod topology;
mod turn;

pub use edit::{Edit, Rename};
pub use play::{Play, groups_scope};
pub use project::{Loaded, Project, Request, load};
pub use role::{ResourceKind, Role, RoleResource};
pub use shipped::{playbook_names, role_names};
#[cfg(test)]
pub(crate) use topology::EdgeDeclaration;
pub use topology::{Declared, Kind, Topology};
pub use turn::CannotTurn;
