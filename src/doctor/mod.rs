//! Why replication does not run: the failing layer, the cause, and the next step, in words. Pure.

mod channel;
mod server;

pub use channel::{Explanation, Layer, Surroundings, explain_channel};
pub use server::explain_down;
