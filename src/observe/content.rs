//! A close look at what a server holds, taken only where a copy might destroy it.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    dialect::{Adding, Compared, Dialect, Range, ReadStatement},
    gtid::Errant,
    model::{Fact, HostName},
    transport::{Login, ReadScript, Session, SqlError},
    verify::{Comparison, Side, Table},
};

/// Bytes of tables that are read for their checksums; what is beyond is only estimated.
const BUDGET: u64 = 128 * 1024 * 1024;
const DECODE: ReadScript = ReadScript::new("decode events that only it has", include_str!("errant.sh"));
const LIMIT: Duration = Duration::from_secs(60);

/// What one table holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableFacts {
    /// Rows; the server's estimate where there is no checksum.
    pub rows: u64,
    /// Data and indexes.
    pub bytes: u64,
    /// What all rows and columns add up to, for tables that are small enough.
    pub checksum: Option<String>,
}

/// What a server holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    /// Tables by database and name.
    pub tables: BTreeMap<(String, String), TableFacts>,
    /// Events that only this server has: their id, and what they did.
    pub events: Vec<(String, String)>,
}

/// Reads what a server holds. `errant` are the events that the other side is known not to have.
pub async fn content(
    (host, session, login, dialect): (&HostName, &Session, &Login, Dialect),
    binlog: Option<(&str, &str)>,
    errant: &[Errant],
) -> Fact<Content> {
    let tables = async {
        let mut side = Side::reading(host, session, login, dialect).await?;
        let tables = tables(&mut side).await;
        side.close().await;
        tables
    };
    let (tables, events) = tokio::join!(tables, events(session, binlog, errant));
    match tables {
        Ok(tables) => Fact::Known(Content { tables, events }),
        Err(error) => Fact::Unread(error.to_string()),
    }
}

async fn tables(side: &mut Side) -> Result<BTreeMap<(String, String), TableFacts>, SqlError> {
    let mut rows = side.query(&ReadStatement::tables_by_size()).await?;
    rows.sort_by_key(|r| r.number("bytes").unwrap_or(0));
    let definitions = side.read_tables().await?;
    let mut left = BUDGET;
    let mut tables = BTreeMap::new();
    for row in rows {
        let mut facts = TableFacts {
            rows: row.number("n").unwrap_or(0),
            bytes: row.number("bytes").unwrap_or(0),
            checksum: None,
        };
        let name = (row.text("db"), row.text("name"));
        if let (Some(rest), Some(table)) = (left.checked_sub(facts.bytes), definitions.get(&name)) {
            left = rest;
            // A table that can't be read has no checksum, and so is never called equal.
            if let Ok((counted, checksum)) = digest(side, &name, table).await {
                (facts.rows, facts.checksum) = (counted, Some(checksum));
            }
        }
        tables.insert(name, facts);
    }
    Ok(tables)
}

/// A table's rows, and a text that is the same on two servers where its columns and all its rows are. The server's
/// own CHECKSUM TABLE is not: MySQL's changes from call to call where an index is on an expression.
async fn digest(
    side: &mut Side,
    (database, name): &(String, String),
    table: &Table,
) -> Result<(u64, String), SqlError> {
    let columns = table.columns.iter().map(|column| (column.clone(), false)).collect();
    let comparison = Comparison {
        database: database.clone(),
        name: name.clone(),
        compared: Compared { columns, key: Vec::new(), primary: false, notes: Vec::new() },
        adding: Adding::Sha256,
        in_pieces: false,
    };
    let sum = side.sum(&comparison, &Range::default()).await?;
    let columns: Vec<String> = table.columns.iter().map(|c| format!("{} {}", c.name, c.data_type)).collect();
    Ok((sum.rows, format!("{} {} {}", sum.rows, sum.digest, columns.join(","))))
}

/// `binlog` is the decoding program and the logs' base name.
async fn events(session: &Session, binlog: Option<(&str, &str)>, errant: &[Errant]) -> Vec<(String, String)> {
    let (Some((program, basename)), false) = (binlog, errant.is_empty()) else { return Vec::new() };
    let ranges: Vec<String> =
        errant.iter().map(|e| format!("{}-{} {} {}", e.domain, e.server, e.after, e.up_to)).collect();
    let args = [program, basename, &ranges.join("\n")];
    // They are shown to help a person; without them the decision is the same.
    let output = session.read(&DECODE, &args, LIMIT).await.unwrap_or_default();
    decoded(&output.text())
}

/// Lines `G ID`, and below each what the event did.
fn decoded(text: &str) -> Vec<(String, String)> {
    let mut events: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        match (line.split_once(' '), events.last_mut()) {
            (Some(("G", id)), _) => events.push((id.to_owned(), String::new())),
            (Some(("S", said)), Some((_, text))) => {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.extend(said.split_whitespace().flat_map(|word| [word, " "]));
                text.truncate(text.trim_end().len());
            }
            _ => {}
        }
    }
    events.retain(|(_, text)| !text.is_empty());
    events
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn events_are_told_with_what_they_did() {
        let text = "G 0-2-5\nS INSERT INTO `two`.`t`\nS SET\nS   @1=2\nS   @2='x'\nG 0-2-6\nG 0-2-7\nS create table u (id int)\nnonsense\n";
        assert_eq!(
            decoded(text),
            [
                ("0-2-5".to_owned(), "INSERT INTO `two`.`t` SET @1=2 @2='x'".to_owned()),
                ("0-2-7".to_owned(), "create table u (id int)".to_owned()),
            ]
        );
    }

    proptest::proptest! {
        #[test]
        fn nonsense_is_no_event(text in "(G |S |\\PC|\n){0,40}") {
            for (_, said) in decoded(&text) {
                proptest::prop_assert!(!said.is_empty());
            }
        }
    }
}
