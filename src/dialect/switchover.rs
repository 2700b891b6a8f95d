//! What the turn of writes from one host to another is said with.

use std::time::Duration;

use super::{Dialect, literal, shown};
use crate::model::{BinlogPosition, Family, limits};

/// Up to where a replica has to execute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogEnd {
    /// A set of transactions.
    Executed(String),
    /// A position of its source's binary log.
    At(BinlogPosition),
}

impl Dialect {
    /// Makes a session one that takes the global read lock: when it gives up behind somebody's statement, and after which
    /// silence the server ends it. MySQL waits whole seconds.
    pub fn locking_session(self, idle: Duration) -> String {
        let idle = idle.as_secs().max(1);
        format!(
            "SET SESSION lock_wait_timeout = 1, SESSION wait_timeout = {idle}, SESSION net_read_timeout = {idle}, \
             SESSION net_write_timeout = {idle}"
        )
    }

    /// Takes the global read lock, or gives up soon: writes wait behind who waits for it.
    pub fn lock_writes(self) -> Vec<String> {
        let lock = "FLUSH TABLES WITH READ LOCK".to_owned();
        match self.family() {
            Family::MariaDb => vec![
                format!("SET SESSION max_statement_time = {}", limits::BEHIND_LOCK.as_secs_f64()),
                lock,
                "SET SESSION max_statement_time = 0".to_owned(),
            ],
            Family::MySql => vec![lock],
        }
    }

    /// Whether an error says that somebody's statement was in the way for too long: of the wait for a lock, of the statement.
    pub fn gave_up_waiting(self, code: Option<u16>) -> bool {
        matches!(code, Some(1205 | 1969 | 3024))
    }

    /// Waits on a replica until it has executed so far, as `reached`.
    pub fn wait_for(self, end: &LogEnd, channel: &str, limit: Duration) -> String {
        let seconds = limit.as_secs().max(1);
        match (end, self.family()) {
            // Its later name came with MySQL 5.7.5. Where no applier runs it says NULL.
            (LogEnd::Executed(set), Family::MySql) if !self.mysql(5, 7, 5) => format!(
                "SELECT COALESCE(WAIT_UNTIL_SQL_THREAD_AFTER_GTIDS({}, {seconds}), -1) >= 0 AS reached",
                literal(set)
            ),
            (LogEnd::Executed(set), _) => {
                format!("SELECT WAIT_FOR_EXECUTED_GTID_SET({}, {seconds}) = 0 AS reached", literal(set))
            }
            (LogEnd::At(at), family) => {
                let word = match family {
                    Family::MySql if self.mysql(8, 0, 26) => "SOURCE",
                    _ => "MASTER",
                };
                let channels = family == Family::MariaDb || self.mysql(5, 7, 6);
                let of = if channels { format!(", {}", literal(channel)) } else { String::new() };
                format!(
                    "SELECT COALESCE({word}_POS_WAIT({}, {}, {seconds}{of}), -1) >= 0 AS reached",
                    literal(at.file()),
                    at.offset()
                )
            }
        }
    }

    /// Whether an applier's state says that it waits for more than what was received, in the words of any version.
    pub fn has_applied_all(self, state: &str) -> bool {
        state.contains("has read all relay log")
    }

    /// Variables that let a replica acknowledge what it has received, in the words of both plugins of MySQL.
    pub fn acknowledging(self) -> &'static [&'static str] {
        match self.family() {
            Family::MariaDb => &["rpl_semi_sync_slave_enabled"],
            Family::MySql => &["rpl_semi_sync_replica_enabled", "rpl_semi_sync_slave_enabled"],
        }
    }

    /// Whether accounts can be locked (MySQL 5.7.6, MariaDB 10.4.2). On older servers the account of a lost host stays as it
    /// is: what keeps that host out there are the packet filter and its place in no topology.
    pub fn locks_accounts(self) -> bool {
        match self.family() {
            Family::MariaDb => self.version.at_least(10, 4, 2),
            Family::MySql => self.mysql(5, 7, 6),
        }
    }

    /// Locks an account, or lets it in again. Sessions that are there stay.
    pub fn lock_account(user: &str, host: &str, locked: bool) -> String {
        let word = if locked { "LOCK" } else { "UNLOCK" };
        format!("ALTER USER IF EXISTS {}@{} ACCOUNT {word}", literal(user), literal(host))
    }

    /// Takes from an account what lets it write past `read_only`, for people.
    pub fn revoke_read_only_admin(user: &str, host: &str) -> String {
        format!("REVOKE READ_ONLY ADMIN ON *.* FROM {}@{}", shown(user), shown(host))
    }

    /// The transactions that a server has executed, as `executed`, where it counts them in sets.
    pub fn executed_set(self) -> &'static str {
        "SELECT @@GLOBAL.gtid_executed AS executed"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ServerVersion;

    #[test]
    fn each_version_waits_in_its_own_words() {
        let dialect = |text: &str| Dialect::of(ServerVersion::parse(text).expect("a version"));
        let at = LogEnd::At(BinlogPosition::new("bin.000002", 7).expect("a position"));
        let set = LogEnd::Executed("20b7d57a-eac8-11f1-905a-02fc00000001:1-3".into());
        let second = Duration::from_secs(1);
        for (version, end, said) in [
            (
                "10.11.6-MariaDB",
                &at,
                "SELECT COALESCE(MASTER_POS_WAIT('bin.000002', 7, 1, 'c'), -1) >= 0 AS reached",
            ),
            ("9.7.4", &at, "SELECT COALESCE(SOURCE_POS_WAIT('bin.000002', 7, 1, 'c'), -1) >= 0 AS reached"),
            ("5.6.51", &at, "SELECT COALESCE(MASTER_POS_WAIT('bin.000002', 7, 1), -1) >= 0 AS reached"),
            (
                "5.6.24",
                &set,
                "SELECT COALESCE(WAIT_UNTIL_SQL_THREAD_AFTER_GTIDS('20b7d57a-eac8-11f1-905a-02fc00000001:1-3', 1), -1) >= 0 AS \
                 reached",
            ),
            (
                "8.4.3",
                &set,
                "SELECT WAIT_FOR_EXECUTED_GTID_SET('20b7d57a-eac8-11f1-905a-02fc00000001:1-3', 1) = 0 AS reached",
            ),
        ] {
            assert_eq!(dialect(version).wait_for(end, "c", second), said);
        }
    }
}
