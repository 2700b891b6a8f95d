//! The whole proof, in the order in which it is made.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join;

use super::{
    Canaries, ChannelGraph, ChannelProof, Edge, InFlight, Remark, Scope, Verdict, VerifyReport, data,
    ports::{Outsider, ports},
    restart,
};
use crate::{
    desired::DesiredHost,
    exec::{Fleet, LockError, take_all},
    model::{HostName, duration},
    status::ChannelState,
    words,
};

/// Proves what can be proven.
///
/// # Errors
/// When another run holds the lock of a host, or this run loses it.
pub async fn prove(
    fleet: &Fleet<'_>,
    graph: &ChannelGraph,
    hosts: &[&DesiredHost],
    outsiders: &[Outsider],
    scope: &Scope<'_>,
) -> Result<VerifyReport, LockError> {
    let mut report = VerifyReport { format_version: "1.0", ..VerifyReport::default() };
    let canaries = Canaries::new(fleet, graph, scope.wait);
    let mut touched: BTreeSet<HostName> = canaries.hosts();
    if scope.restart {
        touched.extend(restart::order(graph));
    }
    let touched: Vec<HostName> = touched.into_iter().collect();
    let locks = take_all(fleet, &touched).await?;
    (scope.progress)("sending a canary along every channel");
    let flight = fleet.fences.within(&touched, async { Ok(canaries.fly(scope.ids).await) }).await?;
    channels(graph, &canaries, &flight, scope, &mut report);
    report.ids = flight.ids;
    report.errors.extend(flight.errors);
    if scope.restart && !report.failed() && report.errors.is_empty() {
        let restarts = async { Ok(restart::restarts(fleet, graph, scope).await) };
        report.restarts = fleet.fences.within(&touched, restarts).await?;
    } else if scope.restart {
        let why = "that replication returns after a restart: it has to run before";
        report.not_provable.push(Remark::new("all servers", why));
    }
    locks.release().await;
    (scope.progress)("trying the ports");
    let forks = fleet.limits.forks;
    let tables = async {
        match scope.checksums && !fleet.interrupt.is_cancelled() {
            true => data::compare(fleet, graph, scope, (forks / 2).max(1)).await,
            false => data::Findings::default(),
        }
    };
    let ((proofs, remarks), found) = match forks {
        1 => (ports(fleet, graph, hosts, outsiders, 1).await, tables.await),
        _ => join(ports(fleet, graph, hosts, outsiders, forks - forks / 2), tables).await,
    };
    report.ports = proofs;
    report.data = found.proofs;
    let empty = report.data.iter().filter(|p| p.verdict == Verdict::NotProvable && p.tables == 0);
    report.not_provable.extend(empty.map(|proof| {
        let about = format!("{} -> {}", proof.source, proof.replica);
        Remark::new(about, "that the tables are the same: there is none to compare")
    }));
    report.not_provable.extend(remarks);
    report.not_provable.extend(found.not_provable);
    report.errors.extend(found.errors);
    report.unmatched = found.unmatched;
    report.proven = !report.failed() && report.errors.is_empty() && report.unmatched.is_empty();
    Ok(report)
}

/// Notes that no row could be sent along a channel, and why.
fn unproven(edge: &Edge, proof: &mut ChannelProof, report: &mut VerifyReport, why: String) {
    report.not_provable.push(Remark::new(
        format!("{} -> {}", edge.source, edge.replica),
        format!("a row along this channel: {why}"),
    ));
    proof.problem = Some(why);
}

/// What the canaries say of each channel.
fn channels(
    graph: &ChannelGraph,
    canaries: &Canaries<'_>,
    flight: &InFlight,
    scope: &Scope<'_>,
    report: &mut VerifyReport,
) {
    for (number, edge) in graph.edges.iter().enumerate() {
        let mut proof = ChannelProof {
            source: edge.source.clone(),
            replica: edge.replica.clone(),
            name: edge.status.name.clone(),
            declared: edge.status.declared,
            verdict: Verdict::NotProvable,
            threads: edge.status.state,
            delay_seconds: edge.delay,
            canary_from: None,
            canary_ms: None,
            problem: None,
            next: None,
        };
        // Who came along here: the source's own canary tells more than one that was on its way before.
        let mut passed = canaries.passed(number, &edge.replica);
        passed.sort_by_key(|writer| **writer != edge.source);
        let came = |writer: &&HostName| {
            flight.arrivals.get(&((*writer).clone(), edge.replica.clone())).copied().flatten()
        };
        let tried =
            |writer: &&HostName| flight.arrivals.contains_key(&((*writer).clone(), edge.replica.clone()));
        if edge.status.state == ChannelState::Unknown {
            // That nobody could look at it is no failure of the channel.
            unproven(edge, &mut proof, report, format!("{} was not read", edge.replica));
        } else if let Some(why) = graph.unsound.get(&edge.replica) {
            proof.verdict = Verdict::Failed;
            proof.problem = Some(why.clone());
            proof.next = Some("No row was sent to it. `tandem doctor` lists the ways out.".into());
        } else if !edge.runs() {
            proof.verdict = Verdict::Failed;
            let state = format!("The channel is {}.", edge.status.state);
            let fault = edge.status.fault.as_ref();
            proof.problem = Some(fault.map_or(state, words::fault::channel));
            proof.next = fault.map(words::fault::next);
        } else if let Some((writer, took)) = passed.iter().find_map(|w| Some((*w, came(w)?))) {
            proof.verdict = Verdict::Proven;
            proof.canary_from = Some(writer.clone());
            proof.canary_ms = u64::try_from(took.as_millis()).ok();
        } else if let Some(writer) = passed.iter().find(|w| tried(w)) {
            proof.verdict = Verdict::Failed;
            let limit = duration(scope.wait + Duration::from_secs(edge.delay));
            proof.problem = Some(format!("The canary of {writer} did not arrive within {limit}."));
            proof.next = Some("Is it far behind? Give it longer with --wait.".into());
        } else {
            let why = match canaries.kept_out(edge) {
                Some(filter) => format!("{filter} keeps the canary's database out"),
                None if !passed.is_empty() => "no canary could be sent".into(),
                None => "no canary comes this way".into(),
            };
            unproven(edge, &mut proof, report, why);
        }
        report.channels.push(proof);
    }
    for (host, why) in &graph.spared {
        report.not_provable.push(Remark::new(host, format!("a canary from here: {why}")));
    }
}
