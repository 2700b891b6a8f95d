//! The programs of a copy on both hosts: what ends them, and what a replica does that takes nothing.

use crate::{
    exec::{Fleet, On, StepError},
    model::{HostName, limits},
    transport::{Patience, ReadScript, RelayError, ScriptErr, Sink, Stream},
};

use tokio::io::AsyncReadExt;

/// Puts the name of a stream into the environment of its programs. The host ends them by it.
fn named(name: &str, text: &str) -> String {
    format!("TANDEM_STREAM={name}; export TANDEM_STREAM\n{text}")
}

/// Ends the programs of a stream. Arguments: NAME.
const END: &str = r#"
signal() {
  for file in $(grep -ls "TANDEM_STREAM=$1\$\|TANDEM_STREAM=$1[^0-9]" /proc/[0-9]*/environ 2>/dev/null); do
    file=${file#/proc/}
    kill -s "$2" "${file%/environ}" 2>/dev/null
    found=yes
  done
}
found=
signal "$1" TERM
[ -z "$found" ] || { sleep 1; signal "$1" CONT; signal "$1" KILL; }
"#;

/// Prints the free space of a file system in KiB. Arguments: DIRECTORY.
const FREE: ReadScript =
    ReadScript::new("look at its free space", r#"df -Pk -- "$1" | awk 'NR == 2 { print $4 }'"#);
/// Below this a disk counts as full; servers wait for room with less than a block.
const FULL: u64 = 1024;

/// How long a copy of this run may stand still.
pub(super) fn patience(fleet: &Fleet<'_>) -> Patience {
    let stall = fleet.limits.stall;
    Patience { stall, work: limits::LONG_STATEMENT.time.max(stall) }
}

/// Starts a script whose programs end with the run.
pub(super) async fn start<'f>(
    on: On<'f>,
    (what, name): (&str, &str),
    text: &str,
    args: &[&str],
) -> Result<Stream<'f>, StepError> {
    let stream = on.writer()?.stream(what, &named(name, text), args).await;
    stream.map_err(|e| on.failed(what, e))
}

/// Ends the programs of a copy that has failed; some would wait for ever.
pub(super) async fn end(hosts: [&HostName; 2], name: &str, fleet: &Fleet<'_>) {
    for host in hosts {
        let Ok(writer) = fleet.on(host).writer() else { continue };
        // Where this can't be run, the host ends them with the run.
        let _ = writer.try_run("end the programs of the copy", END, &[name], b"", limits::LOOK.time).await;
    }
}

/// The beginning of all that a script says.
pub(super) async fn all(messages: &mut ScriptErr) -> String {
    let mut text = Vec::new();
    let _ = messages.take(64 * 1024).read_to_end(&mut text).await;
    String::from_utf8_lossy(&text).into_owned()
}

/// What a failed copy says, and what to do about it.
pub(super) fn failed(error: &RelayError, tried: String) -> StepError {
    let step = StepError::new(error.host(), tried, error);
    match error {
        RelayError::Stalled { .. } => step.then(
            "Look at what holds it up on that host. Where it only needs longer, use --stall-timeout. Then apply again; \
             the copy starts over.",
        ),
        RelayError::Failed { .. } => step.then("Apply again; the copy starts over."),
    }
}

/// What a replica does that takes nothing of a copy.
pub(super) async fn look(on: On<'_>) -> Sink {
    if let Ok(server) = on.server()
        && let Some(directory) = server.variable("datadir")
        && let Ok(session) = on.session()
        && let Ok(output) = session.read(&FREE, &[directory], limits::LOOK.time).await
        && output.text().trim().parse::<u64>().is_ok_and(|free| free < FULL)
    {
        return Sink::Hangs(Some(format!("the disk with {directory} is full")));
    }
    match statements(on).await {
        Ok(states) if states.is_empty() => Sink::Hangs(None),
        Ok(states) => match states.iter().find(|state| !state.starts_with("Waiting")) {
            Some(_) => Sink::Works,
            None => Sink::Hangs(states.into_iter().next().map(|state| format!("its server says `{state}`"))),
        },
        Err(why) => Sink::Hangs(Some(format!("its server does not answer ({why})"))),
    }
}

/// The states of the statements that a server runs for us, without this one.
async fn statements(on: On<'_>) -> Result<Vec<String>, StepError> {
    let user = on.login()?.user.clone();
    let sql = on.reader().await?;
    let own = sql.session_id().to_string();
    let rows = sql.query(&crate::dialect::ReadStatement::sessions()).await;
    let failed = |e| on.failed("look at its statements", e);
    let mut states = Vec::new();
    for row in &rows.map_err(failed)? {
        let is_own = row.optional("user").map_err(failed)? == Some(user.as_str());
        let works = row.need("command").map_err(failed)? == "Query";
        if is_own && works && row.need("id").map_err(failed)? != own {
            states.push(row.optional("state").map_err(failed)?.unwrap_or_default().to_owned());
        }
    }
    Ok(states)
}
