//! Executes a plan: guards, one module per family of steps, and the order in which they run.

mod executor;
mod far_end;
mod guard;
mod steps;
mod writers;

pub use executor::Outcome;
pub(crate) use executor::execute;
