//! What the files ask for, host by host: a pure function of inventory, playbook and the hosts' own identity.
//!
//! - [`Edges`]: who replicates from whom, out of the declared topology.
//! - [`identity`]: server ids, domains and offsets, stable when hosts are added.
//! - [`build`]: evaluates each role for each host.
//! - [`lint`]: what can be known to be wrong without a connection.

mod build;
mod edges;
mod filters;
pub mod identity;
mod lint;
mod nothing;
mod resource;
mod template_problem;
mod wish;

pub use build::{Built, Turned, Values, build, turned, values};
pub use edges::{Edge, Edges};
pub use identity::Identity;
pub use lint::lint;
pub use nothing::{nothing, unread_extra};
pub use wish::{
    AccountWish, CertificatesWish, ChannelWish, DatabaseWish, DeclaredResource, Desired, DesiredHost,
    FirewallIntent, HeartbeatWish, LostHost, RoleUnitWish, SeedWish, ServerWish, SettingWish,
};

pub use crate::model::{OptionFileHolds, Positioning, RestartPrimary, SeedMethod, SeedPath, Tls};
