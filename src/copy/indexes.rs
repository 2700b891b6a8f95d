//! Indexes that are made once the rows are there: InnoDB sorts all entries of an index at once in a fraction of the time that it
//! takes to put each in its place.
//!
//! What of a table can be made so is asked of the target while the table is empty: its indexes are taken out, put in, and
//! the table must be what it was.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use futures_util::future::try_join_all;

use super::{
    CopyError,
    inventory::{Inventory, Kept, Name, Table, TableKind},
    session::Sessions,
    slices::LIMIT,
    tables,
};
use crate::{
    dialect::{CopyEnd, key_name, keys_apart},
    transport::{SqlError, SqlWriter},
};

/// Bytes of a table, by the statistics, from which on it is worth the statements.
const LARGE: u64 = 16 << 20;

/// Tables with the indexes that are still to be made, as they stand in the statement that makes the table.
pub(super) type PutOff = BTreeMap<Name, Vec<String>>;

/// Takes the indexes out of large tables that are empty and new. Those of tables that stayed and lack some are still to be made.
pub(super) async fn put_off(
    sessions: &mut Sessions,
    inventory: &Inventory,
    kept: &Kept,
) -> Result<PutOff, CopyError> {
    let lacking = kept.iter().filter(|(_, lacks)| !lacks.is_empty());
    let mut all: PutOff = lacking.map(|(name, lacks)| (name.clone(), lacks.clone())).collect();
    let large = |(name, table): &(&Name, &Table)| {
        let plain = table.kind == TableKind::Base && table.has_snapshot() && table.bytes >= LARGE;
        plain && !kept.contains_key(*name)
    };
    let mut large: Vec<(&Name, &Table)> = inventory.tables.iter().filter(large).collect();
    if large.is_empty() {
        return Ok(all);
    }
    // A foreign key needs its indexes at both of its ends, and a table without them may not even be opened.
    let with_foreign_keys = with_foreign_keys(sessions, inventory).await?;
    large.retain(|(name, _)| !with_foreign_keys.contains(*name));
    let each = large.len().div_ceil(sessions.writers.len()).max(1);
    let parts = sessions.writers.iter_mut().zip(large.chunks(each));
    let done = try_join_all(parts.map(|(sql, tables)| take_out(sql, tables))).await?;
    all.extend(done.into_iter().flatten());
    Ok(all)
}

/// Tables that stayed since their indexes were put off: they lack these, too.
pub(super) fn with(mut put_off: PutOff, mut stayed: Kept) -> Kept {
    for (name, lacks) in &mut stayed {
        // In the order in which they stand in the table.
        lacks.splice(..0, put_off.remove(name).unwrap_or_default());
    }
    stayed
}

/// Tables at an end of a foreign key.
async fn with_foreign_keys(
    sessions: &mut Sessions,
    inventory: &Inventory,
) -> Result<BTreeSet<Name>, CopyError> {
    let databases: Vec<String> = inventory.databases.keys().cloned().collect();
    let failed = || CopyError::sql(CopyEnd::Target, "look at its foreign keys");
    let rows = sessions.catalog_there.query(&sessions.there.foreign_keys(&databases)).await;
    let mut ends = BTreeSet::new();
    for row in &rows.map_err(failed())? {
        let end = |db: &str, name: &str| Ok((row.text(db)?, row.text(name)?));
        ends.insert(end("db", "name").map_err(failed())?);
        ends.insert(end("other_db", "other").map_err(failed())?);
    }
    Ok(ends)
}

async fn take_out(
    sql: &mut SqlWriter,
    tables: &[(&Name, &Table)],
) -> Result<Vec<(Name, Vec<String>)>, CopyError> {
    let mut out = Vec::new();
    for (name, table) in tables {
        let failed =
            || CopyError::sql(CopyEnd::Target, format!("look at the indexes of {}.{}", name.0, name.1));
        let before = sql.query(&table.copied.show_create()).await.map_err(failed())?;
        let before = before.first().map_or(Ok(""), |row| row.at(1)).map_err(failed())?;
        let keys: Vec<String> = keys_apart(before).1.into_iter().map(str::to_owned).collect();
        let names: Vec<&str> = keys.iter().filter_map(|key| key_name(key)).collect();
        if names.is_empty() || names.len() < keys.len() {
            continue;
        }
        let (drop, add) = (table.copied.drop_keys(&names), table.copied.add_keys(&keys));
        if sql.query(&drop).await.is_err() {
            continue;
        }
        let again = async {
            sql.query(&add).await?;
            let rows = sql.query(&table.copied.show_create()).await?;
            let same = rows.first().map_or(Ok(""), |row| row.at(1))? == before;
            Ok::<_, SqlError>(same && sql.query(&drop).await.is_ok())
        };
        match again.await {
            Ok(true) => out.push(((*name).clone(), keys)),
            Ok(false) | Err(SqlError::Server { .. }) => tables::create_anew(sql, name, table).await?,
            Err(broken) => return Err(failed()(broken)),
        }
    }
    Ok(out)
}

/// Makes them, several tables at a time.
pub(super) async fn make(
    sessions: &mut Sessions,
    inventory: &Inventory,
    put_off: &PutOff,
    mut on_left: impl FnMut(u64),
) -> Result<(), CopyError> {
    let spell = sessions.there.spell_names();
    let mut todo: Vec<(&Name, &Table, &Vec<String>)> =
        put_off.iter().filter_map(|(name, keys)| Some((name, inventory.tables.get(name)?, keys))).collect();
    // The largest first.
    todo.sort_by_key(|(_, table, _)| std::cmp::Reverse(table.bytes));
    let mut left = todo.len() as u64;
    on_left(left);
    let mut made_one = || {
        left -= 1;
        on_left(left);
    };
    // All work on one thread, each at its turn.
    let (todo, made_one) = (RefCell::new(todo.into_iter()), RefCell::new(&mut made_one));
    let working = sessions.writers.iter_mut().map(|sql| async {
        sql.query(spell).await.map_err(CopyError::sql(CopyEnd::Target, "let names pass as text"))?;
        loop {
            let next = todo.borrow_mut().next();
            let Some((name, table, keys)) = next else { return Ok(()) };
            let made = sql.query_within(&table.copied.add_keys(keys), LIMIT).await;
            let tried = format!("make the indexes of {}.{}", name.0, name.1);
            made.map_err(CopyError::sql(CopyEnd::Target, tried))?;
            made_one.borrow_mut()();
        }
    });
    try_join_all(working).await.map(drop)
}
