//! One query for what the compatibility of two servers depends on.

use super::Dialect;
use crate::model::Family;

/// Databases that are the server's own.
pub const SYSTEM_DATABASES: &str = "'mysql','information_schema','performance_schema','sys'";

/// Tables that are named at most; the rest is only counted by the rules that name them.
const NAMES: u32 = 200;

impl Dialect {
    /// Rows of `what` and `name`: `has`, a collation of the server; `uses`, a collation of a table or a
    /// database; `keyless`, an InnoDB table as the dictionary writes it; `zones`, how many time zones have
    /// names. InnoDB's dictionary is asked for keys since it opens no table for that.
    ///
    /// A table counts as keyless where InnoDB had to make up a clustered index. One with a unique key
    /// without NULLs has a clustered index of its own, and an applier can find a row by it.
    pub fn schema(self) -> String {
        let prefix = match self.family() {
            Family::MariaDb => "INNODB_SYS_",
            Family::MySql => "INNODB_",
        };
        // MariaDB 10.10 has collations that fit several character sets, each with a full name for one.
        let collations = match self.family() == Family::MariaDb && self.version.at_least(10, 10, 1) {
            true => {
                "SELECT 'has' AS what, FULL_COLLATION_NAME AS name FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY"
            }
            false => "SELECT 'has' AS what, COLLATION_NAME AS name FROM information_schema.COLLATIONS",
        };
        format!(
            "{collations} \
             UNION ALL SELECT DISTINCT 'uses', TABLE_COLLATION FROM information_schema.TABLES \
             WHERE TABLE_SCHEMA NOT IN ({SYSTEM_DATABASES}) AND TABLE_COLLATION IS NOT NULL \
             UNION ALL SELECT DISTINCT 'uses', DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA \
             WHERE SCHEMA_NAME NOT IN ({SYSTEM_DATABASES}) \
             UNION ALL (SELECT 'keyless', t.NAME FROM information_schema.{prefix}INDEXES i \
             JOIN information_schema.{prefix}TABLES t ON t.TABLE_ID = i.TABLE_ID \
             WHERE i.NAME = 'GEN_CLUST_INDEX' AND t.NAME NOT LIKE 'mysql/%' AND t.NAME NOT LIKE 'sys/%' \
             AND t.NAME LIKE '%/%' AND t.NAME NOT LIKE '%/FTS\\_%' LIMIT {NAMES}) \
             UNION ALL SELECT 'zones', COUNT(*) FROM mysql.time_zone_name"
        )
    }
}
