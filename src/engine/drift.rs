//! What differs from what is declared, with the differences that are known and ignored left out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{
    CommandError, Engine, Planned, State,
    planned::{PlayState, shown},
};
use crate::{
    dialect::Dialect,
    model::{Fact, HostName, IgnoreRule},
    observe::ServerFacts,
    plan::{IgnoreOutcome, PlanDocument, RowsFinding, SampledTable, Warning},
    source::Problems,
    transport::SqlError,
    verify::{Side, sample},
    words,
};

/// Hosts compared with what is declared of them.
pub struct Drift {
    /// What differs, without what is ignored.
    pub document: PlanDocument,
    /// What the rules did.
    pub rules: IgnoreOutcome,
    /// How it all is.
    pub state: State,
    /// Hosts that this is about.
    pub hosts: BTreeSet<HostName>,
    /// Those of them that could not be read, with the reason.
    pub unread: BTreeMap<HostName, String>,
    /// On how many channels rows were compared.
    pub compared: usize,
}

impl Engine {
    /// Reads the hosts and compares them with what is declared. Writes nothing.
    ///
    /// `more` are rules beside those of the files; rows of `samples` tables are compared on both ends of each channel.
    ///
    /// # Errors
    /// A rule that can never fit; mistakes in the files that show only now.
    pub async fn drift(
        &self,
        more: &[IgnoreRule],
        samples: usize,
        today: Date,
    ) -> Result<Drift, CommandError> {
        let hosts: Vec<HostName> = self.plays().flat_map(|(_, hosts)| hosts.to_vec()).collect();
        if let Some(why) = more.iter().find_map(|rule| rule.never_fits(&hosts)) {
            return Err(CommandError::usage(format!("--ignore: {}", words::never_fits(&why))));
        }
        let mut rules = self.project.drift_rules(&mut Problems::default());
        rules.extend(more.iter().cloned());
        let planned = self.plan().await?;
        let mut whole = planned.whole_plan();
        let mut compared = 0;
        if samples > 0 {
            let (found, channels) = differing_rows(&planned, samples).await;
            whole.warnings.extend(found);
            compared = channels;
        }
        let rules = whole.ignore(&rules, today);
        let mut document = shown(&whole)?;
        document.ignored.clone_from(&rules.ignored);
        // What nobody declared is a difference here, although no step does away with it.
        let undeclared = whole.warnings.iter().any(|warning| warning.what.drift().is_some());
        document.in_sync &= !undeclared;
        // So is what was found and would stop an apply.
        let found = !whole.refused.is_empty() && whole.refused.iter().all(|refusal| refusal.why.is_finding());
        let unread = planned.unread();
        let state = match (planned.state(&document), undeclared) {
            (State::Refused, _) if found => State::of(true, !unread.is_empty()),
            (State::InSync, true) => State::Differs,
            (State::NotRead, true) => State::DiffersAndNotRead,
            (state, _) => state,
        };
        // A rule may leave out that a host waits; that nothing is known of it stays.
        document.in_sync &= unread.is_empty();
        let hosts = planned.asked_for();
        planned.close().await;
        Ok(Drift { document, rules, state, hosts, unread, compared })
    }
}

/// Channels on whose ends some rows differ. Those that filter, wait or lag are left out: there a difference says
/// nothing.
/// The second value says how many channels were looked at.
async fn differing_rows(planned: &Planned, count: usize) -> (Vec<Warning>, usize) {
    // Another hour, other rows.
    let turn = jiff::Timestamp::now().as_second().unsigned_abs() / 3600;
    let (mut found, mut compared) = (Vec::new(), 0);
    for play in &planned.plays {
        let server = |host: &HostName| play.observed.get(host).and_then(Fact::known)?.server.known();
        let chosen = |host: &HostName| planned.limit.as_ref().is_none_or(|limit| limit.contains(host));
        for host in play.built.desired.hosts.values().filter(|h| chosen(&h.name)) {
            for wish in &host.channels {
                let (Some(source), Some(replica)) = (server(&wish.source), server(&host.name)) else {
                    continue;
                };
                let whole =
                    source.binlog.known().is_some_and(|b| b.do_db.is_empty() && b.ignore_db.is_empty());
                let channel = replica.channels.known().and_then(|l| l.iter().find(|c| c.name == wish.name));
                let fit = channel.is_some_and(|c| {
                    c.running()
                        && c.delay == 0
                        && c.seconds_behind == Some(0)
                        && c.filters == Default::default()
                });
                if !(fit && whole) {
                    continue;
                }
                compared += 1;
                let ends = ((&wish.source, source), (&host.name, replica));
                let source = wish.source.clone();
                let what = match sides(planned, play, ends, count, turn).await {
                    Ok(tables) if tables.is_empty() => continue,
                    Ok(tables) => RowsFinding::Differ { source, tables },
                    Err(error) => RowsFinding::NotCompared { source, why: error.to_string() },
                };
                found.push(Warning { host: host.name.clone(), what: what.into() });
            }
        }
    }
    (found, compared)
}

async fn sides(
    planned: &Planned,
    play: &PlayState,
    ((source, of_source), (replica, of_replica)): ((&HostName, &ServerFacts), (&HostName, &ServerFacts)),
    count: usize,
    turn: u64,
) -> Result<Vec<SampledTable>, SqlError> {
    let way = |host: &HostName| Some((planned.sessions.get(host)?, play.logins.get(host)?));
    let (Some(there), Some(here)) = (way(source), way(replica)) else { return Ok(Vec::new()) };
    let mut source = Side::reading(source, there.0, there.1, Dialect::of(of_source.version)).await?;
    let mut replica = Side::reading(replica, here.0, here.1, Dialect::of(of_replica.version)).await?;

    sample(&mut source, &mut replica, count, turn).await
}
