//! The words of each server family and version. No other module asks for a version.
//!
//! MariaDB 10.3 to 12 and MySQL 5.5 to 9; docs/versions.md says which of them were run.

mod account;
mod channel;
mod client;
mod copied_account;
mod copy;
mod group;
mod gtid;
mod heartbeat;
mod history;
mod quote;
mod read;
mod rows;
mod statement;
mod switchover;
mod variable;
mod whole;

pub(crate) use account::{end_session, revoke_all, session_was_gone};
pub use channel::ChannelStatement;
pub(crate) use copied_account::without_no_limits;
pub(crate) use copy::{
    AccountName, CodeKind, CopiedTable, CopyAsked, CopyEnd, CopyTarget, CreatedUnder, History, Looked, Slice,
    TableName, account_shown, create_text, key_name, keys_apart, unfit, with_collation,
};
pub use copy::{
    CopyDemands, CopyTakes, DemandingAccount, DemandingTable, GrantedOn, ObjectGrant, Unfit, UnfitObject,
    UnfitWhy, Versions,
};
pub(crate) use group::option_groups;
pub use group::words_of_option_groups;
pub(crate) use heartbeat::HEARTBEAT;
pub(crate) use history::{set_slave_pos, set_slave_pos_to_own_end};
pub(crate) use quote::{identifier, literal, shown};
pub(crate) use read::{DefinitionQuery, ReadStatement, Scalar, reads_only};
pub(crate) use rows::{
    Adding, Column, Compared, Key, OtherTypes, Range, incomplete, is_bytes, is_long, orders,
};
pub(crate) use statement::Statement;
pub(crate) use switchover::LogEnd;
pub use whole::CannotCopy;

use std::collections::BTreeMap;

use crate::model::{Family, ServerVersion};

/// Why a server of one version can't follow one of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CannotFollow {
    /// The replica's version.
    pub replica: ServerVersion,
    /// The source's version.
    pub source: ServerVersion,
    /// What lies between them.
    pub gap: Gap,
}

/// What lies between the versions of two servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// They are of two families, which write different events.
    Family,
    /// A MariaDB reads what a MySQL up to 5.7 writes, by file and position, and no channel of ours does that.
    FamilyByHand,
    /// The replica is more than one series of MySQL ahead.
    FarAhead,
    /// The replica is older than its source.
    Older,
}

/// Databases that are the server's own.
pub(crate) const SYSTEM_DATABASES: &str = "'mysql','information_schema','performance_schema','sys'";

/// Whether a database is the server's own.
pub(crate) fn is_system_database(name: &str) -> bool {
    ["mysql", "information_schema", "performance_schema", "sys"]
        .iter()
        .any(|own| own.eq_ignore_ascii_case(name))
}

/// The words of one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    version: ServerVersion,
}

impl Dialect {
    /// The dialect of a version.
    pub fn of(version: ServerVersion) -> Self {
        Self { version }
    }

    /// The family.
    pub fn family(self) -> Family {
        self.version.family
    }

    /// Whether it is a MySQL of at least this version.
    fn mysql(self, major: u16, minor: u16, patch: u16) -> bool {
        self.version.family == Family::MySql && self.version.at_least(major, minor, patch)
    }

    /// What this program can't do with such a server, if anything.
    pub fn unsupported(self) -> Option<String> {
        let (oldest, known) = match self.version.family {
            Family::MySql => ("5.5", self.version.at_least(5, 5, 0)),
            Family::MariaDb => ("10.3", self.version.at_least(10, 3, 0)),
        };
        (!known).then(|| format!("{} is older than {oldest} and not supported", self.version))
    }

    /// What to say about a version that this program does not know.
    pub fn note(self) -> Option<String> {
        let newest = match self.version.family {
            Family::MariaDb => 12,
            Family::MySql => 9,
        };
        (self.version.major > newest).then(|| {
            let family = self.version.family;
            format!("{} is newer than this program; it is treated like {family} {newest}", self.version)
        })
    }

    /// Why a replica of this kind can't follow such a source, if it can't.
    ///
    /// The two families' GTIDs and binary log events differ (MariaDB manual, "Replication Compatibility").
    /// Within a family a newer replica reads what an older source writes, not the other way round (MySQL
    /// manual, "Replication Compatibility Between MySQL Versions").
    pub fn cannot_follow(self, source: Dialect) -> Option<CannotFollow> {
        let (replica, source) = (self.version, source.version);
        let series = |v: ServerVersion| (v.major, v.minor);
        let gap = match replica.family {
            Family::MariaDb if source.family == Family::MySql && !source.at_least(8, 0, 0) => {
                Gap::FamilyByHand
            }
            family if family != source.family => Gap::Family,
            Family::MySql if series_of_mysql(replica) > series_of_mysql(source) + 1 => Gap::FarAhead,
            _ if series(source) > series(replica) => Gap::Older,
            _ => return None,
        };
        Some(CannotFollow { replica, source, gap })
    }

    /// Empties the binary logs, and with them what the server has executed by its own count.
    pub fn reset_binlogs(self) -> &'static str {
        if self.mysql(8, 4, 0) { "RESET BINARY LOGS AND GTIDS" } else { "RESET MASTER" }
    }

    /// Loads certificates again without a restart: MariaDB 10.4 and MySQL 8.0.16. Others have to be restarted. Without
    /// LOCAL MariaDB logs the statement; MySQL's is never logged.
    pub fn reload_certificates(self) -> Option<&'static str> {
        match self.version.family {
            Family::MariaDb => self.version.at_least(10, 4, 0).then_some("FLUSH LOCAL SSL"),
            Family::MySql => self.version.at_least(8, 0, 16).then_some("ALTER INSTANCE RELOAD TLS"),
        }
    }

    /// Whether even administrators can be kept from writing (MySQL 5.7.8).
    pub fn has_super_read_only(self) -> bool {
        self.mysql(5, 7, 8)
    }

    /// What makes the server's binary read its option files, say what is wrong in them, and end: MySQL 8.0.16
    /// has a word for it.
    pub fn check_options(self) -> &'static str {
        match self.version.family {
            Family::MySql if self.mysql(8, 0, 16) => "--validate-config --log-error-verbosity=2",
            Family::MariaDb | Family::MySql => "--help --verbose",
        }
    }

    /// Whether a server offers TLS, by its variables. MySQL 8.4 has no `have_ssl` any more, and a certificate
    /// of its own making unless it was told not to.
    pub fn offers_tls(self, variables: &BTreeMap<String, String>) -> bool {
        match variables.get("have_ssl") {
            Some(have) => have.eq_ignore_ascii_case("yes"),
            None => {
                self.family() == Family::MySql && variables.get("ssl_cert").is_some_and(|c| !c.is_empty())
            }
        }
    }

    /// Takes this session out of the general log and the slow log, or lets it back in. MySQL has no such
    /// switch for the slow log; it writes no password into either.
    pub fn statement_logs(self, on: bool) -> &'static str {
        match (self.version.family, on) {
            (Family::MariaDb, false) => "SET SESSION sql_log_off=1, SESSION slow_query_log=0",
            (Family::MariaDb, true) => "SET SESSION sql_log_off=0, SESSION slow_query_log=DEFAULT",
            (Family::MySql, false) => "SET SESSION sql_log_off=1",
            (Family::MySql, true) => "SET SESSION sql_log_off=0",
        }
    }

    /// Whether `SET GLOBAL x = DEFAULT` is how a variable gets its built-in value where the server does not say which one
    /// that is.
    pub fn hides_defaults(self) -> bool {
        self.family() == Family::MySql
    }

    /// Whether a copy of its files is made by the backup program of its family, and moved into place while it is down.
    pub fn is_copied_by_files(self) -> bool {
        self.family() == Family::MariaDb
    }

    /// Whether it knows `CRC32C` (MDEV-27208).
    pub fn has_crc32c(self) -> bool {
        self.family() == Family::MariaDb && self.version.at_least(10, 8, 0)
    }

    /// Variables from which the GTID state of a server is made.
    pub fn gtid_variables(self) -> &'static [&'static str] {
        match self.version.family {
            Family::MariaDb => &["server_id", "gtid_binlog_state", "gtid_slave_pos"],
            Family::MySql if self.mysql(5, 6, 5) => &["gtid_executed", "gtid_purged"],
            Family::MySql => &[],
        }
    }

    /// What stands behind `ALTER EVENT` to let it rest as on a replica.
    pub fn disable_event(self) -> &'static str {
        if self.mysql(8, 4, 0) { "DISABLE ON REPLICA" } else { "DISABLE ON SLAVE" }
    }

    /// A database with its defaults.
    pub fn database(self, name: &str, exists: bool, set: Option<&str>, collation: Option<&str>) -> String {
        let verb = if exists { "ALTER DATABASE" } else { "CREATE DATABASE IF NOT EXISTS" };
        let mut sql = format!("{verb} {}", identifier(name));
        if let Some(set) = set {
            sql.push_str(&format!(" CHARACTER SET {}", literal(set)));
        }
        if let Some(collation) = collation {
            sql.push_str(&format!(" COLLATE {}", literal(collation)));
        }
        sql
    }
}

/// MySQL's release series, counted: innovation releases belong to the long-term series that they lead to
/// (manual, "Replication Compatibility Between MySQL Versions").
fn series_of_mysql(version: ServerVersion) -> u16 {
    match (version.major, version.minor) {
        (..=5, minor) => minor.min(7),
        (8, 0) => 8,
        (8, _) => 9,
        _ => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect(text: &str) -> Dialect {
        Dialect::of(ServerVersion::parse(text).expect("a version"))
    }

    #[test]
    fn words_by_version() {
        let table = [
            // version, binary log status, reset, channels
            ("10.3.39-MariaDB", "SHOW MASTER STATUS", "RESET MASTER", "SHOW ALL SLAVES STATUS"),
            ("12.1.2-MariaDB", "SHOW MASTER STATUS", "RESET MASTER", "SHOW ALL SLAVES STATUS"),
            ("5.5.62", "SHOW MASTER STATUS", "RESET MASTER", "SHOW SLAVE STATUS"),
            ("5.7.44-log", "SHOW MASTER STATUS", "RESET MASTER", "SHOW SLAVE STATUS"),
            ("8.0.21", "SHOW MASTER STATUS", "RESET MASTER", "SHOW SLAVE STATUS"),
            ("8.0.22", "SHOW MASTER STATUS", "RESET MASTER", "SHOW REPLICA STATUS"),
            ("8.0.46-0ubuntu0.24.04.1", "SHOW MASTER STATUS", "RESET MASTER", "SHOW REPLICA STATUS"),
            ("8.4.0", "SHOW BINARY LOG STATUS", "RESET BINARY LOGS AND GTIDS", "SHOW REPLICA STATUS"),
            ("9.7.4-2", "SHOW BINARY LOG STATUS", "RESET BINARY LOGS AND GTIDS", "SHOW REPLICA STATUS"),
            ("26.7.0", "SHOW BINARY LOG STATUS", "RESET BINARY LOGS AND GTIDS", "SHOW REPLICA STATUS"),
        ];
        for (version, status, reset, channels) in table {
            let words = dialect(version);
            assert_eq!(
                (words.show_binlog().text(), words.reset_binlogs(), words.show_channels().text()),
                (status, reset, channels),
                "{version}"
            );
            assert_eq!(words.unsupported(), None, "{version}");
        }
    }

    #[test]
    fn old_and_new_servers_are_named() {
        for (version, why) in [
            ("5.1.73-log", "MySQL 5.1.73 is older than 5.5 and not supported"),
            ("10.2.44-MariaDB", "MariaDB 10.2.44 is older than 10.3 and not supported"),
        ] {
            assert_eq!(dialect(version).unsupported().as_deref(), Some(why));
        }
        let note = "MySQL 26.7.0 is newer than this program; it is treated like MySQL 9";
        assert_eq!(dialect("26.7.0").note().as_deref(), Some(note));
        assert_eq!(dialect("9.7.4").note(), None);
    }

    #[test]
    fn who_can_follow_whom() {
        let can = |replica: &str, source: &str| dialect(replica).cannot_follow(dialect(source)).is_none();
        assert!(can("10.11.6-MariaDB", "10.5.29-MariaDB") && can("9.7.0", "8.4.3") && can("9.7.0", "9.7.4"));
        assert!(!can("10.5.29-MariaDB", "10.11.6-MariaDB") && !can("8.4.3", "9.7.0"));
        assert!(
            can("8.0.46", "5.7.44")
                && !can("8.4.3", "5.7.44")
                && can("9.7.4", "8.4.0")
                && !can("9.7.4", "8.0.46")
        );
        let gap =
            |replica: &str, source: &str| dialect(replica).cannot_follow(dialect(source)).map(|why| why.gap);
        assert_eq!(gap("10.11.6-MariaDB", "5.6.24"), Some(Gap::FamilyByHand));
        assert_eq!(gap("10.11.6-MariaDB", "8.4.3"), Some(Gap::Family));
        assert!(!can("10.11.6-MariaDB", "8.4.3") && !can("9.7.0", "10.11.6-MariaDB"));
    }
}
