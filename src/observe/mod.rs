//! Reads hosts: one script over ssh, then SQL. Writes nothing.

mod collect;
mod content;
mod facts;
mod frame;
mod host;
mod resources;
mod server;

pub use collect::{Options, Reading, look_closer, observe, target, try_ports};
pub use content::{Content, TableFacts, content};
pub use facts::{
    BinlogFacts, ChannelFacts, DatabaseFacts, DiskFacts, HostFacts, Observed, OsFacts, Reach, RetentionMark,
    SeedCoordinates, SeedMark, ServerFacts, ServiceFacts, SessionFacts,
};
pub use frame::Sections;
pub use resources::{Found, Query, Resources};
pub use server::{channels, client_sessions, databases_with_content, gtid_state, read_accounts};
