//! A look at some rows on both ends of a channel, for every day: it reads, and takes a moment. A difference must
//! stand still on both sides while it is looked at several times; what moves is replication at work.

use std::time::Duration;

use super::side::{Comparison, Side, Sum};
use crate::{
    dialect::{Adding, Compared, HEARTBEAT, Range},
    model::limits,
    plan::SampledTable,
    transport::SqlError,
};

/// Rows of a table that are compared.
const ROWS: u64 = 1_000;
/// How far into a table the sample may begin; further in, finding the place would take longer than comparing.
const DEEPEST: u64 = 100_000;
/// Looks that a difference has to outlast, and the time between two of them.
const LOOKS: usize = 4;
const PAUSE: Duration = limits::SAMPLE;

/// Compares some rows of up to `count` tables. Which ones depends on `turn`, so that other runs look elsewhere.
/// What comes back are the tables that differ.
///
/// # Errors
/// When a server says no.
pub(crate) async fn sample(
    source: &mut Side,
    replica: &mut Side,
    count: usize,
    turn: u64,
) -> Result<Vec<SampledTable>, SqlError> {
    let (of_source, of_replica) = (source.read_tables().await?, replica.read_tables().await?);
    let adding = Adding::of([source.dialect(), replica.dialect()]);
    let both: Vec<Comparison> = of_source
        .iter()
        .filter(|((database, _), table)| {
            database != HEARTBEAT && table.key.is_some() && !table.holds_nothing()
        })
        .filter_map(|(name, table)| {
            let other = (&replica.host, of_replica.get(name)?);
            let compared = Compared::of((&source.host, table), other).ok()?;
            let (database, name) = name.clone();
            (!compared.key.is_empty()).then_some(Comparison {
                database,
                name,
                compared,
                adding,
                in_pieces: false,
            })
        })
        .collect();
    let mut found = Vec::new();
    let begin = usize::try_from(turn).unwrap_or(0);
    for n in 0..count.min(both.len()) {
        let table = &both[(begin.wrapping_add(n)) % both.len()];
        let rows = of_source.get(&(table.database.clone(), table.name.clone())).map_or(0, |t| t.rows);
        let range = place(source, table, rows, turn).await?;
        if stands(source, replica, table, &range).await? {
            found.push(SampledTable { table: table.title(), rows: ROWS, after: range.after });
        }
    }
    Ok(found)
}

async fn place(source: &mut Side, table: &Comparison, rows: u64, turn: u64) -> Result<Range, SqlError> {
    let room = rows.saturating_sub(ROWS).min(DEEPEST);
    let begin = if room == 0 { 0 } else { turn.wrapping_mul(7919) % room };
    let after = match begin {
        0 => None,
        begin => source.nth_key(table, &Range::default(), begin).await?,
    };
    let rest = Range { after, up_to: None };
    let up_to = source.nth_key(table, &rest, ROWS).await?;
    Ok(Range { up_to, ..rest })
}

/// Whether the rows differ, and neither side has changed while that was looked at.
async fn stands(
    source: &mut Side,
    replica: &mut Side,
    table: &Comparison,
    range: &Range,
) -> Result<bool, SqlError> {
    let mut before: Option<(Sum, Sum)> = None;
    let mut still = 0;
    // Twice as often as needed: the first looks may come too early after a write.
    for _ in 0..2 * LOOKS {
        let now = (source.sum(table, range).await?, replica.sum(table, range).await?);
        if now.0 == now.1 {
            return Ok(false);
        }
        still = if before.as_ref() == Some(&now) { still + 1 } else { 1 };
        if still >= LOOKS {
            return Ok(true);
        }
        before = Some(now);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(false)
}
