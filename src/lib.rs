//! tandem brings MySQL and MariaDB servers to the replication topology that a YAML file declares.
//!
//! The way of the data, from files to a changed fleet and back:
//!
//! ```text
//! inventory + playbook -> desired (pure)          ssh, SQL -> observed
//! diff(desired, observed) -> plan (pure)          plan -> apply -> observe again -> empty plan
//! ```
//!
//! A program that uses this library begins with [`engine`]; `examples/plan_and_apply.rs` does. The other public rooms
//! hold the values that an engine takes and gives, and what the tests look at.
//!
//! `desired`, `diff` and `plan` know no I/O, no clock and no randomness. Only [`render`] prints, only
//! `main` exits. Anything with an effect on a host is a step of a plan first.

pub(crate) mod adopt;
pub(crate) mod apply;
pub(crate) mod certificate;
pub mod cli;
pub mod desired;
pub mod dialect;
pub mod diff;
pub(crate) mod doctor;
pub mod engine;
pub(crate) mod exec;
pub mod firewall;
pub mod grant;
pub mod gtid;
pub mod inventory;
pub mod model;
pub mod observe;
pub mod option_file;
pub mod plan;
pub mod playbook;
pub mod render;
pub(crate) mod resource;
pub mod schema;
pub(crate) mod seed;
pub mod source;
pub mod status;
pub(crate) mod template;
pub mod transport;
pub mod vault;
pub(crate) mod verify;
pub(crate) mod words;
