//! Whether rows that were seen to differ do differ: looked at again at a position that both sides have.
//!
//! A row is a difference only if the source had the same all the while between two looks, the replica had
//! executed everything that the source had logged at the first one, everything that the replica had logged by
//! then had come back before the second one, and the replica still had something else; three times in a row.

use std::collections::BTreeMap;

use futures_util::future::join;

use super::{
    RowKind,
    compare::{Listing, Look, Suspect, by_size, differing, judge},
    position::Positions,
    side::{Comparison, Side, Sum},
};
use crate::{
    dialect::{Key, Range},
    exec::{Fleet, StepError},
    model::{BinlogPosition, HostName, limits},
    proof::Doubt,
    transport::SqlError,
};

/// Rows of a table that are named as differing at most; the search ends there.
pub(super) const MOST_ROWS: usize = 1000;
/// Rows of the pieces in which a chunk that differs is looked through.
const PIECE: u64 = 1000;
/// How often the same difference has to be seen.
const TIMES: u32 = 3;
/// How often a row that changes all the time is looked at.
const LOOKS: u32 = 60;
/// How often a chunk is begun anew of which too many rows were on their way.
const ATTEMPTS: u32 = 8;
/// Looks at the source while the replica is read, so that a row that changes fast is met.
const WHILE: usize = 6;

/// Why a table could not be compared.
#[derive(Debug)]
pub(super) enum CannotCompare {
    /// A server refuses this table: its error number, and its words.
    Refused(u16, String),
    /// This table alone, since it changes too fast.
    Moving(Doubt),
    /// Nothing more can be compared here.
    Stop(StepError),
}

impl CannotCompare {
    /// What a failed statement on a host means.
    pub(super) fn of(host: &HostName, error: SqlError) -> Self {
        match &error {
            SqlError::Server { code, .. } => CannotCompare::Refused(*code, format!("{host}: {error}")),
            _ => CannotCompare::Stop(StepError::new(host, "compare its rows", error)),
        }
    }
}

/// What is left of rows that were seen to differ.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// Rows that do differ.
    pub differing: Vec<(Key, RowKind)>,
    /// Rows that changed with every look.
    pub moving: u64,
    /// Whether there may be more.
    pub at_least: bool,
    /// The place in the source's log that the replica had executed.
    pub place: Option<BinlogPosition>,
}

/// Two sides and the ways between them.
#[derive(Debug)]
pub(super) struct TwoSides<'a, 'f> {
    /// What replicates.
    pub source: &'a mut Side,
    /// What it replicates to.
    pub replica: &'a mut Side,
    /// Where they stand.
    pub positions: &'a mut Positions<'f>,
    /// Edges from the source to the replica.
    pub forth: &'a [usize],
    /// Edges on which what the replica itself wrote comes back; none where nothing does.
    pub back: &'a [usize],
}

impl TwoSides<'_, '_> {
    /// Waits until both have what the other had; the place in the source's log.
    ///
    /// # Errors
    /// When a host does not come so far in time.
    pub(super) async fn meet(&mut self) -> Result<Option<BinlogPosition>, StepError> {
        let place = self.positions.carry(self.forth).await?;
        self.positions.carry(self.back).await?;
        Ok(place)
    }

    /// Settles ranges in which the sums differ.
    ///
    /// # Errors
    /// When a server says no, or a replica does not come so far in time.
    pub(super) async fn settle(
        &mut self,
        table: &Comparison,
        ranges: &[Range],
        fleet: &Fleet<'_>,
    ) -> Result<Settled, CannotCompare> {
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                self.meet().await.map_err(CannotCompare::Stop)?;
            }
            let (suspects, overflow) = self.narrow(table, ranges).await?;
            if suspects.is_empty() {
                return Ok(Settled::default());
            }
            let mut settled = self.examine(table, suspects, fleet).await?;
            settled.at_least = overflow;
            if !settled.differing.is_empty() || !overflow || fleet.interrupt.is_cancelled() {
                return Ok(settled);
            }
        }
        Err(CannotCompare::Moving(Doubt::ManyRowsMove))
    }

    /// Finds the rows of ranges that are not the same now, and whether there are more of them.
    async fn narrow(
        &mut self,
        table: &Comparison,
        ranges: &[Range],
    ) -> Result<(Vec<Key>, bool), CannotCompare> {
        let mut suspects = Vec::new();
        for range in ranges {
            let mut left = range.clone();
            loop {
                let next = self
                    .source
                    .nth_key(table, &left, PIECE)
                    .await
                    .map_err(|e| CannotCompare::of(&self.source.host, e))?;
                let piece = Range { after: left.after.clone(), up_to: next.clone().or(left.up_to.clone()) };
                if self.suspect(table, &piece, &mut suspects).await? {
                    return Ok((suspects, true));
                }
                if next.is_none() {
                    break;
                }
                left.after = next;
            }
        }
        Ok((suspects, false))
    }

    /// Adds the rows of one piece that are not the same now; whether there are too many.
    async fn suspect(
        &mut self,
        table: &Comparison,
        piece: &Range,
        suspects: &mut Vec<Key>,
    ) -> Result<bool, CannotCompare> {
        let (here, there) = self.sums(table, piece).await?;
        if here == there {
            return Ok(false);
        }
        let most = 5 * PIECE as usize;
        let (here, there) =
            join(self.source.list(table, piece, most), self.replica.list(table, piece, most)).await;
        let here = here.map_err(|e| CannotCompare::of(&self.source.host, e))?;
        let there = there.map_err(|e| CannotCompare::of(&self.replica.host, e))?;
        let cut = here.len() == most || there.len() == most;
        suspects.extend(differing(&here, &there));
        let too_many = cut || suspects.len() > MOST_ROWS;
        if too_many {
            suspects.truncate(MOST_ROWS);
        }
        Ok(too_many)
    }

    async fn sums(&mut self, table: &Comparison, range: &Range) -> Result<(Sum, Sum), CannotCompare> {
        let (here, there) = join(self.source.sum(table, range), self.replica.sum(table, range)).await;
        Ok((
            here.map_err(|e| CannotCompare::of(&self.source.host, e))?,
            there.map_err(|e| CannotCompare::of(&self.replica.host, e))?,
        ))
    }

    /// Looks at rows until each is the same, or has been seen to differ often enough, or changes on and on.
    async fn examine(
        &mut self,
        table: &Comparison,
        keys: Vec<Key>,
        fleet: &Fleet<'_>,
    ) -> Result<Settled, CannotCompare> {
        let mut open: BTreeMap<Key, Suspect> = keys.into_iter().map(|k| (k, Suspect::default())).collect();
        let mut settled = Settled::default();
        let [mut pause, _] = limits::PAUSES;
        for _ in 0..LOOKS {
            let keys: Vec<Key> = open.keys().cloned().collect();
            let keys: Vec<&Key> = keys.iter().collect();
            let (source, replica) = self.look(table, &keys, &mut settled).await?;
            for key in keys {
                let seen: Vec<Option<&String>> = source.iter().map(|listing| listing.get(key)).collect();
                let look = judge(&seen, replica.get(key));
                let Some(suspect) = open.get_mut(key) else { continue };
                let times = suspect.note(&look);
                match look {
                    Look::Differs(here, there) if times >= TIMES => {
                        let kind = match (here, there) {
                            (Some(_), Some(_)) => RowKind::Changed,
                            (Some(_), None) => RowKind::MissingOnReplica,
                            (None, _) => RowKind::MissingOnSource,
                        };
                        settled.differing.push((key.clone(), kind));
                        open.remove(key);
                    }
                    Look::Equal => drop(open.remove(key)),
                    Look::Differs(..) | Look::Moving => {}
                }
            }
            if open.is_empty() || fleet.interrupt.is_cancelled() {
                break;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(limits::AGAIN);
        }
        settled.differing.sort_by(|(a, _), (b, _)| by_size(a, b));
        settled.moving = open.len() as u64;
        Ok(settled)
    }

    /// Looks at the source, at the replica once it has executed that, and at the source once more.
    async fn look(
        &mut self,
        table: &Comparison,
        keys: &[&Key],
        settled: &mut Settled,
    ) -> Result<(Vec<Listing>, Listing), CannotCompare> {
        let here = |side: &Side, e| CannotCompare::of(&side.host, e);
        let first = self.source.rows(table, keys).await.map_err(|e| here(self.source, e))?;
        settled.place = self.positions.carry(self.forth).await.map_err(CannotCompare::Stop)?;
        let mut looks = vec![first];
        let (source, replica) = (&mut *self.source, &mut *self.replica);
        let meanwhile = async {
            let mut looks = Vec::new();
            for _ in 0..if keys.len() <= 50 { WHILE } else { 1 } {
                looks.push(source.rows(table, keys).await?);
            }
            Ok::<_, SqlError>(looks)
        };
        let (meanwhile, there) = join(meanwhile, replica.rows(table, keys)).await;
        looks.extend(meanwhile.map_err(|e| here(self.source, e))?);
        let there = there.map_err(|e| here(self.replica, e))?;
        self.positions.carry(self.back).await.map_err(CannotCompare::Stop)?;
        looks.push(self.source.rows(table, keys).await.map_err(|e| here(self.source, e))?);
        Ok((looks, there))
    }

    /// Settles a table without a key, which is only known as a whole.
    ///
    /// # Errors
    /// As [`TwoSides::settle`].
    pub(super) async fn settle_whole(
        &mut self,
        table: &Comparison,
        fleet: &Fleet<'_>,
    ) -> Result<Settled, CannotCompare> {
        let (whole, mut suspect) = (Range::default(), Suspect::default());
        let text = |sum: &Sum| format!("{} {}", sum.rows, sum.digest);
        for _ in 0..LOOKS / 4 {
            let of = |host: &HostName, e| CannotCompare::of(host, e);
            let first = self.source.sum(table, &whole).await.map_err(|e| of(&self.source.host, e))?;
            let place = self.positions.carry(self.forth).await.map_err(CannotCompare::Stop)?;
            let there = self.replica.sum(table, &whole).await.map_err(|e| of(&self.replica.host, e))?;
            self.positions.carry(self.back).await.map_err(CannotCompare::Stop)?;
            let last = self.source.sum(table, &whole).await.map_err(|e| of(&self.source.host, e))?;
            let look = judge(&[Some(&text(&first)), Some(&text(&last))], Some(&text(&there)));
            if look == Look::Equal || fleet.interrupt.is_cancelled() {
                return Ok(Settled::default());
            }
            if suspect.note(&look) >= TIMES {
                return self.bags(table, place).await;
            }
            tokio::time::sleep(limits::PAUSES[1]).await;
        }
        Ok(Settled { moving: 1, ..Settled::default() })
    }

    /// Names the rows of a table without a key by what they hold.
    async fn bags(
        &mut self,
        table: &Comparison,
        place: Option<BinlogPosition>,
    ) -> Result<Settled, CannotCompare> {
        const MOST: usize = 200_000;
        let (here, there) = join(self.source.bag(table, MOST), self.replica.bag(table, MOST)).await;
        let here = here.map_err(|e| CannotCompare::of(&self.source.host, e))?;
        let there = there.map_err(|e| CannotCompare::of(&self.replica.host, e))?;
        let mut settled = Settled { place, ..Settled::default() };
        // A list that was cut short says nothing about what is missing in it.
        if here.len() == MOST || there.len() == MOST {
            settled.at_least = true;
            return Ok(settled);
        }
        let times = |bag: &Listing, key: &Key| bag.get(key).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
        for key in differing(&here, &there) {
            let kind = match times(&here, &key) > times(&there, &key) {
                true => RowKind::MissingOnReplica,
                false => RowKind::MissingOnSource,
            };
            settled.differing.push((key, kind));
        }
        settled.at_least = settled.differing.len() > MOST_ROWS;
        settled.differing.truncate(MOST_ROWS);
        Ok(settled)
    }
}
