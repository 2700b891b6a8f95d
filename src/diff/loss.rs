//! What a copy over a replica's data would lose, in words: tables with their rows and sizes, and events.

use crate::{
    model::{Fact, HostName, bytes, visible},
    observe::{Content, HostFacts, TableFacts},
};

/// How many tables and events are told one by one.
const MOST: usize = 8;

/// Lines that tell what only `host` holds; empty where nobody looked.
pub fn lines(
    host: &HostName,
    facts: &HostFacts,
    source: &HostName,
    theirs: Option<&HostFacts>,
) -> Vec<String> {
    let ours = match &facts.content {
        Fact::Known(content) => content,
        Fact::Absent => return Vec::new(),
        Fact::Unread(why) => return vec![format!("what {host} holds could not be looked at closely: {why}")],
    };
    let nothing = Content::default();
    let theirs = theirs.and_then(|f| f.content.known()).unwrap_or(&nothing);
    let mut lines = Vec::new();
    let mut equal = 0;
    for ((database, table), here) in &ours.tables {
        let name = visible(&format!("{database}.{table}"));
        lines.push(match theirs.tables.get(&(database.clone(), table.clone())) {
            None => format!("only {host} has {name}: {}, {}", rows(here), bytes(here.bytes)),
            Some(there) if here.checksum.is_some() && here.checksum == there.checksum => {
                equal += 1;
                continue;
            }
            Some(there) if here.checksum.is_some() && there.checksum.is_some() => {
                format!("{name} differs: {} on {host}, {} on {source}", rows(here), rows(there))
            }
            Some(there) => {
                format!(
                    "{name} is too large to compare: {} on {host}, {} on {source}",
                    rows(here),
                    rows(there)
                )
            }
        });
    }
    cut(&mut lines, "tables");
    if equal > 0 {
        let tables = if equal == 1 { "1 table is".to_owned() } else { format!("{equal} tables are") };
        lines.push(format!("{tables} equal on both, by checksum"));
    }
    let mut events: Vec<String> =
        ours.events.iter().map(|(id, text)| format!("only {host} has the event {id}: {text}")).collect();
    cut(&mut events, "events");
    lines.extend(events);
    lines
}

fn rows(table: &TableFacts) -> String {
    let about = if table.checksum.is_some() { "" } else { "about " };
    let word = if table.rows == 1 { "row" } else { "rows" };
    format!("{about}{} {word}", table.rows)
}

fn cut(lines: &mut Vec<String>, what: &str) {
    if lines.len() > MOST + 1 {
        let more = lines.len() - MOST;
        lines.truncate(MOST);
        lines.push(format!("and {more} more {what}"));
    }
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
        let ours = facts(&[("a", 1, Some(7)), ("b", 2, Some(8)), ("c", 3, None), ("d", 1, Some(1))]);
        let theirs = facts(&[("a", 1, Some(7)), ("b", 2, Some(9)), ("c", 3, None)]);
        let said = lines(&"db-b".into(), &ours, &"db-a".into(), Some(&theirs));
        assert_eq!(
            said,
            [
                "shop.b differs: 2 rows on db-b, 2 rows on db-a",
                "shop.c is too large to compare: about 3 rows on db-b, about 3 rows on db-a",
                "only db-b has shop.d: 1 row, 16.0 KiB",
                "1 table is equal on both, by checksum",
            ]
        );
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..30).map(|n| format!("t{n:02}")).collect();
        let tables: Vec<(&str, u64, Option<u64>)> = names.iter().map(|n| (n.as_str(), 1, Some(1))).collect();
        let said = lines(&"db-b".into(), &facts(&tables), &"db-a".into(), None);
        assert_eq!(said.len(), 9);
        assert_eq!(said[8], "and 22 more tables");
    }
}
