//! The words of each server family and version. No other module asks for a version.
//!
//! This room holds MariaDB 10.3 to 12 in full. A MySQL server is recognised and named; where a plan
//! would need its words, it is refused.

mod quote;
mod words;

pub use quote::{identifier, literal};
pub use words::{ChannelStatement, Dialect};
