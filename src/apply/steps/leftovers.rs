//! Drops what an installation leaves open, as `mysql_secure_installation` does.

use crate::exec::{On, StepError};

/// Drops accounts and the empty database `test`, off the binary log: each server has its own.
pub(super) async fn run(
    on: On<'_>,
    accounts: &[(String, String)],
    database: bool,
) -> Result<Option<String>, StepError> {
    let failed = |e| on.failed("drop what the installation has left open", e);
    let mut sql = on.statements().await?;
    for (user, at) in accounts {
        // This takes the privileges on `test` along, also those of a user that has nothing else.
        sql.drop_account(on.dialect()?, (user, at)).await.map_err(failed)?;
    }
    if database {
        sql.run("DROP DATABASE IF EXISTS `test`").await.map_err(failed)?;
    }
    Ok(None)
}
