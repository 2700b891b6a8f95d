//! What a copy over a replica's data would lose: tables with their rows and sizes, and events.

use crate::{
    model::{Fact, HostName},
    observe::{Content, HostFacts, TableFacts},
    plan::{EventLoss, Losses, Rows, TableLoss},
};

/// How many tables and events are named one by one.
const MOST: usize = 8;

/// What only `host` holds; `None` where nobody looked, or nothing is there.
pub(super) fn losses(
    host: &HostName,
    facts: &HostFacts,
    source: &HostName,
    of_source: Option<&HostFacts>,
) -> Option<Losses> {
    let mut losses = Losses::of(host, source);
    let of_replica = match &facts.content {
        Fact::Known(content) => content,
        Fact::Absent => return None,
        Fact::Unread(why) => {
            losses.not_read = Some(why.clone());
            return Some(losses);
        }
    };
    let nothing = Content::default();
    let of_source = of_source.and_then(|f| f.content.known()).unwrap_or(&nothing);
    for ((database, table), here) in &of_replica.tables {
        let there = of_source.tables.get(&(database.clone(), table.clone()));
        if here.checksum.is_some() && there.is_some_and(|there| there.checksum == here.checksum) {
            losses.equal += 1;
            continue;
        }
        losses.tables.push(TableLoss {
            table: format!("{database}.{table}"),
            bytes: here.bytes,
            here: rows(here),
            there: there.map(rows),
        });
    }
    let events = of_replica.events.iter().map(|(id, did)| EventLoss { id: id.clone(), did: did.clone() });
    losses.events.extend(events);
    losses.more_tables = cut(&mut losses.tables);
    losses.more_events = cut(&mut losses.events);
    let found = !(losses.tables.is_empty() && losses.events.is_empty() && losses.equal == 0);
    found.then_some(losses)
}

fn rows(table: &TableFacts) -> Rows {
    Rows { count: table.rows, exact: table.checksum.is_some() }
}

/// Leaves the first ones, and says how many went. One more takes no more room than the line that counts it.
fn cut<T>(list: &mut Vec<T>) -> usize {
    let more = if list.len() > MOST + 1 { list.len() - MOST } else { 0 };
    list.truncate(list.len() - more);
    more
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(tables: &[(&str, u64, Option<u64>)]) -> HostFacts {
        let tables = tables
            .iter()
            .map(|(name, rows, checksum)| {
                let facts =
                    TableFacts { rows: *rows, bytes: 16384, checksum: checksum.map(|c| c.to_string()) };
                (("shop".to_owned(), (*name).to_owned()), facts)
            })
            .collect();
        HostFacts { content: Fact::Known(Content { tables, events: Vec::new() }), ..HostFacts::default() }
    }

    #[test]
    fn only_a_checksum_makes_tables_equal() {
        let of_replica = facts(&[("a", 1, Some(7)), ("b", 2, Some(8)), ("c", 3, None), ("d", 1, Some(1))]);
        let of_source = facts(&[("a", 1, Some(7)), ("b", 2, Some(9)), ("c", 3, None)]);
        let found = losses(&"db-b".into(), &of_replica, &"db-a".into(), Some(&of_source)).expect("losses");
        let (exact, about) = (|count| Rows { count, exact: true }, |count| Rows { count, exact: false });
        let table = |table: &str, here, there| TableLoss { table: table.into(), bytes: 16384, here, there };
        assert_eq!(
            found.tables,
            [
                table("shop.b", exact(2), Some(exact(2))),
                table("shop.c", about(3), Some(about(3))),
                table("shop.d", exact(1), None),
            ]
        );
        assert_eq!((found.equal, found.more_tables), (1, 0));
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..30).map(|n| format!("t{n:02}")).collect();
        let tables: Vec<(&str, u64, Option<u64>)> = names.iter().map(|n| (n.as_str(), 1, Some(1))).collect();
        let found = losses(&"db-b".into(), &facts(&tables), &"db-a".into(), None).expect("losses");
        assert_eq!((found.tables.len(), found.more_tables), (8, 22));
    }

    #[test]
    fn what_nobody_looked_at_is_no_loss() {
        let facts = HostFacts { content: Fact::Absent, ..HostFacts::default() };
        assert_eq!(losses(&"db-b".into(), &facts, &"db-a".into(), None), None);
    }
}
