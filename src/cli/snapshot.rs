//! A fleet at one moment, with the plan for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{exit::Exit, prepare::Prepared};
use crate::{
    certificate::Authority,
    desired::{self, Built, DesiredHost},
    dialect::Dialect,
    diff,
    engine::{self, CommandError},
    model::{Fact, HostName, without_hidden},
    observe::{self, Observed},
    plan::{Plan, PlanDocument},
    render::{Terminal, Waiting},
    source::Problems,
    status,
    transport::{Login, Session},
};

/// One play: its wishes, the facts of its hosts, and its plan.
pub struct PlayState {
    /// Wishes.
    pub built: Built,
    /// Facts.
    pub observed: Observed,
    /// Logins that worked.
    pub logins: BTreeMap<HostName, Login>,
    /// What is to be done.
    pub plan: Plan,
}

/// All plays of a playbook at one moment.
#[derive(Default)]
pub struct Snapshot {
    /// The plays, in order.
    pub plays: Vec<PlayState>,
    /// Open connections.
    pub sessions: BTreeMap<HostName, Session>,
    /// How long reading took.
    pub took: Duration,
}

/// Reads the certificate of each authority beside the inventory.
fn look_at_authorities(built: &mut Built) {
    for (name, host) in &mut built.desired.hosts {
        let Some(wish) = host.certificates.as_mut() else { continue };
        let brought = Authority::brought(&wish.directory, name.as_str()).is_ok_and(|b| b.is_some());
        wish.can_issue = brought || Authority::has_key(&wish.directory);
        wish.authority = match Authority::certificate_in(&wish.directory) {
            Ok(Some(pem)) => Fact::Known(pem),
            Ok(None) => Fact::Absent,
            Err(error) => Fact::Unread(error.to_string()),
        };
    }
}

/// The accounts of all plays: what one play makes another one may rest on.
fn accounts(prepared: &Prepared) -> BTreeSet<(HostName, String)> {
    let built = prepared
        .plays()
        .map(|(play, hosts)| desired::build(&prepared.project, play, hosts, &BTreeMap::new()).desired);
    built
        .flat_map(|desired| desired.hosts.into_values())
        .flat_map(|host| {
            let name = host.name;
            host.accounts.into_iter().map(move |account| (name.clone(), account.user))
        })
        .collect()
}

impl Snapshot {
    /// Reads every host of every play and plans. Connections that are open are used again.
    pub async fn take(
        prepared: &Prepared,
        mut sessions: BTreeMap<HostName, Session>,
        terminal: &Terminal,
    ) -> Result<Self, CommandError> {
        let _waiting = Waiting::begin(terminal, "reading the hosts");
        let mut snapshot = Snapshot::default();
        let accounts = accounts(prepared);
        for (number, (play, hosts)) in prepared.plays().enumerate() {
            let first = desired::build(&prepared.project, play, hosts, &BTreeMap::new());
            let wanted: Vec<&DesiredHost> =
                first.desired.members.iter().filter_map(|m| first.desired.hosts.get(m)).collect();
            let mut reading =
                engine::observe(&wanted, &prepared.secrets, &prepared.options, &prepared.scratch, sessions)
                    .await;
            let mut built = desired::build(&prepared.project, play, hosts, &reading.identities());
            look_at_authorities(&mut built);
            built.desired.accounts_elsewhere.clone_from(&accounts);
            let mut problems: Problems = desired::lint(&built);
            problems.extend(built.problems.clone());
            if problems.fatal() {
                return Err(CommandError::files(problems, prepared.sources.clone()));
            }
            let members: Vec<&DesiredHost> =
                built.desired.members.iter().filter_map(|m| built.desired.hosts.get(m)).collect();
            observe::find_errant(&mut reading, &members, true).await;
            let mut plan = diff::build(&built, &reading.observed, &prepared.secrets, &prepared.policy);
            let doubtful = diff::in_doubt(&plan, &built.desired);
            if !doubtful.is_empty() {
                engine::look_closer(&mut reading, &doubtful, prepared.options.forks).await;
                plan = diff::build(&built, &reading.observed, &prepared.secrets, &prepared.policy);
            }
            let ends = diff::changing_ends(&plan, &reading.observed);
            if !ends.is_empty() {
                observe::prove_ends(&mut reading, &ends).await;
                plan = diff::build(&built, &reading.observed, &prepared.secrets, &prepared.policy);
            }
            if let Some(limit) = &prepared.limit {
                plan.limit(limit);
            }
            if number > 0 {
                plan.rename_steps(&format!("play{}/", number + 1));
            }
            snapshot.took += reading.took;
            snapshot.plays.push(PlayState {
                built,
                observed: reading.observed,
                logins: reading.logins,
                plan,
            });
            sessions = reading.sessions;
        }
        snapshot.sessions = sessions;
        Ok(snapshot)
    }

    /// The plans of all plays as one value.
    pub fn document(&self) -> PlanDocument {
        PlanDocument::from(&self.whole_plan()).reworded(|text| without_hidden(text).into_owned())
    }

    /// The plans of all plays as one.
    pub fn whole_plan(&self) -> Plan {
        let mut whole = Plan::default();
        for play in &self.plays {
            whole.steps.extend(play.plan.steps.iter().cloned());
            whole.waiting.extend(play.plan.waiting.iter().cloned());
            whole.refused.extend(play.plan.refused.iter().cloned());
            whole.warnings.extend(play.plan.warnings.iter().cloned());
        }
        whole
    }

    /// Hosts that this run is about: all members, or those that `--limit` names.
    pub fn asked_for(&self, prepared: &Prepared) -> BTreeSet<HostName> {
        let all = self.plays.iter().flat_map(|p| p.observed.keys()).cloned();
        all.filter(|host| prepared.limit.as_ref().is_none_or(|limit| limit.contains(host))).collect()
    }

    /// Hosts that this run is about and that could not be read, with the reason.
    pub fn unread(&self, prepared: &Prepared) -> BTreeMap<HostName, String> {
        let asked = self.asked_for(prepared);
        self.all_unread().into_iter().filter(|(host, _)| asked.contains(host)).collect()
    }

    /// Hosts that could not be read, whoever they are.
    fn all_unread(&self) -> BTreeMap<HostName, String> {
        let mut unread = BTreeMap::new();
        for play in &self.plays {
            for (host, fact) in &play.observed {
                let why = match fact {
                    Fact::Unread(why) => why.clone(),
                    Fact::Known(facts) => match &facts.server {
                        Fact::Unread(why) if !status::is_down(facts) => why.clone(),
                        Fact::Known(server) => match server.not_read() {
                            Some(why) => why,
                            None => continue,
                        },
                        _ => continue,
                    },
                    Fact::Absent => continue,
                };
                unread.insert(host.clone(), why);
            }
        }
        unread
    }

    /// The line that says what was read, for standard error.
    pub fn headline(&self, prepared: &Prepared) -> String {
        let (unread, asked) = (self.all_unread(), self.asked_for(prepared));
        let read: BTreeSet<&HostName> = self
            .plays
            .iter()
            .flat_map(|p| &p.observed)
            .filter(|(host, fact)| fact.known().is_some() && !unread.contains_key(*host))
            .map(|(host, _)| host)
            .collect();
        let names = |hosts: &mut dyn Iterator<Item = &&HostName>| {
            hosts.map(|host| host.as_str()).collect::<Vec<_>>().join(", ")
        };
        let took = crate::model::duration(self.took);
        let mut line = match read.is_empty() {
            true => format!("Nothing could be read in {took}."),
            false => format!("Observed {} in {took}.", names(&mut read.iter())),
        };
        let peers = names(&mut read.iter().filter(|host| !asked.contains(**host)));
        if !peers.is_empty() {
            line.push_str(&format!(
                "\nOf these, {peers} only as peers: ids, copies and channels depend on them, and --limit changes nothing there."
            ));
        }
        for (host, why) in unread {
            line.push_str(&format!("\nNot read: {host}: {why}"));
        }
        line
    }

    /// What is worth knowing of the servers' versions.
    pub fn version_notes(&self) -> BTreeSet<String> {
        let known = self.plays.iter().flat_map(|p| &p.observed);
        known
            .filter_map(|(host, fact)| {
                let server = fact.known()?.server.known()?;
                Dialect::of(server.version).note().map(|note| format!("{host}: {note}"))
            })
            .collect()
    }

    /// What the exit status of a command that only looks is.
    pub fn exit(&self, document: &PlanDocument, prepared: &Prepared) -> Exit {
        let unread = !self.unread(prepared).is_empty();
        let waits_for_others = document.waiting.iter().any(|w| !self.unread(prepared).contains_key(&w.host));
        let differs = !document.steps.is_empty() || (waits_for_others && !unread);
        match (document.refused.is_empty(), differs, unread) {
            (false, ..) => Exit::Refused,
            (true, true, true) => Exit::DifferencesAndNotRead,
            (true, true, false) => Exit::Differences,
            (true, false, true) => Exit::NotRead,
            (true, false, false) => Exit::Done,
        }
    }

    /// Ends all connections.
    pub async fn close(self) {
        futures_util::future::join_all(self.sessions.into_values().map(Session::close)).await;
    }
}
