//! A copy row by row: our own engine between the sockets of the two servers.

use std::time::{Duration, Instant};

use super::{account::Account, accounts, check, direct::CopyPath, streams, trust::Trust, unfit};
use crate::{
    copy::{self, Connect, CopyError, CopyFault, Fitness, Identity, Options, Progress, Scope},
    dialect::{CopyEnd, Dialect},
    exec::{Fleet, On, StepError},
    model::{BinlogPosition, HostName, bytes, limits},
    observe::HostFacts,
    plan::{SeedPlan, Step},
    transport::{Login, Sink, SqlError, SqlWriter, Writer},
    words,
};

/// Sessions at each end. More of them are no faster on the hosts that were measured, and each costs the source a
/// connection.
const SESSIONS: usize = 4;
/// What tells a server from another one, and does not change while a plan is applied.
const IDENTITY: [&str; 3] = ["hostname", "datadir", "port"];

/// What a copy has shown of itself.
pub(super) struct Copied {
    /// Where the snapshot stands in the source's binary log.
    pub at: BinlogPosition,
    /// The same as a GTID position.
    pub gtid: String,
    /// Bytes that were sent.
    pub sent: u64,
    /// How long writes on the source had to wait, if at all.
    pub lock: Option<Duration>,
    /// Rows that were there already.
    pub kept: u64,
}

/// The server of a host as an end of a copy.
pub(super) struct End<'f> {
    on: On<'f>,
    writer: Writer<'f>,
    login: &'f Login,
    dialect: Dialect,
}

impl<'f> End<'f> {
    pub(super) fn of(on: On<'f>) -> Result<Self, StepError> {
        Ok(Self { on, writer: on.writer()?, login: on.login()?, dialect: on.dialect()? })
    }
}

impl Connect for End<'_> {
    fn dialect(&self) -> Dialect {
        self.dialect
    }

    async fn connect(&self) -> Result<SqlWriter, SqlError> {
        self.writer.local_sql(self.login, limits::STATEMENT.time).await
    }

    async fn look(&self) -> Sink {
        let looked = tokio::time::timeout(limits::SQL_LOGIN.time, streams::look(self.on)).await;
        looked.unwrap_or_else(|_| Sink::Hangs(Some("its server does not answer".to_owned())))
    }
}

/// The command that compresses on one host, and the one that undoes it on the other.
pub(super) fn packers(source: &HostFacts, sink: &HostFacts) -> (&'static str, &'static str) {
    let both = |name: &str| source.os.tools.contains_key(name) && sink.os.tools.contains_key(name);
    match (both("zstd"), both("gzip")) {
        (true, _) => ("zstd -q -1 -c", "zstd -q -d -c"),
        (false, true) => ("gzip -1 -c", "gzip -d -c"),
        (false, false) => ("cat", "cat"),
    }
}

fn scope(on: On<'_>, plan: &SeedPlan) -> Result<Scope, StepError> {
    let server = on.server()?;
    let known =
        IDENTITY.iter().filter_map(|name| Some(((*name).to_owned(), server.variable(name)?.to_owned())));
    let begun = plan.goes_on_with().cloned().collect();
    Ok(Scope { databases: plan.databases.clone(), begun, target: Identity(known.collect()) })
}

/// Looks whether everything can be copied as it is, before anything is changed.
///
/// # Errors
/// With what can't, and what carries it.
pub(super) async fn fit(on: On<'_>, plan: &SeedPlan) -> Result<Fitness, StepError> {
    let (source, target) = (End::of(on.at(&plan.donor))?, End::of(on)?);
    let scope = scope(on, plan)?;
    let (fitness, unfit) = tokio::join!(copy::fitness(&source, &target, &scope), unfit::of(on, plan));
    let fitness = fitness.map_err(|error| failed(error, on.host, plan))?;
    let unfit = unfit?;
    match unfit.is_empty() {
        true => Ok(fitness),
        false => {
            let tried = format!("copy everything of {} as it is", plan.donor);
            let told: Vec<String> = unfit.iter().map(|one| words::unfit(on.host, one)).collect();
            let step = StepError::new(&plan.donor, tried, told.join("; "));
            Err(step.then("No data was changed. `tandem plan` says what to do about each of them."))
        }
    }
}

/// Copies everything and returns the coordinates of the snapshot.
pub(super) async fn run(
    step: &Step,
    (plan, fitness, accounts): (&SeedPlan, &Fitness, &[Account]),
    way: &mut CopyPath<'_>,
    fleet: &Fleet<'_>,
) -> Result<Copied, StepError> {
    let (on, from) = (fleet.on(&step.host), &plan.donor);
    let options = Options {
        sessions: SESSIONS,
        lock: fleet.limits.lock,
        patience: streams::patience(fleet),
        rate: fleet.limits.rate,
        max_running: fleet.limits.max_running,
    };
    let begun = Instant::now();
    let trust = match fitness.has_code_to_trust {
        true => Trust::lift(on).await?,
        false => Trust::none(),
    };
    let mut on_progress =
        |progress: Progress| fleet.progress(step, (progress.done, progress.of), doing(from, progress));
    let scope = scope(on, plan)?;
    let failed = |error| failed(error, on.host, plan);
    let result = async {
        match way {
            CopyPath::Direct(pair) => {
                pair.copy((&scope, options), &mut on_progress).await.map_err(failed)?;
                accounts::grant(on, accounts).await?;
                pair.finish().await.map_err(failed)
            }
            CopyPath::Relay { .. } => {
                let (source, target) = (End::of(on.at(from))?, End::of(on)?);
                let copying = copy::run(&source, &target, &scope, options, &mut on_progress);
                let unfinished = copying.await.map_err(failed)?;
                accounts::grant(on, accounts).await?;
                unfinished.finish().await.map_err(failed)
            }
        }
    }
    .await;
    let said = result.as_ref().map_or_else(|error| error.why.clone(), |_| "ok".to_owned());
    on.ran(&format!("copy {} of {from} row by row", plan.databases.join(", ")), begun, &said);
    let back = trust.restore().await;
    let copied = result?;
    back?;
    let takes = on.dialect()?.takes_gtids_when_off() || on.server()?.is_on("gtid_mode");
    let executed = copied.executed.as_deref().filter(|_| takes);
    let gtid = check::coordinates(on.at(from), &copied.at, executed).await?;
    Ok(Copied { at: copied.at, gtid, sent: copied.sent, lock: copied.lock, kept: copied.kept })
}

/// What it does, for who watches.
fn doing(from: &HostName, progress: Progress) -> String {
    if let Some(running) = progress.held {
        return format!("waiting while {from} works on {running} statements of others");
    }
    if progress.indexes > 0 {
        let tables =
            if progress.indexes == 1 { "1 table".to_owned() } else { format!("{} tables", progress.indexes) };
        return format!("copying from {from}: all rows are there, making the indexes of {tables}");
    }
    let rate = (progress.bytes as f64 / progress.took.as_secs_f64().max(0.001)) as u64;
    format!(
        "copying from {from}: {} of {} tables, {} rows, {}/s",
        progress.tables,
        progress.of_tables,
        progress.rows,
        bytes(rate)
    )
}

/// Why a copy failed, and what to do about it.
fn failed(error: CopyError, host: &HostName, plan: &SeedPlan) -> StepError {
    /// A table was altered or dropped behind the snapshot.
    const ALTERED: [u16; 2] = [1412, 1146];
    let at = match error.end {
        CopyEnd::Source => &plan.donor,
        CopyEnd::Target => host,
    };
    let step = StepError::new(at, error.tried, &error.why);
    let again = "Apply again; the copy starts over.";
    match &error.why {
        CopyFault::Sql(sql) if error.end == CopyEnd::Source && sql.code().is_some_and(|c| ALTERED.contains(&c)) => {
            step.then("A table was altered while it was copied. Apply again when no table is being altered.")
        }
        CopyFault::Altered => step.then("Apply again when no table is being altered."),
        CopyFault::LockNotGot(_) => step.then(format!(
            "A query has run for more than {} seconds. Wait for it to end, or convert the tables to InnoDB.",
            limits::LOCK_WAIT.time.as_secs()
        )),
        CopyFault::LockLimit(_) => step.then(
            "Convert the tables to InnoDB, or let writes wait longer with --lock-limit. Then apply again; the copy starts \
             over.",
        ),
        CopyFault::Stalled { .. } => step.then(
            "Look at what holds it up on that host. Where it only needs longer, use --stall-timeout. Then apply again; \
             the copy starts over.",
        ),
        CopyFault::NoBinlog => step.then("Turn the binary log on with the role `config`, then apply again."),
        CopyFault::AnotherServer { .. } => step.then("Nothing was changed there. Look at where its socket leads."),
        CopyFault::Sql(_) | CopyFault::LockLost(_) | CopyFault::Rows { .. } | CopyFault::Ended(_) => step.then(again),
    }
}
