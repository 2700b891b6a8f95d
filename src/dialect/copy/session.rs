//! What the sessions of a copy set themselves, on both ends and for both families, lest a server's globals decide what
//! a value becomes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{dialect::Dialect, model::Family};

/// One end of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CopyEnd {
    /// Where the data is read.
    Source,
    /// Where it is written.
    Target,
}

/// At which end a setting is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SettingFor {
    /// At both.
    Both,
    /// Where data is read.
    Source,
    /// Where it is written.
    Target,
}

impl SettingFor {
    fn covers(self, end: CopyEnd) -> bool {
        match self {
            Self::Both => true,
            Self::Source => end == CopyEnd::Source,
            Self::Target => end == CopyEnd::Target,
        }
    }
}

/// A setting: its name, its value as SQL, and where it is made. A server that has no such variable does not need it.
type Setting = (&'static str, &'static str, SettingFor);

/// All of them. Strict mode stays on where rows are written: a value that does not fit must not be changed silently.
const SETTINGS: &[Setting] = {
    use SettingFor::{Both, Source, Target};
    &[
        ("sql_mode", "''", Source),
        (
            "sql_mode",
            "'STRICT_TRANS_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,ALLOW_INVALID_DATES'",
            Target,
        ),
        ("time_zone", "'+00:00'", Both),
        // `utf8` is the old three-byte character set, and a character set without a collation has the one that the
        // version was born with.
        ("old_mode", "'UTF8_IS_UTF8MB3'", Both),
        ("character_set_collations", "''", Both),
        ("sql_quote_show_create", "1", Both),
        ("sql_auto_is_null", "0", Both),
        ("sql_safe_updates", "0", Both),
        ("sql_big_selects", "1", Both),
        ("max_statement_time", "0", Both),
        ("max_execution_time", "0", Both),
        ("wait_timeout", "28800", Both),
        ("net_read_timeout", "3600", Both),
        ("net_write_timeout", "3600", Both),
        ("idle_transaction_timeout", "0", Both),
        ("idle_readonly_transaction_timeout", "0", Both),
        ("idle_write_transaction_timeout", "0", Both),
        ("show_gipk_in_create_table_and_information_schema", "1", Both),
        // Statistics that are kept would be written by who reads them.
        ("information_schema_stats_expiry", "0", Both),
        ("tx_isolation", "'REPEATABLE-READ'", Source),
        ("transaction_isolation", "'REPEATABLE-READ'", Source),
        ("foreign_key_checks", "0", Target),
        ("unique_checks", "0", Target),
        ("check_constraint_checks", "0", Target),
        ("explicit_defaults_for_timestamp", "1", Target),
        ("system_versioning_insert_history", "1", Target),
        ("sql_require_primary_key", "0", Target),
        ("sql_generate_invisible_primary_key", "0", Target),
        ("enforce_storage_engine", "NULL", Target),
        ("innodb_strict_mode", "1", Target),
        ("innodb_compression_default", "0", Target),
        ("innodb_lock_wait_timeout", "3600", Target),
    ]
};

impl Dialect {
    /// What a session of a copy sets, of a server that has these variables.
    pub fn copy_session(self, end: CopyEnd, variables: &BTreeSet<String>) -> Vec<String> {
        let settings: Vec<String> = SETTINGS
            .iter()
            .filter(|(name, _, at)| {
                at.covers(end) && variables.contains(*name) && self.lets_set(name, variables)
            })
            .map(|(name, value, _)| format!("SESSION {name}={value}"))
            .collect();
        vec![format!("SET {}", settings.join(", "))]
    }

    fn lets_set(self, name: &str, variables: &BTreeSet<String>) -> bool {
        match (name, self.family()) {
            // A session can set it since MariaDB 10.8.4 and MySQL 5.7.
            ("explicit_defaults_for_timestamp", Family::MariaDb) => self.version.at_least(10, 8, 4),
            ("explicit_defaults_for_timestamp", Family::MySql) => self.mysql(5, 7, 0),
            // It can say this since MariaDB 10.6.1; before, it is so anyway.
            ("old_mode", Family::MariaDb) => self.version.at_least(10, 6, 1),
            // Two names of one thing where a server has both.
            ("tx_isolation", _) => !variables.contains("transaction_isolation"),
            _ => true,
        }
    }

    /// The variables of a session, for [`Dialect::copy_session`].
    pub fn show_session_variables(self) -> &'static str {
        "SHOW SESSION VARIABLES"
    }

    /// How names and definitions are spelled on a session.
    pub fn spell_names(self) -> &'static str {
        if self.mysql(5, 5, 0) || self.family() == Family::MariaDb {
            "SET NAMES utf8mb4"
        } else {
            "SET NAMES utf8"
        }
    }

    /// A session on which values travel as bytes.
    pub fn spell_values(self) -> &'static str {
        "SET NAMES binary"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ServerVersion;

    fn dialect(text: &str) -> Dialect {
        Dialect::of(ServerVersion::parse(text).expect("a version"))
    }

    #[test]
    fn a_session_sets_what_its_server_has() {
        let has = |names: &str| names.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
        let names = has("sql_mode tx_isolation transaction_isolation explicit_defaults_for_timestamp");
        let all = |version: &str, end| dialect(version).copy_session(end, &names).join(";");
        let source = all("10.11.6-MariaDB", CopyEnd::Source);
        assert_eq!(source, "SET SESSION sql_mode='', SESSION transaction_isolation='REPEATABLE-READ'");
        assert!(all("10.11.6-MariaDB", CopyEnd::Target).contains("explicit_defaults_for_timestamp=1"));
        assert!(!all("10.5.29-MariaDB", CopyEnd::Target).contains("explicit_defaults_for_timestamp"));
        assert!(all("9.7.0", CopyEnd::Target).contains("NO_AUTO_VALUE_ON_ZERO"));
    }
}
