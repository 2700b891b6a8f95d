//! Small tables, many in one message: what a round trip and a transaction cost is paid once for all of them.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{
    CopyError, CopyFault,
    progress::Counted,
    slices::{LIMIT, SMALL_ROWS, STATEMENT},
};
use crate::{
    dialect::{CopiedTable, CopyEnd, Slice},
    transport::{SqlError, SqlWriter},
};

/// Where a message begins. A server that checks nothing prepares for very many rows at the first of a table (MariaDB's bulk
/// insert), which takes longer than a few rows.
const BEGIN: &str = "SET SESSION unique_checks=1;\nBEGIN";
/// Where it ends.
const END: &str = "COMMIT;\nSET SESSION unique_checks=0";
/// The end of one that failed.
const UNDO: [&str; 2] = ["ROLLBACK", "SET SESSION unique_checks=0"];
/// Statements of a message before those that write rows, and behind them.
const BEFORE: usize = 2;
const BEHIND: usize = 2;
/// What it does, to be read after "could not".
const TRIED: &str = "write rows of small tables";
/// Messages that wait for the target.
const WAITING: usize = 1;

/// A message that writes all rows of some tables.
#[derive(Default)]
struct Message {
    text: Vec<u8>,
    /// Tables by their place, and the rows of each.
    tables: Vec<(usize, u64)>,
}

impl Message {
    /// Adds a table; an empty one has nothing to be written.
    fn add(&mut self, place: usize, insert: &[u8], rows: u64) {
        if rows == 0 {
            return;
        }
        if self.text.is_empty() {
            self.text.extend_from_slice(BEGIN.as_bytes());
        }
        self.text.extend_from_slice(b";\n");
        self.text.extend_from_slice(insert);
        self.tables.push((place, rows));
    }

    fn bytes(&self) -> u64 {
        self.text.len() as u64
    }
}

/// Copies tables. What comes back could not be copied so, and nothing of it is there: tables that have become large, and
/// those of a message that the target did not take.
pub(super) async fn copy(
    reader: &mut SqlWriter,
    writer: &mut SqlWriter,
    tables: &[Arc<CopiedTable>],
    (counted, packet): (&Counted, u64),
) -> Result<Vec<Arc<CopiedTable>>, CopyError> {
    let (send, receive) = mpsc::channel(WAITING);
    let reading = counted.while_reading(read(reader, tables, send, (counted, packet)));
    let writing = write(writer, receive, counted);
    let (read, written) = tokio::join!(reading, writing);
    // Where writing fails, reading ends as well.
    let mut left = written?;
    left.extend(read?);
    Ok(left.into_iter().map(|place| tables[place].clone()).collect())
}

/// Reads all tables in one message; which of them are not small.
async fn read(
    reader: &mut SqlWriter,
    tables: &[Arc<CopiedTable>],
    send: mpsc::Sender<Message>,
    (counted, packet): (&Counted, u64),
) -> Result<Vec<usize>, CopyError> {
    let failed = |place: usize| {
        let title = tables.get(place).map(|table| table.title()).unwrap_or_default();
        CopyError::sql(CopyEnd::Source, format!("read rows of {title}"))
    };
    let most = packet.min(STATEMENT) - (BEGIN.len() + END.len()) as u64;
    let selects = tables.iter().map(|t| format!("{} LIMIT {SMALL_ROWS}", t.select(&Slice::default())));
    let mut stream = reader.stream_all(&selects.collect::<Vec<_>>(), LIMIT).await.map_err(failed(0))?;
    let (mut large, mut message, mut insert) = (Vec::new(), Message::default(), Vec::new());
    for (place, table) in tables.iter().enumerate() {
        insert.clear();
        insert.extend_from_slice(table.insert().as_bytes());
        let (mut rows, mut fits) = (0, true);
        while let Some(row) = stream.next().await.map_err(failed(place))? {
            let bytes: usize = row.iter().flatten().map(Vec::len).sum();
            rows += 1;
            // A backslash before each byte, at worst.
            fits &= insert.len() as u64 + 2 * bytes as u64 + 32 * row.len() as u64 <= most;
            if fits {
                if rows > 1 {
                    insert.push(b',');
                }
                table.push_row(&mut insert, &row);
            }
        }
        counted.moved();
        if !fits || rows == SMALL_ROWS {
            large.push(place);
            continue;
        }
        if message.bytes() + insert.len() as u64 + 2 > most
            && send.send(std::mem::take(&mut message)).await.is_err()
        {
            return Ok(large);
        }
        message.add(place, &insert, rows);
    }
    let _ = send.send(message).await;
    Ok(large)
}

/// Writes messages; the tables of those that the target did not take.
async fn write(
    writer: &mut SqlWriter,
    mut receive: mpsc::Receiver<Message>,
    counted: &Counted,
) -> Result<Vec<usize>, CopyError> {
    let failed = || CopyError::sql(CopyEnd::Target, TRIED);
    let mut left = Vec::new();
    while let Some(Message { mut text, tables }) = receive.recv().await {
        if tables.is_empty() {
            continue;
        }
        text.extend_from_slice(b";\n");
        text.extend_from_slice(END.as_bytes());
        counted.begin_write();
        let done = writer.execute_all(&text, BEFORE + tables.len() + BEHIND, LIMIT).await;
        let given: u64 = tables.iter().map(|(_, rows)| rows).sum();
        match done {
            Ok(changed) => {
                counted.end_write(given, text.len() as u64);
                // Behind those that begin the message.
                let taken = changed.iter().skip(BEFORE).take(tables.len()).sum();
                if taken != given {
                    let why = CopyFault::Rows { given, taken };
                    return Err(CopyError::new(CopyEnd::Target, TRIED, why));
                }
            }
            Err(SqlError::Server { .. }) => {
                counted.end_write(0, 0);
                let undone = writer.query_all(&UNDO).await;
                undone.into_iter().try_for_each(|answer| answer.map(drop)).map_err(failed())?;
                left.extend(tables.into_iter().map(|(place, _)| place));
            }
            Err(broken) => return Err(failed()(broken)),
        }
    }
    Ok(left)
}
