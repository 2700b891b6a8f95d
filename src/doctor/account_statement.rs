//! A statement about one account that an applier could not run.

use crate::{model::words, observe::ChannelFacts};

words! {
    /// What such a statement does.
    pub enum AccountVerb: "a statement about an account" {
        /// Gives rights.
        Grant = "GRANT",
        /// Takes rights.
        Revoke = "REVOKE",
        /// Changes the account.
        Alter = "ALTER USER",
        /// Changes its password.
        SetPassword = "SET PASSWORD",
        /// Drops it.
        Drop = "DROP USER",
    }
}

/// A statement about exactly one account. What gives something to somebody else too is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountStatement {
    /// What it does.
    pub verb: AccountVerb,
    /// Name of the account.
    pub user: String,
    /// The host from which it may log in.
    pub host: String,
    /// The server's error number.
    errno: u32,
}

/// The account is not there, or has nothing of what is taken.
const NO_SUCH_ACCOUNT: [u32; 6] = [1133, 1141, 1147, 1269, 1396, 1410];

impl AccountStatement {
    /// The one that has stopped a channel's applier.
    pub fn that_stopped(channel: &ChannelFacts) -> Option<Self> {
        let errno = channel.sql_errno;
        if !NO_SUCH_ACCOUNT.contains(&errno) {
            return None;
        }
        let (_, query) = channel.sql_error.split_once("Query: '")?;
        let query = query.trim_end_matches(['.', '\'', '"']).trim_start();
        let begins = |verb: &&AccountVerb| {
            let begin = query.get(..verb.word().len());
            begin.is_some_and(|begin| begin.eq_ignore_ascii_case(verb.word()))
        };
        let verb = *AccountVerb::ALL.iter().find(begins)?;
        let rest = &query[verb.word().len()..];
        let (before, after) = rest.split_once('@')?;
        if !rest.starts_with(char::is_whitespace) || after.contains(['@', ',']) {
            return None;
        }
        let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '%' | '/');
        let before = before.trim_end_matches(['\'', '`', '"']);
        let user = before[before.rfind(|c| !name(c)).map_or(0, |at| at + 1)..].to_owned();
        let after = after.trim_start_matches(['\'', '`', '"']);
        let host = after[..after.find(|c| !name(c)).unwrap_or(after.len())].to_owned();
        Some(Self { verb, user, host, errno })
    }
}

impl std::fmt::Display for AccountStatement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}@{}", self.verb, self.user, self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Option<String> {
        let sql_error =
            format!("Error 'Can\'t find any matching row' on query. Default database: ''. Query: '{query}'");
        let channel = ChannelFacts { sql_errno: 1133, sql_error, ..ChannelFacts::default() };
        AccountStatement::that_stopped(&channel).map(|statement| statement.to_string())
    }

    #[test]
    fn statements_about_one_account_are_read() {
        for (query, expected) in [
            ("grant process on *.* to repl@'10.0.0.1'", Some("GRANT repl@10.0.0.1")),
            ("ALTER USER `repl`@`10.0.0.12` ACCOUNT LOCK", Some("ALTER USER repl@10.0.0.12")),
            ("drop user repl@'%'", Some("DROP USER repl@%")),
            ("grant process on *.* to repl@'10.0.0.1', app@'%'", None),
            ("grants process on *.* to repl@'10.0.0.1'", None),
            ("update t set v = 'repl@x'", None),
            ("grant", None),
            ("gränt x@y", None),
        ] {
            assert_eq!(read(query).as_deref(), expected, "{query}");
        }
    }
}
