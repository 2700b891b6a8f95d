//! What the files ask for, host by host: a pure function of inventory, playbook and the hosts' own identity.
//!
//! - [`Edges`]: who replicates from whom, out of the declared topology.
//! - [`identity`]: server ids, domains and offsets, stable when hosts are added.
//! - [`build`]: evaluates each role for each host.
//! - [`lint`]: what can be known to be wrong without a connection.

mod build;
mod edges;
mod filters;
mod host;
pub mod identity;
mod lint;
mod nothing;
mod resource;
mod template_problem;

pub use build::{Built, Turned, Values, build, turned, values};
pub use edges::{Edge, Edges};
pub use host::{
    DeclaredResource, Desired, DesiredAccount, DesiredCertificates, DesiredChannel, DesiredDatabase,
    DesiredHeartbeat, DesiredHost, DesiredRoleUnit, DesiredSeed, DesiredServer, DesiredSetting,
    FirewallIntent, LostHost,
};
pub use identity::Identity;
pub use lint::lint;
pub use nothing::{nothing, unread_extra};

pub use crate::model::{OptionFileHolds, Positioning, RestartPrimary, SeedMethod, SeedPath, Tls};
