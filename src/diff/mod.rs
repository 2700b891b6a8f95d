//! Compares what is wished with what was observed, one resource family per module. Pure.

mod accounts;
mod binlogs;
mod build;
mod by_hand;
mod certificates;
mod channel;
mod compare_copy;
mod compatibility;
mod copy;
mod data;
mod donor;
mod ends;
mod errant;
mod events;
mod failover;
mod fault;
mod filters;
mod firewall;
mod gtid_mode;
mod heartbeat;
mod keep;
mod left_out;
mod leftovers;
mod loss;
mod lost;
mod moved;
mod old_server;
mod pair;
mod promotion;
mod proof;
mod resources;
mod restarted;
mod retention;
mod role_unit;
mod rolling;
mod second_writer;
mod server;
mod service;
mod settings;
mod several;
mod stand_in;
mod switchover;
mod takeover;
mod undeclared;
mod unfit;
mod unmatched;
mod uuid;
mod ways;
mod whole;
mod writers;

pub use build::build;
pub(crate) use build::{changing_ends, copies_to_inspect, switching};
pub(crate) use failover::{followers, most_advanced};
pub(crate) use settings::values_to_ask;
pub use stand_in::stand_in;
pub(crate) use unfit::planned_copies;
pub(crate) use writers::used_writers;

use std::collections::BTreeMap;

use crate::{
    desired::{Desired, DesiredHost, Turned},
    model::{HostName, Secret, SecretId},
    observe::{HostFacts, Observed},
    plan::{Action, Finding, HostWaits, Refusal, Refused, SeedPlan, Step, Waiting, WaitsFor, Warning},
};

/// What every comparison may look at.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The wishes.
    pub desired: &'a Desired,
    /// The fleet as it was read.
    pub observed: &'a Observed,
    /// Secrets, for comparing them with stored hashes. They never enter a step.
    pub secrets: &'a BTreeMap<SecretId, Secret>,
    /// Whether a copy may replace a replica's own data; without, it is refused.
    pub may_reseed: bool,
    /// Whether the same is done where what is replaced are transactions that only the replica has; they are saved first.
    pub may_discard: bool,
    /// Whether accounts of ours that nobody declared are dropped; without, they are only told.
    pub may_drop_accounts: bool,
    /// Whether channels that nobody declared end; without, they are only told.
    pub may_drop_channels: bool,
    /// Whether the authority that the servers trust may give way to another one; without, that is refused.
    pub may_replace_authority: bool,
    /// What would be wished if another host took the writes for a while, where a plan needs that.
    pub turned: Option<&'a Turned>,
    /// Hosts that were declared lost until now, and come back by this plan.
    pub returned: &'a [HostName],
    /// A command that makes sure that a lost host takes no more writes.
    pub fence: Option<&'a str>,
    /// The host that this run was asked to let take the writes of another one.
    pub takes_over: Option<&'a HostName>,
}

impl Context<'_> {
    /// User names of the replication accounts of this play.
    pub(crate) fn own_users(&self) -> Vec<String> {
        self.desired.own_users().into_iter().collect()
    }
}

/// A plan that is being written: steps without an order yet.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    /// Steps, in the order in which they were found.
    pub steps: Vec<Step>,
    /// Wishes for which nothing is planned.
    pub waiting: Vec<Waiting>,
    /// Wishes that are refused.
    pub refused: Vec<Refusal>,
    /// Hosts that keep still altogether for the sake of a refusal on another one.
    pub blocked: Vec<HostName>,
    /// What is worth knowing.
    pub warnings: Vec<Warning>,
}

impl Draft {
    /// Whether a step lets clients write to a host.
    fn opens(&self, host: &HostName) -> bool {
        self.steps.iter().any(|step| step.opens(host))
    }

    /// Whether clients can write to a host no more after a step.
    fn closes(&self, host: &HostName) -> bool {
        self.steps.iter().any(|step| step.closes(host))
    }

    /// The copy that a host gets by this plan.
    fn copy_to(&self, host: &HostName) -> Option<&SeedPlan> {
        self.steps.iter().find_map(|step| match &step.action {
            Action::Seed(plan) if step.host == *host => Some(plan),
            _ => None,
        })
    }

    /// The host whose data a host gets by this plan.
    fn copied_from(&self, host: &HostName) -> Option<&HostName> {
        self.copy_to(host).map(|plan| &plan.from)
    }

    /// Whether a host's channel from this source ends, because the source's data is replaced.
    fn ends_channel(&self, host: &HostName, source: &HostName) -> bool {
        self.copy_to(source)
            .is_some_and(|plan| plan.ends.iter().any(|end| end.host == *host && end.source == *source))
    }

    /// Notes that nothing is planned for a wish, and why.
    pub(crate) fn wait(&mut self, host: &HostName, why: impl Into<WaitsFor>) {
        self.waiting.push(Waiting { host: host.clone(), why: why.into() });
    }

    /// Notes what is worth knowing of a host.
    pub(crate) fn warn(&mut self, host: &HostName, what: impl Into<Finding>) {
        self.warnings.push(Warning { host: host.clone(), what: what.into() });
    }

    /// Notes that a wish is refused, and why.
    pub(crate) fn refuse(&mut self, host: &HostName, why: impl Into<Refused>) {
        self.refused.push(Refusal { host: host.clone(), why: why.into() });
    }
}

/// Compares one play with the fleet. The steps have no order yet; see [`crate::plan::link`].
pub(crate) fn compare(context: &Context<'_>) -> Draft {
    let mut draft = Draft::default();
    hosts(context, &mut draft);
    lost::steps(context, &mut draft);
    writers::check(context, &mut draft);
    compatibility::check(context, &mut draft);
    takeover::steps(context, &mut draft);
    promotion::steps(context, &mut draft);
    events::steps(context, &mut draft);
    undeclared::check(context, &mut draft);
    left_out::check(context, &mut draft);
    old_server::check(context, &mut draft);
    unmatched::check(context, &mut draft);
    uuid::steps(context, &mut draft);
    gtid_mode::steps(context, &mut draft);
    ends::ports(context, &mut draft);
    // Channels come last: their comparison looks at what the other steps mend, copies among them.
    channels(context, &mut draft);
    unmatched::accounts(context, &mut draft);
    around_channels(context, &mut draft);
    failover::mark_unfenced(context, &mut draft);
    failover::mark_opening(context, &mut draft);
    rolling::steps(context, &mut draft);
    role_unit::steps(context, &mut draft);
    restarted::wait_for_channels(context, &mut draft);
    draft
}

/// What each host needs by itself, whatever the others are.
fn hosts(context: &Context<'_>, draft: &mut Draft) {
    let authorities = certificates::Authorities::of(context);
    authorities.check(draft);
    for name in &context.desired.members {
        let Some(host) = context.desired.hosts.get(name) else { continue };
        let facts = match context.observed.get(name) {
            Some(crate::model::Fact::Known(facts)) => facts,
            Some(crate::model::Fact::Unread(why)) => {
                draft.wait(name, HostWaits::Unread { why: Some(why.clone()) });
                continue;
            }
            Some(crate::model::Fact::Absent) | None => {
                draft.wait(name, HostWaits::Unread { why: None });
                continue;
            }
        };
        firewall::steps(context, host, facts, draft);
        certificates::steps(&authorities, host, facts, draft);
        resources::steps(host, facts, draft);
        server::steps(context, host, facts, draft);
        service::steps(host, facts, draft);
        settings::steps(context, host, facts, draft);
        leftovers::steps(context, host, facts, draft);
        accounts::steps(context, host, facts, draft);
        errant::warn(host, facts, draft);
    }
}

/// The members that were read, each with what is wished of it.
fn read<'a>(context: &Context<'a>) -> impl Iterator<Item = (&'a DesiredHost, &'a HostFacts)> {
    let (desired, observed) = (context.desired, context.observed);
    let known = |name: &HostName| {
        let facts = observed.get(name).and_then(|fact| fact.known());
        desired.hosts.get(name).zip(facts)
    };
    desired.members.iter().filter_map(known)
}

/// What their data begins with, and their channels.
fn channels(context: &Context<'_>, draft: &mut Draft) {
    let (copied, others): (Vec<_>, Vec<_>) = read(context).partition(|(host, _)| !host.seeds.is_empty());
    let mut basis = BTreeMap::new();
    for (host, facts) in copied.into_iter().chain(others) {
        basis.insert(&host.name, data::basis(context, host, facts, draft));
    }
    for (host, facts) in read(context) {
        channel::steps(context, host, facts, &basis[&host.name], draft);
    }
}

/// What follows from the channels and copies of each host.
fn around_channels(context: &Context<'_>, draft: &mut Draft) {
    for (host, facts) in read(context) {
        if let Some(server) = facts.server.known() {
            let left = whole::leftover_accounts(&host.name, server, &draft.steps);
            draft.steps.extend(left);
        }
        let step = retention::step(host, facts, &draft.steps);
        draft.steps.extend(step);
        draft.steps.extend(heartbeat::step(context, host, facts));
    }
}
