//! Plain resources of users' roles.

use std::time::{Duration, Instant};

use crate::{
    exec::{Fleet, StepError, journal::Journal},
    model::{HostName, limits},
    transport::{Output, RunError, command_words},
};

const COMMAND: Duration = limits::COMMAND.time;

/// Arguments: PATH OWNER GROUP MODE. Standard input: the content.
const FILE: &str = concat!(
    include_str!("../../transport/safe.sh"),
    r#"
set -u
umask 077
safe_place "${1%/*}/" || exit 1
new=$(mktemp "$1.XXXXXX") || exit 1
trap 'rm -f "$new"' EXIT
cat >"$new" && chown -- "$2:$3" "$new" && chmod -- "$4" "$new" && sync "$new" && mv -- "$new" "$1"
"#
);

/// Arguments: UNIT RUNNING ENABLED.
const UNIT: &str = r#"
set -u
if [ "$3" = yes ]; then systemctl enable -q -- "$1"; else systemctl disable -q -- "$1"; fi || exit 1
if [ "$2" = yes ]; then systemctl start -- "$1"; else systemctl stop -- "$1"; fi
"#;

fn outcome(
    host: &HostName,
    tried: &str,
    begun: Instant,
    result: Result<Output, RunError>,
    journal: &Journal,
) -> Result<Option<String>, StepError> {
    let said = result.as_ref().map_or_else(ToString::to_string, |_| "ok".to_owned());
    journal.ran(host, tried, begun.elapsed(), &said);
    match result {
        Ok(_) => Ok(None),
        Err(RunError::Failed { status, stderr, .. }) => {
            let said = stderr.lines().rfind(|l| !l.trim().is_empty()).unwrap_or("no words").trim().to_owned();
            Err(StepError::new(host, tried, format!("exit status {status}: {said}")))
        }
        Err(error) => Err(StepError::new(host, tried, error)),
    }
}

/// Writes a file: whole or not at all.
pub async fn write_file(
    host: &HostName,
    [path, owner, group, mode]: [&String; 4],
    content: &str,
    fleet: &Fleet<'_>,
    journal: &Journal,
) -> Result<Option<String>, StepError> {
    let begun = Instant::now();
    let tried = format!("write {path}");
    let args = [path.as_str(), owner, group, mode];
    let result = fleet.writer(host)?.run(&tried, FILE, &args, content.as_bytes(), COMMAND).await;
    outcome(host, &tried, begun, result, journal)
}

/// Starts or stops a service.
pub async fn unit(
    host: &HostName,
    unit: &str,
    running: bool,
    enabled: bool,
    fleet: &Fleet<'_>,
    journal: &Journal,
) -> Result<Option<String>, StepError> {
    let begun = Instant::now();
    let word = |on: bool| if on { "yes" } else { "no" };
    let tried = format!("make {unit} what it shall be");
    let result =
        fleet.writer(host)?.run(&tried, UNIT, &[unit, word(running), word(enabled)], b"", COMMAND).await;
    outcome(host, &tried, begun, result, journal)
}

/// Runs a command, and sees that its guard succeeds now.
pub async fn command(
    host: &HostName,
    run: &[String],
    unless: &[String],
    fleet: &Fleet<'_>,
    journal: &Journal,
) -> Result<Option<String>, StepError> {
    let begun = Instant::now();
    let tried = format!("run `{}`", run.join(" "));
    let writer = fleet.writer(host)?;
    let script = "sh -c \"$1\" >/dev/null </dev/null";
    let result = writer.run(&tried, script, &[&command_words(run)], b"", COMMAND).await;
    outcome(host, &tried, begun, result, journal)?;
    let guard = writer.try_run("look at its guard", script, &[&command_words(unless)], b"", COMMAND).await;
    match guard {
        Ok(output) if output.status == 0 => Ok(None),
        Ok(output) => Err(StepError::new(
            host,
            tried,
            format!("it succeeded, but its guard `{}` still fails with {}", unless.join(" "), output.status),
        )
        .then("A command whose guard does not see its effect would run each time; correct the guard in the role.")),
        Err(error) => Err(StepError::new(host, tried, error)),
    }
}
