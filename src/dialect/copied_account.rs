//! Statements that make an account what it is on another server, out of what `SHOW CREATE USER` said there.

use super::Dialect;
use crate::{
    grant::{LIMITS, split_outside_quotes},
    model::Family,
};

impl Dialect {
    /// Makes an account that is there like a new one. MariaDB shows no way to log in where the password is empty, and would
    /// keep another one.
    pub fn alter_user_like(self, create: &str) -> String {
        let rest = create.strip_prefix("CREATE USER ").unwrap_or(create);
        match split_outside_quotes(rest, " IDENTIFIED ") {
            None if self.family() == Family::MariaDb => {
                let (name, more) = split_outside_quotes(rest, " ").unwrap_or((rest, ""));
                format!("ALTER USER {name} IDENTIFIED BY PASSWORD '' {more}").trim_end().to_owned()
            }
            _ => format!("ALTER USER {rest}"),
        }
    }

    /// A statement about an account, as another server of the family has shown it, in this server's words; nothing where the
    /// one before it has said that already.
    pub fn account_statement(self, statement: &str) -> Option<String> {
        const MAKES: &str = "CREATE USER IF NOT EXISTS ";
        const ALTERS: &str = "ALTER USER ";
        // A grant of nothing makes the account, or gives it its password, its limits and what it requires.
        if !self.alters_users() {
            return match statement.strip_prefix(MAKES) {
                Some(rest) => Some(format!("GRANT USAGE ON *.* TO {rest}")),
                None => (!statement.starts_with(ALTERS)).then(|| statement.to_owned()),
            };
        }
        // Where an account is altered, MySQL names the plugin.
        let old = " IDENTIFIED BY PASSWORD ";
        match split_outside_quotes(statement, old) {
            Some((name, rest)) if self.family() == Family::MySql && statement.starts_with(ALTERS) => {
                Some(format!("{name} IDENTIFIED WITH 'mysql_native_password' AS {rest}"))
            }
            _ => Some(statement.to_owned()),
        }
    }

    /// Says that a password is empty: a method of MySQL alone, without one, would let it expire (manual, "ALTER USER").
    pub fn with_empty_password(self, create: &str) -> String {
        let methods = ["caching_sha2_password", "mysql_native_password", "sha256_password"];
        methods.iter().filter(|_| self.family() == Family::MySql).fold(create.to_owned(), |text, method| {
            let bare = format!(" IDENTIFIED WITH '{method}' REQUIRE ");
            text.replacen(&bare, &format!(" IDENTIFIED WITH '{method}' AS '' REQUIRE "), 1)
        })
    }

    /// Gives an account the defaults of what `SHOW CREATE USER` does not say of it: an account that is there would keep
    /// its own. Comments and attributes stay.
    pub fn unsaid_of_account(self, shown: &str, account: &str) -> Option<String> {
        let says = |words: &str| split_outside_quotes(shown, words).is_some();
        let maria = self.family() == Family::MariaDb;
        let mut all = Vec::new();
        all.extend((!says(" REQUIRE ")).then(|| "REQUIRE NONE".to_owned()));
        let time = (maria && self.version.at_least(10, 1, 1)).then_some("MAX_STATEMENT_TIME");
        let limits = LIMITS.into_iter().chain(time).filter(|limit| !says(&format!(" {limit} ")));
        let limits: Vec<String> = limits.map(|limit| format!("{limit} 0")).collect();
        all.extend((!limits.is_empty()).then(|| format!("WITH {}", limits.join(" "))));
        // MySQL always says both.
        if maria && self.version.at_least(10, 4, 3) {
            all.extend((!says(" ACCOUNT LOCK")).then(|| "ACCOUNT UNLOCK".to_owned()));
            all.extend((!says(" PASSWORD EXPIRE")).then(|| "PASSWORD EXPIRE DEFAULT".to_owned()));
        }
        if self.mysql(8, 0, 19) && !says(" FAILED_LOGIN_ATTEMPTS ") {
            all.push("FAILED_LOGIN_ATTEMPTS 0 PASSWORD_LOCK_TIME 0".to_owned());
        }
        let alters = maria && self.version.at_least(10, 2, 0) || self.mysql(5, 7, 6);
        (alters && !all.is_empty()).then(|| format!("ALTER USER {account} {}", all.join(" ")))
    }
}

/// A definition without limits of none: MySQL shows a limit that was set to 0 once, and not one that never was set.
pub(crate) fn without_no_limits(create: &str) -> String {
    let without = |text: String, limit: &&str| text.replace(&format!(" {limit} 0"), "");
    let text = LIMITS.iter().fold(create.to_owned(), without);
    text.replace(" WITH PASSWORD ", " PASSWORD ").trim_end_matches(" WITH").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ServerVersion;

    fn dialect(text: &str) -> Dialect {
        Dialect::of(ServerVersion::parse(text).expect("a version"))
    }

    #[test]
    fn an_empty_password_takes_the_place_of_another_one() {
        let altered = |create: &str| dialect("10.11.6-MariaDB").alter_user_like(create);
        assert_eq!(altered("CREATE USER `a b`@`%`"), "ALTER USER `a b`@`%` IDENTIFIED BY PASSWORD ''");
        let locked = "CREATE USER `a`@`%` REQUIRE SSL ACCOUNT LOCK";
        assert_eq!(altered(locked), "ALTER USER `a`@`%` IDENTIFIED BY PASSWORD '' REQUIRE SSL ACCOUNT LOCK");
        let has = "CREATE USER `a`@`%` IDENTIFIED VIA unix_socket";
        assert_eq!(altered(has), "ALTER USER `a`@`%` IDENTIFIED VIA unix_socket");
        let mysql = dialect("9.7.4");
        let bare = "CREATE USER `a`@`%` IDENTIFIED WITH 'caching_sha2_password' REQUIRE NONE";
        let empty = "ALTER USER `a`@`%` IDENTIFIED WITH 'caching_sha2_password' AS '' REQUIRE NONE";
        assert_eq!(mysql.alter_user_like(&mysql.with_empty_password(bare)), empty);
    }

    #[test]
    fn an_account_of_an_old_server_is_made_in_the_words_of_the_new_one() {
        let create = "CREATE USER IF NOT EXISTS 'a'@'%' IDENTIFIED BY PASSWORD '*AB' REQUIRE SSL WITH MAX_USER_CONNECTIONS 2";
        let alter = create.replacen("CREATE USER IF NOT EXISTS", "ALTER USER", 1);
        let grant = create.replacen("CREATE USER IF NOT EXISTS", "GRANT USAGE ON *.* TO", 1);
        let old = dialect("5.6.24");
        assert_eq!(
            (old.account_statement(create), old.account_statement(&alter)),
            (Some(grant.clone()), None)
        );
        assert_eq!(old.account_statement(&grant), Some(grant));
        let altered = dialect("5.7.44").account_statement(&alter);
        let named = "ALTER USER 'a'@'%' IDENTIFIED WITH 'mysql_native_password' AS '*AB' REQUIRE SSL WITH MAX_USER_CONNECTIONS 2";
        assert_eq!(altered.as_deref(), Some(named));
        assert_eq!(dialect("10.11.6-MariaDB").account_statement(&alter), Some(alter));
    }

    #[test]
    fn what_a_definition_does_not_say_is_reset() {
        let unsaid = |version: &str, shown: &str| dialect(version).unsaid_of_account(shown, "'a'@'%'");
        assert_eq!(
            unsaid(
                "10.11.6-MariaDB",
                "CREATE USER `a`@`%` REQUIRE SSL WITH MAX_USER_CONNECTIONS 2 ACCOUNT LOCK"
            )
            .as_deref(),
            Some(
                "ALTER USER 'a'@'%' WITH MAX_QUERIES_PER_HOUR 0 MAX_UPDATES_PER_HOUR 0 MAX_CONNECTIONS_PER_HOUR 0 \
                 MAX_STATEMENT_TIME 0 PASSWORD EXPIRE DEFAULT"
            )
        );
        assert_eq!(unsaid("5.6.51", "CREATE USER 'a'@'%'"), None);
        let never = "CREATE USER `a`@`%` REQUIRE NONE PASSWORD EXPIRE DEFAULT";
        let none = "CREATE USER `a`@`%` REQUIRE NONE WITH MAX_USER_CONNECTIONS 0 PASSWORD EXPIRE DEFAULT";
        assert_eq!(without_no_limits(none), never);
        assert_eq!(
            without_no_limits("CREATE USER `a`@`%` WITH MAX_USER_CONNECTIONS 0"),
            "CREATE USER `a`@`%`"
        );
    }
}
