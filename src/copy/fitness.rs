//! Whether everything can be carried as it is. It is asked before anything is changed.

use std::collections::BTreeSet;

use super::{
    Connect, CopyError, Scope, Unfit, Whole,
    inventory::{Inventory, Name, Table, TableKind},
    session::{self, Sessions},
};
use crate::{
    dialect::{CopyEnd, identifier},
    model::limits,
    transport::{Row, SqlError, SqlWriter},
};

/// What a look before a copy has shown.
#[derive(Debug, Clone, Default)]
pub struct Fitness {
    /// What can't be carried as it is.
    pub unfit: Vec<Unfit>,
    /// Whether there are functions or triggers, which a server with a binary log takes only where it trusts them.
    pub has_code_to_trust: bool,
}

/// Looks at both ends. Nothing is changed; the sessions have shown that they can be set up.
///
/// # Errors
/// When an end can't be asked, or is another server than the declared one.
pub async fn fitness(
    source: &impl Connect,
    target: &impl Connect,
    scope: &Scope,
) -> Result<Fitness, CopyError> {
    let mut sessions = Sessions::open(source, target, 1).await?;
    session::prove(&mut sessions.catalog_there, &scope.target).await?;
    let inventory = Inventory::read(&mut sessions.catalog, source.dialect(), &scope.databases).await?;
    let mut unfit = Vec::new();
    let (here, there) = (CopyEnd::Source, CopyEnd::Target);
    let tried = "see whether all its values can be copied";
    unfit.extend(
        engines(&mut sessions.catalog_there, target, &inventory)
            .await
            .map_err(CopyError::sql(there, tried))?,
    );
    unfit.extend(keys(&mut sessions.catalog_there, &inventory).await.map_err(CopyError::sql(there, tried))?);
    unfit.extend(history(target, &inventory));
    unfit.extend(inventory.tables.iter().filter_map(|(name, table)| in_tablespace(name, table)));
    unfit.extend(
        documents(&mut sessions.catalog, source, &inventory).await.map_err(CopyError::sql(here, tried))?,
    );
    unfit.extend(views(&mut sessions.catalog, source, scope).await.map_err(CopyError::sql(here, tried))?);
    let code = inventory.code.iter();
    let has_code_to_trust = code.clone().any(|code| {
        use crate::dialect::CodeKind::{Function, Package, PackageBody, Trigger};
        matches!(code.kind, Function | Trigger | Package | PackageBody)
    });
    Ok(Fitness { unfit, has_code_to_trust })
}

fn of_table((database, name): &Name) -> String {
    format!("table {database}.{name}")
}

/// Engines that the target lacks: another one would take their place, or the statement fails.
async fn engines(
    sql: &mut SqlWriter,
    target: &impl Connect,
    inventory: &Inventory,
) -> Result<Vec<Unfit>, SqlError> {
    let has = |row: &Row| {
        let works = matches!(row.need("support")?.to_ascii_uppercase().as_str(), "YES" | "DEFAULT");
        Ok::<_, SqlError>(works.then_some(row.need("engine")?.to_ascii_lowercase()))
    };
    let rows = sql.query(target.dialect().show_engines()).await?;
    let engines: BTreeSet<String> =
        rows.iter().filter_map(|row| has(row).transpose()).collect::<Result<_, _>>()?;
    // The name of a sequence's engine is that of the table behind it.
    let lacks = |table: &&Table| !engines.contains(&table.engine.to_ascii_lowercase());
    let lacking = inventory.tables.iter().filter(|(_, table)| !table.engine.is_empty() && lacks(table));
    Ok(lacking
        .map(|(name, table)| Unfit {
            what: format!("{} ({})", of_table(name), table.engine),
            why: "the target does not have its storage engine",
            carried_by: Whole::Nothing,
        })
        .collect())
}

/// Tables without a primary key, where the target takes none: a session can't override it (MariaDB).
async fn keys(sql: &mut SqlWriter, inventory: &Inventory) -> Result<Vec<Unfit>, SqlError> {
    let rows = sql.query("SHOW GLOBAL VARIABLES LIKE 'innodb_force_primary_key'").await?;
    let forced = rows.first().map_or(Ok(""), |row| row.at(1))?.eq_ignore_ascii_case("on");
    let without = inventory.tables.iter().filter(|(_, table)| {
        forced
            && !table.has_key
            && table.kind != TableKind::Sequence
            && table.engine.eq_ignore_ascii_case("InnoDB")
    });
    Ok(without
        .map(|(name, _)| Unfit {
            what: of_table(name),
            why: "it has no primary key, and the target has innodb_force_primary_key=ON",
            carried_by: Whole::Nothing,
        })
        .collect())
}

/// Old versions of rows, where the target can't take them.
fn history(target: &impl Connect, inventory: &Inventory) -> Vec<Unfit> {
    let by_transaction = |table: &Table| {
        let versions = table.columns.iter().rev().take(2);
        versions.clone().any(|column| column.data_type == "bigint") && table.kind == TableKind::Versioned
    };
    let versioned = inventory.tables.iter().filter(|(_, table)| table.kind == TableKind::Versioned);
    versioned
        .filter(|(_, table)| !target.dialect().writes_history() || by_transaction(table))
        .map(|(name, _)| Unfit {
            what: of_table(name),
            why: "it keeps old versions of its rows, and the target takes none",
            carried_by: Whole::Server,
        })
        .collect()
}

/// Tables that lie in a general tablespace, which only some hosts have.
fn in_tablespace(name: &Name, table: &Table) -> Option<Unfit> {
    let options = table.create.rfind("\n)").map_or("", |at| &table.create[at..]);
    let general = options.contains("TABLESPACE `") && !options.contains("TABLESPACE `innodb_");
    general.then(|| Unfit {
        what: of_table(name),
        why: "it lies in a general tablespace",
        carried_by: Whole::Server,
    })
}

/// Views that rest on what is not there any more: no server makes such a one.
async fn views(sql: &mut SqlWriter, source: &impl Connect, scope: &Scope) -> Result<Vec<Unfit>, SqlError> {
    /// No such table, column, routine, database, or a view below that is invalid.
    const MISSING: [u16; 5] = [1049, 1054, 1146, 1305, 1356];
    let mut unfit = Vec::new();
    if scope.databases.is_empty() {
        return Ok(unfit);
    }
    for row in sql.query(&source.dialect().copied_views(&scope.databases)).await? {
        let (database, name) = (row.text("db")?, row.text("name")?);
        let tried = sql.query(&source.dialect().try_view(&row.text("text")?)).await;
        if tried.is_err_and(|error| error.code().is_some_and(|code| MISSING.contains(&code))) {
            unfit.push(Unfit {
                what: format!("view {database}.{name}"),
                why: "it rests on something that is not there any more",
                carried_by: Whole::Server,
            });
        }
    }
    Ok(unfit)
}

/// Documents with values whose type no text shows.
async fn documents(
    sql: &mut SqlWriter,
    source: &impl Connect,
    inventory: &Inventory,
) -> Result<Vec<Unfit>, SqlError> {
    let mut unfit = Vec::new();
    for ((database, name), table) in &inventory.tables {
        for column in table.columns.iter().filter(|column| column.data_type == "json") {
            let Some(query) = source.dialect().typed_json(database, name, &column.name) else { continue };
            let rows = sql.query_within(&query, limits::CHUNK.time).await?;
            if !rows.is_empty() {
                unfit.push(Unfit {
                    what: format!("column {} of {}.{}", identifier(&column.name), database, name),
                    why: "a JSON document in it holds a value whose type its text does not show, such as a date",
                    carried_by: Whole::Server,
                });
            }
        }
    }
    Ok(unfit)
}
