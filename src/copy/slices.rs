//! What is copied in one go: a table, a slice of one by its primary key, or many small tables. Workers share one queue of
//! these.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use super::inventory::{Kept, Name, Table, TableKind};
use crate::{
    dialect::{CopiedTable, Slice},
    model::limits,
    transport::{SqlError, SqlWriter},
};

/// Bytes of a statement from which on no row is added to it. Each worker holds some of them.
pub(super) const STATEMENT: u64 = 256 << 10;
/// The limit of one statement, and of one row: who watches the workers ends them before.
pub(super) const LIMIT: Duration = limits::LONG_STATEMENT.time;
/// Bytes of a slice, about.
const SLICE: u64 = 16 << 20;
/// Slices of a table at most.
const MOST: u64 = 4096;

/// Bytes, by the statistics, up to which a table is a small one.
const SMALL: u64 = 64 << 10;
/// The same in rows.
pub(super) const SMALL_ROWS: u64 = 1000;
/// Small tables that are copied in one go.
const TOGETHER: usize = 100;

/// Something to be copied.
#[derive(Debug, Clone)]
pub(super) enum Work {
    /// Rows of one table.
    Rows(Job),
    /// All rows of small tables.
    Small(Vec<Arc<CopiedTable>>, Share),
}

/// A table, or a slice of one.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// The table.
    pub table: Arc<CopiedTable>,
    /// Rows of it.
    pub slice: Slice,
    /// How many rows the slice shall have, where its end is still to be found.
    open: Option<u64>,
    /// Slices into which a table is still to be cut by its numbers.
    cuts: u64,
    /// Whether the target may hold these rows already.
    pub kept: bool,
    /// How much of the whole copy it is.
    pub share: Share,
}

/// A part of a copy, by the statistics of its source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Share {
    /// Bytes.
    pub bytes: u64,
    /// Rows.
    pub rows: u64,
}

impl Share {
    /// That of a table, which is never nothing.
    pub(super) fn of(table: &Table) -> Self {
        Self { bytes: table.bytes.max(1), rows: table.rows }
    }

    /// Takes so many rows' part away from it.
    fn take(&mut self, rows: u64) -> Self {
        let rows = rows.min(self.rows);
        let part = u128::from(self.bytes) * u128::from(rows) / u128::from(self.rows.max(1));
        let taken = Self { bytes: u64::try_from(part).unwrap_or(self.bytes), rows };
        self.bytes -= taken.bytes;
        self.rows -= taken.rows;
        taken
    }
}

/// The jobs of a copy.
#[derive(Debug, Default)]
pub(super) struct Queue {
    jobs: Mutex<Jobs>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Jobs {
    waiting: VecDeque<Work>,
    /// Slices of which the target has had other rows. They come once all were compared: until then another one may hold a
    /// value that is unique.
    cleared: Vec<Job>,
    /// Jobs that may bring others: those to be cut, and to be compared.
    open: usize,
    /// Jobs of each table that are not done.
    left: BTreeMap<String, usize>,
    done: u64,
}

impl Job {
    /// All of a table.
    fn of(table: &Table, kept: bool) -> Self {
        let copied = Arc::new(table.copied.clone());
        // One that is only appended to takes its rows in their order.
        let slices = if table.is_append_only() { 1 } else { (table.bytes / SLICE).min(MOST) };
        let (mut open, mut cuts) = (None, 0);
        if slices > 1 && copied.counts() {
            cuts = slices;
        } else if slices > 1 && copied.has_slices() {
            open = Some((table.rows / slices).max(1));
        }
        Self { table: copied, slice: Slice::default(), open, cuts, kept, share: Share::of(table) }
    }

    /// All of a table in one go, which counts for nothing.
    pub(super) fn whole(table: Arc<CopiedTable>) -> Self {
        let (slice, share) = (Slice::default(), Share::default());
        Self { table, slice, open: None, cuts: 0, kept: false, share }
    }

    fn is_to_be_cut(&self) -> bool {
        self.open.is_some() || self.cuts > 0
    }

    /// How many ways there are in which it may bring others.
    fn ways_to_bring(&self) -> usize {
        usize::from(self.is_to_be_cut()) + usize::from(self.kept)
    }

    /// Finds its end; what lies behind it are jobs of their own.
    async fn cut(mut self, reader: &mut SqlWriter) -> Result<(Job, Vec<Job>), SqlError> {
        let mut more = Vec::new();
        if let Some(rows) = self.open.take() {
            if let Some(query) = self.table.nth_key(self.slice.after.clone(), rows)
                && let Some(row) = reader.query(&query).await?.first()
            {
                let columns = 0..self.table.key_columns();
                let key = columns.map(|n| row.text(&format!("k{n}"))).collect::<Result<Vec<_>, _>>()?;
                self.slice.up_to = Some(key.clone());
                let slice = Slice { after: Some(key), up_to: None };
                let mut rest = self.share;
                self.share = rest.take(rows);
                more.push(Job { slice, open: Some(rows), share: rest, ..self.clone() });
            }
        } else if self.cuts > 0
            && let Some(query) = self.table.ends()
        {
            let rows = reader.query(&query).await?;
            let end = |name: &str| rows.first().and_then(|row| row.get(name)?.parse::<i128>().ok());
            let slices = match (end("first"), end("last")) {
                (Some(first), Some(last)) => cut_numbers(first, last, self.cuts),
                _ => vec![Slice::default()],
            };
            self.cuts = 0;
            let each = self.share.rows / slices.len() as u64;
            let last = slices.len() - 1;
            let mut rest = self.share;
            let jobs = slices.into_iter().enumerate().map(|(at, slice)| {
                let share = if at == last { rest } else { rest.take(each) };
                Job { slice, share, ..self.clone() }
            });
            let mut jobs = jobs.collect::<Vec<_>>().into_iter();
            let first = jobs.next();
            more.extend(jobs);
            self = first.unwrap_or(self);
        }
        Ok((self, more))
    }
}

/// Whether a table is copied together with others: many of them are one transaction of the target, so theirs must be an
/// engine that takes back what failed.
pub(super) fn is_small(table: &Table) -> bool {
    table.kind == TableKind::Base && table.has_snapshot() && table.bytes <= SMALL && table.rows < SMALL_ROWS
}

/// Slices of about the same width along whole numbers; the first begins before all of them, the last ends behind.
fn cut_numbers(first: i128, last: i128, slices: u64) -> Vec<Slice> {
    let slices = i128::from(slices.max(1));
    let width = ((last - first) / slices).max(1);
    let mut all = Vec::new();
    let mut after = None;
    let mut at = first + width;
    while at < last && (all.len() as i128) < slices - 1 {
        let key = Some(vec![at.to_string()]);
        all.push(Slice { after, up_to: key.clone() });
        after = key;
        at += width;
    }
    all.push(Slice { after, up_to: None });
    all
}

impl Queue {
    /// The jobs of tables, the largest first.
    pub(super) fn of<'t>(tables: impl Iterator<Item = (&'t Name, &'t Table)>, kept: &Kept) -> Self {
        let mut tables: Vec<(&Table, bool)> =
            tables.map(|(name, table)| (table, kept.contains_key(name))).collect();
        tables.sort_by_key(|(table, _)| std::cmp::Reverse(table.bytes));
        let mut jobs = Jobs::default();
        let mut small = Vec::new();
        for (table, kept) in tables {
            jobs.left.insert(table.copied.title(), 1);
            match is_small(table) && !kept {
                true => small.push(table),
                false => jobs.waiting.push_back(Work::Rows(Job::of(table, kept))),
            }
        }
        jobs.waiting.extend(small.chunks(TOGETHER).map(|some| {
            let share = Share { bytes: some.iter().map(|table| Share::of(table).bytes).sum(), rows: 0 };
            Work::Small(some.iter().map(|table| Arc::new(table.copied.clone())).collect(), share)
        }));
        Self { jobs: Mutex::new(jobs), changed: Notify::new() }
    }

    fn jobs(&self) -> std::sync::MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job, cut to its size; nothing once there will be none any more.
    pub(super) async fn next(&self, reader: &mut SqlWriter) -> Result<Option<Work>, SqlError> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let job = {
                let mut jobs = self.jobs();
                if jobs.waiting.is_empty() && jobs.open == 0 {
                    let cleared = std::mem::take(&mut jobs.cleared);
                    jobs.waiting.extend(cleared.into_iter().map(Work::Rows));
                }
                let job = jobs.waiting.pop_front();
                match &job {
                    Some(Work::Rows(job)) => jobs.open += job.ways_to_bring(),
                    None if jobs.open == 0 => return Ok(None),
                    Some(Work::Small(..)) | None => {}
                }
                job
            };
            match job {
                Some(Work::Rows(job)) if job.is_to_be_cut() => {
                    let (job, more) = job.cut(reader).await?;
                    let mut jobs = self.jobs();
                    jobs.open -= 1;
                    if let Some(left) = jobs.left.get_mut(&job.table.title()) {
                        *left += more.len();
                    }
                    // What is begun is ended first.
                    more.into_iter().rev().for_each(|job| jobs.waiting.push_front(Work::Rows(job)));
                    drop(jobs);
                    self.changed.notify_waiters();
                    return Ok(Some(Work::Rows(job)));
                }
                Some(work) => return Ok(Some(work)),
                None => changed.await,
            }
        }
    }

    /// The rows of a slice that may be there were compared; where the target had others, these were taken away.
    pub(super) fn compared(&self, job: &Job, same: bool) {
        let mut jobs = self.jobs();
        jobs.open -= 1;
        if !same {
            jobs.cleared.push(Job { kept: false, ..job.clone() });
        }
        drop(jobs);
        self.changed.notify_waiters();
    }

    /// Something is done.
    pub(super) fn done(&self, work: &Work) {
        let mut jobs = self.jobs();
        let tables = match work {
            Work::Rows(job) => std::slice::from_ref(&job.table),
            Work::Small(tables, _) => tables,
        };
        for table in tables {
            if let Some(left) = jobs.left.get_mut(&table.title()) {
                *left -= 1;
                jobs.done += u64::from(*left == 0);
            }
        }
    }

    /// Tables that are done, and all of them.
    pub(super) fn tables(&self) -> (u64, u64) {
        let jobs = self.jobs();
        (jobs.done, jobs.left.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        /// Every number lies in exactly one slice, whatever the ends and the number of slices.
        #[test]
        fn slices_are_the_table(first in -5000_i128..5000, more in 0_i128..9000, slices in 1_u64..40, probe in -20_000_i128..20_000) {
            let all = cut_numbers(first, first + more, slices);
            proptest::prop_assert!(!all.is_empty() && all.len() as u64 <= slices);
            let number = |key: &Option<Vec<String>>| key.as_ref().map(|k| k[0].parse::<i128>().expect("a number"));
            let holds = |slice: &&Slice| {
                number(&slice.after).is_none_or(|after| probe > after) && number(&slice.up_to).is_none_or(|end| probe <= end)
            };
            proptest::prop_assert_eq!(all.iter().filter(holds).count(), 1);
        }
    }

    #[test]
    fn the_ends_of_large_numbers_are_no_trouble() {
        let all = cut_numbers(i128::from(i64::MIN), i128::from(u64::MAX), 3);
        assert_eq!(all.len(), 3);
        assert_eq!(cut_numbers(7, 7, 9), [Slice::default()]);
    }
}
