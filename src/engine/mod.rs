//! What a command does, without a terminal: reads, and looks closer where a plan depends on it.

mod closer;
mod error;
mod evidence;
mod reading;

pub use closer::look_closer;
pub use error::{CommandError, ErrorKind};
pub use evidence::row_evidence;
pub use reading::observe;
