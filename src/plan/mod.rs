//! The plan: steps with reasons, risks and an order, and what waits or is refused. Pure values.
//!
//! A [`Plan`] is made by [`build`] from what is wished and what was observed. People and machines see
//! the same value: `render` turns its JSON form into text.

mod action;
mod code;
mod effect;
mod ignore;
mod json;
mod limit;
mod order;
mod policy;
mod refused;
mod risk;
mod step;
mod waiting;

pub use action::{
    Action, AuthorityPlan, CLONE_USER, CertificatePlan, ChannelChange, ClonePlan, ComparePlan, Coordinates,
    CopyMethod, EndedChannel, GtidPhase, Hop, Moment, SeedPlan, UndeclaredChannel,
};
pub use effect::{Effect, Taken};
pub use ignore::{IgnoreOutcome, Ignored};
pub use json::{
    DataEffect, FORMAT_VERSION, Inputs, PlanDocument, PlanFileError, RefusedDocument, StepDocument, Summary,
    WaitingDocument,
};
pub use order::{in_order, link};
pub use policy::{Allow, Policy, UnknownAllow, blocked_by_policy, missing_words, unneeded};
pub use refused::{
    AuthorityRefused, ChannelRefused, CopyRefused, DataRefused, EndRefused, FirewallRefused, Lost, Met,
    NotRead, PairRefused, Refused, ServerRefused, SettingRefused,
};
pub use risk::{Risk, RiskDocument, RiskKind};
pub use step::{Kind, Plan, Reason, Refusal, Step, StepId, Waiting, Warning};
pub use waiting::{Follows, HostWaits, Need, Part, SourceWaits, WaitsFor};
