//! Variables that change without a restart.

use crate::model::ThreadState;
use crate::{
    dialect::literal,
    exec::{On, StepError, values},
    option_file::{canonical_value, owned_text},
    plan::FileStage,
    transport::SqlError,
};

/// Sets variables of a running server; channels pause where the server wants that.
pub async fn run(on: On<'_>, given: &[(String, String)]) -> Result<Option<String>, StepError> {
    let dialect = on.dialect()?;
    let mut sql = on.statements().await?;
    let running: Vec<String> = on
        .server()?
        .channels
        .known()
        .into_iter()
        .flatten()
        .filter(|c| c.io_running != ThreadState::No || c.sql_running != ThreadState::No)
        .map(|c| c.name.clone())
        .collect();
    let pause = given.iter().any(|(name, _)| dialect.needs_stopped_channels(name));
    let tried = "pause its channels";
    if pause {
        for name in &running {
            sql.run(&dialect.stop_channel(name)).await.map_err(|e| on.failed(tried, e))?;
        }
    }
    let mut failed = None;
    for (name, value) in given {
        if let Err(error) = sql.run(&set(name, value)).await {
            let refused = matches!(error, SqlError::Server { .. });
            let error = on.failed(format!("set {name} to {value}"), error);
            failed = Some(if refused { without_it(on, error).await } else { error });
            break;
        }
    }
    if failed.is_none()
        && given.iter().any(|(name, _)| dialect.counts_after_reload(name))
        && let Some(reload) = dialect.reload_certificates()
    {
        let reloaded = sql.run(reload).await;
        failed = reloaded.err().map(|e| on.failed("load the certificates anew", e));
    }
    // The channels go on even where a value was refused.
    if pause {
        for name in &running {
            sql.run(&dialect.start_channel(name))
                .await
                .map_err(|e| on.failed("start its channels again", e))?;
        }
    }
    match failed {
        Some(error) => Err(error),
        None => values::taken(on, given).await,
    }
}

/// Gives our option file the text back that it had before: with a value that the server refuses it would not start.
async fn without_it(on: On<'_>, error: StepError) -> StepError {
    let written = async {
        let Some(files) = on.facts()?.option_files.known() else { return Ok(None) };
        let declared = on.fleet.desired.hosts.get(on.host).and_then(|host| host.option_file.clone());
        let Some(path) = declared.or_else(|| files.place_for_owned()) else { return Ok(None) };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let before = files.content(&path).map_or_else(|| owned_text(&[]), text);
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
pub async fn reset_persisted(on: On<'_>, names: &[String]) -> Result<Option<String>, StepError> {
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
    format!("SET GLOBAL {name} = {}", operand(name, value))
}

/// Numbers without quotes, everything else as a text: the server takes `'ON'` for a boolean.
fn operand(name: &str, value: &str) -> String {
    if value == "DEFAULT" {
        return value.to_owned();
    }
    let canonical = canonical_value(name, value);
    let number =
        !canonical.is_empty() && canonical.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-');
    let boolean =
        matches!(value.to_ascii_uppercase().as_str(), "ON" | "OFF" | "TRUE" | "FALSE" | "YES" | "NO");
    if number && !boolean { canonical } else { literal(value) }
}
