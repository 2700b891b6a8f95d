//! One server whose rows are compared: it only reads.

use std::time::Duration;

use super::{
    compare::Listing,
    digest::{Adding, Compared, Key, incomplete},
};
use crate::{
    apply::{Fleet, StepError},
    dialect::{Dialect, identifier, literal},
    model::HostName,
    transport::{Login, Row, Session, SqlError, SqlReader},
};

/// The limit of one statement. Only a table without a key comes near it, since it is read in one go.
const LIMIT: Duration = Duration::from_secs(3600);

/// Bytes of a statement from which on no more is added to it; servers of old take one mebibyte.
const STATEMENT: usize = 128 * 1024;

/// A table as it is compared.
#[derive(Debug, Clone)]
pub struct Comparison {
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
    pub fn title(&self) -> String {
        format!("{}.{}", self.database, self.name)
    }

    fn from(&self) -> String {
        let force = if self.compared.primary { " FORCE INDEX (PRIMARY)" } else { "" };
        format!("{}.{} t{force}", identifier(&self.database), identifier(&self.name))
    }
}

/// Rows behind one key and up to another one; without keys the whole table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Range {
    /// Behind this key.
    pub after: Option<Key>,
    /// Up to this one.
    pub up_to: Option<Key>,
}

/// What the rows of a range add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub rows: u64,
    /// The sum of their digests.
    pub digest: String,
}

/// A connection to one server.
#[derive(Debug)]
pub struct Side {
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
    pub async fn open(host: &HostName, fleet: &Fleet<'_>) -> Result<Self, StepError> {
        let side = Self::reading(host, fleet.session(host)?, fleet.login(host)?, fleet.dialect(host)?).await;
        side.map_err(|e| StepError::new(host, "log in to the server", e))
    }

    /// The same over a session that can only read.
    ///
    /// # Errors
    /// When the login fails.
    pub async fn reading(
        host: &HostName,
        session: &Session,
        login: &Login,
        dialect: Dialect,
    ) -> Result<Self, SqlError> {
        let mut sql = session.sql(login, LIMIT).await?;
        for statement in dialect.comparing_session(LIMIT) {
            sql.query(&statement).await?;
        }
        Ok(Self { host: host.clone(), sql, dialect })
    }

    /// What it speaks.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// All tables.
    ///
    /// # Errors
    /// When the server refuses to show them.
    pub async fn read_tables(&mut self) -> Result<super::Tables, SqlError> {
        super::table::read(&mut self.sql, self.dialect).await
    }

    /// All tables.
    ///
    /// # Errors
    /// When the server refuses to show them.
    pub async fn tables(&mut self) -> Result<super::Tables, StepError> {
        self.read_tables().await.map_err(|e| StepError::new(&self.host, "look at its tables", e))
    }

    /// Adds up the digests of a range.
    ///
    /// # Errors
    /// When the server says no, or made no digest for a row.
    pub async fn sum(&mut self, table: &Comparison, range: &Range) -> Result<Sum, SqlError> {
        let sums = self.sums(table, std::slice::from_ref(range)).await?;
        Ok(sums.into_iter().next().unwrap_or_default())
    }

    /// The same for several ranges, in as few statements as their length allows.
    ///
    /// # Errors
    /// As [`Side::sum`], and when the server leaves a range out.
    pub async fn sums(&mut self, table: &Comparison, ranges: &[Range]) -> Result<Vec<Sum>, SqlError> {
        let mut sums: Vec<Option<Sum>> = vec![None; ranges.len()];
        let mut statement = String::new();
        for (n, range) in ranges.iter().enumerate() {
            let union = if statement.is_empty() { "" } else { " UNION ALL " };
            statement.push_str(&format!("{union}SELECT {n} AS piece, {}", sum_of(table, range)));
            if statement.len() < STATEMENT && n + 1 < ranges.len() {
                continue;
            }
            for row in &self.sql.query(&statement).await? {
                let piece = row.number("piece").and_then(|n| usize::try_from(n).ok());
                if let Some(sum) = piece.and_then(|n| sums.get_mut(n)) {
                    *sum = Some(summed(row)?);
                }
            }
            statement.clear();
        }
        // What was not added up must not count as equal.
        let all: Option<Vec<Sum>> = sums.into_iter().collect();
        all.ok_or_else(|| SqlError::Broken(format!("{}: it did not add up all of its rows", table.title())))
    }

    /// The key of the n-th row behind a key, within a range; nothing where there are fewer rows.
    ///
    /// # Errors
    /// When the server says no.
    pub async fn nth_key(
        &mut self,
        table: &Comparison,
        range: &Range,
        n: u64,
    ) -> Result<Option<Key>, SqlError> {
        let compared = &table.compared;
        let query = format!(
            "SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT {},1",
            compared.key_values(),
            table.from(),
            compared.between(range.after.as_ref(), range.up_to.as_ref()),
            compared.key_order(),
            n.saturating_sub(1)
        );
        Ok(self.sql.query(&query).await?.first().map(|row| key(row, compared)))
    }

    /// The key of the last row; nothing where there is none.
    ///
    /// # Errors
    /// When the server says no.
    pub async fn last_key(&mut self, table: &Comparison) -> Result<Option<Key>, SqlError> {
        let compared = &table.compared;
        let order: Vec<String> =
            compared.key.iter().map(|name| format!("t.{} DESC", identifier(name))).collect();
        let query = format!(
            "SELECT {} FROM {} ORDER BY {} LIMIT 1",
            compared.key_values(),
            table.from(),
            order.join(", ")
        );
        Ok(self.sql.query(&query).await?.first().map(|row| key(row, compared)))
    }

    /// Rows of a range with their digests, in the order of the key and not more than `most`.
    ///
    /// # Errors
    /// When the server says no.
    pub async fn list(
        &mut self,
        table: &Comparison,
        range: &Range,
        most: usize,
    ) -> Result<Listing, SqlError> {
        let compared = &table.compared;
        let query = format!(
            "SELECT {}, {} AS digest FROM {} WHERE {} ORDER BY {} LIMIT {most}",
            compared.key_values(),
            compared.row(),
            table.from(),
            compared.between(range.after.as_ref(), range.up_to.as_ref()),
            compared.key_order()
        );
        self.listing(&query, compared).await
    }

    /// Exactly these rows, as far as they exist.
    ///
    /// # Errors
    /// When the server says no.
    pub async fn rows(&mut self, table: &Comparison, keys: &[&Key]) -> Result<Listing, SqlError> {
        let compared = &table.compared;
        let mut all = Listing::new();
        for some in keys.chunks(200) {
            let query = format!(
                "SELECT {}, {} AS digest FROM {} WHERE {}",
                compared.key_values(),
                compared.row(),
                table.from(),
                compared.these(some)
            );
            all.extend(self.listing(&query, compared).await?);
        }
        Ok(all)
    }

    async fn listing(&mut self, query: &str, compared: &Compared) -> Result<Listing, SqlError> {
        let rows = self.sql.query(query).await?;
        Ok(rows.iter().map(|row| (key(row, compared), row.text("digest"))).collect())
    }

    /// One row for a person: each column's text, shortened, and its exact value beside it.
    ///
    /// # Errors
    /// When the server says no.
    pub async fn shown(
        &mut self,
        table: &Comparison,
        key: &Key,
        most: usize,
    ) -> Result<Option<Vec<Shown>>, SqlError> {
        let condition = table.compared.these(&[key]);
        self.show(table, &condition, most).await
    }

    /// How often each row stands in a table without a key, by digest.
    ///
    /// # Errors
    /// When the server says no.
    pub async fn bag(&mut self, table: &Comparison, most: usize) -> Result<Listing, SqlError> {
        let query = format!(
            "SELECT digest, COUNT(*) AS n FROM (SELECT {} AS digest FROM {}) d GROUP BY digest LIMIT {most}",
            table.compared.row(),
            table.from()
        );
        let rows = self.sql.query(&query).await?;
        Ok(rows.iter().map(|r| (vec![r.text("digest")], r.text("n"))).collect())
    }

    /// A row of a table without a key, by its digest.
    ///
    /// # Errors
    /// When the server says no.
    pub async fn shown_by_digest(
        &mut self,
        table: &Comparison,
        digest: &str,
        most: usize,
    ) -> Result<Option<Vec<Shown>>, SqlError> {
        let condition = format!("{} = {}", table.compared.row(), literal(digest));
        self.show(table, &condition, most).await
    }

    async fn show(
        &mut self,
        table: &Comparison,
        condition: &str,
        most: usize,
    ) -> Result<Option<Vec<Shown>>, SqlError> {
        let compared = &table.compared;
        let query =
            format!("SELECT {} FROM {} WHERE {condition} LIMIT 1", compared.shown(most), table.from());
        let rows = self.sql.query(&query).await?;
        let columns = |row: &Row| {
            let shown = |n: usize| Shown {
                text: row.get(&format!("v{n}")).map(str::to_owned),
                exact: row.text(&format!("x{n}")),
            };
            (0..compared.columns.len()).map(shown).collect()
        };
        Ok(rows.first().map(columns))
    }

    /// Ends the connection.
    pub async fn close(self) {
        self.sql.close().await;
    }
}

/// A value for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its text, shortened; nothing for NULL.
    pub text: Option<String>,
    /// What it is compared by.
    pub exact: String,
}

fn sum_of(table: &Comparison, range: &Range) -> String {
    let compared = &table.compared;
    format!(
        "{} FROM {} WHERE {}",
        compared.sum(table.adding),
        table.from(),
        compared.between(range.after.as_ref(), range.up_to.as_ref())
    )
}

fn summed(row: &Row) -> Result<Sum, SqlError> {
    let digest = row.text("digest");
    if incomplete(&digest) {
        // The server's own number for it; it is a warning there (ER_WARN_ALLOWED_PACKET_OVERFLOWED).
        let message = "a row is too large for max_allowed_packet".to_owned();
        return Err(SqlError::Server { code: 1301, message });
    }
    Ok(Sum { rows: row.number("n").unwrap_or(0), digest })
}

fn key(row: &Row, compared: &Compared) -> Key {
    (0..compared.key.len()).map(|n| row.text(&format!("k{n}"))).collect()
}
