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
pub(crate) mod identity;
mod lint;
mod nothing;
mod resource;
mod template_problem;
mod together;

pub use build::{Built, Turned, build, turned};
pub(crate) use build::{Values, values};
pub(crate) use edges::{Edge, Edges};
pub use host::DesiredChannel;
pub(crate) use host::{
    AllPlays, DeclaredResource, Desired, DesiredAccount, DesiredCertificates, DesiredDatabase,
    DesiredHeartbeat, DesiredHost, DesiredRoleUnit, DesiredSeed, DesiredServer, DesiredSetting,
    FirewallIntent, LostHost,
};
pub use identity::Identity;
pub(crate) use lint::lint;
pub(crate) use nothing::{nothing, unread_extra};
pub(crate) use together::together;

pub use crate::model::Positioning;
pub(crate) use crate::model::{OptionFileHolds, RestartPrimary, SeedMethod, SeedPath, Tls};
