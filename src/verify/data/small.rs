//! Small tables, many of them in one message to each server. Whatever is not plainly equal is compared again by itself.

use std::collections::BTreeMap;

use super::{FIRST, Run};
use crate::{
    exec::StepError,
    model::{HostName, in_parallel},
    verify::{
        Tables,
        side::{Comparison, Side},
    },
};

/// Tables that are asked for together.
const TOGETHER: usize = 200;

/// A table that is about to be compared.
#[derive(Debug)]
pub(super) struct Next {
    pub name: (String, String),
    pub comparison: Comparison,
    pub takers: Vec<usize>,
    /// For a table without a key, how many rows it may have.
    pub without_key: Option<u64>,
}

impl Next {
    /// Whether it is small by the statistics of both ends.
    pub(super) fn is_small(&self, run: &Run<'_>, tables: &BTreeMap<HostName, Tables>) -> bool {
        let hosts = self.takers.iter().map(|number| &run.replicas[*number].host).chain([&run.source.host]);
        let rows = |host: &HostName| tables.get(host)?.get(&self.name).map(|table| table.rows);
        hosts.map(rows).all(|rows| rows.is_some_and(|rows| rows < FIRST))
    }
}

/// Tables of the same replicas that wait for one message.
#[derive(Debug, Default)]
pub(super) struct Waiting(Vec<Next>);

impl Waiting {
    /// Adds one. What comes back has to be compared now.
    pub(super) fn add(&mut self, next: Next) -> Vec<Next> {
        let others = self.0.first().is_some_and(|first| first.takers != next.takers);
        let due = if others || self.0.len() == TOGETHER { std::mem::take(&mut self.0) } else { Vec::new() };
        self.0.push(next);
        due
    }

    /// The rest.
    pub(super) fn end(self) -> Vec<Next> {
        self.0
    }
}

impl Run<'_> {
    /// Compares tables of the same replicas. What comes back has to be compared by itself: it is larger than its statistics
    /// say, or differs, or can't be read.
    pub(super) async fn together(&mut self, tables: Vec<Next>) -> Result<Vec<Next>, StepError> {
        let Some(takers) = tables.first().map(|table| table.takers.clone()) else { return Ok(Vec::new()) };
        self.throttle(&takers).await?;
        let comparisons: Vec<&Comparison> = tables.iter().map(|table| &table.comparison).collect();
        let small = self.scout.have_fewer(&comparisons, FIRST).await;
        let small = small.map_err(|e| StepError::new(&self.source.host, "compare its rows", e))?;
        let (small, mut rest): (Vec<_>, Vec<_>) =
            tables.into_iter().zip(small).partition(|(_, is_small)| *is_small);
        let comparisons: Vec<&Comparison> = small.iter().map(|(table, _)| &table.comparison).collect();
        let replicas = self.replicas.iter_mut().enumerate().filter(|(n, _)| takers.contains(n));
        let sides = [&mut self.source].into_iter().chain(replicas.map(|(_, side)| side));
        let sums = sides.map(|side: &mut Side| async {
            let sums = side.sums_of_tables(&comparisons).await;
            sums.map_err(|e| StepError::new(&side.host, "compare its rows", e))
        });
        let sums = in_parallel(self.fleet.limits.forks, sums).await;
        let sums = sums.into_iter().collect::<Result<Vec<_>, _>>()?;
        for (place, (table, is_small)) in small.into_iter().enumerate() {
            let all: Option<Vec<_>> = sums.iter().map(|side| side.get(place)?.as_ref()).collect();
            match all.as_deref() {
                Some([here, there @ ..]) if there.iter().all(|sum| sum == here) => {
                    for number in &takers {
                        let proof = &mut self.proofs[*number];
                        proof.chunks += 1;
                        proof.rows += here.rows;
                        proof.tables += 1;
                    }
                }
                _ => rest.push((table, is_small)),
            }
        }
        Ok(rest.into_iter().map(|(table, _)| table).collect())
    }
}
