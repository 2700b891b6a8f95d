//! Statements about accounts.

use super::{Dialect, literal};
use crate::{
    grant::{caching_sha2_hash, native_hash, new_salt},
    model::Family,
};

impl Dialect {
    /// The stored form of a password, by the plugin that this server's replicas can log in with: MariaDB's
    /// replicas know `mysql_native_password` everywhere, and MySQL removed it with 9.0.
    pub fn password_hash(self, password: &str) -> String {
        match self.family() {
            Family::MariaDb => native_hash(password),
            Family::MySql => caching_sha2_hash(password, &new_salt()),
        }
    }

    /// How many bytes of a channel's password the server keeps (MySQL manual, "CHANGE REPLICATION SOURCE TO":
    /// 32; error 3056).
    pub fn longest_channel_password(self) -> usize {
        match self.family() {
            Family::MariaDb => usize::MAX,
            Family::MySql => 32,
        }
    }

    /// Creates or changes an account so that it logs in by exactly one password, given as its stored
    /// form, so that no clear text reaches any log of the server.
    pub fn account(self, user: &str, host: &str, hash: &str, tls: bool) -> Vec<String> {
        let name = format!("{}@{}", literal(user), literal(host));
        let require = if tls { "SSL" } else { "NONE" };
        let how = match self.family() {
            Family::MariaDb => format!("IDENTIFIED VIA mysql_native_password USING {}", literal(hash)),
            // The salt may hold any character of seven bits.
            Family::MySql => {
                let hex: String = hash.bytes().map(|b| format!("{b:02X}")).collect();
                format!("IDENTIFIED WITH caching_sha2_password AS 0x{hex}")
            }
        };
        let mut statements = vec![
            format!("CREATE USER IF NOT EXISTS {name} {how} REQUIRE {require}"),
            format!("ALTER USER {name} {how} REQUIRE {require}"),
        ];
        if self.family() == Family::MySql || self.version.at_least(10, 4, 2) {
            statements.push(format!("ALTER USER {name} ACCOUNT UNLOCK"));
        }
        statements
    }

    /// What a session says first so that `SHOW CREATE USER` can be read and run again: the salt of a
    /// MySQL hash holds characters that no text survives with (8.0.17 and later).
    pub fn show_hashes_as_hex(self) -> Option<&'static str> {
        (self.family() == Family::MySql).then_some("SET SESSION print_identified_with_as_hex=1")
    }

    /// Whether an account is a role: a query for all, whose column `is_role` is `Y` or not.
    pub fn show_accounts(self) -> &'static str {
        match self.family() {
            Family::MariaDb => {
                "SELECT User AS user, Host AS host, is_role AS is_role FROM mysql.user ORDER BY is_role DESC, User, Host"
            }
            // A role is an account like another; those that are granted come first.
            Family::MySql => {
                "SELECT User AS user, Host AS host, 'N' AS is_role FROM mysql.user ORDER BY \
                 EXISTS (SELECT 1 FROM mysql.role_edges WHERE FROM_USER = User AND FROM_HOST = Host) DESC, User, Host"
            }
        }
    }
}
