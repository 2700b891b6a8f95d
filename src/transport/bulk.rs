//! Values and statements as bytes: what a copy carries, which no text of ours may stand between.

use std::time::Duration;

use mysql_async::{Conn, Params, QueryResult, TextProtocol, Value, prelude::Queryable};

use super::{
    SqlError, SqlWriter,
    batch::{BETWEEN, end_of, within},
};

/// A value as the server sends it; `None` for NULL.
pub(crate) type Bytes = Option<Vec<u8>>;

/// A row whose columns have names.
#[derive(Debug, Clone, Default)]
pub struct RawRow {
    columns: Vec<(String, Bytes)>,
}

impl RawRow {
    /// A column's bytes; nothing where there is no such column, or it is NULL.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let column = self.columns.iter().find(|(column, _)| column.eq_ignore_ascii_case(name));
        column.and_then(|(_, value)| value.as_deref())
    }

    /// The same as text.
    pub fn text(&self, name: &str) -> String {
        String::from_utf8_lossy(self.get(name).unwrap_or_default()).into_owned()
    }
}

/// Rows that arrive.
#[derive(Debug)]
pub struct RowStream<'c> {
    result: QueryResult<'c, 'static, TextProtocol>,
    limit: Duration,
}

impl RowStream<'_> {
    /// The next row of this answer, if there is one; behind its end, the first of the next answer.
    ///
    /// # Errors
    /// As [`SqlWriter::stream`].
    pub async fn next(&mut self) -> Result<Option<Vec<Bytes>>, SqlError> {
        let row = within(self.limit, self.result.next()).await?;
        Ok(row.map(|row| row.unwrap().into_iter().map(bytes).collect()))
    }
}

impl SqlWriter {
    /// Reads rows one after the other, each value as the server sends it. `limit` is for each of them.
    ///
    /// # Errors
    /// When the server says no, or the connection breaks.
    pub async fn stream(&mut self, sql: &str, limit: Duration) -> Result<RowStream<'_>, SqlError> {
        self.ready(limit).await?;
        let result = within(limit, self.open()?.query_iter(sql.to_owned())).await?;
        Ok(RowStream { result, limit })
    }

    /// The same for several statements, which go to the server in one message: their answers come one after the other.
    ///
    /// # Errors
    /// As [`SqlWriter::stream`].
    pub async fn stream_all(
        &mut self,
        statements: &[String],
        limit: Duration,
    ) -> Result<RowStream<'_>, SqlError> {
        self.stream(&statements.join(BETWEEN), limit).await
    }

    /// All rows of an answer with the names of its columns.
    ///
    /// # Errors
    /// As [`SqlWriter::stream`].
    pub async fn raw(&mut self, sql: &str, limit: Duration) -> Result<Vec<RawRow>, SqlError> {
        self.ready(limit).await?;
        let mut result = within(limit, self.open()?.query_iter(sql)).await?;
        let rows: Vec<mysql_async::Row> = within(limit, result.collect()).await?;
        let named = |row: mysql_async::Row| {
            let names: Vec<String> = row.columns_ref().iter().map(|c| c.name_str().into_owned()).collect();
            RawRow { columns: names.into_iter().zip(row.unwrap().into_iter().map(bytes)).collect() }
        };
        Ok(rows.into_iter().map(named).collect())
    }

    /// Runs a statement of bytes; how many rows it has changed.
    ///
    /// # Errors
    /// When the server says no, or the connection breaks.
    pub async fn execute(&mut self, sql: &[u8], limit: Duration) -> Result<u64, SqlError> {
        self.ready(limit).await?;
        within(limit, end_of(self.open()?.query_iter(sql))).await
    }

    /// Runs statements that go to the server in one message, `number` of them; how many rows each has changed. The first
    /// that fails is the last that runs.
    ///
    /// # Errors
    /// As [`SqlWriter::execute`].
    pub async fn execute_all(
        &mut self,
        message: &[u8],
        number: usize,
        limit: Duration,
    ) -> Result<Vec<u64>, SqlError> {
        self.ready(limit).await?;
        let mut result = within(limit, self.open()?.query_iter(message)).await?;
        let mut changed = Vec::with_capacity(number);
        for _ in 0..number {
            changed.push(result.affected_rows());
            // Ends this answer, and reads the beginning of the next one.
            within(limit, result.collect::<mysql_async::Row>()).await?;
        }
        Ok(changed)
    }

    /// Runs a statement with values that travel beside it, as they are: the way for a row that is too large for a
    /// statement.
    ///
    /// # Errors
    /// As [`SqlWriter::execute`].
    pub async fn execute_with(
        &mut self,
        sql: &str,
        values: Vec<Bytes>,
        limit: Duration,
    ) -> Result<u64, SqlError> {
        self.ready(limit).await?;
        let values = values.into_iter().map(|value| value.map_or(Value::NULL, Value::Bytes)).collect();
        within(limit, end_of(self.open()?.exec_iter(sql, Params::Positional(values)))).await
    }
}

impl SqlWriter {
    fn open(&mut self) -> Result<&mut Conn, SqlError> {
        self.connection.as_mut().ok_or_else(|| SqlError::Broken("the connection is closed".into()))
    }
}

/// In the text protocol a value is bytes or NULL.
fn bytes(value: Value) -> Bytes {
    match value {
        Value::Bytes(bytes) => Some(bytes),
        Value::NULL => None,
        other => Some(other.as_sql(true).into_bytes()),
    }
}
