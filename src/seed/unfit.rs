//! What a copy row by row can't carry as it is, asked once more before anything is changed: settings of the replica may have
//! changed since the plan, and the source goes on.

use std::collections::BTreeSet;

use crate::{
    dialect::{CopyAsked, CopyDemands, CopyTarget, Dialect, ReadStatement, Unfit, unfit},
    exec::{On, StepError},
    model::limits,
    observe::{RowLook, copy_demands, copy_takes},
    plan::SeedPlan,
    transport::SqlReader,
};

/// What can't be carried.
///
/// # Errors
/// When a server can't be asked, or a document could not be looked into.
pub(super) async fn of(on: On<'_>, plan: &SeedPlan) -> Result<Vec<Unfit>, StepError> {
    let failed = |e| on.failed("look at what it takes of a copy", e);
    let sql = on.reader().await?;
    let (takes, forces, packet, revokes, names) = tokio::try_join!(
        copy_takes(&sql),
        variable(&sql, "innodb_force_primary_key"),
        variable(&sql, "max_allowed_packet"),
        variable(&sql, "partial_revokes"),
        sql.query(ReadStatement::account_names()),
    )
    .map_err(failed)?;
    let names = names.iter().map(|row| Ok((row.text("user")?, row.text("host")?)));
    let accounts: BTreeSet<_> = names.collect::<Result<_, _>>().map_err(failed)?;
    let target = CopyTarget {
        dialect: Dialect::of(on.server()?.version),
        takes: &takes,
        loads_more: false,
        partial_revokes: revokes.is_some_and(|value| value.eq_ignore_ascii_case("on")),
        forces_keys: forces.is_some_and(|value| value.eq_ignore_ascii_case("on")),
        packet: packet.and_then(|value| value.parse().ok()),
        accounts: &accounts,
    };
    let asked = CopyAsked {
        databases: &plan.databases,
        accounts: plan.accounts,
        left_out: &plan.own_users,
        accounts_stay: plan.has_other_sources(),
    };
    let rows = demands(on.at(&plan.donor), &RowLook::of(&plan.databases, target.packet)).await?;
    let of_accounts = match plan.donor == plan.from {
        true => None,
        false => Some(demands(on.at(&plan.from), &RowLook::default()).await?),
    };
    // A row that is too large fails loudly, a document that was not looked into does not.
    if let Some(why) = &rows.typed_json.unread {
        return Err(on.at(&plan.donor).failed("look into all its JSON documents", why));
    }
    Ok(unfit(&rows, of_accounts.as_ref().unwrap_or(&rows), &target, asked))
}

async fn demands(on: On<'_>, rows: &RowLook) -> Result<CopyDemands, StepError> {
    let failed = |e| on.failed("look at what it holds", e);
    let limit = limits::CHUNK.time;
    let sql = on.session()?.sql(on.login()?, limit).await.map_err(failed)?;
    copy_demands(&sql, on.dialect()?, rows, limit).await.map_err(failed)
}

async fn variable(sql: &SqlReader, name: &str) -> Result<Option<String>, crate::transport::SqlError> {
    let rows = sql.query(ReadStatement::variable(name)).await?;
    rows.first().map(|row| row.at(1).map(str::to_owned)).transpose()
}
