//! Accounts and databases.

use crate::{
    desired::{DesiredAccount, DesiredDatabase},
    dialect::{Dialect, end_session, literal, revoke_all, session_was_gone},
    exec::{On, Statements, StepError, new_salt},
    grant::canonical_privileges,
    model::HostName,
    transport::Replicates,
};

/// Makes an account what it shall be, off the binary log: each server has its own, bound to a peer.
pub(super) async fn run(on: On<'_>, wish: &DesiredAccount) -> Result<Option<String>, StepError> {
    let host = on.host;
    let dialect = on.dialect()?;
    let hash = dialect.password_hash(on.secret(&wish.password)?.expose(), &new_salt());
    let tried = format!("make the account {}@{}", wish.user, wish.host);
    let failed = |e| on.failed(tried.clone(), e);
    let mut sql = on.statements().await?;
    let mut all = dialect.account(&wish.user, &wish.host, &hash, wish.require_tls, wish.replicates());
    let name = format!("{}@{}", literal(&wish.user), literal(&wish.host));
    let have = on.server()?.accounts.iter().find(|a| a.user == wish.user && a.host == wish.host);
    let shall = canonical_privileges(&wish.privileges);
    let too_much =
        have.is_some_and(|a| a.privileges_on(&wish.on) != shall || !a.scopes_beside(&wish.on).is_empty());
    if too_much {
        all.push(revoke_all(&name).into());
    }
    let words: Vec<&str> = wish.privileges.iter().map(String::as_str).collect();
    if let Some(odd) =
        words.iter().find(|w| !w.chars().all(|c| c.is_ascii_alphabetic() || c == ' ' || c == '_'))
    {
        return Err(failed_text(host, &tried, format!("`{odd}` is not a privilege")));
    }
    all.push(format!("GRANT {} ON {} TO {name}", words.join(", "), scope(&wish.on)).into());
    sql.run_statements(&all).await.map_err(failed)?;
    Ok(None)
}

/// Drops an account, off the binary log: on another server it may be the one that a replica needs.
pub(super) async fn drop(on: On<'_>, (user, from): (&str, &str)) -> Result<Option<String>, StepError> {
    let failed = |e| on.failed(format!("drop the account {user}@{from}"), e);
    let mut sql = on.statements().await?;
    sql.drop_account(on.dialect()?, (user, from)).await.map_err(failed)?;
    Ok(None)
}

/// Locks the account of a host that is lost, and ends its sessions, off the binary log.
pub(super) async fn lock(on: On<'_>, (user, from): (&str, &str)) -> Result<Option<String>, StepError> {
    let failed = |e| on.failed(format!("lock the account {user}@{from}"), e);
    let mut sql = on.statements().await?;
    sql.run(&Dialect::lock_account(user, from, true)).await.map_err(failed)?;
    end_sessions(on, &mut sql, (user, from)).await?;
    Ok(None)
}

/// Makes an account of which nobody has the password, so that a wider one lets a lost host in no more, and ends its sessions,
/// off the binary log.
pub(super) async fn keep_out(on: On<'_>, (user, from): (&str, &str)) -> Result<Option<String>, StepError> {
    let failed = |e| on.failed(format!("keep out {user}@{from}"), e);
    let dialect = on.dialect()?;
    let password = format!("{}{}", new_salt(), new_salt());
    let hash = dialect.password_hash(&password, &new_salt());
    let mut sql = on.statements().await?;
    let made = dialect.account_that_keeps_out(user, from, &hash);
    sql.run_statements(&[made]).await.map_err(failed)?;
    end_sessions(on, &mut sql, (user, from)).await?;
    Ok(None)
}

/// Ends the sessions of a user from an address.
async fn end_sessions(on: On<'_>, sql: &mut Statements<'_>, account: (&str, &str)) -> Result<(), StepError> {
    let failed = |e| on.failed(format!("end the sessions of {}@{}", account.0, account.1), e);
    let reader = on.reader().await?;
    for id in crate::observe::sessions_of(&reader, account).await.map_err(failed)? {
        match sql.run(&end_session(id)).await {
            Err(error) if session_was_gone(error.code()) => {}
            result => {
                result.map_err(failed)?;
            }
        }
    }
    Ok(())
}

fn failed_text(host: &HostName, tried: &str, why: String) -> StepError {
    StepError::new(host, tried, why)
}

/// A scope such as `*.*` or `db.*`, its names in backticks.
fn scope(on: &str) -> String {
    let part =
        |p: &str| if p == "*" { "*".to_owned() } else { crate::dialect::identifier(p.trim_matches('`')) };
    match on.split_once('.') {
        Some((database, table)) => format!("{}.{}", part(database), part(table)),
        None => format!("{}.*", part(on)),
    }
}

/// Creates a database, or changes its defaults. It is logged, so that replicas get it too.
pub(super) async fn database(
    on: On<'_>,
    wish: &DesiredDatabase,
    exists: bool,
) -> Result<Option<String>, StepError> {
    let sql =
        on.dialect()?.database(&wish.name, exists, wish.character_set.as_deref(), wish.collation.as_deref());
    let mut statements = on.replicated(Replicates::Database).await?;
    statements.run(&sql).await.map_err(|e| on.failed(format!("make the database {}", wish.name), e))?;
    Ok(None)
}
