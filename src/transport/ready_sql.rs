//! Connections to a server that wait for who will need one, so that nobody waits for a login: through ssh it takes two round
//! trips.
//!
//! Only a run that changes a host opens them. None is old: a session knows the global settings of the moment in which it
//! was opened, and idle ones are ended by some administrators' tools.

use std::sync::{Mutex, MutexGuard, PoisonError};

use mysql_async::Conn;
use tokio::time::{Instant, timeout};

use super::{Login, own::OwnId};
use crate::model::limits;

/// How many wait on a host, beside those that were asked for.
const KEPT: usize = 2;

/// One that nobody has used.
#[derive(Debug)]
pub(super) struct Fresh {
    pub connection: Conn,
    pub id: OwnId,
}

#[derive(Debug)]
struct Waiting {
    fresh: Fresh,
    login: Login,
    since: Instant,
}

/// Those of one host.
#[derive(Debug, Default)]
pub(super) struct ReadySql(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    waiting: Vec<Waiting>,
    /// How many are being opened.
    coming: usize,
    /// Whether one is opened for each that is taken.
    kept: bool,
    /// How often all were ended: one that comes from before that is not put to the others.
    ended: usize,
}

/// The place of one that is being opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place(usize);

impl ReadySql {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on one is opened for each that is taken.
    pub(super) fn keep(&self) {
        self.inner().kept = true;
    }

    /// The places of those that are to be opened now, so that at least `number` wait.
    pub(super) fn missing(&self, number: usize) -> Vec<Place> {
        let mut inner = self.inner();
        let wanted = number.max(if inner.kept { KEPT } else { 0 });
        let missing = wanted.saturating_sub(inner.waiting.len() + inner.coming);
        inner.coming += missing;
        vec![Place(inner.ended); missing]
    }

    /// The youngest of them that serves this login.
    pub(super) fn take(&self, login: &Login) -> Option<Fresh> {
        let mut inner = self.inner();
        let old = inner.waiting.extract_if(.., |one| one.since.elapsed() >= limits::SQL_READY.time);
        old.for_each(|one| end(one.fresh));
        let place = inner.waiting.iter().rposition(|one| one.login.serves(login))?;
        Some(inner.waiting.remove(place).fresh)
    }

    /// Lets the one wait that has come to its place, if one has come.
    pub(super) fn put(&self, Place(place): Place, fresh: Option<Fresh>, login: Login) {
        let mut inner = self.inner();
        inner.coming = inner.coming.saturating_sub(1);
        match fresh {
            Some(fresh) if inner.ended == place => {
                inner.waiting.push(Waiting { fresh, login, since: Instant::now() });
            }
            Some(fresh) => end(fresh),
            None => {}
        }
    }

    /// Ends all of them, and none is opened for those that are taken until [`ReadySql::keep`].
    pub(super) fn forget(&self) {
        let mut inner = self.inner();
        inner.kept = false;
        inner.ended += 1;
        std::mem::take(&mut inner.waiting).into_iter().for_each(|one| end(one.fresh));
    }
}

impl Drop for ReadySql {
    fn drop(&mut self) {
        self.forget();
    }
}

/// Says goodbye, while nobody waits for it.
fn end(fresh: Fresh) {
    // Without a runtime the process is at its end, and the connection with it.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(async move {
        let Fresh { connection, id } = fresh;
        let _ = timeout(limits::SQL_END.time, connection.disconnect()).await;
        drop(id);
    });
}
