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
mod resource;
mod server;
mod variable;

use crate::{
    exec::{Events, Fleet, StepError, journal::Journal, lift_read_only, service},
    plan::{Action, Coordinates, Moment, Step},
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
        Action::Restart { unit, expect, option_file, new_uuid, .. } => {
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
        Action::Resource(change) => resource::run(host, change, fleet, journal).await,
        Action::InstallServer { package, version, unit, start } => {
            let wish =
                server::Wish { package, version: version.as_deref(), unit: unit.as_deref(), start: *start };
            server::install(host, wish, fleet, journal).await
        }
        Action::RemoveLeftovers { accounts, database } => {
            leftovers::run(host, accounts, *database, fleet, journal).await
        }
    }
}
