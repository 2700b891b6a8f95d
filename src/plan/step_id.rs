//! What steps are called: the same from run to run, so that a saved plan, a journal and a report mean one thing.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CatchUpPhase, GtidPhase};
use crate::{model::HostName, resource::KindName};

/// A step's name within a plan, stable from run to run, such as `db-b/option-file`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct StepId(pub String);

impl StepId {
    /// The id of the step on a host that has this name there.
    pub(crate) fn of(host: &HostName, name: StepName<'_>) -> Self {
        Self(format!("{host}/{name}"))
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a step is called on its host: one name for each thing that a plan may change there.
#[derive(Debug, Clone, Copy)]
pub(crate) enum StepName<'a> {
    Account { user: &'a str, from: &'a str },
    CatchUp(CatchUpPhase),
    Certificate,
    Channel { source: &'a HostName },
    CloneAccount { from: &'a str },
    CloseToClients,
    CompareCopy { from: &'a HostName },
    Database { name: &'a str },
    Errant,
    Events,
    ExtraChannel { name: &'a str },
    Failover,
    Firewall,
    FirewallClose,
    GtidMode(GtidPhase),
    Heartbeat,
    Include,
    KeepOut { user: &'a str, from: &'a str },
    Leftovers,
    LetIn { user: &'a str, from: &'a str },
    LockLost { user: &'a str, from: &'a str },
    OpenToClients,
    OptionFile,
    OptionFileOpened,
    Persisted,
    RequireTls { user: &'a str, from: &'a str },
    Resource { kind: KindName, name: &'a str },
    Retention,
    RoleUnit,
    RoleUnitAway,
    Seed { from: &'a HostName },
    Server,
    Service,
    Start,
    Switchover,
    Variable,
}

impl fmt::Display for StepName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            StepName::Account { user, from } => return write!(f, "account/{user}@{from}"),
            StepName::Channel { source } => return write!(f, "channel/{source}"),
            StepName::CloneAccount { from } => return write!(f, "clone-account/{from}"),
            StepName::CompareCopy { from } => return write!(f, "compare/{from}"),
            StepName::Database { name } => return write!(f, "database/{name}"),
            StepName::ExtraChannel { name } => return write!(f, "extra-channel/{name}"),
            StepName::KeepOut { user, from } => return write!(f, "keep-out/{user}@{from}"),
            StepName::LetIn { user, from } => return write!(f, "let-in/{user}@{from}"),
            StepName::LockLost { user, from } => return write!(f, "lock-lost/{user}@{from}"),
            StepName::RequireTls { user, from } => return write!(f, "require-tls/{user}@{from}"),
            StepName::Resource { kind, name } => return write!(f, "{}/{name}", kind.step()),
            StepName::Seed { from } => return write!(f, "seed/{from}"),
            StepName::CatchUp(CatchUpPhase::BeforeClosing) => "catch-up/before",
            StepName::CatchUp(CatchUpPhase::AfterClosing) => "catch-up/last",
            StepName::Certificate => "certificate",
            StepName::CloseToClients => "close",
            StepName::Errant => "errant",
            StepName::Events => "events",
            StepName::Failover => "failover",
            StepName::Firewall => "firewall",
            StepName::FirewallClose => "firewall/close",
            StepName::GtidMode(GtidPhase::Off) => "gtid-mode/off",
            StepName::GtidMode(GtidPhase::OffPermissive) => "gtid-mode/off-permissive",
            StepName::GtidMode(GtidPhase::OnPermissive) => "gtid-mode/on-permissive",
            StepName::GtidMode(GtidPhase::On) => "gtid-mode/on",
            StepName::Heartbeat => "heartbeat",
            StepName::Include => "include",
            StepName::Leftovers => "leftovers",
            StepName::OpenToClients => "open",
            StepName::OptionFile => "option-file",
            StepName::OptionFileOpened => "option-file/open",
            StepName::Persisted => "persisted",
            StepName::Retention => "retention",
            StepName::RoleUnit => "role-unit",
            StepName::RoleUnitAway => "role-unit/away",
            StepName::Server => "server",
            StepName::Service => "service",
            StepName::Start => "start",
            StepName::Switchover => "switchover",
            StepName::Variable => "variable",
        };
        f.write_str(word)
    }
}
