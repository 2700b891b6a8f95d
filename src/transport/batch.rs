//! Statements that go to a server together. It runs them in order and stops at the first that fails.

use std::time::Duration;

use mysql_async::{
    Conn, QueryResult, Value,
    prelude::{Protocol, Queryable},
};
use tokio::time::{self, Instant};

use super::{Row, SqlError, without_data};
use crate::model::masked;

/// What one statement was answered.
pub(super) type Answer = Result<Vec<Row>, SqlError>;

/// A line for each, so that each begins a line of its own where a server logs what it was sent.
pub(super) const BETWEEN: &str = ";\n";

/// Sends statements in one message, and hands over the answer of each as it comes: the first failure is the last answer.
/// Gives their number. `limit` is for each of them. Each must give exactly one answer.
pub(super) async fn send(
    connection: &mut Conn,
    statements: &[&str],
    limit: Duration,
    mut answered: impl FnMut(Answer),
) -> usize {
    let text = statements.join(BETWEEN);
    let mut result = match within(limit, connection.query_iter(text)).await {
        Ok(result) => result,
        Err(error) => {
            answered(Err(error));
            return 1;
        }
    };
    for number in 1..=statements.len() {
        let rows = within(limit, result.collect::<mysql_async::Row>()).await;
        let failed = rows.is_err();
        answered(rows.map(|rows| named(statements[number - 1], rows)));
        if failed {
            return number;
        }
    }
    statements.len()
}

/// What a server says last on a connection: that it shuts down, that somebody has ended the session, or that nobody has
/// used it for its `wait_timeout` (MySQL from 8.0.24 on).
const LAST_WORDS: [u16; 3] = [1053, 1927, 4031];

/// Whether a connection can be used no more after this.
pub(super) fn is_end(error: &SqlError) -> bool {
    matches!(error, SqlError::Broken(_) | SqlError::Timeout(_))
        || error.code().is_some_and(|code| LAST_WORDS.contains(&code))
}

pub(super) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, mysql_async::Error>>,
) -> Result<T, SqlError> {
    match time::timeout_at(Instant::now() + limit, work).await {
        Err(_) => Err(SqlError::Timeout(limit)),
        Ok(Ok(value)) => Ok(value),
        Ok(Err(mysql_async::Error::Server(error))) => {
            let message = masked(without_data(error.code.into(), &error.message));
            Err(SqlError::Server { code: error.code, message })
        }
        Ok(Err(other)) => Err(SqlError::Broken(plain(&other))),
    }
}

/// Waits for the end of a statement's answers; how many rows it has changed.
pub(super) async fn end_of<'c, P: Protocol>(
    statement: impl Future<Output = Result<QueryResult<'c, 'static, P>, mysql_async::Error>>,
) -> Result<u64, mysql_async::Error> {
    let result = statement.await?;
    let changed = result.affected_rows();
    result.drop_result().await?;
    Ok(changed)
}

fn named(statement: &str, rows: Vec<mysql_async::Row>) -> Vec<Row> {
    let Some(first) = rows.first() else { return Vec::new() };
    let names = first.columns_ref().iter().map(|c| c.name_str().into_owned()).collect();
    let answer = Row::of(statement).named(names);
    rows.into_iter().map(|row| answer.of_values(row.unwrap().into_iter().map(text).collect())).collect()
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::NULL => None,
        Value::Bytes(bytes) => {
            // What is UTF-8 already, as nearly everything, is not copied.
            Some(
                String::from_utf8(bytes)
                    .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()),
            )
        }
        Value::Int(n) => Some(n.to_string()),
        Value::UInt(n) => Some(n.to_string()),
        Value::Float(n) => Some(n.to_string()),
        Value::Double(n) => Some(n.to_string()),
        other => Some(other.as_sql(true).trim_matches('\'').to_owned()),
    }
}

/// The driver's words without the decoration, and never with a value of ours.
pub(super) fn plain(error: &mysql_async::Error) -> String {
    match error {
        mysql_async::Error::Io(error) => error.to_string(),
        mysql_async::Error::Driver(error) => error.to_string(),
        other => other.to_string(),
    }
}
