//! Compares the tables of each source with those of its replicas, chunk by chunk, on both sides at once.
//!
//! Chunks whose sums are the same are done: equal bytes need no position. Those that differ are settled at a
//! position that both sides have; see [`settle`](super::settle). Nothing is locked and no channel is stopped.

mod chunks;
mod small;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use chunks::sums;
use small::{Next, Waiting};

use super::{
    ChannelGraph, DataProof, Scope, TableDifference, Tables, Verdict,
    details::details,
    graph::server,
    pairs::{Group, LeftOut, groups, pair},
    position::Positions,
    scratch::ScratchDatabase,
    settle::{CannotCompare, MOST_ROWS, TwoSides},
    side::{Comparison, Side},
};
use crate::{
    dialect::{Adding, Compared, Range},
    exec::{Fleet, StepError},
    model::{HostName, in_parallel, limits},
    proof::{About, Doubt, Note, Remark, Rest, Stage, TableProblem, Unmatched},
};

/// Rows of the first chunk of a table.
const FIRST: u64 = 2_000;
/// Seconds that a chunk shall take.
const CHUNK: f64 = 0.5;
/// Rows of a table without a key from which on a warning is given, since it is read in one go.
const MANY: u64 = 1_000_000;
/// Rows that are shown of each table, however many of others were shown before.
const AT_LEAST: usize = 3;
/// Error numbers of a table or a column that is not there, so that somebody has changed the schema meanwhile.
const GONE: [u16; 3] = [1049, 1054, 1146];

/// What comparing has shown.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// By pairs.
    pub proofs: Vec<DataProof>,
    /// What could not be compared.
    pub not_provable: Vec<Remark>,
    /// What went wrong.
    pub errors: Vec<Remark>,
    /// Names and patterns of the command line that fit no table anywhere.
    pub unmatched: Vec<Unmatched>,
}

/// Compares everything.
pub(crate) async fn compare(
    fleet: &Fleet<'_>,
    graph: &ChannelGraph,
    scope: &Scope<'_>,
    forks: usize,
) -> Findings {
    let mut findings = Findings::default();
    let (groups, left) = match &scope.pair {
        None => groups(graph),
        Some((one, other)) => pair(graph, one, other),
    };
    findings.not_provable = left;
    let hosts: BTreeSet<HostName> = groups
        .iter()
        .flat_map(|g| g.replicas.iter().map(|r| r.host.clone()).chain([g.source.clone()]))
        .collect();
    let looks = hosts.iter().map(|host| async {
        let mut side = Side::open(fleet.on(host)).await?;
        side.tables().await
    });
    let read = in_parallel(forks, looks).await;
    let mut tables: BTreeMap<HostName, Tables> = BTreeMap::new();
    for (host, read) in hosts.into_iter().zip(read) {
        match read {
            Ok(read) => drop(tables.insert(host, read)),
            Err(error) => findings.errors.push(Remark::from(&error)),
        }
    }
    if !findings.errors.is_empty() {
        return findings;
    }
    let names: BTreeSet<&(String, String)> = tables.values().flat_map(BTreeMap::keys).collect();
    if !tables.is_empty() {
        findings.unmatched = scope.unmatched(&names);
    }
    // A source and its replicas are asked at the same time.
    let at_once = groups.iter().map(|g| 1 + g.replicas.len()).max().unwrap_or(1);
    let work = groups.iter().map(|group| async {
        let mut run = match Run::begin(group, fleet, graph, scope, &tables).await {
            Ok(run) => run,
            Err(error) => return (Vec::new(), Vec::new(), vec![Remark::from(&error)]),
        };
        run.compare_all(&tables).await;
        run.end().await
    });
    for (proofs, remarks, errors) in in_parallel(forks / at_once, work).await {
        findings.proofs.extend(proofs);
        findings.not_provable.extend(remarks);
        findings.errors.extend(errors);
    }
    findings
}

/// One source and its replicas.
struct Run<'a> {
    group: &'a Group,
    fleet: &'a Fleet<'a>,
    graph: &'a ChannelGraph,
    scope: &'a Scope<'a>,
    source: Side,
    /// One more connection to the source, which goes ahead.
    scout: Side,
    replicas: Vec<Side>,
    positions: Positions<'a>,
    proofs: Vec<DataProof>,
    /// What could not be proven.
    remarks: Vec<Remark>,
    errors: Vec<Remark>,
    begun: Instant,
    looked: Option<Instant>,
    /// Tables that were not the same things on both sides, and may be once a change of the schema has arrived.
    doubtful: BTreeSet<(String, String)>,
}

impl<'a> Run<'a> {
    async fn begin(
        group: &'a Group,
        fleet: &'a Fleet<'a>,
        graph: &'a ChannelGraph,
        scope: &'a Scope<'a>,
        tables: &BTreeMap<HostName, Tables>,
    ) -> Result<Self, StepError> {
        debug_assert!(tables.contains_key(&group.source));
        let replicas = group.replicas.iter().map(|replica| Side::open(fleet.on(&replica.host)));
        let (source, scout, replicas) = tokio::try_join!(
            Side::open(fleet.on(&group.source)),
            Side::open(fleet.on(&group.source)),
            futures_util::future::try_join_all(replicas)
        )?;
        let proofs = group.replicas.iter().map(|r| DataProof::of(&group.source, &r.host, r.mutual)).collect();
        Ok(Self {
            group,
            fleet,
            graph,
            scope,
            source,
            scout,
            replicas,
            positions: Positions::new(fleet, graph, scope.wait),
            proofs,
            remarks: Vec::new(),
            errors: Vec::new(),
            begun: Instant::now(),
            looked: None,
            doubtful: BTreeSet::new(),
        })
    }

    async fn compare_all(&mut self, tables: &BTreeMap<HostName, Tables>) {
        // What a canary that is late has brought.
        let ids =
            self.fleet.observed.keys().filter_map(|h| server(self.fleet.observed, h)?.number("server_id"));
        let ours: BTreeSet<String> = ids.map(|id| ScratchDatabase::of(id).name().to_owned()).collect();
        let names: BTreeSet<(String, String)> = tables
            .iter()
            .filter(|(host, _)| **host == self.group.source || self.replicas.iter().any(|r| r.host == **host))
            .flat_map(|(_, t)| t.keys())
            .filter(|(database, table)| self.scope.takes(database, table) && !ours.contains(database))
            .cloned()
            .collect();
        let done = self.pass(&names, tables, false).await;
        // Somebody may make or change a table while its neighbours are compared.
        let done = match done {
            Ok(()) if !self.doubtful.is_empty() => self.pass_again(tables).await,
            done => done,
        };
        if let Err(error) = done {
            self.errors.push(Remark::from(&error));
            // What was found before still differs.
            for proof in self.proofs.iter_mut().filter(|p| p.verdict == Verdict::Proven) {
                proof.verdict = Verdict::NotProvable;
            }
        }
    }

    async fn pass_again(&mut self, tables: &BTreeMap<HostName, Tables>) -> Result<(), StepError> {
        for number in 0..self.replicas.len() {
            self.pair(number).meet().await?;
        }
        let mut tables = tables.clone();
        tables.insert(self.source.host.clone(), self.source.tables().await?);
        for side in &mut self.replicas {
            let read = side.tables().await?;
            tables.insert(side.host.clone(), read);
        }
        let doubtful = std::mem::take(&mut self.doubtful);
        self.pass(&doubtful, &tables, true).await
    }

    fn pair(&mut self, number: usize) -> TwoSides<'_, 'a> {
        let replica = &self.group.replicas[number];
        TwoSides {
            source: &mut self.source,
            replica: &mut self.replicas[number],
            positions: &mut self.positions,
            forth: &replica.forth,
            back: &replica.back,
        }
    }

    /// Compares tables by name. `finally` says that what is still not comparable is a difference.
    async fn pass(
        &mut self,
        names: &BTreeSet<(String, String)>,
        tables: &BTreeMap<HostName, Tables>,
        finally: bool,
    ) -> Result<(), StepError> {
        let before: Vec<usize> = self.proofs.iter().map(|proof| proof.differing.len()).collect();
        let mut waiting = Waiting::default();
        for (number, name) in names.iter().enumerate() {
            if self.fleet.interrupt.is_cancelled() {
                return Err(StepError::new(&self.source.host, "compare everything", "it was interrupted"));
            }
            let Some(next) = self.matching(name, tables, finally) else { continue };
            self.scope.progress(&Stage::Table {
                table: next.comparison.title(),
                source: self.source.host.clone(),
                number: number + 1,
                of: names.len(),
            });
            if !finally && next.is_small(self, tables) {
                let due = waiting.add(next);
                self.compare_together(due).await?;
            } else {
                self.compare_one(next, finally).await?;
            }
        }
        self.compare_together(waiting.end()).await?;
        // Small ones have waited for each other; they are told by name like all.
        let place: BTreeMap<String, usize> = names
            .iter()
            .enumerate()
            .map(|(place, (database, table))| (format!("{database}.{table}"), place))
            .collect();
        for (proof, before) in self.proofs.iter_mut().zip(before) {
            proof.differing[before..].sort_by_key(|differs| place.get(&differs.table));
        }
        Ok(())
    }

    async fn compare_together(&mut self, tables: Vec<Next>) -> Result<(), StepError> {
        for next in self.together(tables).await? {
            self.compare_one(next, false).await?;
        }
        Ok(())
    }

    async fn compare_one(&mut self, next: Next, finally: bool) -> Result<(), StepError> {
        let Next { name, comparison, takers, without_key } = next;
        let result = match without_key {
            Some(rows) => self.whole(&comparison, &takers, rows).await,
            None => self.chunks(&comparison, &takers).await,
        };
        match result {
            Ok(()) => takers.iter().for_each(|n| self.proofs[*n].tables += 1),
            Err(CannotCompare::Stop(error)) => return Err(error),
            Err(CannotCompare::Refused(code, _)) if GONE.contains(&code) && !finally => {
                self.doubtful.insert(name);
            }
            // What a server refuses is an error; that rows move too fast is nobody's fault.
            Err(CannotCompare::Refused(_, why)) => {
                self.errors.push(Remark::new(About::Table(comparison.title()), Doubt::Failed { why }));
            }
            Err(CannotCompare::Moving(why)) => {
                takers.iter().for_each(|number| self.unproven(&comparison.title(), *number, why.clone()));
            }
        }
        Ok(())
    }

    fn unproven(&mut self, title: &str, number: usize, why: Doubt) {
        let (one, other) = (self.group.source.clone(), self.group.replicas[number].host.clone());
        self.remarks.push(Remark::new(About::TableOf { table: title.to_owned(), one, other }, why));
    }

    /// How a table is compared, and with which replicas.
    fn matching(
        &mut self,
        name: &(String, String),
        tables: &BTreeMap<HostName, Tables>,
        finally: bool,
    ) -> Option<Next> {
        let (database, table) = name;
        let title = format!("{database}.{table}");
        let here = tables.get(&self.source.host)?.get(name);
        let mut merged: Option<Compared> = None;
        let mut takers = Vec::new();
        for (number, replica) in self.group.replicas.iter().enumerate() {
            let there = tables.get(&replica.host).and_then(|t| t.get(name));
            if here.is_none() && there.is_none() {
                continue;
            }
            let proof = &mut self.proofs[number];
            if let Some(why) = replica.leaves_out(self.graph, name, here, there, tables) {
                if let LeftOut::Told(why) = why {
                    proof.left_out.push(Remark::new(About::Table(title.clone()), why));
                }
                continue;
            }
            let compared = match (here, there) {
                (Some(here), Some(there)) => Compared::of((&self.group.source, here), (&replica.host, there)),
                (Some(_), None) => Err(TableProblem::Missing { host: replica.host.clone() }),
                _ => Err(TableProblem::Missing { host: self.group.source.clone() }),
            };
            match compared {
                Ok(compared) => {
                    let ends = (&self.group.source, &replica.host);
                    let told = compared.notes.iter().map(|note| Doubt::other_types(note, ends));
                    proof.notes.extend(told.map(|why| Remark::new(About::Table(title.clone()), why)));
                    match &mut merged {
                        Some(merged) => merged.also_for(&compared),
                        None => merged = Some(compared),
                    }
                    takers.push(number);
                }
                Err(_) if !finally => drop(self.doubtful.insert(name.clone())),
                Err(problem) => {
                    proof.verdict = Verdict::Failed;
                    proof.differing.push(TableDifference {
                        table: title.clone(),
                        problem: Some(problem),
                        count: 0,
                        at_least: false,
                        position: None,
                        rows: Vec::new(),
                    });
                }
            }
        }
        let compared = merged?;
        let without_key = compared.key.is_empty().then(|| here.map_or(0, |t| t.rows));
        let in_pieces = compared.primary && here.is_some_and(|t| t.engine.eq_ignore_ascii_case("InnoDB"));
        let adding = Adding::of(self.replicas.iter().chain([&self.source]).map(Side::dialect));
        let comparison =
            Comparison { database: database.clone(), name: table.clone(), compared, adding, in_pieces };
        Some(Next { name: name.clone(), comparison, takers, without_key })
    }

    /// Settles a chunk that differs; whether so many rows do that the table is done.
    async fn settle(
        &mut self,
        table: &Comparison,
        ranges: &[Range],
        number: usize,
    ) -> Result<bool, CannotCompare> {
        let fleet = self.fleet;
        let mut pair = self.pair(number);
        let settled = match table.compared.key.is_empty() {
            true => pair.settle_whole(table, fleet).await?,
            false => pair.settle(table, ranges, fleet).await?,
        };
        if settled.moving > 0 && !fleet.interrupt.is_cancelled() {
            let rows = (!table.compared.key.is_empty()).then_some(settled.moving);
            self.unproven(&table.title(), number, Doubt::RowsMove { rows });
        }
        if settled.differing.is_empty() && !settled.at_least {
            self.proofs[number].settled += u64::from(settled.moving == 0);
            return Ok(false);
        }
        let known = self.proofs[number].differing.iter().flat_map(|t| &t.rows).count();
        let most = self.scope.show.saturating_sub(known).max(AT_LEAST);
        let mut pair = self.pair(number);
        let rows = details(&mut pair, table, &settled.differing, most).await?;
        let title = table.title();
        let proof = &mut self.proofs[number];
        proof.verdict = Verdict::Failed;
        if proof.differing.last().is_none_or(|last| last.table != title) {
            proof.differing.push(TableDifference {
                table: title,
                problem: None,
                count: 0,
                at_least: false,
                position: None,
                rows: Vec::new(),
            });
        }
        let Some(entry) = proof.differing.last_mut() else { return Ok(true) };
        entry.count += settled.differing.len() as u64;
        entry.at_least |= settled.at_least;
        entry.position = settled.place.map(|p| p.to_string()).or(entry.position.take());
        entry.rows.extend(rows);
        let ends = entry.count >= MOST_ROWS as u64;
        entry.at_least |= ends;
        Ok(ends)
    }

    /// Compares a table without a key in one go.
    async fn whole(&mut self, table: &Comparison, takers: &[usize], rows: u64) -> Result<(), CannotCompare> {
        if rows > MANY {
            let note = Remark::new(About::Table(table.title()), Doubt::ReadInOneGo { rows });
            self.scope.note(&Note::Remark(note.clone()));
            takers.iter().for_each(|n| self.proofs[*n].notes.push(note.clone()));
        }
        self.throttle(takers).await.map_err(CannotCompare::Stop)?;
        let range = Range::default();
        let whole = std::slice::from_ref(&range);
        let (here, there) =
            sums(&mut self.source, &mut self.replicas, table, whole, (takers, self.fleet.limits.forks))
                .await?;
        for (number, there) in there {
            self.proofs[number].chunks += 1;
            self.proofs[number].rows += here.iter().map(|sum| sum.rows).sum::<u64>();
            if there != here {
                self.settle(table, whole, number).await?;
            }
        }
        Ok(())
    }

    /// Lets the servers breathe: waits while too many statements run on the source, or a replica falls behind.
    async fn throttle(&mut self, takers: &[usize]) -> Result<(), StepError> {
        if self.scope.never_rests() || self.looked.is_some_and(|at| at.elapsed() < limits::LOAD) {
            return Ok(());
        }
        let replicas = takers.iter().map(|number| &self.group.replicas[*number].host);
        self.positions.prepare(replicas.chain([&self.group.source])).await?;
        let mut told = false;
        while !self.fleet.interrupt.is_cancelled() {
            let load = self.positions.load(&self.group.source).await?;
            let mut reason =
                (load > self.scope.max_load).then(|| Rest::Load { source: self.group.source.clone(), load });
            for number in takers {
                let replica = &self.group.replicas[*number];
                let Some(edge) = replica.forth.first() else { continue };
                let lag = self.positions.lag(*edge).await?;
                if lag > self.scope.max_lag.as_secs() {
                    reason = Some(Rest::Lag { replica: replica.host.clone(), lag });
                }
            }
            let Some(reason) = reason else { break };
            self.scope.progress(&Stage::Resting(reason.clone()));
            if !std::mem::replace(&mut told, true) {
                self.scope.note(&Note::Resting(reason));
            }
            tokio::time::sleep(limits::AGAIN).await;
        }
        self.looked = Some(Instant::now());
        Ok(())
    }

    async fn end(mut self) -> (Vec<DataProof>, Vec<Remark>, Vec<Remark>) {
        let took = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.proofs.iter_mut().for_each(|p| p.took_ms = took);
        for proof in &mut self.proofs {
            // That two servers hold nothing alike proves nothing.
            if proof.verdict == Verdict::Proven && proof.tables == 0 {
                proof.verdict = Verdict::NotProvable;
            }
        }
        (self.proofs, self.remarks, self.errors)
    }
}
