//! The tables of a server, as far as comparing them needs it.

use std::collections::BTreeMap;

use crate::{
    dialect::{Column, Dialect, ReadStatement},
    transport::{Row, SqlError, SqlReader},
};

/// Engines whose tables hold nothing of their own here: what is in them lies elsewhere, or nowhere.
const WITHOUT_DATA: [&str; 7] =
    ["BLACKHOLE", "FEDERATED", "CONNECT", "SPIDER", "MRG_MyISAM", "PERFORMANCE_SCHEMA", "S3"];

/// Tables by database and name.
pub(crate) type Tables = BTreeMap<(String, String), Table>;

/// One table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Table {
    /// Storage engine.
    pub engine: String,
    /// Rows, by the server's estimate.
    pub rows: u64,
    /// Stored columns in their order. Virtual ones hold no data, and those in which MariaDB notes the life of a
    /// row's version tell when it came to this server.
    pub columns: Vec<Column>,
    /// Columns of that last kind.
    pub(super) versions: Vec<String>,
    /// Index by which rows are found: the primary key, or the first unique one without NULLs; its name and
    /// its columns.
    pub key: Option<(String, Vec<String>)>,
}

impl Table {
    /// A column.
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// Whether its rows lie elsewhere.
    pub(crate) fn holds_nothing(&self) -> bool {
        WITHOUT_DATA.iter().any(|e| e.eq_ignore_ascii_case(&self.engine))
    }
}

/// Reads all tables of users.
///
/// # Errors
/// When the server refuses to show them.
pub(super) async fn read(sql: &SqlReader, dialect: Dialect) -> Result<Tables, SqlError> {
    let (tables, columns, indexes) = tokio::try_join!(
        sql.query(ReadStatement::compared_tables()),
        sql.query(dialect.compared_columns()),
        sql.query(ReadStatement::compared_indexes())
    )?;
    assemble(&tables, &columns, &indexes)
}

/// A column of an index.
struct Part {
    /// None for an expression.
    column: Option<String>,
    /// Whether it is the whole column, which holds no NULL, in an index that has an order.
    exact: bool,
}

fn assemble(tables: &[Row], columns: &[Row], indexes: &[Row]) -> Result<Tables, SqlError> {
    let mut all = Tables::new();
    for row in tables {
        // A table that can't be opened has neither; reading it says why.
        let engine = row.optional("engine")?.unwrap_or_default().to_owned();
        let rows = row.optional_number("n")?.unwrap_or(0);
        all.insert((row.text("db")?, row.text("name")?), Table { engine, rows, ..Table::default() });
    }
    for row in columns {
        let Some(table) = all.get_mut(&(row.text("db")?, row.text("tbl")?)) else { continue };
        let made = row.optional("made")?.unwrap_or_default().to_ascii_uppercase();
        let extra = row.optional("extra")?.unwrap_or_default().to_ascii_uppercase();
        if made == "ROW START" || made == "ROW END" {
            table.versions.push(row.text("name")?);
        } else if !extra.contains("VIRTUAL GENERATED") {
            table.columns.push(row.column()?);
        }
    }
    let mut keys: BTreeMap<(String, String), BTreeMap<String, Vec<Part>>> = BTreeMap::new();
    for row in indexes {
        let of_table = keys.entry((row.text("db")?, row.text("tbl")?)).or_default();
        of_table.entry(row.text("name")?).or_default().push(part(row)?);
    }
    for (name, indexes) in keys {
        if let Some(table) = all.get_mut(&name) {
            table.key = key(table, &indexes);
        }
    }
    Ok(all)
}

fn part(row: &Row) -> Result<Part, SqlError> {
    let whole = row.optional("part")?.is_none();
    let nullable = row.need("nullable")?.eq_ignore_ascii_case("yes");
    let ordered = row.need("kind")?.eq_ignore_ascii_case("btree");
    Ok(Part { column: row.optional("col")?.map(str::to_owned), exact: whole && !nullable && ordered })
}

/// The index by which rows are found. The primary key wins; of the others the first by name. Of a table that
/// keeps old versions, the end of a row's time is part of the key; all rows that are valid now have the same.
fn key(table: &Table, indexes: &BTreeMap<String, Vec<Part>>) -> Option<(String, Vec<String>)> {
    let columns = |parts: &Vec<Part>| -> Option<Vec<String>> {
        let version = |part: &&Part| part.column.as_ref().is_some_and(|c| table.versions.contains(c));
        let own = parts.iter().filter(|part| !version(part));
        let usable = |part: &Part| {
            let column = part.column.clone().filter(|_| part.exact)?;
            table.column(&column).is_some_and(crate::dialect::orders).then_some(column)
        };
        own.map(usable).collect()
    };
    let named = |name: &String| Some((name.clone(), columns(indexes.get(name)?)?));
    named(&"PRIMARY".to_owned()).or_else(|| indexes.keys().find_map(named))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Row {
        let pair = |word: &str| {
            let (name, value) = word.split_once('=')?;
            Some((name.to_owned(), (value != "NULL").then(|| value.to_owned())))
        };
        Row::new(text.split(' ').filter_map(pair).collect())
    }

    #[test]
    fn rows_are_found_by_the_best_key() {
        let tables = [row("db=d name=t engine=InnoDB n=5")];
        let more = "whole=x nullable=NO extra= made=NULL bytes=NULL";
        let columns: Vec<Row> = [
            "a kind=int cs=NULL co=NULL",
            "b kind=varchar cs=latin1 co=latin1_bin",
            "c kind=text cs=latin1 co=x",
        ]
        .iter()
        .map(|c| row(&format!("db=d tbl=t {more} name={c}")))
        .collect();
        let index = |text: &str| {
            let whole = if text.contains("part=") { "" } else { " part=NULL" };
            row(&format!("db=d tbl=t {text}{whole}"))
        };
        let names = |indexes: &[Row]| {
            let tables = assemble(&tables, &columns, indexes).expect("all columns are there");
            let key = tables.into_values().next().and_then(|t| t.key);
            key.map(|(name, columns)| format!("{name}:{}", columns.join(",")))
        };
        let good = index("name=ub col=b kind=BTREE nullable=");
        assert_eq!(names(&[]), None);
        assert_eq!(names(std::slice::from_ref(&good)).as_deref(), Some("ub:b"));
        let primary =
            ["a", "b"].map(|c| index(&format!("name=PRIMARY col={c} kind=BTREE nullable= part=NULL")));
        let all: Vec<Row> = primary.iter().cloned().chain([good]).collect();
        assert_eq!(names(&all).as_deref(), Some("PRIMARY:a,b"));
        for bad in [
            "name=u col=a kind=BTREE nullable=YES",
            "name=u col=b kind=BTREE nullable= part=10",
            "name=u col=c kind=BTREE nullable=",
            "name=u col=a kind=HASH nullable=",
            "name=u col=elsewhere kind=BTREE nullable=",
        ] {
            assert_eq!(names(&[index(bad)]), None, "{bad}");
        }
    }
}
