//! Channels: what is declared against what the replica reports.

mod left_out;

use std::collections::BTreeMap;

use super::{Context, Draft, ends, filters};
use crate::{
    desired::{ChannelWish, DesiredHost, Positioning, Tls},
    dialect::Dialect,
    doctor::{Explanation, Layer, Surroundings, explain_channel, explain_down},
    grant::sha256_hex,
    model::{Endpoint, HostName, visible},
    observe::{ChannelFacts, HostFacts, ServerFacts},
    plan::{
        Action, Because, ChannelChange, ChannelRefused, ChannelTask, Coordinates, Hidden, Kind, Named, Note,
        Part, Reason, Risk, SeedPlan, SourceWaits, State, Step, StepId, Value, WaitsFor,
    },
};
use left_out::foreign_account_statement;

/// How a replica without a channel stands to its source, decided by [`super::data`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Footing {
    /// It gets, or has got, a copy of the source whose coordinates are recorded.
    Seeded,
    /// Neither side has data; everything from this position on is new.
    Empty(Coordinates),
    /// It has the source's history up to where GTIDs can tell.
    Compared,
    /// It follows another server and is moved.
    Moved {
        /// Whom it follows, if that is one of ours.
        from: Option<HostName>,
        /// Where the channel reaches it.
        at: Endpoint,
        /// Whether what is written here reaches the source.
        two_way: bool,
    },
    /// It can't be connected; the refusal is in the plan already.
    Refused,
}

/// Adds the steps for all channels of one replica.
pub fn steps(
    context: &Context<'_>,
    host: &DesiredHost,
    facts: &HostFacts,
    footing: &BTreeMap<HostName, Footing>,
    draft: &mut Draft,
) {
    let Some(server) = facts.server.known() else { return };
    let channels = match &server.channels {
        crate::model::Fact::Known(channels) => channels.as_slice(),
        crate::model::Fact::Absent => &[],
        crate::model::Fact::Unread(why) => {
            draft.wait(&host.name, WaitsFor::part(Part::Channels, why));
            return;
        }
    };
    for wish in &host.channels {
        let found = channels.iter().find(|c| c.name == wish.name);
        if let Some(channel) = found {
            if !ends::may_change(context, host, facts, (wish, channel), draft) {
                continue;
            }
            ends::would_not_connect_again(host, facts, (wish, channel), draft);
        }
        let step = match (found, footing.get(&wish.source)) {
            (Some(_), None) if ended(draft, &host.name, &wish.source) => {
                // The way back begins where the copy of this very host was taken.
                if copied_from(draft, &wish.source) == Some(&host.name) {
                    new(context, wish, Some(&Footing::Compared), host)
                } else {
                    draft.wait(&host.name, WaitsFor::source(&wish.source, SourceWaits::Copy));
                    None
                }
            }
            // It ends with the copy that is made, or nothing can be done about it.
            (Some(_), Some(decided)) => new(context, wish, Some(decided), host),
            (Some(channel), None) => existing(context, host, facts, wish, channel, draft),
            (None, decided) => new(context, wish, decided, host),
        };
        draft.steps.extend(step);
    }
}

/// The copy that a host gets by this plan.
fn copy_to<'a>(draft: &'a Draft, host: &HostName) -> Option<&'a SeedPlan> {
    draft.steps.iter().find_map(|step| match &step.action {
        Action::Seed(plan) if step.host == *host => Some(plan),
        _ => None,
    })
}

pub fn copied_from<'a>(draft: &'a Draft, host: &HostName) -> Option<&'a HostName> {
    copy_to(draft, host).map(|plan| &plan.from)
}

/// Whether a host's channel from this source ends, because the source's data is replaced.
fn ended(draft: &Draft, host: &HostName, source: &HostName) -> bool {
    copy_to(draft, source)
        .is_some_and(|plan| plan.ends.iter().any(|end| end.host == *host && end.source == *source))
}

fn new(
    context: &Context<'_>,
    wish: &ChannelWish,
    footing: Option<&Footing>,
    host: &DesiredHost,
) -> Option<Step> {
    let coordinates = match footing? {
        Footing::Seeded => Coordinates::OfSeed,
        Footing::Empty(at) => at.clone(),
        Footing::Compared => Coordinates::Compared,
        Footing::Moved { from, at, two_way } => {
            let coordinates = Coordinates::Moved { from: from.clone(), at: at.clone(), two_way: *two_way };
            return Some(moved(context, wish, coordinates, host));
        }
        Footing::Refused => return None,
    };
    let risk = match (&coordinates, context.server(&host.name)) {
        (Coordinates::At { starts_over: true, .. }, Some(server)) => {
            let empty = Note::BinlogsStartOver { on: host.name.clone(), holds_nothing: true };
            vec![super::binlogs::start_over(context, server).unwrap_or(empty.into())]
        }
        _ => Vec::new(),
    };
    Some(Step {
        id: id(host, wish),
        host: host.name.clone(),
        kind: Kind::Channel,
        reason: vec![Reason::declared(Because::Topology, &wish.place)],
        before: None,
        after: Some(declared(wish)),
        risk,
        requires: Vec::new(),
        action: Action::Channel(Box::new(ChannelChange {
            wish: wish.clone(),
            task: ChannelTask::Make,
            exists: false,
            change: true,
            coordinates,
            skip: None,
            filters: filters::wished(host, wish).filter(|f| !f.is_empty()),
            others: others(context, host, wish),
        })),
    })
}

/// The channel gets another source; the replica keeps its data and goes on from its place.
fn moved(context: &Context<'_>, wish: &ChannelWish, coordinates: Coordinates, host: &DesiredHost) -> Step {
    let former = match &coordinates {
        Coordinates::Moved { from: Some(from), .. } => from.to_string(),
        Coordinates::Moved { from: None, at, .. } => at.to_string(),
        _ => String::new(),
    };
    let left = Note::FormerSourceLeft { former: former.clone(), replica: host.name.clone() };
    Step {
        id: id(host, wish),
        host: host.name.clone(),
        kind: Kind::Channel,
        reason: vec![Reason::declared(Because::Topology, &wish.place)],
        before: Some(State::Options { values: vec![Named::new("source", former)] }),
        after: Some(declared(wish)),
        risk: vec![Risk::ReplicationPause, left.into()],
        requires: Vec::new(),
        action: Action::Channel(Box::new(ChannelChange {
            wish: wish.clone(),
            task: ChannelTask::Move,
            exists: true,
            change: true,
            coordinates,
            skip: None,
            filters: filters::wished(host, wish),
            others: others(context, host, wish),
        })),
    }
}

/// Sources of the host's other channels that hold something else than this one's.
fn others(context: &Context<'_>, host: &DesiredHost, wish: &ChannelWish) -> Vec<HostName> {
    let independent = context.independent(host, wish);
    independent.map(|other| other.source.clone()).collect()
}

fn existing(
    context: &Context<'_>,
    host: &DesiredHost,
    facts: &HostFacts,
    wish: &ChannelWish,
    channel: &ChannelFacts,
    draft: &mut Draft,
) -> Option<Step> {
    let mut differences = differences(context, facts, wish, channel);
    let changed = !differences.is_empty();
    let filters = filters::wished(host, wish).map(filters::sorted);
    let runs_with = filters::running(&channel.filters);
    let filtered = filters.as_ref().is_some_and(|f| *f != runs_with);
    if let (Some(wished), true) = (&filters, filtered) {
        let by_itself =
            context.server(&host.name).is_some_and(|s| Dialect::of(s.version).filters_by_channel());
        if !by_itself {
            draft.refuse(&host.name, ChannelRefused::Filter);
            return None;
        }
        differences.push(("filters", Value::Plain(runs_with.to_string()), Value::Plain(wished.to_string())));
    }
    let around = surroundings(context, &host.name, facts, wish);
    let around = Surroundings { replica: host.name.as_str(), source: wish.source.as_str(), ..around };
    let trouble = explain_channel(channel, &around);
    let relay_log_renamed = draft.steps.iter().any(|s| s.host == host.name && renames_relay_log(&s.action));
    let relay_log_lost = trouble.as_ref().is_some_and(|t| t.layer == Layer::RelayLog);

    let skip = foreign_account_statement(channel, host, &context.own_users());
    if let (Some(trouble), None) = (&trouble, &skip)
        && !can_go_on(host, wish, trouble, !differences.is_empty(), draft)
    {
        return None;
    }
    let restart = trouble.is_some();
    if differences.is_empty() && !restart && !relay_log_renamed {
        return None;
    }
    let change = changed || relay_log_lost || relay_log_renamed;
    let mut reason = vec![Reason::declared(Because::Topology, &wish.place)];
    reason.extend(trouble.as_ref().map(|t| {
        let (layer, explanation) = (t.layer.to_string(), t.to_string());
        Reason::because(Because::ChannelTrouble { layer, explanation })
    }));
    if relay_log_renamed {
        reason.push(Reason::because(Because::RelayLogChanges));
    }
    let task = match (change, &trouble) {
        _ if skip.is_some() => ChannelTask::LeaveOut,
        (true, _) if relay_log_lost || relay_log_renamed => ChannelTask::FetchAgain,
        (true, _) | (false, None) => ChannelTask::Change,
        (false, Some(t)) if t.layer == Layer::Reconnecting => ChannelTask::Reconnect,
        (false, Some(_)) => ChannelTask::Start,
    };
    let (before, after) = sides(&differences, channel);
    Some(Step {
        id: id(host, wish),
        host: host.name.clone(),
        kind: Kind::Channel,
        reason,
        before: Some(before),
        after: Some(after),
        risk: match &skip {
            Some(statement) => vec![Note::EventSkipped { statement: statement.clone() }.into()],
            None if filtered => vec![Risk::ReplicationPause, Note::FilteredStaysAway.into()],
            None if change => vec![Risk::ReplicationPause],
            None => Vec::new(),
        },
        requires: Vec::new(),
        action: Action::Channel(Box::new(ChannelChange {
            wish: wish.clone(),
            task,
            exists: true,
            change,
            coordinates: Coordinates::Keep,
            skip,
            filters: filtered.then(|| filters::wished(host, wish)).flatten(),
            others: others(context, host, wish),
        })),
    })
}

/// Whether a channel that is in trouble goes on once this plan is done; where not, the draft says why.
fn can_go_on(
    host: &DesiredHost,
    wish: &ChannelWish,
    trouble: &Explanation,
    changes: bool,
    draft: &mut Draft,
) -> bool {
    let wait = |draft: &mut Draft| {
        let why = SourceWaits::Trouble(Box::new(trouble.clone()));
        draft.wait(&host.name, WaitsFor::source(&wish.source, why));
        false
    };
    if trouble.layer == Layer::Server {
        return wait(draft);
    }
    let by_change = matches!(
        trouble.layer,
        Layer::Password | Layer::Address | Layer::Port | Layer::Firewall | Layer::Tls
    );
    let by_other_steps = draft.steps.iter().any(|s| mends(s, trouble.layer, &host.name, &wish.source));
    if trouble.layer == Layer::RelayLog || (changes && by_change) || by_other_steps {
        return true;
    }
    if !trouble.heals {
        let or_copy = host.seed_from(&wish.source).is_some() && trouble.layer == Layer::Data;
        let (source, trouble) = (wish.source.clone(), Box::new(trouble.clone()));
        draft.refuse(&host.name, ChannelRefused::Broken { source, trouble, or_copy });
        return false;
    }
    matches!(trouble.layer, Layer::Stopped | Layer::Reconnecting) || wait(draft)
}

/// What a channel is now, and what it shall be: what differs, or else its threads.
fn sides(differences: &[Difference], channel: &ChannelFacts) -> (State, State) {
    if differences.is_empty() {
        let threads = |receiver: &str, applier: &str| State::Threads {
            receiver: receiver.to_owned(),
            applier: applier.to_owned(),
        };
        return (threads(&channel.io_running, &channel.sql_running), threads("Yes", "Yes"));
    }
    let side = |pick: fn(&Difference) -> &Value| {
        let named = |d: &Difference| Named { name: d.0.to_owned(), value: pick(d).clone() };
        State::Options { values: differences.iter().map(named).collect() }
    };
    (side(|d| &d.1), side(|d| &d.2))
}

/// Why a channel stands still that only a new copy, or a repair of the rows by hand, can bring on again.
pub fn broken_for_good(
    context: &Context<'_>,
    host: &DesiredHost,
    facts: &HostFacts,
    wish: &ChannelWish,
    channel: &ChannelFacts,
) -> Option<String> {
    let around = surroundings(context, &host.name, facts, wish);
    let around = Surroundings { replica: host.name.as_str(), source: wish.source.as_str(), ..around };
    let trouble = explain_channel(channel, &around)?;
    let left_out = foreign_account_statement(channel, host, &context.own_users()).is_some();
    let lost = matches!(trouble.layer, Layer::Data | Layer::Binlog) && !trouble.heals && !left_out;
    lost.then(|| trouble.cause.trim_end_matches('.').to_owned())
}

fn id(host: &DesiredHost, wish: &ChannelWish) -> StepId {
    StepId(format!("{}/channel/{}", host.name, wish.source))
}

/// One option of a channel that is not as declared: its name, what it is and what it shall be.
type Difference = (&'static str, Value, Value);

fn differences(
    context: &Context<'_>,
    facts: &HostFacts,
    wish: &ChannelWish,
    channel: &ChannelFacts,
) -> Vec<Difference> {
    let mut list = Vec::new();
    let mut check = |field: &'static str, before: String, after: String| {
        if before != after {
            list.push((field, Value::Plain(before), Value::Plain(after)));
        }
    };
    check("address", channel.source_host.clone(), wish.endpoint.address.clone());
    check("port", channel.source_port.to_string(), wish.endpoint.port.to_string());
    check("user", channel.user.clone(), wish.user.clone());
    check("delay", channel.delay.to_string(), wish.delay.to_string());
    check("TLS", on_off(channel.tls), on_off(wish.tls.encrypted()));
    check("TLS verification", on_off(channel.tls_verify), on_off(wish.tls == Tls::VerifyIdentity));
    check("TLS authority", channel.tls_ca.clone(), wish.tls_authority().to_owned());
    let uses_gtid = !channel.using_gtid.eq_ignore_ascii_case("no") && !channel.using_gtid.is_empty();
    let positioning = |gtid: bool| if gtid { "gtid".to_owned() } else { "file".to_owned() };
    check("positioning", positioning(uses_gtid), positioning(wish.positioning == Positioning::Gtid));
    let file =
        if wish.name.is_empty() { "master.info".to_owned() } else { format!("master-{}.info", wish.name) };
    let stored = channel.password_digest.as_ref().or_else(|| facts.channel_passwords.get(&file));
    if let (Some(stored), Some(password)) = (stored, context.secrets.get(&wish.password))
        && *stored != sha256_hex(password.expose().as_bytes())
    {
        let hidden = |hidden| Value::Hidden { hidden };
        list.push(("password", hidden(Hidden::FormerSecret), hidden(Hidden::NewSecret)));
    }
    list
}

fn on_off(on: bool) -> String {
    if on { "on".into() } else { "off".into() }
}

/// A channel as it is declared.
fn declared(wish: &ChannelWish) -> State {
    let name = (!wish.name.is_empty()).then(|| Named::new("name", visible(&wish.name)));
    let filters = (!wish.filters.is_empty()).then(|| Named::new("filters", wish.filters.to_string()));
    let options = [
        Named::new("source", wish.endpoint.to_string()),
        Named::new("user", &wish.user),
        Named::hidden("password", Hidden::Secret),
        Named::new("TLS", wish.tls.word()),
        Named::new("positioning", wish.positioning.word()),
        Named::new("delay", format!("{} s", wish.delay)),
    ];
    State::Options { values: name.into_iter().chain(options).chain(filters).collect() }
}

fn renames_relay_log(action: &Action) -> bool {
    matches!(action, Action::Restart { expect, .. } if expect.iter().any(|(name, _)| name == "relay_log"))
}

/// Whether a step of this plan does away with the cause of a channel's trouble.
pub fn mends(step: &Step, layer: Layer, replica: &HostName, source: &HostName) -> bool {
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

fn surroundings<'a>(
    context: &'a Context<'_>,
    _replica: &'a HostName,
    facts: &'a HostFacts,
    wish: &'a ChannelWish,
) -> Surroundings<'a> {
    let source = context.observed.get(&wish.source).and_then(|f| f.known());
    Surroundings {
        replica: "",
        source: "",
        source_runs: source.and_then(|s| s.service.known()).map(|s| s.running()),
        reach: facts.reach.get(&wish.endpoint),
        source_down_because: source.and_then(explain_down),
    }
}

/// Whether a replica has a channel from an address, whatever its name.
pub fn replicates_from(server: &ServerFacts, address: &str, port: u16) -> bool {
    server
        .channels
        .known()
        .is_some_and(|list| list.iter().any(|c| c.source_host == address && c.source_port == port))
}
