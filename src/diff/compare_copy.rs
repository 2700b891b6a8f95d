//! A copy counts once it was compared with its source.
//!
//! Until then its record stays on the replica, and with it the step that compares: a run that is killed before the
//! comparison, or a copy that turned out not to be the same, is not called in sync.

use std::collections::BTreeMap;

use super::{
    Context, Draft,
    pair::{DataBasis, SourceAndReplica, content},
};
use crate::{
    desired::{DesiredChannel, DesiredHost, SeedMethod},
    model::{CopyDifference, Fact, HostName},
    observe::{HostFacts, SeedMark, ServerFacts},
    plan::{Action, Because, ComparePlan, Kind, Reason, Risk, SeedPlan, State, Step, StepId, StepName},
};

/// How many differences are shown of a comparison that was made before.
const MOST: usize = 8;

/// Compares the copies that this plan makes, and those whose channel it makes.
pub(super) fn of_new_copies(
    context: &Context<'_>,
    host: &DesiredHost,
    facts: &HostFacts,
    basis: &BTreeMap<HostName, DataBasis>,
    draft: &mut Draft,
) {
    for wish in host.channels.iter().filter(|w| basis.get(&w.source) == Some(&DataBasis::Seeded)) {
        let planned = draft.steps.iter().find_map(|step| match &step.action {
            Action::Seed(seed) if step.host == host.name && seed.from == wish.source => Some(seed.clone()),
            _ => None,
        });
        let step = match (planned, mark(facts, wish)) {
            (Some(seed), _) => of_plan(host, wish, &seed),
            (None, Some(mark)) => of_mark(context, host, wish, mark),
            (None, None) => continue,
        };
        if draft.steps.iter().all(|there| there.id != step.id) {
            draft.steps.push(step);
        }
    }
}

/// What becomes of a copy whose channel stands and that was not compared yet, or was not the same: it is compared
/// again, or made again where that was allowed.
pub(super) fn again(
    context: &Context<'_>,
    host: &DesiredHost,
    facts: &HostFacts,
    (server, wish): (&ServerFacts, &DesiredChannel),
    draft: &mut Draft,
) -> Option<(HostName, DataBasis)> {
    let mark = mark(facts, wish)?;
    let seed = host.seed_from(&wish.source).filter(|seed| seed.method != SeedMethod::None);
    let source = context.observed.get(&wish.source).and_then(Fact::known).and_then(|f| f.server.known());
    if let (Some(seed), Some(source), true) = (seed, source, context.may_reseed && !mark.differs.is_empty()) {
        let pair = SourceAndReplica { context, host, facts, server, wish, source };
        let replaces = pair.content_here().into_iter().collect();
        return Some((wish.source.clone(), pair.copy(Some(seed), Vec::new(), replaces, draft)));
    }
    draft.steps.push(of_mark(context, host, wish, mark));
    None
}

/// A host that was lost is compared before it counts: after a crash its files may hold less than its binary log says, and other
/// rows may have been written under the same GTIDs. Where a copy was allowed, it is copied.
pub(super) fn of_returned(
    context: &Context<'_>,
    host: &DesiredHost,
    facts: &HostFacts,
    server: &ServerFacts,
    draft: &mut Draft,
) -> Option<(HostName, DataBasis)> {
    let wish = host.channels.first().filter(|_| context.returned.contains(&host.name))?;
    let source = context.server(&wish.source)?;
    let copied = |step: &Step| step.host == host.name && matches!(step.action, Action::Seed(_));
    let refused = draft.refused.iter().any(|refusal| refusal.host == host.name);
    if refused || draft.steps.iter().any(copied) {
        return None;
    }
    let pair = SourceAndReplica { context, host, facts, server, wish, source };
    let seed = host.seed_from(&wish.source).filter(|seed| seed.method != SeedMethod::None);
    if let Some(seed) = seed.filter(|_| context.may_reseed) {
        let replaces = pair.content_here().into_iter().collect();
        return Some((wish.source.clone(), pair.copy(Some(seed), Vec::new(), replaces, draft)));
    }
    let plan = ComparePlan {
        from: wish.source.clone(),
        channel: wish.name.clone(),
        databases: content(source).into_iter().collect(),
        accounts: seed.is_some_and(|seed| seed.accounts) && host.channels.len() == 1,
        own_users: context.own_users(),
        delay: wish.delay,
    };
    let mut compared = step(host, plan, Vec::new());
    compared.reason = vec![Reason::because(Because::Returned)];
    if draft.steps.iter().all(|there| there.id != compared.id) {
        draft.steps.push(compared);
    }
    None
}

/// The record of a copy that is loaded.
fn mark<'a>(facts: &'a HostFacts, wish: &DesiredChannel) -> Option<&'a SeedMark> {
    facts.seeds.known()?.from(&wish.source).filter(|mark| mark.loaded.is_some())
}

fn of_plan(host: &DesiredHost, wish: &DesiredChannel, seed: &SeedPlan) -> Step {
    let plan = ComparePlan {
        from: wish.source.clone(),
        channel: wish.name.clone(),
        databases: seed.databases.clone(),
        accounts: (seed.accounts || seed.method.is_whole()) && !seed.has_other_sources(),
        own_users: seed.own_users.clone(),
        delay: wish.delay,
    };
    step(host, plan, Vec::new())
}

fn of_mark(context: &Context<'_>, host: &DesiredHost, wish: &DesiredChannel, mark: &SeedMark) -> Step {
    let accounts = host.seed_from(&wish.source).is_some_and(|seed| seed.accounts);
    let plan = ComparePlan {
        from: wish.source.clone(),
        channel: wish.name.clone(),
        databases: mark.databases.clone(),
        accounts: accounts && host.channels.len() == 1,
        own_users: context.own_users(),
        delay: wish.delay,
    };
    step(host, plan, mark.differs.clone())
}

fn step(host: &DesiredHost, plan: ComparePlan, mut first: Vec<CopyDifference>) -> Step {
    let more = first.len().saturating_sub(MOST);
    first.truncate(MOST);
    let from = plan.from.clone();
    let because = if first.is_empty() { Because::CopyNotCompared } else { Because::CopyDiffers };
    Step {
        id: StepId::of(&host.name, StepName::CompareCopy { from: &from }),
        host: host.name.clone(),
        kind: Kind::Compare,
        reason: vec![Reason::because(because)],
        before: (!first.is_empty()).then(|| State::Differences {
            source: from,
            replica: host.name.clone(),
            differences: first,
            more,
        }),
        after: None,
        risk: Vec::<Risk>::new(),
        requires: Vec::new(),
        action: Action::CompareCopy(plan),
    }
}
