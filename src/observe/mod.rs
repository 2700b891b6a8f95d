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

pub use accounts::read_accounts;
pub use ask_values::{ValueLook, ask_values};
pub use binlog::{gtid_state, gtid_state_with_start};
pub use channels::{channels, client_ids, long_statements, sessions_of};
pub use collect::{observe, prove_ends, target};
pub use content::{Content, TableFacts};
pub use copied::{CopyLook, RowLook, copy_demands, copy_takes, look_at_copies};
pub use databases::databases_with_content;
pub use down::{DownFacts, Ended, Log};
pub use errant::{ErrantFacts, ErrantKind};
pub use events::{EventFacts, EventState, events, running_events};
pub use facts::{
    AdminWriter, BinlogFacts, ChannelFacts, ChannelFilters, DatabaseFacts, DiskFacts, HeartbeatFacts,
    HostFacts, LeftOutOrigins, Observed, OsFacts, Replicating, ServerFacts, ServiceFacts, SessionFacts,
    UnreadPart,
};
pub use far_end::far_end;
pub use find_errant::{find_errant, first_look, only_here};
pub use host::{SCRIPT as HOST_SCRIPT, files_of_host};
pub use marks::{
    NotTaken, RetentionMark, SeedCoordinates, SeedMark, SeedMarks, ValueMark, ValueMarks, ValuesAsked,
};
pub use ports::{Probe, try_ports};
pub use reach::{FarEnd, Reach};
pub use reading::{Options, Reading};
pub use resources::{Answers, server as server_query};
pub use restart::{RestartRecord, RestartState};
pub use schema::SchemaFacts;
pub use server_packages::{Manager, ServerPackages, offered_versions};
pub use startup::client_sessions;
pub use turn::look_before_a_turn;
