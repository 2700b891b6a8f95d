//! The hosts at one moment, with the plan for them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{CommandError, Engine, inspect, reading};
use crate::{
    certificate::Authority,
    desired::{self, AllPlays, Built, DesiredHost},
    dialect::Dialect,
    diff,
    doctor::HostProblem,
    model::{Fact, HostName, without_hidden},
    observe::{self, Observed, Reading},
    plan::{Action, Because, DriftKind, Plan, PlanDocument, Policy, Reason, Step, blocked_by_policy},
    playbook::Play,
    source::Problems,
    status::{self, StatusDocument},
    transport::{Login, Session},
    words,
};

/// One play: what is declared, the facts of its hosts, and its plan.
pub(crate) struct PlayState {
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
pub struct Planned {
    /// The plays, in order.
    pub(crate) plays: Vec<PlayState>,
    /// Open connections.
    pub(crate) sessions: BTreeMap<HostName, Session>,
    pub(crate) limit: Option<BTreeSet<HostName>>,
    took: Duration,
}

/// What was read: for the line that says so.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Hosts that were read.
    pub read: BTreeSet<HostName>,
    /// Those of them that a limit leaves out: others depend on them.
    pub peers: BTreeSet<HostName>,
    /// Hosts that could not be read, with the reason.
    pub unread: BTreeMap<HostName, String>,
    /// How long it took.
    pub took: Duration,
}

/// How hosts and what is declared compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// They agree.
    InSync,
    /// They differ.
    Differs,
    /// Some hosts could not be read; the others agree.
    NotRead,
    /// They differ, and some hosts could not be read.
    DiffersAndNotRead,
    /// A step would destroy data or break a promise, and was not allowed by name.
    Refused,
}

impl State {
    /// From whether something differs and whether something could not be read.
    pub fn of(differs: bool, unread: bool) -> Self {
        match (differs, unread) {
            (true, true) => State::DiffersAndNotRead,
            (true, false) => State::Differs,
            (false, true) => State::NotRead,
            (false, false) => State::InSync,
        }
    }
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

/// What all plays declare: what one makes another one may rest on, and never takes away.
fn all_plays(engine: &Engine) -> AllPlays {
    let mut all = AllPlays::default();
    for (play, hosts) in engine.plays() {
        let desired = desired::build(&engine.project, play, hosts, &BTreeMap::new()).desired;
        for host in desired.hosts.into_values() {
            let accounts = host.accounts.into_iter().map(|a| (host.name.clone(), a.user, a.host));
            all.accounts.extend(accounts);
            all.channels.extend(host.channels.into_iter().map(|c| (host.name.clone(), c.name)));
        }
    }
    all
}

/// What hosts are read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// For a plan that is shown.
    ToKnow,
    /// For one that is shown without a look at hosts that are declared lost.
    WithoutLost,
    /// For one that is applied, if nothing stands against it.
    ToApply,
}

/// A lock needs a connection of its own, which takes as long as all that is still to be asked.
fn begin_lifelines(plan: &Plan, reading: &Reading) {
    let hosts: BTreeSet<HostName> = plan.steps.iter().flat_map(Step::touches).collect();
    hosts.iter().filter_map(|host| reading.sessions.get(host)).for_each(Session::begin_lifeline);
}

/// Plans, asks the hosts what a plan with such steps rests on, and plans with the answers.
async fn ask_and_plan(
    engine: &Engine,
    (play, hosts, all): (&Play, &[HostName], &AllPlays),
    (built, reading): (&mut Built, &mut Reading),
    purpose: Purpose,
) -> Plan {
    // What a run has done is not due again.
    if let (Some(edit), Purpose::ToApply) = (&engine.edit, purpose) {
        built.returned.clone_from(&edit.found);
    }
    let mut plan = diff::build(built, &reading.observed, &engine.secrets, &engine.policy);
    if purpose == Purpose::ToApply {
        begin_lifelines(&plan, reading);
    }
    let values = diff::values_to_ask(&plan, &built.desired, &reading.observed);
    if !values.is_empty() {
        observe::ask_values(reading, &values, engine.hosts.forks).await;
        plan = diff::build(built, &reading.observed, &engine.secrets, &engine.policy);
    }
    let doubtful = diff::copies_to_inspect(&plan, &built.desired);
    if !doubtful.is_empty() {
        inspect::inspect_data(reading, &doubtful, engine.hosts.forks).await;
        plan = diff::build(built, &reading.observed, &engine.secrets, &engine.policy);
    }
    let ends = diff::changing_ends(&plan, &reading.observed);
    if !ends.is_empty() {
        observe::prove_ends(reading, &ends).await;
        plan = diff::build(built, &reading.observed, &engine.secrets, &engine.policy);
    }
    let copies = diff::planned_copies(&plan, &built.desired, &reading.observed);
    if !copies.is_empty() {
        observe::look_at_copies(reading, &copies, engine.hosts.forks).await;
        plan = diff::build(built, &reading.observed, &engine.secrets, &engine.policy);
    }
    if let Some(host) = diff::stand_in(&built.desired, &reading.observed, &plan) {
        let known = reading.identities();
        built.turned = desired::turned(&engine.project, play, hosts, &known, &host);
        if let Some(turned) = &mut built.turned {
            turned.desired.all_plays.clone_from(all);
        }
        plan = diff::build(built, &reading.observed, &engine.secrets, &engine.policy);
    }
    let switching = diff::switching(&plan);
    if !switching.is_empty() {
        observe::look_before_a_turn(reading, &switching).await;
        plan = diff::build(built, &reading.observed, &engine.secrets, &engine.policy);
    }
    plan
}

impl Engine {
    /// Reads every host of every play, and plans what brings them to what is declared. Writes nothing.
    ///
    /// # Errors
    /// Mistakes in the files that show only now.
    pub async fn plan(&self) -> Result<Planned, CommandError> {
        Planned::take(self, BTreeMap::new(), Purpose::ToKnow).await
    }

    /// The same for a plan that is to be applied.
    ///
    /// # Errors
    /// As [`Engine::plan`].
    pub async fn plan_to_apply(&self) -> Result<Planned, CommandError> {
        Planned::take(self, BTreeMap::new(), Purpose::ToApply).await
    }

    /// The same for a plan that is to be applied, over the connections of an earlier plan.
    ///
    /// # Errors
    /// As [`Engine::plan`].
    pub async fn plan_after(&self, earlier: Planned) -> Result<Planned, CommandError> {
        Planned::take(self, earlier.sessions, Purpose::ToApply).await
    }

    /// The same without a look at hosts that are declared lost, for what the others tell.
    ///
    /// # Errors
    /// As [`Engine::plan`].
    pub async fn plan_without_lost(&self) -> Result<Planned, CommandError> {
        Planned::take(self, BTreeMap::new(), Purpose::WithoutLost).await
    }
}

impl Planned {
    /// Reads every host of every play and plans. Connections that are open are used again.
    pub(crate) async fn take(
        engine: &Engine,
        mut sessions: BTreeMap<HostName, Session>,
        purpose: Purpose,
    ) -> Result<Self, CommandError> {
        let mut snapshot = Planned { limit: engine.limit.clone(), ..Planned::default() };
        let all = all_plays(engine);
        for (number, (play, hosts)) in engine.plays().enumerate() {
            let mut first = desired::build(&engine.project, play, hosts, &BTreeMap::new());
            let lost = purpose != Purpose::WithoutLost;
            if !lost {
                first.desired.hosts.values_mut().for_each(|host| host.lost.clear());
            }
            let mut reading = reading::observe_play(
                &first.desired,
                &engine.secrets,
                &engine.hosts,
                &engine.scratch,
                sessions,
                lost,
            )
            .await;
            let mut built = desired::build(&engine.project, play, hosts, &reading.identities());
            look_at_authorities(&mut built);
            built.desired.all_plays.clone_from(&all);
            let mut problems: Problems = desired::lint(&built);
            problems.extend(built.problems.clone());
            if problems.fatal() {
                return Err(CommandError::files(problems, engine.sources.clone()));
            }
            let members: Vec<&DesiredHost> =
                built.desired.members.iter().filter_map(|m| built.desired.hosts.get(m)).collect();
            observe::find_errant(&mut reading, &members, true).await;
            let play = (play, hosts, &all);
            let mut plan = ask_and_plan(engine, play, (&mut built, &mut reading), purpose).await;
            if let Some(limit) = &engine.limit {
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

    /// The plans of all plays as one value, without secrets.
    ///
    /// # Errors
    /// When secrets can't be kept out of it.
    pub fn document(&self) -> Result<PlanDocument, CommandError> {
        shown(&self.whole_plan())
    }

    /// The same, with what a run may not do among what is refused.
    ///
    /// # Errors
    /// As [`Planned::document`].
    pub fn document_without_leave(&self, given: &Policy) -> Result<PlanDocument, CommandError> {
        let mut whole = self.whole_plan();
        whole.refused.extend(blocked_by_policy(&whole, given));
        shown(&whole)
    }

    /// The plans of all plays as one.
    pub fn whole_plan(&self) -> Plan {
        let mut whole = Plan::default();
        for play in &self.plays {
            whole.steps.extend(play.plan.steps.iter().cloned());
            whole.waiting.extend(play.plan.waiting.iter().cloned());
            whole.refused.extend(play.plan.refused.iter().cloned());
            whole.warnings.extend(play.plan.warnings.iter().cloned());
            for host in &play.plan.writers {
                if !whole.writers.contains(host) {
                    whole.writers.push(host.clone());
                }
            }
        }
        whole
    }

    /// The replica that has all that any replica has received of a lost host; nothing where none has.
    pub fn most_advanced(&self) -> Option<HostName> {
        self.plays.iter().find_map(|play| diff::most_advanced(&play.built.desired, &play.observed))
    }

    /// The hosts that hold data and take writes of clients.
    pub fn used_writers(&self) -> Vec<HostName> {
        self.plays.iter().flat_map(|play| diff::used_writers(&play.built.desired, &play.observed)).collect()
    }

    /// A replica that was read and follows a lost host, where one does.
    pub fn some_follower(&self) -> Option<HostName> {
        self.plays
            .iter()
            .find_map(|play| diff::followers(&play.built.desired, &play.observed).into_iter().next())
    }

    /// The same with the steps of one host alone.
    ///
    /// # Errors
    /// It comes back as it is where the host has none.
    pub fn only_of(mut self, host: &HostName) -> Result<Self, Self> {
        if !self.plays.iter().flat_map(|play| &play.plan.steps).any(|step| step.host == *host) {
            return Err(self);
        }
        for play in &mut self.plays {
            play.plan.steps.retain(|step| step.host == *host);
            play.plan.waiting.clear();
            play.plan.refused.clear();
        }
        Ok(self)
    }

    /// The same with nothing but the steps that close a host which accepts writes beside the declared one: those that are done
    /// although something is refused.
    ///
    /// # Errors
    /// It comes back as it is where there is none, and where the run was asked to move the writes: then nothing of it is done.
    pub fn only_closing(mut self, policy: &Policy) -> Result<Self, Self> {
        if policy.takes_over.is_some() {
            return Err(self);
        }
        let beside = |plan: &Plan, step: &Step| {
            let said = |reason: &Reason| matches!(reason.because, Because::SecondWriter { .. });
            let second = plan.second_writers().contains(&&step.host) && step.action.sets_read_only("ON");
            matches!(step.action, Action::SetGlobal(_)) && (second || step.reason.iter().any(said))
        };
        if !self.plays.iter().any(|play| play.plan.steps.iter().any(|step| beside(&play.plan, step))) {
            return Err(self);
        }
        for play in &mut self.plays {
            let mut steps = std::mem::take(&mut play.plan.steps);
            steps.retain(|step| beside(&play.plan, step));
            steps.iter_mut().for_each(|step| step.requires.clear());
            play.plan.steps = steps;
            play.plan.waiting.clear();
            play.plan.refused.clear();
        }
        Ok(self)
    }

    /// Why a lost host is not back; nothing where its server has answered.
    pub fn not_back(&self, host: &HostName) -> Option<String> {
        let fact = self.plays.iter().find_map(|play| play.observed.get(host))?;
        match fact {
            Fact::Known(facts) => match &facts.server {
                Fact::Known(_) => None,
                Fact::Absent => Some("no database server is installed there".to_owned()),
                Fact::Unread(why) => Some(why.clone()),
            },
            Fact::Unread(why) => Some(why.clone()),
            Fact::Absent => Some("it was not looked at".to_owned()),
        }
    }

    /// Hosts that this run is about: all members, or those that the limit names.
    pub fn asked_for(&self) -> BTreeSet<HostName> {
        let all = self.plays.iter().flat_map(|p| &p.built.desired.members).cloned();
        all.filter(|host| self.limit.as_ref().is_none_or(|limit| limit.contains(host))).collect()
    }

    /// Hosts that this run is about and that could not be read, with the reason.
    pub fn unread(&self) -> BTreeMap<HostName, String> {
        let asked = self.asked_for();
        self.all_unread().into_iter().filter(|(host, _)| asked.contains(host)).collect()
    }

    /// Hosts that could not be read, whoever they are.
    fn all_unread(&self) -> BTreeMap<HostName, String> {
        let mut unread = BTreeMap::new();
        for play in &self.plays {
            // One that is declared lost need not be read.
            let needed = play.observed.iter().filter(|(host, _)| !play.built.desired.is_lost(host));
            for (host, fact) in needed {
                let why = match fact {
                    Fact::Unread(why) => why.clone(),
                    Fact::Known(facts) => match status::server_problem(facts) {
                        None | Some(HostProblem::Down { .. } | HostProblem::NoServer) => continue,
                        Some(problem) => words::fault::host(&problem),
                    },
                    Fact::Absent => continue,
                };
                unread.insert(host.clone(), why);
            }
        }
        unread
    }

    /// What was read.
    pub fn seen(&self) -> Seen {
        let (unread, asked) = (self.all_unread(), self.asked_for());
        let read: BTreeSet<HostName> = self
            .plays
            .iter()
            .flat_map(|p| &p.observed)
            .filter(|(host, fact)| fact.known().is_some() && !unread.contains_key(*host))
            .map(|(host, _)| host.clone())
            .collect();
        // One that is lost is nobody's peer, and was looked at by itself.
        let is_lost = |host: &HostName| self.plays.iter().any(|play| play.built.desired.is_lost(host));
        let peers = read.difference(&asked).filter(|host| !is_lost(host)).cloned().collect();
        Seen { read, peers, unread, took: self.took }
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

    /// How hosts and what is declared compare, by the plan as it is told.
    pub fn state(&self, document: &PlanDocument) -> State {
        let unread = self.unread();
        let waits_for_others = document.waiting.iter().any(|w| !unread.contains_key(&w.host));
        let is_difference =
            |kind| matches!(kind, DriftKind::Writers | DriftKind::Returned | DriftKind::Events);
        let found = document.warnings.iter().filter_map(|w| w.drift).any(is_difference);
        let differs = found || !document.steps.is_empty() || (waits_for_others && unread.is_empty());
        match document.refused.is_empty() {
            true => State::of(differs, !unread.is_empty()),
            false => State::Refused,
        }
    }

    /// The topology as it was read, for those hosts that the limit names.
    pub fn status(&self) -> StatusDocument {
        let mut hosts: Vec<&DesiredHost> = Vec::new();
        let mut observed = Observed::new();
        for play in &self.plays {
            for name in &play.built.desired.members {
                let shown = self.limit.as_ref().is_none_or(|limit| limit.contains(name));
                let host = play.built.desired.hosts.get(name).filter(|_| shown);
                hosts.extend(host.filter(|host| !hosts.iter().any(|h| h.name == host.name)));
            }
            observed.extend(play.observed.iter().map(|(name, facts)| (name.clone(), facts.clone())));
        }
        let lost = self.plays.iter().flat_map(|play| &play.built.desired.lost).map(|lost| &lost.host.name);
        let shown = lost.filter(|name| self.limit.as_ref().is_none_or(|limit| limit.contains(name)));
        let lost = shown.map(|name| status::LostStatus::of(name, &observed)).collect();
        status::status(&hosts, &observed, true).with_lost(lost)
    }

    /// Ends all connections.
    pub async fn close(self) {
        futures_util::future::join_all(self.sessions.into_values().map(Session::close)).await;
    }
}

/// The document of a plan, without secrets.
pub(super) fn shown(plan: &Plan) -> Result<PlanDocument, CommandError> {
    let masked = words::document(plan).reworded(|text| without_hidden(text).into_owned());
    masked.map_err(|error| {
        CommandError::failed("the plan could not be written without its secrets")
            .because(error)
            .next("This is a fault of tandem. Nothing was shown.")
    })
}
