//! Proof by use: a row along every channel, numbers that never meet, ports open and shut, tables that are the
//! same. It writes into a database of its own and leaves nothing behind.
//!
//! What decides is pure: [`graph`] says which way a row goes, [`filter`] what is left out, [`ids`] whether two
//! writers can meet, [`digest`] how rows are compared, [`compare`] and [`pairs`] what a look at them means. The rest asks
//! the servers. What is found is values of the room `proof`, and `words` has their sentences.

mod canary;
mod compare;
mod data;
mod definitions;
mod details;
mod digest;
mod filter;
mod graph;
mod ids;
mod pairs;
mod ports;
mod position;
mod prove;
mod report;
mod restart;
mod sample;
mod scope;
mod scratch;
mod settle;
mod side;
mod stride;
mod table;
mod together;
mod written;

pub(crate) use canary::{Canaries, InFlight};
pub(crate) use data::{Findings, compare as compare_tables};
pub(crate) use definitions::{Definitions, read as read_definitions};
pub(crate) use filter::Filters;
pub(crate) use graph::{ChannelGraph, Edge, Route};
pub(crate) use ports::Outsider;
pub(crate) use prove::prove;
pub use report::{
    ChannelProof, ColumnDifference, DataProof, IdsProof, PortProof, RestartProof, RowDifference, RowKind,
    TableDifference, Verdict, VerifyReport,
};
pub(crate) use sample::sample;
pub use scope::Scope;
pub(crate) use side::{Comparison, Side};
pub(crate) use table::{Table, Tables};
