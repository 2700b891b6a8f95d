//! Sessions of ours on a server, so that nobody takes them for a client's.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use crate::model::limits;

/// For so long a server may still list a session that has said goodbye.
const LEAVING: Duration = limits::SESSION_LISTED.time;

/// Numbers of sessions, and when those that are over have ended.
type Numbers = Mutex<BTreeMap<u32, Option<Instant>>>;

/// The sessions of ours on one server.
#[derive(Debug, Default)]
pub(super) struct OwnSessions(Arc<Numbers>);

impl OwnSessions {
    /// Notes a session of ours.
    pub(super) fn note(&self, number: u32) -> OwnId {
        let mut own = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Their numbers only rise: the server was started anew.
        if own.last_key_value().is_some_and(|(last, _)| *last > number) {
            own.retain(|_, over| over.is_none());
        }
        own.insert(number, None);
        OwnId { number, sessions: Arc::downgrade(&self.0) }
    }

    /// Whether a session of the server is one of ours, by the lower 32 bits of its number.
    pub(super) fn holds(&self, id: u64) -> bool {
        let own = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = u32::try_from(id & u64::from(u32::MAX)).unwrap_or_default();
        own.get(&number).is_some_and(|over| over.is_none_or(|at| at.elapsed() < LEAVING))
    }
}

/// How many sessions are being opened.
#[derive(Debug, Default)]
pub(super) struct Connecting(watch::Sender<usize>);

impl Connecting {
    /// One more, until what is given is dropped.
    pub(super) fn one_more(&self) -> OneMore<'_> {
        self.0.send_modify(|number| *number += 1);
        OneMore(self)
    }

    /// Waits until there is none.
    pub(super) async fn all_known(&self) {
        let mut number = self.0.subscribe();
        let none = number.wait_for(|number| *number == 0);
        let _ = tokio::time::timeout(limits::SQL_LOGIN.time, none).await;
    }
}

/// A session that is being opened.
#[derive(Debug)]
pub(super) struct OneMore<'a>(&'a Connecting);

impl Drop for OneMore<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|number| *number -= 1);
    }
}

/// The number of a session of ours, for as long as the session is there.
#[derive(Debug)]
pub(super) struct OwnId {
    number: u32,
    sessions: Weak<Numbers>,
}

impl OwnId {
    /// That of a session that no list of sessions is looked at for.
    pub(super) fn of_nobody() -> Self {
        Self { number: 0, sessions: Weak::new() }
    }

    /// The number; the lower 32 bits of it.
    pub(super) fn number(&self) -> u32 {
        self.number
    }
}

impl Drop for OwnId {
    fn drop(&mut self) {
        if let Some(sessions) = self.sessions.upgrade() {
            let mut own = sessions.lock().unwrap_or_else(PoisonError::into_inner);
            own.insert(self.number, Some(Instant::now()));
        }
    }
}
