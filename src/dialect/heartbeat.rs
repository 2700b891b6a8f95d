//! The row that a writer stamps, by which lag is measured.
//!
//! One row for each server that was ever written to, under its `server_id`. The stamp is the writer's own clock,
//! and what a replica has of it is compared with what the writer has: no two clocks are ever compared.

use super::Dialect;

/// The database of the heartbeat. It is no content: it can be lost and made again at any time.
pub(crate) const HEARTBEAT: &str = "tandem_heartbeat";

impl Dialect {
    /// The table. It is logged, so that replicas get it.
    pub fn make_heartbeat_table(self) -> [String; 2] {
        [
            format!("CREATE DATABASE IF NOT EXISTS {HEARTBEAT}"),
            format!(
                "CREATE TABLE IF NOT EXISTS {HEARTBEAT}.beat (server_id INT UNSIGNED NOT NULL PRIMARY KEY, \
                 stamp DATETIME(6) NOT NULL) ENGINE=InnoDB"
            ),
        ]
    }

    /// The event. It stays off the binary log: a replica would get it disabled, and so would another writer. It stops
    /// by itself where the server becomes read-only: its definer may write there all the same, and what it wrote would
    /// be an errant transaction.
    pub fn make_heartbeat_event(self, interval: u64) -> [String; 2] {
        let schedule = format!("ON SCHEDULE EVERY {interval} SECOND");
        let body = format!(
            "DO IF @@GLOBAL.read_only = 0 THEN \
             REPLACE INTO {HEARTBEAT}.beat (server_id, stamp) VALUES (@@server_id, UTC_TIMESTAMP(6)); END IF"
        );
        [
            format!("CREATE EVENT IF NOT EXISTS {HEARTBEAT}.beat {schedule} ON COMPLETION PRESERVE {body}"),
            format!("ALTER EVENT {HEARTBEAT}.beat {schedule} ENABLE {body}"),
        ]
    }
}
