//! Why replication does not run: the failing layer, the cause, and the ways out. Pure.

mod account_statement;
mod applier;
mod binlog;
mod cause;
mod channel;
mod code;
mod connection;
mod decoded;
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
mod writers;

pub(crate) use account_statement::AccountStatement;
pub(crate) use cause::{
    ApplierCause, BinlogCause, Cause, ChannelCause, ConnectionCause, DataCause, LoginCause,
};
pub(crate) use channel::explain_channel;
pub(crate) use code::failed_transaction;
pub(crate) use decoded::{
    Change, Column, ColumnKind, Generated, RowEvent, Value, first_transaction, row_events,
};
#[cfg(test)]
pub(crate) use down::{End, FullDisk, OtherOwner};
pub(crate) use down::{EndCause, FailedStart, LogCause, Said, WhyDown};
pub(crate) use errant::{
    CopyLoses, Copying, ErrantContext, ErrantExplanation, ErrantRepair, Forget, explain_errant,
};
pub(crate) use explanation::{ChannelContext, Explanation, More, Tried};
pub(crate) use last_words::{blamed, last_words, refused_by_program};
pub(crate) use layer::Layer;
pub(crate) use problem::{ChannelFault, ChannelProblem, HostProblem, WritersProblem};
pub(crate) use repair::{NextLoses, Repair};
pub(crate) use rows::{ByHand, FailedEvent, RowEvidence, RowThere};
pub(crate) use server::{FULL, blamed_in_files, explain_down, explain_failed_start};
pub(crate) use writers::{OpenHost, WritesGo, writes_go};
