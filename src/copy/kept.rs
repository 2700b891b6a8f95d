//! What a copy that was cut off has left on the target, or what the target had of its own: tables that are defined alike stay,
//! and a slice in which both ends hold the same rows is not carried again.
//!
//! That rests on no record of what had arrived. Both ends add up the rows of the slice, the source in the snapshot of this
//! copy, as `verify` does; whatever was written meanwhile, on either end, shows.

use super::{
    CopyError,
    inventory::{Inventory, Kept, Table, TableKind},
    session::{Sessions, run_all},
    slices::{Job, LIMIT, is_small},
};
use crate::{
    dialect::{Adding, CodeKind, CopyEnd, Dialect, identifier, incomplete},
    transport::{SqlError, SqlWriter},
};

/// Looks at what is there, and drops what can't stay: code, which is made at the end, and tables that are copied faster
/// than compared.
pub(super) async fn look(
    sql: &mut SqlWriter,
    dialect: Dialect,
    databases: &[String],
) -> Result<Inventory, CopyError> {
    let tried = "look at what an unfinished copy has left";
    let mut found = match Inventory::of(sql, dialect, databases).await {
        // A table whose files are gone or broken shows nothing: then nothing stays.
        Err(SqlError::Server { .. }) => {
            let drops = databases.iter().map(|name| format!("DROP DATABASE IF EXISTS {}", identifier(name)));
            let dropped = run_all(sql, &drops.collect::<Vec<_>>()).await;
            dropped.map_err(CopyError::sql(CopyEnd::Target, tried))?;
            return Ok(Inventory::default());
        }
        found => found.map_err(CopyError::sql(CopyEnd::Target, tried))?,
    };
    let code = found.code.iter().map(|piece| (piece.kind.word(), &piece.database, &piece.name));
    // The body of a package goes with it, a trigger with its table.
    let code = code.filter(|(word, ..)| *word != CodeKind::PackageBody.word());
    // Others may be broken after a crash, or let nobody take a row away.
    let stays = |table: &Table| table.kind == TableKind::Base && table.has_snapshot() && !is_small(table);
    let tables = found.tables.iter().filter(|(_, table)| !stays(table));
    let tables = tables.map(|((database, name), table)| (table.kind.word(), database, name));
    let drops: Vec<String> = code
        .chain(tables)
        .map(|(word, database, name)| {
            format!("DROP {word} IF EXISTS {}.{}", identifier(database), identifier(name))
        })
        .collect();
    run_all(sql, &drops)
        .await
        .map_err(CopyError::sql(CopyEnd::Target, "drop what an unfinished copy left"))?;
    found.code.clear();
    found.tables.retain(|_, table| stays(table));
    Ok(found)
}

/// Sets the counters of tables that stayed to those of the source: deleting rows leaves them where they were.
pub(super) async fn set_counters(
    sessions: &mut Sessions,
    inventory: &Inventory,
    kept: &Kept,
) -> Result<(), CopyError> {
    let counters = inventory.tables.iter().filter(|(name, _)| kept.contains_key(*name));
    let counters = counters.filter_map(|((database, name), table)| {
        let counter = table.counter?;
        Some(format!("ALTER TABLE {}.{} AUTO_INCREMENT={counter}", identifier(database), identifier(name)))
    });
    let counters: Vec<String> = counters.collect();
    let set = run_all(&mut sessions.catalog_there, &counters).await;
    set.map_err(CopyError::sql(CopyEnd::Target, "set the counters of tables"))
}

/// How many rows of a slice both ends have alike; nothing where they differ.
pub(super) async fn same(
    reader: &mut SqlWriter,
    writer: &mut SqlWriter,
    job: &Job,
    adding: Adding,
) -> Result<Option<u64>, CopyError> {
    let title = job.table.title();
    let query = job.table.add_up(&job.slice, adding);
    let (here, there) = tokio::join!(sum(reader, &query), sum(writer, &query));
    let failed = |end| CopyError::sql(end, format!("add up rows of {title}"));
    let (here, there) = (here.map_err(failed(CopyEnd::Source))?, there.map_err(failed(CopyEnd::Target))?);
    Ok(here.filter(|here| Some(here) == there.as_ref()).map(|(rows, _)| rows))
}

/// The number of rows and what they add up to; nothing where the server could not make it of all of them.
async fn sum(sql: &mut SqlWriter, query: &str) -> Result<Option<(u64, String)>, SqlError> {
    let rows = sql.query_within(query, LIMIT).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    // No rows have no sum.
    let digest = row.optional("digest")?.unwrap_or_default();
    Ok((!incomplete(digest)).then_some((row.number("n")?, digest.to_owned())))
}
