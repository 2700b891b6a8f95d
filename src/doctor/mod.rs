//! Why replication does not run: the failing layer, the cause, and the ways out. Pure.

mod account_statement;
mod applier;
mod binlog;
mod cause;
mod channel;
mod code;
mod connection;
mod down;
mod errant;
mod explanation;
mod last_words;
mod layer;
mod problem;
mod receiver;
#[cfg(test)]
mod recorded;
mod repair;
mod rows;
mod server;

pub use account_statement::AccountStatement;
pub use cause::{ApplierCause, BinlogCause, Cause, ChannelCause, ConnectionCause, DataCause, LoginCause};
pub use channel::explain_channel;
pub use code::failed_transaction;
#[cfg(test)]
pub use down::{End, FullDisk, OtherOwner};
pub use down::{EndCause, FailedStart, LogCause, Said, WhyDown};
pub use errant::{
    CopyLoses, Copying, ErrantContext, ErrantExplanation, ErrantRepair, Forget, explain_errant,
};
pub use explanation::{ChannelContext, Explanation, More, Tried};
pub use last_words::{blamed, last_words};
pub use layer::Layer;
pub use problem::{ChannelFault, ChannelProblem, HostProblem, WritersProblem};
pub use repair::{NextLoses, Repair};
pub use rows::{Change, FailedEvent, RowEvent, RowEvidence, RowThere, Value, row_events};
pub use server::{FULL, blamed_in_files, explain_down, explain_failed_start};
