//! Connections to hosts: ssh, sudo, scripts, byte streams, and SQL through them.
//!
//! Reading and writing are different types. A [`Session`] can read: it runs scripts that are part of
//! this program and marked as readers, and its SQL takes SELECT and SHOW only. What can change
//! something hangs on a [`Writer`], and making one takes a [`WritePermit`], which only `apply` has.

mod askpass;
mod batch;
mod bridge;
mod bulk;
mod error;
mod frame;
mod held_script;
mod lifeline;
mod line;
mod master;
mod own;
mod pace;
mod reader;
mod ready;
mod ready_sql;
#[cfg(any(test, debug_assertions))]
mod recording;
mod relay;
mod row;
mod running;
mod scratch;
mod script;
mod sections;
mod session;
mod socket;
mod sql;
mod sudo;
mod target;
mod words;
mod writer;

pub use askpass::{askpass_socket, serve_askpass_request};
pub use bulk::Bytes;
pub use error::{ConnectError, RunError, SqlError};
pub use held_script::HeldScript;
pub use lifeline::{ComingLifeline, Lifeline};
pub use pace::Pace;
pub use reader::SqlReader;
#[cfg(test)]
pub(crate) use recording::Recording;
pub use relay::{Moved, Patience, RelayError, Sink, Turn, attend, relay};
pub use row::{Row, first};
pub use running::{ScriptErr, ScriptOut};
pub use scratch::Scratch;
pub use script::{Output, ReadScript, command_words};
pub use sections::Sections;
pub use session::Session;
pub use sql::{Login, SqlWriter, sql_at_host};
pub use target::{Sudo, Target};
pub use words::{program_words, without_data};
pub use writer::{Replicates, Stream, WritePermit, Writer};
