//! One server whose rows are compared: it only reads.

use std::time::Duration;

use super::compare::Listing;
use crate::{
    dialect::{Adding, Compared, Dialect, Key, Range, ReadStatement, incomplete},
    exec::{On, StepError},
    model::{HostName, limits},
    transport::{Login, Row, Session, SqlError, SqlReader},
};

/// The limit of one statement. Only a table without a key comes near it, since it is read in one go.
const LIMIT: Duration = limits::CHUNK.time;

/// A table as it is compared.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    /// Database.
    pub database: String,
    /// Name.
    pub name: String,
    /// How its rows are compared.
    pub compared: Compared,
    /// What is added up for each of them.
    pub adding: Adding,
    /// Whether a statement may add up several ranges. One of a partitioned table of MyISAM opens all files for each
    /// of them, and one without the primary key may read the whole table for each.
    pub in_pieces: bool,
}

impl Comparison {
    /// As a person writes it.
    pub(crate) fn title(&self) -> String {
        format!("{}.{}", self.database, self.name)
    }

    fn table(&self) -> (&str, &str) {
        (&self.database, &self.name)
    }
}

/// What the rows of a range add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    /// How many.
    pub rows: u64,
    /// The sum of their digests.
    pub digest: String,
}

/// A connection to one server.
#[derive(Debug)]
pub(crate) struct Side {
    /// The host.
    pub host: HostName,
    sql: SqlReader,
    dialect: Dialect,
}

impl Side {
    /// Connects, with settings that make the same value the same text on every server.
    ///
    /// # Errors
    /// When the login fails.
    pub(crate) async fn open(on: On<'_>) -> Result<Self, StepError> {
        let host = on.host;
        let side = Self::reading(host, on.session()?, on.login()?, on.dialect()?).await;
        side.map_err(|e| on.failed("log in to the server", e))
    }

    /// The same over a session that can only read.
    ///
    /// # Errors
    /// When the login fails.
    pub(crate) async fn reading(
        host: &HostName,
        session: &Session,
        login: &Login,
        dialect: Dialect,
    ) -> Result<Self, SqlError> {
        let sql = session.sql(login, LIMIT).await?;
        sql.begin_with(&dialect.comparing_session(LIMIT))?;
        Ok(Self { host: host.clone(), sql, dialect })
    }

    /// What it speaks.
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Asks something else over the same connection.
    ///
    /// # Errors
    /// When the server says no.
    pub(crate) async fn query(&mut self, statement: &ReadStatement) -> Result<Vec<Row>, SqlError> {
        self.sql.query(statement).await
    }

    /// All tables.
    ///
    /// # Errors
    /// When the server refuses to show them.
    pub(crate) async fn read_tables(&mut self) -> Result<super::Tables, SqlError> {
        super::table::read(&self.sql, self.dialect).await
    }

    /// All tables.
    ///
    /// # Errors
    /// When the server refuses to show them.
    pub(crate) async fn tables(&mut self) -> Result<super::Tables, StepError> {
        self.read_tables().await.map_err(|e| StepError::new(&self.host, "look at its tables", e))
    }

    /// Adds up the digests of a range.
    ///
    /// # Errors
    /// When the server says no, or made no digest for a row.
    pub(crate) async fn sum(&mut self, table: &Comparison, range: &Range) -> Result<Sum, SqlError> {
        let sums = self.sums(table, std::slice::from_ref(range)).await?;
        Ok(sums.into_iter().next().unwrap_or_default())
    }

    /// The same for several ranges, in as few statements as their length allows.
    ///
    /// # Errors
    /// As [`Side::sum`], and when the server leaves a range out.
    pub(crate) async fn sums(&mut self, table: &Comparison, ranges: &[Range]) -> Result<Vec<Sum>, SqlError> {
        let mut sums: Vec<Option<Sum>> = vec![None; ranges.len()];
        for statement in table.compared.add_up(table.table(), table.adding, ranges) {
            for row in &self.sql.query(&statement).await? {
                if let Some(sum) = sums.get_mut(row.number::<usize>("piece")?) {
                    *sum = Some(summed(row)?);
                }
            }
        }
        // What was not added up must not count as equal.
        let all: Option<Vec<Sum>> = sums.into_iter().collect();
        all.ok_or_else(|| SqlError::Broken(format!("{}: it did not add up all of its rows", table.title())))
    }

    /// What all rows of each table add up to, asked for together; nothing where that can't be had.
    ///
    /// # Errors
    /// When the connection breaks.
    pub(crate) async fn sums_of_tables(
        &mut self,
        tables: &[&Comparison],
    ) -> Result<Vec<Option<Sum>>, SqlError> {
        let whole = [Range::default()];
        let queries = tables.iter().flat_map(|t| t.compared.add_up(t.table(), t.adding, &whole));
        let answers = self.answers(&queries.collect::<Vec<_>>()).await?;
        Ok(answers.iter().map(|rows| summed(rows.as_ref()?.first()?).ok()).collect())
    }

    /// Of each table, whether it has fewer rows than that. One without a key is read in one go anyway; one that can't be
    /// read has not.
    ///
    /// # Errors
    /// As [`Side::sums_of_tables`].
    pub(crate) async fn have_fewer(
        &mut self,
        tables: &[&Comparison],
        rows: u64,
    ) -> Result<Vec<bool>, SqlError> {
        let with_key: Vec<bool> = tables.iter().map(|table| !table.compared.key.is_empty()).collect();
        let asked = tables.iter().filter(|table| !table.compared.key.is_empty());
        let queries = asked.map(|t| t.compared.nth_key(t.table(), &Range::default(), rows));
        let answers = self.answers(&queries.collect::<Vec<_>>()).await?;
        let mut answers = answers.into_iter();
        let mut fewer = || answers.next().flatten().is_some_and(|rows: Vec<Row>| rows.is_empty());
        Ok(with_key.into_iter().map(|has_key| !has_key || fewer()).collect())
    }

    /// What many statements are answered; nothing where the server says no to one.
    async fn answers(&mut self, queries: &[ReadStatement]) -> Result<Vec<Option<Vec<Row>>>, SqlError> {
        let answers = self.sql.query_each(queries).await?;
        let no = |answer| match answer {
            Ok(rows) => Ok(Some(rows)),
            Err(SqlError::Server { .. }) => Ok(None),
            Err(broken) => Err(broken),
        };
        answers.into_iter().map(no).collect()
    }

    /// The key of the n-th row behind a key, within a range; nothing where there are fewer rows.
    ///
    /// # Errors
    /// When the server says no.
    pub(crate) async fn nth_key(
        &mut self,
        table: &Comparison,
        range: &Range,
        n: u64,
    ) -> Result<Option<Key>, SqlError> {
        let compared = &table.compared;
        let query = compared.nth_key(table.table(), range, n);
        self.sql.query(&query).await?.first().map(|row| key(row, compared)).transpose()
    }

    /// The key of the last row; nothing where there is none.
    ///
    /// # Errors
    /// When the server says no.
    pub(crate) async fn last_key(&mut self, table: &Comparison) -> Result<Option<Key>, SqlError> {
        let compared = &table.compared;
        let query = compared.last_key(table.table());
        self.sql.query(&query).await?.first().map(|row| key(row, compared)).transpose()
    }

    /// Rows of a range with their digests, in the order of the key and not more than `most`.
    ///
    /// # Errors
    /// When the server says no.
    pub(crate) async fn list(
        &mut self,
        table: &Comparison,
        range: &Range,
        most: usize,
    ) -> Result<Listing, SqlError> {
        let query = table.compared.list(table.table(), range, most);
        self.listing(&query, &table.compared).await
    }

    /// Exactly these rows, as far as they exist.
    ///
    /// # Errors
    /// When the server says no.
    pub(crate) async fn rows(&mut self, table: &Comparison, keys: &[&Key]) -> Result<Listing, SqlError> {
        let mut all = Listing::new();
        for some in keys.chunks(200) {
            let query = table.compared.rows(table.table(), some);
            all.extend(self.listing(&query, &table.compared).await?);
        }
        Ok(all)
    }

    async fn listing(&mut self, query: &ReadStatement, compared: &Compared) -> Result<Listing, SqlError> {
        let rows = self.sql.query(query).await?;
        rows.iter().map(|row| Ok((key(row, compared)?, digest(row)?))).collect()
    }

    /// One row for a person: each column's text, shortened, and its exact value beside it.
    ///
    /// # Errors
    /// When the server says no.
    pub(crate) async fn shown(
        &mut self,
        table: &Comparison,
        key: &Key,
        most: usize,
    ) -> Result<Option<Vec<Shown>>, SqlError> {
        self.show(table, &table.compared.show(table.table(), key, most)).await
    }

    /// How often each row stands in a table without a key, by digest.
    ///
    /// # Errors
    /// When the server says no.
    pub(crate) async fn bag(&mut self, table: &Comparison, most: usize) -> Result<Listing, SqlError> {
        let query = table.compared.bag(table.table(), most);
        let rows = self.sql.query(&query).await?;
        rows.iter().map(|row| Ok((vec![digest(row)?], row.text("n")?))).collect()
    }

    /// A row of a table without a key, by its digest.
    ///
    /// # Errors
    /// When the server says no.
    pub(crate) async fn shown_by_digest(
        &mut self,
        table: &Comparison,
        digest: &str,
        most: usize,
    ) -> Result<Option<Vec<Shown>>, SqlError> {
        self.show(table, &table.compared.show_by_digest(table.table(), digest, most)).await
    }

    async fn show(
        &mut self,
        table: &Comparison,
        query: &ReadStatement,
    ) -> Result<Option<Vec<Shown>>, SqlError> {
        let rows = self.sql.query(query).await?;
        let columns = |row: &Row| {
            let shown = |n: usize| Shown {
                text: row.get(&format!("v{n}")).map(str::to_owned),
                exact: row.get(&format!("x{n}")).map(str::to_owned),
            };
            (0..table.compared.columns.len()).map(shown).collect()
        };
        Ok(rows.first().map(columns))
    }
}

/// A value for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Its text, shortened; nothing for NULL.
    pub text: Option<String>,
    /// What it is compared by; nothing where the server could not make it.
    pub exact: Option<String>,
}

fn summed(row: &Row) -> Result<Sum, SqlError> {
    // No rows have no sum.
    let digest = row.optional("digest")?.unwrap_or_default().to_owned();
    if incomplete(&digest) {
        return Err(too_large());
    }
    Ok(Sum { rows: row.number("n")?, digest })
}

/// The digest of one row. Two rows without one must not count as equal.
fn digest(row: &Row) -> Result<String, SqlError> {
    row.optional("digest")?.map(str::to_owned).ok_or_else(too_large)
}

/// The server's own number for it; it is a warning there (ER_WARN_ALLOWED_PACKET_OVERFLOWED).
fn too_large() -> SqlError {
    SqlError::Server { code: 1301, message: "a row is too large for max_allowed_packet".to_owned() }
}

fn key(row: &Row, compared: &Compared) -> Result<Key, SqlError> {
    (0..compared.key.len()).map(|n| row.text(&format!("k{n}"))).collect()
}
