//! The row that stops an applier, as both servers have it and as the event would change it. Reads only.

use std::time::Duration;

use crate::{
    dialect::ReadStatement,
    doctor::{
        ByHand, Change, Column, ColumnKind, FailedEvent, Generated, RowEvent, RowEvidence, RowThere,
        first_transaction, row_events,
    },
    model::{BinlogPosition, Fact, HostName, limits},
    observe::{ChannelFacts, Reading},
    transport::{ReadScript, Row, SqlError, SqlReader},
};

const LIMIT: Duration = limits::LOOK.time;
/// Arguments: PROGRAM FILE BEGIN END. The last rows are those before the end; without an end, the first are those that count.
const DECODE: ReadScript = ReadScript::new(
    "decode the event that failed",
    r#"set -- "$2" "$4" "$1" --no-defaults --base64-output=decode-rows --verbose --start-position="$3"
file=$1 end=$2; shift 2
case $end in
0) "$@" "$file" 2>/dev/null | head -c 262144 ;;
*) "$@" --stop-position="$end" "$file" 2>/dev/null | tail -c 262144 ;;
esac"#,
);

/// Finds what stops a channel, where it is a row and the source can be asked.
pub(super) async fn row_evidence(
    reading: &Reading,
    replica: &HostName,
    source: &HostName,
    channel: &ChannelFacts,
) -> Option<RowEvidence> {
    let failed = FailedEvent::of(channel.sql_errno, &channel.sql_error)?;
    let decoded = decoded(reading, source, channel, &failed).await?;
    let locked =
        reading.observed.get(replica).and_then(Fact::known)?.server.known()?.is_on("super_read_only");
    let mut there = (source, sql(reading, source).await?);
    let mut here = (replica, sql(reading, replica).await?);
    let duplicate = channel.sql_errno == 1062;
    let mut found = compare(&mut there, &mut here, &failed, (&decoded, duplicate)).await.ok().flatten()?;
    found.by_hand.locked = locked;
    Some(found)
}

async fn sql(reading: &Reading, host: &HostName) -> Option<SqlReader> {
    let (session, login) = (reading.sessions.get(host)?, reading.logins.get(host)?);
    session.sql(login, LIMIT).await.ok()
}

/// What the decoder prints of the transaction that failed.
async fn decoded(
    reading: &Reading,
    source: &HostName,
    channel: &ChannelFacts,
    failed: &FailedEvent,
) -> Option<String> {
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
    let (begin, end) = (begin.offset().to_string(), failed.end.offset());
    let until = end.to_string();
    let args = [program.as_str(), &path, &begin, &until];
    let output = reading.sessions.get(source)?.read(&DECODE, &args, LIMIT).await.ok()?;
    let text = output.text();
    Some(if end == 0 { first_transaction(&text).to_owned() } else { text })
}

/// A row of the event that is not as it must be for it to go through.
async fn compare(
    (source, there): &mut (&HostName, SqlReader),
    (replica, here): &mut (&HostName, SqlReader),
    failed: &FailedEvent,
    (decoded, duplicate): (&str, bool),
) -> Result<Option<RowEvidence>, SqlError> {
    let (database, table) = &failed.table;
    let rows = there.query(&ReadStatement::columns(database, table)).await?;
    let Some(Table { columns, key }) = Table::read(&rows)? else { return Ok(None) };
    let triggers =
        here.query_first(&ReadStatement::triggers_of(database, table)).await?.number::<u64>("n")?;
    let events = row_events(decoded, &failed.table, &columns);
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    // The event that failed is the last of those that were decoded; a new row is what meets another, and an old
    // one is what is missed.
    let fits = |event: &RowEvent| (event.change == Change::Insert) == duplicate;
    for event in events.into_iter().rev().filter(fits).take(100) {
        let Some(values) = RowEvidence::key_values(&columns, &key, &event) else { continue };
        let values: Vec<_> =
            values.into_iter().filter_map(|(column, value)| Some((column, value.scalar()?))).collect();
        let query = ReadStatement::row(database, table, &values);
        let replica = RowThere { host: replica.clone(), row: row(here, &query, &names).await? };
        if replica.row.is_some() != duplicate {
            continue;
        }
        let source = RowThere { host: source.clone(), row: row(there, &query, &names).await? };
        let table = failed.table.clone();
        let by_hand = ByHand { triggers: triggers > 0, locked: false };
        return Ok(Some(RowEvidence { table, columns, key, event, source, replica, by_hand }));
    }
    Ok(None)
}

/// A table as an event counts its columns.
struct Table {
    columns: Vec<Column>,
    /// The places of the primary key's columns.
    key: Vec<usize>,
}

impl Table {
    /// Nothing where an event can't be read by the columns.
    fn read(rows: &[Row]) -> Result<Option<Self>, SqlError> {
        let mut table = Table { columns: Vec::new(), key: Vec::new() };
        let mut some_virtual = false;
        for (place, row) in rows.iter().enumerate() {
            let extra = row.text("extra")?;
            let kind = ColumnKind::of(row.need("t")?, row.need("full")?, &extra, row.optional("charset")?);
            if Generated::of(&extra) == Some(Generated::Virtual) {
                some_virtual = true;
                continue;
            }
            let key = row.need("k")? == "PRI";
            if some_virtual || (key && !kind.finds_rows()) {
                return Ok(None);
            }
            table.key.extend(key.then_some(place));
            table.columns.push(Column { name: row.text("name")?, kind });
        }
        Ok(Some(table).filter(|table| !table.key.is_empty()))
    }
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
