//! Writes go from one host to another: lock, position, wait, position unchanged, close, open.
//!
//! Up to the close the old writer is only locked, by a session that ends with this program: then it goes on, and nothing
//! has happened. Between the close and the opening lie one message each; what fails there is taken back. Once the new
//! writer is open there is no way back.

mod old;
mod path;

use std::time::Instant;

use self::{old::OldWriter, path::LogPath};
use crate::{
    dialect::{Dialect, end_session},
    exec::{Fleet, Look, On, Rule, Statements, StepError, wait_until},
    model::limits,
    plan::{Events, Step, Switchover},
    transport::SqlError,
};

/// Events run where writes go; the scheduler is nothing that closes or opens a host.
const SCHEDULER: &str = "event_scheduler";

/// Lets the step's host take the writes of another one.
pub(super) async fn run(
    step: &Step,
    plan: &Switchover,
    fleet: &Fleet<'_>,
) -> Result<Option<String>, StepError> {
    let done = take_writes(step, plan, fleet).await?;
    settle_record(fleet.on(&plan.from), false).await;
    Ok(done)
}

/// Where the writes were not taken and the old writer goes on, it is the recorded one again. What is done here does not end
/// with the lock of the other host, as the step does.
pub(super) async fn not_done(plan: &Switchover, fleet: &Fleet<'_>) {
    if fleet.fences.lost().contains(&plan.from) {
        return;
    }
    let work = async {
        let old = fleet.on(&plan.from);
        let takes_writes = matches!(is_open(old).await, Ok(true));
        settle_record(old, takes_writes).await;
        Ok(())
    };
    let _ = fleet.fences.within(std::slice::from_ref(&plan.from), work).await;
}

async fn settle_record(old: On<'_>, takes_writes: bool) {
    if old.facts().is_ok_and(|facts| facts.os.root) {
        // What fails here is a difference that the next plan shows; what happened to the writes tells more.
        let _ = super::role_unit::settle(old, takes_writes).await;
    }
}

async fn take_writes(step: &Step, plan: &Switchover, fleet: &Fleet<'_>) -> Result<Option<String>, StepError> {
    let new = fleet.on(&step.host);
    let mut way = LogPath::open(step, plan, fleet).await?;
    let mut old = OldWriter::open(fleet.on(&plan.from), plan).await?;
    let mut opening = new.statements().await?;
    // The session's settings are made now, and not while writes wait.
    opening.first("SELECT CONNECTION_ID() AS id").await.map_err(|e| new.failed("log in to it", e))?;
    old.nothing_prepared().await?;
    way.come_near(&mut old.sql, plan.wait).await?;
    let events = super::events::disabled(old.on, &plan.events).await?;
    old.lock_accounts(plan).await?;
    let unsynced = fleet.journal.sync_later();
    let held_up = match old.lock(step, plan).await {
        Ok(longest) => longest,
        Err(error) => {
            old.let_accounts_in(plan).await;
            return Err(error);
        }
    };
    let locked = Instant::now();
    match switch(step, plan, (&mut way, &mut old, &mut opening), locked).await {
        Ok(()) => {}
        Err(Turn::TakenBack(error)) => {
            old.let_accounts_in(plan).await;
            return Err(error);
        }
        // Nobody may write past the close of the one while the other may be open.
        Err(Turn::Unknown(error)) => {
            let _ = old.keep_accounts_locked(plan).await;
            return Err(error);
        }
    }
    let waited = locked.elapsed().max(held_up);
    let kept = old.keep_accounts_locked(plan).await;
    // Clients of the old writer wait behind its lock until their sessions end.
    let (taken, fenced) = tokio::join!(take_over(new, plan, &mut opening, &events), old.fence(plan));
    drop(unsynced);
    taken.and(kept).and(fenced).map_err(|error| {
        let next = format!("{} takes the writes by now. Run `tandem apply` again for the rest.", step.host);
        error.then(next)
    })?;
    Ok(Some(format!("writes waited for {} ms", waited.as_millis())))
}

/// What happens while writes wait. Whatever fails leaves the old writer as it was.
async fn switch(
    step: &Step,
    plan: &Switchover,
    (way, old, opening): (&mut LogPath<'_>, &mut OldWriter<'_>, &mut Statements<'_>),
    locked: Instant,
) -> Result<(), Turn> {
    // A client may have prepared one meanwhile.
    if let Err(error) = old.nothing_prepared().await {
        old.unlock().await;
        return Err(Turn::TakenBack(error));
    }
    if let Err(error) = way.bring_the_last(&mut old.sql, locked, plan.limit).await {
        old.unlock().await;
        let next = format!("Nothing was changed: {} takes writes as before.", plan.from);
        return Err(Turn::TakenBack(error.then(next)));
    }
    if let Err(error) = old.close(plan).await {
        return Err(Turn::TakenBack(old.reopen(error).await));
    }
    match open(step, plan, opening, old).await {
        Err(Turn::TakenBack(error)) => Err(Turn::TakenBack(old.reopen(error).await)),
        result => result,
    }
}

/// Why writes did not go over.
enum Turn {
    /// The new writer is not open.
    TakenBack(StepError),
    /// Nobody knows whether it is.
    Unknown(StepError),
}

async fn open(
    step: &Step,
    plan: &Switchover,
    opening: &mut Statements<'_>,
    old: &mut OldWriter<'_>,
) -> Result<(), Turn> {
    let new = opening.on;
    let statements: Vec<String> =
        plan.open.iter().map(|(name, value)| super::variable::set(name, value)).collect();
    let error = match opening.run_all_within(statements.iter().map(String::as_str), plan.limit).await {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    let failed = |error: SqlError| new.failed(format!("open {} to writes", step.host), error);
    if error.code().is_some() {
        // What came before in the same message counts.
        return match is_open(new).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Turn::TakenBack(failed(error))),
            Err(_) => Err(Turn::Unknown(unknown(failed(error), plan))),
        };
    }
    // The answer is lost, and perhaps the statement is still on its way: nothing is decided before it can't come any more.
    let _ = old.ping().await;
    match tokio::time::timeout(limits::SWITCHOVER_DOUBT.time, close_for_good(new)).await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err(Turn::TakenBack(failed(error))),
        Ok(Err(_)) | Err(_) => Err(Turn::Unknown(unknown(failed(error), plan))),
    }
}

fn unknown(error: StepError, plan: &Switchover) -> StepError {
    error.then(format!(
        "Nobody knows whether it is open, so {} stays closed and no host may accept writes now. Run the same command \
         again as soon as the new writer answers.",
        plan.from
    ))
}

/// Whether a host takes writes.
async fn is_open(on: On<'_>) -> Result<bool, StepError> {
    let failed = |e| on.failed("see whether it takes writes", e);
    let mut sql = on.statements().await?;
    let row = sql.first("SELECT @@GLOBAL.read_only AS closed").await.map_err(failed)?;
    Ok(row.number::<u8>("closed").map_err(failed)? == 0)
}

/// Whether a host was opened. Where it was not, no statement that was sent before opens it any more: it is closed behind
/// them, and looked at once more.
async fn close_for_good(on: On<'_>) -> Result<bool, StepError> {
    if is_open(on).await? {
        return Ok(true);
    }
    let failed = |e| on.failed("keep it closed", e);
    let before = on.own_sessions().await?;
    // The one that ends them is none of them.
    on.session()?.forget_sql();
    let mut sql = on.statements().await?;
    for id in &before {
        // One that is gone is what is wished.
        let _ = sql.run(&end_session(*id)).await;
    }
    // What one of them was doing may open it as long as it is there.
    let rule = Rule { every: Some(limits::GLIMPSE), ..Rule::within(limits::SWITCHOVER_DOUBT.time) };
    let gone = wait_until(rule, async || {
        let now = on.own_sessions().await?;
        let there = before.iter().filter(|id| now.contains(id)).count();
        Ok::<_, StepError>(if there == 0 { Look::Done(()) } else { Look::Moving(there) })
    });
    if let Err(ended) = gone.await? {
        return Err(on.failed("keep it closed", format!("{} sessions do not end", ended.at())));
    }
    sql.run("SET GLOBAL read_only = ON").await.map_err(failed)?;
    is_open(on).await
}

/// Lets accounts in again that were locked when a host took no more writes, and takes the note of that away.
pub(super) async fn let_in(
    new: On<'_>,
    accounts: &[(String, String)],
    sql: &mut Statements<'_>,
) -> Result<(), StepError> {
    let mut first = Ok(());
    for (user, host) in accounts {
        let tried = format!("let {user}@{host} in again");
        let let_in = sql.run(&Dialect::lock_account(user, host, false)).await;
        first = first.and(let_in.map(drop).map_err(|e| new.failed(tried, e)));
    }
    first?;
    match accounts.is_empty() {
        true => Ok(()),
        false => old::note_locked(new, accounts.iter(), false).await,
    }
}

/// Lets in who was kept out of a former writer, and events run. And the new writer trusts none of its sources any more: what
/// a lost one has, and brings when it comes back, must not get here.
async fn take_over(
    new: On<'_>,
    plan: &Switchover,
    sql: &mut Statements<'_>,
    events: &Events,
) -> Result<(), StepError> {
    let dialect = new.dialect()?;
    let mut first = let_in(new, &plan.unlocks, sql).await;
    let run = super::events::run(new, events).await.map(drop);
    for end in &plan.ends {
        let tried = format!("end the channel from {}:{}", end.address, end.port);
        for statement in [dialect.stop_channel(&end.name), dialect.drop_channel(&end.name)] {
            let ended = sql.run(&statement).await;
            first = first.and(ended.map(drop).map_err(|e| new.failed(&tried, e)));
        }
    }
    first.and(run)
}
