//! The database service.

use std::time::Instant;

use super::{
    Look, On, Rule, StepError, reconnect,
    restart::{self, Order},
    values, wait,
};
use crate::{
    doctor::{blamed, explain_failed_start},
    model::{HostName, limits},
    observe::{RestartRecord, RestartState},
    option_file::Occurrence,
    transport::{Login, Session},
};

/// What was changed in the files that a server reads at its start, and is put back if it does not start.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    /// The option file that was written.
    pub option_file: Option<&'a str>,
    /// Whether it shall make itself another UUID.
    pub new_uuid: bool,
}

/// Restarts the server and waits until it answers with the wished values.
pub async fn restart(
    on: On<'_>,
    unit: &str,
    expect: &[(String, String)],
    before: Before<'_>,
) -> Result<Option<String>, StepError> {
    let begun = Instant::now();
    let tried = format!("restart {unit}");
    let datadir = on.server()?.variable("datadir").unwrap_or_default().trim_end_matches('/');
    let new_uuid = before.new_uuid.then_some(datadir).filter(|d| !d.is_empty());
    let order = Order { unit, restart: true, enable: false, new_uuid };
    come_up(on, &tried, order, (before.option_file, expect)).await?;
    let took = begun.elapsed();
    let made = values::taken(on, expect).await?;
    reconnect::replicas_of(on).await;
    let away = format!("away for {}", crate::model::duration(took));
    Ok(Some(made.map_or(away.clone(), |made| format!("{away}; {made}"))))
}

/// Has the host bring its server up, and waits until it lets us in.
async fn come_up(
    on: On<'_>,
    tried: &str,
    order: Order<'_>,
    (option_file, settings): (Option<&str>, &[(String, String)]),
) -> Result<(), StepError> {
    let host = on.host;
    let begun = Instant::now();
    let outcome = restart::run(on, tried, order).await;
    let said = match &outcome {
        Ok(record) if record.state == RestartState::Up => "ok".to_owned(),
        Ok(record) => explain_failed_start(&record.ended, &record.said, &[]),
        Err(error) => error.why.clone(),
    };
    on.ran(tried, begun, &said);
    let record = outcome?;
    if record.state != RestartState::Up {
        return Err(did_not(host, tried, &record, option_file, settings));
    }
    match wait_for_server(on.session()?, on.login()?).await {
        true => Ok(()),
        false => Err(on
            .failed(tried, "the server runs, but does not let us in")
            .then("Check mysql_admin_user, mysql_admin_password and mysql_socket.")),
    }
}

/// What a restart says that did not work, and what has become of the option file.
fn did_not(
    host: &HostName,
    tried: &str,
    record: &RestartRecord,
    option_file: Option<&str>,
    settings: &[(String, String)],
) -> StepError {
    let options: Vec<Occurrence> = settings.iter().map(|(name, value)| occurrence(name, value)).collect();
    let correct = match blamed(&record.said, &options) {
        Some(option) => format!("Correct `{}` in the inventory, then run `tandem apply` again.", option.name),
        None => "Correct the setting in the inventory, then run `tandem apply` again.".to_owned(),
    };
    let error = StepError::new(host, tried, explain_failed_start(&record.ended, &record.said, &options));
    let Some(path) = option_file else {
        return error.then("Fix the cause on the host, then run `tandem apply` again.");
    };
    error.then(match record.state {
        RestartState::Back => {
            format!("{path} is as it was before, by comparison, and the server runs again. {correct}")
        }
        RestartState::Changed => format!(
            "Somebody else has changed {path} meanwhile, so it was left as it is, and the server does not run. {correct}"
        ),
        RestartState::Stuck => format!(
            "{path} could not be put back, and the server does not run; the old file is /var/lib/tandem/restart/before there."
        ),
        RestartState::Lost => {
            format!("The restart was ended by somebody on the host. Look at {path} and at the server there.")
        }
        _ => "The server does not run with the option files from before either. Look at its error log, then run `tandem \
             apply` again.".to_owned(),
    })
}

fn occurrence(name: &str, value: &str) -> Occurrence {
    Occurrence {
        file: String::new(),
        line: 0,
        group: String::new(),
        name: name.to_owned(),
        value: Some(value.to_owned()),
    }
}

/// Restarts a server for a proof and waits until it answers.
///
/// # Errors
/// With the cause, where it does not come up.
pub async fn restart_for_proof(on: On<'_>, unit: &str) -> Result<(), StepError> {
    let host = on.host;
    let tried = format!("restart {unit}");
    let order = Order { unit, restart: true, enable: false, new_uuid: None };
    let record = restart::run(on, &tried, order).await?;
    if record.state != RestartState::Up {
        return Err(did_not(host, &tried, &record, None, &[]));
    }
    match wait_for_server(on.session()?, on.login()?).await {
        true => Ok(()),
        false => Err(on.failed(tried, "the server runs, but does not let us in")),
    }
}

/// Waits until the server takes a login.
async fn wait_for_server(session: &Session, login: &Login) -> bool {
    let came = wait(Rule::within(limits::LETS_IN.time), async || {
        match session.new_sql(login, limits::SQL_LOGIN.time).await {
            Ok(_) => Look::Done(()),
            Err(_) => Look::Moving(()),
        }
    });
    came.await.is_ok()
}

/// Starts a service that is stopped, and has it start at boot. `option_file` was written for it.
pub async fn start(
    on: On<'_>,
    unit: &str,
    enable: bool,
    option_file: Option<&str>,
) -> Result<Option<String>, StepError> {
    let host = on.host;
    let tried = format!("start {unit}");
    let order = Order { unit, restart: false, enable, new_uuid: None };
    let begun = Instant::now();
    let outcome = restart::run(on, &tried, order).await;
    let ok = outcome.as_ref().is_ok_and(|r| r.state == RestartState::Up);
    on.ran(&tried, begun, if ok { "ok" } else { "failed" });
    let record = outcome?;
    match ok {
        true => Ok(None),
        false => Err(did_not(host, &tried, &record, option_file, &[])),
    }
}
