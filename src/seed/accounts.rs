//! The source's own accounts, statement by statement: a standby without logins is none.

use std::collections::BTreeSet;

use super::account::{Account, EVERYBODY, accounts_of, read, without_hashes, write};
use crate::{
    dialect::ReadStatement,
    exec::{On, Record, StepError},
    grant::is_system_account,
    model::{CopyDifference, HostName, limits},
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
pub(super) async fn create(on: On<'_>, plan: &SeedPlan) -> Result<Vec<Account>, StepError> {
    let (accounts, here) = tokio::try_join!(copied(on, plan), there_now(on, plan))?;
    take_away(on, &accounts, &here).await?;
    let bare: Vec<Account> = accounts.iter().map(Account::without_privileges).collect();
    write(on, &format!("copy the accounts of {}", plan.from), (&bare, false)).await?;
    Ok(accounts)
}

/// Lets accounts do what they may do with what is there by now; the rest is said by [`copy`].
pub(super) async fn grant(on: On<'_>, accounts: &[Account]) -> Result<(), StepError> {
    write(on, "grant what the copied accounts may do", (accounts, true)).await
}

/// Copies accounts, roles and grants that are neither the server's nor ours, off the binary log.
/// Returns how many.
pub(super) async fn copy(on: On<'_>, plan: &SeedPlan) -> Result<usize, StepError> {
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
pub(super) async fn copied(on: On<'_>, plan: &SeedPlan) -> Result<Vec<Account>, StepError> {
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

/// Whether an account is the server's own, so that a copy leaves it as it is.
fn is_servers_own(user: &str, at: &str) -> bool {
    user != EVERYBODY && is_system_account(user, at)
}

/// What the accounts of a source and of its copy have shown.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// How many of the source were compared.
    pub(crate) accounts: usize,
    /// What differs.
    pub(crate) differing: Vec<CopyDifference>,
    /// Those that only the replica has, as `user@host`: a copy drops none.
    pub(crate) only_here: Vec<String>,
}

/// Compares the accounts of a source with those of its copy.
///
/// # Errors
/// When a server refuses to show its accounts.
pub(crate) async fn differences(
    on: On<'_>,
    from: &HostName,
    own_users: &[String],
) -> Result<Compared, StepError> {
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
        let account = || source.shown();
        let Some(copy) = here.iter().find(|a| (&a.user, &a.host) == (&source.user, &source.host)) else {
            found.push(CopyDifference::MissingAccount { account: account() });
            continue;
        };
        if !source.same_login(copy, alike) {
            found.push(CopyDifference::OtherLogin { account: account() });
        }
        let (granted, has) = (source.granted(), copy.granted());
        for grant in granted.difference(&has) {
            found.push(CopyDifference::MissingGrant { account: account(), grant: without_hashes(grant) });
        }
        for grant in has.difference(&granted) {
            found.push(CopyDifference::ExtraGrant { account: account(), grant: without_hashes(grant) });
        }
    }
    let is_there = |one: &&Account| there.iter().any(|a| (&a.user, &a.host) == (&one.user, &one.host));
    let only_here = here.iter().filter(|one| !is_there(one)).map(Account::shown).collect();
    Ok(Compared { accounts: there.len(), differing: found, only_here })
}

/// The accounts come with a copy of the whole server: who administers the replica must get in afterwards, too.
pub(super) async fn same_administrator(on: On<'_>, donor: &HostName) -> Result<(), StepError> {
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
pub(super) async fn keep_own(on: On<'_>, plan: &SeedPlan) -> Result<Vec<Account>, StepError> {
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
pub(super) async fn put_back(on: On<'_>, plan: &SeedPlan, kept: Vec<Account>) -> Result<usize, StepError> {
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
