//! What a copy over a replica's data would lose.

use super::errant::shortened;
use crate::{
    model::{bytes, visible},
    plan::{Losses, Rows, TableLoss},
};

/// A line for each loss; user's data may stand in it.
pub(super) fn lines(losses: &Losses) -> Vec<String> {
    let host = &losses.host;
    let more = |count: usize, what: &str| (count > 0).then(|| format!("and {count} more {what}"));
    let unread = losses.not_read.as_ref();
    let unread = unread.map(|why| format!("what {host} holds could not be looked at closely: {why}"));
    let equal = match losses.equal {
        0 => None,
        1 => Some("1 table is equal on both, by checksum".to_owned()),
        many => Some(format!("{many} tables are equal on both, by checksum")),
    };
    let events = losses
        .events
        .iter()
        .map(|event| format!("only {host} has the event {}: {}", event.id, shortened(&event.did)));
    let tables = losses.tables.iter().map(|loss| table(losses, loss));
    unread
        .into_iter()
        .chain(tables)
        .chain(more(losses.more_tables, "tables"))
        .chain(equal)
        .chain(events)
        .chain(more(losses.more_events, "events"))
        .collect()
}

fn table(losses: &Losses, loss: &TableLoss) -> String {
    let (host, source, name) = (&losses.host, &losses.source, visible(&loss.table));
    let here = rows(loss.here);
    match loss.there {
        None => format!("only {host} has {name}: {here}, {}", bytes(loss.bytes)),
        Some(there) if loss.here.exact && there.exact => {
            format!("{name} differs: {here} on {host}, {} on {source}", rows(there))
        }
        Some(there) => {
            format!("{name} is too large to compare: {here} on {host}, {} on {source}", rows(there))
        }
    }
}

fn rows(rows: Rows) -> String {
    let about = if rows.exact { "" } else { "about " };
    let word = if rows.count == 1 { "row" } else { "rows" };
    format!("{about}{} {word}", rows.count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_loss_is_told() {
        let rows = |count, exact| Rows { count, exact };
        let table = |table: &str, here, there| TableLoss { table: table.into(), bytes: 16384, here, there };
        let losses = Losses {
            tables: vec![
                table("shop.b", rows(2, true), Some(rows(2, true))),
                table("shop.c", rows(3, false), Some(rows(3, false))),
                table("shop.d", rows(1, true), None),
            ],
            more_tables: 22,
            equal: 1,
            ..Losses::of(&"db-b".into(), &"db-a".into())
        };
        assert_eq!(
            lines(&losses),
            [
                "shop.b differs: 2 rows on db-b, 2 rows on db-a",
                "shop.c is too large to compare: about 3 rows on db-b, about 3 rows on db-a",
                "only db-b has shop.d: 1 row, 16.0 KiB",
                "and 22 more tables",
                "1 table is equal on both, by checksum",
            ]
        );
    }
}
