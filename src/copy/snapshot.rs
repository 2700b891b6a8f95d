//! One view of the source's data in several sessions, and where it stands in the binary log.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use super::{
    Connect, CopyError, CopyFault,
    inventory::Inventory,
    lock::{self, Held},
    session::Sessions,
};
use crate::{
    dialect::{CopyEnd, Dialect, identifier},
    model::{BinlogPosition, limits},
    transport::{SqlError, SqlWriter},
};

/// How often sessions try to come to the same view without a lock.
const FREELY: usize = 3;

/// Where a snapshot stands.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// In the binary log.
    pub at: BinlogPosition,
    /// The transactions in it, where the server tells them with the position.
    pub executed: Option<String>,
    /// How long commits waited for it; nothing where they did not.
    pub lock: Option<Duration>,
}

/// Lets all readers see the data of one moment. Where tables have no transactions, a lock goes on until they are read.
pub(super) async fn take(
    source: &impl Connect,
    sessions: &mut Sessions,
    inventory: &Inventory,
    limit: Duration,
) -> Result<(Snapshot, Option<Held>), CopyError> {
    let dialect = source.dialect();
    let locked = inventory.tables.iter().filter(|(_, table)| table.needs_lock());
    let locked: Vec<String> = locked
        .map(|((database, name), _)| format!("{}.{}", identifier(database), identifier(name)))
        .collect();
    let failed = || CopyError::sql(CopyEnd::Source, "begin a snapshot");
    if locked.is_empty()
        && let Some(snapshot) = freely(&mut sessions.readers, dialect).await.map_err(failed())?
    {
        return Ok((snapshot, None));
    }
    // A table of MEMORY is emptied when it is first opened after a restart, and that would wait for the lock.
    for table in &locked {
        let opened = sessions.catalog.query(&format!("SELECT 1 FROM {table} LIMIT 1")).await;
        opened.map_err(CopyError::sql(CopyEnd::Source, format!("open the table {table}")))?;
    }
    let mut sql = source.connect().await.map_err(failed())?;
    let (block, allow): (&[&str], _) = match locked.is_empty() {
        true => (dialect.block_commits(), dialect.allow_commits()),
        false => (&["FLUSH TABLES WITH READ LOCK"], "UNLOCK TABLES"),
    };
    let begun = Instant::now();
    let settings = lock::settings();
    let all: Vec<&str> = [settings.as_str()].iter().chain(block).copied().collect();
    if let Some(Err(error)) = sql.query_all(&all).await.pop() {
        let tried = "take a read lock for the snapshot";
        return Err(CopyError::new(CopyEnd::Source, tried, CopyFault::LockNotGot(error)));
    }
    try_join_all(sessions.readers.iter_mut().map(|reader| begin(reader, dialect))).await.map_err(failed())?;
    let (at, executed) = position(&mut sql, dialect).await?;
    let mut snapshot = Snapshot { at, executed, lock: None };
    if !locked.is_empty() {
        return Ok((snapshot, Some(Held::keep(sql, allow, begun, limit))));
    }
    sql.query_within(allow, limits::LOCK_IDLE.time).await.map_err(failed())?;
    snapshot.lock = Some(begun.elapsed());
    Ok((snapshot, None))
}

async fn begin(reader: &mut SqlWriter, dialect: Dialect) -> Result<(), SqlError> {
    reader
        .query_all(&["COMMIT", dialect.begin_snapshot()])
        .await
        .into_iter()
        .try_for_each(|answer| answer.map(drop))
}

/// Without a lock: where nothing was committed between the first and the last, they all see the same.
async fn freely(readers: &mut [SqlWriter], dialect: Dialect) -> Result<Option<Snapshot>, SqlError> {
    let Some(place) = dialect.snapshot_position() else { return Ok(None) };
    for _ in 0..FREELY {
        let places = try_join_all(readers.iter_mut().map(|reader| async {
            let mut answers = reader.query_all(&["COMMIT", dialect.begin_snapshot(), place]).await;
            let rows = answers.pop().unwrap_or_else(|| Ok(vec![]))?;
            rows.first().map_or(Ok(None), |row| {
                let offset = row.optional("position")?.and_then(|text| text.parse().ok());
                Ok(offset.and_then(|offset| BinlogPosition::new(row.get("file").unwrap_or_default(), offset)))
            })
        }))
        .await?;
        match places.split_first() {
            Some((Some(first), rest)) if rest.iter().all(|other| other.as_ref() == Some(first)) => {
                return Ok(Some(Snapshot { at: first.clone(), executed: None, lock: None }));
            }
            // Its binary log has no place: that is found by who takes the lock.
            Some((None, _)) | None => return Ok(None),
            _ => {}
        }
    }
    Ok(None)
}

/// Where the binary log stands, while nobody can write.
async fn position(
    sql: &mut SqlWriter,
    dialect: Dialect,
) -> Result<(BinlogPosition, Option<String>), CopyError> {
    let tried = "read the snapshot's position";
    let rows =
        sql.query(dialect.show_binlog().text()).await.map_err(CopyError::sql(CopyEnd::Source, tried))?;
    let none = || CopyError::new(CopyEnd::Source, tried, CopyFault::NoBinlog);
    let row = rows.first().ok_or_else(none)?;
    let at = row.position("file", "position").map_err(CopyError::sql(CopyEnd::Source, tried))?;
    let executed =
        row.get("executed_gtid_set").map(|set| set.replace(['\n', ' '], "")).filter(|set| !set.is_empty());
    Ok((at.ok_or_else(none)?, executed))
}
