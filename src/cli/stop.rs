//! How a run that changes hosts is ended by its user.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::render::Terminal;

/// Ctrl-C: once to end after the running steps, twice to end at once.
pub struct Interrupt {
    /// Cancelled by the first one.
    pub gently: CancellationToken,
    /// Cancelled by the second one.
    pub at_once: CancellationToken,
}

impl Interrupt {
    /// Listens from now on.
    pub fn listen(terminal: Terminal) -> Self {
        let (gently, at_once) = (CancellationToken::new(), CancellationToken::new());
        let (first, second) = (gently.clone(), at_once.clone());
        tokio::spawn(async move {
            let (Ok(mut int), Ok(mut term)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            loop {
                tokio::select! {
                    Some(()) = int.recv() => {}
                    Some(()) = term.recv() => {}
                    else => return,
                }
                if first.is_cancelled() {
                    second.cancel();
                    return;
                }
                terminal.err("\nEnding after the running steps; once more ends at once.\n");
                first.cancel();
            }
        });
        Self { gently, at_once }
    }
}
