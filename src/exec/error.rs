//! What a failed step says.

use std::fmt;

use crate::{
    model::{HostName, masked},
    transport::RunError,
};

/// The exit status of a script of ours that could not write at a place; its standard error names the place and the reason.
const UNWRITABLE: i32 = 9;

/// Why a step was not done: where, what was tried, why it failed, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct StepError {
    /// The host on which it failed.
    pub host: HostName,
    /// What was tried, to be read after "could not".
    pub tried: String,
    /// Why it failed, in the words of who said so. Masked when the error is made.
    pub why: String,
    /// What to do next, if that is known.
    pub next: Option<String>,
    /// Whether it was not even tried, since what the plan rests on has changed meanwhile.
    pub stale: bool,
}

impl StepError {
    /// An error without a next step.
    pub fn new(host: &HostName, tried: impl Into<String>, why: impl fmt::Display) -> Self {
        Self {
            host: host.clone(),
            tried: masked(tried),
            why: masked(why.to_string()),
            next: None,
            stale: false,
        }
    }

    /// What a plan rests on has changed since it was made.
    pub fn stale(host: &HostName, tried: impl Into<String>, why: impl fmt::Display) -> Self {
        Self { stale: true, ..Self::new(host, tried, why) }
    }

    /// A script did not do its work. One of those that name a place that can't be written ends with `UNWRITABLE`, and has
    /// changed nothing.
    pub fn unwritten(host: &HostName, tried: impl Into<String>, error: RunError) -> Self {
        match error {
            RunError::Failed { status: UNWRITABLE, stderr, .. } => Self::new(host, tried, stderr.trim())
                .then("Nothing was changed. Make room there, or make it writable, then run `tandem apply` again."),
            other => Self::new(host, tried, other),
        }
    }

    /// The same with what to do next.
    #[must_use]
    pub fn then(mut self, next: impl Into<String>) -> Self {
        self.next = Some(masked(next));
        self
    }
}

/// What an error says where its host is named already.
#[derive(Debug, Clone, Copy)]
pub struct WithoutHost<'a>(&'a StepError);

impl StepError {
    /// The same without its host.
    pub fn without_host(&self) -> WithoutHost<'_> {
        WithoutHost(self)
    }
}

impl fmt::Display for WithoutHost<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WithoutHost(error) = self;
        write!(f, "could not {}: {}", error.tried, error.why.trim_end_matches('.'))?;
        match &error.next {
            Some(next) => write!(f, ". {next}"),
            None => f.write_str("."),
        }
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.host, self.without_host())
    }
}
