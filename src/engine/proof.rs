//! Proof by use: a row along every channel, tables compared, numbers, ports, restarts.

use std::collections::BTreeMap;

use tokio_util::sync::CancellationToken;

use super::{CommandError, Engine, State, files::bare_hosts};
use crate::{
    desired::{self, AllPlays, Desired, DesiredHost, Identity},
    exec::{self, Fleet, journal::Journal},
    model::{HostName, Limits, in_parallel},
    observe::{self, Reading},
    plan::Policy,
    proof::{About, Doubt, HostRemark, Remark},
    status::{self, HostState, StatusDocument},
    transport::Session,
    verify::{ChannelGraph, Outsider, Scope, VerifyReport, prove},
};

/// Hosts outside the topology that try ports as strangers.
const OUTSIDERS: usize = 2;

/// Hosts that were read, to be put to the test.
pub struct Proof<'a> {
    engine: &'a Engine,
    hosts: Vec<DesiredHost>,
    reading: Reading,
}

impl Engine {
    /// Reads the hosts that are to be put to the test: those of the playbook; without one, all of the inventory.
    pub async fn proof(&self) -> Proof<'_> {
        let first = desired_hosts(self, &BTreeMap::new());
        let wanted: Vec<&DesiredHost> = first.iter().collect();
        let mut reading =
            observe::observe(&wanted, &self.secrets, &self.hosts, &self.scratch, BTreeMap::new()).await;
        let hosts = desired_hosts(self, &reading.identities());
        let wanted: Vec<&DesiredHost> = hosts.iter().collect();
        observe::find_errant(&mut reading, &wanted, self.has_playbook()).await;
        Proof { engine: self, hosts, reading }
    }
}

impl Proof<'_> {
    /// The hosts.
    pub fn hosts(&self) -> impl Iterator<Item = &HostName> {
        self.hosts.iter().map(|host| &host.name)
    }

    /// How many sessions of clients a restart of all servers would cut.
    pub fn client_sessions(&self) -> usize {
        let server = |host: &DesiredHost| self.reading.observed.get(&host.name)?.known()?.server.known();
        let sessions = self.hosts.iter().filter_map(|host| server(host)?.sessions.known());
        sessions.map(Vec::len).sum()
    }

    /// Puts the hosts to the test, and cleans up behind itself.
    ///
    /// # Errors
    /// When another run holds a lock, or one can't be taken. What is not as it should be is no error: it is in the report.
    pub async fn run(
        self,
        scope: &Scope<'_>,
        interrupt: CancellationToken,
    ) -> Result<VerifyReport, CommandError> {
        let report = self.report(scope, interrupt).await;
        self.reading.close().await;
        report
    }

    /// Leaves it at that.
    pub async fn close(self) {
        self.reading.close().await;
    }

    async fn report(
        &self,
        scope: &Scope<'_>,
        interrupt: CancellationToken,
    ) -> Result<VerifyReport, CommandError> {
        let (engine, reading) = (self.engine, &self.reading);
        let wanted: Vec<&DesiredHost> = self.hosts.iter().collect();
        let declared = engine.has_playbook();
        let document = status::status(&wanted, &reading.observed, declared);
        let web = ChannelGraph::of(&wanted, &reading.observed, &document, declared);
        let desired = Desired {
            play: String::new(),
            members: self.hosts.iter().map(|h| h.name.clone()).collect(),
            hosts: self.hosts.iter().map(|h| (h.name.clone(), h.clone())).collect(),
            several_writers: web.writers.len() > 1,
            one_primary: false,
            lost: Vec::new(),
            all_plays: AllPlays::default(),
        };
        let journal = Journal::none();
        let fleet = Fleet::new(
            &reading.sessions,
            &reading.logins,
            &engine.secrets,
            &reading.observed,
            &desired,
            Policy::default(),
            Limits { forks: engine.hosts.forks, ..Limits::default() },
            interrupt,
            &journal,
            exec::Events::channel().0,
        );
        let outsiders = outsiders(engine, &self.hosts).await;
        let report = prove(&fleet, &web, &wanted, &outsiders, scope).await;
        futures_util::future::join_all(outsiders.into_iter().map(|o| o.session.close())).await;
        let mut report = report?;
        complete(&mut report, &document, &web);
        Ok(report)
    }
}

impl State {
    /// How hosts are that were put to the test; nothing where parts of it could not be done.
    pub fn of_proof(report: &VerifyReport) -> Option<Self> {
        let state = State::of(report.failed(), !report.not_read.is_empty());
        (report.failed() || report.errors.is_empty()).then_some(state)
    }
}

/// Adds to a report what was not put to the test.
fn complete(report: &mut VerifyReport, document: &StatusDocument, web: &ChannelGraph) {
    for host in &document.hosts {
        let remark = HostRemark { host: host.host.clone(), why: host.problem.clone() };
        match host.state {
            HostState::Up => {}
            HostState::Down => report.down.push(remark),
            HostState::Unread => report.not_read.push(remark),
        }
    }
    for channel in document.channels.iter().filter(|c| c.source.is_none()) {
        let why = Doubt::SourceNotKnown { endpoint: channel.endpoint.clone() };
        report.not_provable.push(Remark::new(About::Host(channel.replica.clone()), why));
    }
    if web.edges.is_empty() && report.down.is_empty() && report.not_read.is_empty() {
        report.errors.push(Remark::new(About::Inventory, Doubt::NoChannel));
    }
    if !report.failed() && report.not_read.is_empty() && report.errors.is_empty() && !report.proves_anything()
    {
        report.errors.push(Remark::new(About::Everything, Doubt::NothingTested));
    }
    report.proven &= report.errors.is_empty() && !report.failed() && report.not_read.is_empty();
}

/// The hosts with what the plays declare of them, all plays together.
fn desired_hosts(engine: &Engine, identities: &BTreeMap<HostName, Identity>) -> Vec<DesiredHost> {
    let mut hosts = if engine.has_playbook() { Vec::new() } else { bare_hosts(&engine.project) };
    for (play, members) in engine.plays() {
        let built = desired::build(&engine.project, play, members, identities);
        let mut desired = built.desired.hosts;
        for member in &built.desired.members {
            let Some(host) = desired.remove(member) else { continue };
            match hosts.iter_mut().find(|h| h.name == *member) {
                Some(there) => {
                    there.channels.extend(host.channels);
                    there.writer |= host.writer;
                    there.firewall = there.firewall.take().or(host.firewall);
                }
                None => hosts.push(host),
            }
        }
    }
    hosts.retain(|h| engine.chooses(&h.name));
    hosts
}

/// Hosts of the inventory that have no part in the topology. They are only needed where strangers are shut out.
async fn outsiders(engine: &Engine, hosts: &[DesiredHost]) -> Vec<Outsider> {
    if !hosts.iter().any(|h| h.firewall.as_ref().is_some_and(|f| f.deny_others)) {
        return Vec::new();
    }
    let bare = bare_hosts(&engine.project);
    let others = bare.iter().filter(|b| !hosts.iter().any(|h| h.name == b.name)).take(OUTSIDERS);
    let opened = others.map(|host| async move {
        let target = observe::target(&host.name, &host.connection, &engine.secrets, &engine.hosts).ok()?;
        let session = Session::open(target, engine.scratch.clone()).await.ok()?;
        session.settled().await.ok()?;
        Some(Outsider { session, address: host.endpoint.address.clone() })
    });
    in_parallel(engine.hosts.forks, opened).await.into_iter().flatten().collect()
}
