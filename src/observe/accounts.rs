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
    let names: BTreeSet<(String, String)> = rows.iter().map(|r| (r.text("user"), r.text("host"))).collect();
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
        let create = sql.query(&dialect.show_create_user(user, host)).await?;
        let grants = sql.query(&ReadStatement::grants(user, Some(host))).await?;
        let create = create.first().and_then(|r| r.at(0)).unwrap_or_default().to_owned();
        let grants: Vec<String> = grants.iter().filter_map(|r| r.at(0)).map(str::to_owned).collect();
        accounts.push(AccountState::read(&create, &grants).map_err(|e| SqlError::Broken(e.to_string()))?);
    }
    Ok(accounts)
}
