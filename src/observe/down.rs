//! What tells why a server is down.

use std::collections::BTreeMap;

use crate::{model::ServerVersion, transport::Sections};

/// What systemd, the logs and the program itself say of a server that does not run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DownFacts {
    /// `SubState` of the unit, such as `dead`, `failed` or `auto-restart`.
    pub sub_state: String,
    /// `UnitFileState`, such as `enabled` or `disabled`.
    pub unit_file: String,
    /// How often systemd has started it again by itself since somebody has started it.
    pub restarts: u32,
    /// How its last process ended.
    pub ended: Ended,
    /// When it became inactive, as systemd writes it; empty where it was never started since the host's boot.
    pub since: String,
    /// When its last process was started, in seconds since 1970 by the host's clock.
    pub started: Option<f64>,
    /// Whether a condition of the unit did not hold, so that nothing was started.
    pub condition_failed: bool,
    /// The last messages of systemd itself about the unit.
    pub systemd: Vec<String>,
    /// The version of the program that would run.
    pub version: Option<ServerVersion>,
    /// The ends of its logs.
    pub logs: Vec<Log>,
}

impl DownFacts {
    /// Whether its last start has failed. While systemd starts it again, how it ended is not told any more.
    pub fn failed(&self) -> bool {
        !matches!(self.ended.result.as_str(), "success" | "") || self.restarts > 0
    }
}

/// How a service ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// `Result`, such as `success`, `exit-code`, `signal`, `oom-kill`, `timeout` or `start-limit-hit`.
    pub result: String,
    /// `ExecMainCode`: 1 for an exit, 2 for a signal, 3 for one with a core dump.
    pub code: u32,
    /// `ExecMainStatus`: the exit status, or the signal's number.
    pub status: u32,
    /// Whether it did not come up within the limit.
    pub late: bool,
    /// Whether it came up and let root in no more.
    pub shut: bool,
}

impl Ended {
    /// Out of properties as `systemctl show` writes them.
    pub(super) fn read(pairs: &BTreeMap<String, String>) -> Self {
        let number = |key: &str| pairs.get(key).and_then(|v| v.parse().ok()).unwrap_or(0);
        Self {
            result: pairs.get("Result").cloned().unwrap_or_default(),
            code: number("ExecMainCode"),
            status: number("ExecMainStatus"),
            late: pairs.contains_key("Late"),
            shut: pairs.contains_key("Shut"),
        }
    }
}

/// The end of one log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Log {
    /// Its path, or `journal`.
    pub path: String,
    /// When it was last written to, in seconds since 1970; 0 where that is not known.
    pub written: f64,
    /// Its last lines.
    pub lines: Vec<String>,
}

/// The facts of the script, where it found that the server is down.
pub(super) fn facts(sections: &Sections<'_>) -> Option<DownFacts> {
    let unit = sections.text("unit")?;
    let pairs = sections.pairs("unit");
    let text = |key: &str| pairs.get(key).cloned().unwrap_or_default();
    let number = |key: &str| pairs.get(key).and_then(|v| v.parse::<f64>().ok());
    // systemd counts from the boot, in microseconds.
    let clock = sections.pairs("host").get("clock").and_then(|c| c.parse::<f64>().ok());
    let begun = number("ExecMainStartTimestampMonotonic").filter(|at| *at > 0.0);
    let started = match (clock, number("uptime"), begun) {
        (Some(clock), Some(uptime), Some(begun)) => Some(clock - uptime + begun / 1e6),
        _ => None,
    };
    Some(DownFacts {
        sub_state: text("SubState"),
        unit_file: text("UnitFileState"),
        restarts: pairs.get("NRestarts").and_then(|n| n.parse().ok()).unwrap_or(0),
        ended: Ended::read(&pairs),
        since: text("InactiveEnterTimestamp"),
        started,
        condition_failed: pairs.get("ConditionResult").is_some_and(|r| r == "no"),
        systemd: unit.lines().filter_map(|l| l.strip_prefix("systemd=")).map(str::to_owned).collect(),
        version: pairs.get("version").and_then(|v| ServerVersion::parse(v)),
        logs: (1..).map_while(|n| log(&sections.text(&format!("log {n}"))?)).collect(),
    })
}

fn log(text: &str) -> Option<Log> {
    let mut lines = text.lines();
    let (written, path) = lines.next()?.split_once(' ')?;
    Some(Log {
        path: path.to_owned(),
        written: written.parse().unwrap_or(0.0),
        lines: lines.map(str::to_owned).collect(),
    })
}
