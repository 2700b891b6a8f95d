//! Plays, topologies and roles as a user writes them, and the shipped ones.

mod edit;
mod ignore;
mod play;
mod project;
mod role;
mod shipped;
mod topology;
mod turn;

pub(crate) use edit::{Edit, Rename};
pub(crate) use play::{Play, groups_scope};
pub(crate) use project::Loaded;
pub use project::{Project, Request, load};
pub(crate) use role::{ResourceKind, Role, RoleResource};
pub(crate) use shipped::playbook_names;
pub use shipped::role_names;
#[cfg(test)]
pub(crate) use topology::EdgeDeclaration;
pub(crate) use topology::{Declared, Kind, Topology};
pub(crate) use turn::CannotTurn;
