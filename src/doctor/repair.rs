//! The ways out of what stops a channel, as values. `words` says what each does, what it loses, and its command.

use super::{Explanation, Layer};
use crate::model::{HostName, coded};

coded! {
    /// One way to repair a channel.
    pub enum Repair {
        /// What its explanation says next.
        Next {
            /// The explanation.
            found: Box<Explanation>,
            /// What that loses.
            loses: NextLoses,
        } = "next-step",
        /// Copy the replica again.
        CopyAgain {
            /// The replica.
            replica: HostName,
        } = "copy-again",
        /// Put the row back that the event expects.
        PutBack {
            /// The replica.
            replica: HostName,
            /// The statements that do it and start the applier again, for one session.
            statements: Vec<String>,
        } = "put-row-back",
        /// Take the row off that stands in the event's way.
        TakeOff {
            /// The replica.
            replica: HostName,
            /// The statements that do it and start the applier again, for one session.
            statements: Vec<String>,
        } = "take-row-off",
    }
}

/// What the next step of a channel loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextLoses {
    /// Nothing, where the tables are the same afterwards.
    NothingIfEqual,
    /// What only the replica has: it is a copy.
    OwnData,
    /// Nothing: what was received comes again.
    NothingReceived,
}

impl Repair {
    /// The ways out where no single row is to blame, by the layer that fails. Other layers have one next step alone, which
    /// loses nothing.
    pub fn of_channel(found: &Explanation) -> Vec<Self> {
        let next = |loses| Repair::Next { found: Box::new(found.clone()), loses };
        match found.layer {
            Layer::Data => vec![
                next(NextLoses::NothingIfEqual),
                Repair::CopyAgain { replica: found.replica.as_str().into() },
            ],
            Layer::Binlog if found.cause.needs_copy() => vec![next(NextLoses::OwnData)],
            Layer::RelayLog => vec![next(NextLoses::NothingReceived)],
            _ => Vec::new(),
        }
    }
}
