//! One module for each family of steps.

mod account;
mod catch_up;
mod certificate;
mod channel;
mod compare;
mod extra_channel;
mod firewall;
mod gtid_mode;
mod heartbeat;
mod leftovers;
mod option_file;
mod packages;
mod reconnect;
mod resource;
mod restart;
mod server;
mod service;
mod variable;

pub use service::restart_for_proof;

use super::{Events, Fleet, StepError, Undo, journal::Journal, prepare_undo, settle_undo};
use crate::{
    plan::{Action, Coordinates, Moment, Step},
    transport::{Replicates, SqlError, SqlWriter},
};

/// Runs one step. What comes back is worth showing beside "done".
pub async fn run(
    step: &Step,
    fleet: &Fleet<'_>,
    journal: &Journal,
    events: &Events,
) -> Result<Option<String>, StepError> {
    let host = &step.host;
    let writes = match &step.action {
        Action::Account(_)
        | Action::DropAccount { .. }
        | Action::RemoveLeftovers { .. }
        | Action::Database { .. }
        | Action::Seed(_) => true,
        Action::Channel(change) => {
            change.skip.is_some() || matches!(change.coordinates, Coordinates::At { starts_over: true, .. })
        }
        _ => false,
    };
    let lifted = if writes { Some(lift_read_only(host, fleet, journal).await?) } else { None };
    let result = act(step, fleet, journal, events).await;
    let restored = match lifted {
        Some(lifted) => lifted.restore(fleet, journal).await,
        None => Ok(()),
    };
    let note = result?;
    restored.map(|()| note)
}

async fn act(
    step: &Step,
    fleet: &Fleet<'_>,
    journal: &Journal,
    events: &Events,
) -> Result<Option<String>, StepError> {
    let host = &step.host;
    match &step.action {
        Action::Firewall(change) => firewall::run(host, change, fleet, journal).await,
        Action::WriteOptionFile { path, content } => {
            option_file::run(host, path, content, fleet, journal).await
        }
        Action::Certificate(plan) => certificate::run(host, plan, fleet, journal).await,
        Action::SetGlobal(values) => variable::run(host, values, fleet, journal).await,
        Action::GtidMode { phase, down } => gtid_mode::run(host, (*phase, *down), fleet, journal).await,
        Action::ResetPersisted(names) => variable::reset_persisted(host, names, fleet, journal).await,
        Action::Restart { unit, expect, option_file, new_uuid } => {
            let before = service::Before { option_file: option_file.as_deref(), new_uuid: *new_uuid };
            service::restart(host, unit, expect, before, fleet, journal).await
        }
        Action::StartService { unit, enable, option_file } => {
            service::start(host, unit, *enable, option_file.as_deref(), fleet, journal).await
        }
        Action::Heartbeat { table, interval } => {
            heartbeat::run(host, (*table, *interval), fleet, journal).await
        }
        Action::Account(wish) => account::run(host, wish, fleet, journal).await,
        Action::DropAccount { user, host: from } => account::drop(host, (user, from), fleet, journal).await,
        Action::Database { wish, exists } => account::database(host, wish, *exists, fleet, journal).await,
        Action::Seed(seed) => crate::seed::run(step, seed, fleet, journal, events).await,
        Action::CompareCopy(plan) => compare::run(step, plan, fleet, journal, events).await,
        Action::RestoreRetention(values) => {
            crate::seed::restore_retention(host, values, fleet, journal).await.map(|()| None)
        }
        Action::Channel(change) => channel::run(step, change, fleet, journal, events).await,
        Action::CatchUp { hops, closing, moment } => {
            let closed = *moment == Moment::AfterTheyStopped && !closing.is_empty();
            catch_up::run(step, hops, closed, fleet, events).await
        }
        Action::DropChannel(channel) => extra_channel::run(host, channel, fleet, journal).await,
        Action::InstallPackages(names) => packages::install(host, names, fleet, journal).await.map(|()| None),
        Action::InstallServer { package, version, unit, start } => {
            let wish =
                server::Wish { package, version: version.as_deref(), unit: unit.as_deref(), start: *start };
            server::install(host, wish, fleet, journal).await
        }
        Action::RemoveLeftovers { accounts, database } => {
            leftovers::run(host, accounts, *database, fleet, journal).await
        }
        Action::WriteFile { path, content, owner, group, mode } => {
            resource::write_file(host, [path, owner, group, mode], content, fleet, journal).await
        }
        Action::Unit { unit, running, enabled } => {
            resource::unit(host, unit, *running, *enabled, fleet, journal).await
        }
        Action::Command { run, unless } => resource::command(host, run, unless, fleet, journal).await,
    }
}

/// Statements on one server, each one journalled under the text that may be shown.
pub struct Statements<'a> {
    /// The server's host.
    pub host: &'a crate::model::HostName,
    /// The connection.
    pub sql: SqlWriter,
    /// Where statements are noted.
    pub journal: &'a Journal,
}

impl Statements<'_> {
    /// Runs a statement that holds no secret.
    pub async fn run(&mut self, sql: &str) -> Result<Vec<crate::transport::Row>, SqlError> {
        self.run_as(sql, sql).await
    }

    /// Runs a statement and notes it as `shown`.
    pub async fn run_as(&mut self, sql: &str, shown: &str) -> Result<Vec<crate::transport::Row>, SqlError> {
        let begun = std::time::Instant::now();
        let result = self.sql.query(sql).await;
        let said = match &result {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.to_string(),
        };
        self.journal.ran(self.host, shown, begun.elapsed(), &said);
        result
    }
}

/// Opens a connection for statements that stay on this server: none of them gets into the binary log.
pub async fn statements<'a>(
    host: &'a crate::model::HostName,
    fleet: &Fleet<'_>,
    journal: &'a Journal,
) -> Result<Statements<'a>, StepError> {
    Ok(Statements { host, sql: fleet.local_sql(host).await?, journal })
}

/// Opens a connection for statements that are meant for the server's replicas, too.
pub async fn replicated<'a>(
    host: &'a crate::model::HostName,
    why: Replicates,
    fleet: &Fleet<'_>,
    journal: &'a Journal,
) -> Result<Statements<'a>, StepError> {
    Ok(Statements { host, sql: fleet.replicated_sql(host, why).await?, journal })
}

/// A server that takes no writes, not even an administrator's, takes those of a step until it is restored.
#[must_use]
pub struct Lifted<'a>(Option<&'a crate::model::HostName>);

/// What the host sets again by itself, should this program not come to it.
const READ_ONLY: &str = "super-read-only";

/// Lifts `super_read_only` where it is on.
pub async fn lift_read_only<'a>(
    host: &'a crate::model::HostName,
    fleet: &Fleet<'_>,
    journal: &Journal,
) -> Result<Lifted<'a>, StepError> {
    if !fleet.dialect(host)?.has_super_read_only() {
        return Ok(Lifted(None));
    }
    let failed = |e| StepError::new(host, "lift super_read_only", e);
    let mut sql = statements(host, fleet, journal).await?;
    let rows = sql.sql.query("SELECT @@GLOBAL.super_read_only AS locked").await.map_err(failed)?;
    let locked = rows.first().and_then(|r| r.number("locked")) == Some(1);
    if locked {
        let back = ["SET GLOBAL super_read_only = ON".to_owned()];
        prepare_undo(host, Undo { name: READ_ONLY, sql: &back, record: None }, fleet).await?;
        sql.run("SET GLOBAL super_read_only = OFF").await.map_err(failed)?;
    }
    sql.sql.close().await;
    Ok(Lifted(locked.then_some(host)))
}

impl Lifted<'_> {
    /// Puts the server back to taking no writes, on a connection of its own: the step may have restarted it.
    pub async fn restore(self, fleet: &Fleet<'_>, journal: &Journal) -> Result<(), StepError> {
        let Some(host) = self.0 else { return Ok(()) };
        let mut sql = statements(host, fleet, journal).await?;
        sql.run("SET GLOBAL super_read_only = ON")
            .await
            .map_err(|e| StepError::new(host, "set super_read_only again", e))?;
        sql.sql.close().await;
        settle_undo(host, READ_ONLY, fleet).await
    }
}
