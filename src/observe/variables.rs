//! The variables of a server: what they are, which of them only a start can set, and what they would be
//! without anybody's wish.

use std::collections::{BTreeMap, BTreeSet};

use super::ChannelFacts;
use crate::{
    dialect::{Dialect, ReadStatement},
    model::Family,
    transport::{Row, SqlError, SqlReader},
};

/// All variables of a server.
#[derive(Debug, Default)]
pub(super) struct Variables {
    /// Running values, names in lower case.
    pub values: BTreeMap<String, String>,
    /// Those that only a start can set.
    pub fixed: BTreeSet<String>,
    /// Values without an option file.
    pub defaults: BTreeMap<String, String>,
    /// What numbers may be.
    pub ranges: BTreeMap<String, (String, String)>,
    /// The option files in which values were found, as far as the server tells.
    pub found_in: BTreeMap<String, String>,
    /// Those that nobody has set since the server was started, by its own word.
    pub of_start: BTreeSet<String>,
    /// Values in `mysqld-auto.cnf`, which count more than every option file.
    pub persisted: BTreeMap<String, String>,
}

/// Reads them.
pub(super) async fn variables(sql: &SqlReader, dialect: Dialect) -> Result<Variables, SqlError> {
    match dialect.family() {
        Family::MariaDb => mariadb(sql, dialect).await,
        Family::MySql => mysql(sql, dialect).await,
    }
}

async fn mariadb(sql: &SqlReader, dialect: Dialect) -> Result<Variables, SqlError> {
    let mut all = Variables::default();
    let rows = sql.query(&ReadStatement::variables_with_defaults(dialect)).await?;
    for row in rows {
        let name = row.need("name")?.to_ascii_lowercase();
        if row.need("fixed")? == "YES" {
            all.fixed.insert(name.clone());
        }
        let value = row.optional("value")?;
        let origin = row.optional("origin")?;
        if origin.is_some_and(|origin| origin != "SQL") {
            all.of_start.insert(name.clone());
        }
        // Some defaults are only known as the value of a variable that nobody has set.
        let built_in = origin == Some("COMPILE-TIME");
        if let Some(default) = row.optional("def")?.or(value.filter(|_| built_in)) {
            all.defaults.insert(name.clone(), default.to_owned());
        }
        if let Some(path) = row.optional("path")?.filter(|path| !path.is_empty()) {
            all.found_in.insert(name.clone(), path.to_owned());
        }
        all.ranges.extend(range(&row)?.map(|range| (name.clone(), range)));
        all.values.insert(name, shown(value));
    }
    Ok(all)
}

/// What a number may be. Both are 0 of what is none.
fn range(row: &Row) -> Result<Option<(String, String)>, SqlError> {
    let (Some(least), Some(most)) = (row.optional("least")?, row.optional("most")?) else { return Ok(None) };
    Ok((least != most).then(|| (least.to_owned(), most.to_owned())))
}

/// MySQL's views in the performance schema are empty where that is off: then there are no defaults, and a
/// persisted value is not seen before it wins.
async fn mysql(sql: &SqlReader, dialect: Dialect) -> Result<Variables, SqlError> {
    let mut all = Variables::default();
    let running = ReadStatement::variables();
    let more = async {
        match dialect.tells_of_variables() {
            false => Ok(None),
            true => tokio::try_join!(
                sql.query(ReadStatement::variable_origins()),
                sql.query(ReadStatement::persisted_variables()),
                sql.query(ReadStatement::global_filters())
            )
            .map(Some),
        }
    };
    let (running, more) = tokio::try_join!(sql.query(running), more)?;
    for row in running {
        let name = row.need("variable_name")?.to_ascii_lowercase();
        if dialect.is_fixed(&name) {
            all.fixed.insert(name.clone());
        }
        all.values.insert(name, shown(row.optional("value")?));
    }
    all.fixed.extend(FILTERS.map(str::to_owned));
    for (name, value) in dialect.known_defaults() {
        all.defaults.insert(name.to_owned(), value.to_owned());
    }
    let Some((origins, persisted, filters)) = more else { return Ok(all) };
    all.values.extend(FILTERS.map(|name| (name.to_owned(), String::new())));
    for row in origins {
        let name = row.need("name")?.to_ascii_lowercase();
        let origin = row.need("origin")?;
        if origin != "DYNAMIC" {
            all.of_start.insert(name.clone());
        }
        if let Some(value) = all.values.get(&name).filter(|_| origin == "COMPILED") {
            all.defaults.insert(name.clone(), value.clone());
        }
        all.ranges.extend(range(&row)?.map(|range| (name.clone(), range)));
        if let Some(path) = row.optional("path")?.filter(|path| !path.is_empty()) {
            all.found_in.insert(name, path.to_owned());
        }
    }
    for row in persisted {
        all.persisted.insert(row.need("name")?.to_ascii_lowercase(), shown(row.optional("value")?));
    }
    for row in filters {
        // A rule is a list of quoted names, in brackets where somebody set it by a statement.
        let rule: Vec<String> = row.need("rule")?.split(',').map(unquoted).collect();
        all.values.insert(row.need("name")?.to_ascii_lowercase(), rule.join(","));
    }
    Ok(all)
}

/// Filters of a server that has no view of them: each channel shows those of the whole server (MySQL before 8.0.2). Without a
/// channel nothing shows them, and they are not taken for empty.
pub(super) fn filters_of_channels(
    values: &mut BTreeMap<String, String>,
    channels: &[ChannelFacts],
    dialect: Dialect,
) {
    let by_channel = dialect.shows_filters_by_channel();
    let Some(filters) = channels.first().filter(|_| by_channel).map(|channel| &channel.filters) else {
        return;
    };
    let lists = [
        &filters.databases,
        &filters.ignore_databases,
        &filters.tables,
        &filters.ignore_tables,
        &filters.wild_tables,
        &filters.wild_ignore_tables,
    ];
    values.extend(FILTERS.iter().zip(lists).map(|(name, list)| ((*name).to_owned(), list.join(","))));
}

/// A variable without a value, such as a file that nobody has named, is NULL in some views and empty in others.
fn shown(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}

/// Filters are options of the server and no variables; MySQL shows them in a view of their own.
const FILTERS: [&str; 6] = [
    "replicate_do_db",
    "replicate_ignore_db",
    "replicate_do_table",
    "replicate_ignore_table",
    "replicate_wild_do_table",
    "replicate_wild_ignore_table",
];

fn unquoted(name: &str) -> String {
    name.trim_matches(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '\'' | '`')).to_owned()
}
