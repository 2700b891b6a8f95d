//! What is wrong with a channel that is there, and whether this plan does away with it.

mod left_out;

use super::{Context, Draft};
use crate::{
    desired::{DesiredChannel, DesiredHost},
    dialect::Dialect,
    doctor::{ChannelContext, Explanation, Layer, explain_channel, explain_down},
    model::{Fact, HostName},
    observe::{ChannelFacts, HostFacts},
    plan::{ChannelRefused, Kind, SourceWaits, Step, WaitsFor},
};
pub(super) use left_out::foreign_account_statement;

/// What is wrong with a channel; `None` where it runs as it should.
pub(super) fn look(
    context: &Context<'_>,
    host: &DesiredHost,
    facts: &HostFacts,
    (wish, channel): (&DesiredChannel, &ChannelFacts),
) -> Option<Explanation> {
    let source = context.observed.get(&wish.source).and_then(Fact::known);
    let channel_context = ChannelContext {
        replica: host.name.as_str(),
        source: wish.source.as_str(),
        source_runs: source.and_then(|s| s.service.known()).map(|s| s.running()),
        reach: facts.reach.get(&wish.endpoint),
        relay_log: facts.server.known().and_then(|server| server.variable("relay_log_basename")),
        source_down_because: source.and_then(explain_down),
    };
    explain_channel(channel, &channel_context)
}

/// Whether a channel that is in trouble goes on once this plan is done; where not, the draft says why.
pub(super) fn can_go_on(
    (host, dialect): (&DesiredHost, Dialect),
    wish: &DesiredChannel,
    fault: &Explanation,
    changes: bool,
    draft: &mut Draft,
) -> bool {
    let wait = |draft: &mut Draft| {
        let why = SourceWaits::Fault(Box::new(fault.clone()));
        draft.wait(&host.name, WaitsFor::source(&wish.source, why));
        false
    };
    if fault.layer == Layer::Server {
        return wait(draft);
    }
    let by_change =
        matches!(fault.layer, Layer::Password | Layer::Address | Layer::Port | Layer::Firewall | Layer::Tls);
    let by_other_steps = draft.steps.iter().any(|s| mends(s, fault.layer, &host.name, &wish.source));
    if fault.layer == Layer::RelayLog || (changes && by_change) || by_other_steps {
        return true;
    }
    if !fault.heals() {
        if fault.shows_at_start() {
            return true;
        }
        let or_copy = host.seed_from(&wish.source).is_some() && fault.layer == Layer::Data;
        let start = (!fault.cause.needs_copy()).then(|| dialect.start_channel(&wish.name));
        let (source, fault) = (wish.source.clone(), Box::new(fault.clone()));
        draft.refuse(&host.name, ChannelRefused::Broken { source, fault, or_copy, start });
        return false;
    }
    matches!(fault.layer, Layer::Stopped | Layer::Reconnecting) || wait(draft)
}

/// Why a channel stands still that only a new copy, or a repair of the rows by hand, can bring on again.
pub(super) fn broken_for_good(
    context: &Context<'_>,
    host: &DesiredHost,
    facts: &HostFacts,
    wish: &DesiredChannel,
    channel: &ChannelFacts,
) -> Option<Box<Explanation>> {
    let fault = look(context, host, facts, (wish, channel))?;
    let left_out = foreign_account_statement(channel, host, &context.own_users()).is_some();
    let lost = matches!(fault.layer, Layer::Data | Layer::Binlog) && !fault.heals() && !left_out;
    lost.then(|| Box::new(fault))
}

/// Whether a step of this plan does away with the cause of a channel's trouble.
pub(super) fn mends(step: &Step, layer: Layer, replica: &HostName, source: &HostName) -> bool {
    let at_source = step.host == *source && !step.takes_away();
    match layer {
        Layer::Password | Layer::Account | Layer::Privilege => at_source && step.kind == Kind::Account,
        Layer::Port => at_source && matches!(step.kind, Kind::Service | Kind::Firewall),
        Layer::Server => at_source && step.kind == Kind::Service,
        Layer::Firewall => at_source && step.kind == Kind::Firewall,
        Layer::Identity => {
            (at_source || step.host == *replica) && matches!(step.kind, Kind::Service | Kind::Variable)
        }
        Layer::Tls => at_source && matches!(step.kind, Kind::Service | Kind::File),
        Layer::Address
        | Layer::Binlog
        | Layer::RelayLog
        | Layer::Data
        | Layer::Reconnecting
        | Layer::Stopped
        | Layer::Unknown => false,
    }
}
