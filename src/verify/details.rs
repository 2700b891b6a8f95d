//! Rows that differ, shown with what they hold on both sides.

use super::{
    ColumnDifference, RowDifference, RowKind,
    settle::{CannotCompare, TwoSides},
    side::{Comparison, Shown},
};
use crate::dialect::Key;

/// Characters of a value that are shown.
const WIDTH: usize = 60;

/// Reads the first rows that differ.
///
/// # Errors
/// When a server says no.
pub(super) async fn details(
    pair: &mut TwoSides<'_, '_>,
    table: &Comparison,
    rows: &[(Key, RowKind)],
    most: usize,
) -> Result<Vec<RowDifference>, CannotCompare> {
    let mut shown = Vec::new();
    for (key, kind) in rows.iter().take(most) {
        let (here, there) = match table.compared.key.is_empty() {
            false => {
                (pair.source.shown(table, key, WIDTH).await, pair.replica.shown(table, key, WIDTH).await)
            }
            true => {
                let digest = key.first().map(String::as_str).unwrap_or_default();
                match kind {
                    RowKind::MissingOnSource => {
                        (Ok(None), pair.replica.shown_by_digest(table, digest, WIDTH).await)
                    }
                    _ => (pair.source.shown_by_digest(table, digest, WIDTH).await, Ok(None)),
                }
            }
        };
        let here = here.map_err(|e| CannotCompare::of(&pair.source.host, e))?;
        let there = there.map_err(|e| CannotCompare::of(&pair.replica.host, e))?;
        shown.push(difference(table, *kind, here.as_deref(), there.as_deref()));
    }
    Ok(shown)
}

/// What to show of one row.
fn difference(
    table: &Comparison,
    kind: RowKind,
    here: Option<&[Shown]>,
    there: Option<&[Shown]>,
) -> RowDifference {
    let compared = &table.compared;
    let value = |row: Option<&[Shown]>, n: usize| row.and_then(|r| r.get(n)).cloned();
    let mut difference = RowDifference { key: Vec::new(), kind, columns: Vec::new() };
    for (n, (column, _)) in compared.columns.iter().enumerate() {
        let (source, replica) = (value(here, n), value(there, n));
        let text = |shown: &Option<Shown>| {
            let mut text = shown.as_ref()?.text.clone()?;
            if text.chars().count() >= WIDTH {
                text.push_str("...");
            }
            Some(text)
        };
        if compared.key.contains(&column.name) {
            let known = text(&source).or(text(&replica)).unwrap_or_default();
            difference.key.push((column.name.clone(), known));
            continue;
        }
        let equal = match (&source, &replica) {
            (Some(source), Some(replica)) => source.exact.is_some() && source.exact == replica.exact,
            (source, replica) => source == replica,
        };
        if equal {
            continue;
        }
        let (mut source, mut replica) = (text(&source), text(&replica));
        if source == replica {
            // They differ in what was cut off, or in signs that look alike.
            for side in [&mut source, &mut replica].into_iter().flatten() {
                side.push_str(" ...");
            }
        }
        difference.columns.push(ColumnDifference { name: column.name.clone(), source, replica });
    }
    difference
}
