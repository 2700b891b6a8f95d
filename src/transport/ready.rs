//! Shells that wait for their scripts, so that a script needs one round trip and not two.

use std::sync::{Arc, Mutex, PoisonError};

use openssh::{Child, Stdio};

/// A shell on a host, with its three streams.
pub(super) type Shell = Child<Arc<openssh::Session>>;

/// While one is opened, the other serves.
const MOST: usize = 2;

/// Those of the first connection.
#[derive(Debug, Default)]
pub(super) struct Ready(Arc<Mutex<Vec<Shell>>>);

impl Ready {
    /// The one that has waited longest, if there is one: the others may not have begun yet.
    pub(super) fn take(&self) -> Option<Shell> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (!waiting.is_empty()).then(|| waiting.remove(0))
    }

    /// Opens one. Where the host takes no more sessions there is none, which costs nothing but the time.
    pub(super) fn open(&self, mux: Arc<openssh::Session>, command: String) {
        // The connection may end before it is there.
        let place = Arc::downgrade(&self.0);
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
