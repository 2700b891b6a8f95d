//! Packet filters of four kinds: what they let in now, what has to change, and how that is made undoable.
//!
//! The rules of ours are few and marked: an own table (`inet tandem`) or chain (`TANDEM`), and where another
//! chain on the way to the server may drop a peer's packet, itself or by a chain that it leads to, one accepting rule
//! per peer at its top. Nothing else is touched, so foreign rules keep their order and their counters. Reading rules is
//! no proof: that a peer gets in is tried from the peer.

mod backend;
mod chain;
mod change;
mod desired;
mod iptables;
mod network;
mod nft;
mod read;
mod rules;
mod script;
mod state;
mod ufw;

pub use backend::Backend;
pub use chain::Chain;
pub(crate) use change::{FirewallChange, changes};
pub(crate) use desired::DesiredRules;
pub(crate) use network::Network;
pub(crate) use read::read;
pub use state::FirewallState;
pub(crate) use state::Present;

/// Loads new rules under a dead man's switch.
pub const APPLY: &str =
    concat!(include_str!("../transport/safe.sh"), include_str!("listing.sh"), include_str!("apply.sh"));
/// Keeps the rules and makes them survive a reboot.
pub const CONFIRM: &str = include_str!("confirm.sh");
/// Takes the rules back at once.
pub(crate) const UNDO: &str = concat!(include_str!("listing.sh"), include_str!("undo.sh"));
