//! Restarts every server in turn, and sees replication return by itself.

use std::time::{Duration, Instant};

use super::{Canaries, ChannelGraph, RestartProof, Scope, Verdict, canary::proof_rule};
use crate::{
    exec::{Fleet, Look, On, Rule, StepError, restart_for_proof, wait},
    model::{Fact, HostName, ThreadState, limits},
    observe::{self, ChannelFacts},
    proof::{ChannelAt, Remark, RestartProblem, Stage},
};

/// A replica tries to reach its source again in steps of up to a minute (`MASTER_CONNECT_RETRY`).
const RECONNECT: Duration = limits::CHANNEL_RETRY.time;

/// Hosts in the order in which they are restarted: those first that nobody writes to.
pub(super) fn order(graph: &ChannelGraph) -> Vec<HostName> {
    let mut hosts: Vec<HostName> = Vec::new();
    for host in graph.edges.iter().flat_map(|e| [&e.replica, &e.source]) {
        if !hosts.contains(host) {
            hosts.push(host.clone());
        }
    }
    hosts.sort_by_key(|host| graph.writers.contains(host));
    hosts
}

/// Restarts one after the other, and ends with the first that does not come back as it was.
pub(super) async fn restarts(
    fleet: &Fleet<'_>,
    graph: &ChannelGraph,
    scope: &Scope<'_>,
) -> Vec<RestartProof> {
    let mut proofs = Vec::new();
    for host in order(graph) {
        if fleet.interrupt.is_cancelled() {
            break;
        }
        scope.progress(&Stage::Restart(host.clone()));
        let proof = restart(fleet.on(&host), graph, scope).await;
        let failed = proof.verdict == Verdict::Failed;
        proofs.push(proof);
        if failed {
            break;
        }
    }
    proofs
}

async fn restart(on: On<'_>, graph: &ChannelGraph, scope: &Scope<'_>) -> RestartProof {
    let host = on.host;
    let mut proof = RestartProof {
        host: host.clone(),
        verdict: Verdict::Failed,
        away_ms: 0,
        back_ms: None,
        problem: None,
    };
    let service = on.fleet.observed.get(host).and_then(Fact::known).and_then(|f| f.service.known());
    let Some(unit) = service.map(|s| s.unit.clone()) else {
        proof.verdict = Verdict::NotProvable;
        proof.problem = Some(RestartProblem::NoUnit);
        return proof;
    };
    let begun = Instant::now();
    let since = |begun: Instant| u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    if let Err(error) = restart_for_proof(on, &unit).await {
        proof.problem = Some(RestartProblem::Failed(Remark::from(&error)));
        return proof;
    }
    proof.away_ms = since(begun);
    match returned(on, graph, scope).await {
        Ok(()) => {
            proof.verdict = Verdict::Proven;
            proof.back_ms = Some(since(begun));
        }
        Err(why) => proof.problem = Some(why),
    }
    proof
}

/// Waits until every channel that this host has to do with runs again, and a row goes along each.
async fn returned(on: On<'_>, graph: &ChannelGraph, scope: &Scope<'_>) -> Result<(), RestartProblem> {
    let host = on.host;
    let begun = Instant::now();
    let touched = || graph.edges.iter().filter(|e| e.runs() && (e.source == *host || e.replica == *host));
    for edge in touched() {
        let left = |limit: Duration| limit.saturating_sub(begun.elapsed());
        // A receiver that tries again may be in its pause; a thread that stands still does not start by itself.
        let rule = Rule {
            halt: Some(left(scope.wait)),
            interrupt: Some(&on.fleet.interrupt),
            ..proof_rule(left(scope.wait + RECONNECT))
        };
        let waited = wait(rule, async || match channel(on.at(&edge.replica), &edge.status.name).await {
            Ok(Some(channel)) if channel.running() => Look::Done(()),
            Ok(Some(channel)) => {
                let (receiver, applier) = (channel.io_running, channel.sql_running);
                let tries = receiver == ThreadState::Connecting && applier == ThreadState::Yes;
                let at = ChannelAt::Threads { receiver, applier };
                if tries { Look::Moving(at) } else { Look::Halted(at) }
            }
            Ok(None) => Look::Halted(ChannelAt::Gone),
            Err(error) => Look::Halted(ChannelAt::NotRead(error.to_string())),
        });
        if let Err(ended) = waited.await {
            return Err(RestartProblem::ChannelGone {
                source: edge.source.clone(),
                replica: edge.replica.clone(),
                waited: begun.elapsed(),
                at: ended.at(),
            });
        }
    }
    let canaries = Canaries::new(on.fleet, graph, scope.wait);
    let flight = canaries.fly(false).await;
    if let Some(error) = flight.errors.into_iter().next() {
        return Err(RestartProblem::Failed(error));
    }
    let late = flight.arrivals.iter().find(|((writer, reached), took)| {
        let here = writer == host || reached == host;
        here && took.is_none()
    });
    match late {
        Some(((writer, reached), _)) => {
            Err(RestartProblem::RowLate { writer: writer.clone(), host: reached.clone() })
        }
        None => Ok(()),
    }
}

async fn channel(on: On<'_>, name: &str) -> Result<Option<ChannelFacts>, StepError> {
    let sql = on.reader().await?;
    let channels = observe::channels(&sql, on.dialect()?).await;
    let channels = channels.map_err(|e| on.failed("look at its channels", e))?;
    Ok(channels.into_iter().find(|c| c.name == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_are_restarted_before_those_that_are_written_to() {
        let mut graph = super::super::graph::tests::graph("a>b a>c");
        graph.writers = vec!["a".into()];
        assert_eq!(order(&graph), ["b", "c", "a"].map(HostName::from));
    }
}
