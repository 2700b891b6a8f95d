//! What a run reports while it goes on. `render` turns it into lines, bars or JSON.

use std::time::Duration;

use serde::Serialize;
use tokio::sync::mpsc;

use crate::{
    model::{HostName, masked},
    plan::{Step, StepId},
};

/// One thing that happened.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A step began.
    Started {
        /// Step.
        id: StepId,
        /// Where.
        host: HostName,
        /// The step itself; who shows the event has the words for it.
        #[serde(skip)]
        step: Box<Step>,
    },
    /// A long step moved on.
    Progress {
        /// Step.
        id: StepId,
        /// Where.
        host: HostName,
        /// Bytes so far, for a copy.
        bytes: u64,
        /// Estimated bytes in all; 0 where nobody knows.
        total: u64,
        /// What it does now.
        doing: String,
    },
    /// A step came to its end.
    Done {
        /// Step.
        id: StepId,
        /// Where.
        host: HostName,
        /// How long it took.
        #[serde(rename = "seconds", serialize_with = "seconds")]
        took: Duration,
        /// What is worth knowing of it, such as the longest lock held.
        note: Option<String>,
    },
    /// A step failed.
    Failed {
        /// Step.
        id: StepId,
        /// Where.
        host: HostName,
        /// How long it took.
        #[serde(rename = "seconds", serialize_with = "seconds")]
        took: Duration,
        /// Why.
        error: String,
    },
    /// A step was not begun.
    Skipped {
        /// Step.
        id: StepId,
        /// Where.
        host: HostName,
        /// Why.
        because: String,
    },
}

impl Event {
    /// The same without a secret in its words.
    fn masked(mut self) -> Self {
        let words = match &mut self {
            Event::Started { .. } => None,
            Event::Progress { doing: words, .. }
            | Event::Failed { error: words, .. }
            | Event::Skipped { because: words, .. } => Some(words),
            Event::Done { note, .. } => note.as_mut(),
        };
        if let Some(words) = words {
            *words = masked(std::mem::take(words));
        }
        self
    }
}

fn seconds<S: serde::Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64((time.as_secs_f64() * 1000.0).round() / 1000.0)
}

/// Where events go. Nobody has to listen.
#[derive(Debug, Clone)]
pub(crate) struct Events(mpsc::UnboundedSender<Event>);

impl Events {
    /// A sender and its receiver.
    pub(crate) fn channel() -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// Reports something.
    pub(crate) fn send(&self, event: Event) {
        // A listener that has gone away is no reason to stop a run.
        let _ = self.0.send(event.masked());
    }
}
