//! The plan: steps with reasons, risks and an order, and what waits or is refused. Pure values.
//!
//! A [`Plan`] is made by [`build`] from what is wished and what was observed. People and machines see
//! the same value: `render` turns its JSON form into text.

mod action;
mod because;
mod code;
mod effect;
mod finding;
mod ignore;
mod json;
mod limit;
mod next;
mod order;
mod policy;
mod refused;
mod risk;
mod stale;
mod state;
mod step;
mod waiting;

pub use action::{
    Action, AuthorityPlan, CLONE_USER, CertificatePlan, ChannelChange, ChannelTask, ClonePlan, ComparePlan,
    Coordinates, CopyMethod, EndedChannel, GtidPhase, Hop, Moment, SeedPlan, UndeclaredChannel,
};
pub use because::{Because, Reason};
pub use effect::{Effect, Taken};
pub use finding::{
    AuthorityFinding, DriftKind, Finding, Judged, NameFinding, OnBoth, PairFinding, RowsFinding,
    ServerFinding, SourceFinding, Undeclared,
};
pub use ignore::{IgnoreOutcome, Ignored};
pub use json::{
    DataEffect, FORMAT_VERSION, Inputs, PlaceDocument, PlanDocument, PlanFileError, ReasonDocument,
    RefusedDocument, RiskDocument, StepDocument, Summary, WaitingDocument, WarningDocument,
};
pub use next::Next;
pub use order::{in_order, link};
pub use policy::{Allow, Policy, blocked_by_policy, missing_words, unneeded};
pub use refused::{
    AuthorityRefused, ChannelRefused, CopyRefused, DataRefused, EndRefused, FirewallRefused, Lost, Met,
    NotRead, PairRefused, Refused, ServerRefused, SettingRefused,
};
pub use risk::{CutClient, Kept, LockReason, LostLogs, Note, Risk, UndeclaredReplica};
pub use stale::Stale;
pub use state::{Change, Hidden, Named, PackageVersion, State, Value};
pub use step::{Kind, Plan, Refusal, Step, StepId, Waiting, Warning};
pub use waiting::{Follows, HostWaits, Need, Part, SourceWaits, WaitsFor};
