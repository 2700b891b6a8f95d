//! What a copy asks of the tables and the code of its databases.

use crate::{
    dialect::{Dialect, identifier, literal},
    model::Family,
};

impl Dialect {
    /// The tables of these databases without their views: `db`, `name`, `kind`, `engine`, `counter`, which is the next number
    /// of `AUTO_INCREMENT`, and by the statistics the rows `n` and `bytes`.
    pub fn copied_tables(self, databases: &[String]) -> String {
        format!(
            "SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name, TABLE_TYPE AS kind, ENGINE AS engine, AUTO_INCREMENT AS counter, \
             TABLE_ROWS AS n, DATA_LENGTH AS bytes FROM information_schema.TABLES WHERE TABLE_SCHEMA IN ({}) \
             AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE') ORDER BY 1, 2",
            list(databases)
        )
    }

    /// Their names alone, without an order: `db`, `name`. No statistics are asked for.
    pub fn copied_table_names(self, databases: &[String]) -> String {
        format!(
            "SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA IN ({}) \
             AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE')",
            list(databases)
        )
    }

    /// The databases themselves: `db`, `cs`, `co`, and `comment`, NULL where the server has none.
    pub fn copied_databases(self, databases: &[String]) -> String {
        let comment = if self.comments_databases() { "SCHEMA_COMMENT" } else { "NULL" };
        format!(
            "SELECT SCHEMA_NAME AS db, DEFAULT_CHARACTER_SET_NAME AS cs, DEFAULT_COLLATION_NAME AS co, {comment} AS comment \
             FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN ({}) ORDER BY 1",
            list(databases)
        )
    }

    /// Routines, views, triggers and events: `kind`, `db`, `name`, and the character set `client` of the session that made
    /// a view. Triggers come in the order in which they fire.
    pub fn copied_code(self, databases: &[String]) -> Vec<String> {
        let names = list(databases);
        vec![
            format!(
                "SELECT ROUTINE_TYPE AS kind, ROUTINE_SCHEMA AS db, ROUTINE_NAME AS name, '' AS client \
                 FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA IN ({names}) ORDER BY 1, 2, 3"
            ),
            format!(
                "SELECT 'VIEW' AS kind, TABLE_SCHEMA AS db, TABLE_NAME AS name, CHARACTER_SET_CLIENT AS client \
                 FROM information_schema.VIEWS WHERE TABLE_SCHEMA IN ({names}) ORDER BY 2, 3"
            ),
            format!(
                "SELECT 'TRIGGER' AS kind, TRIGGER_SCHEMA AS db, TRIGGER_NAME AS name, '' AS client \
                 FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA IN ({names}) \
                 ORDER BY EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, EVENT_MANIPULATION, ACTION_TIMING, ACTION_ORDER"
            ),
            format!(
                "SELECT 'EVENT' AS kind, EVENT_SCHEMA AS db, EVENT_NAME AS name, '' AS client \
                 FROM {} WHERE EVENT_SCHEMA IN ({names}) ORDER BY 2, 3",
                self.stored_events()
            ),
        ]
    }

    /// Whether databases have comments (MariaDB 10.5).
    pub fn comments_databases(self) -> bool {
        self.family() == Family::MariaDb && self.version.at_least(10, 5, 0)
    }

    /// The ends of foreign keys of these databases: `db`, `name`, and `other_db`, `other`, the table that it names.
    pub fn foreign_keys(self, databases: &[String]) -> String {
        format!(
            "SELECT CONSTRAINT_SCHEMA AS db, TABLE_NAME AS name, UNIQUE_CONSTRAINT_SCHEMA AS other_db, \
             REFERENCED_TABLE_NAME AS other FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA IN ({})",
            list(databases)
        )
    }

    /// Shows the statement that makes a table, or a sequence. It stands in the second column.
    pub fn show_create_table(self, database: &str, name: &str) -> String {
        format!("SHOW CREATE TABLE {}.{}", identifier(database), identifier(name))
    }

    /// Shows the statement that makes a database where there is none. It stands in the second column.
    pub fn show_create_database(self, name: &str) -> String {
        format!("SHOW CREATE DATABASE IF NOT EXISTS {}", identifier(name))
    }
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| literal(name)).collect::<Vec<_>>().join(", ")
}
