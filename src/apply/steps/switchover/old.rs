//! The host that takes no more writes: its lock, its close, and the fence behind it.

use std::time::{Duration, Instant};

use crate::{
    dialect::{Dialect, ReadStatement, end_session, session_was_gone},
    exec::{On, Record, Statements, StepError, Undo, lift_read_only, prepare_undo, settle_undo},
    model::{limits, visible},
    observe::{LockedAdmins, long_statements},
    plan::{Step, Switchover},
    seed::rest_all,
    transport::SqlReader,
};

/// What the host takes back by itself.
const ACCOUNTS: &str = "locked-accounts";

const LOCKED: Record<LockedAdmins> =
    Record::new(LockedAdmins::PATH, "look for accounts that were locked when the writes went elsewhere");

/// Notes on a host which accounts a run has locked there, or lets in again. Nobody but root can keep a note.
pub(in crate::apply::steps) async fn note_locked(
    on: On<'_>,
    accounts: impl Iterator<Item = &(String, String)>,
    locked: bool,
) -> Result<(), StepError> {
    if !on.facts()?.os.root {
        return Ok(());
    }
    let mut noted = LOCKED.read_sensible(on).await?.unwrap_or_default();
    let before = noted.clone();
    for account in accounts {
        match locked {
            true => drop(noted.0.insert(account.clone())),
            false => drop(noted.0.remove(account)),
        }
    }
    match (noted == before, noted.0.is_empty()) {
        (true, _) => Ok(()),
        (false, true) => LOCKED.forget(on, "forget which accounts were locked").await,
        (false, false) => LOCKED.write(on, "note which accounts are locked", &noted).await,
    }
}

/// The old writer.
pub(super) struct OldWriter<'a> {
    pub(super) on: On<'a>,
    /// The session that holds the lock.
    pub(super) sql: Statements<'a>,
    /// Looks for the sessions of clients: they wait until theirs is ended, so no login may come between.
    reader: SqlReader,
}

impl<'a> OldWriter<'a> {
    /// Opens the session that will hold the lock. The server ends it, and with it the lock, should it fall silent.
    pub(super) async fn open(on: On<'a>, plan: &Switchover) -> Result<Self, StepError> {
        let mut sql = on.statements().await?;
        let settings =
            on.dialect()?.locking_session(plan.wait.max(plan.limit) + limits::SWITCHOVER_SILENCE.time);
        sql.run(&settings).await.map_err(|e| on.failed("prepare a lock", e))?;
        let reader = on.reader().await?;
        Ok(Self { on, sql, reader })
    }

    /// Lets nobody log in any more with an account that `read_only` does not stop. The host takes that back by itself should
    /// the run end before the other host is open.
    pub(super) async fn lock_accounts(&mut self, plan: &Switchover) -> Result<(), StepError> {
        if plan.locks.is_empty() {
            return Ok(());
        }
        let mut back = vec!["SET SESSION sql_log_bin = 0".to_owned()];
        back.extend(self.accounts(plan, false));
        prepare_undo(self.on, Undo { name: ACCOUNTS, sql: &back, record: Some(LockedAdmins::PATH) }).await?;
        note_locked(self.on, plan.locks.iter(), true).await?;
        for statement in self.accounts(plan, true) {
            if let Err(error) = self.sql.run(&statement).await {
                let error = self.on.failed("lock accounts that may write past read_only", error);
                self.let_accounts_in(plan).await;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Lets them in again.
    pub(super) async fn let_accounts_in(&mut self, plan: &Switchover) {
        if plan.locks.is_empty() {
            return;
        }
        let statements = self.accounts(plan, false);
        let mut done = self.sql.run_all(statements.iter().map(String::as_str)).await.is_ok();
        if !done && let Ok(mut other) = self.on.statements().await {
            done = other.run_all(statements.iter().map(String::as_str)).await.is_ok();
        }
        // What is not done here the host does.
        if done {
            let _ = note_locked(self.on, plan.locks.iter(), false).await;
            let _ = settle_undo(self.on, ACCOUNTS).await;
        }
    }

    /// They stay locked.
    pub(super) async fn keep_accounts_locked(&self, plan: &Switchover) -> Result<(), StepError> {
        match plan.locks.is_empty() {
            true => Ok(()),
            false => settle_undo(self.on, ACCOUNTS).await,
        }
    }

    fn accounts(&self, plan: &Switchover, locked: bool) -> Vec<String> {
        plan.locks.iter().map(|(user, host)| Dialect::lock_account(user, host, locked)).collect()
    }

    /// Lets writes wait, those of administrators too. A long one is waited for, in short attempts between which others go
    /// on; none is ended. What comes back is how long they waited for the longest attempt that came to nothing.
    pub(super) async fn lock(&mut self, step: &Step, plan: &Switchover) -> Result<Duration, StepError> {
        let (on, begun) = (self.on, Instant::now());
        let dialect = on.dialect()?;
        let mut statements = dialect.lock_writes();
        // From then on its silence counts in seconds.
        statements.push(dialect.locking_session(plan.limit + limits::SWITCHOVER_SILENCE.time));
        let mut longest = Duration::ZERO;
        loop {
            let attempt = Instant::now();
            let error = match self.sql.run_all(statements.iter().map(String::as_str)).await {
                Ok(_) => return Ok(longest),
                Err(error) => error,
            };
            longest = longest.max(attempt.elapsed());
            if !dialect.gave_up_waiting(error.code()) {
                return Err(on.failed("let writes wait", error));
            }
            if begun.elapsed() > plan.wait || on.fleet.interrupt.is_cancelled() {
                return Err(self.in_the_way(plan.wait).await);
            }
            let doing = format!("waits for a long write on {}", on.host);
            on.fleet.progress(step, (0, 0), doing);
            // MySQL's lock stays with a session that gave up waiting for the tables behind it (9.7): everybody
            // would wait for as long as the long read lasts. The others go on for at least as long as they were held up.
            self.unlock().await;
            tokio::time::sleep(limits::LOCK_AGAIN.max(attempt.elapsed())).await;
        }
    }

    /// Which statements kept the lock away.
    async fn in_the_way(&mut self, wait: Duration) -> StepError {
        let on = self.on;
        let found = match on.reader().await {
            Ok(reader) => long_statements(&reader, &on.fleet.own_users()).await.unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        let told: Vec<String> = found
            .iter()
            .take(5)
            .map(|s| format!("{} of {}@{} for {} s", s.id, visible(&s.user), visible(&s.host), s.seconds))
            .collect();
        let who = match told.is_empty() {
            true => String::new(),
            false => format!(": session {}", told.join(", ")),
        };
        let why = format!("long writes did not end within {} s{who}", wait.as_secs());
        StepError::stale(on.host, "let writes wait", why).then(format!(
            "Nothing was changed: {} takes writes as before. Wait until they end, or end them, and run the same command again.",
            on.host
        ))
    }

    /// Fails where a transaction is prepared by XA: its end could not be written here any more, and is known nowhere else.
    pub(super) async fn nothing_prepared(&mut self) -> Result<(), StepError> {
        let on = self.on;
        let tried = "look for transactions that are prepared by XA";
        let rows = self.sql.run(ReadStatement::prepared_transactions().text()).await;
        let found = rows.map_err(|e| on.failed(tried, e))?;
        if found.is_empty() {
            return Ok(());
        }
        let why = format!("{} prepared by XA and not ended: XA RECOVER lists them", found.len());
        Err(StepError::stale(on.host, "let writes wait", why).then(format!(
            "Nothing was changed: {} takes writes as before. Commit them or roll them back, and run the same command again.",
            on.host
        )))
    }

    /// A sign of life.
    pub(super) async fn ping(&mut self) -> Result<(), StepError> {
        self.sql.run("DO 0").await.map(drop).map_err(|e| self.on.failed("hold the lock", e))
    }

    /// Lets writes go on. The end of the session does the same.
    pub(super) async fn unlock(&mut self) {
        let _ = self.sql.run_within("UNLOCK TABLES", limits::SWITCHOVER.time).await;
    }

    /// Takes no more writes, in the session that holds the lock: where that is gone, nothing is closed.
    pub(super) async fn close(&mut self, plan: &Switchover) -> Result<(), StepError> {
        let closing = plan.close.iter().filter(|(name, _)| name != super::SCHEDULER);
        let statements: Vec<String> =
            closing.map(|(name, value)| super::super::variable::set(name, value)).collect();
        let closed = self.sql.run_all_within(statements.iter().map(String::as_str), plan.limit).await;
        closed.map(drop).map_err(|e| self.on.failed("close it to writes", e))
    }

    /// Takes writes again, since the other host does not.
    pub(super) async fn reopen(&mut self, error: StepError) -> StepError {
        let on = self.on;
        let host = on.host;
        const OPEN: &str = "SET GLOBAL read_only = OFF";
        let mut opened = self.sql.run_within(OPEN, limits::SWITCHOVER.time).await;
        if opened.is_err()
            && let Ok(mut other) = on.statements().await
        {
            opened = other.run_within(OPEN, limits::SWITCHOVER.time).await;
        }
        self.unlock().await;
        match opened {
            Ok(_) => error.then(format!("It was taken back: {host} takes writes again.")),
            Err(why) => error.then(format!(
                "{host} could not be opened again: {why}. No host accepts writes now: run `SET GLOBAL read_only = OFF` \
                 on {host}, or run the same command again as soon as it answers."
            )),
        }
    }

    /// Stops the scheduler and ends the sessions of its clients, so that they come back elsewhere; then the lock. What the
    /// scheduler has begun is held by the lock, and ends with the sessions: it might write past `read_only`.
    pub(super) async fn fence(&mut self, plan: &Switchover) -> Result<(), StepError> {
        let on = self.on;
        // A switch before this one may have turned it on.
        let row = self.sql.first("SELECT @@GLOBAL.event_scheduler AS state").await;
        let runs =
            row.and_then(|row| row.text("state")).map_err(|e| on.failed("look at its scheduler", e))? == "ON";
        let stopped = match runs {
            true => self.set_scheduler("OFF").await,
            false => Ok(()),
        };
        let ended = self.end_clients().await;
        self.unlock().await;
        stopped.and(ended)?;
        let closes = plan.close.iter().any(|(name, _)| name == super::SCHEDULER);
        match runs && !closes {
            true => self.scheduler_goes_on().await,
            false => Ok(()),
        }
    }

    async fn set_scheduler(&mut self, value: &str) -> Result<(), StepError> {
        let statement = super::super::variable::set(super::SCHEDULER, value);
        let set = self.sql.run_within(&statement, limits::SWITCHOVER.time).await;
        set.map(drop).map_err(|e| self.on.failed(format!("set {} to {value}", super::SCHEDULER), e))
    }

    /// Where it is declared to run here all the same, what ran here rests first: it runs on the new writer.
    async fn scheduler_goes_on(&mut self) -> Result<(), StepError> {
        let lifted = lift_read_only(self.on).await?;
        let rested = rest_all(&mut self.on.statements().await?).await;
        lifted.restore().await.and(rested)?;
        self.set_scheduler("ON").await
    }

    async fn end_clients(&mut self) -> Result<(), StepError> {
        let on = self.on;
        let failed = |e| on.failed("end the sessions of its clients", e);
        let mut ids =
            crate::observe::client_ids(&self.reader, &on.fleet.own_users()).await.map_err(failed)?;
        ids.extend(crate::observe::running_events(&self.reader).await.map_err(failed)?);
        for id in ids {
            match self.sql.run(&end_session(id)).await {
                Err(error) if session_was_gone(error.code()) => {}
                result => drop(result.map_err(failed)?),
            }
        }
        Ok(())
    }
}
