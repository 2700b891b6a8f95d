//! The words of a copy: what its sessions set, and how rows are read and written so that each value arrives as it is.

mod code;
mod inventory;
mod rows;
mod session;
mod snapshot;

pub use code::{CodeKind, CreatedUnder, create_text, with_collation};
pub use rows::{CopiedTable, History, Slice};
pub use session::CopyEnd;
