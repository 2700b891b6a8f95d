//! What is wrong with a channel, as a value: the layer that fails, the cause and the next step.

use super::{Cause, Layer, WhyDown};
use crate::observe::Reach;

/// What is wrong with a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The replica's name.
    pub replica: String,
    /// The source's name; its address, where it is none of the inventory.
    pub source: String,
    /// The layer that fails.
    pub layer: Layer,
    /// What it is.
    pub cause: Cause,
    /// Why the receiver does not try any more, where it had tried to connect.
    pub tried: Option<Tried>,
    /// Where the servers keep more about it.
    pub more: Option<More>,
    /// The server's own words, with their number.
    pub said: String,
    /// What is wrong with the applier, where it has stopped beside the receiver on an error of its own.
    pub applier: Option<Box<Explanation>>,
}

/// Why a receiver does not try to connect any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// It was stopped meanwhile.
    Stopped,
    /// It gave up.
    GaveUp {
        /// After so many attempts.
        attempts: u64,
    },
}

/// The workers' own errors, in a table of the replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct More {
    /// The transaction that one of them could not execute.
    pub transaction: Option<String>,
}

impl Explanation {
    /// A cause by itself, with the server's own words.
    pub(super) fn new(cause: impl Into<Cause>, channel_context: &ChannelContext<'_>, said: &str) -> Self {
        let cause = cause.into();
        Self {
            replica: channel_context.replica.to_owned(),
            source: channel_context.source.to_owned(),
            layer: cause.layer(),
            cause,
            tried: None,
            more: None,
            said: said.to_owned(),
            applier: None,
        }
    }

    /// Whether the channel goes on by itself once the cause is gone.
    pub fn heals(&self) -> bool {
        self.cause.heals() && self.applier.as_ref().is_none_or(|applier| applier.heals())
    }

    /// Whether another start shows what is left of it: see [`Cause::shows_at_start`].
    pub fn shows_at_start(&self) -> bool {
        let own = self.cause.heals() || self.cause.shows_at_start();
        own && self.applier.as_ref().is_none_or(|applier| applier.shows_at_start())
    }
}

/// What surrounds a channel, for telling layers apart. All of it may be unknown.
#[derive(Debug, Clone, Default)]
pub(crate) struct ChannelContext<'a> {
    /// The replica's name.
    pub replica: &'a str,
    /// The source's name.
    pub source: &'a str,
    /// Whether the source's server runs, where its host could be read.
    pub source_runs: Option<bool>,
    /// Whether the source's port answers from the replica.
    pub reach: Option<&'a Reach>,
    /// The replica's `relay_log_basename`, where it is known.
    pub relay_log: Option<&'a str>,
    /// Why the source is down.
    pub source_down_because: Option<WhyDown>,
}

/// A server's message on one line. MariaDB repeats the login and the retries in it; both stay.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
