//! A systemd unit.

use std::convert::Infallible;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Comparison, Kind, RoleFolder, Work,
    kind::unclear,
    spec::{Flag, Text, Wrong},
};
use crate::model::Fact;

/// a systemd unit
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceSpec {
    /// the unit
    name: Text,
    /// whether it shall run
    running: Option<Flag>,
    /// whether it shall start at boot
    enabled: Option<Flag>,
}

/// A unit that runs, or starts at boot, or does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// systemd unit.
    pub name: String,
    /// How it is to be.
    pub state: ServiceState,
}

/// How a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceState {
    /// Whether it runs.
    pub running: bool,
    /// Whether it starts at boot.
    pub enabled: bool,
}

impl ServiceState {
    fn shown(self) -> String {
        let running = if self.running { "running" } else { "stopped" };
        let enabled = if self.enabled { "starts at boot" } else { "does not start at boot" };
        format!("{running}, {enabled}")
    }
}

impl Kind for Service {
    const WORD: &'static str = "service";
    const LOOK: &'static str = "systemctl show -p LoadState,ActiveState,UnitFileState -- \"$1\" 2>&1";
    // Arguments: UNIT RUNNING ENABLED.
    const APPLY: &'static str = r#"
if [ "$3" = yes ]; then systemctl enable -q -- "$1"; else systemctl disable -q -- "$1"; fi || exit 1
if [ "$2" = yes ]; then systemctl start -- "$1"; else systemctl stop -- "$1"; fi
"#;

    const STEP: &'static str = "unit";

    type Spec = ServiceSpec;
    type State = ServiceState;
    type Obstacle = Infallible;

    fn declare(spec: ServiceSpec, _: &dyn RoleFolder) -> Result<Self, Wrong> {
        let on = |flag: Option<Flag>| flag.is_none_or(|flag| flag.0);
        let state = ServiceState { running: on(spec.running), enabled: on(spec.enabled) };
        Ok(Service { name: spec.name.0, state })
    }

    fn name(&self) -> Option<String> {
        Some(self.name.clone())
    }

    fn ask(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn read(&self, answer: &str) -> Fact<ServiceState> {
        let has = |line: &str| answer.lines().any(|l| l == line);
        if has("LoadState=loaded") {
            let (running, enabled) = (has("ActiveState=active"), has("UnitFileState=enabled"));
            Fact::Known(ServiceState { running, enabled })
        } else if has("LoadState=not-found") {
            Fact::Absent
        } else {
            unclear(answer)
        }
    }

    fn compare(&self, now: Option<&ServiceState>) -> Comparison<Self> {
        if now == Some(&self.state) { Comparison::Same } else { Comparison::Differs(self.clone()) }
    }

    fn work(&self, _now: Option<&ServiceState>) -> Work<'_> {
        let word = |on: bool| if on { "yes" } else { "no" }.to_owned();
        let args = vec![self.name.clone(), word(self.state.running), word(self.state.enabled)];
        Work { args, ..Work::default() }
    }

    fn what(&self) -> String {
        format!("service {}", self.name)
    }

    fn summary(&self, _now: Option<&ServiceState>) -> String {
        format!("make {} {}", self.name, self.state.shown())
    }

    fn before(&self, now: Option<&ServiceState>) -> Option<String> {
        // A package of the same plan may bring it.
        Some(now.map_or_else(|| "unknown to systemd".to_owned(), |state| state.shown()))
    }

    fn after(&self) -> Option<String> {
        Some(self.state.shown())
    }

    fn without_effect(&self, now: Option<&ServiceState>) -> (String, Option<String>) {
        let has = self.before(now).unwrap_or_default();
        let next = format!("Look at `systemctl status {}` on the host.", self.name);
        (format!("systemd did it, and says of it now: {has}"), Some(next))
    }
}
