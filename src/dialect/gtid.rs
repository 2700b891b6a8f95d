//! How the two families count transactions.

use super::Dialect;
use crate::{gtid::GtidForm, model::Family};

impl Dialect {
    /// How it counts transactions.
    pub fn gtid_form(self) -> GtidForm {
        match self.family() {
            Family::MariaDb => GtidForm::Positions,
            Family::MySql => GtidForm::Sets,
        }
    }

    /// Whether every event in its binary log has a GTID, whatever its settings. MySQL gives them where `gtid_mode` says
    /// so.
    pub fn always_has_gtids(self) -> bool {
        self.family() == Family::MariaDb
    }

    /// Whether a write on a replica is a GTID of that replica's own, whatever its settings, and so never goes unnoticed.
    /// MariaDB has `gtid_strict_mode` for it.
    pub fn always_tells_writers_apart(self) -> bool {
        self.family() == Family::MySql
    }

    /// Whether it counts what it has executed without a binary log, too.
    pub fn counts_without_binlog(self) -> bool {
        self.family() == Family::MySql
    }

    /// Whether it knows GTIDs (MySQL 5.6.5).
    pub fn counts_transactions(self) -> bool {
        self.family() == Family::MariaDb || self.mysql(5, 6, 5)
    }

    /// Whether it can be told what it has executed while `gtid_mode` is OFF; before MySQL 8.0 that is error 1839.
    pub fn takes_gtids_when_off(self) -> bool {
        self.family() == Family::MariaDb || self.mysql(8, 0, 0)
    }

    /// Whether transactions can be added to those that count as executed and purged (MySQL 8.0).
    pub fn adds_to_purged(self) -> bool {
        self.mysql(8, 0, 0)
    }

    /// Whether a channel that keeps its place begins again at the event that was executed last, by file and position, and
    /// the source must still have that file.
    pub fn begins_again_by_file(self) -> bool {
        self.family() == Family::MariaDb
    }

    /// Whether a channel has to be reset before it is pointed back to where it was: MySQL keeps its relay logs with an end
    /// that changes, MariaDB does not.
    pub fn keeps_relay_logs(self) -> bool {
        self.family() == Family::MySql
    }
}
