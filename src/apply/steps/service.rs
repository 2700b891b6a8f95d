//! The database service.

use std::time::{Duration, Instant};

use super::{super::journal::Journal, Fleet, StepError};
use crate::{
    doctor::last_words,
    model::HostName,
    option_file::same_value,
    seed::MEND,
    transport::{Login, Session, Writer},
};

/// How long a server may take to come back before its old option file is put in place again. A server
/// that recovers a crash takes longer, but then it was not this change that stopped it.
const COMES_BACK: Duration = Duration::from_secs(120);

/// Arguments: UNIT. Prints the last words of a server that does not start.
const RESTART: &str = r#"
systemctl restart "$1" && exit 0
journalctl -q -n 40 -o cat -u "$1" 2>/dev/null
for log in /var/log/mysql/error.log /var/log/mariadb/mariadb.log /var/log/mysqld.log; do [ -r "$log" ] && tail -n 40 "$log"; done
exit 4
"#;

/// Moves a server's UUID away; the server makes itself another at its start. Arguments: DATADIR.
const FORGET_UUID: &str = r#"
[ -e "$1/auto.cnf" ] || exit 0
mv "$1/auto.cnf" "$1/auto.cnf.before"
"#;

/// Arguments: DATADIR UNIT.
const PUT_UUID_BACK: &str = r#"
[ -e "$1/auto.cnf.before" ] || exit 0
mv "$1/auto.cnf.before" "$1/auto.cnf"
systemctl reset-failed "$2" 2>/dev/null
systemctl restart "$2"
"#;

/// Puts the option file from before back in place and starts the server. Arguments: UNIT.
const PUT_BACK: &str = r#"
path=$(cat /var/lib/tandem/option-file.path 2>/dev/null)
[ -n "$path" ] || exit 5
if [ -e /var/lib/tandem/option-file.before ]; then
  cp -p /var/lib/tandem/option-file.before "$path.new" && mv "$path.new" "$path"
else
  rm -f "$path"
fi
systemctl reset-failed "$1" 2>/dev/null
systemctl restart "$1"
"#;

/// Arguments: UNIT ENABLE.
const START: &str = r#"
[ "$2" = yes ] && { systemctl enable -q "$1" || exit 1; }
systemctl is-active -q "$1" && exit 0
systemctl reset-failed "$1" 2>/dev/null
systemctl start "$1" && exit 0
journalctl -q -n 40 -o cat -u "$1" 2>/dev/null
for log in /var/log/mysql/error.log /var/log/mariadb/mariadb.log /var/log/mysqld.log; do [ -r "$log" ] && tail -n 40 "$log"; done
exit 4
"#;

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
    host: &HostName,
    unit: &str,
    expect: &[(String, String)],
    before: Before<'_>,
    fleet: &Fleet<'_>,
    journal: &Journal,
) -> Result<Option<String>, StepError> {
    let writer = fleet.writer(host)?;
    let login = fleet.login(host)?;
    let begun = Instant::now();
    let tried = format!("restart {unit}");
    let datadir = fleet.server(host)?.variable("datadir").unwrap_or_default().trim_end_matches('/');
    if before.new_uuid {
        let tried = "move auto.cnf away";
        let done = writer.run(tried, FORGET_UUID, &[datadir], b"", COMES_BACK).await;
        journal.ran(host, tried, begun.elapsed(), if done.is_ok() { "ok" } else { "failed" });
        done.map_err(|e| StepError::new(host, tried, e))?;
    }
    let outcome = try_restart(&writer, login, unit).await;
    journal.ran(host, &tried, begun.elapsed(), outcome.as_ref().map_or_else(|e| e.as_str(), |()| "ok"));
    if let Err(why) = outcome {
        if before.new_uuid {
            // Should this fail as well, the server has lost nothing but its name.
            let _ = writer.run("put auto.cnf back", PUT_UUID_BACK, &[datadir, unit], b"", COMES_BACK).await;
        }
        let Some(path) = before.option_file else { return Err(StepError::new(host, tried, why)) };
        let back = writer.run("put the old option file back", PUT_BACK, &[unit], b"", COMES_BACK).await;
        let answers =
            back.is_ok() && wait_for_server(fleet.session(host)?, login, Duration::from_secs(60)).await;
        let now = match answers {
            true => format!(
                "{path} is as it was before, and the server runs again. Correct the setting in the inventory"
            ),
            false => format!("{path} is as it was before, but the server does not run; see its error log"),
        };
        return Err(StepError::new(host, tried, why).then(format!("{now}.")));
    }
    let took = begun.elapsed();
    let mut sql = fleet.reader(host).await?;
    for (name, wished) in expect {
        let rows = sql
            .query(&crate::dialect::ReadStatement::variable(name))
            .await
            .map_err(|e| StepError::new(host, "look at its variables", e))?;
        let Some(value) = rows.first().and_then(|r| r.at(1)).map(str::to_owned) else { continue };
        let on = name == "log_bin" && value == "ON";
        // The default of an option that was taken out is not always known.
        let known = !wished.is_empty() && wished != "DEFAULT";
        if known && !on && !wished.contains(',') && !same_value(name, &value, wished) {
            return Err(StepError::new(
                host,
                format!("give {name} the value {wished}"),
                format!("after the restart the server reports {value}"),
            ));
        }
    }
    sql.close().await;
    super::reconnect::replicas_of(host, fleet, journal).await;
    Ok(Some(format!("away for {}", crate::model::duration(took))))
}

/// Restarts a server for a proof and waits until it answers.
///
/// # Errors
/// With the cause out of its error log, where it does not come up.
pub async fn restart_for_proof(host: &HostName, unit: &str, fleet: &Fleet<'_>) -> Result<(), StepError> {
    try_restart(&fleet.writer(host)?, fleet.login(host)?, unit)
        .await
        .map_err(|why| StepError::new(host, format!("restart {unit}"), why))
}

async fn try_restart(writer: &Writer<'_>, login: &Login, unit: &str) -> Result<(), String> {
    let output = writer
        .try_run("restart the server", &format!("{MEND}{RESTART}"), &[unit], b"", COMES_BACK)
        .await
        .map_err(|e| e.to_string())?;
    if output.status != 0 {
        let log: Vec<String> = output.text().lines().map(str::to_owned).collect();
        return Err(last_words(&log)
            .unwrap_or_else(|| "the server does not come up; its error log does not say why".into()));
    }
    match wait_for_server(writer.session(), login, COMES_BACK).await {
        true => Ok(()),
        false => Err("the service runs, but the server does not answer".into()),
    }
}

/// Waits until the server takes a login.
pub async fn wait_for_server(session: &Session, login: &Login, limit: Duration) -> bool {
    let end = Instant::now() + limit;
    loop {
        if let Ok(sql) = session.sql(login, Duration::from_secs(5)).await {
            sql.close().await;
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Starts a service that is stopped, and has it start at boot.
pub async fn start(
    host: &HostName,
    unit: &str,
    enable: bool,
    fleet: &Fleet<'_>,
    journal: &Journal,
) -> Result<Option<String>, StepError> {
    let writer = fleet.writer(host)?;
    let begun = Instant::now();
    let tried = format!("start {unit}");
    let enable = if enable { "yes" } else { "no" };
    let output = writer
        .try_run(&tried, &format!("{MEND}{START}"), &[unit, enable], b"", COMES_BACK)
        .await
        .map_err(|why| StepError::new(host, tried.clone(), why))?;
    journal.ran(host, &tried, begun.elapsed(), if output.status == 0 { "ok" } else { "failed" });
    if output.status == 0 {
        return Ok(None);
    }
    let log: Vec<String> = output.text().lines().map(str::to_owned).collect();
    let why = last_words(&log).unwrap_or_else(|| "it does not say why".into());
    Err(StepError::new(host, tried, why).then("Mend the cause on the host, then apply again."))
}
