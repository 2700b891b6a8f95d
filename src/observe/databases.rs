//! The databases of a server, as far as a plan needs to know them.

use super::DatabaseFacts;
use crate::{
    dialect::{Dialect, SYSTEM_DATABASES as SYSTEM},
    transport::{SqlError, SqlReader},
};

/// Every database but the server's own.
pub(super) async fn databases(sql: &mut SqlReader, dialect: Dialect) -> Result<Vec<DatabaseFacts>, SqlError> {
    let schemata = sql
        .query(&format!(
            "SELECT SCHEMA_NAME AS name, DEFAULT_CHARACTER_SET_NAME AS cs, DEFAULT_COLLATION_NAME AS co \
             FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN ({SYSTEM}) ORDER BY SCHEMA_NAME"
        ))
        .await?;
    let mut databases: Vec<DatabaseFacts> = schemata
        .iter()
        .map(|r| DatabaseFacts {
            name: r.text("name"),
            character_set: r.text("cs"),
            collation: r.text("co"),
            ..DatabaseFacts::default()
        })
        .collect();
    if databases.is_empty() {
        return Ok(databases);
    }
    let tables = sql
        .query(&format!(
            "SELECT TABLE_SCHEMA AS db, COUNT(*) AS n, SUM(IFNULL(DATA_LENGTH, 0) + IFNULL(INDEX_LENGTH, 0)) AS bytes \
             FROM information_schema.TABLES WHERE TABLE_SCHEMA NOT IN ({SYSTEM}) GROUP BY TABLE_SCHEMA"
        ))
        .await?;
    let locked = sql
        .query(&format!(
            "SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name, ENGINE AS engine FROM information_schema.TABLES \
             WHERE TABLE_SCHEMA NOT IN ({SYSTEM}) AND TABLE_TYPE = 'BASE TABLE' \
             AND ENGINE NOT IN ('InnoDB', 'ROCKSDB', 'TokuDB') ORDER BY 1, 2"
        ))
        .await?;
    let programs = sql
        .query(&format!(
            "SELECT ROUTINE_SCHEMA AS db, COUNT(*) AS n FROM information_schema.ROUTINES \
             WHERE ROUTINE_SCHEMA NOT IN ({SYSTEM}) GROUP BY 1 \
             UNION ALL SELECT EVENT_SCHEMA, COUNT(*) FROM information_schema.EVENTS GROUP BY 1"
        ))
        .await?;
    // The statistics behind the first query may be old; the files' sizes are not. Reading them takes the
    // privilege PROCESS: without it the statistics have to do.
    let files = sql
        .query(&format!(
            "SELECT SUBSTRING_INDEX(NAME, '/', 1) AS db, SUM(FILE_SIZE) AS bytes FROM {} \
             WHERE NAME LIKE '%/%' GROUP BY 1",
            dialect.tablespaces()
        ))
        .await
        .unwrap_or_default();
    for database in &mut databases {
        for row in tables.iter().filter(|r| r.get("db") == Some(&database.name)) {
            database.tables = row.number("n").unwrap_or(0);
            database.bytes = row.number("bytes").unwrap_or(0);
        }
        for row in files.iter().filter(|r| r.get("db") == Some(&database.name)) {
            database.bytes = database.bytes.max(row.number("bytes").unwrap_or(0));
        }
        for row in locked.iter().filter(|r| r.get("db") == Some(&database.name)) {
            database.locked_tables.push((row.text("name"), row.text("engine")));
        }
        database.programs = programs
            .iter()
            .filter(|r| r.get("db") == Some(&database.name))
            .filter_map(|r| r.number("n"))
            .sum();
    }
    Ok(databases)
}

/// Databases of users that hold anything.
///
/// # Errors
/// When the server refuses to show them.
pub async fn databases_with_content(sql: &mut SqlReader, dialect: Dialect) -> Result<Vec<String>, SqlError> {
    Ok(databases(sql, dialect).await?.into_iter().filter(|d| !d.is_empty()).map(|d| d.name).collect())
}
