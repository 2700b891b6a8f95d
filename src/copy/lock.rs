//! A lock of the source under which tables without transactions are read.
//!
//! Its session is a task of its own: it shows the server that this program lives, and gives the lock back at its
//! limit, whatever the copy does meanwhile. The server ends a session that is silent (`wait_timeout`), and the host
//! ends the connection of a run that is (see `apply`).

use std::time::{Duration, Instant};

use tokio::{sync::oneshot, task::JoinHandle, time::timeout};

use super::{CopyError, CopyFault};
use crate::{
    dialect::CopyEnd,
    model::limits,
    transport::{SqlError, SqlWriter},
};

/// How the lock ended.
#[derive(Debug)]
enum Ended {
    /// It was not needed any more.
    Released(Duration),
    /// It was held for as long as it may be.
    Limit,
    /// The server or the connection has ended it.
    Lost(SqlError),
}

/// A lock that is held.
#[derive(Debug)]
pub(super) struct Held {
    release: oneshot::Sender<()>,
    holding: JoinHandle<Ended>,
    limit: Duration,
}

/// Settings of the session that holds a lock: it waits for it as long as new writes may wait, and the server ends it when
/// it is silent.
pub(super) fn settings() -> String {
    let (wait, idle) = (limits::LOCK_WAIT.time.as_secs(), limits::LOCK_IDLE.time.as_secs());
    format!(
        "SET SESSION lock_wait_timeout = {wait}, SESSION wait_timeout = {idle}, SESSION net_read_timeout = {idle}, \
         SESSION net_write_timeout = {idle}"
    )
}

impl Held {
    /// Goes on holding a lock that was taken.
    pub(super) fn keep(sql: SqlWriter, unlock: &'static str, begun: Instant, limit: Duration) -> Self {
        let (release, released) = oneshot::channel();
        Self { release, holding: tokio::spawn(hold((sql, unlock), begun, limit, released)), limit }
    }

    /// Whether it is not held any more, before it was released.
    pub(super) fn is_over(&self) -> bool {
        self.holding.is_finished()
    }

    /// Lets writes go on, and tells how long they waited.
    ///
    /// # Errors
    /// When it ended before: then what was read under it and the snapshot do not belong together.
    pub(super) async fn release(self) -> Result<Duration, CopyError> {
        drop(self.release);
        let tried = "copy the tables without transactions under a read lock";
        let why = match self.holding.await {
            Ok(Ended::Released(lasted)) => return Ok(lasted),
            Ok(Ended::Limit) => CopyFault::LockLimit(self.limit),
            Ok(Ended::Lost(error)) => CopyFault::LockLost(error),
            Err(error) => CopyFault::Ended(error.to_string()),
        };
        Err(CopyError::new(CopyEnd::Source, tried, why))
    }
}

/// Holds the lock until it is released or dropped, but not beyond its limit.
async fn hold(
    (mut sql, unlock): (SqlWriter, &'static str),
    begun: Instant,
    limit: Duration,
    mut released: oneshot::Receiver<()>,
) -> Ended {
    let in_time = loop {
        let left = limit.saturating_sub(begun.elapsed());
        match timeout(left.min(limits::LOCK_PING.time), &mut released).await {
            Ok(_) => break true,
            Err(_) if left <= limits::LOCK_PING.time => break false,
            Err(_) => {
                if let Err(error) = sql.query_within("DO 0", limits::LOCK_IDLE.time).await {
                    return Ended::Lost(error);
                }
            }
        }
    };
    match sql.query_within(unlock, limits::LOCK_IDLE.time).await {
        // Without an answer nobody knows since when it was not held.
        Err(error) => Ended::Lost(error),
        Ok(_) => {
            if in_time {
                Ended::Released(begun.elapsed())
            } else {
                Ended::Limit
            }
        }
    }
}
