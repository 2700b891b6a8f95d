//! What the source's databases hold: tables with the statements that make them, and the names of their code.

use std::collections::BTreeMap;

use super::CopyError;
use crate::{
    dialect::{CodeKind, Column, CopiedTable, CopyEnd, Dialect, History, ReadStatement, create_text},
    transport::{Row, SqlError, SqlWriter},
};

/// Statements that are sent together at most.
const TOGETHER: usize = 100;
/// Engines whose tables hold nothing of their own: what is in them lies elsewhere, or nowhere.
const WITHOUT_ROWS: [&str; 7] =
    ["BLACKHOLE", "FEDERATED", "CONNECT", "SPIDER", "MRG_MyISAM", "PERFORMANCE_SCHEMA", "S3"];
/// Engines that show one view of their data for as long as a transaction lasts.
const WITH_SNAPSHOT: [&str; 3] = ["InnoDB", "ROCKSDB", "TokuDB"];

/// A table or a routine by its database and its name.
pub(super) type Name = (String, String);
/// Tables that were on the target before the copy began, with the indexes that they lack.
pub(super) type Kept = BTreeMap<Name, Vec<String>>;

/// A database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Database {
    /// The statement that makes it where it is not there.
    pub create: String,
    /// Character set and collation by default.
    pub defaults: (String, String),
    /// Its comment, where the server has such.
    pub comment: Option<String>,
}

/// What kind of table it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TableKind {
    /// One with rows.
    Base,
    /// One that keeps old versions of its rows.
    Versioned,
    /// A sequence of MariaDB: a table of one row.
    Sequence,
}

impl TableKind {
    /// As SQL names it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Base | Self::Versioned => "TABLE",
            Self::Sequence => "SEQUENCE",
        }
    }
}

/// A table.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// What kind.
    pub kind: TableKind,
    /// Storage engine.
    pub engine: String,
    /// The next number of `AUTO_INCREMENT`.
    pub counter: Option<u64>,
    /// Rows, by the statistics.
    pub rows: u64,
    /// Bytes, by the statistics.
    pub bytes: u64,
    /// The statement that makes it.
    pub create: String,
    /// The column that tells the end of a version's life, where it is a time.
    ends: Option<String>,
    /// How its rows are copied.
    pub copied: CopiedTable,
}

impl Table {
    /// Whether it is a sequence.
    pub(super) fn is_sequence(&self) -> bool {
        self.kind == TableKind::Sequence
    }

    /// Whether rows of it are copied at all.
    pub(super) fn has_rows(&self) -> bool {
        !WITHOUT_ROWS.iter().any(|engine| engine.eq_ignore_ascii_case(&self.engine))
    }

    /// Whether it takes a row only behind all others, by their numbers (ARCHIVE).
    pub(super) fn is_append_only(&self) -> bool {
        self.engine.eq_ignore_ascii_case("ARCHIVE")
    }

    /// Whether its rows are part of a snapshot.
    pub(super) fn has_snapshot(&self) -> bool {
        WITH_SNAPSHOT.iter().any(|engine| engine.eq_ignore_ascii_case(&self.engine))
    }

    /// Whether its rows must be read while nobody writes.
    pub(super) fn needs_lock(&self) -> bool {
        self.has_rows() && !self.has_snapshot()
    }
}

/// A view or a stored program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Piece {
    /// What it is.
    pub kind: CodeKind,
    /// Database.
    pub database: String,
    /// Name.
    pub name: String,
    /// Of a view, the character set of the session that made it.
    pub client: String,
}

/// Everything that is copied.
#[derive(Debug, Clone, Default)]
pub(super) struct Inventory {
    /// Databases by name.
    pub databases: BTreeMap<String, Database>,
    /// Tables.
    pub tables: BTreeMap<Name, Table>,
    /// Code in an order in which it can be made, but for views that need each other.
    pub code: Vec<Piece>,
}

impl Inventory {
    /// Reads everything.
    pub(super) async fn read(
        sql: &mut SqlWriter,
        dialect: Dialect,
        databases: &[String],
    ) -> Result<Self, CopyError> {
        let failed = CopyError::sql(CopyEnd::Source, "read the definitions of its tables");
        Self::of(sql, dialect, databases).await.map_err(failed)
    }

    /// Lets rows that are valid now be so on a server whose time ends later, too.
    pub(super) fn live_longer(&mut self) {
        for table in self.tables.values_mut() {
            table.ends.iter().for_each(|column| table.copied.live_longer(column));
        }
    }

    /// The same, with the server's own error.
    pub(super) async fn of(
        sql: &mut SqlWriter,
        dialect: Dialect,
        databases: &[String],
    ) -> Result<Self, SqlError> {
        let mut inventory = Self::default();
        if databases.is_empty() {
            return Ok(inventory);
        }
        // What does not rest on an answer is asked in one message: the source may be far away.
        let mut questions = vec![
            dialect.copied_databases(databases),
            dialect.copied_tables(databases),
            dialect.compared_columns().text().to_owned(),
            ReadStatement::compared_indexes().text().to_owned(),
        ];
        questions.extend(dialect.copied_code(databases));
        let mut answers = ask(sql, &questions).await?.into_iter();
        let mut next = || answers.next().unwrap_or_default();
        let (names, found, columns) = (next(), next(), Columns::of(next(), next())?);
        let mut tables = Vec::new();
        for row in &found {
            let name = (row.text("db")?, row.text("name")?);
            let table = columns.table(&name, row, dialect)?;
            tables.push((name, table));
        }
        inventory.code = pieces(answers.flatten())?;
        let table_names = tables.iter().map(|(name, _)| name);
        let (databases, creates) = definitions(sql, dialect, &names, table_names).await?;
        inventory.databases = databases;
        for ((name, mut table), create) in tables.into_iter().zip(creates) {
            // Below its counter it takes no row.
            table.create = if table.is_append_only() { create_text(&create) } else { create };
            inventory.tables.insert(name, table);
        }
        Ok(inventory)
    }

    /// Whether it still says what the source defines; what moves by itself does not count. It asks for no more than that.
    pub(super) async fn still_holds(
        &self,
        sql: &mut SqlWriter,
        dialect: Dialect,
        databases: &[String],
    ) -> Result<bool, CopyError> {
        let failed = CopyError::sql(CopyEnd::Source, "read the definitions of its tables again");
        self.is_same(sql, dialect, databases).await.map_err(failed)
    }

    async fn is_same(
        &self,
        sql: &mut SqlWriter,
        dialect: Dialect,
        databases: &[String],
    ) -> Result<bool, SqlError> {
        if databases.is_empty() {
            return Ok(true);
        }
        let mut questions = vec![dialect.copied_databases(databases), dialect.copied_table_names(databases)];
        questions.extend(dialect.copied_code(databases));
        let mut answers = ask(sql, &questions).await?.into_iter();
        let (databases, found) = (answers.next().unwrap_or_default(), answers.next().unwrap_or_default());
        let names = found.iter().map(|row| Ok((row.text("db")?, row.text("name")?)));
        let mut names = names.collect::<Result<Vec<Name>, SqlError>>()?;
        names.sort();
        if !names.iter().eq(self.tables.keys()) || pieces(answers.flatten())? != self.code {
            return Ok(false);
        }
        let (databases, creates) = definitions(sql, dialect, &databases, names.iter()).await?;
        let mut pairs = self.tables.values().zip(&creates);
        let same = pairs.all(|(table, create)| create_text(&table.create) == create_text(create));
        Ok(same && databases == self.databases)
    }
}

/// The databases that an answer names, and the statements that make tables, all asked at once.
async fn definitions(
    sql: &mut SqlWriter,
    dialect: Dialect,
    databases: &[Row],
    tables: impl Iterator<Item = &Name>,
) -> Result<(BTreeMap<String, Database>, Vec<String>), SqlError> {
    let found = databases.iter().map(|row| {
        let comment = row.optional("comment")?.map(str::to_owned);
        Ok((row.text("db")?, (row.text("cs")?, row.text("co")?), comment))
    });
    let found: Vec<(String, (String, String), Option<String>)> = found.collect::<Result<_, SqlError>>()?;
    let mut shows: Vec<String> = found.iter().map(|(name, ..)| dialect.show_create_database(name)).collect();
    shows.extend(tables.map(|(database, name)| dialect.show_create_table(database, name)));
    let mut texts = Vec::with_capacity(shows.len());
    for rows in ask(sql, &shows).await? {
        texts.push(rows.first().map_or(Ok(""), |row| row.at(1))?.to_owned());
    }
    let creates = texts.split_off(found.len().min(texts.len()));
    let databases = found.into_iter().zip(texts);
    let databases =
        databases.map(|((name, defaults, comment), create)| (name, Database { create, defaults, comment }));
    Ok((databases.collect(), creates))
}

/// The names of all code.
pub(super) async fn code(
    sql: &mut SqlWriter,
    dialect: Dialect,
    databases: &[String],
) -> Result<Vec<Piece>, SqlError> {
    if databases.is_empty() {
        return Ok(Vec::new());
    }
    pieces(ask(sql, &dialect.copied_code(databases)).await?.into_iter().flatten())
}

fn pieces(rows: impl Iterator<Item = Row>) -> Result<Vec<Piece>, SqlError> {
    let mut code = Vec::new();
    for row in rows {
        code.extend(piece(&row)?);
    }
    Ok(code)
}

fn piece(row: &Row) -> Result<Option<Piece>, SqlError> {
    let kind = match row.need("kind")? {
        "VIEW" => Some(CodeKind::View),
        "TRIGGER" => Some(CodeKind::Trigger),
        "EVENT" => Some(CodeKind::Event),
        routine => CodeKind::of_routine(routine),
    };
    let Some(kind) = kind else { return Ok(None) };
    let client = row.optional("client")?.unwrap_or_default().to_owned();
    Ok(Some(Piece { kind, database: row.text("db")?, name: row.text("name")?, client }))
}

/// The answers of many statements.
///
/// # Errors
/// The first one that there is.
async fn ask(sql: &mut SqlWriter, statements: &[String]) -> Result<Vec<Vec<Row>>, SqlError> {
    let mut all = Vec::with_capacity(statements.len());
    for some in statements.chunks(TOGETHER) {
        let texts: Vec<&str> = some.iter().map(String::as_str).collect();
        for answer in sql.query_all(&texts).await {
            all.push(answer?);
        }
    }
    Ok(all)
}

/// Columns and primary keys of all tables of a server.
struct Columns {
    columns: BTreeMap<Name, Vec<Row>>,
    keys: BTreeMap<Name, Vec<Row>>,
}

impl Columns {
    fn of(columns: Vec<Row>, mut indexes: Vec<Row>) -> Result<Self, SqlError> {
        let by_table = |rows: Vec<Row>| {
            let mut all: BTreeMap<Name, Vec<Row>> = BTreeMap::new();
            for row in rows {
                all.entry((row.text("db")?, row.text("tbl")?)).or_default().push(row);
            }
            Ok::<_, SqlError>(all)
        };
        indexes.retain(|row| row.get("name") == Some("PRIMARY"));
        Ok(Self { columns: by_table(columns)?, keys: by_table(indexes)? })
    }

    fn table(&self, name: &Name, row: &Row, dialect: Dialect) -> Result<Table, SqlError> {
        let kind = match row.need("kind")? {
            "SEQUENCE" => TableKind::Sequence,
            "SYSTEM VERSIONED" => TableKind::Versioned,
            _ => TableKind::Base,
        };
        let (mut columns, mut versions, mut ends) = (Vec::new(), Vec::new(), None);
        for row in self.columns.get(name).into_iter().flatten() {
            match made(row)? {
                Made::Stored => columns.push(row.column()?),
                Made::Begin => versions.push(row.column()?),
                Made::End => {
                    let column = row.column()?;
                    ends = Some(column.name.clone()).filter(|_| column.data_type == "timestamp");
                    versions.push(column);
                }
                Made::Generated => {}
            }
        }
        if kind == TableKind::Versioned && versions.is_empty() {
            versions.extend(["row_start", "row_end"].map(|name| Column {
                name: name.to_owned(),
                data_type: "timestamp".to_owned(),
                ..Column::default()
            }));
            ends = Some("row_end".to_owned());
        }
        columns.extend(versions);
        let parts = self.keys.get(name).map(Vec::as_slice).unwrap_or_default();
        let key = parts.iter().map(key_column).collect::<Result<Option<Vec<String>>, _>>()?;
        let history = if kind == TableKind::Versioned { History::All } else { History::None };
        let copied =
            CopiedTable::new((&name.0, &name.1), &columns, &key.unwrap_or_default(), history, dialect);
        Ok(Table {
            kind,
            engine: row.optional("engine")?.unwrap_or_default().to_owned(),
            counter: row.optional_number("counter")?,
            rows: row.optional_number("n")?.unwrap_or(0),
            bytes: row.optional_number("bytes")?.unwrap_or(0),
            create: String::new(),
            ends,
            copied,
        })
    }
}

/// A column of the key, where it is a whole column in the order of its values.
fn key_column(row: &Row) -> Result<Option<String>, SqlError> {
    let whole = row.optional("part")?.is_none() && row.need("kind")?.eq_ignore_ascii_case("btree");
    Ok(row.optional("col")?.filter(|_| whole).map(str::to_owned))
}

enum Made {
    /// By whoever writes the row.
    Stored,
    /// By the server, out of other columns.
    Generated,
    /// By the server, at the beginning of a version's life.
    Begin,
    /// The same at its end.
    End,
}

fn made(row: &Row) -> Result<Made, SqlError> {
    let made = row.optional("made")?.unwrap_or_default().to_ascii_uppercase();
    let extra = row.optional("extra")?.unwrap_or_default().to_ascii_uppercase();
    Ok(match made.as_str() {
        "ROW START" => Made::Begin,
        "ROW END" => Made::End,
        "" if !extra.contains("VIRTUAL GENERATED") && !extra.contains("STORED GENERATED") => Made::Stored,
        _ => Made::Generated,
    })
}
