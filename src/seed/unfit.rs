//! Accounts that a replica can't be given as they are. It is asked before anything is changed.

use std::collections::BTreeSet;

use super::accounts::{Account, copied};
use crate::{
    copy::{Unfit, Whole},
    dialect::{ReadStatement, is_system_database},
    exec::{On, StepError},
    plan::SeedPlan,
    transport::{Row, SqlError},
};

/// What can't be given to accounts, or by what they can't log in there.
pub async fn accounts(on: On<'_>, plan: &SeedPlan) -> Result<Vec<Unfit>, StepError> {
    let accounts = copied(on, plan).await?;
    let mut unfit = plugins(on, plan, &accounts).await?;
    unfit.extend(grants(on.at(&plan.from), plan, &accounts).await?);
    Ok(unfit)
}

/// Accounts that log in by a plugin that the replica has not loaded.
async fn plugins(on: On<'_>, plan: &SeedPlan, accounts: &[Account]) -> Result<Vec<Unfit>, StepError> {
    let read = async |on: On<'_>| {
        let rows = on.reader().await?.query(ReadStatement::login_plugins()).await;
        let names =
            rows.and_then(|rows| rows.iter().map(|row| row.text("name")).collect::<Result<Vec<_>, _>>());
        names.map_err(|e| on.failed("look at its plugins", e))
    };
    let (there, here) = tokio::try_join!(read(on.at(&plan.from)), read(on))?;
    let missing: Vec<&String> = there.iter().filter(|name| !here.contains(name)).collect();
    let uses = |account: &&Account| missing.iter().any(|plugin| account.logs_in_by(plugin));
    let using = accounts.iter().filter(uses);
    Ok(using
        .map(|account| unfit(account, "it logs in by a plugin that the replica has not loaded"))
        .collect())
}

/// Privileges on what is not there any more, or is not copied: no server grants such a thing.
async fn grants(on: On<'_>, plan: &SeedPlan, accounts: &[Account]) -> Result<Vec<Unfit>, StepError> {
    let failed = |e: SqlError| on.failed("read what its accounts may do", e);
    let sql = on.reader().await?;
    let granted = sql.query(ReadStatement::granted_objects()).await.map_err(failed)?;
    if granted.is_empty() {
        return Ok(Vec::new());
    }
    let object = |row: &Row| {
        let (db, name, part) =
            (row.text("db")?, row.need("name")?.to_lowercase(), row.need("part")?.to_lowercase());
        Ok::<_, SqlError>((db, name, part))
    };
    let objects = sql.query(ReadStatement::objects()).await.map_err(failed)?;
    let objects: BTreeSet<_> = objects.iter().map(object).collect::<Result<_, _>>().map_err(failed)?;
    let mut found = Vec::new();
    for row in &granted {
        let of = object(row).map_err(failed)?;
        if is_system_database(&of.0) || plan.databases.contains(&of.0) && objects.contains(&of) {
            continue;
        }
        let (user, at) = (row.text("user").map_err(failed)?, row.text("host").map_err(failed)?);
        let Some(account) = accounts.iter().find(|account| account.is(&user, &at)) else { continue };
        let part = if of.2.is_empty() { String::new() } else { format!(", column {}", of.2) };
        found.push(Unfit {
            what: format!("account {}, privileges on {}.{}{part}", account.shown(), of.0, of.1),
            why: "that is not there, or is not copied; revoke them on the source",
            carried_by: Whole::Nothing,
        });
    }
    Ok(found)
}

fn unfit(account: &Account, why: &'static str) -> Unfit {
    Unfit { what: format!("account {}", account.shown()), why, carried_by: Whole::Nothing }
}
