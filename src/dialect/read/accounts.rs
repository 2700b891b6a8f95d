//! The accounts of a server.

use super::ReadStatement;
use crate::{
    dialect::{Dialect, SYSTEM_DATABASES, account::NOBODY, literal},
    model::Family,
};

/// How an account of MySQL before 5.7.6 logs in: a plugin is named where it is none of the two that the length of a hash
/// tells.
const LOGIN: &str = "CASE WHEN IFNULL(plugin, '') IN ('', 'mysql_native_password', 'mysql_old_password') \
    THEN CONCAT(' IDENTIFIED BY PASSWORD ', QUOTE(Password)) \
    ELSE CONCAT(' IDENTIFIED WITH ', QUOTE(plugin), ' AS ', QUOTE(IFNULL(authentication_string, ''))) END";
/// What it requires.
const REQUIRE: &str = "CASE ssl_type WHEN '' THEN 'NONE' WHEN 'ANY' THEN 'SSL' WHEN 'X509' THEN 'X509' ELSE CONCAT_WS(' ', \
    CASE WHEN LENGTH(ssl_cipher) > 0 THEN CONCAT('CIPHER ', QUOTE(ssl_cipher)) END, \
    CASE WHEN LENGTH(x509_issuer) > 0 THEN CONCAT('ISSUER ', QUOTE(x509_issuer)) END, \
    CASE WHEN LENGTH(x509_subject) > 0 THEN CONCAT('SUBJECT ', QUOTE(x509_subject)) END) END";
/// How much it may do.
const LIMITS: &str = "' WITH MAX_QUERIES_PER_HOUR ', max_questions, ' MAX_UPDATES_PER_HOUR ', max_updates, \
    ' MAX_CONNECTIONS_PER_HOUR ', max_connections, ' MAX_USER_CONNECTIONS ', max_user_connections";

impl ReadStatement {
    /// How hashes are shown. It changes no other answer, so a session may keep it.
    pub(in crate::dialect) fn hashes_as_hex() -> Self {
        Self::new("SET SESSION print_identified_with_as_hex=1")
    }

    /// The names of all accounts. The database `test` is open to an anonymous user that may be in that table alone.
    pub fn account_names() -> Self {
        Self::new(
            "SELECT User AS user, Host AS host FROM mysql.user UNION SELECT User, Host FROM mysql.db WHERE User = ''",
        )
    }

    /// Accounts that serve replication and nothing else, as `is_ours` `N`, and those that keep a lost host out, as `Y`. An
    /// account that can read or set more is a person's or an application's.
    pub fn replicating_accounts() -> Self {
        Self::new(format!(
            "SELECT User AS user, Host AS host, 'Y' AS is_ours FROM mysql.user WHERE x509_subject = {} \
             UNION ALL SELECT User, Host, 'N' FROM mysql.user \
             WHERE Host <> '' AND Repl_slave_priv = 'Y' AND Select_priv = 'N' AND Super_priv = 'N'",
            literal(NOBODY)
        ))
    }

    /// Accounts with which nobody can log in (MariaDB).
    pub fn locked_accounts() -> Self {
        Self::new(
            "SELECT User AS user, Host AS host FROM mysql.global_priv WHERE Priv LIKE '%\"account_locked\":true%'",
        )
    }

    /// Which roles accounts and other roles have (MariaDB).
    pub fn roles_of_accounts() -> Self {
        Self::new("SELECT User AS user, Host AS host, Role AS role FROM mysql.roles_mapping")
    }

    /// What an account may do, a statement a row. A role has no host.
    pub fn grants(user: &str, host: Option<&str>) -> Self {
        let host = host.map(|host| format!("@{}", literal(host)));
        match (user, host) {
            // A word of its own, and no name.
            ("PUBLIC", None) => Self::new("SHOW GRANTS FOR PUBLIC"),
            (user, host) => {
                Self::new(format!("SHOW GRANTS FOR {}{}", literal(user), host.unwrap_or_default()))
            }
        }
    }

    /// Tables, columns and routines on which something was granted: `user`, `host`, `db`, `name`, `part`, which is the
    /// column, or nothing, `kind` of a routine, and `privileges` with commas between them.
    pub fn granted_objects() -> Self {
        Self::new(
            "SELECT User AS user, Host AS host, Db AS db, Table_name AS name, '' AS part, '' AS kind, Table_priv AS privileges \
             FROM mysql.tables_priv WHERE Table_priv <> '' \
             UNION ALL SELECT User, Host, Db, Table_name, Column_name, '', Column_priv FROM mysql.columns_priv \
             UNION ALL SELECT User, Host, Db, Routine_name, '', Routine_type, Proc_priv FROM mysql.procs_priv",
        )
    }

    /// Routines of users: `db`, `name`.
    pub fn routines() -> Self {
        Self::new(format!(
            "SELECT ROUTINE_SCHEMA AS db, ROUTINE_NAME AS name FROM information_schema.ROUTINES \
             WHERE ROUTINE_SCHEMA NOT IN ({SYSTEM_DATABASES})"
        ))
    }

    /// Plugins that accounts can log in by, and that work: `name`.
    pub fn login_plugins() -> Self {
        Self::new(
            "SELECT PLUGIN_NAME AS name FROM information_schema.PLUGINS \
             WHERE PLUGIN_TYPE = 'AUTHENTICATION' AND PLUGIN_STATUS = 'ACTIVE'",
        )
    }

    /// Transactions that are prepared and wait for their end: `data` is the name of each.
    pub fn prepared_transactions() -> Self {
        Self::new("XA RECOVER")
    }

    /// What the account that is logged in was granted on everything.
    pub fn own_privileges() -> Self {
        Self::new(
            "SELECT PRIVILEGE_TYPE AS privilege, IS_GRANTABLE AS grantable FROM information_schema.USER_PRIVILEGES \
             WHERE REPLACE(GRANTEE, '''', '') = CURRENT_USER()",
        )
    }
}

impl Dialect {
    /// Accounts and roles that may write although the server is read-only, as `grantee`. MySQL has `super_read_only`
    /// against them. READ_ONLY ADMIN came with MariaDB 10.5.2, and until 10.11 SUPER was enough.
    pub fn who_writes_past_read_only(self) -> Option<ReadStatement> {
        let version = self.version;
        let privileges = match self.family() {
            Family::MySql => return None,
            Family::MariaDb if version.at_least(10, 11, 0) => "'READ_ONLY ADMIN', 'READ ONLY ADMIN'",
            Family::MariaDb => "'READ_ONLY ADMIN', 'READ ONLY ADMIN', 'SUPER'",
        };
        Some(ReadStatement::new(format!(
            "SELECT GRANTEE AS grantee FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE IN ({privileges})"
        )))
    }

    /// What a session says first so that `SHOW CREATE USER` can be read and run again: the salt of a
    /// MySQL hash holds characters that no text survives with (8.0.17 and later).
    pub fn show_hashes_as_hex(self) -> Option<ReadStatement> {
        self.mysql(8, 0, 17).then(ReadStatement::hashes_as_hex)
    }

    /// How an account logs in, as a statement in the first column of the only row. `SHOW CREATE USER` came
    /// with MySQL 5.7.6; before, it is put together from the table of accounts.
    pub fn show_create_user(self, user: &str, host: &str) -> ReadStatement {
        let (user, host) = (literal(user), literal(host));
        ReadStatement::new(match self.family() == Family::MariaDb || self.mysql(5, 7, 6) {
            true => format!("SHOW CREATE USER {user}@{host}"),
            false => format!(
                "SELECT CONCAT('CREATE USER ', QUOTE(User), '@', QUOTE(Host), {LOGIN}, ' REQUIRE ', {REQUIRE}, {LIMITS}) \
                 FROM mysql.user WHERE User = {user} AND Host = {host}"
            ),
        })
    }

    /// Whether an account is a role: a query for all, whose column `is_role` is `Y` or not.
    pub fn show_accounts(self) -> ReadStatement {
        ReadStatement::new(match self.family() {
            Family::MariaDb => {
                "SELECT User AS user, Host AS host, is_role AS is_role FROM mysql.user ORDER BY is_role DESC, User, Host"
            }
            Family::MySql if !self.mysql(8, 0, 0) => {
                "SELECT User AS user, Host AS host, 'N' AS is_role FROM mysql.user ORDER BY User, Host"
            }
            // A role is an account like another; those that are granted come first.
            Family::MySql => {
                "SELECT User AS user, Host AS host, 'N' AS is_role FROM mysql.user ORDER BY \
                 EXISTS (SELECT 1 FROM mysql.role_edges WHERE FROM_USER = User AND FROM_HOST = Host) DESC, User, Host"
            }
        })
    }
}
