//! What a run changes on a server for its own time, and the host takes back by itself, should the run not come to it.
//!
//! The statements lie beside the run's lock in `/run/tandem` until they are settled; see `host/watch.sh`.

use super::{Fleet, StepError};
use crate::{model::HostName, model::limits, transport::RunError};

const ADD: &str = include_str!("host/undo.sh");
/// Arguments: RUN NAME.
const SETTLE: &str = r#"
at=/run/tandem/run-$1/undo/$2
rm -f "$at.sql" "$at.cnf" "$at.with"
"#;
/// The host has ended the run.
const ENDED: i32 = 3;

/// Something that is to be taken back.
#[derive(Debug, Clone, Copy)]
pub struct Undo<'a> {
    /// A name for it, of letters and dashes; what has the same name replaces it.
    pub name: &'a str,
    /// The statements.
    pub sql: &'a [String],
    /// A file on the host that says the same, and goes with it.
    pub record: Option<&'a str>,
}

/// Lets the host know how to take something back, before it is changed.
///
/// # Errors
/// When the host can't note it: then nothing must be changed.
pub async fn prepare(host: &HostName, undo: Undo<'_>, fleet: &Fleet<'_>) -> Result<(), StepError> {
    let tried = "prepare what the host takes back by itself";
    let tools = &fleet.facts(host)?.os.tools;
    let Some(client) = ["mariadb", "mysql"].iter().find_map(|name| tools.get(*name)) else {
        return Err(StepError::new(host, tried, "neither mariadb nor mysql is installed")
            .then("Install the server's client package. Nothing was changed."));
    };
    let login = fleet.login(host)?;
    let mut input = zeroize::Zeroizing::new(format!(
        "[client]\nprotocol=socket\nsocket=\"{}\"\nuser=\"{}\"\nconnect_timeout={}\npassword=\"",
        login.socket,
        login.user,
        limits::UNDO.time.as_secs()
    ));
    let password = login.password_line();
    input.push_str(password.trim_end_matches('\n'));
    input.push_str("\"\n--\n");
    input.push_str(&format!("SET SESSION lock_wait_timeout = {};\n", limits::UNDO.time.as_secs()));
    for statement in undo.sql {
        input.push_str(statement);
        input.push_str(";\n");
    }
    let args = [fleet.run.as_str(), undo.name, client, undo.record.unwrap_or_default()];
    match fleet.writer(host)?.run(tried, ADD, &args, input.as_bytes(), limits::LOOK.time).await {
        Ok(_) => Ok(()),
        Err(RunError::Failed { status: ENDED, .. }) => Err(StepError::new(
            host,
            tried,
            "the host has ended this run: it did not hear from it for too long",
        )),
        Err(error) => Err(StepError::new(host, tried, error)),
    }
}

/// It has been taken back.
///
/// # Errors
/// When the host can't forget it.
pub async fn settle(host: &HostName, name: &str, fleet: &Fleet<'_>) -> Result<(), StepError> {
    let tried = "note that nothing has to be taken back";
    let done = fleet.writer(host)?.run(tried, SETTLE, &[&fleet.run, name], b"", limits::LOOK.time).await;
    done.map(|_| ()).map_err(|e| StepError::new(host, tried, e))
}
