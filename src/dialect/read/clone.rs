//! MySQL's plugin for cloning.

use super::ReadStatement;
use crate::dialect::literal;

impl ReadStatement {
    /// A row where the plugin is active.
    pub fn clone_plugin() -> Self {
        Self::new(
            "SELECT 1 FROM information_schema.PLUGINS WHERE PLUGIN_NAME = 'clone' AND PLUGIN_STATUS = 'ACTIVE'",
        )
    }

    /// The session of a clone that runs into this server, as `pid`.
    pub fn clone_under_way() -> Self {
        Self::new(
            "SELECT PID AS pid FROM performance_schema.clone_status WHERE STATE = 'In Progress' AND PID <> 0 \
             AND DESTINATION = 'LOCAL INSTANCE'",
        )
    }

    /// Bytes that came so far, as `sent`.
    pub fn clone_progress() -> Self {
        Self::new("SELECT SUM(DATA) AS sent FROM performance_schema.clone_progress")
    }

    /// What became of a clone that was begun since a time of the server.
    pub fn clone_result(since: &str) -> Self {
        Self::new(format!(
            "SELECT STATE AS state, ERROR_NO AS errno, ERROR_MESSAGE AS error, BINLOG_FILE AS binlog_file, \
             BINLOG_POSITION AS binlog_position, GTID_EXECUTED AS gtid_executed, \
             (SELECT SUM(NETWORK) FROM performance_schema.clone_progress) AS bytes \
             FROM performance_schema.clone_status WHERE BEGIN_TIME >= {} AND STATE IN ('Completed', 'Failed')",
            literal(since)
        ))
    }
}
