//! The beginning of a server's history, where it holds a copy.

use super::{Dialect, literal};
use crate::model::Family;

impl Dialect {
    /// Lets the history of a server begin with what a copy holds, once its binary logs are empty.
    ///
    /// A replica of MariaDB needs the same in `gtid_binlog_state`, so that its own replicas find the
    /// beginning of its log.
    pub fn begin_history_at(self, gtid: &str) -> Vec<String> {
        match (self.family(), gtid.is_empty()) {
            (Family::MariaDb, true) => vec![set_slave_pos("")],
            (Family::MariaDb, false) => vec![
                set_slave_pos(""),
                format!("SET GLOBAL gtid_binlog_state = {}", literal(gtid)),
                set_slave_pos(gtid),
            ],
            (Family::MySql, true) => Vec::new(),
            (Family::MySql, false) => vec![set_purged(gtid)],
        }
    }

    /// Lets these transactions count as executed, beside those that do already where the server can add to them (see
    /// [`Dialect::adds_to_purged`]). Both must have nothing in common.
    pub fn add_executed(self, set: &str) -> String {
        set_purged(&format!("{}{set}", if self.adds_to_purged() { "+" } else { "" }))
    }
}

/// Lets a replica go on behind this position (MariaDB).
pub(crate) fn set_slave_pos(position: &str) -> String {
    format!("SET GLOBAL gtid_slave_pos = {}", literal(position))
}

/// Lets a replica go on behind what its own binary log ends with, as the server finds it in that moment (MariaDB).
pub(crate) fn set_slave_pos_to_own_end() -> String {
    "SET GLOBAL gtid_slave_pos = @@GLOBAL.gtid_binlog_pos".to_owned()
}

fn set_purged(set: &str) -> String {
    format!("SET GLOBAL gtid_purged = {}", literal(set))
}
