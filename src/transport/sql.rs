//! SQL over a forwarded socket. The only place that opens a connection of the driver.

use std::{path::Path, time::Duration};

use mysql_async::{Conn, Opts, OptsBuilder, Value, prelude::Queryable};
use tokio::time;

use super::{Row, SqlError, first, without_data};
use crate::{
    dialect::{ReadStatement, reads_only},
    model::{Secret, limits, masked},
};

/// How to log in to a server through its socket.
#[derive(Debug, Clone)]
pub struct Login {
    /// Socket path on the host.
    pub socket: String,
    /// Who runs the server, where that is known by a way that is trusted. No password goes to another user's socket.
    pub server_uid: Option<u32>,
    /// Whether others than root and the server's user may exchange the socket: then only who is behind it counts.
    pub shared: bool,
    /// User.
    pub user: String,
    /// Password; none for the socket account.
    pub password: Option<Secret>,
}

impl Login {
    /// The password as a quoted value of an option file, with the end of its line.
    pub(crate) fn password_line(&self) -> zeroize::Zeroizing<String> {
        let mut line = zeroize::Zeroizing::new(String::new());
        for c in self.password.as_ref().map_or("", |p| p.expose()).chars() {
            if matches!(c, '\\' | '"') {
                line.push('\\');
            }
            line.push(c);
        }
        line.push('\n');
        line
    }
}

/// Opens a connection. `local` is the forwarded socket on this machine.
pub(super) async fn connect(local: &Path, login: &Login, limit: Duration) -> Result<Conn, SqlError> {
    let options = OptsBuilder::default()
        .socket(local.to_str())
        // The driver's default would ask the server for its socket and then look for that path on
        // this machine, which may be another server's.
        .prefer_socket(false)
        // Otherwise it would ask for both. Nothing of ours is longer; the server has a limit of its own anyway.
        .max_allowed_packet(Some(1 << 30))
        .wait_timeout(Some(28_800))
        .user(Some(login.user.clone()))
        .pass(login.password.as_ref().map(|p| p.expose().to_owned()))
        // Our quoting counts on a backslash being an escape; see `dialect::quote`.
        // A global limit of rows would cut what is read. A statement that waits for somebody's lock must not hold up
        // what the host takes back by itself.
        .init(vec![format!(
            "SET SESSION sql_mode='STRICT_TRANS_TABLES', SESSION sql_select_limit=18446744073709551615, \
             SESSION lock_wait_timeout={}",
            limits::LOCK_OF_OTHERS.time.as_secs()
        )]);
    let failed = |why: String| SqlError::Connect { socket: login.socket.clone(), why };
    match time::timeout(limit, Conn::new(Opts::from(options))).await {
        Err(_) => Err(failed(format!("no answer within {}", crate::model::duration(limit)))),
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(mysql_async::Error::Server(error))) if matches!(error.code, 1045 | 1698 | 1524 | 3118) => {
            Err(SqlError::Denied { user: login.user.clone(), why: error.message })
        }
        Ok(Err(mysql_async::Error::Server(error))) => {
            Err(failed(format!("{} ({})", error.message, error.code)))
        }
        Ok(Err(other)) => Err(failed(plain(&other))),
    }
}

/// A connection that reads.
#[derive(Debug)]
pub struct SqlReader {
    connection: Conn,
    limit: Duration,
}

/// A server of before MySQL 5.6 has no transactions that only read; the statement is no syntax to it.
const NO_SYNTAX: u16 = 1064;

impl SqlReader {
    /// Makes the session one that can't change a table.
    pub(super) async fn new(connection: Conn, limit: Duration) -> Result<Self, SqlError> {
        let mut reader = Self { connection, limit };
        match reader.query(&ReadStatement::read_only_session()).await {
            Err(error) if error.code() != Some(NO_SYNTAX) => Err(error),
            _ => Ok(reader),
        }
    }

    /// The server's id of this session; the lower 32 bits, which is all that a server says when it greets.
    pub fn session_id(&self) -> u64 {
        self.connection.id().into()
    }

    /// Runs a statement that only reads. Its type says that it does; its text is looked at too.
    ///
    /// # Errors
    /// When its text does more than read, or the server says no.
    pub async fn query(&mut self, statement: &ReadStatement) -> Result<Vec<Row>, SqlError> {
        if !reads_only(statement.text()) {
            return Err(SqlError::NotARead(statement.text().chars().take(40).collect()));
        }
        run(&mut self.connection, statement.text(), self.limit).await
    }

    /// The first row of a statement that every server answers with one.
    ///
    /// # Errors
    /// As [`SqlReader::query`], and when there is no row.
    pub async fn query_first(&mut self, statement: &ReadStatement) -> Result<Row, SqlError> {
        let rows = self.query(statement).await?;
        first(&rows, statement.text()).cloned()
    }

    /// Ends the connection in order.
    pub async fn close(self) {
        let _ = time::timeout(Duration::from_secs(1), self.connection.disconnect()).await;
    }
}

/// A connection that may change things.
#[derive(Debug)]
pub struct SqlWriter {
    connection: Conn,
    limit: Duration,
}

impl SqlWriter {
    pub(super) fn new(connection: Conn, limit: Duration) -> Self {
        Self { connection, limit }
    }

    /// Runs any one statement.
    ///
    /// # Errors
    /// When the server says no, or the connection breaks.
    pub async fn query(&mut self, sql: &str) -> Result<Vec<Row>, SqlError> {
        run(&mut self.connection, sql, self.limit).await
    }

    /// The same with a time limit of its own.
    ///
    /// # Errors
    /// As [`SqlWriter::query`].
    pub async fn query_within(&mut self, sql: &str, limit: Duration) -> Result<Vec<Row>, SqlError> {
        run(&mut self.connection, sql, limit).await
    }

    /// The first row of a statement that every server answers with one.
    ///
    /// # Errors
    /// As [`SqlWriter::query`], and when there is no row.
    pub async fn query_first(&mut self, sql: &str) -> Result<Row, SqlError> {
        let rows = self.query(sql).await?;
        first(&rows, sql).cloned()
    }

    /// Ends the connection in order.
    pub async fn close(self) {
        let _ = time::timeout(Duration::from_secs(1), self.connection.disconnect()).await;
    }
}

async fn run(connection: &mut Conn, sql: &str, limit: Duration) -> Result<Vec<Row>, SqlError> {
    let rows: Vec<mysql_async::Row> = match time::timeout(limit, connection.query(sql)).await {
        Err(_) => return Err(SqlError::Timeout(limit)),
        Ok(Err(mysql_async::Error::Server(error))) => {
            let message = masked(without_data(error.code.into(), &error.message));
            return Err(SqlError::Server { code: error.code, message });
        }
        Ok(Err(other)) => return Err(SqlError::Broken(plain(&other))),
        Ok(Ok(rows)) => rows,
    };
    let text = |value: Value| match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Value::Int(n) => Some(n.to_string()),
        Value::UInt(n) => Some(n.to_string()),
        Value::Float(n) => Some(n.to_string()),
        Value::Double(n) => Some(n.to_string()),
        other => Some(other.as_sql(true).trim_matches('\'').to_owned()),
    };
    let statement = Row::of(sql);
    Ok(rows
        .into_iter()
        .map(|row| {
            let names: Vec<String> = row.columns_ref().iter().map(|c| c.name_str().into_owned()).collect();
            statement.with(names.into_iter().zip(row.unwrap().into_iter().map(text)).collect())
        })
        .collect())
}

/// The driver's words without the decoration, and never with a value of ours.
fn plain(error: &mysql_async::Error) -> String {
    match error {
        mysql_async::Error::Io(error) => error.to_string(),
        mysql_async::Error::Driver(error) => error.to_string(),
        other => other.to_string(),
    }
}
