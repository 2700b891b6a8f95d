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

pub(crate) use askpass::{askpass_socket, serve_askpass_request};
pub(crate) use bulk::Bytes;
pub(crate) use error::{ConnectError, RunError, SqlError};
pub(crate) use held_script::HeldScript;
pub(crate) use lifeline::{ComingLifeline, Lifeline};
pub(crate) use pace::Pace;
pub(crate) use reader::SqlReader;
#[cfg(test)]
pub(crate) use recording::Recording;
pub(crate) use relay::{Moved, Patience, RelayError, Sink, Turn, attend, relay};
pub(crate) use row::{Row, first};
pub(crate) use running::{ScriptErr, ScriptOut};
pub(crate) use scratch::Scratch;
pub(crate) use script::{Output, ReadScript, command_words};
pub(crate) use sections::Sections;
pub(crate) use session::Session;
pub(crate) use sql::{Login, SqlWriter, sql_at_host};
pub(crate) use target::{Sudo, Target};
pub(crate) use words::{program_words, without_data};
pub(crate) use writer::{Replicates, Stream, WritePermit, Writer};
