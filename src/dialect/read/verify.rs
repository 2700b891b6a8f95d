//! What proofs and comparisons ask.

use std::time::Duration;

use super::ReadStatement;
use crate::{
    dialect::{Dialect, SYSTEM_DATABASES, identifier, literal},
    model::Family,
};

impl ReadStatement {
    /// A database's collation, and how many tables other than these it holds, as `others`.
    pub fn scratch_database(name: &str, tables: &[&str]) -> Self {
        let tables: Vec<String> = tables.iter().map(|table| literal(table)).collect();
        Self::new(format!(
            "SELECT DEFAULT_COLLATION_NAME AS collation, \
             (SELECT COUNT(*) FROM information_schema.TABLES t WHERE t.TABLE_SCHEMA = s.SCHEMA_NAME \
             AND t.TABLE_NAME NOT IN ({})) AS others \
             FROM information_schema.SCHEMATA s WHERE SCHEMA_NAME = {}",
            tables.join(", "),
            literal(name)
        ))
    }

    /// Tables of a database, counted, as `n`.
    pub fn tables_of(database: &str) -> Self {
        Self::new(format!(
            "SELECT COUNT(*) AS n FROM information_schema.TABLES WHERE TABLE_SCHEMA = {}",
            literal(database)
        ))
    }

    /// Whether a database is there, as a number `n`.
    pub fn database_there(name: &str) -> Self {
        Self::new(format!(
            "SELECT COUNT(*) AS n FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = {}",
            literal(name)
        ))
    }

    /// Rows of a table in which a column has this text, counted, as `n`.
    pub fn count_with(database: &str, table: &str, column: &str, text: &str) -> Self {
        Self::new(format!(
            "SELECT COUNT(*) AS n FROM {}.{} WHERE {} = {}",
            identifier(database),
            identifier(table),
            identifier(column),
            literal(text)
        ))
    }

    /// Rows of two tables of a database, counted together, as `n`.
    pub fn count_both(database: &str, [one, other]: [&str; 2]) -> Self {
        let count =
            |table: &str| format!("(SELECT COUNT(*) FROM {}.{})", identifier(database), identifier(table));
        Self::new(format!("SELECT {} + {} AS n", count(one), count(other)))
    }

    /// One column of a table, whole.
    pub fn column(database: &str, table: &str, column: &str) -> Self {
        Self::new(format!(
            "SELECT {} FROM {}.{}",
            identifier(column),
            identifier(database),
            identifier(table)
        ))
    }

    /// Users' tables with their engines.
    pub fn compared_tables() -> Self {
        Self::new(format!(
            "SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name, ENGINE AS engine, TABLE_ROWS AS n \
             FROM information_schema.TABLES WHERE TABLE_SCHEMA NOT IN ({SYSTEM_DATABASES}) \
             AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')"
        ))
    }

    /// Unique indexes of users' tables, a column a row.
    pub fn compared_indexes() -> Self {
        Self::new(format!(
            "SELECT TABLE_SCHEMA AS db, TABLE_NAME AS tbl, INDEX_NAME AS name, COLUMN_NAME AS col, SUB_PART AS part, \
             NULLABLE AS nullable, INDEX_TYPE AS kind FROM information_schema.STATISTICS \
             WHERE TABLE_SCHEMA NOT IN ({SYSTEM_DATABASES}) AND NON_UNIQUE = 0 \
             ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX"
        ))
    }
}

impl Dialect {
    /// Columns of users' tables. How a generated one is made is told since MySQL 5.7.6.
    pub fn compared_columns(self) -> ReadStatement {
        let made = match self.family() {
            Family::MySql if !self.mysql(5, 7, 6) => "''",
            Family::MariaDb | Family::MySql => "GENERATION_EXPRESSION",
        };
        ReadStatement::new(format!(
            "SELECT TABLE_SCHEMA AS db, TABLE_NAME AS tbl, COLUMN_NAME AS name, DATA_TYPE AS kind, COLUMN_TYPE AS whole, \
             CHARACTER_OCTET_LENGTH AS bytes, IS_NULLABLE AS nullable, CHARACTER_SET_NAME AS cs, COLLATION_NAME AS co, \
             EXTRA AS extra, {made} AS made FROM information_schema.COLUMNS \
             WHERE TABLE_SCHEMA NOT IN ({SYSTEM_DATABASES}) ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION"
        ))
    }

    /// Statements that make the same value the same text on every server, let a connection see what others
    /// commit, and end a statement that takes longer than it may.
    pub fn comparing_session(self, limit: Duration) -> Vec<ReadStatement> {
        let mut statements = vec![ReadStatement::autocommit(), ReadStatement::utc()];
        match self.family() {
            Family::MariaDb => {
                let seconds = limit.as_secs();
                statements.push(ReadStatement::new(format!("SET SESSION max_statement_time={seconds}")));
            }
            Family::MySql if self.mysql(5, 7, 8) => {
                let millis = limit.as_millis();
                statements.push(ReadStatement::new(format!("SET SESSION max_execution_time={millis}")));
            }
            Family::MySql => {}
        }
        statements
    }
}
