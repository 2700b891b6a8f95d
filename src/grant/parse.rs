//! Reads `SHOW CREATE USER` and `SHOW GRANTS` of both families.

use std::collections::BTreeSet;

use super::{AccountState, Expiry, canonical_privilege};

/// A statement that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the server's statement can't be read: {what}, near `{near}`")]
pub struct ParseError {
    what: &'static str,
    near: String,
}

/// One line of `SHOW GRANTS`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Grant {
    /// Where it holds: `*.*`, `` `db`.* ``, `` `db`.`table` ``; names in backticks.
    pub scope: String,
    /// Canonical words; `GRANT OPTION` is one of them.
    pub privileges: BTreeSet<String>,
}

impl Grant {
    /// Whether it is on a package or its body.
    pub(crate) fn is_on_package(&self) -> bool {
        self.scope.starts_with("PACKAGE ")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    /// Quoted with `'` or `"`, or a name in backticks.
    Quoted(String),
    Sign(char),
}

fn tokens(text: &str) -> Result<Vec<Token>, ParseError> {
    let mut list = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&c) = chars.peek() {
        match c {
            c if c.is_whitespace() => {
                chars.next();
            }
            '\'' | '"' | '`' => {
                chars.next();
                list.push(Token::Quoted(quoted(&mut chars, c)?));
            }
            c if c.is_alphanumeric() || matches!(c, '_' | '$') => {
                let mut word = String::new();
                while let Some(&c) = chars.peek().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '$')) {
                    word.push(c);
                    chars.next();
                }
                list.push(Token::Word(word));
            }
            c => {
                list.push(Token::Sign(c));
                chars.next();
            }
        }
    }
    Ok(list)
}

/// A quoted text: doubled quotes, and backslash escapes outside of backticks.
fn quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, open: char) -> Result<String, ParseError> {
    let mut text = String::new();
    while let Some(c) = chars.next() {
        if c == open {
            if chars.peek() != Some(&open) {
                return Ok(text);
            }
            chars.next();
            text.push(open);
        } else if c == '\\' && open != '`' {
            match chars.next() {
                Some('n') => text.push('\n'),
                Some('0') => text.push('\0'),
                Some('r') => text.push('\r'),
                Some(other) => text.push(other),
                None => break,
            }
        } else {
            text.push(c);
        }
    }
    Err(ParseError { what: "a quote does not end", near: text.chars().take(20).collect() })
}

struct Cursor {
    tokens: Vec<Token>,
    at: usize,
}

impl Cursor {
    fn of(text: &str) -> Result<Self, ParseError> {
        Ok(Self { tokens: tokens(text)?, at: 0 })
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn word(&self) -> Option<String> {
        match self.peek() {
            Some(Token::Word(word)) => Some(word.to_ascii_uppercase()),
            _ => None,
        }
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.word().as_deref() == Some(word);
        if found {
            self.at += 1;
        }
        found
    }

    fn sign(&mut self, sign: char) -> bool {
        let found = self.peek() == Some(&Token::Sign(sign));
        if found {
            self.at += 1;
        }
        found
    }

    fn name(&mut self) -> Option<String> {
        match self.next()? {
            Token::Word(text) | Token::Quoted(text) => Some(text),
            Token::Sign(_) => None,
        }
    }

    fn wrong(&self, what: &'static str) -> ParseError {
        ParseError {
            what,
            near: self
                .peek()
                .map_or_else(|| "the end".to_owned(), |t| format!("{t:?}").chars().take(30).collect()),
        }
    }

    /// `user`@`host`; a role of MariaDB has no host.
    fn account(&mut self) -> Result<(String, String), ParseError> {
        let user = self.name().ok_or_else(|| self.wrong("no account name"))?;
        let host = match self.sign('@') {
            true => self.name().ok_or_else(|| self.wrong("no host part"))?,
            false => String::new(),
        };
        Ok((user, host))
    }
}

/// Reads the answer of `SHOW CREATE USER`.
///
/// # Errors
/// When it is no such statement.
pub(super) fn read_create_user(text: &str) -> Result<AccountState, ParseError> {
    let mut cursor = Cursor::of(text)?;
    if !(cursor.eat("CREATE") && cursor.eat("USER")) {
        return Err(cursor.wrong("not CREATE USER"));
    }
    let (user, host) = cursor.account()?;
    let mut account = AccountState { user, host, ..AccountState::default() };
    while let Some(word) = cursor.word() {
        cursor.at += 1;
        match word.as_str() {
            "IDENTIFIED" => read_identified(&mut cursor, &mut account)?,
            "REQUIRE" => {
                let mut words = Vec::new();
                while let Some(word) = cursor.word().filter(|w| {
                    matches!(w.as_str(), "NONE" | "SSL" | "X509" | "SUBJECT" | "ISSUER" | "CIPHER" | "AND")
                }) {
                    cursor.at += 1;
                    words.push(word);
                    if let Some(Token::Quoted(_)) = cursor.peek() {
                        cursor.at += 1;
                    }
                }
                account.require = words.join(" ");
            }
            "ACCOUNT" => account.locked = cursor.eat("LOCK"),
            "PASSWORD" if cursor.eat("EXPIRE") => account.expiry = read_expiry(&mut cursor)?,
            // PASSWORD REQUIRE CURRENT speaks of changing it.
            "PASSWORD" => {
                cursor.eat("REQUIRE");
            }
            limit if LIMITS.contains(&limit) => {
                let most = cursor.word().ok_or_else(|| cursor.wrong("no limit"))?;
                cursor.at += 1;
                account.limits.extend((most != "0").then(|| format!("{limit} {most}")));
            }
            // Comments, what a password must be, and the like: not ours to compare.
            _ => {
                while matches!(cursor.peek(), Some(Token::Quoted(_) | Token::Sign(_))) {
                    cursor.at += 1;
                }
            }
        }
    }
    Ok(account)
}

/// Limits that end a login, which both families have.
pub(crate) const LIMITS: [&str; 4] =
    ["MAX_QUERIES_PER_HOUR", "MAX_UPDATES_PER_HOUR", "MAX_CONNECTIONS_PER_HOUR", "MAX_USER_CONNECTIONS"];

/// What follows `PASSWORD EXPIRE`.
fn read_expiry(cursor: &mut Cursor) -> Result<Expiry, ParseError> {
    if cursor.eat("DEFAULT") {
        return Ok(Expiry::AsServer);
    }
    if cursor.eat("NEVER") {
        return Ok(Expiry::Never);
    }
    if !cursor.eat("INTERVAL") {
        return Ok(Expiry::Now);
    }
    let days = cursor.word().and_then(|days| days.parse().ok());
    let days = days.ok_or_else(|| cursor.wrong("no number of days"))?;
    cursor.at += 1;
    cursor.eat("DAY");
    Ok(Expiry::Days(days))
}

/// `IDENTIFIED BY PASSWORD '*..'`, `VIA plugin USING '..' OR ..` (MariaDB), `WITH 'plugin' AS '..'` (MySQL).
fn read_identified(cursor: &mut Cursor, account: &mut AccountState) -> Result<(), ParseError> {
    if cursor.eat("BY") {
        cursor.eat("PASSWORD");
        let stored = cursor.name().ok_or_else(|| cursor.wrong("no password hash"))?;
        account.auth.push(("mysql_native_password".into(), stored));
        return Ok(());
    }
    if !(cursor.eat("VIA") || cursor.eat("WITH")) {
        return Err(cursor.wrong("no way to log in"));
    }
    loop {
        let plugin = cursor.name().ok_or_else(|| cursor.wrong("no plugin"))?;
        let mut stored = String::new();
        if cursor.eat("USING") || cursor.eat("AS") || cursor.eat("BY") {
            stored = cursor.name().ok_or_else(|| cursor.wrong("no stored text"))?;
        }
        account.auth.push((plugin, stored));
        if !cursor.eat("OR") {
            return Ok(());
        }
    }
}

/// Reads one line of `SHOW GRANTS`; `None` for a grant of a role or of a proxy.
///
/// # Errors
/// When it is no such statement.
pub(crate) fn read_grant(text: &str) -> Result<Option<Grant>, ParseError> {
    let mut cursor = Cursor::of(text)?;
    if cursor.eat("SET") {
        return Ok(None);
    }
    // MySQL shows what was taken out of a wider grant (`partial_revokes`) in lines of its own.
    let revoked = cursor.eat("REVOKE");
    if !revoked && !cursor.eat("GRANT") {
        return Err(cursor.wrong("not GRANT"));
    }
    let mut grant = Grant::default();
    let mut words: Vec<String> = Vec::new();
    let mut columns = String::new();
    loop {
        match cursor.next() {
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("ON") => break,
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("TO") => return Ok(None),
            Some(Token::Word(word)) => words.push(word),
            Some(Token::Sign('(')) => {
                while let Some(token) = cursor.next() {
                    match token {
                        Token::Sign(')') => break,
                        Token::Word(name) | Token::Quoted(name) => columns.push_str(&format!("`{name}` ")),
                        Token::Sign(_) => {}
                    }
                }
            }
            Some(Token::Sign(',')) => take(&mut words, &mut columns, &mut grant),
            // A role: GRANT `role` TO ...
            Some(Token::Quoted(_) | Token::Sign(_)) => return Ok(None),
            None => return Err(cursor.wrong("no scope")),
        }
    }
    take(&mut words, &mut columns, &mut grant);
    if grant.privileges.contains("PROXY") {
        return Ok(None);
    }
    grant.privileges.remove("USAGE");
    for kind in ["TABLE", "PROCEDURE", "FUNCTION", "PACKAGE", "BODY"] {
        if cursor.eat(kind) && kind != "TABLE" {
            grant.scope.push_str(&format!("{kind} "));
        }
    }
    let part = |cursor: &mut Cursor| match cursor.next() {
        Some(Token::Sign('*')) => Some("*".to_owned()),
        Some(Token::Word(name) | Token::Quoted(name)) => Some(format!("`{}`", name.replace('`', "``"))),
        _ => None,
    };
    let first = part(&mut cursor).ok_or_else(|| cursor.wrong("no scope"))?;
    grant.scope.push_str(&first);
    if cursor.sign('.') {
        let second = part(&mut cursor).ok_or_else(|| cursor.wrong("half a scope"))?;
        grant.scope.push('.');
        grant.scope.push_str(&second);
    }
    while let Some(token) = cursor.next() {
        if token == Token::Word("GRANT".into()) && cursor.word().as_deref() == Some("OPTION") {
            grant.privileges.insert("GRANT OPTION".into());
        }
    }
    if revoked {
        grant.privileges = grant.privileges.iter().map(|p| format!("not {p}")).collect();
    }
    Ok(Some(grant))
}

/// A line of `SHOW GRANTS` in one form, however a version quotes its names.
pub(crate) fn canonical_line(text: &str) -> String {
    let Ok(cursor) = Cursor::of(text) else { return text.to_owned() };
    let tokens = cursor.tokens.into_iter().map(|token| match token {
        Token::Word(word) => word,
        Token::Quoted(name) => format!("`{}`", name.replace('`', "``")),
        Token::Sign(sign) => sign.to_string(),
    });
    tokens.collect::<Vec<_>>().join(" ")
}

fn take(words: &mut Vec<String>, columns: &mut String, grant: &mut Grant) {
    if !words.is_empty() {
        let mut privilege = canonical_privilege(&words.join(" "));
        if !columns.is_empty() {
            privilege.push_str(&format!(" ({})", columns.trim()));
        }
        grant.privileges.insert(privilege);
    }
    words.clear();
    columns.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(line: &str) -> String {
        match read_grant(line) {
            Ok(Some(g)) => {
                format!("{}: {}", g.scope, g.privileges.into_iter().collect::<Vec<_>>().join(", "))
            }
            Ok(None) => "-".into(),
            Err(e) => e.to_string(),
        }
    }

    #[test]
    fn a_package_and_its_body_are_two() {
        let read = |line| read_grant(line).expect("a grant").expect("no role");
        let package = read("GRANT EXECUTE ON PACKAGE `shop`.`pk` TO `u`@`%`");
        let body = read("GRANT EXECUTE ON PACKAGE BODY `shop`.`pk` TO `u`@`%`");
        assert_eq!(
            (package.scope.as_str(), body.scope.as_str()),
            ("PACKAGE `shop`.`pk`", "PACKAGE BODY `shop`.`pk`")
        );
        assert!(package.is_on_package() && body.is_on_package());
    }

    #[test]
    fn a_line_has_one_form_however_its_names_are_quoted() {
        let new = "GRANT PROXY ON ``@`%` TO `u1`@`%` WITH GRANT OPTION";
        assert_eq!(
            canonical_line("GRANT PROXY ON ''@'%' TO 'u1'@'%' WITH GRANT OPTION"),
            canonical_line(new)
        );
        assert_ne!(
            canonical_line("GRANT PROXY ON ''@'%' TO 'u2'@'%' WITH GRANT OPTION"),
            canonical_line(new)
        );
    }

    #[test]
    fn grants_of_both_families() {
        for (line, wanted) in [
            (
                "GRANT REPLICATION SLAVE ON *.* TO `repl_user`@`10.0.0.2` IDENTIFIED BY PASSWORD '*14E65567ABDB5135D0CFD9A70B3032C179A49EE7'",
                "*.*: REPLICATION SLAVE",
            ),
            ("GRANT REPLICATION SLAVE ON *.* TO `r`@`%` REQUIRE SSL", "*.*: REPLICATION SLAVE"),
            ("GRANT USAGE ON *.* TO `app`@`%`", "*.*: "),
            (
                "GRANT SELECT, INSERT ON `my\\_db`.* TO `app`@`%` WITH GRANT OPTION",
                "`my\\_db`.*: GRANT OPTION, INSERT, SELECT",
            ),
            (
                "GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` IDENTIFIED VIA mysql_native_password USING 'invalid' OR unix_socket WITH GRANT OPTION",
                "*.*: ALL, GRANT OPTION",
            ),
            ("GRANT PROXY ON ''@'%' TO 'root'@'localhost' WITH GRANT OPTION", "-"),
            (
                "GRANT SELECT (`a`, `b`), UPDATE (`c`) ON `d`.`t` TO `x`@`y`",
                "`d`.`t`: SELECT (`a` `b`), UPDATE (`c`)",
            ),
            ("GRANT `app_role` TO `u`@`%`", "-"),
            (
                "GRANT BACKUP_ADMIN,CLONE_ADMIN ON *.* TO `root`@`localhost` WITH GRANT OPTION",
                "*.*: BACKUP_ADMIN, CLONE_ADMIN, GRANT OPTION",
            ),
            ("REVOKE SELECT, INSERT ON `mysql`.* FROM `x`@`%`", "`mysql`.*: not INSERT, not SELECT"),
            ("GRANT EXECUTE ON PROCEDURE `d`.`p` TO `x`@`%`", "PROCEDURE `d`.`p`: EXECUTE"),
            ("GRANT REPLICATION CLIENT ON *.* TO `x`@`%`", "*.*: BINLOG MONITOR"),
        ] {
            assert_eq!(grant(line), wanted, "{line}");
        }
    }

    #[test]
    fn ways_to_log_in() {
        let read = |text: &str| read_create_user(text).expect(text);
        let native = read("CREATE USER `r`@`10.0.0.2` IDENTIFIED BY PASSWORD '*AB' REQUIRE SSL");
        assert_eq!(
            (native.auth, native.require.as_str()),
            (vec![("mysql_native_password".into(), "*AB".into())], "SSL")
        );
        let root = read(
            "CREATE USER `root`@`localhost` IDENTIFIED VIA mysql_native_password USING 'invalid' OR unix_socket",
        );
        assert_eq!(root.auth.len(), 2);
        let mysql = read(
            "CREATE USER `a`@`%` IDENTIFIED WITH 'caching_sha2_password' AS '$A$005$x' REQUIRE NONE PASSWORD EXPIRE DEFAULT ACCOUNT LOCK PASSWORD HISTORY DEFAULT",
        );
        let of = |more: &str| read_create_user(&format!("CREATE USER `a`@`%`{more}")).expect("an account");
        for (more, expiry, limits) in [
            ("", Expiry::AsServer, ""),
            (" PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK", Expiry::AsServer, ""),
            (" PASSWORD EXPIRE ACCOUNT UNLOCK", Expiry::Now, ""),
            (" ACCOUNT LOCK PASSWORD EXPIRE", Expiry::Now, ""),
            (" PASSWORD EXPIRE NEVER", Expiry::Never, ""),
            (
                " REQUIRE SSL WITH MAX_USER_CONNECTIONS 2 PASSWORD EXPIRE INTERVAL 90 DAY",
                Expiry::Days(90),
                "MAX_USER_CONNECTIONS 2",
            ),
            (
                " WITH MAX_QUERIES_PER_HOUR 3 MAX_UPDATES_PER_HOUR 0 MAX_STATEMENT_TIME 1.5",
                Expiry::AsServer,
                "MAX_QUERIES_PER_HOUR 3",
            ),
        ] {
            let account = of(more);
            assert_eq!((account.expiry, account.limits.join(" ").as_str()), (expiry, limits), "{more}");
        }
        assert!(mysql.locked && mysql.require == "NONE");
        let nine = read(
            "CREATE USER `a`@`%` IDENTIFIED WITH 'caching_sha2_password' AS 0x2441 DEFAULT ROLE `r`@`%` REQUIRE SSL \
             PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK PASSWORD HISTORY DEFAULT PASSWORD REUSE INTERVAL DEFAULT \
             PASSWORD REQUIRE CURRENT DEFAULT FAILED_LOGIN_ATTEMPTS 3 ATTRIBUTE '{\"a\": 1}'",
        );
        assert_eq!(nine.auth, [("caching_sha2_password".to_owned(), "0x2441".to_owned())]);
        assert!(nine.requires_tls() && !nine.locked);
        assert!(read("CREATE USER `o'x`@`%`").user.contains('\''));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(GRANT |REVOKE |CREATE USER )?[ -~]{0,60}") {
            let _ = read_grant(&text);
            let _ = read_create_user(&text);
        }
    }
}
