//! How a server gives several sessions one view of its data, and says where that stands in its binary log.

use crate::{dialect::Dialect, model::Family};

impl Dialect {
    /// Begins a transaction that sees the data of this moment.
    pub fn begin_snapshot(self) -> &'static str {
        "START TRANSACTION WITH CONSISTENT SNAPSHOT"
    }

    /// Where the snapshot of a session stands in the binary log. MariaDB takes both in one step, so that sessions with
    /// the same place see the same (documentation, "START TRANSACTION", "Group Commit and START TRANSACTION WITH
    /// CONSISTENT SNAPSHOT"); MySQL has no such thing.
    pub fn snapshot_position(self) -> Option<&'static str> {
        (self.family() == Family::MariaDb).then_some(
            "SELECT MAX(IF(VARIABLE_NAME = 'BINLOG_SNAPSHOT_FILE', VARIABLE_VALUE, '')) AS file, \
             MAX(IF(VARIABLE_NAME = 'BINLOG_SNAPSHOT_POSITION', VARIABLE_VALUE, '')) AS position \
             FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME LIKE 'BINLOG\\_SNAPSHOT\\_%'",
        )
    }

    /// Lets no transaction be committed until [`Dialect::allow_commits`]. MariaDB 10.4 has a lock for it that waits for
    /// no query; elsewhere it is the global read lock.
    pub fn block_commits(self) -> &'static [&'static str] {
        match self.family() {
            Family::MariaDb if self.version.at_least(10, 4, 1) => {
                &["BACKUP STAGE START", "BACKUP STAGE BLOCK_COMMIT"]
            }
            Family::MariaDb | Family::MySql => &["FLUSH TABLES WITH READ LOCK"],
        }
    }

    /// The end of [`Dialect::block_commits`].
    pub fn allow_commits(self) -> &'static str {
        match self.block_commits() {
            [first, ..] if first.starts_with("BACKUP") => "BACKUP STAGE END",
            _ => "UNLOCK TABLES",
        }
    }
}
