//! What two servers say of a copy row by row that is planned between them. Reads only; the rows themselves are looked into
//! for a bounded time.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::{Instant, timeout_at};

use super::{Reading, schema::as_named};
use crate::{
    dialect::{
        AccountName, Column, CopyDemands, CopyTakes, DemandingAccount, DemandingTable, Dialect, GrantedOn,
        Looked, ObjectGrant, ReadStatement, TableName, Versions, is_long,
    },
    model::{Fact, HostName, in_parallel, limits},
    transport::{Login, Row, Session, SqlError, SqlReader},
};

/// Bytes of a row beside its long columns, at most.
const SHORT_COLUMNS: u64 = 65_535;

/// A copy that is planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CopyLook {
    /// Whose rows are copied.
    pub donor: HostName,
    /// Whose accounts are.
    pub source: HostName,
    /// The host that gets them.
    pub replica: HostName,
    /// Databases.
    pub databases: Vec<String>,
    /// Bytes of the largest statement that the replica will take, where that is known.
    pub packet: Option<u64>,
}

/// What is looked for in rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct RowLook {
    databases: BTreeSet<String>,
    packet: Option<u64>,
}

impl RowLook {
    /// Of one copy.
    pub(crate) fn of(databases: &[String], packet: Option<u64>) -> Self {
        Self { databases: databases.iter().cloned().collect(), packet }
    }

    fn add(&mut self, look: &CopyLook) {
        self.databases.extend(look.databases.iter().cloned());
        self.packet = [self.packet, look.packet].into_iter().flatten().min();
    }
}

/// Adds to a reading what speaks for or against copies that are planned.
pub(crate) async fn look_at_copies(reading: &mut Reading, copies: &[CopyLook], forks: usize) {
    let mut sources: BTreeMap<&HostName, RowLook> = BTreeMap::new();
    for look in copies {
        sources.entry(&look.source).or_default();
        sources.entry(&look.donor).or_default().add(look);
    }
    let replicas: BTreeSet<&HostName> = copies.iter().map(|look| &look.replica).collect();
    let hosts: BTreeSet<&HostName> = sources.keys().chain(&replicas).copied().collect();
    let looks = hosts.into_iter().filter_map(|host| {
        let (session, login) = (reading.sessions.get(host)?, reading.logins.get(host)?);
        let dialect = Dialect::of(reading.observed.get(host)?.known()?.server.known()?.version);
        let (rows, takes) = (sources.get(host).cloned(), replicas.contains(host));
        Some(async move {
            let demands = async {
                let rows = rows?;
                let read = read_demands((session, login, dialect), &rows).await;
                Some(read.map_or_else(|error| Fact::Unread(error.to_string()), Fact::Known))
            };
            let takes = async {
                let read = takes.then(|| read_takes(session, login))?.await;
                Some(read.map_or_else(|error| Fact::Unread(error.to_string()), Fact::Known))
            };
            let (demands, takes) = tokio::join!(demands, takes);
            (host.clone(), demands, takes)
        })
    });
    for (host, demands, takes) in in_parallel(forks, looks).await {
        if let Some(Fact::Known(facts)) = reading.observed.get_mut(&host) {
            (facts.demands, facts.takes) = (demands, takes);
        }
    }
}

async fn read_demands(
    (session, login, dialect): (&Session, &Login, Dialect),
    rows: &RowLook,
) -> Result<CopyDemands, SqlError> {
    let limit = limits::COPY_LOOK.time;
    let sql = session.sql(login, limit).await?;
    copy_demands(&sql, dialect, rows, limit).await
}

async fn read_takes(session: &Session, login: &Login) -> Result<CopyTakes, SqlError> {
    copy_takes(&session.sql(login, limits::STATEMENT.time).await?).await
}

/// What a server takes.
///
/// # Errors
/// When it does not say.
pub(crate) async fn copy_takes(sql: &SqlReader) -> Result<CopyTakes, SqlError> {
    let (engines, plugins, objects) = tokio::try_join!(
        sql.query(ReadStatement::engines()),
        sql.query(ReadStatement::login_plugins()),
        sql.query(ReadStatement::system_objects()),
    )?;
    let system_objects = objects.iter().map(|row| row.text("name")).collect::<Result<_, _>>()?;
    let mut takes = CopyTakes { system_objects, ..CopyTakes::default() };
    for row in &engines {
        if matches!(row.need("support")?.to_ascii_uppercase().as_str(), "YES" | "DEFAULT") {
            takes.engines.insert(row.need("engine")?.to_ascii_lowercase());
        }
    }
    for row in &plugins {
        takes.login_plugins.insert(row.need("name")?.to_ascii_lowercase());
    }
    Ok(takes)
}

/// What a server holds that another one may not take. What lies in rows is looked for within this time, and the
/// server ends a statement that takes longer.
///
/// # Errors
/// When it does not show its definitions.
pub(crate) async fn copy_demands(
    sql: &SqlReader,
    dialect: Dialect,
    rows: &RowLook,
    within: Duration,
) -> Result<CopyDemands, SqlError> {
    let end = Instant::now() + within;
    sql.begin_with(&dialect.comparing_session(within))?;
    let (mut demands, mut columns) = definitions(sql, dialect).await?;
    if demands.lacks_something() {
        // Its lists are read one after the other, and somebody may be altering tables meanwhile: what is missing is so twice.
        let (now, columns_now) = definitions(sql, dialect).await?;
        demands = now.also_with(&demands);
        columns = columns_now;
    }
    let names: Vec<&TableName> = demands
        .tables
        .iter()
        .map(|table| &table.name)
        .filter(|name| rows.databases.contains(&name.0))
        .collect();
    demands.typed_json = typed_json(sql, dialect, (&names, &columns), end).await;
    demands.large_rows = large_rows(sql, (&names, &columns), rows.packet, end).await;
    Ok(demands)
}

/// What its definitions demand.
async fn definitions(sql: &SqlReader, dialect: Dialect) -> Result<(CopyDemands, Columns), SqlError> {
    let tablespaces = async {
        match dialect.in_tablespaces() {
            Some(statement) => sql.query(statement).await,
            None => Ok(Vec::new()),
        }
    };
    let (tables, with_key, columns, tablespaces, calls, on_system, granted, routines, accounts) = tokio::try_join!(
        sql.query(ReadStatement::demanding_tables()),
        sql.query(ReadStatement::tables_with_key()),
        sql.query(dialect.compared_columns()),
        tablespaces,
        sql.query(ReadStatement::calling_views()),
        sql.query(ReadStatement::views_on_system()),
        sql.query(ReadStatement::granted_objects()),
        sql.query(ReadStatement::routines()),
        sql.query(dialect.login_plugins_of_accounts()),
    )?;
    let columns = Columns::of(&columns)?;
    let mut demands = CopyDemands { calling_views: calling_views(&calls)?, ..CopyDemands::default() };
    for row in &on_system {
        demands.system_views.push(((row.text("db")?, row.text("name")?), row.text("object")?));
    }
    let general = tablespaces.iter().map(|row| Ok(as_named(row.need("name")?)));
    let general: BTreeSet<String> = general.collect::<Result<_, SqlError>>()?;
    let mut objects: BTreeSet<TableName> = BTreeSet::new();
    let named = |row: &Row| Ok::<_, SqlError>((row.text("db")?, row.text("name")?));
    let with_key: BTreeSet<TableName> = with_key.iter().map(named).collect::<Result<_, _>>()?;
    for row in &tables {
        let name = named(row)?;
        objects.insert(lower(&name));
        match row.need("kind")? {
            // A server shows no columns of a view that can't be used.
            kind if kind.ends_with("VIEW") && !columns.0.contains_key(&name) => {
                demands.broken_views.push(name);
            }
            kind if kind.ends_with("VIEW") => {}
            kind => {
                let in_tablespace = general.contains(&format!("{}.{}", name.0, name.1));
                let versions = (kind == "SYSTEM VERSIONED").then(|| columns.versions(&name));
                let engine = row.optional("engine")?.unwrap_or_default().to_owned();
                let (has_key, sequence) = (with_key.contains(&name), kind == "SEQUENCE");
                let table = DemandingTable { name, engine, has_key, sequence, versions, in_tablespace };
                demands.tables.push(table);
            }
        }
    }
    for row in &routines {
        objects.insert(lower(&(row.text("db")?, row.text("name")?)));
    }
    demands.accounts = demanding_accounts(&accounts, &granted, |grant| match &grant.on {
        GrantedOn::Column(column) => columns.has(&grant.name, column),
        _ => objects.contains(&lower(&grant.name)),
    })?;
    Ok((demands, columns))
}

/// A name of an object, as privileges are compared with it.
fn lower((database, name): &TableName) -> TableName {
    (database.clone(), name.to_lowercase())
}

/// Columns of tables, and of views that can be used.
struct Columns(BTreeMap<TableName, Vec<(Column, String)>>);

impl Columns {
    fn of(rows: &[Row]) -> Result<Self, SqlError> {
        let mut all: BTreeMap<TableName, Vec<(Column, String)>> = BTreeMap::new();
        for row in rows {
            let column = Column {
                name: row.text("name")?,
                data_type: row.need("kind")?.to_ascii_lowercase(),
                bytes: row.optional_number("bytes")?.unwrap_or(0),
                ..Column::default()
            };
            let made = row.optional("made")?.unwrap_or_default().to_ascii_uppercase();
            all.entry((row.text("db")?, row.text("tbl")?)).or_default().push((column, made));
        }
        Ok(Self(all))
    }

    fn of_table(&self, name: &TableName) -> impl Iterator<Item = &Column> {
        self.0.get(name).into_iter().flatten().map(|(column, _)| column)
    }

    fn versions(&self, name: &TableName) -> Versions {
        let begins = |(column, made): &(Column, String)| made == "ROW START" && column.data_type == "bigint";
        match self.0.get(name).is_some_and(|columns| columns.iter().any(begins)) {
            true => Versions::ByTransaction,
            false => Versions::ByTime,
        }
    }

    fn has(&self, name: &TableName, column: &str) -> bool {
        let name = lower(name);
        let same = |(one, _): &(&TableName, &Vec<(Column, String)>)| lower(one) == name;
        let found = self.0.iter().filter(same).flat_map(|(_, columns)| columns);
        found.into_iter().any(|(one, _)| one.name.to_lowercase() == column.to_lowercase())
    }
}

fn calling_views(rows: &[Row]) -> Result<Vec<(TableName, AccountName, String)>, SqlError> {
    let mut views = Vec::new();
    for row in rows {
        let definer = row.need("definer")?;
        let (user, host) = definer.rsplit_once('@').unwrap_or((definer, ""));
        let account = (user.to_owned(), host.to_owned());
        views.push(((row.text("db")?, row.text("name")?), account, row.text("func")?));
    }
    Ok(views)
}

fn demanding_accounts(
    accounts: &[Row],
    granted: &[Row],
    exists: impl Fn(&ObjectGrant) -> bool,
) -> Result<Vec<DemandingAccount>, SqlError> {
    let mut all: BTreeMap<AccountName, DemandingAccount> = BTreeMap::new();
    let account = |row: &Row| Ok::<_, SqlError>((row.text("user")?, row.text("host")?));
    for row in accounts {
        let name = account(row)?;
        let more = row.optional("more")?.and_then(|list| serde_json::from_str::<Vec<String>>(list).ok());
        let first = row.optional("plugin")?.filter(|plugin| !plugin.is_empty()).map(str::to_owned);
        let plugins = first.into_iter().chain(more.unwrap_or_default()).collect();
        let restricted = row.optional("restricted")?.is_some();
        all.insert(name.clone(), DemandingAccount { name, plugins, restricted, grants: Vec::new() });
    }
    for row in granted {
        let name = account(row)?;
        let one = all.entry(name.clone()).or_insert_with(|| DemandingAccount { name, ..Default::default() });
        let mut grant = ObjectGrant {
            name: (row.text("db")?, row.text("name")?),
            on: match (row.need("part")?, row.need("kind")?) {
                ("", "") => GrantedOn::Table,
                ("", kind) => GrantedOn::Routine(kind.to_ascii_uppercase()),
                (column, _) => GrantedOn::Column(column.to_owned()),
            },
            privileges: row.need("privileges")?.split(',').map(privilege).collect(),
            exists: true,
        };
        grant.exists = exists(&grant);
        one.grants.push(grant);
    }
    Ok(all.into_values().collect())
}

/// A privilege of the tables of grants as SQL has it.
fn privilege(word: &str) -> String {
    match word {
        "Grant" => "GRANT OPTION".to_owned(),
        "Delete versioning rows" => "DELETE HISTORY".to_owned(),
        word => word.to_uppercase(),
    }
}

/// Columns with a document that its text does not show as it is.
async fn typed_json(
    sql: &SqlReader,
    dialect: Dialect,
    (tables, columns): (&[&TableName], &Columns),
    end: Instant,
) -> Looked<(TableName, String)> {
    let mut looked = Looked::default();
    for name in tables {
        for column in columns.of_table(name).filter(|column| column.data_type == "json") {
            let Some(query) = dialect.typed_json(&name.0, &name.1, &column.name) else { continue };
            match within(end, sql.query(query)).await {
                Ok(rows) if rows.is_empty() => {}
                Ok(_) => looked.found.push(((*name).clone(), column.name.clone())),
                Err(why) => {
                    looked.unread = Some(why);
                    return looked;
                }
            }
        }
    }
    looked
}

/// Tables with a row that a statement of so many bytes does not hold. Only long columns can make a row that large.
async fn large_rows(
    sql: &SqlReader,
    (tables, columns): (&[&TableName], &Columns),
    packet: Option<u64>,
    end: Instant,
) -> Looked<(TableName, u64)> {
    let mut looked = Looked::default();
    let Some(packet) = packet else { return looked };
    for name in tables {
        let most = |column: &Column| match column.data_type.as_str() {
            _ if !is_long(column) && !holds_any_length(column) => 0,
            "tinytext" | "tinyblob" | "text" | "blob" => column.bytes,
            _ => u64::from(u32::MAX),
        };
        let long: Vec<&Column> = columns.of_table(name).filter(|column| most(column) > 0).collect();
        let all = long.iter().map(|column| most(column)).sum::<u64>();
        if long.is_empty() || all.saturating_add(SHORT_COLUMNS) <= packet {
            continue;
        }
        let names: Vec<String> = long.iter().map(|column| column.name.clone()).collect();
        let query = ReadStatement::largest_row(&name.0, &name.1, &names);
        let read = within(end, sql.query(query)).await.and_then(|rows| {
            let row = rows.first().map(|row| row.optional_number::<u64>("bytes"));
            row.transpose().map(Option::flatten).map_err(|error| error.to_string())
        });
        match read {
            Ok(bytes) => looked.found.extend(bytes.filter(|n| *n > packet).map(|n| ((*name).clone(), n))),
            Err(why) => {
                looked.unread = Some(why);
                return looked;
            }
        }
    }
    looked
}

fn holds_any_length(column: &Column) -> bool {
    let kind = column.data_type.as_str();
    ["json", "geometry", "vector"].contains(&kind) || kind.ends_with("text") || kind.ends_with("blob")
}

/// An answer that comes in time.
async fn within<T>(end: Instant, asked: impl Future<Output = Result<T, SqlError>>) -> Result<T, String> {
    match timeout_at(end, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("it took too long".to_owned()),
    }
}
