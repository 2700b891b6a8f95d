//! The database service.

use std::time::Instant;

use super::{
    Look, On, Rule, StepError, reconnect,
    restart::{self, Order},
    values, wait,
};
use crate::{
    desired::DesiredSetting,
    dialect::{ReadStatement, literal},
    doctor::{blamed, explain_failed_start},
    model::{HostName, limits},
    observe::{CLOSING, RestartRecord, RestartState},
    option_file::{Occurrence, same_value},
    transport::{Login, Session},
    words::down::failed_start,
};

/// What was changed in the files that a server reads at its start, and is put back if it does not start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before<'a> {
    /// The option file that was written.
    pub option_file: Option<&'a str>,
    /// Whether it shall make itself another UUID.
    pub new_uuid: bool,
}

/// Restarts the server and waits until it answers with the wished values.
pub(crate) async fn restart(
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
    let kept = Kept::read(on, &tried, expect).await?;
    let came_up = come_up(on, &tried, order, (before.option_file, expect)).await;
    kept.give_back(on, came_up).await?;
    let took = begun.elapsed();
    let made = values::after_start(on, expect).await?;
    reconnect::replicas_of(on).await;
    let away = format!("away for {}", crate::model::duration(took));
    Ok(Some(made.map_or(away.clone(), |made| format!("{away}; {made}"))))
}

/// Connections that are opened ahead once a server has come up.
const AHEAD: usize = 3;

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
        Ok(record) => failed_start(&explain_failed_start(&record.ended, &record.said, &[])),
        Err(error) => error.why.clone(),
    };
    on.ran(tried, begun, &said);
    let record = outcome?;
    if record.state != RestartState::Up {
        return Err(did_not(host, tried, &record, option_file, settings));
    }
    match wait_for_server(on.session()?, on.login()?).await {
        true => {
            // What follows asks it for more than one.
            on.open_ahead(AHEAD);
            Ok(())
        }
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
    let why = failed_start(&explain_failed_start(&record.ended, &record.said, &options));
    let error = StepError::new(host, tried, why);
    let Some(path) = option_file else {
        // The file of before was tried as well, and stays: it is the one that the server has run with.
        let taken_back =
            record.failed.is_some() && record.state == RestartState::Down && !record.path.is_empty();
        let told = match taken_back {
            true => format!(" {} is as it was before its last change; that writes it again.", record.path),
            false => String::new(),
        };
        return error.then(format!("Fix the cause on the host, then run `tandem apply` again.{told}"));
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
pub(crate) async fn restart_for_proof(on: On<'_>, unit: &str) -> Result<(), StepError> {
    let host = on.host;
    let tried = format!("restart {unit}");
    let order = Order { unit, restart: true, enable: false, new_uuid: None };
    let kept = Kept::read(on, &tried, &[]).await?;
    let record = restart::run(on, &tried, order).await?;
    if record.state != RestartState::Up {
        return Err(did_not(host, &tried, &record, None, &[]));
    }
    let came_up = match wait_for_server(on.session()?, on.login()?).await {
        true => Ok(()),
        false => Err(on.failed(&tried, "the server runs, but does not let us in")),
    };
    kept.give_back(on, came_up).await
}

/// Variables whose value at the start is or may be another one than that of a server that runs, such as `read_only` of the
/// one that is written to, with what they had before a restart of ours.
struct Kept(Vec<(String, String)>);

impl Kept {
    async fn read(on: On<'_>, tried: &str, expect: &[(String, String)]) -> Result<Self, StepError> {
        let host = on.fleet.desired.hosts.get(on.host);
        let settings = host.and_then(|host| host.settings.as_ref());
        let names = settings.into_iter().flatten().filter(|wish| wish.at_start).map(|wish| wish.name.clone());
        let mut kept: Vec<String> = names.collect();
        // Of what nobody declares no file may know, and a start would open who is closed.
        let wish = |name: &str| host.and_then(|host| host.setting(name));
        let dialect = on.dialect()?;
        let there = CLOSING.into_iter().filter(|name| *name == "read_only" || dialect.has_super_read_only());
        let undeclared = there.filter(|name| wish(name).is_none_or(|wish| wish.values.is_empty()));
        kept.extend(undeclared.map(str::to_owned));
        let more: Vec<String> =
            may_turn(on, expect)?.into_iter().filter(|name| !kept.contains(name)).collect();
        kept.extend(more);
        kept.dedup();
        Ok(Self(values_of(on, tried, kept).await?))
    }

    /// Sets those again that a start has changed, also where it was the start with an option file that was put back.
    async fn give_back(&self, on: On<'_>, came_up: Result<(), StepError>) -> Result<(), StepError> {
        let tried = "set what the server had before it was started";
        let names = self.0.iter().map(|(name, _)| name.clone()).collect();
        let given = async {
            let now = values_of(on, tried, names).await?;
            let changed = self.0.iter().zip(now).filter(|(before, now)| **before != *now);
            let statements: Vec<String> =
                changed.map(|((name, value), _)| format!("SET GLOBAL {name} = {}", literal(value))).collect();
            if statements.is_empty() {
                return Ok(());
            }
            let mut sql = on.statements().await?;
            let all = statements.iter().map(String::as_str);
            sql.run_all(all).await.map(drop).map_err(|e| on.failed(tried, e))
        };
        // The first cause counts.
        let given = given.await;
        came_up.and(given)
    }
}

/// Booleans that run as they are declared and that a start might turn over: some options turn others on, such as the size of
/// MariaDB's query cache. What a switch of the writer sets is not among them, nor what takes steps of its own.
fn may_turn(on: On<'_>, expect: &[(String, String)]) -> Result<Vec<String>, StepError> {
    let (server, dialect) = (on.server()?, on.dialect()?);
    let settings = on.fleet.desired.hosts.get(on.host).and_then(|host| host.settings.as_ref());
    let name = |wish: &DesiredSetting| {
        let name = dialect.variable_name(&wish.name, |name| server.variables.contains_key(name));
        let running = server.variable(&name).filter(|running| matches!(*running, "ON" | "OFF"))?;
        let as_declared = wish.values.last().is_some_and(|value| same_value(&name, value, running));
        let by_others = CLOSING.contains(&name.as_str())
            || matches!(name.as_str(), "event_scheduler" | "gtid_mode" | "offline_mode")
            || expect.iter().any(|(changed, _)| *changed == name);
        let turns = as_declared && !wish.at_start && !by_others && !server.static_variables.contains(&name);
        turns.then_some(name)
    };
    Ok(settings.into_iter().flatten().filter_map(name).collect())
}

async fn values_of(on: On<'_>, tried: &str, names: Vec<String>) -> Result<Vec<(String, String)>, StepError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let sql = on.reader().await?;
    let all: Vec<_> = names.iter().map(|name| ReadStatement::variable(name)).collect();
    let failed = |e| on.failed(tried, e);
    let mut values = Vec::new();
    for (name, rows) in names.iter().zip(sql.query_each(&all).await.map_err(failed)?) {
        if let Some(row) = rows.map_err(failed)?.first() {
            values.push((name.clone(), row.text("value").map_err(failed)?));
        }
    }
    Ok(values)
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
pub(crate) async fn start(
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
