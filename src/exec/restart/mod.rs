//! Restarts under the host's own switch.
//!
//! What was there before is kept and compared first. Then a transient unit on the host restarts the server, waits until it
//! answers, and puts the old things back if it does not. It needs no controller for that, and what it has done is noted on
//! the host. Until the server was seen to come up, a unit for the next boot does the same after a power cut.

use std::time::{Duration, Instant};

use super::{On, SCRIPT, StepError};
use crate::{
    model::limits,
    observe::{HostFacts, RestartRecord, RestartState},
    transport::ReadScript,
};

/// Functions of scripts that name a place that can't be written.
pub(crate) const PLACE: &str = concat!(include_str!("../../transport/safe.sh"), include_str!("place.sh"));
const ARM: &str = include_str!("arm.sh");
const SWITCH: &str = include_str!("switch.sh");
const LAUNCH: &str = include_str!("launch.sh");
const WRITE: &str =
    concat!(include_str!("../../transport/server_program.sh"), include_str!("option_file.sh"));
const INCLUDE: &str = concat!(include_str!("../../transport/server_program.sh"), include_str!("include.sh"));
const WATCH: ReadScript = ReadScript::new("wait for the server", include_str!("watch.sh"));

/// Gives a server its data directory back, where the host died between two renames. Goes before a script that
/// starts the server.
const RESTORE_DATADIR: &str = concat!(
    include_str!("../../transport/safe.sh"),
    r#"
if [ -s /var/lib/tandem/aside ]; then
  private_dir /var/lib/tandem && private_dir /run/tandem || exit 1
  if command -v flock >/dev/null 2>&1; then exec 9>>/run/tandem/aside.lock; flock -w 3600 9; fi
  { IFS= read -r datadir; } </var/lib/tandem/aside
  for there in "$datadir.tandem-unfinished" "$datadir.tandem-old"; do
    [ -e "$datadir" ] || [ ! -d "$there" ] || mv "$there" "$datadir"
  done
fi
"#
);

/// How long one look at the switch takes at most.
const LOOK: Duration = limits::RESTART_LOOK.time;
/// How long a server that runs may take to stop, beyond its limit for coming up.
const STOPS: Duration = limits::SHUTDOWN.time;

/// What the switch has to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order<'a> {
    /// systemd unit.
    pub unit: &'a str,
    /// Whether a server that runs is restarted, or one that is down is started.
    pub restart: bool,
    /// Whether it shall start at boot from now on.
    pub enable: bool,
    /// Data directory of a server that shall make itself another UUID.
    pub new_uuid: Option<&'a str>,
}

/// The script that the host keeps.
fn switch() -> String {
    format!("{RESTORE_DATADIR}{SWITCH}")
}

/// The script that writes the option file.
pub(crate) fn write_script() -> String {
    format!("{PLACE}{ARM}{WRITE}")
}

/// The script that has an option file of somebody's include a directory.
pub(crate) fn include_script() -> String {
    format!("{PLACE}{INCLUDE}")
}

/// Arguments that both scripts share: unit, socket, log, limit, and the switch.
pub(crate) struct Given {
    pub socket: String,
    pub log: String,
    pub limit: String,
    pub switch: String,
}

impl Given {
    pub(crate) fn of(on: On<'_>) -> Result<Self, StepError> {
        Ok(Self {
            // A server that was never reached is only seen to run.
            socket: on.login().map(|l| l.socket.clone()).unwrap_or_default(),
            log: error_log(on.facts()?),
            limit: limit(on).as_secs().max(1).to_string(),
            switch: switch(),
        })
    }
}

/// How long a server may take to come up.
pub(crate) fn limit(on: On<'_>) -> Duration {
    let host = on.host;
    on.fleet.desired.hosts.get(host).map_or(crate::model::limits::RESTART.time, |h| h.restart_wait)
}

/// The file in which the server writes what goes wrong; empty where it writes to the journal.
fn error_log(facts: &HostFacts) -> String {
    if let Some(server) = facts.server.known() {
        let datadir = server.variable("datadir").unwrap_or_default().trim_end_matches('/');
        return match server.variable("log_error").unwrap_or_default() {
            "" | "stderr" => String::new(),
            path if path.starts_with('/') => path.to_owned(),
            path => format!("{datadir}/{}", path.trim_start_matches("./")),
        };
    }
    let logs = facts.down.iter().flat_map(|down| &down.logs);
    logs.map(|log| log.path.clone()).find(|path| path.starts_with('/')).unwrap_or_default()
}

/// Has the host restart or start its server, and waits for what comes of it.
pub(crate) async fn run(on: On<'_>, tried: &str, order: Order<'_>) -> Result<RestartRecord, StepError> {
    let host = on.host;
    let given = Given::of(on)?;
    on.session()?.forget_sql();
    let mode = if order.restart { "restart" } else { "start" };
    let enable = if order.enable { "yes" } else { "no" };
    let (uuid, unit) = (order.new_uuid.unwrap_or_default(), order.unit);
    let args = [mode, unit, &given.socket, &given.log, &given.limit, uuid, enable, &given.switch];
    let limit = limit(on);
    let text = format!("{PLACE}{ARM}{LAUNCH}");
    let launched = on.writer()?.run(tried, &text, &args, b"", limit + SCRIPT).await;
    launched.map_err(|e| StepError::unwritten(host, tried, e))?;
    watch(on, tried, limit).await
}

async fn watch(on: On<'_>, tried: &str, limit: Duration) -> Result<RestartRecord, StepError> {
    let begun = Instant::now();
    let seconds = LOOK.as_secs().to_string();
    let by_itself = "The host goes on by itself: if the server does not come up, what was there before is put back. \
                     Then run `tandem apply` again.";
    loop {
        let looked = on.session()?.read(&WATCH, &[&seconds], LOOK + SCRIPT).await;
        let text = looked.map_err(|e| on.failed(tried, e).then(by_itself))?.text();
        let Some(record) = RestartRecord::watched(&text) else {
            return Err(on.failed(tried, "the host has not noted how it went").then(by_itself));
        };
        if !matches!(record.state, RestartState::Written | RestartState::Restarting) {
            return Ok(record);
        }
        if begun.elapsed() > limit * 2 + STOPS {
            return Err(on.failed(tried, "the server is still stopping or starting").then(by_itself));
        }
    }
}
