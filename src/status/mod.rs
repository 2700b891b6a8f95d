//! The topology as it is, as one value for people and machines. Pure.

mod lag;
mod lost;
mod state;
mod written;

pub use lost::{LostState, LostStatus};
pub use state::HostState;

pub use crate::model::ChannelState;

use std::collections::BTreeMap;

use serde::Serialize;
use written::{
    errant_in_words, evidence_in_words, fault_in_words, problem_in_words, repairs_in_words, writers_in_words,
};

use crate::{
    desired::{DesiredChannel, DesiredHost},
    dialect::Dialect,
    doctor::{
        ChannelContext, ChannelFault, ChannelProblem, Copying, ErrantContext, ErrantExplanation, Explanation,
        HostProblem, OpenHost, Repair, RowEvidence, WritersProblem, WritesGo, explain_channel, explain_down,
        explain_errant, writes_go,
    },
    model::{Endpoint, Fact, HostName, ThreadState, visible},
    observe::{ChannelFacts, ErrantFacts, HostFacts, Observed, ServerFacts},
};

/// Version of the format: a minor step only adds, a major one may change what is there.
pub const FORMAT_VERSION: &str = "2.0";

/// What `status` shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatusDocument {
    /// A minor step only adds, a major one may change what is there.
    pub format_version: &'static str,
    /// Whether every host was read, every server runs, and every channel runs without an error.
    pub healthy: bool,
    /// Hosts that accept writes of clients now, as far as they were read.
    pub writers: Vec<HostName>,
    /// What is wrong with that, where clients are declared to write to one host.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "writers_in_words")]
    pub writers_problem: Option<WritersProblem>,
    /// Hosts in the order of the inventory or topology.
    pub hosts: Vec<HostStatus>,
    /// Hosts that are declared lost.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<LostStatus>,
    /// Channels by replica.
    pub channels: Vec<ChannelStatus>,
    /// Transactions that a replica has and none of its sources.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "errant_in_words")]
    pub errant: Vec<ErrantExplanation>,
}

/// One host.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostStatus {
    /// Its name.
    pub host: HostName,
    /// How it is.
    pub state: HostState,
    /// Why it is not up; the document has its code and its words.
    #[serde(flatten, serialize_with = "problem_in_words")]
    pub problem: Option<HostProblem>,
    /// Family and version, such as `MariaDB 10.11.19`.
    pub server: Option<String>,
    /// Operating system.
    pub os: Option<String>,
    /// Where its peers reach it.
    pub endpoint: String,
    /// `@@server_id`.
    pub server_id: Option<u64>,
    /// Whether clients can't write; null where it is not known.
    pub read_only: Option<bool>,
    /// What its binary log holds, as a GTID position.
    pub gtid: Option<String>,
    /// Current binary log file and position, such as `mysql-bin.000003:4711`.
    pub binlog: Option<String>,
    /// Sessions of clients; null where they were not read, as all that is null here.
    pub clients: Option<usize>,
    /// Bytes of all user databases.
    pub data_bytes: Option<u64>,
}

/// One channel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelStatus {
    /// The replica.
    pub replica: HostName,
    /// The source's name, where its address is one of the inventory's.
    pub source: Option<HostName>,
    /// The source's address and port.
    pub endpoint: String,
    /// The channel's name; empty for the default one.
    pub name: String,
    /// Whether some file declares it; absent where no playbook was given.
    pub declared: Option<bool>,
    /// How it is.
    pub state: ChannelState,
    /// Receiver thread, in the server's words; `none` where there is no channel, `unknown` where the replica was not read.
    pub io_thread: String,
    /// Applier thread, likewise.
    pub sql_thread: String,
    /// How far it is behind, in seconds; null where that is not known.
    pub lag_seconds: Option<u64>,
    /// Where that comes from: `heartbeat`, measured by the row that the source stamps, or `estimate`, the
    /// server's own guess, which is 0 as long as nothing more was received.
    pub lag_source: Option<&'static str>,
    /// Executed up to this place of the source's binary log.
    pub executed: String,
    /// Received up to this GTID.
    pub gtid: String,
    /// Whether the connection is encrypted.
    pub tls: Encryption,
    /// What is wrong; the document has its code, the layer, its words, what to do, and the server's own words.
    #[serde(flatten, serialize_with = "fault_in_words")]
    pub fault: Option<ChannelFault>,
    /// What `doctor` has found on both sides.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "evidence_in_words")]
    pub evidence: Option<RowEvidence>,
    /// The ways out that `doctor` knows, with what each loses.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "repairs_in_words")]
    pub repairs: Vec<Repair>,
}

impl ChannelStatus {
    /// A declared channel of which nothing is known but that it runs.
    pub fn running(replica: &HostName, source: &HostName, endpoint: &Endpoint, name: &str) -> Self {
        Self {
            replica: replica.clone(),
            source: Some(source.clone()),
            endpoint: endpoint.to_string(),
            name: name.to_owned(),
            declared: Some(true),
            state: ChannelState::Running,
            io_thread: "Yes".into(),
            sql_thread: "Yes".into(),
            lag_seconds: None,
            lag_source: None,
            executed: String::new(),
            gtid: String::new(),
            tls: Encryption::Unknown,
            fault: None,
            evidence: None,
            repairs: Vec::new(),
        }
    }
}

/// Whether a channel's connection is encrypted. What was not read is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encryption {
    /// It is.
    On,
    /// It is not.
    Off,
    /// There is no such channel.
    None,
    /// The replica was not read.
    Unknown,
}

/// Puts the status together. `declared` says whether the hosts' wishes hold channels at all.
pub fn status(hosts: &[&DesiredHost], observed: &Observed, declared: bool) -> StatusDocument {
    status_among(hosts, &endpoints(hosts.iter().copied()), observed, declared)
}

/// Where hosts are reached, for naming the sources of channels.
pub fn endpoints<'a>(hosts: impl Iterator<Item = &'a DesiredHost>) -> BTreeMap<Endpoint, HostName> {
    hosts.map(|host| (host.endpoint.clone(), host.name.clone())).collect()
}

/// The same for some hosts of a fleet: `names` has those of the others too, so that a source that was left out is no
/// stranger.
pub fn status_among(
    hosts: &[&DesiredHost],
    names: &BTreeMap<Endpoint, HostName>,
    observed: &Observed,
    declared: bool,
) -> StatusDocument {
    let mut channels = Vec::new();
    for host in hosts {
        channels_of(host, names, observed, declared, &mut channels);
    }
    let rows: Vec<HostStatus> = hosts.iter().map(|h| host_status(h, observed)).collect();
    let errant: Vec<ErrantExplanation> =
        hosts.iter().flat_map(|host| errant_of(host, observed, declared, &channels)).collect();
    let (writers, writers_problem) = writers(hosts, names.len() == hosts.len(), observed, declared);
    let healthy = writers_problem.is_none()
        && rows.iter().all(|h| h.state == HostState::Up)
        && channels.iter().all(|c| c.state == ChannelState::Running)
        && errant.is_empty();
    errant.iter().for_each(|found| settle_first(found, &mut channels));
    StatusDocument {
        format_version: FORMAT_VERSION,
        healthy,
        writers,
        writers_problem,
        hosts: rows,
        lost: Vec::new(),
        channels,
        errant,
    }
}

/// Who accepts writes, and what is wrong with that. `whole` says that these are all hosts.
fn writers(
    hosts: &[&DesiredHost],
    whole: bool,
    observed: &Observed,
    declared: bool,
) -> (Vec<HostName>, Option<WritersProblem>) {
    let server = |host: &HostName| observed.get(host).and_then(Fact::known)?.server.known();
    let named = |host: &&&DesiredHost| server(&host.name).is_some_and(ServerFacts::accepts_writes);
    let open: Vec<&&DesiredHost> = hosts.iter().filter(named).collect();
    let writers = open.iter().map(|host| host.name.clone()).collect();
    let mut wished = hosts.iter().filter(|host| declared && host.writer && !host.replicas.is_empty());
    let (Some(one), None) = (wished.next(), wished.next()) else { return (writers, None) };
    let used = |host: &HostName| server(host).is_some_and(ServerFacts::is_used);
    // A replica that is declared open is meant to take writes of its own.
    let one_too_many = |host: &DesiredHost| host.declared_closed() != Some(false);
    let open: Vec<OpenHost<'_>> = open
        .iter()
        .filter(|host| used(&host.name))
        .map(|host| OpenHost { host: &host.name, one_too_many: one_too_many(host) })
        .collect();
    let all_read = whole && hosts.iter().all(|host| server(&host.name).is_some());
    let declared = one.name.clone();
    let problem = match writes_go(&one.name, &open) {
        WritesGo::Several(open) => {
            Some(WritersProblem::Several { open: open.into_iter().cloned().collect(), declared })
        }
        WritesGo::Nowhere => (all_read && used(&one.name)).then_some(WritersProblem::None { declared }),
        WritesGo::Elsewhere(open) => {
            let read = server(&one.name).is_some();
            Some(WritersProblem::Other { open: open.clone(), declared, read })
        }
        WritesGo::AsDeclared => None,
    };
    (writers, problem)
}

/// What was found on one host as a replica.
fn errant_of(
    host: &DesiredHost,
    observed: &Observed,
    declared: bool,
    channels: &[ChannelStatus],
) -> Vec<ErrantExplanation> {
    let Some(facts) = observed.get(&host.name).and_then(Fact::known) else { return Vec::new() };
    let Some(server) = facts.server.known() else { return Vec::new() };
    // It is recorded as the writer for a restart of its source that has not ended: `apply` brings back what is written there.
    let closed = |source: &HostName| {
        let server = observed.get(source).and_then(Fact::known).and_then(|facts| facts.server.known());
        server.is_some_and(|server| !server.accepts_writes())
    };
    let stands_in = |finding: &ErrantFacts| {
        facts.role_unit.known().is_some() && server.accepts_writes() && finding.sources.iter().all(closed)
    };
    let one = |finding: &ErrantFacts| {
        let from = |c: &&ChannelStatus| {
            c.replica == host.name && c.source.as_ref().is_some_and(|s| finding.sources.contains(s))
        };
        let errant_context = ErrantContext {
            replica: &host.name,
            dialect: Dialect::of(server.version),
            channel: channels.iter().find(from).map_or("", |c| c.name.as_str()),
            copying: Copying::of(declared, host.seeds.len(), host.channels.len()),
            has_replicas: channels.iter().any(|c| c.source.as_ref() == Some(&host.name)),
        };
        explain_errant(errant_context, finding)
    };
    facts.errant().iter().filter(|finding| !stands_in(finding)).map(one).collect()
}

/// Nothing else is done to a replica as long as it has errant transactions, so nothing else is advised for its channels.
fn settle_first(found: &ErrantExplanation, channels: &mut [ChannelStatus]) {
    let its = channels.iter_mut().filter(|c| found.is_certain() && c.replica == found.replica);
    for channel in its {
        let Some(fault) = &mut channel.fault else { continue };
        fault.errant_first = Some(found.replica.clone());
        channel.repairs.clear();
    }
}

fn host_status(host: &DesiredHost, observed: &Observed) -> HostStatus {
    let mut status = HostStatus {
        host: host.name.clone(),
        state: HostState::Unread,
        problem: None,
        server: None,
        os: None,
        endpoint: host.endpoint.to_string(),
        server_id: None,
        read_only: None,
        gtid: None,
        binlog: None,
        clients: None,
        data_bytes: None,
    };
    let facts = match observed.get(&host.name) {
        Some(Fact::Known(facts)) => facts,
        Some(Fact::Unread(why)) => {
            status.problem = Some(HostProblem::NotRead { why: why.clone() });
            return status;
        }
        Some(Fact::Absent) | None => return status,
    };
    status.os = Some(facts.os.pretty.clone());
    status.problem = server_problem(facts);
    status.state = match &status.problem {
        None => HostState::Up,
        Some(HostProblem::Down { .. } | HostProblem::NoServer) => HostState::Down,
        // Of a server whose channels are not known nobody can say that all is well.
        Some(_) => HostState::Unread,
    };
    let Fact::Known(server) = &facts.server else { return status };
    status.server = Some(server.version.to_string());
    status.server_id = server.number("server_id");
    status.read_only = server.variable("read_only").map(|_| server.is_on("read_only"));
    status.gtid = server.variable("gtid_binlog_pos").or(server.variable("gtid_executed")).map(str::to_owned);
    status.binlog = server.binlog.known().and_then(|b| Some(b.end.as_ref()?.to_string()));
    status.clients = server.sessions.known().map(Vec::len);
    status.data_bytes = Some(server.data_bytes());
    status
}

/// Why a host's server is not up, or not known as a whole.
pub fn server_problem(facts: &HostFacts) -> Option<HostProblem> {
    match &facts.server {
        Fact::Known(server) => {
            let (part, why) = server.part_not_read()?;
            Some(HostProblem::PartNotRead { part, why: why.to_owned() })
        }
        Fact::Absent => Some(HostProblem::NoServer),
        Fact::Unread(_) if is_down(facts) => {
            Some(HostProblem::Down { why: explain_down(facts).map(Box::new) })
        }
        Fact::Unread(why) => Some(HostProblem::NotRead { why: why.clone() }),
    }
}

/// Whether the host was read and its server does not run.
pub fn is_down(facts: &HostFacts) -> bool {
    facts.server.known().is_none() && facts.service.known().is_some_and(|s| !s.running())
}

fn channels_of(
    host: &DesiredHost,
    names: &BTreeMap<Endpoint, HostName>,
    observed: &Observed,
    declared: bool,
    out: &mut Vec<ChannelStatus>,
) {
    let facts = observed.get(&host.name).and_then(Fact::known);
    let server = facts.and_then(|f| f.server.known());
    let read = server.and_then(|s| s.channels.known());
    let channels = read.map(Vec::as_slice).unwrap_or_default();
    let beating = lag::beating(observed);
    for channel in channels {
        let endpoint = Endpoint { address: visible(&channel.source_host), port: channel.source_port };
        let source = names.get(&endpoint).cloned();
        let fault = fault(host, channel, &endpoint, source.as_ref(), observed);
        let beats = source.as_ref().and_then(|s| observed.get(s)).and_then(Fact::known);
        let measured = beats.and_then(|f| f.server.known()).zip(server).and_then(|(s, r)| {
            lag::lag(s.heartbeat.known()?, r.heartbeat.known()?, r.number("server_id"), &beating)
        });
        let state = state(channel, fault.is_some());
        out.push(ChannelStatus {
            replica: host.name.clone(),
            source,
            endpoint: endpoint.to_string(),
            name: channel.name.clone(),
            declared: declared.then(|| host.channels.iter().any(|w| w.endpoint == endpoint)),
            state,
            io_thread: channel.io_running.to_string(),
            sql_thread: channel.sql_running.to_string(),
            lag_seconds: measured.or(channel.seconds_behind),
            lag_source: match (measured, channel.seconds_behind) {
                (Some(_), _) => Some("heartbeat"),
                (None, Some(_)) => Some("estimate"),
                (None, None) => None,
            },
            executed: channel.executed.as_ref().map(ToString::to_string).unwrap_or_default(),
            gtid: channel.gtid_io_pos.clone(),
            tls: if channel.tls { Encryption::On } else { Encryption::Off },
            evidence: None,
            repairs: fault.as_ref().map_or_else(Vec::new, Repair::of_channel),
            fault: fault.map(|found| ChannelProblem::Stopped(Box::new(found)).into()),
        });
    }
    let there = |wish: &&DesiredChannel| {
        let at = &wish.endpoint;
        channels.iter().any(|c| c.source_host == at.address && c.source_port == at.port)
    };
    let missing = host.channels.iter().filter(|wish| !there(wish));
    out.extend(missing.map(|wish| missing_channel(host, wish, read.is_some())));
}

fn state(channel: &ChannelFacts, faulty: bool) -> ChannelState {
    match faulty {
        false if channel.running() => ChannelState::Running,
        false => ChannelState::Stopped,
        true if channel.io_running == ThreadState::No && channel.without_error() => ChannelState::Stopped,
        true if channel.io_running == ThreadState::Connecting => ChannelState::Connecting,
        true => ChannelState::Broken,
    }
}

/// A channel that is declared and was not found; where the server's channels are not `read`, nothing is known of it.
fn missing_channel(host: &DesiredHost, wish: &DesiredChannel, read: bool) -> ChannelStatus {
    let missing =
        || ChannelProblem::Missing { replica: host.name.clone(), source: wish.source.clone() }.into();
    ChannelStatus {
        replica: host.name.clone(),
        source: Some(wish.source.clone()),
        endpoint: wish.endpoint.to_string(),
        name: wish.name.clone(),
        declared: Some(true),
        state: if read { ChannelState::Missing } else { ChannelState::Unknown },
        io_thread: if read { "none" } else { "unknown" }.into(),
        sql_thread: if read { "none" } else { "unknown" }.into(),
        lag_seconds: None,
        lag_source: None,
        executed: String::new(),
        gtid: String::new(),
        tls: if read { Encryption::None } else { Encryption::Unknown },
        fault: read.then(missing),
        evidence: None,
        repairs: Vec::new(),
    }
}

fn relay_log<'a>(observed: &'a Observed, host: &DesiredHost) -> Option<&'a str> {
    observed.get(&host.name)?.known()?.server.known()?.variable("relay_log_basename")
}

fn fault(
    host: &DesiredHost,
    channel: &ChannelFacts,
    endpoint: &Endpoint,
    source: Option<&HostName>,
    observed: &Observed,
) -> Option<Explanation> {
    let source_facts = source.and_then(|s| observed.get(s)).and_then(Fact::known);
    let channel_context = ChannelContext {
        replica: host.name.as_str(),
        source: source.map_or(endpoint.address.as_str(), HostName::as_str),
        source_runs: source_facts.map(|f| f.server.known().is_some()),
        reach: observed.get(&host.name).and_then(Fact::known).and_then(|f| f.reach.get(endpoint)),
        relay_log: relay_log(observed, host),
        source_down_because: source_facts.filter(|f| is_down(f)).and_then(explain_down),
    };
    explain_channel(channel, &channel_context)
}

impl StatusDocument {
    /// Keeps only what is not as it should be.
    pub fn keep_faults(&mut self) {
        self.hosts.retain(|h| h.state != HostState::Up);
        self.lost.retain(|lost| lost.state == LostState::Returned);
        self.channels.retain(|c| c.state.is_fault());
    }
}
