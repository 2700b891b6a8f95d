//! Connections to a server that wait for who will need one, so that nobody waits for a login: through ssh it takes two round
//! trips.
//!
//! Only a run that changes a host opens them. None is old: a session knows the global settings of the moment in which it
//! was opened, and idle ones are ended by some administrators' tools.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use mysql_async::Conn;
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

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
pub(super) struct ReadySql {
    inner: Mutex<Inner>,
    /// Told with each that has come, or will not.
    news: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: Vec<Waiting>,
    /// How many are being opened.
    coming: usize,
    /// How many of those somebody waits for.
    claimed: usize,
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
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on one is opened for each that is taken.
    pub(super) fn keep(&self) {
        self.inner().kept = true;
    }

    /// The places of those that are to be opened now, so that at least `number` wait.
    pub(super) fn missing(&self, number: usize) -> Vec<Place> {
        let mut inner = self.inner();
        let wanted = number.max(if inner.kept { KEPT } else { 0 });
        let unspoken = inner.coming.saturating_sub(inner.claimed);
        let missing = wanted.saturating_sub(inner.waiting.len() + unspoken);
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

    /// The claim to one that is being opened and that nobody else waits for, if there is one: it is there before one that
    /// is begun now.
    pub(super) fn claim(&self) -> Option<Claim<'_>> {
        let mut inner = self.inner();
        if inner.claimed >= inner.coming {
            return None;
        }
        inner.claimed += 1;
        Some(Claim(self))
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
        drop(inner);
        self.news.notify_waiters();
    }

    /// Ends all of them, and none is opened for those that are taken until [`ReadySql::keep`].
    pub(super) fn forget(&self) {
        let mut inner = self.inner();
        inner.kept = false;
        inner.ended += 1;
        std::mem::take(&mut inner.waiting).into_iter().for_each(|one| end(one.fresh));
    }
}

/// Who waits for one that is being opened.
pub(super) struct Claim<'r>(&'r ReadySql);

impl Claim<'_> {
    /// Waits for it. Nothing where it does not come.
    pub(super) async fn wait(self, login: &Login, limit: Duration) -> Option<Fresh> {
        let coming = async {
            loop {
                let news = self.0.news.notified();
                if let Some(fresh) = self.0.take(login) {
                    return Some(fresh);
                }
                {
                    let inner = self.0.inner();
                    if inner.coming < inner.claimed {
                        return None;
                    }
                }
                news.await;
            }
        };
        timeout(limit, coming).await.ok().flatten()
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.0.inner().claimed -= 1;
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
