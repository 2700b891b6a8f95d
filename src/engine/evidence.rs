//! The row that stops an applier, as both servers have it and as the event would change it. Reads only.

use std::time::Duration;

use crate::{
    dialect::ReadStatement,
    doctor::{Change, FailedEvent, RowEvent, RowEvidence, RowThere, row_events},
    model::{BinlogPosition, Fact, HostName, limits},
    observe::{ChannelFacts, Reading},
    transport::{ReadScript, SqlError, SqlReader},
};

const LIMIT: Duration = limits::LOOK.time;
/// Arguments: PROGRAM FILE BEGIN END. The last rows are those before the end.
const DECODE: ReadScript = ReadScript::new(
    "decode the event that failed",
    r#""$1" --no-defaults --base64-output=decode-rows --verbose --start-position="$3" --stop-position="$4" "$2" 2>/dev/null | tail -c 262144"#,
);

/// Finds what stops a channel, where it is a row and the source can be asked.
pub(super) async fn row_evidence(
    reading: &Reading,
    replica: &HostName,
    source: &HostName,
    channel: &ChannelFacts,
) -> Option<RowEvidence> {
    let failed = FailedEvent::of(channel.sql_errno, &channel.sql_error)?;
    let events = events(reading, source, channel, &failed).await?;
    let mut there = (source, sql(reading, source).await?);
    let mut here = (replica, sql(reading, replica).await?);
    let found = compare(&mut there, &mut here, &failed, events, channel.sql_errno == 1062).await;
    found.ok().flatten()
}

async fn sql(reading: &Reading, host: &HostName) -> Option<SqlReader> {
    let (session, login) = (reading.sessions.get(host)?, reading.logins.get(host)?);
    session.sql(login, LIMIT).await.ok()
}

async fn events(
    reading: &Reading,
    source: &HostName,
    channel: &ChannelFacts,
    failed: &FailedEvent,
) -> Option<Vec<RowEvent>> {
    let facts = reading.observed.get(source).and_then(Fact::known)?;
    let program = ["mariadb-binlog", "mysqlbinlog"].iter().find_map(|t| facts.os.tools.get(*t))?;
    let basename = facts.server.known()?.variable("log_bin_basename").filter(|b| !b.is_empty())?;
    let directory = basename.rsplit_once('/').map(|(directory, _)| directory)?;
    let file = failed.end.file();
    let plain = !file.contains('/') && !file.starts_with('-');
    let path = plain.then(|| format!("{directory}/{file}"))?;
    let start = BinlogPosition::start_of(file)?;
    let begin =
        channel.executed.as_ref().filter(|at| at.has_reached(&start) && at.file() == file).unwrap_or(&start);
    let (begin, end) = (begin.offset().to_string(), failed.end.offset().to_string());
    let args = [program.as_str(), &path, &begin, &end];
    let output = reading.sessions.get(source)?.read(&DECODE, &args, LIMIT).await.ok()?;
    Some(row_events(&output.text(), &failed.table)).filter(|events| !events.is_empty())
}

/// A row of the event that is not as it must be for it to go through.
async fn compare(
    (source, there): &mut (&HostName, SqlReader),
    (replica, here): &mut (&HostName, SqlReader),
    failed: &FailedEvent,
    events: Vec<RowEvent>,
    duplicate: bool,
) -> Result<Option<RowEvidence>, SqlError> {
    let (database, table) = &failed.table;
    let rows = there.query(&ReadStatement::columns(database, table)).await?;
    let columns = rows.iter().map(|row| row.text("name")).collect::<Result<Vec<String>, _>>()?;
    // Dates and binary strings are not decoded into what a condition could use.
    let usable = |kind: &str| kind.contains("int") || kind.contains("char") || kind == "decimal";
    let mut key = Vec::new();
    for (n, row) in rows.iter().enumerate() {
        if row.need("k")? == "PRI" {
            key.push((n, usable(row.need("t")?)));
        }
    }
    if key.is_empty() || !key.iter().all(|(_, usable)| *usable) {
        return Ok(None);
    }
    let key: Vec<usize> = key.into_iter().map(|(n, _)| n).collect();
    // The event that failed is the last of those that were decoded; a new row is what meets another, and an old
    // one is what is missed.
    let fits = |event: &RowEvent| (event.change == Change::Insert) == duplicate;
    for event in events.into_iter().rev().filter(fits).take(100) {
        let Some(values) = RowEvidence::key_values(&columns, &key, &event) else { continue };
        let values: Vec<_> = values.into_iter().map(|(column, value)| (column, value.scalar())).collect();
        let query = ReadStatement::row(database, table, &values);
        let replica = RowThere { host: replica.clone(), row: row(here, &query, &columns).await? };
        if replica.row.is_some() != duplicate {
            continue;
        }
        let source = RowThere { host: source.clone(), row: row(there, &query, &columns).await? };
        let table = failed.table.clone();
        return Ok(Some(RowEvidence { table, columns, key, event, source, replica }));
    }
    Ok(None)
}

async fn row(
    sql: &mut SqlReader,
    query: &ReadStatement,
    columns: &[String],
) -> Result<Option<Vec<(String, Option<String>)>>, SqlError> {
    let rows = sql.query(query).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let values = columns.iter().map(|c| Ok((c.clone(), row.optional(c)?.map(str::to_owned))));
    values.collect::<Result<_, SqlError>>().map(Some)
}
