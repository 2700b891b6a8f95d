//! SQL over a forwarded socket. The only place that opens a connection of the driver.

use std::{path::Path, sync::LazyLock, time::Duration};

use mysql_async::{Conn, Opts, OptsBuilder};
use tokio::time;

use super::{
    Row, SqlError,
    batch::{self, plain},
    first,
    own::OwnId,
};
use crate::model::{Secret, limits};

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
    /// Whether a connection that was opened with it is one that another login would open.
    pub(super) fn serves(&self, other: &Self) -> bool {
        // Who runs the server may not have been known when it was opened; where only the server's user can place the
        // socket, that changes nothing.
        let same = self.server_uid == other.server_uid || self.server_uid.is_none() && !self.shared;
        let who = (&self.socket, &self.user, &self.password) == (&other.socket, &other.user, &other.password);
        same && who && self.shared == other.shared
    }

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

/// What every session of ours has; nothing runs on it before. Our quoting counts on a backslash being an escape; see
/// `dialect::quote`. A global limit of rows would cut what is read. A statement that waits for somebody's lock must not
/// hold up what the host takes back by itself. Without autocommit a session would go on to see what it has seen first.
/// A server's limit for every statement is its clients'; ours have limits of their own. It has another name in each family,
/// and either skips the comment that is meant for the other. So it is with a server on which all transactions are read-only
/// unless they say otherwise; MySQL 5.6 has the old name as well, and no comment is its alone.
pub(super) static SETTINGS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SET SESSION autocommit=1, SESSION sql_mode='STRICT_TRANS_TABLES', SESSION sql_select_limit=18446744073709551615, \
         SESSION sql_big_selects=1, SESSION sql_safe_updates=0, SESSION sql_auto_is_null=0, SESSION sql_quote_show_create=1, \
         SESSION completion_type=0, SESSION lock_wait_timeout={}\
         /*M!100102 , SESSION max_statement_time=0, SESSION tx_read_only=0*/\
         /*!50708 , SESSION max_execution_time=0*//*!50720 , SESSION transaction_read_only=0*/",
        limits::LOCK_OF_OTHERS.time.as_secs()
    )
});

/// Opens a connection, without [`SETTINGS`]. `local` is the forwarded socket on this machine.
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
        .pass(login.password.as_ref().map(|p| p.expose().to_owned()));
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

/// SQL of this program on the host itself, for a copy: what changes here stays off the binary log, as with
/// [`super::Writer::local_sql`]. The socket is one that nobody else may exchange.
///
/// # Errors
/// When the socket does not answer or the login is refused.
pub(crate) async fn sql_at_host(login: &Login, limit: Duration) -> Result<SqlWriter, SqlError> {
    let connection = connect(Path::new(&login.socket), login, limit).await?;
    Ok(SqlWriter::new(connection, OwnId::of_nobody(), &["SET SESSION sql_log_bin=0"], limit))
}

/// A connection that may change things.
#[derive(Debug)]
pub struct SqlWriter {
    /// None once it is being ended.
    pub(super) connection: Option<Conn>,
    /// Settings of the session that were not made yet: nothing runs before them.
    before: Vec<String>,
    limit: Duration,
    id: Option<OwnId>,
}

impl SqlWriter {
    /// Takes over a connection that has just been opened. `settings` are made on it beside [`SETTINGS`].
    pub(super) fn new(connection: Conn, id: OwnId, settings: &[&str], limit: Duration) -> Self {
        let before = [SETTINGS.as_str()].iter().chain(settings).map(|text| (*text).to_owned()).collect();
        Self { connection: Some(connection), before, limit, id: Some(id) }
    }

    /// Runs any one statement.
    ///
    /// # Errors
    /// When the server says no, or the connection breaks.
    pub async fn query(&mut self, sql: &str) -> Result<Vec<Row>, SqlError> {
        self.query_within(sql, self.limit).await
    }

    /// The same with a time limit of its own.
    ///
    /// # Errors
    /// As [`SqlWriter::query`].
    pub async fn query_within(&mut self, sql: &str, limit: Duration) -> Result<Vec<Row>, SqlError> {
        let mut answers = self.send(&[sql], limit).await;
        answers.pop().unwrap_or_else(|| Ok(vec![]))
    }

    /// Runs statements in order, in one message. The first that fails is the last that runs, and the last answer.
    pub async fn query_all(&mut self, statements: &[&str]) -> Vec<Result<Vec<Row>, SqlError>> {
        self.send(statements, self.limit).await
    }

    /// The same with a time limit of its own for each of them.
    pub async fn query_all_within(
        &mut self,
        statements: &[&str],
        limit: Duration,
    ) -> Vec<Result<Vec<Row>, SqlError>> {
        self.send(statements, limit).await
    }

    /// Runs a statement that holds a secret: in a message of its own, so that what a server does with it by its first
    /// words is done.
    ///
    /// # Errors
    /// As [`SqlWriter::query`].
    pub async fn query_secret(&mut self, sql: &str) -> Result<Vec<Row>, SqlError> {
        self.ready(self.limit).await?;
        self.query(sql).await
    }

    /// Makes the settings of the session that were not made yet.
    pub(super) async fn ready(&mut self, limit: Duration) -> Result<(), SqlError> {
        self.send(&[], limit).await.pop().map_or(Ok(()), |failed| failed.map(drop))
    }

    async fn send(&mut self, statements: &[&str], limit: Duration) -> Vec<Result<Vec<Row>, SqlError>> {
        let Some(connection) = &mut self.connection else { return vec![] };
        let before = std::mem::take(&mut self.before);
        let all: Vec<&str> = before.iter().map(String::as_str).chain(statements.iter().copied()).collect();
        if all.is_empty() {
            return vec![];
        }
        let mut answers = Vec::with_capacity(all.len());
        batch::send(connection, &all, limit, |answer| answers.push(answer)).await;
        if answers.len() <= before.len() && answers.last().is_some_and(Result::is_err) {
            // Not one of the statements was run, and none will be.
            self.before = before;
            return answers.split_off(answers.len() - 1);
        }
        answers.split_off(before.len())
    }

    /// The first row of a statement that every server answers with one.
    ///
    /// # Errors
    /// As [`SqlWriter::query`], and when there is no row.
    pub async fn query_first(&mut self, sql: &str) -> Result<Row, SqlError> {
        let rows = self.query(sql).await?;
        first(&rows, sql).cloned()
    }
}

/// Whichever way its user ends: the connection ends in order, and a statement that may still run ends with it. Until then
/// the session counts as ours.
impl Drop for SqlWriter {
    fn drop(&mut self) {
        let (Some(connection), id) = (self.connection.take(), self.id.take()) else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let _ = time::timeout(limits::SQL_END.time, connection.disconnect()).await;
            drop(id);
        });
    }
}
