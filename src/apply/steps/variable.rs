//! Variables that change without a restart.

use crate::{
    dialect::ReadStatement,
    exec::{On, SCRIPT, Statements, StepError, values},
    model::{ThreadState, visible},
    observe::{ChannelFacts, channels},
    option_file::{DEFAULT, owned_text, same_value, value_in_sql},
    plan::FileStage,
    transport::{Row, SqlError},
};

/// Somebody else's lock was waited for, and for no longer.
const LOCK_WAIT: u16 = 1205;

/// Sets variables of a running server; channels pause where the server wants that.
pub(super) async fn run(on: On<'_>, given: &[(String, String)]) -> Result<Option<String>, StepError> {
    let dialect = on.dialect()?;
    let mut sql = on.statements().await?;
    let pause = given.iter().any(|(name, _)| dialect.needs_stopped_channels(name));
    let tried = "pause its channels";
    let mut running = Vec::new();
    if pause {
        // As they are by now: a switch of writes has ended the host's own one.
        let now = channels(&on.reader().await?, dialect).await.map_err(|e| on.failed(tried, e))?;
        let runs = |c: &ChannelFacts| c.io_running != ThreadState::No || c.sql_running != ThreadState::No;
        running.extend(now.into_iter().filter(runs).map(|channel| channel.name));
        for name in &running {
            sql.run(&dialect.stop_channel(name)).await.map_err(|e| on.failed(tried, e))?;
        }
    }
    let given_to = give(on, &mut sql, given).await;
    // The channels go on even where a value was refused.
    if pause {
        for name in &running {
            sql.run(&dialect.start_channel(name))
                .await
                .map_err(|e| on.failed("start its channels again", e))?;
        }
    }
    given_to?;
    let opens = |(name, value): &(String, String)| name == "read_only" && same_value(name, value, "OFF");
    if given.iter().any(opens) && on.facts()?.role_unit.known().is_some() {
        // That it kept the server closed is over.
        let _ = on.writer()?.run("clear what its unit has said", SETTLED, &[], b"", SCRIPT).await;
    }
    values::taken(on, given).await
}

/// Gives the values. Where the server refuses one, those given before it are taken back, in the server and in our file.
async fn give(on: On<'_>, sql: &mut Statements<'_>, given: &[(String, String)]) -> Result<(), StepError> {
    let before = values::reported(on, given).await?;
    let Err((tried, error)) = set_all(on, sql, given).await? else { return Ok(()) };
    if error.code() == Some(LOCK_WAIT) {
        return Err(held_up(on, tried, error).await);
    }
    let refused = matches!(error, SqlError::Server { .. });
    let mut failed = on.failed(tried, error);
    if refused {
        for ((name, _), old) in given.iter().zip(&before).rev() {
            let Some(old) = old else { continue };
            if let Err(error) = sql.run(&set(name, old)).await {
                failed = failed.then(format!("{name} could not be set back to {old}: {error}."));
            }
        }
        failed = without_it(on, failed).await;
    }
    Err(failed)
}

/// Somebody's lock stands in the way of a value that is right: who may hold it, and what to do.
async fn held_up(on: On<'_>, tried: String, error: SqlError) -> StepError {
    let sessions = async {
        let reader = on.reader().await?;
        let rows = reader.query(ReadStatement::sessions()).await;
        let rows = rows.map_err(|e| on.failed("list its sessions", e))?;
        let of_client = |row: &&Row| {
            let id = row.number::<u64>("id").unwrap_or_default();
            let server = matches!(row.get("user"), None | Some("system user" | "event_scheduler"));
            !reader.is_own(id) && !server && row.number::<u64>("time").is_ok_and(|time| time > 0)
        };
        let told = |row: &Row| {
            let (id, user) = (row.get("id").unwrap_or_default(), row.get("user").unwrap_or_default());
            format!("{id} ({}, {} s)", visible(user), row.get("time").unwrap_or_default())
        };
        Ok::<_, StepError>(rows.iter().filter(of_client).map(told).collect::<Vec<_>>())
    };
    let who = match sessions.await {
        Ok(sessions) if !sessions.is_empty() => {
            format!("Sessions of clients there: {}. ", sessions.join(", "))
        }
        _ => String::new(),
    };
    on.failed(tried, error).then(format!(
        "A session holds a lock, such as that of LOCK TABLES. {who}Wait for it or end it (KILL ID), then run the same \
         command again."
    ))
}

/// Sets each value. The inner error is what was tried, and why it failed.
async fn set_all(
    on: On<'_>,
    sql: &mut Statements<'_>,
    given: &[(String, String)],
) -> Result<Result<(), (String, SqlError)>, StepError> {
    for (name, value) in given {
        if let Err(error) = sql.run(&set(name, value)).await {
            return Ok(Err((format!("set {name} to {value}"), error)));
        }
    }
    // One may have changed another one: a character set brings its own collation along, limits cut each other.
    for ((name, value), now) in given.iter().zip(values::reported(on, given).await?) {
        let same = value == DEFAULT || now.is_none_or(|now| same_value(name, value, &now));
        if given.len() > 1
            && !same
            && let Err(error) = sql.run(&set(name, value)).await
        {
            return Ok(Err((format!("set {name} to {value}"), error)));
        }
    }
    let dialect = on.dialect()?;
    if given.iter().any(|(name, _)| dialect.counts_after_reload(name))
        && let Some(reload) = dialect.reload_certificates()
        && let Err(error) = sql.run(reload).await
    {
        return Ok(Err(("load the certificates again".to_owned(), error)));
    }
    Ok(Ok(()))
}

const SETTLED: &str = "systemctl reset-failed tandem-role.service 2>/dev/null || :\n";

/// Gives our option file the text back that it had before: with a value that the server refuses it would not start.
async fn without_it(on: On<'_>, error: StepError) -> StepError {
    let written = async {
        let Some(files) = on.facts()?.option_files.known() else { return Ok(None) };
        let declared = on.fleet.desired.hosts.get(on.host).and_then(|host| host.option_file.clone());
        let Some(path) = declared.or_else(|| files.place_for_owned()) else { return Ok(None) };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let before = files.content(&path).map_or_else(|| owned_text(&files.group_suffix, &[]), text);
        super::option_file::run(on, (&path, &before), &FileStage::AsDeclared).await.map(|_| Some(path))
    };
    match written.await {
        Ok(None) => error,
        Ok(Some(path)) => error.then(format!("{path} is as it was before. Correct the value in the inventory.")),
        Err(other) => error.then(format!(
            "Its option file has the value and could not be put back: {}. Correct the value in the inventory and run \
             `tandem apply` again before the server is restarted.",
            other.why
        )),
    }
}

/// Takes variables out of `mysqld-auto.cnf`, so that the option files count again.
pub(super) async fn reset_persisted(on: On<'_>, names: &[String]) -> Result<Option<String>, StepError> {
    let dialect = on.dialect()?;
    let mut sql = on.statements().await?;
    for name in names {
        sql.run(&dialect.reset_persisted(name))
            .await
            .map_err(|e| on.failed(format!("take {name} out of mysqld-auto.cnf"), e))?;
    }
    Ok(None)
}

/// Sets a variable of a running server.
pub(super) fn set(name: &str, value: &str) -> String {
    format!("SET GLOBAL {name} = {}", value_in_sql(name, value))
}
