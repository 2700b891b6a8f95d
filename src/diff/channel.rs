//! Channels: what is declared against what the replica reports.

mod left_out;

use std::collections::BTreeMap;

use super::{Context, Draft, ends, filters};
use crate::{
    desired::{ChannelWish, DesiredHost, Positioning, Tls},
    dialect::Dialect,
    doctor::{Layer, Surroundings, explain_channel, explain_down},
    grant::sha256_hex,
    model::{HostName, visible},
    observe::{ChannelFacts, HostFacts, ServerFacts},
    plan::{
        Action, ChannelChange, ChannelRefused, Coordinates, Kind, Part, Reason, Risk, SeedPlan, SourceWaits,
        Step, StepId, WaitsFor,
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
        /// The same in words.
        now: String,
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
        Footing::Moved { from, now, two_way } => {
            return Some(moved(context, wish, (from.as_ref(), now, *two_way), host));
        }
        Footing::Refused => return None,
    };
    let begin = match (&coordinates, wish.positioning) {
        (Coordinates::OfSeed, _) => "from the coordinates of the copy".to_owned(),
        (Coordinates::At { gtid, .. }, Positioning::Gtid) if gtid.is_empty() => {
            "from the first event".to_owned()
        }
        (Coordinates::At { gtid, .. }, Positioning::Gtid) => format!("from {gtid}"),
        (Coordinates::At { at, .. }, Positioning::File) => match at {
            None => "from the first event".to_owned(),
            Some(at) => format!("from {at}"),
        },
        _ => "from where the two servers' positions meet".to_owned(),
    };
    let risk = match (&coordinates, context.server(&host.name)) {
        (Coordinates::At { starts_over: true, .. }, Some(server)) => {
            let empty = format!("the binary logs of {} start over; it holds no data of its own", host.name);
            vec![super::binlogs::start_over(context, server).unwrap_or(Risk::Note(empty))]
        }
        _ => Vec::new(),
    };
    Some(Step {
        id: id(host, wish),
        host: host.name.clone(),
        kind: Kind::Channel,
        summary: format!("replicate from {} {begin}", wish.source),
        reason: vec![Reason::declared("the topology", &wish.place)],
        before: None,
        after: Some(wished_view(wish)),
        risk,
        requires: Vec::new(),
        action: Action::Channel(Box::new(ChannelChange {
            wish: wish.clone(),
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
fn moved(
    context: &Context<'_>,
    wish: &ChannelWish,
    (from, now, two_way): (Option<&HostName>, &str, bool),
    host: &DesiredHost,
) -> Step {
    let left = Risk::Note(format!(
        "what clients write on {now} from then on reaches {} only as far as other channels carry it",
        host.name
    ));
    Step {
        id: id(host, wish),
        host: host.name.clone(),
        kind: Kind::Channel,
        summary: format!(
            "move the channel from {now} to {}, with the data and from where it stands",
            wish.source
        ),
        reason: vec![Reason::declared("the topology", &wish.place)],
        before: Some(format!("source {now}")),
        after: Some(wished_view(wish)),
        risk: vec![Risk::ReplicationPause, left],
        requires: Vec::new(),
        action: Action::Channel(Box::new(ChannelChange {
            wish: wish.clone(),
            exists: true,
            change: true,
            coordinates: Coordinates::Moved { from: from.cloned(), two_way },
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
        let (before, after) = (runs_with.to_string(), wished.to_string());
        differences.push(Difference { field: "filters", before, after });
    }
    let around = surroundings(context, &host.name, facts, wish);
    let around = Surroundings { replica: host.name.as_str(), source: wish.source.as_str(), ..around };
    let trouble = explain_channel(channel, &around);
    let relay_log_renamed = draft.steps.iter().any(|s| s.host == host.name && renames_relay_log(&s.action));
    let relay_log_lost = trouble.as_ref().is_some_and(|t| t.layer == Layer::RelayLog);

    let skip = foreign_account_statement(channel, host, &context.own_users());
    if let (Some(trouble), None) = (&trouble, &skip) {
        let mended_by_change = !differences.is_empty()
            && matches!(
                trouble.layer,
                Layer::Password | Layer::Address | Layer::Port | Layer::Firewall | Layer::Tls
            );
        let mended_by_other_steps =
            draft.steps.iter().any(|s| mends(s, trouble.layer, &host.name, &wish.source));
        if trouble.layer == Layer::Server {
            let why = SourceWaits::Trouble(Box::new(trouble.clone()));
            draft.wait(&host.name, WaitsFor::source(&wish.source, why));
            return None;
        }
        if !trouble.heals && !relay_log_lost && !mended_by_change && !mended_by_other_steps {
            let or_copy = host.seed_from(&wish.source).is_some() && trouble.layer == Layer::Data;
            let (source, trouble) = (wish.source.clone(), Box::new(trouble.clone()));
            draft.refuse(&host.name, ChannelRefused::Broken { source, trouble, or_copy });
            return None;
        }
        let startable = matches!(trouble.layer, Layer::Stopped | Layer::Reconnecting);
        if !startable && !relay_log_lost && !mended_by_change && !mended_by_other_steps {
            let why = SourceWaits::Trouble(Box::new(trouble.clone()));
            draft.wait(&host.name, WaitsFor::source(&wish.source, why));
            return None;
        }
    }
    let restart = trouble.is_some();
    if differences.is_empty() && !restart && !relay_log_renamed {
        return None;
    }
    let change = changed || relay_log_lost || relay_log_renamed;
    let mut reason = vec![Reason::declared("the topology", &wish.place)];
    reason.extend(trouble.as_ref().map(|t| Reason::because(t.to_string())));
    if relay_log_renamed {
        reason.push(Reason::because(
            "relay_log changes, and with it the relay log's files: what was not executed is fetched again",
        ));
    }
    let summary = match (change, &trouble) {
        _ if skip.is_some() => {
            format!(
                "leave out one statement of {}: it concerns an account that is kept there only",
                wish.source
            )
        }
        (true, _) if relay_log_lost || relay_log_renamed => {
            format!("fetch everything after the last executed event of {} again", wish.source)
        }
        (true, _) | (false, None) => {
            let fields: Vec<&str> = differences.iter().map(|d| d.field).collect();
            format!("change the channel from {}: {}", wish.source, fields.join(", "))
        }
        (false, Some(t)) if t.layer == Layer::Reconnecting => {
            format!("reconnect the channel from {}", wish.source)
        }
        (false, Some(_)) => format!("start the channel from {}", wish.source),
    };
    let (before, after) = if differences.is_empty() {
        (Some(threads(channel)), Some("receiver Yes, applier Yes".to_owned()))
    } else {
        let view = |pick: fn(&Difference) -> &str| {
            differences.iter().map(|d| format!("{} {}", d.field, pick(d))).collect::<Vec<_>>().join("\n")
        };
        (Some(view(|d| &d.before)), Some(view(|d| &d.after)))
    };
    Some(Step {
        id: id(host, wish),
        host: host.name.clone(),
        kind: Kind::Channel,
        summary,
        reason,
        before,
        after,
        risk: match &skip {
            Some(statement) => vec![Risk::Note(format!("one event is skipped: {statement}"))],
            None if filtered => vec![
                Risk::ReplicationPause,
                Risk::Note("what the filter kept back until now does not come afterwards".into()),
            ],
            None if change => vec![Risk::ReplicationPause],
            None => Vec::new(),
        },
        requires: Vec::new(),
        action: Action::Channel(Box::new(ChannelChange {
            wish: wish.clone(),
            exists: true,
            change,
            coordinates: Coordinates::Keep,
            skip,
            filters: filtered.then(|| filters::wished(host, wish)).flatten(),
            others: others(context, host, wish),
        })),
    })
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

fn threads(channel: &ChannelFacts) -> String {
    format!("receiver {}, applier {}", channel.io_running, channel.sql_running)
}

/// One option of a channel that is not as declared.
struct Difference {
    field: &'static str,
    before: String,
    after: String,
}

fn differences(
    context: &Context<'_>,
    facts: &HostFacts,
    wish: &ChannelWish,
    channel: &ChannelFacts,
) -> Vec<Difference> {
    let mut list = Vec::new();
    let mut check = |field: &'static str, before: String, after: String| {
        if before != after {
            list.push(Difference { field, before, after });
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
        list.push(Difference {
            field: "password",
            before: "*** (before)".into(),
            after: "*** (after)".into(),
        });
    }
    list
}

fn on_off(on: bool) -> String {
    if on { "on".into() } else { "off".into() }
}

fn wished_view(wish: &ChannelWish) -> String {
    let tls = match wish.tls {
        Tls::Off => "off",
        Tls::Required => "required",
        Tls::VerifyCa => "verify_ca",
        Tls::VerifyIdentity => "verify_identity",
    };
    let positioning = match wish.positioning {
        Positioning::Gtid => "gtid",
        Positioning::File => "file",
    };
    let name = if wish.name.is_empty() { String::new() } else { format!("name {}\n", visible(&wish.name)) };
    let filters = if wish.filters.is_empty() { String::new() } else { format!("\nfilters {}", wish.filters) };
    format!(
        "{name}source {}\nuser {}\npassword ***\nTLS {tls}\npositioning {positioning}\ndelay {} s{filters}",
        wish.endpoint, wish.user, wish.delay
    )
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
