//! Executes a plan: locks, one module per family of steps, journal, and the proof that the new plan is empty.

mod error;
mod event;
mod executor;
mod far_end;
mod fence;
mod fleet;
mod guard;
pub mod journal;
mod lock;
mod steps;
mod undo;

pub use error::StepError;
pub use event::{Event, Events};
pub use executor::{Outcome, execute};
pub use fleet::Fleet;
pub use guard::still_replaceable;
pub use lock::{HostLocks, LockError, LockInfo, take_all};
pub(crate) use steps::{Lifted, Statements, lift_read_only, restart_for_proof, statements};
pub(crate) use undo::{Undo, prepare as prepare_undo, settle as settle_undo};
