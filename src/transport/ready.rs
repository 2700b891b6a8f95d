//! Shells that wait for their scripts, so that a script needs one round trip and not two.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use openssh::{Child, Stdio};

/// A shell on a host, with its three streams.
pub(super) type Shell = Child<Arc<openssh::Session>>;

/// While one is opened, the other serves.
const MOST: usize = 2;

/// Those of the first connection.
#[derive(Debug, Default)]
pub(super) struct Ready {
    waiting: Arc<Mutex<Vec<Shell>>>,
    /// Whether one is opened for each that is taken.
    kept: AtomicBool,
}

impl Ready {
    /// From now on one is opened for each that is taken.
    pub(super) fn keep(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }

    /// Whether one is opened for each that is taken.
    pub(super) fn is_kept(&self) -> bool {
        self.kept.load(Ordering::Relaxed)
    }

    /// The one that has waited longest, if there is one: the others may not have begun yet.
    pub(super) fn take(&self) -> Option<Shell> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        (!waiting.is_empty()).then(|| waiting.remove(0))
    }

    /// Opens one. Where the host takes no more sessions there is none, which costs nothing but the time.
    pub(super) fn open(&self, mux: Arc<openssh::Session>, command: String) {
        // The connection may end before it is there.
        let place = Arc::downgrade(&self.waiting);
        tokio::spawn(async move {
            let mut remote = mux.arc_raw_command(command);
            remote.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let Ok(shell) = remote.spawn().await else { return };
            let Some(place) = place.upgrade() else { return };
            let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
            if place.len() < MOST {
                place.push(shell);
            }
        });
    }
}
