//! Reads hosts: one script over ssh, then SQL. Writes nothing.

mod accounts;
mod binlog;
mod channels;
mod collect;
mod content;
mod databases;
mod down;
mod errant;
mod facts;
mod far_end;
mod heartbeat;
mod host;
#[cfg(test)]
pub(crate) mod recorded;
mod resources;
mod restart;
mod schema;
mod server;
mod server_packages;
mod startup;
mod variables;

pub use accounts::read_accounts;
pub use binlog::{gtid_state, gtid_state_with_start};
pub use channels::channels;
pub use collect::{Options, Probe, Reading, observe, prove_ends, target, try_ports};
pub use content::{Content, TableFacts};
pub use databases::databases_with_content;
pub use down::{DownFacts, Ended, Log};
pub use errant::{ErrantFacts, ErrantKind, find_errant, only_here};
pub use facts::{
    BinlogFacts, ChannelFacts, ChannelFilters, DatabaseFacts, DiskFacts, HeartbeatFacts, HostFacts, Observed,
    OsFacts, Reach, RetentionMark, SeedCoordinates, SeedMark, SeedMarks, ServerFacts, ServiceFacts,
    SessionFacts,
};
pub use far_end::{FarEnd, far_end};
pub use resources::{Answers, server as server_query};
pub use restart::{RestartRecord, RestartState};
pub use schema::SchemaFacts;
pub use server_packages::{Manager, ServerPackage, ServerPackages, offered_versions};
pub use startup::client_sessions;
