//! Statements about accounts.

use super::{Dialect, Statement, literal};
use crate::{
    grant::{LIMITS, caching_sha2_hash, native_hash},
    model::Family,
};

impl Dialect {
    /// The stored form of a password, by the plugin that this server's replicas can log in with: MariaDB's
    /// replicas know `mysql_native_password` everywhere, and MySQL removed it with 9.0. The salt is a new one, for
    /// plugins that take one.
    pub fn password_hash(self, password: &str, salt: &str) -> String {
        match self.family() {
            Family::MySql if self.caching_sha2() => caching_sha2_hash(password, salt),
            Family::MariaDb | Family::MySql => native_hash(password),
        }
    }

    /// MySQL 8.0.4 made `caching_sha2_password` its default.
    fn caching_sha2(self) -> bool {
        self.mysql(8, 0, 4)
    }

    /// How many bytes of a channel's password the server keeps (MySQL manual, "CHANGE REPLICATION SOURCE TO":
    /// 32; error 3056. MariaDB: 96; error 1470).
    pub fn longest_channel_password(self) -> usize {
        match self.family() {
            Family::MariaDb => 96,
            Family::MySql => 32,
        }
    }

    /// Creates or changes an account so that it logs in by exactly one password, given as its stored
    /// form, so that no clear text reaches any log of the server.
    /// One that `lasts` has no limits, and its password does not expire: whoever logs in by it could not change it.
    pub fn account(self, user: &str, host: &str, hash: &str, tls: bool, lasts: bool) -> Vec<Statement> {
        let name = format!("{}@{}", literal(user), literal(host));
        let mut require = if tls { "SSL" } else { "NONE" }.to_owned();
        if lasts {
            require += &format!(" WITH {}", LIMITS.map(|limit| format!("{limit} 0")).join(" "));
        }
        let how = match self.family() {
            Family::MariaDb => "IDENTIFIED VIA mysql_native_password USING",
            Family::MySql if self.caching_sha2() => "IDENTIFIED WITH caching_sha2_password AS",
            Family::MySql if self.alters_users() => "IDENTIFIED WITH mysql_native_password AS",
            // Until 5.7.6 a GRANT makes the account, or changes it.
            Family::MySql => {
                return vec![Statement::with_secret(hash, |stored| {
                    format!("GRANT USAGE ON *.* TO {name} IDENTIFIED BY PASSWORD {stored} REQUIRE {require}")
                })];
            }
        };
        let make = |verb: &str| {
            Statement::with_secret(hash, |stored| format!("{verb} {name} {how} {stored} REQUIRE {require}"))
        };
        let mut statements = vec![make("CREATE USER IF NOT EXISTS"), make("ALTER USER")];
        if self.family() == Family::MySql || self.version.at_least(10, 4, 3) {
            let expiry = if lasts { " PASSWORD EXPIRE NEVER" } else { "" };
            statements.push(format!("ALTER USER {name}{expiry} ACCOUNT UNLOCK").into());
        }
        statements
    }

    /// Whether accounts are made and changed by `CREATE USER IF NOT EXISTS` and `ALTER USER` (MySQL 5.7.6; MariaDB 10.1.3 and
    /// 10.2.0). Before, a `GRANT` makes an account, or gives it another password.
    pub(super) fn alters_users(self) -> bool {
        self.family() == Family::MariaDb || self.mysql(5, 7, 6)
    }

    /// Drops an account. One that is not there is no error where the server has a word for that; else see
    /// [`Dialect::account_was_gone`].
    pub fn drop_account(self, user: &str, host: &str) -> String {
        // MySQL 5.7.8 and MariaDB 10.1.3 know it.
        let words = match self.family() == Family::MariaDb || self.mysql(5, 7, 8) {
            true => "DROP USER IF EXISTS",
            false => "DROP USER",
        };
        format!("{words} {}@{}", literal(user), literal(host))
    }

    /// Whether the error of [`Dialect::drop_account`] says that there is no such account.
    pub fn account_was_gone(self, code: Option<u16>) -> bool {
        code == Some(1396) && self.family() == Family::MySql && !self.mysql(5, 7, 8)
    }

    /// Makes an account by which nobody can log in from one address, where a wider one of the same user would let it in: the
    /// narrower one counts. Where accounts can be locked (see [`Dialect::locks_accounts`]).
    pub fn account_that_keeps_out(self, user: &str, host: &str, hash: &str) -> Statement {
        let name = format!("{}@{}", literal(user), literal(host));
        let how = match self.family() {
            Family::MariaDb => "VIA mysql_native_password USING",
            Family::MySql if self.caching_sha2() => "WITH caching_sha2_password AS",
            Family::MySql => "WITH mysql_native_password AS",
        };
        Statement::with_secret(hash, |stored| {
            format!(
                "CREATE USER IF NOT EXISTS {name} IDENTIFIED {how} {stored} REQUIRE SUBJECT {} ACCOUNT LOCK",
                literal(NOBODY)
            )
        })
    }
}

/// Takes everything from an account, which is named as statements do.
pub(crate) fn revoke_all(account: &str) -> String {
    format!("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {account}")
}

/// Ends a session and what it runs.
pub(crate) fn end_session(id: u64) -> String {
    format!("KILL CONNECTION {id}")
}

/// Whether the error of [`end_session`] says that it has ended by itself.
pub(crate) fn session_was_gone(code: Option<u16>) -> bool {
    code == Some(1094)
}

/// The subject of no certificate. An account that requires it is ours, and keeps a lost host out.
pub(super) const NOBODY: &str = "/CN=tandem keeps a lost host out";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ServerVersion;

    #[test]
    fn accounts_by_version() {
        for (version, words) in [
            ("5.6.51", "GRANT USAGE ON *.* TO 'r'@'h' IDENTIFIED BY PASSWORD '*AB' REQUIRE SSL"),
            (
                "5.7.44",
                "CREATE USER IF NOT EXISTS 'r'@'h' IDENTIFIED WITH mysql_native_password AS '*AB' REQUIRE SSL",
            ),
            (
                "8.0.46",
                "CREATE USER IF NOT EXISTS 'r'@'h' IDENTIFIED WITH caching_sha2_password AS '*AB' REQUIRE SSL",
            ),
            (
                "10.3.39-MariaDB",
                "CREATE USER IF NOT EXISTS 'r'@'h' IDENTIFIED VIA mysql_native_password USING '*AB' REQUIRE SSL",
            ),
        ] {
            let dialect = Dialect::of(ServerVersion::parse(version).expect("a version"));
            assert_eq!(dialect.account("r", "h", "*AB", true, false)[0].text(), words);
            let lasting = dialect.account("r", "h", "*AB", true, true);
            let limits = "WITH MAX_QUERIES_PER_HOUR 0 MAX_UPDATES_PER_HOUR 0 MAX_CONNECTIONS_PER_HOUR 0 MAX_USER_CONNECTIONS 0";
            assert_eq!(lasting[0].text(), format!("{words} {limits}"));
            let never = dialect.alters_users() && !version.starts_with("10.3");
            let expiry = "ALTER USER 'r'@'h' PASSWORD EXPIRE NEVER ACCOUNT UNLOCK";
            assert_eq!(lasting.last().is_some_and(|last| last.text() == expiry), never, "{version}");
        }
        let of = |version: &str| Dialect::of(ServerVersion::parse(version).expect("a version"));
        assert_eq!(of("5.6.24").drop_account("a'", "%"), "DROP USER 'a\\''@'%'");
        assert_eq!(of("10.5.29-MariaDB").drop_account("a", "%"), "DROP USER IF EXISTS 'a'@'%'");
        assert!(of("5.6.24").account_was_gone(Some(1396)) && !of("5.7.44").account_was_gone(Some(1396)));
        assert!(of("5.7.44").password_hash("secret", "salt").starts_with('*'));
        assert!(of("8.4.3").password_hash("secret", "salt").starts_with("$A$005$"));
        assert!(
            of("5.5.62").show_create_user("a'b", "%").text().ends_with("WHERE User = 'a\\'b' AND Host = '%'")
        );
        assert_eq!(of("9.7.4").show_create_user("a", "%").text(), "SHOW CREATE USER 'a'@'%'");
    }
}
