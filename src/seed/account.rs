//! One account: as a server shows it, and as another server makes it.

use std::collections::BTreeSet;

use futures_util::future::{join_all, try_join_all};
use serde::{Deserialize, Serialize};

use crate::{
    dialect::{Dialect, ReadStatement, Statement, literal, revoke_all, without_no_limits},
    exec::{On, Statements, StepError},
    grant::{AccountState, canonical_line, read_grant, revocation},
    model::in_parallel,
    transport::{SqlError, SqlReader},
};

/// Accounts that are read in one message.
const TOGETHER: usize = 50;
/// Sessions that write accounts side by side: each of their statements is a message of its own.
const WRITERS: usize = 4;
/// MariaDB's role of all accounts, which can be granted something as well (10.11).
pub(super) const EVERYBODY: &str = "PUBLIC";

/// One account with the statements that make it what it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) user: String,
    pub(super) host: String,
    create: Vec<String>,
    grants: Vec<String>,
    roles: Vec<String>,
}

/// The wanted accounts of a server; whether one is wanted is asked with its user, its host, and whether it
/// is a role.
pub(super) async fn read(
    on: On<'_>,
    wanted: impl Fn(&str, &str, bool) -> bool,
) -> Result<Vec<Account>, StepError> {
    let reading = |e| on.failed("read its accounts", e);
    let dialect = on.dialect()?;
    let source = on.reader().await?;
    if let Some(hex) = dialect.show_hashes_as_hex() {
        source.query(&hex).await.map_err(reading)?;
    }
    let rows = source.query(&dialect.show_accounts()).await.map_err(reading)?;
    let mut names = Vec::new();
    for row in &rows {
        let (user, at) = (row.text("user").map_err(reading)?, row.text("host").map_err(reading)?);
        let role = row.need("is_role").map_err(reading)? == "Y";
        if wanted(&user, &at, role) {
            names.push((user, at, role));
        }
    }
    let accounts =
        in_parallel(TOGETHER, names.into_iter().map(|name| read_one(&source, dialect, name))).await;
    let accounts = accounts.into_iter().collect::<Result<Vec<_>, _>>().map_err(reading)?;
    Ok(accounts.into_iter().flatten().collect())
}

/// Nothing comes back for MariaDB's role of all accounts where it may do nothing.
async fn read_one(
    source: &SqlReader,
    dialect: Dialect,
    (user, at, role): (String, String, bool),
) -> Result<Option<Account>, SqlError> {
    let statement = ReadStatement::grants(&user, (!role).then_some(&at));
    let granted = source.query(&statement);
    let shown = async {
        match role {
            true => Ok(None),
            false => source.query_first(&dialect.show_create_user(&user, &at)).await.map(Some),
        }
    };
    let (granted, shown) = tokio::try_join!(granted, shown)?;
    let grants = granted.iter().map(|row| row.at(0).map(str::to_owned));
    let grants: Vec<String> = grants.collect::<Result<_, _>>()?;
    let (mut create, mut roles) = (Vec::new(), Vec::new());
    if let Some(row) = shown {
        let name = format!("{}@{}", literal(&user), literal(&at));
        let (shown, default) = without_default_roles(row.at(0)?);
        let shown = dialect.with_empty_password(&shown);
        create.push(shown.replacen("CREATE USER ", "CREATE USER IF NOT EXISTS ", 1));
        create.push(dialect.alter_user_like(&shown));
        create.extend(dialect.unsaid_of_account(&shown, &name));
        roles.extend(default.map(|list| format!("ALTER USER {name} DEFAULT ROLE {list}")));
    } else if user != EVERYBODY {
        create.push(format!("CREATE ROLE IF NOT EXISTS {}", literal(&user)));
    } else if grants.iter().all(|line| line.starts_with("GRANT USAGE ")) {
        // It is always there.
        return Ok(None);
    }
    Ok(Some(Account { user, host: at, create, grants, roles }))
}

impl Account {
    /// Whether it is the account of this name.
    pub(super) fn is(&self, user: &str, host: &str) -> bool {
        (self.user.as_str(), self.host.as_str()) == (user, host)
    }

    /// A password that has expired was given to it again by its privileges, where they show it (MariaDB).
    fn again(&self) -> impl Iterator<Item = &String> {
        self.create.iter().skip(1).filter(|text| text.contains(" PASSWORD EXPIRE"))
    }

    pub(super) fn without_privileges(&self) -> Self {
        Self { grants: Vec::new(), roles: Vec::new(), ..self.clone() }
    }

    /// As a person writes it.
    pub(super) fn shown(&self) -> String {
        if self.host.is_empty() { self.user.clone() } else { format!("{}@{}", self.user, self.host) }
    }

    /// Whether it may do something that another one may not, or is one at once that the other has to become.
    pub(super) fn has_beyond(&self, other: &Account) -> bool {
        self.granted().difference(&other.granted()).next().is_some() || self.roles != other.roles
    }

    /// What makes it one that may do nothing.
    pub(super) fn revocations(&self) -> Vec<String> {
        let name = match self.host.as_str() {
            "" if self.user == EVERYBODY => EVERYBODY.to_owned(),
            "" => literal(&self.user),
            host => format!("{}@{}", literal(&self.user), literal(host)),
        };
        let mut all: Vec<String> = self.grants.iter().filter_map(|line| revocation(line)).collect();
        all.push(revoke_all(&name));
        all.extend((!self.roles.is_empty()).then(|| format!("ALTER USER {name} DEFAULT ROLE NONE")));
        all
    }

    /// Whether both log in alike. Of other versions only what all versions say alike is compared.
    pub(super) fn same_login(&self, other: &Account, same_version: bool) -> bool {
        let state = |account: &Account| {
            let create = account.create.first().map(|text| text.replacen(" IF NOT EXISTS", "", 1))?;
            AccountState::read(&create, &[]).ok()
        };
        match same_version {
            true => {
                // The other statements follow from the first, and say what it does not.
                let said = |account: &Account| account.create.first().map(|text| without_no_limits(text));
                said(self) == said(other) && self.roles == other.roles
            }
            false => state(self) == state(other),
        }
    }

    /// What it was granted, one privilege and scope at a time where the line can be read.
    pub(super) fn granted(&self) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        for line in &self.grants {
            match read_grant(line) {
                Ok(Some(grant)) => {
                    all.extend(grant.privileges.iter().map(|word| format!("{word} ON {}", grant.scope)));
                }
                // A role or a proxy that is granted.
                Ok(None) | Err(_) => drop(all.insert(canonical_line(line))),
            }
        }
        all
    }
}

/// Makes accounts: first all of them, then what they may do, since one may be granted to another.
pub(super) async fn write(
    on: On<'_>,
    tried: &str,
    (accounts, own): (&[Account], bool),
) -> Result<(), StepError> {
    if accounts.is_empty() {
        return Ok(());
    }
    let phases: [fn(&Account) -> Vec<&String>; 4] = [
        |account| account.create.iter().collect(),
        |account| account.grants.iter().collect(),
        |account| account.roles.iter().collect(),
        |account| account.again().collect(),
    ];
    let dialect = on.dialect()?;
    let each = accounts.len().div_ceil(WRITERS);
    let sessions = accounts.chunks(each).map(|_| on.statements());
    let mut sessions = try_join_all(sessions).await?;
    for phase in phases {
        let parts = sessions.iter_mut().zip(accounts.chunks(each));
        let work = parts.map(|(sql, part)| write_part(sql, dialect, (part.iter().flat_map(phase), own)));
        // All of them come to their end, whatever becomes of one.
        for done in join_all(work).await {
            done.map_err(|e| on.failed(tried, e))?;
        }
    }
    Ok(())
}

async fn write_part<'s>(
    sql: &mut Statements<'_>,
    dialect: Dialect,
    (statements, own): (impl Iterator<Item = &'s String>, bool),
) -> Result<(), SqlError> {
    /// What a privilege was granted on, or the plugin of a login, was replaced with everything else: a table, a
    /// routine, a column, a plugin.
    const REPLACED: [u16; 4] = [1146, 1305, 1054, 1524];
    const ORACLE: &str = "SET SESSION sql_mode='ORACLE'";
    const STRICT: &str = "SET SESSION sql_mode='STRICT_TRANS_TABLES'";
    for statement in statements.filter_map(|shown| dialect.account_statement(shown)) {
        // MariaDB before 11.4 knows packages only where the session says so.
        let package = matches!(read_grant(&statement), Ok(Some(grant)) if grant.is_on_package());
        if package {
            sql.run(ORACLE).await?;
        }
        let done = sql.run_secret(&Statement::masked(&statement, without_hashes(&statement))).await;
        if package {
            sql.run(STRICT).await?;
        }
        match done {
            Err(error) if own && error.code().is_some_and(|code| REPLACED.contains(&code)) => {}
            done => drop(done?),
        }
    }
    Ok(())
}

/// Names of all accounts, and where each comes from.
pub(super) async fn accounts_of(on: On<'_>) -> Result<BTreeSet<(String, String)>, StepError> {
    let sql = on.reader().await?;
    let rows = sql.query(&on.dialect()?.show_accounts()).await;
    let failed = |e| on.failed("read its accounts", e);
    let rows = rows.map_err(failed)?;
    rows.iter()
        .map(|row| Ok((row.text("user")?, row.text("host")?)))
        .collect::<Result<_, _>>()
        .map_err(failed)
}

/// Takes `DEFAULT ROLE ...` out of MySQL's CREATE USER: a role must have been granted before it can be one.
fn without_default_roles(create: &str) -> (String, Option<String>) {
    let (mut quote, mut begin, mut end) = (None, None, create.len());
    for (at, c) in create.char_indices() {
        match quote {
            Some(mark) if c == mark => quote = None,
            Some(_) => {}
            None if matches!(c, '\'' | '`') => quote = Some(c),
            None if begin.is_none() && create[at..].starts_with(" DEFAULT ROLE ") => begin = Some(at),
            None if begin.is_some() && create[at..].starts_with(" REQUIRE ") => {
                end = at;
                break;
            }
            None => {}
        }
    }
    let Some(begin) = begin else { return (create.to_owned(), None) };
    let list = create[begin + " DEFAULT ROLE ".len()..end].to_owned();
    (format!("{}{}", &create[..begin], &create[end..]), Some(list))
}

/// A statement for the journal: what stands behind a login method is a secret too.
pub(super) fn without_hashes(statement: &str) -> String {
    let mut shown = String::new();
    // MySQL's salts don't survive as text, so its hashes come as hexadecimal numbers.
    let statement = match statement.split_once(" AS 0x") {
        Some((before, hash)) => {
            let after = hash.trim_start_matches(|c: char| c.is_ascii_hexdigit());
            format!("{before} AS ***{after}")
        }
        None => statement.to_owned(),
    };
    let mut rest = statement.as_str();
    while let Some(at) =
        ["PASSWORD '", "USING '", "AS '"].iter().filter_map(|m| rest.find(m).map(|n| n + m.len())).min()
    {
        shown.push_str(&rest[..at]);
        shown.push_str("***'");
        // Hashes hold no quote; a doubled one would only hide more.
        rest = rest[at..].split_once('\'').map_or("", |(_, tail)| tail);
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::{without_default_roles, without_hashes};

    #[test]
    fn hashes_stay_out_of_the_journal() {
        assert_eq!(
            without_hashes("CREATE USER `a`@`%` IDENTIFIED BY PASSWORD '*AB' REQUIRE SSL"),
            "CREATE USER `a`@`%` IDENTIFIED BY PASSWORD '***' REQUIRE SSL"
        );
        assert_eq!(
            without_hashes("CREATE USER `a`@`%` IDENTIFIED VIA ed25519 USING 'x' OR unix_socket"),
            "CREATE USER `a`@`%` IDENTIFIED VIA ed25519 USING '***' OR unix_socket"
        );
        assert_eq!(
            without_hashes(
                "CREATE USER `a`@`%` IDENTIFIED WITH 'caching_sha2_password' AS 0x244124 REQUIRE NONE"
            ),
            "CREATE USER `a`@`%` IDENTIFIED WITH 'caching_sha2_password' AS *** REQUIRE NONE"
        );
        assert_eq!(without_hashes("GRANT SELECT ON `d`.* TO `a`@`%`"), "GRANT SELECT ON `d`.* TO `a`@`%`");
    }

    #[test]
    fn default_roles_come_after_the_grants() {
        let plain = "CREATE USER `a`@`%` IDENTIFIED WITH 'x' AS 0x24 REQUIRE NONE ACCOUNT UNLOCK";
        assert_eq!(without_default_roles(plain), (plain.to_owned(), None));
        let hostile = "CREATE USER `a DEFAULT ROLE b`@`%` IDENTIFIED WITH 'x' DEFAULT ROLE `r REQUIRE `@`%`,`s`@`%` REQUIRE NONE";
        let (create, roles) = without_default_roles(hostile);
        assert_eq!(create, "CREATE USER `a DEFAULT ROLE b`@`%` IDENTIFIED WITH 'x' REQUIRE NONE");
        assert_eq!(roles.as_deref(), Some("`r REQUIRE `@`%`,`s`@`%`"));
    }
}
