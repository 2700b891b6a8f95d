//! Makes databases and tables on the target.

use futures_util::future::try_join_all;

use super::{
    CopyError,
    inventory::{Inventory, Kept, Name, Table, TableKind},
    session::Sessions,
};
use crate::{
    dialect::{CopyEnd, create_text, identifier, keys_apart, literal},
    transport::{SqlError, SqlWriter},
};

/// Statements that are sent together at most.
const TOGETHER: usize = 20;

/// Lets a session make tables that strict mode refuses.
pub(super) const LENIENT: &str = "SET SESSION innodb_strict_mode=0";
/// Error number of a deadlock, and how often one is no error.
const DEADLOCK: u16 = 1213;
const DEADLOCKS: usize = 50;

/// Makes what is not there yet; what is there and differs is dropped before. What comes back has stayed.
pub(super) async fn create(
    sessions: &mut Sessions,
    inventory: &Inventory,
    there: &Inventory,
) -> Result<Kept, CopyError> {
    let lacks = |name: &Name, table: &Table| there.tables.get(name).and_then(|there| lacking(there, table));
    for (name, table) in &there.tables {
        if inventory.tables.get(name).is_none_or(|now| lacks(name, now).is_none()) {
            let path = format!("{}.{}", identifier(&name.0), identifier(&name.1));
            let drop = format!("DROP {} IF EXISTS {path}", table.kind.word());
            let done = sessions.catalog_there.query(&drop).await;
            done.map_err(CopyError::sql(CopyEnd::Target, "drop a table that is another one on the source"))?;
        }
    }
    for (name, database) in &inventory.databases {
        let (set, collation) = &database.defaults;
        let comment = database.comment.as_ref().filter(|_| sessions.there.comments_databases());
        let comment = comment.map(|text| format!(" COMMENT {}", literal(text))).unwrap_or_default();
        let defaults = format!(
            "ALTER DATABASE {} CHARACTER SET {} COLLATE {}{comment}",
            identifier(name),
            literal(set),
            literal(collation)
        );
        for answer in sessions.catalog_there.query_all(&[&database.create, &defaults]).await {
            answer.map_err(CopyError::sql(CopyEnd::Target, format!("make the database {name}")))?;
        }
    }
    // A default may ask a sequence.
    for sequences in [true, false] {
        let mut todo: Vec<(&Name, &Table)> = inventory
            .tables
            .iter()
            .filter(|(name, table)| {
                (table.kind == TableKind::Sequence) == sequences && lacks(name, table).is_none()
            })
            .collect();
        // Those of one database stay together.
        todo.sort_by_key(|(name, _)| *name);
        let each = todo.len().div_ceil(sessions.writers.len()).max(1);
        let parts = sessions.writers.iter_mut().zip(todo.chunks(each));
        try_join_all(parts.map(|(sql, tables)| create_these(sql, tables))).await?;
    }
    let stayed = inventory.tables.iter();
    Ok(stayed.filter_map(|(name, table)| Some((name.clone(), lacks(name, table)?))).collect())
}

/// The indexes that a table lacks beside another one, where the two are the same but for these.
fn lacking(there: &Table, table: &Table) -> Option<Vec<String>> {
    let (one, other) = (create_text(&there.create), create_text(&table.create));
    let ((one, has), (other, wants)) = (keys_apart(&one), keys_apart(&other));
    let same = there.kind == table.kind && one == other && has.iter().all(|key| wants.contains(key));
    let lacks = wants.into_iter().filter(|key| !has.contains(key));
    same.then(|| lacks.map(str::to_owned).collect())
}

/// Makes a table again.
pub(super) async fn create_anew(sql: &mut SqlWriter, name: &Name, table: &Table) -> Result<(), CopyError> {
    let drop = format!("DROP TABLE IF EXISTS {}.{}", identifier(&name.0), identifier(&name.1));
    let dropped = sql.query(&drop).await;
    dropped
        .map_err(CopyError::sql(CopyEnd::Target, format!("make the table {}.{} again", name.0, name.1)))?;
    create_these(sql, &[(name, table)]).await
}

async fn create_these(sql: &mut SqlWriter, tables: &[(&Name, &Table)]) -> Result<(), CopyError> {
    let mut rest = tables;
    let mut deadlocks = 0;
    while let Some((first, _)) = rest.first() {
        let use_it = format!("USE {}", identifier(&first.0));
        let some = rest.iter().take_while(|(name, _)| name.0 == first.0).take(TOGETHER);
        let texts = some.map(|(_, table)| table.create.as_str());
        let texts: Vec<&str> = std::iter::once(use_it.as_str()).chain(texts).collect();
        let mut answers = sql.query_all(&texts).await.into_iter();
        let used = answers.next().unwrap_or_else(|| Ok(vec![]));
        used.map_err(CopyError::sql(CopyEnd::Target, format!("use {}", first.0)))?;
        let answers: Vec<_> = answers.collect();
        let made = answers.iter().filter(|answer| answer.is_ok()).count();
        rest = &rest[made..];
        if let Some(Err(error)) = answers.into_iter().next_back() {
            let (name, table) = rest[0];
            // Two tables that name each other wait for each other's locks, where they are made at the same time.
            if error.code() == Some(DEADLOCK) && deadlocks < DEADLOCKS {
                deadlocks += 1;
                continue;
            }
            leniently(sql, table, error)
                .await
                .map_err(CopyError::sql(CopyEnd::Target, format!("make the table {}.{}", name.0, name.1)))?;
            rest = &rest[1..];
        }
    }
    Ok(())
}

/// Makes a table that strict mode refuses, as its own server once made it without.
async fn leniently(sql: &mut SqlWriter, table: &Table, error: SqlError) -> Result<(), SqlError> {
    /// A row that is too long, a wrong option, an error of the engine.
    const STRICT: [u16; 5] = [1005, 1031, 1071, 1118, 1478];
    if !error.code().is_some_and(|code| STRICT.contains(&code)) {
        return Err(error);
    }
    let all = [LENIENT, &table.create, "SET SESSION innodb_strict_mode=1"];
    sql.query_all(&all).await.into_iter().try_for_each(|answer| answer.map(drop))
}
