//! One module for each family of steps.

mod account;
mod catch_up;
mod certificate;
mod channel;
mod compare;
mod events;
mod extra_channel;
mod failover;
mod firewall;
mod gtid_mode;
mod heartbeat;
mod leftovers;
mod option_file;
mod packages;
mod resource;
mod role_unit;
mod save_errant;
mod server;
mod switchover;
mod undelayed;
mod variable;

use crate::{
    exec::{Fleet, StepError, lift_read_only, service},
    plan::{Action, CatchUpPhase, Coordinates, Step},
};

/// Runs one step. What comes back is worth showing beside "done".
pub(super) async fn run(step: &Step, fleet: &Fleet<'_>) -> Result<Option<String>, StepError> {
    let host = &step.host;
    let on = fleet.on(host);
    let writes = match &step.action {
        Action::Account(_)
        | Action::DropAccount { .. }
        | Action::LockAccount { .. }
        | Action::KeepOut { .. }
        | Action::LetIn { .. }
        | Action::RemoveLeftovers { .. }
        | Action::Database { .. }
        | Action::Seed(_) => true,
        Action::Channel(change) => {
            change.skip.is_some() || matches!(change.coordinates, Coordinates::At { starts_over: true, .. })
        }
        _ => false,
    };
    let lifted = if writes { Some(lift_read_only(on).await?) } else { None };
    let result = act(step, fleet).await;
    let restored = match lifted {
        Some(lifted) => lifted.restore().await,
        None => Ok(()),
    };
    let note = result?;
    restored.map(|()| note)
}

/// What is left to do for a step that failed, or ended with the lock of one of its hosts.
pub(super) async fn not_done(step: &Step, fleet: &Fleet<'_>) {
    if let Action::Switchover(plan) = &step.action {
        switchover::not_done(plan, fleet).await;
    }
}

async fn act(step: &Step, fleet: &Fleet<'_>) -> Result<Option<String>, StepError> {
    let host = &step.host;
    let on = fleet.on(host);
    match &step.action {
        Action::Firewall(change) => firewall::run(on, change).await,
        Action::WriteOptionFile { path, content, stage } => {
            option_file::run(on, (path, content), stage).await
        }
        Action::IncludeDirectory { file, digest, directory } => {
            option_file::include(on, (file, digest), directory).await
        }
        Action::Certificate(plan) => certificate::run(on, plan).await,
        Action::SetGlobal(values) => variable::run(on, values).await,
        Action::GtidMode { phase, down } => gtid_mode::run(on, (*phase, *down)).await,
        Action::ResetPersisted(names) => variable::reset_persisted(on, names).await,
        Action::Restart { unit, expect, option_file, new_uuid, follows, .. } => {
            let before = service::Before { option_file: option_file.as_deref(), new_uuid: *new_uuid };
            let note = service::restart(on, unit, expect, before).await?;
            catch_up::after_restart(step, follows, fleet).await?;
            Ok(note)
        }
        Action::StartService { unit, enable, option_file } => {
            service::start(on, unit, *enable, option_file.as_deref()).await
        }
        Action::Heartbeat { table, interval } => heartbeat::run(on, (*table, *interval)).await,
        Action::Account(change) => account::run(on, &change.wish).await,
        Action::DropAccount { user, host: from } => account::drop(on, (user, from)).await,
        Action::LockAccount { user, host: from } => account::lock(on, (user, from)).await,
        Action::KeepOut { user, host: from } => account::keep_out(on, (user, from)).await,
        Action::LetIn { user, host: from } => account::drop(on, (user, from)).await,
        Action::Database { wish, exists } => account::database(on, wish, *exists).await,
        Action::Seed(seed) => crate::seed::run(step, seed, fleet).await,
        Action::CompareCopy(plan) => compare::run(step, plan, fleet).await,
        Action::RestoreRetention(values) => crate::seed::restore_retention(on, values).await.map(|()| None),
        Action::Channel(change) => channel::run(step, change, fleet).await,
        Action::CatchUp { hops, closing, moment } => {
            let closed = *moment == CatchUpPhase::AfterClosing && !closing.is_empty();
            catch_up::run(step, hops, closed, fleet).await
        }
        Action::Events(events) => events::run(on, events).await,
        Action::SaveErrant { transactions, all } => save_errant::run(on, transactions, *all).await,
        Action::Failover(plan) => failover::run(step, plan, fleet).await,
        Action::Switchover(plan) => switchover::run(step, plan, fleet).await,
        Action::RecordWriter(unit) => role_unit::record(on, unit).await,
        Action::ForgetWriter { aside } => role_unit::forget(on, *aside).await,
        Action::DropChannel(channel) => extra_channel::run(on, channel).await,
        Action::Resource(change) => resource::run(on, change).await,
        Action::InstallServer { package, version, unit, start } => {
            let wish = server::DesiredPackage {
                package,
                version: version.as_deref(),
                unit: unit.as_deref(),
                start: *start,
            };
            server::install(on, wish).await
        }
        Action::RemoveLeftovers { accounts, database } => leftovers::run(on, accounts, *database).await,
    }
}
