//! The beginning of a server's history, where it holds a copy.

use super::{Dialect, literal};
use crate::model::Family;

impl Dialect {
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
