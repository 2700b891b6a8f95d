//! What steps run with: connections, permits, locks, journal, events, the host's own switches. Below every room that
//! changes a host.

mod error;
mod event;
mod fence;
mod fleet;
pub mod journal;
mod lock;
mod reconnect;
mod record;
pub(crate) mod restart;
mod salt;
pub(crate) mod service;
mod statements;
mod undo;
pub(crate) mod values;
mod wait;

pub use error::StepError;
pub use event::Event;
pub(crate) use event::Events;
pub(crate) use fleet::{Fleet, On, SCRIPT};
pub use lock::LockError;
pub(crate) use lock::take_all;
pub(crate) use record::Record;
pub(crate) use salt::new_salt;
pub(crate) use service::restart_for_proof;
pub(crate) use statements::{Statements, WritesPermitted, lift_read_only};
pub(crate) use undo::{Undo, prepare as prepare_undo, settle as settle_undo};
pub(crate) use wait::{Ended, Look, Rule, wait, wait_until};
