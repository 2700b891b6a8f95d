//! How a run that changes hosts is ended by its user.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    engine::{CommandError, ErrorKind},
    render::Terminal,
};

/// Ctrl-C: while hosts are read and at the prompt it ends at once. While steps run, once to end after the running
/// ones, twice to end at once.
pub(super) struct Interrupt {
    /// Cancelled by the first one.
    pub gently: CancellationToken,
    /// Cancelled by the second one, or by the first one where nothing has been changed yet.
    pub at_once: CancellationToken,
    changes: Arc<AtomicBool>,
}

impl Interrupt {
    /// Listens from now on.
    pub(super) fn listen(terminal: Terminal) -> Self {
        let interrupt = Self {
            gently: CancellationToken::new(),
            at_once: CancellationToken::new(),
            changes: Arc::default(),
        };
        let (first, second) = (interrupt.gently.clone(), interrupt.at_once.clone());
        let changes = interrupt.changes.clone();
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
                if first.is_cancelled() || !changes.load(Ordering::SeqCst) {
                    second.cancel();
                    return;
                }
                terminal.err("\nEnding after the running steps; once more ends at once.\n");
                first.cancel();
            }
        });
        interrupt
    }

    /// From now on hosts are changed.
    pub(super) fn changes_begin(&self) {
        self.changes.store(true, Ordering::SeqCst);
    }

    /// How a run was ended at once: with what goes on from there, if anything was being changed.
    pub(super) fn ended(&self, goes_on: &str) -> CommandError {
        match self.changes.load(Ordering::SeqCst) {
            true => CommandError::new(ErrorKind::Interrupted, goes_on),
            false => {
                CommandError::several(ErrorKind::Interrupted, []).next("Interrupted. Nothing was changed.")
            }
        }
    }
}
