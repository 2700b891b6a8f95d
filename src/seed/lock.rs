//! A global read lock of a source, under which tables without transactions are copied.
//!
//! Its session is a task of its own: it shows the server that this program lives, and gives the lock back at its
//! limit, whatever the copy does meanwhile. The server ends a session that is silent (`wait_timeout`), and the host
//! ends the connection of a run that is (see [`crate::apply`]).

use std::time::{Duration, Instant};

use tokio::{sync::oneshot, task::JoinHandle, time::timeout};

use crate::{
    exec::{On, StepError},
    model::{HostName, duration, limits},
    plan::SeedPlan,
    transport::{SqlError, SqlWriter},
};

/// How the lock ended.
#[derive(Debug)]
enum Ended {
    /// The snapshot was there.
    Released(Duration),
    /// It was held for as long as it may be.
    Limit,
    /// The server or the connection has ended it.
    Lost(SqlError),
}

/// A read lock, if one is needed.
#[derive(Debug)]
pub struct Lock {
    host: HostName,
    limit: Duration,
    release: Option<oneshot::Sender<()>>,
    holding: Option<JoinHandle<Ended>>,
    lasted: Option<Duration>,
}

impl Lock {
    /// Takes it where the plan names tables without transactions.
    pub async fn take(on: On<'_>, plan: &SeedPlan) -> Result<Self, StepError> {
        let from = on.host;
        let limit = on.fleet.limits.lock;
        let mut lock = Self { host: from.clone(), limit, release: None, holding: None, lasted: None };
        if plan.locked_tables.is_empty() {
            return Ok(lock);
        }
        let tried = "take a read lock for the tables without transactions";
        let mut sql = on.local_sql().await?;
        let begun = Instant::now();
        let (wait, idle) = (limits::LOCK_WAIT.time.as_secs(), limits::LOCK_IDLE.time.as_secs());
        let set = format!(
            "SET SESSION lock_wait_timeout = {wait}, SESSION wait_timeout = {idle}, SESSION net_read_timeout = {idle}, \
             SESSION net_write_timeout = {idle}"
        );
        let result = match sql.query(&set).await {
            Ok(_) => sql.query("FLUSH TABLES WITH READ LOCK").await,
            Err(error) => Err(error),
        };
        let said = result.as_ref().map_or_else(ToString::to_string, |_| "ok".to_owned());
        on.ran("FLUSH TABLES WITH READ LOCK", begun, &said);
        if let Err(error) = result {
            return Err(on.failed(tried, error).then(format!(
                "A query has run for more than {wait} seconds. Wait for it to end, or convert the tables to InnoDB."
            )));
        }
        let (release, released) = oneshot::channel();
        lock.release = Some(release);
        lock.holding = Some(tokio::spawn(hold(sql, begun, limit, released)));
        Ok(lock)
    }

    /// Whether it is not held any more, before it was released.
    pub fn is_over(&self) -> bool {
        self.holding.as_ref().is_some_and(JoinHandle::is_finished)
    }

    /// Lets writes go on, and tells how long they waited.
    ///
    /// # Errors
    /// When it ended before: then what was copied under it and the snapshot do not belong together.
    pub async fn release(&mut self) -> Result<Option<Duration>, StepError> {
        drop(self.release.take());
        let Some(holding) = self.holding.take() else { return Ok(self.lasted) };
        let tried = "copy the tables without transactions under a read lock";
        match holding.await {
            Ok(Ended::Released(lasted)) => {
                self.lasted = Some(lasted);
                Ok(self.lasted)
            }
            Ok(Ended::Limit) => {
                let why =
                    format!("it took longer than {}, and the lock was given back", duration(self.limit));
                Err(StepError::new(&self.host, tried, why).then(
                    "Convert the tables to InnoDB, or let writes wait longer with --lock-limit. Then apply again; \
                     the copy starts over.",
                ))
            }
            Ok(Ended::Lost(error)) => {
                Err(StepError::new(&self.host, tried, error).then("Apply again; the copy starts over."))
            }
            Err(error) => Err(StepError::new(&self.host, tried, error)),
        }
    }
}

/// Holds the lock until it is released or dropped, but not beyond its limit.
async fn hold(
    mut sql: SqlWriter,
    begun: Instant,
    limit: Duration,
    mut released: oneshot::Receiver<()>,
) -> Ended {
    let ended = loop {
        let left = limit.saturating_sub(begun.elapsed());
        match timeout(left.min(limits::LOCK_PING.time), &mut released).await {
            Ok(_) => break Ended::Released(Duration::ZERO),
            Err(_) if left <= limits::LOCK_PING.time => break Ended::Limit,
            Err(_) => {
                if let Err(error) = sql.query_within("DO 0", limits::LOCK_IDLE.time).await {
                    return Ended::Lost(error);
                }
            }
        }
    };
    match sql.query_within("UNLOCK TABLES", limits::LOCK_IDLE.time).await {
        // Without an answer nobody knows since when it was not held.
        Err(error) => Ended::Lost(error),
        Ok(_) => match ended {
            Ended::Released(_) => Ended::Released(begun.elapsed()),
            other => other,
        },
    }
}
