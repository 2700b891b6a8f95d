//! The accounts of a server.

use std::collections::BTreeSet;

use crate::{
    dialect::{Dialect, ReadStatement},
    grant::AccountState,
    transport::{SqlError, SqlReader},
};

/// The names of all accounts, and those of ours in full.
pub(super) async fn accounts(
    sql: &mut SqlReader,
    ours: &[String],
    dialect: Dialect,
) -> Result<(BTreeSet<(String, String)>, Vec<AccountState>), SqlError> {
    let rows = sql.query(&ReadStatement::account_names()).await?;
    let names = rows.iter().map(|r| Ok((r.text("user")?, r.text("host")?)));
    let names = names.collect::<Result<BTreeSet<(String, String)>, SqlError>>()?;
    let mine: Vec<_> = names.iter().filter(|(user, _)| ours.contains(user)).cloned().collect();
    let accounts = read_accounts(sql, &mine, dialect).await?;
    Ok((names, accounts))
}

/// Accounts in full.
///
/// # Errors
/// When a statement is refused, or its answer makes no sense.
pub async fn read_accounts(
    sql: &mut SqlReader,
    names: &[(String, String)],
    dialect: Dialect,
) -> Result<Vec<AccountState>, SqlError> {
    let mut accounts = Vec::new();
    if let (Some(hex), false) = (dialect.show_hashes_as_hex(), names.is_empty()) {
        sql.query(&hex).await?;
    }
    for (user, host) in names {
        let create = sql.query_first(&dialect.show_create_user(user, host)).await?;
        let grants = sql.query(&ReadStatement::grants(user, Some(host))).await?;
        let grants = grants.iter().map(|row| row.at(0).map(str::to_owned));
        let grants = grants.collect::<Result<Vec<String>, _>>()?;
        let state = AccountState::read(create.at(0)?, &grants);
        accounts.push(state.map_err(|e| SqlError::Broken(e.to_string()))?);
    }
    Ok(accounts)
}
