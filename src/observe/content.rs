//! A close look at what a server holds, taken only where a copy might destroy it.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    dialect::ReadStatement,
    gtid::Errant,
    model::Fact,
    transport::{Login, ReadScript, Row, Session, SqlError, SqlReader},
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
    /// `CHECKSUM TABLE`, for tables that are small enough.
    pub checksum: Option<u64>,
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
    session: &Session,
    login: &Login,
    binlog: Option<(&str, &str)>,
    errant: &[Errant],
) -> Fact<Content> {
    let tables = async {
        let mut sql = session.sql(login, LIMIT).await?;
        let tables = tables(&mut sql).await;
        sql.close().await;
        tables
    };
    let (tables, events) = tokio::join!(tables, events(session, binlog, errant));
    match tables {
        Ok(tables) => Fact::Known(Content { tables, events }),
        Err(error) => Fact::Unread(error.to_string()),
    }
}

async fn tables(sql: &mut SqlReader) -> Result<BTreeMap<(String, String), TableFacts>, SqlError> {
    let mut rows = sql.query(&ReadStatement::tables_by_size()).await?;
    rows.sort_by_key(|r| r.number("bytes").unwrap_or(0));
    let mut left = BUDGET;
    let mut tables = BTreeMap::new();
    for row in rows {
        let mut facts = TableFacts {
            rows: row.number("n").unwrap_or(0),
            bytes: row.number("bytes").unwrap_or(0),
            checksum: None,
        };
        if let Some(rest) = left.checked_sub(facts.bytes) {
            left = rest;
            let (db, name) = (row.text("db"), row.text("name"));
            // A table that can't be read has no checksum, and so is never called equal.
            let number = |rows: &[Row], column: &str| rows.first().and_then(|r| r.number(column));
            let checked = sql.query(&ReadStatement::checksum(&db, &name)).await.unwrap_or_default();
            facts.checksum = number(&checked, "checksum");
            let counted = sql.query(&ReadStatement::count(&db, &name)).await.unwrap_or_default();
            facts.rows = number(&counted, "n").unwrap_or(facts.rows);
        }
        tables.insert((row.text("db"), row.text("name")), facts);
    }
    Ok(tables)
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
