//! Rows of an answer, read strictly: what is not there is never taken for an empty text.

use std::{str::FromStr, sync::Arc};

use super::SqlError;
use crate::{
    dialect::Column,
    model::{BinlogPosition, masked},
};

/// Characters of a statement that a message repeats.
const SHOWN: usize = 80;

/// One row of an answer: columns by name, as text, and the statement that it answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    head: Arc<Head>,
    values: Vec<Option<String>>,
}

/// What all rows of an answer have in common: there may be a hundred thousand of them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Head {
    statement: String,
    names: Vec<String>,
}

impl Row {
    /// The row of an answer that has no columns yet; see [`Row::with`].
    pub fn of(statement: &str) -> Self {
        Self { head: Arc::new(Head { statement: shown(statement), names: Vec::new() }), values: Vec::new() }
    }

    /// A row of an answer to the same statement.
    #[must_use]
    pub fn with(&self, columns: Vec<(String, Option<String>)>) -> Self {
        let (names, values): (Vec<String>, Vec<Option<String>>) = columns.into_iter().unzip();
        self.named(names).of_values(values)
    }

    /// The same whose columns have names.
    #[must_use]
    pub fn named(&self, names: Vec<String>) -> Self {
        let statement = self.head.statement.clone();
        Self { head: Arc::new(Head { statement, names }), values: Vec::new() }
    }

    /// A row of the same answer; a value for each name.
    #[must_use]
    pub fn of_values(&self, values: Vec<Option<String>>) -> Self {
        debug_assert_eq!(values.len(), self.head.names.len());
        Self { head: self.head.clone(), values }
    }

    /// A row from names and values, for tests and replays.
    pub fn new(columns: Vec<(String, Option<String>)>) -> Self {
        Self::default().with(columns)
    }

    /// Its columns, to be written down.
    #[cfg(any(test, debug_assertions))]
    pub(super) fn columns(&self) -> impl Iterator<Item = (String, Option<String>)> {
        self.head.names.iter().cloned().zip(self.values.iter().cloned())
    }

    /// A column that every version has and that is never NULL.
    ///
    /// # Errors
    /// When the answer has no such column, or it is NULL.
    pub fn need(&self, name: &str) -> Result<&str, SqlError> {
        self.optional(name)?.ok_or_else(|| self.unexpected(name, "is NULL"))
    }

    /// The same as a text of its own.
    ///
    /// # Errors
    /// As [`Row::need`].
    pub fn text(&self, name: &str) -> Result<String, SqlError> {
        self.need(name).map(str::to_owned)
    }

    /// The same as a number.
    ///
    /// # Errors
    /// As [`Row::need`], and when it is no such number.
    pub fn number<N: FromStr>(&self, name: &str) -> Result<N, SqlError> {
        self.parsed(name, self.need(name)?)
    }

    /// The same as one of a closed list of words.
    ///
    /// # Errors
    /// As [`Row::need`], and when it is another word.
    pub fn word<W: FromStr>(&self, name: &str) -> Result<W, SqlError> {
        self.parsed(name, self.need(name)?)
    }

    /// A column that every version has and that may be NULL.
    ///
    /// # Errors
    /// When the answer has no such column.
    pub fn optional(&self, name: &str) -> Result<Option<&str>, SqlError> {
        let place = self.head.names.iter().position(|column| column.eq_ignore_ascii_case(name));
        let value = place.and_then(|n| self.values.get(n));
        value.map(Option::as_deref).ok_or_else(|| self.unexpected(name, "is missing"))
    }

    /// The same as a number.
    ///
    /// # Errors
    /// As [`Row::optional`], and when it is no such number.
    pub fn optional_number<N: FromStr>(&self, name: &str) -> Result<Option<N>, SqlError> {
        self.optional(name)?.map(|text| self.parsed(name, text)).transpose()
    }

    /// A position in a binary log, out of the column that names the file and the one with the offset; nothing where no
    /// file is named.
    ///
    /// # Errors
    /// As [`Row::number`].
    pub fn position(&self, file: &str, offset: &str) -> Result<Option<BinlogPosition>, SqlError> {
        Ok(BinlogPosition::new(self.need(file)?, self.number(offset)?))
    }

    /// The column of a table that an answer to [`Dialect::compared_columns`] describes.
    ///
    /// # Errors
    /// As [`Row::number`].
    ///
    /// [`Dialect::compared_columns`]: crate::dialect::Dialect::compared_columns
    pub fn column(&self) -> Result<Column, SqlError> {
        Ok(Column {
            name: self.text("name")?,
            data_type: self.need("kind")?.to_ascii_lowercase(),
            column_type: self.text("whole")?,
            nullable: !self.need("nullable")?.eq_ignore_ascii_case("no"),
            bytes: self.optional_number("bytes")?.unwrap_or(0),
            character_set: self.optional("cs")?.map(str::to_owned),
            collation: self.optional("co")?.map(str::to_owned),
        })
    }

    /// A column that not every version has; `None` where it is not there, or is NULL.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.optional(name).ok().flatten()
    }

    /// The value of the n-th column, from 0, where a column's name is the server's choice.
    ///
    /// # Errors
    /// When there is no such column, or it is NULL.
    pub fn at(&self, n: usize) -> Result<&str, SqlError> {
        self.optional_at(n)?.ok_or_else(|| self.unexpected(&nth(n), "is NULL"))
    }

    /// The same where it may be NULL.
    ///
    /// # Errors
    /// When there is no such column.
    pub fn optional_at(&self, n: usize) -> Result<Option<&str>, SqlError> {
        let value = self.values.get(n);
        value.map(Option::as_deref).ok_or_else(|| self.unexpected(&nth(n), "is missing"))
    }

    fn parsed<N: FromStr>(&self, name: &str, text: &str) -> Result<N, SqlError> {
        text.parse().map_err(|_| self.unexpected(name, "is not a number"))
    }

    fn unexpected(&self, column: &str, what: &'static str) -> SqlError {
        SqlError::Column {
            statement: self.head.statement.clone(),
            column: column.to_owned(),
            what: what.into(),
        }
    }
}

/// The first row of the answer to a statement that every server answers with one.
///
/// # Errors
/// When there is none.
pub(crate) fn first<'a>(rows: &'a [Row], statement: &str) -> Result<&'a Row, SqlError> {
    rows.first().ok_or_else(|| SqlError::NoRow { statement: shown(statement) })
}

fn nth(n: usize) -> String {
    format!("no. {}", n + 1)
}

fn shown(statement: &str) -> String {
    masked(statement).chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_never_an_empty_text() {
        let columns = [("Name", Some("")), ("n", Some("7")), ("nothing", None), ("far", Some("-1"))];
        let columns = columns.map(|(name, value)| (name.to_owned(), value.map(str::to_owned)));
        let row = Row::of("SHOW x").with(columns.to_vec());
        assert_eq!((row.need("name").ok(), row.number::<u64>("n").ok()), (Some(""), Some(7)));
        assert_eq!(row.optional("nothing").ok(), Some(None));
        assert_eq!(row.optional_number::<u64>("nothing").ok(), Some(None));
        assert_eq!((row.get("nothing"), row.get("other"), row.at(1).ok()), (None, None, Some("7")));
        for (result, says) in [
            (row.text("other").map(drop), "`other` is missing"),
            (row.optional("other").map(drop), "`other` is missing"),
            (row.text("nothing").map(drop), "`nothing` is NULL"),
            (row.number::<u64>("far").map(drop), "`far` is not a number"),
            (row.at(2).map(drop), "`no. 3` is NULL"),
            (row.at(4).map(drop), "`no. 5` is missing"),
        ] {
            let said = result.expect_err(says).to_string();
            assert!(said.contains("`SHOW x`") && said.contains(says), "{said}");
        }
        assert_eq!(first(&[], "SELECT 1").err().map(|e| e.code()), Some(None));
    }
}
