//! Client sessions of a server that has just been started.
//!
//! Debian and Ubuntu check tables and accounts in the background after each start of a MariaDB server
//! (`/etc/mysql/debian-start`, as root over the socket). These sessions are the distribution's, not a client's,
//! and are gone after a moment: they are waited for, so that a fresh server does not count as one in use.

use std::time::Duration;

use super::{SessionFacts, channels};
use crate::{
    dialect::ReadStatement,
    model::limits,
    transport::{ReadScript, Session, SqlError, SqlReader},
};

const CHECKS: ReadScript = ReadScript::new(
    "wait for the checks after a start",
    "n=100\n\
     while [ $n -gt 0 ] && pgrep -f '^[a-z/]*sh /etc/mysql/debian-start' >/dev/null 2>&1; do\n\
       n=$((n - 1)); sleep 0.1\n\
     done",
);
/// More than the script waits at most.
const LIMIT: Duration = limits::LOOK.time;

/// Sessions of clients: not the server's own threads, not replication, not ours, not those of its start.
///
/// # Errors
/// When the server refuses to show them.
pub(crate) async fn client_sessions(
    session: &Session,
    sql: &SqlReader,
    own: &[String],
) -> Result<Vec<SessionFacts>, SqlError> {
    let found = channels::client_sessions(sql, own).await?;
    if !found.iter().any(|s| s.host == "localhost") {
        return Ok(found);
    }
    let uptime: u64 = sql.query_first(&ReadStatement::counter("Uptime")).await?.number("value")?;
    if uptime > limits::STARTED.as_secs() {
        return Ok(found);
    }
    // Where nothing can be waited for, what was found counts.
    let _ = session.read(&CHECKS, &[], LIMIT).await;
    channels::client_sessions(sql, own).await
}
