//! What a logical copy needs to know of the dump program.

use super::{Dialect, literal};
use crate::model::Family;

/// Words for the dump program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DumpWords {
    /// Options for the one transaction that has coordinates.
    pub snapshot: &'static str,
    /// Options for everything else, which must have none.
    pub plain: &'static str,
}

impl Dialect {
    /// The words of this server's own dump program.
    ///
    /// MySQL's names `GTID_PURGED` at the head, as a comment since 8.0.17, and refuses to where `gtid_mode` is
    /// off; `--source-data` came with 8.0.26.
    pub fn dump(self, gtids: bool) -> DumpWords {
        match self.family() {
            Family::MariaDb => DumpWords { snapshot: "--master-data=2 --gtid", plain: "" },
            Family::MySql if !self.mysql(5, 6, 9) => DumpWords { snapshot: "--master-data=2", plain: "" },
            // Without the comment the set is loaded too, which an empty replica takes.
            Family::MySql if !self.mysql(8, 0, 17) => DumpWords {
                snapshot: if gtids {
                    "--master-data=2 --set-gtid-purged=ON"
                } else {
                    "--master-data=2 --set-gtid-purged=OFF"
                },
                plain: "--set-gtid-purged=OFF",
            },
            Family::MySql => DumpWords {
                snapshot: match (self.mysql(8, 0, 26), gtids) {
                    (true, true) => "--source-data=2 --set-gtid-purged=COMMENTED",
                    (true, false) => "--source-data=2 --set-gtid-purged=OFF",
                    (false, true) => "--master-data=2 --set-gtid-purged=COMMENTED",
                    (false, false) => "--master-data=2 --set-gtid-purged=OFF",
                },
                plain: "--set-gtid-purged=OFF",
            },
        }
    }

    /// Lets the history of a server begin with what a copy holds, once its binary logs are empty.
    ///
    /// A replica of MariaDB needs the same in `gtid_binlog_state`, so that its own replicas find the
    /// beginning of its log.
    pub fn begin_history_at(self, gtid: &str) -> Vec<String> {
        let value = literal(gtid);
        match (self.family(), gtid.is_empty()) {
            (Family::MariaDb, true) => vec!["SET GLOBAL gtid_slave_pos = ''".to_owned()],
            (Family::MariaDb, false) => vec![
                "SET GLOBAL gtid_slave_pos = ''".to_owned(),
                format!("SET GLOBAL gtid_binlog_state = {value}"),
                format!("SET GLOBAL gtid_slave_pos = {value}"),
            ],
            (Family::MySql, true) => Vec::new(),
            (Family::MySql, false) => vec![format!("SET GLOBAL gtid_purged = {value}")],
        }
    }
}
