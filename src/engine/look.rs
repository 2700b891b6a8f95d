//! The topology as it is.

use std::collections::BTreeMap;

use super::{Engine, State, evidence::row_evidence, files::bare_hosts, reading};
use crate::{
    desired::{self, DesiredHost},
    dialect::Dialect,
    model::{Endpoint, Fact, HostName},
    observe::{self, Reading},
    status::{self, ChannelState, HostState, LostState, LostStatus, StatusDocument},
    transport::Session,
};

impl State {
    /// How a topology is that was looked at.
    pub fn of_topology(document: &StatusDocument) -> Self {
        let unread = document.hosts.iter().any(|h| h.state == HostState::Unread);
        let broken = document.hosts.iter().any(|h| h.state == HostState::Down)
            || document.channels.iter().any(|c| c.state.is_fault())
            || document.writers_problem.is_some()
            || document.lost.iter().any(|lost| lost.state == LostState::Returned)
            || !document.errant.is_empty();
        State::of(broken, unread)
    }
}

/// The hosts whose status is asked for.
pub struct Look<'a> {
    engine: &'a Engine,
    hosts: Vec<DesiredHost>,
    /// Those that are declared lost.
    lost: Vec<DesiredHost>,
    /// Where all hosts are reached, those that `--limit` leaves out too.
    names: BTreeMap<Endpoint, HostName>,
    declared: bool,
}

impl Engine {
    /// The members of a playbook's topologies; without one, all hosts of the inventory.
    pub fn look(&self) -> Look<'_> {
        let declared = self.has_playbook();
        let mut hosts = if declared { Vec::new() } else { bare_hosts(&self.project) };
        let mut lost: Vec<DesiredHost> = Vec::new();
        for (play, members) in self.plays() {
            let built = desired::build(&self.project, play, members, &BTreeMap::new());
            let mut desired = built.desired.hosts;
            let gone = built.desired.lost.into_iter().map(|lost| lost.host);
            lost.extend(gone.filter(|host| self.chooses(&host.name)));
            for member in &built.desired.members {
                let Some(host) = desired.remove(member) else { continue };
                match hosts.iter_mut().find(|h| h.name == *member) {
                    Some(there) => there.channels.extend(host.channels),
                    None => hosts.push(host),
                }
            }
        }
        let names = status::endpoints(hosts.iter());
        hosts.retain(|h| self.chooses(&h.name));
        Look { engine: self, hosts, lost, names, declared }
    }
}

impl Look<'_> {
    /// Reads them once, over the connections that are open, and hands the connections on.
    pub(crate) async fn read(&self, open: BTreeMap<HostName, Session>) -> (StatusDocument, Reading) {
        let wanted: Vec<&DesiredHost> = self.hosts.iter().collect();
        let engine = self.engine;
        let gone: Vec<&DesiredHost> = self.lost.iter().collect();
        let mut reading = reading::observe_with_lost(
            (&wanted, &gone),
            &engine.secrets,
            &engine.hosts,
            &engine.scratch,
            open,
        )
        .await;
        observe::find_errant(&mut reading, &wanted, self.declared).await;
        let lost = self.lost.iter().map(|host| LostStatus::of(&host.name, &reading.observed)).collect();
        let document = status::status_among(&wanted, &self.names, &reading.observed, self.declared);
        (document.with_lost(lost), reading)
    }

    /// Reads them once.
    pub async fn status(&self) -> StatusDocument {
        let (document, reading) = self.read(BTreeMap::new()).await;
        reading.close().await;
        document
    }

    /// Adds the row on both sides to each channel that a row stops.
    pub(crate) async fn find_rows(&self, document: &mut StatusDocument, reading: &Reading) {
        for channel in document.channels.iter_mut().filter(|c| c.state == ChannelState::Broken) {
            let Some(source) = channel.source.clone() else { continue };
            let server = |host| reading.observed.get(host).and_then(Fact::known)?.server.known();
            let Some(replica) = server(&channel.replica) else { continue };
            let Some(facts) =
                replica.channels.known().and_then(|l| l.iter().find(|c| c.name == channel.name))
            else {
                continue;
            };
            let found = row_evidence(reading, &channel.replica, &source, facts).await;
            if let Some(evidence) = found {
                let start = Dialect::of(replica.version).start_channel(&channel.name);
                if !document.errant.iter().any(|found| found.replica == channel.replica) {
                    channel.repairs = evidence.repairs(&start);
                }
                channel.evidence = Some(evidence);
            }
        }
    }
}
