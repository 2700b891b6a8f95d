//! Reads hosts: one script over ssh, then SQL. Writes nothing.

mod accounts;
mod ask_values;
mod binlog;
mod channels;
mod collect;
mod content;
mod copied;
mod databases;
mod down;
mod errant;
mod events;
mod facts;
mod far_end;
mod find_errant;
mod heartbeat;
mod host;
mod marks;
mod ports;
mod reach;
mod reading;
#[cfg(test)]
pub(crate) mod recorded;
mod resources;
mod restart;
mod schema;
mod server;
mod server_packages;
mod startup;
mod turn;
mod values;
mod variables;

pub(crate) use accounts::read_accounts;
pub(crate) use ask_values::{ValueLook, ask_values};
pub(crate) use binlog::{gtid_state, gtid_state_with_start};
pub(crate) use channels::{channels, client_ids, long_statements, sessions_of};
pub(crate) use collect::{observe, prove_ends, target};
pub(crate) use content::{Content, TableFacts};
pub(crate) use copied::{CopyLook, RowLook, copy_demands, copy_takes, look_at_copies};
pub(crate) use databases::databases_with_content;
pub(crate) use down::{DownFacts, Ended, Log};
pub use errant::{ErrantFacts, ErrantKind};
pub(crate) use events::{EventFacts, EventState, events, running_events};
pub use facts::{
    AdminWriter, BinlogFacts, ChannelFacts, DatabaseFacts, DiskFacts, HostFacts, Observed, ServerFacts,
    ServiceFacts, SessionFacts,
};
pub(crate) use facts::{
    CLOSING, ChannelFilters, DECIDING, HeartbeatFacts, LeftOutOrigins, OsFacts, Replicating, UnreadPart,
    accepts_writes,
};
pub(crate) use far_end::far_end;
pub(crate) use find_errant::{find_errant, first_look, only_here};
pub use host::{SCRIPT as HOST_SCRIPT, files_of_host};
pub(crate) use marks::{LockedAdmins, NotTaken, RetentionMark, ValueMark, ValueMarks, ValuesAsked};
pub use marks::{SeedCoordinates, SeedMark, SeedMarks};
pub(crate) use ports::{Probe, try_ports};
pub use reach::{FarEnd, Reach};
pub(crate) use reading::Options;
pub use reading::Reading;
pub(crate) use resources::Answers;
pub use resources::{server as server_query, there as file_query};
pub use restart::{RestartRecord, RestartState};
pub use schema::SchemaFacts;
pub(crate) use server_packages::{Manager, ServerPackages, offered_versions};
pub(crate) use startup::client_sessions;
pub(crate) use turn::look_before_a_turn;
