//! Proof by use: a row along every channel, numbers that never meet, ports open and shut, tables that are the
//! same. It writes into a database of its own and leaves nothing behind.
//!
//! What decides is pure: [`graph`] says which way a row goes, [`filter`] what is left out, [`ids`] whether two
//! writers can meet, [`digest`] how rows are compared, [`compare`] and [`pairs`] what a look at them means, [`doubt`]
//! why something is not proven. The rest asks the servers. Words stand in [`said`] alone.

mod canary;
mod compare;
mod data;
mod definitions;
mod details;
mod digest;
mod doubt;
mod filter;
mod graph;
mod ids;
mod pairs;
mod ports;
mod position;
mod prove;
mod report;
mod restart;
mod said;
mod sample;
mod scope;
mod scratch;
mod settle;
mod side;
mod stride;
mod table;
mod together;

pub use canary::{Canaries, InFlight};
pub use data::{Findings, compare as compare_tables};
pub use definitions::{Defined, DefinitionDifference, Definitions, read as read_definitions};
#[cfg(test)]
pub use doubt::codes;
pub use doubt::{
    About, Collision, Counting, Doubt, Failure, HostRemark, Remark, RestartProblem, TableProblem, Unproven,
};
pub use filter::Filters;
pub use graph::{ChannelGraph, Edge, Route};
pub use ports::Outsider;
pub use prove::prove;
pub use report::{
    ChannelProof, ColumnDifference, DataProof, IdsProof, PortProof, RestartProof, RowDifference, RowKind,
    TableDifference, Verdict, VerifyReport,
};
pub use sample::sample;
pub use scope::Scope;
pub use side::{Comparison, Side};
pub use table::{Table, Tables};
