//! What a server holds: databases, tables, programs, and what their compatibility depends on.

use super::ReadStatement;
use crate::{
    dialect::{Dialect, HEARTBEAT, SYSTEM_DATABASES, identifier, literal},
    model::Family,
};

/// Tables that are named at most; the rest is only counted by the rules that name them.
const NAMES: u32 = 200;

/// A value that a row is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// A number in decimal digits.
    Number(&'a str),
    /// A text.
    Text(&'a str),
}

impl Scalar<'_> {
    fn sql(self) -> String {
        match self {
            Scalar::Number(digits)
                if !digits.is_empty()
                    && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-')) =>
            {
                digits.to_owned()
            }
            Scalar::Number(text) | Scalar::Text(text) => literal(text),
        }
    }
}

impl ReadStatement {
    /// Databases with their defaults.
    pub fn databases() -> Self {
        Self::new(format!(
            "SELECT SCHEMA_NAME AS name, DEFAULT_CHARACTER_SET_NAME AS cs, DEFAULT_COLLATION_NAME AS co \
             FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN ({SYSTEM_DATABASES}) ORDER BY SCHEMA_NAME"
        ))
    }

    /// Tables of each database, counted, with their size by the statistics.
    pub fn tables_of_databases() -> Self {
        Self::new(format!(
            "SELECT TABLE_SCHEMA AS db, COUNT(*) AS n, SUM(IFNULL(DATA_LENGTH, 0) + IFNULL(INDEX_LENGTH, 0)) AS bytes \
             FROM information_schema.TABLES WHERE TABLE_SCHEMA NOT IN ({SYSTEM_DATABASES}) GROUP BY TABLE_SCHEMA"
        ))
    }

    /// Tables whose engine has no snapshot.
    pub fn tables_without_snapshot() -> Self {
        Self::new(format!(
            "SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name, ENGINE AS engine FROM information_schema.TABLES \
             WHERE TABLE_SCHEMA NOT IN ({SYSTEM_DATABASES}) AND TABLE_TYPE = 'BASE TABLE' \
             AND ENGINE NOT IN ('InnoDB', 'ROCKSDB', 'TokuDB') ORDER BY 1, 2"
        ))
    }

    /// Tables with their rows and their size by the statistics.
    pub fn tables_by_size() -> Self {
        Self::new(format!(
            "SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name, COALESCE(TABLE_ROWS, 0) AS n, \
             COALESCE(DATA_LENGTH + INDEX_LENGTH, 0) AS bytes FROM information_schema.TABLES \
             WHERE TABLE_SCHEMA NOT IN ({SYSTEM_DATABASES}) AND TABLE_TYPE = 'BASE TABLE'"
        ))
    }

    /// A table's rows, counted, as `n`.
    pub fn count(database: &str, table: &str) -> Self {
        Self::new(format!("SELECT COUNT(*) AS n FROM {}.{}", identifier(database), identifier(table)))
    }

    /// A table's columns in their order: `name`, `k`, which is `PRI` for those of the primary key, `t`, the type, `full`, the
    /// type with everything, `extra`, and `charset`.
    pub fn columns(database: &str, table: &str) -> Self {
        Self::new(format!(
            "SELECT COLUMN_NAME AS name, COLUMN_KEY AS k, DATA_TYPE AS t, COLUMN_TYPE AS full, EXTRA AS extra, \
             CHARACTER_SET_NAME AS charset FROM information_schema.COLUMNS \
             WHERE TABLE_SCHEMA = {} AND TABLE_NAME = {} ORDER BY ORDINAL_POSITION",
            literal(database),
            literal(table)
        ))
    }

    /// How many triggers a table has, as `n`.
    pub fn triggers_of(database: &str, table: &str) -> Self {
        Self::new(format!(
            "SELECT COUNT(*) AS n FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = {} AND EVENT_OBJECT_TABLE = {}",
            literal(database),
            literal(table)
        ))
    }

    /// The row with these values, all its columns.
    pub fn row(database: &str, table: &str, values: &[(&str, Scalar<'_>)]) -> Self {
        let conditions: Vec<String> = values
            .iter()
            .map(|(column, value)| format!("{} = {}", identifier(column), value.sql()))
            .collect();
        Self::new(format!(
            "SELECT * FROM {}.{} WHERE {} LIMIT 1",
            identifier(database),
            identifier(table),
            conditions.join(" AND ")
        ))
    }
}

impl Dialect {
    /// The size of each database's files, as `bytes`. It takes the privilege PROCESS.
    pub fn file_sizes(self) -> ReadStatement {
        let view = match self.family() {
            Family::MySql if self.mysql(8, 0, 0) => "INNODB_TABLESPACES",
            Family::MariaDb | Family::MySql => "INNODB_SYS_TABLESPACES",
        };
        // MariaDB with `innodb_read_only` has no temporary tablespace, looks at it all the same, and crashes (10.11.19). A
        // condition that never holds keeps it from looking.
        let looks = if self.family() == Family::MariaDb { "NOT @@innodb_read_only AND " } else { "" };
        ReadStatement::new(format!(
            "SELECT SUBSTRING_INDEX(NAME, '/', 1) AS db, SUM(FILE_SIZE) AS bytes FROM information_schema.{view} \
             WHERE {looks}NAME LIKE '%/%' GROUP BY 1"
        ))
    }

    /// Rows of `what` and `name`: `has`, a collation of the server; `uses`, a collation of a table or a
    /// database; `keyless`, an InnoDB table as the dictionary writes it; `zones`, how many time zones have
    /// names. InnoDB's dictionary is asked for keys since it opens no table for that.
    ///
    /// A table counts as keyless where InnoDB had to make up a clustered index. One with a unique key
    /// without NULLs has a clustered index of its own, and an applier can find a row by it.
    pub fn schema(self) -> ReadStatement {
        // MySQL 8.0 has other names for them, and 5.5 has none.
        let prefix = match self.family() {
            Family::MySql if self.mysql(8, 0, 0) => "INNODB_",
            Family::MariaDb | Family::MySql => "INNODB_SYS_",
        };
        let keyless = match self.family() == Family::MariaDb || self.mysql(5, 6, 0) {
            true => format!(
                "UNION ALL (SELECT 'keyless', t.NAME FROM information_schema.{prefix}INDEXES i \
                 JOIN information_schema.{prefix}TABLES t ON t.TABLE_ID = i.TABLE_ID \
                 WHERE i.NAME = 'GEN_CLUST_INDEX' AND t.NAME NOT LIKE 'mysql/%' AND t.NAME NOT LIKE 'sys/%' \
                 AND t.NAME LIKE '%/%' AND t.NAME NOT LIKE '%/FTS\\_%' LIMIT {NAMES})"
            ),
            false => String::new(),
        };
        // MariaDB 10.10 has collations that fit several character sets, each with a full name for one.
        let collations = match self.family() == Family::MariaDb && self.version.at_least(10, 10, 1) {
            true => {
                "SELECT 'has' AS what, FULL_COLLATION_NAME AS name FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY"
            }
            false => "SELECT 'has' AS what, COLLATION_NAME AS name FROM information_schema.COLLATIONS",
        };
        ReadStatement::new(format!(
            "{collations} \
             UNION ALL SELECT DISTINCT 'uses', TABLE_COLLATION FROM information_schema.TABLES \
             WHERE TABLE_SCHEMA NOT IN ({SYSTEM_DATABASES}) AND TABLE_COLLATION IS NOT NULL \
             UNION ALL SELECT DISTINCT 'uses', DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA \
             WHERE SCHEMA_NAME NOT IN ({SYSTEM_DATABASES}) \
             {keyless} UNION ALL SELECT 'zones', COUNT(*) FROM mysql.time_zone_name"
        ))
    }

    /// Where events can be looked up, with the columns of `information_schema.EVENTS`. Before MySQL 8.0, and in MariaDB, that
    /// view is closed while the scheduler is `DISABLED` (error 1577), and the table behind it is not.
    pub fn stored_events(self) -> &'static str {
        match self.mysql(8, 0, 0) {
            true => "information_schema.EVENTS",
            false => {
                "(SELECT db AS EVENT_SCHEMA, name AS EVENT_NAME, status AS STATUS, originator AS ORIGINATOR, \
                 definer AS DEFINER, sql_mode AS SQL_MODE, character_set_client AS CHARACTER_SET_CLIENT, \
                 collation_connection AS COLLATION_CONNECTION, interval_value AS INTERVAL_VALUE, \
                 body_utf8 AS EVENT_DEFINITION FROM mysql.event) AS stored_events"
            }
        }
    }

    /// Events of the event scheduler but the heartbeat.
    pub fn events(self) -> ReadStatement {
        ReadStatement::new(format!(
            "SELECT EVENT_SCHEMA AS db, EVENT_NAME AS name, STATUS AS status, ORIGINATOR AS originator \
             FROM {} WHERE EVENT_SCHEMA NOT IN ({SYSTEM_DATABASES}, {}) ORDER BY 1, 2",
            self.stored_events(),
            literal(HEARTBEAT)
        ))
    }

    /// Routines and events of each database, counted.
    pub fn programs_of_databases(self) -> ReadStatement {
        ReadStatement::new(format!(
            "SELECT ROUTINE_SCHEMA AS db, COUNT(*) AS n FROM information_schema.ROUTINES \
             WHERE ROUTINE_SCHEMA NOT IN ({SYSTEM_DATABASES}) GROUP BY 1 \
             UNION ALL SELECT EVENT_SCHEMA, COUNT(*) FROM {} GROUP BY 1",
            self.stored_events()
        ))
    }

    /// Everything that a database can hold, counted by kind.
    pub fn contents_of_databases(self) -> ReadStatement {
        ReadStatement::new(format!(
            "SELECT TABLE_SCHEMA AS db, CONCAT(LOWER(TABLE_TYPE), 's') AS what, COUNT(*) AS n FROM information_schema.TABLES GROUP BY 1, 2 \
             UNION ALL SELECT ROUTINE_SCHEMA, 'routines', COUNT(*) FROM information_schema.ROUTINES GROUP BY 1 \
             UNION ALL SELECT TRIGGER_SCHEMA, 'triggers', COUNT(*) FROM information_schema.TRIGGERS GROUP BY 1 \
             UNION ALL SELECT EVENT_SCHEMA, 'events', COUNT(*) FROM {} GROUP BY 1",
            self.stored_events()
        ))
    }

    /// The heartbeat's event, its state and interval, if it is there, and whether it minds `read_only`.
    pub fn show_heartbeat_event(self) -> ReadStatement {
        ReadStatement::new(format!(
            "SELECT STATUS AS state, INTERVAL_VALUE AS every, EVENT_DEFINITION LIKE '%read_only%' AS minds \
             FROM {} WHERE EVENT_SCHEMA = '{HEARTBEAT}' AND EVENT_NAME = 'beat'",
            self.stored_events()
        ))
    }

    /// All stamps of the heartbeat, in microseconds since 1970.
    pub fn show_heartbeats(self) -> ReadStatement {
        ReadStatement::new(format!(
            "SELECT server_id AS id, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', stamp) AS stamp FROM {HEARTBEAT}.beat"
        ))
    }
}
