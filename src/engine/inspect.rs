//! A close look at what a server holds, taken only where a copy might destroy it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    dialect::{Adding, Compared, Dialect, Range, ReadStatement},
    model::{Fact, HostName, in_parallel},
    observe::{Content, Reading, TableFacts, only_here},
    transport::{Login, Session, SqlError},
    verify::{Comparison, Side, Table},
};

/// Bytes of tables that are read for their checksums; what is beyond is only estimated.
const BUDGET: u64 = 128 * 1024 * 1024;

/// Adds to a reading what some replicas and their sources hold. Writes nothing.
pub(super) async fn inspect_data(reading: &mut Reading, pairs: &[(HostName, HostName)], forks: usize) {
    let hosts: BTreeSet<&HostName> = pairs.iter().flat_map(|(replica, source)| [replica, source]).collect();
    let looks = hosts.into_iter().filter_map(|host| {
        let (session, login) = (reading.sessions.get(host)?, reading.logins.get(host)?);
        let dialect = Dialect::of(reading.observed.get(host)?.known()?.server.known()?.version);
        let sources: Vec<&HostName> =
            pairs.iter().filter(|(replica, _)| replica == host).map(|(_, source)| source).collect();
        let reading = &*reading;
        Some(async move {
            let there = (host, session, login, dialect);
            let (content, events) = tokio::join!(content(there), only_here(reading, host, &sources));
            (host.clone(), content, events)
        })
    });
    let found = in_parallel(forks, looks).await;
    for (host, mut content, events) in found {
        if let Some(Fact::Known(facts)) = reading.observed.get_mut(&host) {
            if let Fact::Known(content) = &mut content {
                content.events = events;
            }
            facts.content = content;
        }
    }
}

/// Reads what a server holds, but for events.
async fn content((host, session, login, dialect): (&HostName, &Session, &Login, Dialect)) -> Fact<Content> {
    let tables = async {
        let mut side = Side::reading(host, session, login, dialect).await?;

        tables(&mut side).await
    };
    match tables.await {
        Ok(tables) => Fact::Known(Content { tables, events: Vec::new() }),
        Err(error) => Fact::Unread(error.to_string()),
    }
}

async fn tables(side: &mut Side) -> Result<BTreeMap<(String, String), TableFacts>, SqlError> {
    let mut by_size = Vec::new();
    for row in &side.query(&ReadStatement::tables_by_size()).await? {
        let facts = TableFacts { rows: row.number("n")?, bytes: row.number("bytes")?, checksum: None };
        by_size.push(((row.text("db")?, row.text("name")?), facts));
    }
    by_size.sort_by_key(|(_, facts)| facts.bytes);
    let definitions = side.read_tables().await?;
    let mut left = BUDGET;
    let mut tables = BTreeMap::new();
    for (name, mut facts) in by_size {
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
