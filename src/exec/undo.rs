//! What a run changes on a server for its own time, and the host takes back by itself, should the run not come to it.
//!
//! The statements lie beside the run's lock in `/run/tandem` until they are settled; see `host/watch.sh`.

use super::{On, StepError};
use crate::{model::limits, transport::RunError};

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
pub(crate) struct Undo<'a> {
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
pub(crate) async fn prepare(on: On<'_>, undo: Undo<'_>) -> Result<(), StepError> {
    let tried = "prepare what the host takes back by itself";
    let tools = &on.facts()?.os.tools;
    let Some(client) = ["mariadb", "mysql"].iter().find_map(|name| tools.get(*name)) else {
        return Err(on
            .failed(tried, "neither mariadb nor mysql is installed")
            .then("Install the server's client package. Nothing was changed."));
    };
    let login = on.login()?;
    let mut input = zeroize::Zeroizing::new(format!(
        "[client]\nprotocol=socket\nloose-skip-ssl\nsocket=\"{}\"\nuser=\"{}\"\nconnect_timeout={}\npassword=\"",
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
    let args = [on.fleet.run.as_str(), undo.name, client, undo.record.unwrap_or_default()];
    match on.writer()?.run(tried, ADD, &args, input.as_bytes(), limits::LOOK.time).await {
        Ok(_) => Ok(()),
        Err(RunError::Failed { status: ENDED, .. }) => {
            Err(on.failed(tried, "the host has ended this run: it did not hear from it for too long"))
        }
        Err(error) => Err(on.failed(tried, error)),
    }
}

/// It has been taken back.
///
/// # Errors
/// When the host can't forget it.
pub(crate) async fn settle(on: On<'_>, name: &str) -> Result<(), StepError> {
    let tried = "note that nothing has to be taken back";
    let done = on.writer()?.run(tried, SETTLE, &[&on.fleet.run, name], b"", limits::LOOK.time).await;
    done.map(|_| ()).map_err(|e| on.failed(tried, e))
}
