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
pub type Tables = BTreeMap<(String, String), Table>;

/// One table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
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
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// Whether its rows lie elsewhere.
    pub fn holds_nothing(&self) -> bool {
        WITHOUT_DATA.iter().any(|e| e.eq_ignore_ascii_case(&self.engine))
    }
}

/// Reads all tables of users.
///
/// # Errors
/// When the server refuses to show them.
pub async fn read(sql: &mut SqlReader, dialect: Dialect) -> Result<Tables, SqlError> {
    let tables = sql.query(&ReadStatement::compared_tables()).await?;
    let columns = sql.query(&dialect.compared_columns()).await?;
    let indexes = sql.query(&ReadStatement::compared_indexes()).await?;
    Ok(assemble(&tables, &columns, &indexes))
}

fn assemble(tables: &[Row], columns: &[Row], indexes: &[Row]) -> Tables {
    let mut all: Tables = tables
        .iter()
        .map(|row| {
            let table =
                Table { engine: row.text("engine"), rows: row.number("n").unwrap_or(0), ..Table::default() };
            ((row.text("db"), row.text("name")), table)
        })
        .collect();
    for row in columns {
        let Some(table) = all.get_mut(&(row.text("db"), row.text("tbl"))) else { continue };
        let made = row.text("made").to_ascii_uppercase();
        if made == "ROW START" || made == "ROW END" {
            table.versions.push(row.text("name"));
        } else if !row.text("extra").to_ascii_uppercase().contains("VIRTUAL GENERATED") {
            table.columns.push(column(row));
        }
    }
    let mut keys: BTreeMap<(String, String), BTreeMap<String, Vec<&Row>>> = BTreeMap::new();
    for row in indexes {
        let of_table = keys.entry((row.text("db"), row.text("tbl"))).or_default();
        of_table.entry(row.text("name")).or_default().push(row);
    }
    for (name, indexes) in keys {
        if let Some(table) = all.get_mut(&name) {
            table.key = key(table, &indexes);
        }
    }
    all
}

fn column(row: &Row) -> Column {
    Column {
        name: row.text("name"),
        data_type: row.text("kind").to_ascii_lowercase(),
        column_type: row.text("whole"),
        nullable: !row.text("nullable").eq_ignore_ascii_case("no"),
        bytes: row.number("bytes").unwrap_or(0),
        character_set: row.get("cs").map(str::to_owned),
        collation: row.get("co").map(str::to_owned),
    }
}

/// The index by which rows are found. The primary key wins; of the others the first by name. Of a table that
/// keeps old versions, the end of a row's time is part of the key; all rows that are valid now have the same.
fn key(table: &Table, indexes: &BTreeMap<String, Vec<&Row>>) -> Option<(String, Vec<String>)> {
    let own = |columns: &[&Row]| -> Vec<Row> {
        columns.iter().filter(|c| !table.versions.contains(&c.text("col"))).map(|c| (*c).clone()).collect()
    };
    let fits = |columns: &Vec<&Row>| {
        own(columns).iter().all(|c| {
            let known = table.column(&c.text("col")).is_some_and(crate::dialect::orders);
            let whole = c.get("part").is_none() && !c.text("nullable").eq_ignore_ascii_case("yes");
            known && whole && c.text("kind").eq_ignore_ascii_case("btree")
        })
    };
    let primary = indexes.get_key_value("PRIMARY").filter(|(_, columns)| fits(columns));
    let (name, columns) = primary.or_else(|| indexes.iter().find(|(_, columns)| fits(columns)))?;
    Some((name.clone(), own(columns).iter().map(|c| c.text("col")).collect()))
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
        let columns: Vec<Row> =
            ["a kind=int", "b kind=varchar cs=latin1 co=latin1_bin", "c kind=text cs=latin1"]
                .iter()
                .map(|c| row(&format!("db=d tbl=t name={c}")))
                .collect();
        let index = |text: &str| row(&format!("db=d tbl=t {text}"));
        let names = |indexes: &[Row]| {
            let tables = assemble(&tables, &columns, indexes);
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
