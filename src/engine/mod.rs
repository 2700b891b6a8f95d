//! What a command does, without a terminal: reads, and looks closer where a plan depends on it.

mod closer;
mod evidence;
mod reading;

pub use closer::look_closer;
pub use evidence::row_evidence;
pub use reading::observe;
