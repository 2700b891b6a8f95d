//! The databases of a server, as far as a plan needs to know them.

use super::DatabaseFacts;
use crate::{
    dialect::{Dialect, ReadStatement},
    transport::{SqlError, SqlReader},
};

/// Every database but the server's own.
pub(super) async fn databases(sql: &SqlReader, dialect: Dialect) -> Result<Vec<DatabaseFacts>, SqlError> {
    // The statistics behind the second query may be old; the files' sizes are not. Reading them takes the privilege
    // PROCESS: without it the statistics have to do.
    let files = async { Ok(sql.query(dialect.file_sizes()).await.unwrap_or_default()) };
    let (schemata, tables, locked, programs, files) = tokio::try_join!(
        sql.query(ReadStatement::databases()),
        sql.query(ReadStatement::tables_of_databases()),
        sql.query(ReadStatement::tables_without_snapshot()),
        sql.query(dialect.programs_of_databases()),
        files
    )?;
    let mut databases = Vec::new();
    for row in &schemata {
        databases.push(DatabaseFacts {
            name: row.text("name")?,
            character_set: row.text("cs")?,
            collation: row.text("co")?,
            ..DatabaseFacts::default()
        });
    }
    for database in &mut databases {
        for row in tables.iter().filter(|r| r.get("db") == Some(&database.name)) {
            database.tables = row.number("n")?;
            database.bytes = row.number("bytes")?;
        }
        for row in files.iter().filter(|r| r.get("db") == Some(&database.name)) {
            database.bytes = database.bytes.max(row.optional_number("bytes")?.unwrap_or(0));
        }
        for row in locked.iter().filter(|r| r.get("db") == Some(&database.name)) {
            database.locked_tables.push((row.text("name")?, row.text("engine")?));
        }
        for row in programs.iter().filter(|r| r.get("db") == Some(&database.name)) {
            database.programs += row.number::<u64>("n")?;
        }
    }
    // A directory beside the databases whose name is none, such as `lost+found`.
    databases.retain(|database| !database.name.starts_with("#mysql50#") || !database.is_empty());
    Ok(databases)
}

/// Databases of users that hold anything.
///
/// # Errors
/// When the server refuses to show them.
pub(crate) async fn databases_with_content(
    sql: &SqlReader,
    dialect: Dialect,
) -> Result<Vec<String>, SqlError> {
    Ok(databases(sql, dialect).await?.into_iter().filter(|d| !d.is_empty()).map(|d| d.name).collect())
}
