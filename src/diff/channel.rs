//! Channels: what is declared against what the replica reports.

use std::collections::BTreeMap;

use super::{
    Context, Draft, ends,
    fault::{can_go_on, foreign_account_statement, look},
    filters,
    pair::DataBasis,
};
use crate::{
    desired::{DesiredChannel, DesiredHost, Positioning, Tls},
    dialect::Dialect,
    doctor::{AccountStatement, Explanation, Layer},
    grant::sha256_hex,
    model::{HostName, ThreadState, visible},
    observe::{ChannelFacts, HostFacts, LeftOutOrigins},
    plan::{
        Action, Because, ChannelChange, ChannelRefused, ChannelTask, Coordinates, Hidden, Kind, Named, Note,
        Part, Reason, Risk, SourceWaits, State, Step, StepId, StepName, Value, WaitsFor,
    },
};

/// Adds the steps for all channels of one replica.
pub(super) fn steps(
    context: &Context<'_>,
    host: &DesiredHost,
    facts: &HostFacts,
    basis: &BTreeMap<HostName, DataBasis>,
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
        let step = match (found, basis.get(&wish.source)) {
            (Some(_), None) if draft.ends_channel(&host.name, &wish.source) => {
                // The way back begins where the copy of this very host was taken.
                if draft.copied_from(&wish.source) == Some(&host.name) {
                    new(context, wish, Some(&DataBasis::Compared), host)
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

/// The step that makes a channel between two servers of which one has all that the other has.
pub(super) fn made(context: &Context<'_>, host: &DesiredHost, wish: &DesiredChannel) -> Option<Step> {
    new(context, wish, Some(&DataBasis::Compared), host)
}

fn new(
    context: &Context<'_>,
    wish: &DesiredChannel,
    basis: Option<&DataBasis>,
    host: &DesiredHost,
) -> Option<Step> {
    let coordinates = match basis? {
        DataBasis::Seeded => Coordinates::OfSeed,
        DataBasis::Empty(at) => at.clone(),
        DataBasis::Compared => Coordinates::Compared,
        DataBasis::Moved { from, at, two_way, alike } => {
            let (from, at) = (from.clone(), at.clone());
            let coordinates = Coordinates::Moved { from, at, two_way: *two_way, alike: *alike };
            return Some(moved(context, wish, coordinates, host));
        }
        DataBasis::Refused => return None,
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
fn moved(context: &Context<'_>, wish: &DesiredChannel, coordinates: Coordinates, host: &DesiredHost) -> Step {
    let former = match &coordinates {
        Coordinates::Moved { from: Some(from), .. } => from.to_string(),
        Coordinates::Moved { from: None, at, .. } => at.to_string(),
        _ => String::new(),
    };
    let left = match &coordinates {
        Coordinates::Moved { from: Some(from), .. } if context.desired.is_lost(from) => None,
        _ => Some(Note::FormerSourceLeft { former: former.clone(), replica: host.name.clone() }.into()),
    };
    Step {
        id: id(host, wish),
        host: host.name.clone(),
        kind: Kind::Channel,
        reason: vec![Reason::declared(Because::Topology, &wish.place)],
        before: Some(State::Options { values: vec![Named::new("source", former)] }),
        after: Some(declared(wish)),
        risk: [Risk::ReplicationPause].into_iter().chain(left).collect(),
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
fn others(context: &Context<'_>, host: &DesiredHost, wish: &DesiredChannel) -> Vec<HostName> {
    let independent = context.independent(host, wish);
    independent.map(|other| other.source.clone()).collect()
}

/// A channel that is there: what is not as declared, and what is wrong with it.
struct Present {
    differences: Vec<Difference>,
    /// Whether its filters are among them.
    filtered: bool,
    /// Whether it leaves events out by their origin.
    picks_origins: bool,
    fault: Option<Explanation>,
    /// The one statement that it may leave out.
    skip: Option<AccountStatement>,
    relay_log_renamed: bool,
}

impl Present {
    fn relay_log_lost(&self) -> bool {
        self.fault.as_ref().is_some_and(|fault| fault.layer == Layer::RelayLog)
    }

    /// Whether it has to be declared to the server anew, and not merely started.
    fn changes(&self) -> bool {
        let options = self.differences.len() > usize::from(self.filtered);
        options || self.relay_log_lost() || self.relay_log_renamed
    }

    fn as_declared(&self) -> bool {
        self.differences.is_empty() && self.fault.is_none() && !self.relay_log_renamed
    }

    fn task(&self) -> ChannelTask {
        match (self.changes(), &self.fault) {
            _ if self.skip.is_some() => ChannelTask::LeaveOut,
            (true, _) if self.relay_log_lost() || self.relay_log_renamed => ChannelTask::FetchAgain,
            (true, _) | (false, None) => ChannelTask::Change,
            (false, Some(t)) if t.layer == Layer::Reconnecting => ChannelTask::Reconnect,
            (false, Some(_)) => ChannelTask::Start,
        }
    }

    fn reasons(&self, wish: &DesiredChannel) -> Vec<Reason> {
        let mut reason = vec![Reason::declared(Because::Topology, &wish.place)];
        reason.extend(self.fault.as_ref().map(Because::fault).map(Reason::because));
        if self.relay_log_renamed {
            reason.push(Reason::because(Because::RelayLogChanges));
        }
        reason
    }

    fn risks(&self) -> Vec<Risk> {
        match &self.skip {
            Some(statement) => vec![Note::EventSkipped { statement: statement.to_string() }.into()],
            None if self.filtered || self.picks_origins => {
                vec![Risk::ReplicationPause, Note::FilteredStaysAway.into()]
            }
            None if self.changes() => vec![Risk::ReplicationPause],
            None => Vec::new(),
        }
    }
}

fn existing(
    context: &Context<'_>,
    host: &DesiredHost,
    facts: &HostFacts,
    wish: &DesiredChannel,
    channel: &ChannelFacts,
    draft: &mut Draft,
) -> Option<Step> {
    let mut differences = differences(context, facts, wish, channel);
    let filters = filter_difference(host, wish, channel);
    let filtered = filters.is_some();
    let by_itself =
        || context.server(&host.name).is_some_and(|s| Dialect::of(s.version).filters_by_channel());
    if filtered && !by_itself() {
        draft.refuse(&host.name, ChannelRefused::Filter);
        return None;
    }
    differences.extend(filters);
    let present = Present {
        differences,
        filtered,
        picks_origins: channel.left_out != LeftOutOrigins::default(),
        fault: look(context, host, facts, (wish, channel)),
        skip: foreign_account_statement(channel, host, &context.own_users()),
        relay_log_renamed: draft.steps.iter().any(|s| s.host == host.name && renames_relay_log(&s.action)),
    };
    if let (Some(fault), None, Some(server)) = (&present.fault, &present.skip, facts.server.known())
        && !can_go_on(
            (host, Dialect::of(server.version)),
            wish,
            fault,
            !present.differences.is_empty(),
            draft,
        )
    {
        return None;
    }
    if present.as_declared() {
        return None;
    }
    if present.changes() && forgets_its_place(wish, channel) {
        draft.refuse(&host.name, place_lost(context, host, wish));
        return None;
    }
    let (before, after) = sides(&present.differences, channel);
    Some(Step {
        id: id(host, wish),
        host: host.name.clone(),
        kind: Kind::Channel,
        reason: present.reasons(wish),
        before: Some(before),
        after: Some(after),
        risk: present.risks(),
        requires: Vec::new(),
        action: Action::Channel(Box::new(ChannelChange {
            wish: wish.clone(),
            task: present.task(),
            exists: true,
            change: present.changes(),
            coordinates: Coordinates::Keep,
            filters: filters::wished(host, wish).filter(|_| filtered),
            skip: present.skip,
            others: others(context, host, wish),
        })),
    })
}

/// Whether a channel that goes by file and position has none from which it could go on.
fn forgets_its_place(wish: &DesiredChannel, channel: &ChannelFacts) -> bool {
    let by_file = channel.using_gtid.by_file() && wish.positioning == Positioning::File;
    by_file && channel.executed.is_none()
}

/// Such a channel, and the statement that gives it its place back by hand.
fn place_lost(context: &Context<'_>, host: &DesiredHost, wish: &DesiredChannel) -> ChannelRefused {
    let dialect = context.server(&host.name).map(|server| Dialect::of(server.version));
    let (source, end) = (wish.source.clone(), &wish.endpoint);
    let statement = dialect.map(|d| d.place_by_hand(&wish.name, &end.address, end.port)).unwrap_or_default();
    ChannelRefused::PlaceLost { source, statement }
}

/// What the channel's filters are and what they shall be, where the two differ.
fn filter_difference(
    host: &DesiredHost,
    wish: &DesiredChannel,
    channel: &ChannelFacts,
) -> Option<Difference> {
    let wished = filters::wished(host, wish).map(filters::sorted)?;
    let running = filters::running(&channel.filters);
    let value = |filters: &dyn std::fmt::Display| Value::Plain(filters.to_string());
    (wished != running).then(|| ("filters", value(&running), value(&wished)))
}

/// What a channel is now, and what it shall be: what differs, or else its threads.
fn sides(differences: &[Difference], channel: &ChannelFacts) -> (State, State) {
    if differences.is_empty() {
        let threads = |receiver, applier| State::Threads { receiver, applier };
        return (
            threads(channel.io_running, channel.sql_running),
            threads(ThreadState::Yes, ThreadState::Yes),
        );
    }
    let side = |pick: fn(&Difference) -> &Value| {
        let named = |d: &Difference| Named { name: d.0.to_owned(), value: pick(d).clone() };
        State::Options { values: differences.iter().map(named).collect() }
    };
    (side(|d| &d.1), side(|d| &d.2))
}

fn id(host: &DesiredHost, wish: &DesiredChannel) -> StepId {
    StepId::of(&host.name, StepName::Channel { source: &wish.source })
}

/// One option of a channel that is not as declared: its name, what it is and what it shall be.
type Difference = (&'static str, Value, Value);

fn differences(
    context: &Context<'_>,
    facts: &HostFacts,
    wish: &DesiredChannel,
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
    let positioning = |gtid: bool| if gtid { "gtid".to_owned() } else { "file".to_owned() };
    check(
        "positioning",
        positioning(channel.using_gtid.by_gtid()),
        positioning(wish.positioning == Positioning::Gtid),
    );
    let left_out = &channel.left_out;
    check("server ids left out", left_out.servers.join(", "), String::new());
    check("GTID domains left out", left_out.domains.join(", "), String::new());
    check("GTID domains chosen", left_out.all_domains_but.join(", "), String::new());
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
fn declared(wish: &DesiredChannel) -> State {
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
