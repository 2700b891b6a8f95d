//! Copies a source's data to an empty replica as one snapshot with its coordinates.
//!
//! Rows one by one (see [`crate::copy`]), or the files of the whole server, or what MySQL's clone plugin fetches. The bytes of
//! the first two flow through two ssh connections from the source into the replica, compressed where it is files, and never touch
//! a disk of the controller. A mark on the replica (see [`crate::observe::SeedMark`]) proves until the channel runs
//! that everything there is our copy.

mod account;
mod accounts;
mod aside;
mod by_hand;
mod check;
mod clone;
mod copy;
mod direct;
mod events;
mod keep;
mod mark;
mod physical;
mod quiet;
mod replaceable;
mod retention;
mod streams;
mod trust;
mod unfit;

use std::time::Duration;

use crate::{
    dialect::{HEARTBEAT, identifier},
    exec::{Fleet, On, Statements, StepError},
    model::{BinlogPosition, HostName, limits},
    observe::{SeedCoordinates, SeedMark, SeedMarks},
    plan::{CopyMethod, EndedChannel, SeedPlan, Step},
};

use direct::CopyPath;

pub(crate) use accounts::{Compared as ComparedAccounts, differences as account_differences};
pub(crate) use events::{StoredEvent, rest_all};
pub(crate) use mark::{differs, forget, read as read_marks};
pub(crate) use replaceable::still_replaceable;
pub(crate) use retention::restore as restore_retention;

/// How often a copy that runs is looked at.
const TICK: Duration = limits::TICK;
/// Connections to each of the two servers that are opened ahead: a copy asks them side by side.
const SESSIONS_AHEAD: usize = 9;

/// Opens connections ahead at both ends, before the step begins.
pub(crate) fn open_ahead(on: On<'_>, plan: &SeedPlan) {
    // A copy of a whole server restarts it.
    if plan.method.is_whole() {
        return;
    }
    for host in [on.host, &plan.donor] {
        on.at(host).open_ahead(SESSIONS_AHEAD);
    }
}

/// Runs the whole copy. The source keeps its binary logs meanwhile.
pub(crate) async fn run(
    step: &Step,
    plan: &SeedPlan,
    fleet: &Fleet<'_>,
) -> Result<Option<String>, StepError> {
    let hold = async {
        let mut held = Vec::new();
        for host in std::collections::BTreeSet::from([&plan.from, &plan.donor]) {
            match retention::hold(fleet.on(host)).await {
                Ok(()) => held.push(host),
                Err(error) => return (held, Err(error)),
            }
        }
        (held, Ok(()))
    };
    let ((held, holds), looked) = tokio::join!(hold, look(fleet.on(&step.host), plan));
    let result = match holds.and(looked) {
        Ok(looked) => match &plan.method {
            CopyMethod::ByHand { at } => by_hand::run(step, (plan, at), looked.marks, fleet).await,
            _ => copy_all(step, plan, looked, fleet).await,
        },
        Err(error) => Err(error),
    };
    let mut released = Ok(());
    for host in held {
        released = released.and(retention::release(fleet.on(host)).await);
    }
    let note = result?;
    released?;
    Ok(note)
}

/// What a copy rests on, looked at before the first change.
struct Looked<'f> {
    /// What copying by rows has to know; nothing where all of a server is copied.
    fitness: Option<crate::copy::Fitness>,
    /// The records of earlier copies.
    marks: SeedMarks,
    /// The way of the bytes.
    way: CopyPath<'f>,
}

async fn look<'f>(on: On<'f>, plan: &'f SeedPlan) -> Result<Looked<'f>, StepError> {
    let fit = async {
        if let CopyMethod::ByHand { .. } = plan.method {
            return Ok(None);
        }
        match plan.method.is_whole() {
            true => accounts::same_administrator(on, &plan.donor).await.map(|()| None),
            false => copy::fit(on, plan).await.map(Some),
        }
    };
    let (fitness, marks) = tokio::join!(fit, mark::read(on));
    let (fitness, marks) = (fitness?, marks?);
    // Nothing is brought anywhere for a copy that can't be made.
    Ok(Looked { fitness, marks, way: direct::stand(on, plan).await? })
}

async fn copy_all(
    step: &Step,
    plan: &SeedPlan,
    Looked { fitness, marks, mut way }: Looked<'_>,
    fleet: &Fleet<'_>,
) -> Result<Option<String>, StepError> {
    let copied = copy_by(step, plan, (fitness, marks), &mut way, fleet).await;
    way.end(fleet, copied.is_ok()).await;
    copied
}

async fn copy_by(
    step: &Step,
    plan: &SeedPlan,
    (fitness, mut marks): (Option<crate::copy::Fitness>, SeedMarks),
    way: &mut CopyPath<'_>,
    fleet: &Fleet<'_>,
) -> Result<Option<String>, StepError> {
    let host = &step.host;
    let on = fleet.on(host);
    // The old data is safe before the mark says that nothing here is worth keeping.
    let kept = keep_old((on, step), plan).await?;
    let own = match plan.method.is_whole() {
        true => Some(accounts::keep_own(on, plan).await?),
        false => None,
    };
    let mut databases = plan.databases.clone();
    databases.extend(plan.replaces.iter().filter(|d| !plan.databases.contains(d)).cloned());
    let mut record = SeedMark { from: plan.from.to_string(), databases, loaded: None, differs: Vec::new() };
    marks.put(record.clone());
    // A copy of a whole server leaves the old data alone until it takes its place: only then it is noted, or what
    // comes in meanwhile would count as part of a copy that was cut off.
    if !plan.method.is_whole() {
        mark::write(on, &marks).await?;
    }
    // A copy of a whole server that is cut off before has left the channels as they were, lest the old data counts as what
    // is to be gone on with.
    if !plan.method.is_whole() {
        end_channels(plan, fleet).await?;
        drop_leftovers(step, plan, fleet).await?;
    }

    let (copied, reopened) = match &plan.method {
        CopyMethod::Logical => {
            // What is copied may be defined by accounts; what they may do can be said once it is there.
            // Beside other sources an account that is there counts as theirs, so none is made before it gets all.
            let early = match plan.accounts && !plan.has_other_sources() {
                true => accounts::create(on, plan).await?,
                false => Vec::new(),
            };
            (copy::run(step, (plan, &fitness.unwrap_or_default(), &early), way, fleet).await?, None)
        }
        CopyMethod::Clone(how) => {
            let (copied, lifted) = clone::run(step, (plan, how), &marks, fleet).await?;
            // Its own are gone with all that its server had.
            end_channels_of(plan, |end| end.host != *host, fleet).await?;
            (copied, Some(lifted))
        }
        // Nothing is copied then.
        CopyMethod::ByHand { .. } => return Err(on.failed("copy its data", "it was loaded by hand")),
        CopyMethod::Physical { unit } => {
            (copy_files(step, (plan, unit), (&mut record, &mut marks), way, fleet).await?, None)
        }
    };
    // A place in a replica's binary log means nothing to the source.
    let at = (plan.donor == plan.from).then(|| copied.at.clone());
    // What has begun to write comes to its end, whatever the looks beside it find.
    let (accounts, whole, there) = tokio::join!(
        accounts_and_events(on, plan, own),
        check::contents(on, plan),
        check::still_there(fleet.on(&plan.from), at.as_ref())
    );
    let accounts = accounts?;
    whole.and(there)?;
    record.loaded = Some(SeedCoordinates { at, gtid: copied.gtid.clone(), own: None });
    marks.put(record);
    let history = async {
        match plan.beside {
            true => Ok(()),
            false => begin_history(step, &mut marks, fleet, &mut on.statements().await?).await,
        }
    };
    // All of it is there: the old data directory is not needed any more.
    let (settled, begun) = tokio::join!(aside::settle(on), history);
    let kept = settled?.map(|path| (path, "rm -r")).or(kept);
    begun?;
    mark::write(on, &marks).await?;
    if let Some(lifted) = reopened {
        lifted.restore().await?;
    }
    Ok(Some(format!("{}{}", told(host, plan, copied, accounts, kept), way.told())))
}

/// Copies the files of the whole server, and starts it with them.
async fn copy_files(
    step: &Step,
    (plan, unit): (&SeedPlan, &str),
    (record, marks): (&mut SeedMark, &mut SeedMarks),
    way: &mut CopyPath<'_>,
    fleet: &Fleet<'_>,
) -> Result<copy::Copied, StepError> {
    let on = fleet.on(&step.host);
    let copied = physical::copy(step, plan, way, fleet).await?;
    // From here on a database that came into being meanwhile is part of the copy, too.
    for name in there_now(fleet.on(&plan.donor)).await? {
        if !record.databases.contains(&name) {
            record.databases.push(name);
        }
    }
    still_replaceable(on, plan).await?;
    marks.put(record.clone());
    mark::write(on, marks).await?;
    end_channels(plan, fleet).await?;
    aside::swap(on, (unit, physical::datadir(on)?)).await?;
    Ok(copied)
}

/// Gives the replica its accounts, and lets its events rest. What comes back is how many accounts there are.
async fn accounts_and_events(
    on: On<'_>,
    plan: &SeedPlan,
    own: Option<Vec<account::Account>>,
) -> Result<usize, StepError> {
    let accounts = async {
        match own {
            Some(own) => accounts::put_back(on, plan, own).await,
            None if plan.accounts => accounts::copy(on, plan).await,
            None => Ok(0),
        }
    };
    // What has begun to write comes to its end, whatever becomes of the connection.
    let (accounts, sql) = tokio::join!(accounts, on.statements());
    let (accounts, mut sql) = (accounts?, sql?);
    // Events would run on both servers. Replication would have brought them disabled, so the copy does.
    events::rest(&mut sql, Some(&plan.databases), on.fleet).await?;
    Ok(accounts)
}

/// What a copy was, for who reads the run.
fn told(
    host: &HostName,
    plan: &SeedPlan,
    copied: copy::Copied,
    accounts: usize,
    kept: Option<(String, &'static str)>,
) -> String {
    let lock = match copied.lock {
        None => "longest lock: none".to_owned(),
        Some(time) => format!("longest lock: {} on {}", crate::model::duration(time), plan.donor),
    };
    let gtid = if copied.gtid.is_empty() { "the first event".to_owned() } else { copied.gtid };
    let kept = kept.map(|(path, rm)| {
        format!("; the old data is kept in {path} on {host}, to be removed with: {rm} {path}")
    });
    let there = match copied.kept {
        0 => String::new(),
        1 => ", 1 row was there already".to_owned(),
        rows => format!(", {rows} rows were there already"),
    };
    let accounts = if accounts == 1 { "1 account".to_owned() } else { format!("{accounts} accounts") };
    format!(
        "{} sent{there}, {accounts}, snapshot at {gtid} ({}), {lock}{}",
        crate::model::bytes(copied.sent),
        copied.at,
        kept.unwrap_or_default()
    )
}

/// Keeps the replica's own data, which the copy replaces: in a file, or by moving its data directory aside later.
/// What comes back is the file and the command that removes it.
async fn keep_old(
    (on, step): (On<'_>, &Step),
    plan: &SeedPlan,
) -> Result<Option<(String, &'static str)>, StepError> {
    if let CopyMethod::Physical { .. } = plan.method {
        return physical::prepare(on, plan).await.map(|()| None);
    }
    // Where nothing is here there is nothing to keep.
    if on.dialect()?.is_copied_by_files() && plan.replaces.is_empty() && plan.leftovers.is_empty() {
        return Ok(None);
    }
    // A run that was to move the data aside and did not come to it has left it where it is.
    let meant = match on.dialect()?.is_copied_by_files() {
        true => aside::left(on, physical::datadir(on)?).await?,
        false => {
            // Nor has a clone that was cut off switched on again what it had switched off.
            quiet::end(on).await?;
            aside::Left::Nothing
        }
    };
    let databases = match meant {
        aside::Left::Meant { keep: true, done: false } if plan.replaces.is_empty() => &plan.leftovers,
        _ => &plan.replaces,
    };
    if databases.is_empty() {
        return Ok(None);
    }
    let path = keep::keep((on, step), plan, databases).await?;
    Ok(Some((path, "rm")))
}

/// Does something at every tick until the work is done, such as to tell how far it is.
async fn meanwhile<T>(work: impl Future<Output = T>, mut tick: impl AsyncFnMut()) -> T {
    tokio::pin!(work);
    let mut clock = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            result = &mut work => return result,
            _ = clock.tick() => tick().await,
        }
    }
}

/// Databases that hold something now.
async fn there_now(on: On<'_>) -> Result<Vec<String>, StepError> {
    let sql = on.reader().await?;
    let names = crate::observe::databases_with_content(&sql, on.dialect()?).await;
    names.map_err(|e| on.failed("look at its databases", e))
}

/// Ends the channels that can't outlive the copy. From here on its record says where to begin.
async fn end_channels(plan: &SeedPlan, fleet: &Fleet<'_>) -> Result<(), StepError> {
    end_channels_of(plan, |_| true, fleet).await
}

async fn end_channels_of(
    plan: &SeedPlan,
    which: impl Fn(&EndedChannel) -> bool,
    fleet: &Fleet<'_>,
) -> Result<(), StepError> {
    for end in plan.ends.iter().filter(|end| which(end)) {
        let dialect = fleet.on(&end.host).dialect()?;
        let failed = |e| StepError::new(&end.host, format!("end the channel from {}", end.source), e);
        let mut sql = fleet.on(&end.host).statements().await?;
        sql.run(&dialect.stop_channel(&end.name)).await.map_err(failed)?;
        sql.run(&dialect.drop_channel(&end.name)).await.map_err(failed)?;
    }
    Ok(())
}

/// Drops what an unfinished copy of ours left on the replica, and what the copy replaces, where that does not go on with it.
async fn drop_leftovers(step: &Step, plan: &SeedPlan, fleet: &Fleet<'_>) -> Result<(), StepError> {
    // What the heartbeat wrote there is no content, and comes with the copy.
    let heartbeat = plan.databases.iter().filter(|name| *name == HEARTBEAT);
    let goes_on: Vec<&String> = plan.goes_on_with().collect();
    let gone = plan.leftovers.iter().chain(&plan.replaces).filter(|name| !goes_on.contains(name));
    let gone: Vec<&String> = gone.chain(heartbeat).collect();
    if gone.is_empty() {
        return Ok(());
    }
    let failed = |e| StepError::new(&step.host, "drop what the copy replaces", e);
    let mut sql = fleet.on(&step.host).statements().await?;
    sql.run("SET SESSION foreign_key_checks=0").await.map_err(failed)?;
    for name in gone {
        sql.run(&format!("DROP DATABASE IF EXISTS {}", identifier(name))).await.map_err(failed)?;
    }
    Ok(())
}

/// The history of a replica begins at the copies that it holds.
async fn begin_history(
    step: &Step,
    marks: &mut SeedMarks,
    fleet: &Fleet<'_>,
    sql: &mut Statements<'_>,
) -> Result<(), StepError> {
    let form = fleet.on(&step.host).dialect()?.gtid_form();
    let mut gtid = String::new();
    for at in marks.0.iter().filter_map(|mark| mark.loaded.as_ref()) {
        gtid = crate::gtid::merged(form, &at.gtid, &gtid)
            .map_err(|e| StepError::new(&step.host, "put the copies' positions together", e))?;
    }
    let own = start_binlogs_anew(step, &gtid, fleet, sql).await?;
    for at in marks.0.iter_mut().filter_map(|mark| mark.loaded.as_mut()) {
        at.own = own.clone();
    }
    Ok(())
}

/// The replica's binary log begins at the snapshot: whoever replicates from it later finds the
/// snapshot's position in the first Gtid_list event, and nothing of the time before.
async fn start_binlogs_anew(
    step: &Step,
    gtid: &str,
    fleet: &Fleet<'_>,
    sql: &mut Statements<'_>,
) -> Result<Option<BinlogPosition>, StepError> {
    let host = &step.host;
    let on = fleet.on(host);
    let dialect = on.dialect()?;
    let failed = |e| on.failed("start its binary logs at the snapshot", e);
    // A server of MySQL without a binary log still counts what it has executed.
    let logs = !sql.run(dialect.show_binlog().text()).await.map_err(failed)?.is_empty();
    if !logs && !dialect.counts_without_binlog() {
        return Ok(None);
    }
    let (begins, shows) = (dialect.begin_history_at(gtid), dialect.show_binlog());
    let all = [dialect.reset_binlogs()].into_iter().chain(begins.iter().map(String::as_str));
    let mut answers = sql.run_all(all.chain([shows.text()])).await.map_err(failed)?;
    // One without a binary log has no row here, and nothing begins in it.
    let status = answers.pop().unwrap_or_default();
    match status.first() {
        Some(row) => row.position("file", "position").map_err(failed),
        None => Ok(None),
    }
}
