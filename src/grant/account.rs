//! An account as the server has it.

use std::collections::{BTreeMap, BTreeSet};

use super::{PasswordCheck, ed25519_hash, is_caching_sha2, native_hash, parse};

/// An account and what it may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountState {
    /// User name.
    pub user: String,
    /// Host part.
    pub host: String,
    /// Ways to log in: plugin and stored text.
    pub auth: Vec<(String, String)>,
    /// What stands behind `REQUIRE`, in upper case; empty for nothing.
    pub require: String,
    /// Whether it is locked.
    pub locked: bool,
    /// When its password expires.
    pub expiry: Expiry,
    /// What it may do so often in an hour or at the same time and no more, as `MAX_USER_CONNECTIONS 1`.
    pub limits: Vec<String>,
    /// Privileges by scope, such as `*.*` or `` `db`.* ``, in canonical words.
    pub privileges: BTreeMap<String, BTreeSet<String>>,
}

/// When a password expires.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Expiry {
    /// After the server's `default_password_lifetime`; never where it has none.
    #[default]
    AsServer,
    /// Never.
    Never,
    /// So many days after it was set.
    Days(u32),
    /// It has.
    Now,
}

impl AccountState {
    /// Puts an account together from the server's answers.
    ///
    /// # Errors
    /// When a statement can't be read.
    pub fn read(create: &str, grants: &[String]) -> Result<Self, parse::ParseError> {
        let mut account = parse::read_create_user(create)?;
        for line in grants {
            let Some(grant) = parse::read_grant(line)? else { continue };
            // MariaDB repeats login and TLS in the line of USAGE; SHOW CREATE USER has said it already.
            account.privileges.entry(grant.scope).or_default().extend(grant.privileges);
        }
        if let Some(global) = account.privileges.get_mut("*.*") {
            name_all(global);
        }
        account.privileges.retain(|_, set| !set.is_empty());
        Ok(account)
    }

    /// Privileges in one scope.
    pub fn privileges_on(&self, scope: &str) -> BTreeSet<String> {
        self.privileges.get(scope).cloned().unwrap_or_default()
    }

    /// Scopes with privileges beside the given one.
    pub fn scopes_beside(&self, scope: &str) -> Vec<String> {
        self.privileges.keys().filter(|s| *s != scope).cloned().collect()
    }

    /// Whether the server refuses this account without TLS.
    pub fn requires_tls(&self) -> bool {
        !self.require.is_empty() && self.require != "NONE"
    }

    /// Whether its password has expired, or will. `lifetime` is the server's `default_password_lifetime` in days.
    pub fn expires(&self, lifetime: u32) -> bool {
        match self.expiry {
            Expiry::AsServer => lifetime > 0,
            Expiry::Never => false,
            Expiry::Days(_) | Expiry::Now => true,
        }
    }

    /// Compares a password with the stored hash, without changing or sending anything. An account that can
    /// be entered in another way than by one password is not as it was wished.
    pub fn check_password(&self, password: &str) -> PasswordCheck {
        let [(plugin, stored)] = self.auth.as_slice() else { return PasswordCheck::Differs };
        let matches = match plugin.as_str() {
            "mysql_native_password" => Some(stored.eq_ignore_ascii_case(&native_hash(password))),
            "ed25519" => Some(*stored == ed25519_hash(password)),
            "caching_sha2_password" => is_caching_sha2(stored, password),
            "unix_socket" | "auth_socket" => Some(false),
            _ => None,
        };
        match matches {
            Some(true) => PasswordCheck::Matches,
            Some(false) => PasswordCheck::Differs,
            None => PasswordCheck::Unknown,
        }
    }
}

/// MySQL spells `ALL PRIVILEGES ON *.*` out, every static privilege and every dynamic one that it knows
/// (manual, "SHOW GRANTS Statement"). These are the static ones of 8.0 to 9.7.
const ALL_STATIC: &str = "SELECT,INSERT,UPDATE,DELETE,CREATE,DROP,RELOAD,SHUTDOWN,PROCESS,FILE,REFERENCES,INDEX,ALTER,\
    SHOW DATABASES,SUPER,CREATE TEMPORARY TABLES,LOCK TABLES,EXECUTE,REPLICATION SLAVE,BINLOG MONITOR,CREATE VIEW,\
    SHOW VIEW,CREATE ROUTINE,ALTER ROUTINE,CREATE USER,EVENT,TRIGGER,CREATE TABLESPACE,CREATE ROLE,DROP ROLE";

/// Puts the one word in the place of a list that says it. What may be passed on is a word of its own.
fn name_all(privileges: &mut BTreeSet<String>) {
    let dynamic = privileges.contains("SYSTEM_VARIABLES_ADMIN");
    if dynamic && ALL_STATIC.split(',').all(|word| privileges.contains(word)) {
        privileges.retain(|word| word == "GRANT OPTION");
        privileges.insert("ALL".to_owned());
    }
}

/// One word for privileges that were renamed; MariaDB 10.5.2 split and renamed several.
pub(crate) fn canonical_privilege(word: &str) -> String {
    let word = word.trim().to_ascii_uppercase().split_whitespace().collect::<Vec<_>>().join(" ");
    match word.as_str() {
        "REPLICATION CLIENT" => "BINLOG MONITOR".into(),
        "REPLICATION REPLICA" => "REPLICATION SLAVE".into(),
        "REPLICATION REPLICA ADMIN" => "REPLICATION SLAVE ADMIN".into(),
        "REPLICA MONITOR" => "SLAVE MONITOR".into(),
        "DELETE VERSIONING ROWS" => "DELETE HISTORY".into(),
        "ALL PRIVILEGES" => "ALL".into(),
        _ => word,
    }
}

/// Canonical words of several privileges; `USAGE` is none.
pub(crate) fn canonical_privileges(words: &[String]) -> BTreeSet<String> {
    words.iter().map(|w| canonical_privilege(w)).filter(|w| w != "USAGE").collect()
}

/// Whether an account belongs to the server or its package and is never copied to another server.
pub(crate) fn is_system_account(user: &str, host: &str) -> bool {
    matches!(
        user,
        "mariadb.sys"
            | "mysql"
            | "mysql.sys"
            | "mysql.session"
            | "mysql.infoschema"
            | "debian-sys-maint"
            | "PUBLIC"
            | ""
    ) || (user == "root" && matches!(host, "localhost" | "127.0.0.1" | "::1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_one_word_in_both_families() {
        let create = "CREATE USER `a`@`%` IDENTIFIED WITH 'caching_sha2_password' AS 0x24 REQUIRE NONE";
        let lines = |text: &str| vec![format!("GRANT {text} ON *.* TO `a`@`%`")];
        let of = |lines: &[String]| AccountState::read(create, lines).expect("grants").privileges_on("*.*");
        let mut spelled = lines(ALL_STATIC);
        assert_eq!(of(&spelled).len(), 30);
        spelled.extend(lines("BACKUP_ADMIN,SYSTEM_VARIABLES_ADMIN"));
        assert_eq!(of(&spelled), canonical_privileges(&["ALL".to_owned()]));
        assert_eq!(of(&lines("ALL PRIVILEGES")), canonical_privileges(&["ALL PRIVILEGES".to_owned()]));
    }
}
