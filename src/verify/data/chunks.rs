//! A table in chunks of its key.

use std::{collections::BTreeSet, time::Instant};

use futures_util::future::join;

use super::{CHUNK, FIRST, Run};
use crate::{
    dialect::{Key, Range},
    model::in_parallel,
    transport::SqlError,
    verify::{
        compare::{by_size, next_size},
        settle::CannotCompare,
        side::{Comparison, Side, Sum},
        stride::Stride,
    },
};

impl Run<'_> {
    /// Compares a table in chunks of its key. Where the key doesn't count, the end of the next chunk is looked for
    /// while one is added up.
    pub(super) async fn chunks(&mut self, table: &Comparison, takers: &[usize]) -> Result<(), CannotCompare> {
        let failed = |e| CannotCompare::of(&self.group.source, e);
        let mut size = FIRST;
        let mut done: BTreeSet<usize> = BTreeSet::new();
        let mut range = Range::default();
        range.up_to = self.scout.nth_key(table, &range, size).await.map_err(failed)?;
        let mut stride: Option<Stride> = None;
        let mut last = None;
        loop {
            self.throttle(takers).await.map_err(CannotCompare::Stop)?;
            let begun = Instant::now();
            let rest = Range { after: range.up_to.clone(), up_to: None };
            let scout = &mut self.scout;
            let asked = async {
                match (&rest.after, stride) {
                    (Some(_), None) => scout.nth_key(table, &rest, size).await,
                    _ => Ok(None),
                }
            };
            let pieces = match stride {
                Some(stride) if table.in_pieces => stride.pieces(&range, size),
                _ => vec![range.clone()],
            };
            let sums =
                sums(&mut self.source, &mut self.replicas, table, &pieces, (takers, self.fleet.limits.forks));
            let (sums, asked) = join(sums, asked).await;
            let ((here, there), asked) = (sums?, asked.map_err(failed)?);
            let rows = here.iter().map(|sum| sum.rows).sum::<u64>();
            let wished = size;
            size = next_size(rows.max(FIRST), begun.elapsed().as_secs_f64(), CHUNK);
            for (number, there) in there {
                let proof = &mut self.proofs[number];
                proof.chunks += 1;
                proof.rows += rows;
                // Where the first thousand rows differ, the rest tells nothing new.
                if there == here || done.contains(&number) {
                    continue;
                }
                let differs =
                    pieces.iter().zip(here.iter().zip(&there)).filter(|(_, (here, there))| here != there);
                let pieces: Vec<Range> = differs.map(|(piece, _)| piece.clone()).collect();
                if self.settle(table, &pieces, number).await? {
                    done.insert(number);
                }
            }
            let Some(after) = rest.after.clone() else { return Ok(()) };
            if done.len() == takers.len() || self.fleet.interrupt.is_cancelled() {
                return Ok(());
            }
            let counted = stride.is_some();
            stride = Stride::of(&table.compared, &range, rows);
            let up_to = match stride.filter(|_| counted).and_then(|stride| stride.ahead(&after, size)) {
                Some(ahead) => self.unless_last(table, ahead, &mut last).await.map_err(failed)?,
                // It counted up to here, and nothing was asked meanwhile.
                None if counted => self.scout.nth_key(table, &rest, size).await.map_err(failed)?,
                None => {
                    let next = Range { after: Some(after.clone()), up_to: asked.clone() };
                    stride = Stride::of(&table.compared, &next, wished);
                    asked
                }
            };
            range = Range { after: Some(after), up_to };
        }
    }

    /// An end of a chunk that was worked out, as long as rows lie behind it.
    async fn unless_last(
        &mut self,
        table: &Comparison,
        ahead: Key,
        last: &mut Option<Key>,
    ) -> Result<Option<Key>, SqlError> {
        let behind = |last: &Option<Key>| last.as_ref().is_some_and(|l| by_size(l, &ahead).is_gt());
        if !behind(last) {
            // Rows may have come in.
            *last = self.scout.last_key(table).await?;
        }
        Ok(behind(last).then_some(ahead))
    }
}

/// Adds up ranges on the source and its replicas at the same time.
pub(super) async fn sums(
    source: &mut Side,
    replicas: &mut [Side],
    table: &Comparison,
    ranges: &[Range],
    (takers, forks): (&[usize], usize),
) -> Result<(Vec<Sum>, Vec<(usize, Vec<Sum>)>), CannotCompare> {
    let replicas = replicas.iter_mut().enumerate().filter(|(n, _)| takers.contains(n));
    let there = replicas.map(|(number, side)| async move {
        let sums = side.sums(table, ranges).await;
        sums.map(|sums| (number, sums)).map_err(|e| CannotCompare::of(&side.host, e))
    });
    let (here, there) = match forks {
        1 => (source.sums(table, ranges).await, in_parallel(1, there).await),
        _ => join(source.sums(table, ranges), in_parallel(forks - 1, there)).await,
    };
    let here = here.map_err(|e| CannotCompare::of(&source.host, e))?;
    Ok((here, there.into_iter().collect::<Result<_, _>>()?))
}
