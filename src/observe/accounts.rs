//! The accounts of a server.

use std::collections::BTreeSet;

use super::Replicating;
use crate::{
    desired::DesiredHost,
    dialect::{Dialect, ReadStatement},
    grant::AccountState,
    transport::{SqlError, SqlReader, first},
};

/// User names of the accounts that are wished, or by which channels log in.
pub(super) struct OwnUsers {
    /// All of them: their accounts are read.
    pub accounts: Vec<String>,
    /// Those of replication: their sessions are no clients'.
    pub replication: Vec<String>,
}

impl OwnUsers {
    pub(super) fn of(hosts: &[&DesiredHost]) -> Self {
        let replication: BTreeSet<String> = hosts.iter().flat_map(|h| h.replication_users()).collect();
        let made = hosts.iter().flat_map(|h| h.accounts.iter().map(|a| a.user.clone()));
        let accounts: BTreeSet<String> = made.chain(replication.iter().cloned()).collect();
        Self { accounts: accounts.into_iter().collect(), replication: replication.into_iter().collect() }
    }
}

/// The names of all accounts, and those of ours in full.
pub(super) async fn accounts(
    sql: &SqlReader,
    own: &[String],
    dialect: Dialect,
) -> Result<(BTreeSet<(String, String)>, Vec<AccountState>), SqlError> {
    let rows = sql.query(&ReadStatement::account_names()).await?;
    let names = rows.iter().map(|r| Ok((r.text("user")?, r.text("host")?)));
    let names = names.collect::<Result<BTreeSet<(String, String)>, SqlError>>()?;
    let mine: Vec<_> = names.iter().filter(|(user, _)| own.contains(user)).cloned().collect();
    let accounts = read_accounts(sql, &mine, dialect).await?;
    Ok((names, accounts))
}

/// What lets a host in that replicates: the accounts that are there for it alone, and those of ours that keep a lost one out.
pub(super) async fn replicating(sql: &SqlReader) -> Result<Replicating, SqlError> {
    let mut found = Replicating::default();
    for row in &sql.query(&ReadStatement::replicating_accounts()).await? {
        let list = if row.need("is_ours")? == "Y" { &mut found.kept_out } else { &mut found.let_in };
        list.insert((row.text("user")?, row.text("host")?));
    }
    Ok(found)
}

/// Accounts in full.
///
/// # Errors
/// When a statement is refused, or its answer makes no sense.
pub(crate) async fn read_accounts(
    sql: &SqlReader,
    names: &[(String, String)],
    dialect: Dialect,
) -> Result<Vec<AccountState>, SqlError> {
    let mut accounts = Vec::new();
    if names.is_empty() {
        return Ok(accounts);
    }
    let each = names.iter().flat_map(|(user, host)| {
        [dialect.show_create_user(user, host), ReadStatement::grants(user, Some(host))]
    });
    let hex = dialect.show_hashes_as_hex();
    let skip = usize::from(hex.is_some());
    let all: Vec<ReadStatement> = hex.into_iter().chain(each).collect();
    let answers = sql.query_each(&all).await?.into_iter().collect::<Result<Vec<_>, _>>()?;
    for (pair, asked) in answers[skip..].chunks_exact(2).zip(all[skip..].chunks_exact(2)) {
        let create = first(&pair[0], asked[0].text())?;
        let grants = pair[1].iter().map(|row| row.at(0).map(str::to_owned));
        let grants = grants.collect::<Result<Vec<String>, _>>()?;
        let state = AccountState::read(create.at(0)?, &grants);
        accounts.push(state.map_err(|e| SqlError::Broken(e.to_string()))?);
    }
    Ok(accounts)
}
