//! The whole proof, in the order in which it is made.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join;

use super::{
    Canaries, ChannelGraph, ChannelProof, Edge, InFlight, Scope, Verdict, VerifyReport, data,
    ports::{Outsider, ports},
    restart,
};
use crate::{
    desired::DesiredHost,
    exec::{Fleet, LockError, take_all},
    model::{ChannelState, HostName},
    proof::{About, Doubt, Remark, Stage, Unproven},
};

/// Proves what can be proven.
///
/// # Errors
/// When another run holds the lock of a host, or this run loses it.
pub(crate) async fn prove(
    fleet: &Fleet<'_>,
    graph: &ChannelGraph,
    hosts: &[&DesiredHost],
    outsiders: &[Outsider],
    scope: &Scope<'_>,
) -> Result<VerifyReport, LockError> {
    let mut report = VerifyReport { format_version: "1.1", ..VerifyReport::default() };
    let canaries = Canaries::new(fleet, graph, scope.wait);
    let mut touched: BTreeSet<HostName> = canaries.hosts();
    if scope.restart {
        touched.extend(restart::order(graph));
    }
    let touched: Vec<HostName> = touched.into_iter().collect();
    let locks = take_all(fleet, &touched).await?;
    scope.progress(&Stage::Canaries);
    let flight = fleet.fences.within(&touched, async { Ok(canaries.fly(scope.ids).await) }).await?;
    channels(graph, &canaries, &flight, scope, &mut report);
    report.ids = flight.ids;
    report.errors.extend(flight.errors);
    if scope.restart && !report.failed() && report.errors.is_empty() {
        let restarts = async { Ok(restart::restarts(fleet, graph, scope).await) };
        report.restarts = fleet.fences.within(&touched, restarts).await?;
    } else if scope.restart {
        report.not_provable.push(Remark::new(About::Servers, Doubt::RestartUntried));
    }
    locks.release().await;
    scope.progress(&Stage::Ports);
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
        let about = About::Channel { source: proof.source.clone(), replica: proof.replica.clone() };
        Remark::new(about, Doubt::NoTables)
    }));
    report.not_provable.extend(remarks);
    report.not_provable.extend(found.not_provable);
    report.errors.extend(found.errors);
    report.unmatched = found.unmatched;
    report.proven = !report.failed() && report.errors.is_empty() && report.unmatched.is_empty();
    Ok(report)
}

/// Notes that no row could be sent along a channel, and why.
fn unproven(edge: &Edge, proof: &mut ChannelProof, report: &mut VerifyReport, why: Doubt) {
    let about = About::Channel { source: edge.source.clone(), replica: edge.replica.clone() };
    report.not_provable.push(Remark::new(about, why.clone()));
    proof.problem = Some(Unproven::NoRow(why));
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
            unproven(edge, &mut proof, report, Doubt::ReplicaNotRead { replica: edge.replica.clone() });
        } else if let Some(why) = graph.unsound.get(&edge.replica) {
            proof.verdict = Verdict::Failed;
            proof.problem = Some(why.clone());
        } else if !edge.runs() {
            proof.verdict = Verdict::Failed;
            let fault = edge.status.fault.clone().map(|fault| Unproven::Fault(Box::new(fault)));
            proof.problem = fault.or(Some(Unproven::Stopped(edge.status.state)));
        } else if let Some((writer, took)) = passed.iter().find_map(|w| Some((*w, came(w)?))) {
            proof.verdict = Verdict::Proven;
            proof.canary_from = Some(writer.clone());
            proof.canary_ms = u64::try_from(took.as_millis()).ok();
        } else if let Some(writer) = passed.iter().find(|w| tried(w)) {
            proof.verdict = Verdict::Failed;
            let waited = scope.wait + Duration::from_secs(edge.delay);
            proof.problem = Some(Unproven::Late { writer: (*writer).clone(), waited });
        } else {
            let why = match canaries.kept_out(edge) {
                Some(filter) => Doubt::CanaryFiltered { filter },
                None if !passed.is_empty() => Doubt::CanaryNotSent,
                None => Doubt::NoCanary,
            };
            unproven(edge, &mut proof, report, why);
        }
        report.channels.push(proof);
    }
    for (host, why) in &graph.spared {
        report.not_provable.push(Remark::new(About::Host(host.clone()), why.clone()));
    }
}
