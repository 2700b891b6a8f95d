//! The source's own accounts, statement by statement: a standby without logins is none.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    dialect::{ReadStatement, Statement, literal, revoke_all, without_no_limits},
    exec::{On, Record, StepError},
    grant::{AccountState, is_system_account, read_grant, revocation},
    model::{HostName, limits, visible},
    plan::{CLONE_USER, SeedPlan},
    transport::{Login, SqlError, SqlReader},
};

/// Accounts of this host that a copy of the whole server has put aside.
pub(super) const KEPT: Record<Vec<Account>> =
    Record::new("/var/lib/tandem/accounts.json", "look for accounts that a copy has put aside");

/// Privileges without which the administrator of a replica could not go on after a copy.
const NEEDED: [&str; 5] = ["SELECT", "CREATE USER", "RELOAD", "SUPER", GRANT_OPTION];
const GRANT_OPTION: &str = "GRANT OPTION";

/// Makes the accounts and roles that are copied, before the data that they define.
pub async fn create(on: On<'_>, plan: &SeedPlan) -> Result<Vec<Account>, StepError> {
    let (accounts, here) = tokio::try_join!(copied(on, plan), there_now(on, plan))?;
    take_away(on, &accounts, &here).await?;
    let bare: Vec<Account> = accounts.iter().map(Account::without_privileges).collect();
    write(on, &format!("copy the accounts of {}", plan.from), (&bare, false)).await?;
    Ok(accounts)
}

/// Lets accounts do what they may do with what is there by now; the rest is said by [`copy`].
pub async fn grant(on: On<'_>, accounts: &[Account]) -> Result<(), StepError> {
    write(on, "grant what the copied accounts may do", (accounts, true)).await
}

/// Copies accounts, roles and grants that are neither the server's nor ours, off the binary log.
/// Returns how many.
pub async fn copy(on: On<'_>, plan: &SeedPlan) -> Result<usize, StepError> {
    let accounts = match plan.has_other_sources() {
        // A role may have got something from another source.
        true => copied(on, plan).await?,
        false => {
            let (accounts, here) = tokio::try_join!(copied(on, plan), there_now(on, plan))?;
            take_away(on, &accounts, &here).await?;
            accounts
        }
    };
    let tried = format!("copy the accounts of {}", plan.from);
    write(on, &tried, (&accounts, false)).await?;
    Ok(accounts.len())
}

/// The accounts that are there already and that a copy may bring, too.
async fn there_now(on: On<'_>, plan: &SeedPlan) -> Result<Vec<Account>, StepError> {
    let own = &on.login()?.user;
    let may_come =
        |user: &str, at: &str| !is_servers_own(user, at) && !plan.own_users.iter().any(|u| u == user);
    read(on, |user, at, _| user != own && may_come(user, at)).await
}

/// Takes away what accounts that are there already may do beyond what they may on the source. Not from the one by which
/// we are logged in: what it has beyond shows in the comparison.
async fn take_away(on: On<'_>, accounts: &[Account], here: &[Account]) -> Result<(), StepError> {
    let known = |user: &str, at: &str| accounts.iter().find(|account| account.is(user, at));
    let beyond = |account: &&Account| {
        known(&account.user, &account.host).is_some_and(|source| account.has_beyond(source))
    };
    let here: Vec<&Account> = here.iter().filter(beyond).collect();
    if here.is_empty() {
        return Ok(());
    }
    let mut sql = on.statements().await?;
    for account in here {
        for statement in &account.revocations() {
            let done = sql.run(statement).await;
            done.map_err(|e| on.failed(format!("take away what {} has beyond", account.shown()), e))?;
        }
    }
    Ok(())
}

/// The user by which this run is logged in here, where the account of that name on the source may have another password:
/// with that one nobody would get in any more. It stays as it is.
fn stays<'a>(on: On<'a>, from: &'a HostName) -> Result<Option<&'a str>, StepError> {
    let (own, there) = (on.login()?, on.at(from).login()?);
    let same = (&own.user, &own.password) == (&there.user, &there.password);
    Ok((own.password.is_some() && !same).then_some(own.user.as_str()))
}

/// The accounts that a copy brings.
pub async fn copied(on: On<'_>, plan: &SeedPlan) -> Result<Vec<Account>, StepError> {
    let several = plan.has_other_sources();
    let there = if several { accounts_of(on).await? } else { BTreeSet::new() };
    let own = stays(on, &plan.from)?;
    // An account that is there already gets the source's login; none is ever dropped. Of several sources
    // each brings only those that are not there.
    let wanted = |user: &str, at: &str, role: bool| {
        let stays = several && !role && there.contains(&(user.to_owned(), at.to_owned()));
        let left_out = is_servers_own(user, at) || plan.own_users.iter().any(|own| own == user);
        !left_out && !stays && own != Some(user)
    };
    read(on.at(&plan.from), wanted).await
}

/// MariaDB's role of all accounts, which can be granted something as well (10.11).
const EVERYBODY: &str = "PUBLIC";

/// Whether an account is the server's own, so that a copy leaves it as it is.
fn is_servers_own(user: &str, at: &str) -> bool {
    user != EVERYBODY && is_system_account(user, at)
}

/// One account with the statements that make it what it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    user: String,
    host: String,
    create: Vec<String>,
    grants: Vec<String>,
    roles: Vec<String>,
}

/// The wanted accounts of a server; whether one is wanted is asked with its user, its host, and whether it
/// is a role.
async fn read(on: On<'_>, wanted: impl Fn(&str, &str, bool) -> bool) -> Result<Vec<Account>, StepError> {
    let reading = |e| on.failed("read its accounts", e);
    let dialect = on.dialect()?;
    let source = on.reader().await?;
    if let Some(hex) = dialect.show_hashes_as_hex() {
        source.query(&hex).await.map_err(reading)?;
    }
    let rows = source.query(&dialect.show_accounts()).await.map_err(reading)?;
    let mut accounts = Vec::new();
    for row in &rows {
        let (user, at) = (row.text("user").map_err(reading)?, row.text("host").map_err(reading)?);
        let role = row.need("is_role").map_err(reading)? == "Y";
        if !wanted(&user, &at, role) {
            continue;
        }
        let (mut create, mut roles) = (Vec::new(), Vec::new());
        if role && user == EVERYBODY {
            // It is always there.
        } else if role {
            create.push(format!("CREATE ROLE IF NOT EXISTS {}", literal(&user)));
        } else {
            let name = format!("{}@{}", literal(&user), literal(&at));
            let shown = source.query_first(&dialect.show_create_user(&user, &at)).await.map_err(reading)?;
            let (shown, default) = without_default_roles(shown.at(0).map_err(reading)?);
            let shown = dialect.with_empty_password(&shown);
            create.push(shown.replacen("CREATE USER ", "CREATE USER IF NOT EXISTS ", 1));
            create.push(dialect.alter_user_like(&shown));
            create.extend(dialect.unsaid_of_account(&shown, &name));
            roles.extend(default.map(|list| format!("ALTER USER {name} DEFAULT ROLE {list}")));
        }
        let grants = ReadStatement::grants(&user, (!role).then_some(&at));
        let shown = source.query(&grants).await.map_err(reading)?;
        let grants = shown.iter().map(|row| row.at(0).map(str::to_owned));
        let grants: Vec<String> = grants.collect::<Result<_, _>>().map_err(reading)?;
        if user == EVERYBODY && grants.iter().all(|line| line.starts_with("GRANT USAGE ")) {
            continue;
        }
        accounts.push(Account { user, host: at, create, grants, roles });
    }
    Ok(accounts)
}

/// How many accounts of a source were compared with those of its copy, and what differs, in words.
///
/// # Errors
/// When a server refuses to show its accounts.
pub async fn differences(
    on: On<'_>,
    from: &HostName,
    own_users: &[String],
) -> Result<(usize, Vec<String>), StepError> {
    let host = on.host;
    let stays = stays(on, from)?;
    let wanted = |user: &str, at: &str, _| {
        !is_servers_own(user, at)
            && stays != Some(user)
            && user != CLONE_USER
            && !own_users.iter().any(|own| own == user)
    };
    let (there, here) = tokio::try_join!(read(on.at(from), wanted), read(on, wanted))?;
    let alike = on.at(from).server()?.version == on.server()?.version;
    let mut found = Vec::new();
    for source in &there {
        let name = visible(&source.shown());
        let Some(copy) = here.iter().find(|a| (&a.user, &a.host) == (&source.user, &source.host)) else {
            found.push(format!("account {name} is missing on {host}"));
            continue;
        };
        if !source.same_login(copy, alike) {
            found.push(format!("account {name}: login, limits or lock differ between {from} and {host}"));
        }
        let (granted, has) = (source.granted(), copy.granted());
        for grant in granted.difference(&has) {
            found.push(format!("account {name} lacks on {host}: {}", visible(&without_hashes(grant))));
        }
        for grant in has.difference(&granted) {
            found.push(format!("account {name} has on {host} only: {}", visible(&without_hashes(grant))));
        }
    }
    Ok((there.len(), found))
}

impl Account {
    /// Whether it is the account of this name.
    pub fn is(&self, user: &str, host: &str) -> bool {
        (self.user.as_str(), self.host.as_str()) == (user, host)
    }

    /// A password that has expired was given to it again by its privileges, where they show it (MariaDB).
    fn again(&self) -> impl Iterator<Item = &String> {
        self.create.iter().skip(1).filter(|text| text.contains(" PASSWORD EXPIRE"))
    }

    fn without_privileges(&self) -> Self {
        Self { grants: Vec::new(), roles: Vec::new(), ..self.clone() }
    }

    /// As a person writes it.
    pub fn shown(&self) -> String {
        if self.host.is_empty() { self.user.clone() } else { format!("{}@{}", self.user, self.host) }
    }

    /// Whether it may do something that another one may not, or is one at once that the other has to become.
    fn has_beyond(&self, other: &Account) -> bool {
        self.granted().difference(&other.granted()).next().is_some() || self.roles != other.roles
    }

    /// What makes it one that may do nothing.
    fn revocations(&self) -> Vec<String> {
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
    fn same_login(&self, other: &Account, same_version: bool) -> bool {
        let state = |account: &Account| {
            let create = account.create.first().map(|text| text.replacen(" IF NOT EXISTS", "", 1))?;
            AccountState::read(&create, &[]).ok()
        };
        match same_version {
            true => {
                let said = |account: &Account| {
                    account.create.iter().map(|c| without_no_limits(c)).collect::<Vec<_>>()
                };
                said(self) == said(other) && self.roles == other.roles
            }
            false => state(self) == state(other),
        }
    }

    /// What it was granted, one privilege and scope at a time where the line can be read.
    fn granted(&self) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        for line in &self.grants {
            match read_grant(line) {
                Ok(Some(grant)) => {
                    all.extend(grant.privileges.iter().map(|word| format!("{word} ON {}", grant.scope)));
                }
                // A role or a proxy that is granted.
                Ok(None) | Err(_) => drop(all.insert(line.clone())),
            }
        }
        all
    }
}

/// Makes accounts: first all of them, then what they may do, since one may be granted to another.
async fn write(on: On<'_>, tried: &str, (accounts, own): (&[Account], bool)) -> Result<(), StepError> {
    /// What a privilege was granted on, or the plugin of a login, was replaced with everything else: a table, a
    /// routine, a column, a plugin.
    const REPLACED: [u16; 4] = [1146, 1305, 1054, 1524];
    if accounts.is_empty() {
        return Ok(());
    }
    let writing = |e| on.failed(tried, e);
    let mut sql = on.statements().await?;
    let dialect = on.dialect()?;
    let all = |pick: fn(&Account) -> &Vec<String>| accounts.iter().flat_map(pick);
    let again = accounts.iter().flat_map(Account::again);
    let statements = all(|a| &a.create).chain(all(|a| &a.grants)).chain(all(|a| &a.roles)).chain(again);
    for statement in statements.filter_map(|shown| dialect.account_statement(shown)) {
        match sql.run_secret(&Statement::masked(&statement, without_hashes(&statement))).await {
            Err(error) if own && error.code().is_some_and(|code| REPLACED.contains(&code)) => {}
            done => drop(done.map_err(writing)?),
        }
    }
    Ok(())
}

/// The accounts come with a copy of the whole server: who administers the replica must get in afterwards, too.
pub async fn same_administrator(on: On<'_>, donor: &HostName) -> Result<(), StepError> {
    let host = on.host;
    let own = on.login()?;
    let Login { socket, server_uid, shared, .. } = on.at(donor).login()?.clone();
    let there = Login { socket, server_uid, shared, ..own.clone() };
    let tried = format!("log in there as {host} is administered");
    let advice = "The accounts come with the copy: give both the same administrator, or use `seed_method: logical`. \
                  Nothing was replaced.";
    let failed = |e: SqlError| StepError::new(donor, tried.clone(), e).then(advice);
    let mut sql = on.at(donor).session()?.sql(&there, limits::LOOK.time).await.map_err(failed)?;
    let then = privileges(&mut sql).await;
    let mut sql = on.reader().await?;
    let now = privileges(&mut sql).await;
    let then = then.map_err(failed)?;
    let now = now.map_err(|e| on.failed("read what its administrator may do", e))?;
    let lost: Vec<&str> = NEEDED.into_iter().filter(|p| now.contains(*p) && !then.contains(*p)).collect();
    if lost.is_empty() {
        return Ok(());
    }
    let why = format!("`{}` lacks {} there", own.user, lost.join(", "));
    Err(StepError::new(donor, format!("administer {host} as it would be after the copy"), why).then(advice))
}

/// What the account that is logged in was granted on everything.
async fn privileges(sql: &mut SqlReader) -> Result<BTreeSet<String>, SqlError> {
    let rows = sql.query(&ReadStatement::own_privileges()).await?;
    let mut privileges = BTreeSet::new();
    for row in &rows {
        privileges.insert(row.text("privilege")?);
        if row.need("grantable")? == "YES" {
            privileges.insert(GRANT_OPTION.to_owned());
        }
    }
    Ok(privileges)
}

/// Keeps what a copy of the whole server would take away: the accounts that only this host has, those of
/// ours, and the one by which Debian's scripts log in.
///
/// They lie in a file on the host until [`put_back`] has made them again. A run that was cut off may have left
/// that file, and then it knows accounts that are gone; ours are made anew by every plan, so theirs are
/// read again.
pub async fn keep_own(on: On<'_>, plan: &SeedPlan) -> Result<Vec<Account>, StepError> {
    let host = on.host;
    let mut kept = KEPT.read(on).await?.unwrap_or_default();
    // Another server's account of ours, which an earlier copy has brought, is not declared here.
    let declared = on.fleet.desired.hosts.get(host).map(|h| h.accounts.as_slice()).unwrap_or_default();
    let is_own = |user: &str, at: &str| declared.iter().any(|a| a.user == user && a.host == at);
    let of_donor = accounts_of(on.at(&plan.donor)).await?;
    let wanted = |user: &str, at: &str, _| {
        let only_here = !is_system_account(user, at) && !of_donor.contains(&(user.to_owned(), at.to_owned()));
        user != CLONE_USER && (is_own(user, at) || only_here || user == "debian-sys-maint")
    };
    for account in read(on, wanted).await? {
        let known = kept.iter().position(|k| k.user == account.user && k.host == account.host);
        match known {
            Some(at) if is_own(&account.user, &account.host) => kept[at] = account,
            Some(_) => {}
            None => kept.push(account),
        }
    }
    let tried = "keep the accounts that only it has";
    let begun = std::time::Instant::now();
    let done = KEPT.write(on, tried, &kept).await;
    on.ran(tried, begun, done.as_ref().map_or("failed", |()| "ok"));
    done?;
    Ok(kept)
}

/// Gives a server that is a copy its own accounts again, and takes away those of ours that are another
/// server's. Returns how many accounts of users there are.
pub async fn put_back(on: On<'_>, plan: &SeedPlan, kept: Vec<Account>) -> Result<usize, StepError> {
    let tried = "give it its own accounts again";
    let failed = |e| on.failed(tried, e);
    let mut sql = on.statements().await?;
    let mut users = 0;
    for (user, at) in accounts_of(on).await? {
        if user == CLONE_USER || plan.own_users.contains(&user) {
            sql.drop_account(on.dialect()?, (&user, &at)).await.map_err(failed)?;
        } else if !is_system_account(&user, &at) {
            users += 1;
        }
    }
    write(on, tried, (&kept, true)).await?;
    KEPT.forget(on, tried).await?;
    Ok(users)
}

async fn accounts_of(on: On<'_>) -> Result<BTreeSet<(String, String)>, StepError> {
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
fn without_hashes(statement: &str) -> String {
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
