//! The whole server, fetched by MySQL's clone plugin.
//!
//! The replica's server logs in at the source, takes its files, and starts anew with them, quietly (see
//! [`super::quiet`]).

use std::time::{Duration, Instant};

use super::{TICK, copy::Copied, events, mark, meanwhile, quiet, there_now};
use crate::{
    dialect::{ReadStatement, Statement, literal},
    exec::{
        Fleet, Look, On, Rule, Statements, StepError, WritesPermitted, lift_read_only, new_salt, wait_until,
    },
    gtid::GtidSet,
    model::{HostName, duration, limits},
    observe::{SeedMarks, channels},
    plan::{CLONE_USER, ClonePlan, SeedPlan, Step},
    transport::{Row, SqlError},
};

/// How long the copying itself may take.
const COPIES: Duration = limits::CLONE.time;
/// How long the server may take to come up with what it has got: it has a crash to recover from, in effect.
const CLONE_RESTART: Duration = limits::NEW_DATA.time;

/// `CLONE INSTANCE` is done, and nobody starts the server again: its service does not watch over it.
const NOT_SUPERVISED: u16 = 3707;
/// `INSTALL PLUGIN` of one that is there.
const PLUGIN_THERE: u16 = 1125;

/// Starts a server that was shut down and that nobody starts. Arguments: UNIT.
const START: &str = r#"
case $(systemctl show -p ActiveState --value -- "$1") in
  inactive) systemctl start -- "$1" ;;
  failed) exit 4 ;;
esac
"#;

/// Fetches everything and returns the coordinates of the snapshot. The server was restarted, so it is opened
/// to writes again until the step ends. `marks` are written right before the old data goes.
pub(super) async fn run<'a>(
    step: &'a Step,
    (plan, how): (&SeedPlan, &ClonePlan),
    marks: &SeedMarks,
    fleet: &'a Fleet<'_>,
) -> Result<(Copied, WritesPermitted<'a>), StepError> {
    let host = &step.host;
    let on = fleet.on(host);
    let tried = format!("clone {}", plan.donor);
    let failed = |e: SqlError| on.failed(tried.clone(), e);
    for side in [&plan.donor, host] {
        install(fleet.on(side)).await?;
    }
    let mut sql = on.statements().await?;
    end_older(on, &mut sql).await?;
    sql.run(ReadStatement::utc().text()).await.map_err(failed)?;
    let now = sql.first("SELECT NOW(3) AS now").await.map_err(failed)?;
    let since = now.text("now").map_err(failed)?;
    let donor = format!("{}:{}", how.source.address, how.source.port);
    sql.run(&format!("SET GLOBAL clone_valid_donor_list = {}", literal(&donor))).await.map_err(failed)?;
    let authority = how.tls_ca.as_deref().unwrap_or_default();
    sql.run(&format!("SET GLOBAL clone_ssl_ca = {}", literal(authority))).await.map_err(failed)?;
    quiet::begin(on).await?;
    let password = new_salt() + &new_salt();
    let account = open_account(plan, how, &password, fleet).await?;
    let before = there_now(on).await;
    let noted = match super::replaceable::still_replaceable(on, plan).await {
        Ok(()) => mark::write(on, marks).await,
        Err(error) => Err(error),
    };
    // The channels of old data that is going away rest, and go on where it stays.
    let rest = |goes_on: bool| async move {
        let mut sql = on.statements().await?;
        for end in plan.ends.iter().filter(|end| end.host == *host) {
            let dialect = on.dialect()?;
            let statement =
                if goes_on { dialect.start_channel(&end.name) } else { dialect.stop_channel(&end.name) };
            sql.run(&statement).await.map_err(failed)?;
        }
        Ok(())
    };
    let noted = match noted {
        Ok(()) => rest(false).await,
        no => no,
    };
    let fetched = match (noted, &before) {
        (Ok(()), Ok(_)) => fetch(step, (plan, how), &password, sql, fleet).await,
        (Err(error), _) => Err(error),
        (_, Err(_)) => before.as_ref().map(|_| ()).map_err(StepError::clone),
    };
    // A server that has kept what it had was not touched, and nothing there is of this copy.
    if let (Err(_), Ok(before)) = (&fetched, &before)
        && there_now(on).await.is_ok_and(|now| now == *before)
    {
        mark::forget(on, &plan.from, mark::read(on).await?).await?;
        // One that stood on an error stops on it again.
        let _ = rest(true).await;
    }
    // Whatever came of it, the source has no such account any more.
    let closed = account.close(fleet).await;
    fetched?;
    let cloned = comes_back(step, (plan, how), since, fleet).await?;
    closed?;
    let lifted = lift_read_only(on).await?;
    settle(on).await?;
    let gtid = same_gtids(on, &cloned).await?;
    let cloned_at = cloned.position("binlog_file", "binlog_position").map_err(failed)?;
    let Some(cloned_at) = cloned_at else {
        return Err(on.failed("find the clone's position", "its source has no binary log"));
    };
    let copied = Copied {
        at: cloned_at,
        gtid,
        sent: cloned.optional_number("bytes").map_err(failed)?.unwrap_or(0),
        lock: None,
        kept: 0,
    };
    Ok((copied, lifted))
}

/// Installs the plugin, where it stays.
async fn install(on: On<'_>) -> Result<(), StepError> {
    let mut sql = on.statements().await?;
    let there = sql.sql.query(ReadStatement::clone_plugin().text()).await.is_ok_and(|rows| !rows.is_empty());
    let result = if there {
        Ok(())
    } else {
        let lifted = lift_read_only(on).await?;
        let done = sql.run("INSTALL PLUGIN clone SONAME 'mysql_clone.so'").await.map(|_| ());
        lifted.restore().await?;
        done
    };
    match result {
        Err(error) if error.code() != Some(PLUGIN_THERE) => {
            Err(on.failed("install the plugin clone", error).then(
                "It is part of the server's package. Or use `seed_method: logical`. Nothing was replaced.",
            ))
        }
        _ => Ok(()),
    }
}

/// Ends the clone that a run which was killed has left running.
async fn end_older(on: On<'_>, sql: &mut Statements<'_>) -> Result<(), StepError> {
    let tried = "end the clone that an earlier run has begun";
    let rule = Rule {
        every: Some(TICK),
        interrupt: Some(&on.fleet.interrupt),
        ..Rule::within(limits::SESSION_END.time)
    };
    let ended = wait_until(rule, async || {
        let rows = sql.sql.query(ReadStatement::clone_under_way().text()).await?;
        let Some(row) = rows.first() else { return Ok(Look::Done(())) };
        let pid: u64 = row.number("pid")?;
        // It may come to its end by itself in this moment.
        let _ = sql.run(&format!("KILL {pid}")).await;
        Ok::<_, SqlError>(Look::Moving(pid))
    });
    match ended.await.map_err(|e| on.failed(tried, e))? {
        Ok(()) => Ok(()),
        Err(ended) => {
            let why = format!("session {} does not end", ended.at());
            Err(on.failed(tried, why).then("Once it is gone, apply again. Nothing was replaced."))
        }
    }
}

/// An account on the source that lives as long as the copy.
struct Account<'a> {
    donor: &'a HostName,
    name: String,
}

/// Makes it, off the binary log and with a password that nobody knows. A run that was killed has left one,
/// maybe for another address: the user name is ours alone.
async fn open_account<'a>(
    plan: &'a SeedPlan,
    how: &ClonePlan,
    password: &str,
    fleet: &Fleet<'_>,
) -> Result<Account<'a>, StepError> {
    let donor = &plan.donor;
    let account = Account { donor, name: format!("{}@{}", literal(CLONE_USER), literal(&how.account_host)) };
    let dialect = fleet.on(donor).dialect()?;
    let hash = dialect.password_hash(password, &new_salt());
    let failed = |e| StepError::new(donor, "make an account for the clone", e);
    let lifted = lift_read_only(fleet.on(donor)).await?;
    let mut sql = fleet.on(donor).statements().await?;
    for statement in dialect.account(CLONE_USER, &how.account_host, &hash, how.tls, true) {
        sql.run_secret(&statement).await.map_err(failed)?;
    }
    sql.run(&format!("GRANT BACKUP_ADMIN ON *.* TO {}", account.name)).await.map_err(failed)?;
    lifted.restore().await?;
    Ok(account)
}

impl Account<'_> {
    async fn close(&self, fleet: &Fleet<'_>) -> Result<(), StepError> {
        let failed = |e| StepError::new(self.donor, format!("drop the account {}", self.name), e);
        let lifted = lift_read_only(fleet.on(self.donor)).await?;
        let mut sql = fleet.on(self.donor).statements().await?;
        sql.run(&format!("DROP USER IF EXISTS {}", self.name)).await.map_err(failed)?;
        lifted.restore().await
    }
}

/// Lets the server fetch the data, and tells how far it is.
async fn fetch(
    step: &Step,
    (plan, how): (&SeedPlan, &ClonePlan),
    password: &str,
    mut sql: Statements<'_>,
    fleet: &Fleet<'_>,
) -> Result<(), StepError> {
    let host = &step.host;
    let on = fleet.on(host);
    let tried = format!("clone {}", plan.donor);
    let failed = |e: SqlError| on.failed(tried.clone(), e);
    let require = if how.tls { "SSL" } else { "NO SSL" };
    let statement = Statement::with_secret(password, |password| {
        format!(
            "CLONE INSTANCE FROM {}@{}:{} IDENTIFIED BY {password} REQUIRE {require}",
            literal(CLONE_USER),
            literal(&how.source.address),
            how.source.port,
        )
    });
    let quiet = on.dialect()?.statement_logs(false);
    sql.run(quiet).await.map_err(failed)?;
    let watch = on.reader().await?;
    let begun = Instant::now();
    let result = {
        let cloning = sql.sql.query_within(statement.text(), COPIES);
        meanwhile(cloning, async || {
            let row = watch.query_first(&ReadStatement::clone_progress()).await;
            if let Ok(Some(sent)) = row.and_then(|row| row.optional_number("sent")) {
                tell(step, plan, sent, fleet);
            }
        })
        .await
    };
    // The connection ends with the server's restart, with or without an answer before.
    let result = match result {
        Ok(_) | Err(SqlError::Broken(_)) => Ok(()),
        Err(error) if error.code() == Some(NOT_SUPERVISED) => Ok(()),
        Err(error) => Err(error),
    };
    on.ran(statement.shown(), begun, result.as_ref().map_or("failed", |()| "ok"));
    result.map_err(|e| failed(e).then("Apply again; the copy begins anew."))
}

fn tell(step: &Step, plan: &SeedPlan, bytes: u64, fleet: &Fleet<'_>) {
    fleet.progress(step, (bytes, plan.bytes.max(bytes)), format!("cloning {}", plan.donor));
}

/// Waits until the server runs with its new data, and returns what it says of the clone.
async fn comes_back(
    step: &Step,
    (plan, how): (&SeedPlan, &ClonePlan),
    since: String,
    fleet: &Fleet<'_>,
) -> Result<Row, StepError> {
    let host = &step.host;
    let on = fleet.on(host);
    let tried = format!("start with the clone of {}", plan.donor);
    let query = ReadStatement::clone_result(&since);
    let again = "Once it runs again, apply again; the copy begins anew.";
    let rule = Rule { every: Some(TICK), ..Rule::within(CLONE_RESTART) };
    let row = wait_until(rule, async || {
        if let Some(row) = result_of(on, &query).await {
            return Ok(Look::Done(row));
        }
        let started = on.writer()?.try_run(&tried, START, &[&how.unit], b"", CLONE_RESTART).await;
        if started.as_ref().is_ok_and(|output| output.status != 0) {
            let why = format!("{} does not come up with it; its error log tells why", how.unit);
            return Err(on.failed(&tried, why).then(again));
        }
        tell(step, plan, plan.bytes, fleet);
        Ok(Look::Moving(()))
    });
    let Ok(row) = row.await? else {
        let why = format!("{} has not come up with it in {}", how.unit, duration(CLONE_RESTART));
        return Err(on.failed(tried, why).then(again));
    };
    if row.get("state") == Some("Completed") {
        return Ok(row);
    }
    let said = |column| row.get(column).unwrap_or("unknown");
    let why = format!("error {}: {}", said("errno"), said("error"));
    Err(on.failed(tried, why).then("Apply again; the copy begins anew."))
}

/// What a server says of the clone that it has started with, if it is there to say it.
async fn result_of(on: On<'_>, query: &ReadStatement) -> Option<Row> {
    let sql = on.reader().await.ok()?;
    // A server may have another time zone after its restart.
    sql.query(&ReadStatement::utc()).await.ok()?;
    sql.query(query).await.ok()?.into_iter().next()
}

/// Takes away what came along and is not the replica's, and what was switched off for the start.
async fn settle(on: On<'_>) -> Result<(), StepError> {
    let failed = |e| on.failed("make the clone a server of its own", e);
    let dialect = on.dialect()?;
    let reader = on.reader().await?;
    let along = channels(&reader, dialect).await.map_err(failed)?;
    drop(reader);
    let mut sql = on.statements().await?;
    for channel in along {
        sql.run(&dialect.stop_channel(&channel.name)).await.map_err(failed)?;
        sql.run(&dialect.drop_channel(&channel.name)).await.map_err(failed)?;
    }
    // An event that is enabled must not run here, not even once.
    events::rest(&mut sql, None, on.fleet).await?;
    quiet::end(on).await
}

/// What the clone is said to hold, if the server agrees.
async fn same_gtids(on: On<'_>, cloned: &Row) -> Result<String, StepError> {
    let tried = "trust the clone's coordinates";
    let parse = |text: &str| text.parse::<GtidSet>().map_err(|e| on.failed(tried, e));
    let sql = on.reader().await?;
    let row = sql.query_first(&ReadStatement::globals(&["gtid_executed"])).await;
    let failed = |e| on.failed(tried, e);
    let row = row.map_err(failed)?;
    let said = parse(cloned.need("gtid_executed").map_err(failed)?)?;
    let has = parse(row.need("gtid_executed").map_err(failed)?)?;
    if said.contains_all(&has) && has.contains_all(&said) {
        return Ok(said.to_string());
    }
    Err(on
        .failed(tried, format!("the clone is said to have {said}, the server has {has}"))
        .then("Apply again; the copy begins anew."))
}
