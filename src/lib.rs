//! tandem brings MySQL and MariaDB servers to the replication topology that a YAML file declares.
//!
//! The way of the data, from files to a changed fleet and back:
//!
//! ```text
//! inventory + playbook -> desired (pure)          ssh, SQL -> observed
//! diff(desired, observed) -> plan (pure)          plan -> apply -> observe again -> empty plan
//! ```
//!
//! A program that uses this library begins with [`engine`]; `examples/plan_and_apply.rs` does. The other public rooms
//! hold the values that an engine takes and gives: what a [`plan`] is made of, the words of every room ([`model`]),
//! mistakes in files ([`source`]), what opens vaults ([`vault`]) and the topology as it is ([`status`]).
//!
//! `desired`, `diff` and `plan` know no I/O, no clock and no randomness. Only `render` prints, only
//! `main` exits. Anything with an effect on a host is a step of a plan first.

#![warn(unreachable_pub)]

pub(crate) mod adopt;
pub(crate) mod apply;
pub(crate) mod certificate;
pub mod cli;
pub(crate) mod copy;
pub(crate) mod desired;
pub(crate) mod dialect;
pub(crate) mod diff;
pub(crate) mod direct;
pub(crate) mod doctor;
pub mod engine;
pub(crate) mod exec;
pub(crate) mod firewall;
pub(crate) mod grant;
pub(crate) mod gtid;
pub(crate) mod inventory;
pub mod model;
pub(crate) mod observe;
pub(crate) mod option_file;
pub mod plan;
pub(crate) mod playbook;
pub(crate) mod proof;
pub(crate) mod render;
pub(crate) mod resource;
pub(crate) mod role_unit;
pub(crate) mod schema;
pub(crate) mod seed;
pub mod source;
pub mod status;
pub(crate) mod template;
pub(crate) mod transport;
pub mod vault;
pub(crate) mod verify;
pub(crate) mod words;

/// What the tests beside the crate look into. It promises nothing: programs use [`engine`].
#[doc(hidden)]
pub mod inside {
    pub use crate::{model, plan, source, status, vault};

    pub mod desired {
        pub use crate::desired::{Built, DesiredChannel, Identity, Positioning, Turned, build, turned};
    }
    pub mod dialect {
        pub use crate::dialect::{
            CannotCopy, ChannelStatement, CopyDemands, CopyTakes, DemandingAccount, DemandingTable, Dialect,
            GrantedOn, ObjectGrant, Unfit, UnfitObject, UnfitWhy, Versions, words_of_option_groups,
        };
    }
    pub mod diff {
        pub use crate::diff::{build, stand_in};
    }
    pub mod firewall {
        pub use crate::firewall::{APPLY, Backend, CONFIRM, Chain, FirewallState};
    }
    pub mod grant {
        pub use crate::grant::{AccountState, PasswordCheck, native_hash, sha256_hex};
    }
    pub mod gtid {
        pub use crate::gtid::{
            BinlogState, Complete, Errant, GtidState, MySqlGtid, ServerGtid, Transactions,
        };
    }
    pub mod inventory {
        pub use crate::inventory::{Ignored, Inventory, Request, SecretBook, load, select};
    }
    pub mod observe {
        pub use crate::observe::{
            AdminWriter, BinlogFacts, ChannelFacts, DatabaseFacts, DiskFacts, ErrantFacts, ErrantKind,
            FarEnd, HOST_SCRIPT, HostFacts, Observed, Reach, Reading, RestartRecord, RestartState,
            SchemaFacts, SeedCoordinates, SeedMark, SeedMarks, ServerFacts, ServiceFacts, SessionFacts,
            file_query, files_of_host, server_query,
        };
    }
    pub mod role_unit {
        pub use crate::role_unit::RoleUnitFacts;
    }
    pub mod option_file {
        pub use crate::option_file::{Argument, Asked, Files, Known};
    }
    pub mod playbook {
        pub use crate::playbook::{Project, Request, load, role_names};
    }
    pub mod render {
        pub use crate::render::{
            PlanView, ReportDocument, document, dot, mermaid, plan, report, status, svg,
        };
    }
    pub mod schema {
        pub use crate::schema::{inventory, plan, playbook, resources, role, variables};
    }
}
