//! How far a copy is, and whether it moves.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Rows that were written.
    pub rows: u64,
    /// Bytes of statements that were sent.
    pub bytes: u64,
    /// How much is done, in bytes of the source's statistics.
    pub done: u64,
    /// Of how much: both are the same at the end.
    pub of: u64,
    /// Tables of which all rows were written.
    pub tables: u64,
    /// All of them.
    pub of_tables: u64,
    /// Tables whose indexes are still to be made; none before all rows are there.
    pub indexes: u64,
    /// Since the first row.
    pub took: Duration,
    /// Statements of others that the source works on, where it waits for them.
    pub held: Option<u64>,
}

/// What the workers of a copy have done so far.
#[derive(Debug)]
pub(super) struct Counted {
    begun: Instant,
    rows: AtomicU64,
    bytes: AtomicU64,
    /// Rows that were there already.
    kept: AtomicU64,
    /// Statements of others that the source works on, where these are too many; otherwise none.
    held: AtomicU64,
    /// Parts of the copy that are done.
    done: AtomicU64,
    /// When something has moved last, in milliseconds since the beginning.
    moved: AtomicU64,
    /// Statements that the target works on.
    writing: AtomicUsize,
    /// Statements of ours that the source works on.
    reading: AtomicUsize,
}

impl Counted {
    /// Nothing was done.
    pub(super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            rows: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            kept: AtomicU64::new(0),
            held: AtomicU64::new(0),
            done: AtomicU64::new(0),
            moved: AtomicU64::new(0),
            writing: AtomicUsize::new(0),
            reading: AtomicUsize::new(0),
        }
    }

    /// The source has given something.
    pub(super) fn moved(&self) {
        self.moved.store(self.begun.elapsed().as_millis().try_into().unwrap_or(u64::MAX), Relaxed);
    }

    /// The source works on a statement of ours until the work is done.
    pub(super) async fn while_reading<T>(&self, work: impl Future<Output = T>) -> T {
        self.reading.fetch_add(1, Relaxed);
        let done = work.await;
        self.reading.fetch_sub(1, Relaxed);
        done
    }

    /// Statements of ours that the source works on.
    pub(super) fn reading(&self) -> u64 {
        self.reading.load(Relaxed) as u64
    }

    /// The target begins to work on a statement.
    pub(super) fn begin_write(&self) {
        self.writing.fetch_add(1, Relaxed);
    }

    /// It has done so.
    pub(super) fn end_write(&self, rows: u64, bytes: u64) {
        self.writing.fetch_sub(1, Relaxed);
        self.rows.fetch_add(rows, Relaxed);
        self.bytes.fetch_add(bytes, Relaxed);
        self.moved();
    }

    /// Rows were there already.
    pub(super) fn kept(&self, rows: u64) {
        self.kept.fetch_add(rows, Relaxed);
    }

    /// So much more of the copy is done, in bytes of the statistics.
    pub(super) fn done(&self, bytes: u64) {
        self.done.fetch_add(bytes, Relaxed);
    }

    /// How much is done, in bytes of the statistics.
    pub(super) fn all_done(&self) -> u64 {
        self.done.load(Relaxed)
    }

    /// How many rows were there already.
    pub(super) fn all_kept(&self) -> u64 {
        self.kept.load(Relaxed)
    }

    /// The source has so much to do that the copy waits, or no longer.
    pub(super) fn hold(&self, running: Option<u64>) {
        self.held.store(running.unwrap_or(0), Relaxed);
    }

    /// Statements that the copy waits for.
    pub(super) fn held(&self) -> Option<u64> {
        Some(self.held.load(Relaxed)).filter(|running| *running > 0)
    }

    /// Rows and bytes so far.
    pub(super) fn sums(&self) -> (u64, u64) {
        (self.rows.load(Relaxed), self.bytes.load(Relaxed))
    }

    /// Since the beginning.
    pub(super) fn took(&self) -> Duration {
        self.begun.elapsed()
    }

    /// For how long nothing has moved.
    pub(super) fn still(&self) -> Duration {
        self.begun.elapsed().saturating_sub(Duration::from_millis(self.moved.load(Relaxed)))
    }

    /// Whether the target works on a statement, so that it has to move next.
    pub(super) fn target_works(&self) -> bool {
        self.writing.load(Relaxed) > 0
    }
}
