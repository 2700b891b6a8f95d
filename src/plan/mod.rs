//! The plan: steps with reasons, risks and an order, and what waits or is refused. Pure values.
//!
//! A [`Plan`] is made by `diff::build` from what is wished and what was observed. People and machines see
//! the same value: `render` turns its JSON form into text.

mod action;
mod allow;
mod because;
mod effect;
mod events;
mod failover;
mod finding;
mod ignore;
mod json;
mod limit;
mod losses;
mod next;
mod order;
mod policy;
mod refused;
mod risk;
mod stale;
mod state;
mod step;
mod step_id;
mod switchover;
mod waiting;

pub use action::{
    AccountChange, AccountTask, Action, AuthorityPlan, CLONE_USER, CatchUpPhase, CertificatePlan,
    ChannelChange, ChannelTask, ClonePlan, ComparePlan, Coordinates, CopyMethod, EndedChannel, FileStage,
    GtidPhase, SeedPlan,
};
pub use allow::Allow;
pub use because::{Because, Reason, Worded};
pub use effect::{Effect, Taken};
pub use events::Events;
pub use failover::{Failover, Receiver};
pub use finding::{
    AuthorityFinding, DriftKind, EventsFinding, Finding, Judged, LostFinding, NameFinding, OnBoth,
    PairFinding, RowsFinding, SampledTable, ServerFinding, SourceFinding, Undeclared, WritersFinding,
};
pub use ignore::{IgnoreOutcome, Ignored, NeverFits};
pub use json::{
    DataEffect, FORMAT_VERSION, Inputs, PlaceDocument, PlanDocument, PlanFileError, ReasonDocument,
    RefusedDocument, RiskDocument, StepDocument, Summary, WaitingDocument, WarningDocument,
};
pub use losses::{EventLoss, Losses, Rows, TableLoss};
pub(crate) use next::workaround;
pub use next::{Next, Settle, WayOut};
pub use order::{before_option_file, in_order, link};
pub use policy::{Policy, blocked_by_policy, missing_words, unneeded};
pub use refused::{
    Ahead, Alive, AuthorityRefused, ChannelRefused, Copies, CopyRefused, DataRefused, EndRefused,
    FirewallRefused, GivenRefused, GtidWay, Lost, Met, MethodRefused, NotRead, OldTls, PairRefused, Refused,
    ServerRefused, SettingRefused, TakeoverRefused, Unable, ValueRefused, WayToSource,
};
pub use risk::{CutClient, HasReceived, Kept, LockReason, LostLogs, Note, Risk, UndeclaredReplica};
pub use stale::Stale;
pub use state::{Change, Hidden, Named, PackageVersion, State, Value};
pub use step::{Kind, Step};
pub use step_id::StepId;
pub(crate) use step_id::StepName;
pub use switchover::{Hop, Span, Switchover, UndeclaredChannel};
pub use waiting::{Follows, HostWaits, Need, Part, SourceWaits, WaitsFor};

use crate::model::HostName;

/// Something for which nothing was planned, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The host.
    pub host: HostName,
    /// What it waits for.
    pub why: WaitsFor,
}

/// Something about the hosts that a person should know. It changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The host, or the first of two.
    pub host: HostName,
    /// What.
    pub what: Finding,
}

/// Something that is wished and will not be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The host.
    pub host: HostName,
    /// Why.
    pub why: Refused,
}

/// What is to be done on a fleet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The steps, in an order in which they may run.
    pub steps: Vec<Step>,
    /// Hosts or wishes for which nothing is planned, with the reason.
    pub waiting: Vec<Waiting>,
    /// What was refused.
    pub refused: Vec<Refusal>,
    /// What is worth knowing and changes nothing.
    pub warnings: Vec<Warning>,
    /// Hosts that accept writes of clients now, as far as they were read.
    pub writers: Vec<HostName>,
}

impl Plan {
    /// Hosts that accept writes beside the one that is declared to, and does.
    pub fn second_writers(&self) -> Vec<&HostName> {
        let several = self.warnings.iter().filter_map(|warning| match &warning.what {
            Finding::Writers(WritersFinding::Several { writers, .. }) if writers.contains(&warning.host) => {
                Some(writers.iter().filter(|host| **host != warning.host))
            }
            _ => None,
        });
        several.flatten().collect()
    }

    /// Whether reality is as wished: no step, nothing refused and nothing waiting, and no other number of writers.
    pub fn in_sync(&self) -> bool {
        let writers = self.warnings.iter().any(|warning| matches!(warning.what, Finding::Writers(_)));
        self.steps.is_empty() && self.refused.is_empty() && self.waiting.is_empty() && !writers
    }
}
