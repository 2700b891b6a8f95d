//! What a server is and does: its version, its variables, its binary log, its sessions.

use super::ReadStatement;
use crate::{
    dialect::{Dialect, identifier, literal},
    model::{BinlogPosition, Family},
};

impl ReadStatement {
    /// Keeps every transaction of this session from writing. Statements that are no part of a transaction, such as
    /// SET GLOBAL, are not stopped by it. MySQL 5.6 and MariaDB 10.0 know it.
    pub fn read_only_session() -> Self {
        Self::new("SET SESSION TRANSACTION READ ONLY")
    }

    /// Lets this session see what others commit while it lives.
    pub fn autocommit() -> Self {
        Self::new("SET SESSION autocommit=1")
    }

    /// Lets this session read times in UTC.
    pub fn utc() -> Self {
        Self::new("SET SESSION time_zone='+00:00'")
    }

    /// The version, as `version`.
    pub fn version() -> Self {
        Self::new("SELECT @@version AS version")
    }

    /// Global variables under their own names.
    pub fn globals(names: &[&str]) -> Self {
        let columns: Vec<String> = names
            .iter()
            .map(|name| format!("@@GLOBAL.{} AS {}", identifier(name), identifier(name)))
            .collect();
        Self::new(format!("SELECT {}", columns.join(", ")))
    }

    /// One global variable as `SHOW` tells it, in the second column.
    pub fn variable(name: &str) -> Self {
        Self::new(format!("SHOW GLOBAL VARIABLES LIKE {}", literal(name)))
    }

    /// All global variables as `SHOW` tells them.
    pub fn variables() -> Self {
        Self::new("SHOW GLOBAL VARIABLES")
    }

    /// MariaDB's variables with their defaults and origins. The file of an origin came with 10.5.
    pub fn variables_with_defaults(dialect: Dialect) -> Self {
        let path = if dialect.version.at_least(10, 5, 0) { "GLOBAL_VALUE_PATH" } else { "NULL" };
        Self::new(format!(
            "SELECT VARIABLE_NAME AS name, GLOBAL_VALUE AS value, READ_ONLY AS fixed, DEFAULT_VALUE AS def, \
             GLOBAL_VALUE_ORIGIN AS origin, {path} AS path, NUMERIC_MIN_VALUE AS least, NUMERIC_MAX_VALUE AS most \
             FROM information_schema.SYSTEM_VARIABLES WHERE GLOBAL_VALUE IS NOT NULL OR VARIABLE_SCOPE <> 'SESSION ONLY'"
        ))
    }

    /// Where the values of MySQL's variables come from, and in which option file they stand.
    pub fn variable_origins() -> Self {
        Self::new(
            "SELECT VARIABLE_NAME AS name, VARIABLE_SOURCE AS origin, VARIABLE_PATH AS path, MIN_VALUE AS least, \
             MAX_VALUE AS most FROM \
             performance_schema.variables_info",
        )
    }

    /// MySQL's variables in `mysqld-auto.cnf`.
    pub fn persisted_variables() -> Self {
        Self::new(
            "SELECT VARIABLE_NAME AS name, VARIABLE_VALUE AS value FROM performance_schema.persisted_variables",
        )
    }

    /// MySQL's replication filters for all channels.
    pub fn global_filters() -> Self {
        Self::new(
            "SELECT FILTER_NAME AS name, FILTER_RULE AS rule FROM performance_schema.replication_applier_global_filters",
        )
    }

    /// A counter of the server, as `value`.
    pub fn counter(name: &str) -> Self {
        Self::new(format!("SHOW GLOBAL STATUS LIKE {}", literal(name)))
    }

    /// The length of the set of transactions with a GTID that run now, as `value`.
    pub fn owned_gtids() -> Self {
        Self::new("SELECT LENGTH(@@GLOBAL.gtid_owned) AS value")
    }

    /// All sessions.
    pub fn sessions() -> Self {
        Self::new("SHOW PROCESSLIST")
    }

    /// The files of the binary log.
    pub fn binary_logs() -> Self {
        Self::new("SHOW BINARY LOGS")
    }

    /// The first events of a binary log, or those from a position on.
    pub fn binlog_events(file: &str, from: Option<u64>, most: u64) -> Self {
        let from = from.map(|position| format!(" FROM {position}")).unwrap_or_default();
        Self::new(format!("SHOW BINLOG EVENTS IN {}{from} LIMIT {most}", literal(file)))
    }

    /// MariaDB's GTID position at a place of its binary log, as `gtid`.
    pub fn gtid_at(at: &BinlogPosition) -> Self {
        Self::new(format!("SELECT BINLOG_GTID_POS({}, {}) AS gtid", literal(at.file()), at.offset()))
    }
}

impl Dialect {
    /// The current binary log file and position. `SHOW BINLOG STATUS` came with MariaDB 10.5.2, where the old
    /// word stayed; MySQL 8.4 removed it, and has had the new one since 8.2.
    pub fn show_binlog(self) -> ReadStatement {
        ReadStatement::new(if self.mysql(8, 4, 0) { "SHOW BINARY LOG STATUS" } else { "SHOW MASTER STATUS" })
    }

    /// All channels. The columns keep the old words in every MariaDB.
    pub fn show_channels(self) -> ReadStatement {
        ReadStatement::new(match self.family() {
            Family::MariaDb => "SHOW ALL SLAVES STATUS",
            Family::MySql if self.says_replica() => "SHOW REPLICA STATUS",
            Family::MySql => "SHOW SLAVE STATUS",
        })
    }

    /// The replicas that are connected to this server.
    pub fn show_connected_replicas(self) -> ReadStatement {
        ReadStatement::new(if self.mysql(8, 0, 22) { "SHOW REPLICAS" } else { "SHOW SLAVE HOSTS" })
    }

    /// The errors of applier threads. Where several apply at once (MySQL), the channel's own error only says
    /// that one of them failed.
    pub fn worker_errors(self) -> Option<ReadStatement> {
        self.mysql(8, 0, 0).then(|| {
            ReadStatement::new(
                "SELECT CHANNEL_NAME AS name, LAST_ERROR_NUMBER AS errno, LAST_ERROR_MESSAGE AS text FROM \
                 performance_schema.replication_applier_status_by_worker WHERE LAST_ERROR_NUMBER <> 0",
            )
        })
    }

    /// Digests of the passwords that channels log in with: MySQL keeps them in a table, MariaDB in files.
    pub fn stored_channel_passwords(self) -> Option<ReadStatement> {
        // Before 5.7.6 there is one channel, and its table has no name of it. Where a file keeps the password, it is empty.
        let name = match (self.mysql(5, 7, 6), self.mysql(5, 6, 2)) {
            (true, _) => "Channel_name",
            (false, true) => "''",
            (false, false) => return None,
        };
        (self.family() == Family::MySql).then(|| {
            ReadStatement::new(format!(
                "SELECT {name} AS name, SHA2(User_password, 256) AS digest FROM mysql.slave_master_info",
            ))
        })
    }
}
