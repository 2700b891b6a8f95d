//! The channels of a replica, and the sessions of clients.

use std::collections::{BTreeMap, BTreeSet};

use super::{ChannelFacts, ChannelFilters, LeftOutOrigins, SessionFacts};
use crate::{
    dialect::{Dialect, ReadStatement},
    model::{Family, UsingGtid},
    transport::{Row, SqlError, SqlReader},
};

/// All channels of a replica.
///
/// # Errors
/// When the server refuses to show them.
pub(crate) async fn channels(sql: &SqlReader, dialect: Dialect) -> Result<Vec<ChannelFacts>, SqlError> {
    let rows = sql.query(&dialect.show_channels()).await?;
    let mut list = rows.iter().map(|row| channel(row, dialect)).collect::<Result<Vec<ChannelFacts>, _>>()?;
    if let (Some(query), false) = (dialect.stored_channel_passwords(), list.is_empty()) {
        // Who may not read the table learns nothing of a wrong password before the channel says so.
        let stored = sql.query(&query).await.unwrap_or_default();
        let mut digests = BTreeMap::new();
        for row in &stored {
            digests.insert(row.text("name")?, row.optional("digest")?.map(str::to_owned));
        }
        for channel in &mut list {
            channel.password_digest = digests.get(&channel.name).cloned().flatten();
        }
    }
    if let (Some(query), true) = (dialect.worker_errors(), list.iter().any(|c| c.sql_errno != 0)) {
        let errors = sql.query(&query).await.unwrap_or_default();
        for channel in list.iter_mut().filter(|c| c.sql_errno != 0) {
            if let Some(error) = errors.iter().find(|row| row.get("name") == Some(&channel.name)) {
                channel.sql_errno = error.number("errno")?;
                channel.sql_error = error.text("text")?;
            }
        }
    }
    Ok(list)
}

/// The columns have kept their order and got new words: `Master_Host` is `Source_Host`, `Slave_IO_Running` is
/// `Replica_IO_Running` (MySQL manual, "SHOW REPLICA STATUS"). Names of channels, delays, GTIDs and the applier's state
/// are not in every version: where a server has no such column, it has no such thing.
fn channel(row: &Row, dialect: Dialect) -> Result<ChannelFacts, SqlError> {
    let (source, replica, name) = dialect.status_words();
    let column = |words: &str| words.replace("SOURCE", source).replace("REPLICA", replica);
    let text = |words: &str| row.text(&column(words));
    let number = |words: &str| row.number::<u64>(&column(words));
    let errno = |words: &str| row.number::<u32>(&column(words));
    let yes = |words: &str| row.need(&column(words)).map(|word| word.eq_ignore_ascii_case("yes"));
    let newer = |words: &str| row.get(&column(words)).unwrap_or_default().to_owned();
    Ok(ChannelFacts {
        name: newer(name),
        source_host: text("SOURCE_host")?,
        source_port: row.number(&column("SOURCE_port"))?,
        user: text("SOURCE_user")?,
        io_running: row.word(&column("REPLICA_io_running"))?,
        sql_running: row.word(&column("REPLICA_sql_running"))?,
        io_errno: errno("last_io_errno")?,
        io_error: text("last_io_error")?,
        sql_errno: errno("last_sql_errno")?,
        sql_error: text("last_sql_error")?,
        seconds_behind: row.optional_number(&column("seconds_behind_SOURCE"))?,
        read: row.position(&column("SOURCE_log_file"), &column("read_SOURCE_log_pos"))?,
        executed: row.position(&column("relay_SOURCE_log_file"), &column("exec_SOURCE_log_pos"))?,
        relay: row.position("relay_log_file", "relay_log_pos")?,
        using_gtid: match dialect.family() {
            Family::MariaDb => row.word("using_gtid")?,
            Family::MySql if newer("auto_position") == "1" => UsingGtid::AutoPosition,
            Family::MySql => UsingGtid::No,
        },
        gtid_io_pos: match dialect.family() {
            Family::MariaDb => text("gtid_io_pos")?,
            Family::MySql => newer("retrieved_gtid_set"),
        },
        tls: yes("SOURCE_ssl_allowed")? && (dialect.encrypts_without_authority() || names_tls(row)),
        tls_verify: yes("SOURCE_ssl_verify_server_cert")?,
        tls_ca: text("SOURCE_ssl_ca_file")?,
        // MySQL 5.5 has none.
        delay: row.get("sql_delay").map_or(Ok(0), |_| row.number("sql_delay"))?,
        source_server_id: number("SOURCE_server_id")?,
        sql_state: newer("REPLICA_sql_running_state"),
        io_state: text("REPLICA_io_state")?,
        password_digest: None,
        filters: filters(row)?,
        left_out: origins(row),
    })
}

/// Whether anything is named of what an old client needs to begin TLS.
fn names_tls(row: &Row) -> bool {
    let columns = ["ssl_ca_file", "ssl_ca_path", "ssl_cert", "ssl_cipher", "ssl_key"];
    columns.iter().any(|column| row.get(&format!("master_{column}")).is_some_and(|value| !value.is_empty()))
}

fn split(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|v| !v.is_empty()).map(str::to_owned).collect()
}

/// Both families have known ids of servers since 5.5, MariaDB those of domains since 10.1.2.
fn origins(row: &Row) -> LeftOutOrigins {
    let list = |column: &str| row.get(column).map(split).unwrap_or_default();
    LeftOutOrigins {
        servers: list("replicate_ignore_server_ids"),
        domains: list("replicate_ignore_domain_ids"),
        all_domains_but: list("replicate_do_domain_ids"),
    }
}

/// The columns have the same names in every version; that for rewrites came with MySQL 5.7 and MariaDB 10.11.
fn filters(row: &Row) -> Result<ChannelFilters, SqlError> {
    let list = |column: &str| row.need(column).map(split);
    Ok(ChannelFilters {
        databases: list("replicate_do_db")?,
        ignore_databases: list("replicate_ignore_db")?,
        tables: list("replicate_do_table")?,
        ignore_tables: list("replicate_ignore_table")?,
        wild_tables: list("replicate_wild_do_table")?,
        wild_ignore_tables: list("replicate_wild_ignore_table")?,
        // `(from,to),(from,to)` in MySQL, `from->to` in MariaDB.
        rewrites: row.get("replicate_rewrite_db").map(split).unwrap_or_default(),
    })
}

/// Replicas that are connected, by their server ids.
///
/// # Errors
/// When the server refuses to show them.
pub(super) async fn connected_replicas(
    sql: &SqlReader,
    dialect: Dialect,
) -> Result<Vec<(u64, String)>, SqlError> {
    let rows = sql.query(&dialect.show_connected_replicas()).await?;
    rows.iter().map(|row| Ok((row.number("server_id")?, row.text("host")?))).collect()
}

/// Addresses from which replicas are connected: a replica that does not report its own is known by nothing else.
///
/// # Errors
/// When the server refuses to show them.
pub(super) async fn replica_addresses(sql: &SqlReader) -> Result<BTreeSet<String>, SqlError> {
    let rows = sql.query(&ReadStatement::sessions()).await?;
    let mut dumps = BTreeSet::new();
    for row in &rows {
        if row.need("command")?.starts_with("Binlog Dump") {
            dumps.insert(address(row.need("host")?).to_owned());
        }
    }
    Ok(dumps)
}

/// An address comes with a port behind it, `localhost` without.
fn address(host: &str) -> &str {
    host.rsplit_once(':').map_or(host, |(address, _)| address)
}

/// Sessions of clients: not the server's own threads, not replication, not ours.
///
/// # Errors
/// When the server refuses to show them.
pub(super) async fn client_sessions(sql: &SqlReader, own: &[String]) -> Result<Vec<SessionFacts>, SqlError> {
    Ok(clients(sql, own).await?.into_iter().map(|client| client.facts).collect())
}

/// Numbers of the sessions of clients.
///
/// # Errors
/// When the server refuses to show them.
pub(crate) async fn client_ids(sql: &SqlReader, own: &[String]) -> Result<Vec<u64>, SqlError> {
    Ok(clients(sql, own).await?.into_iter().map(|client| client.id).collect())
}

/// A statement of a client that has run for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LongStatement {
    /// The session's number.
    pub id: u64,
    /// Its user.
    pub user: String,
    /// Where it comes from.
    pub host: String,
    /// For so long.
    pub seconds: u64,
}

/// Statements of clients that have run for a second and longer, the longest first; a session that holds tables and waits for
/// its client counts, too.
///
/// # Errors
/// When the server refuses to show them.
pub(crate) async fn long_statements(sql: &SqlReader, own: &[String]) -> Result<Vec<LongStatement>, SqlError> {
    let mut found: Vec<LongStatement> = clients(sql, own)
        .await?
        .into_iter()
        .filter(|client| client.seconds >= 1)
        .map(|Client { id, seconds, facts }| LongStatement {
            id,
            user: facts.user,
            host: facts.host,
            seconds,
        })
        .collect();
    found.sort_by_key(|one| std::cmp::Reverse(one.seconds));
    Ok(found)
}

/// The sessions of an account that is bound to an address.
///
/// # Errors
/// When the server refuses to show them.
pub(crate) async fn sessions_of(sql: &SqlReader, (user, from): (&str, &str)) -> Result<Vec<u64>, SqlError> {
    let rows = sql.query(&ReadStatement::sessions()).await?;
    let is_its = |row: &&Row| {
        let text = |column: &str| row.optional(column).ok().flatten().unwrap_or_default();
        text("user") == user && address(text("host")).eq_ignore_ascii_case(from)
    };
    rows.iter().filter(is_its).map(|row| row.number("id")).collect()
}

struct Client {
    id: u64,
    seconds: u64,
    facts: SessionFacts,
}

async fn clients(sql: &SqlReader, own: &[String]) -> Result<Vec<Client>, SqlError> {
    const NO_CLIENT: [&str; 7] =
        ["Daemon", "Binlog Dump", "Binlog Dump GTID", "Slave_IO", "Slave_SQL", "Slave_worker", "Connect"];
    let rows = sql.query(&ReadStatement::sessions()).await?;
    sql.own_are_known().await;
    let mut sessions = Vec::new();
    for row in &rows {
        let (id, command): (u64, &str) = (row.number("id")?, row.need("command")?);
        if sql.is_own(id) || NO_CLIENT.contains(&command) {
            continue;
        }
        // A thread of the server has no user, host or database.
        let text = |column: &str| Ok::<_, SqlError>(row.optional(column)?.unwrap_or_default().to_owned());
        let user = text("user")?;
        if user != "system user" && user != "event_scheduler" && !own.contains(&user) {
            let host = address(&text("host")?).to_owned();
            let facts = SessionFacts { user, host, database: text("db")? };
            let seconds = row.optional_number("time")?.unwrap_or(0);
            sessions.push(Client { id, seconds, facts });
        }
    }
    Ok(sessions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BinlogPosition, ServerVersion};

    /// Columns that every version has, in the words of old.
    const OLD: &str = "Slave_IO_State= Master_Host=10.0.0.1 Master_User=repl Master_Port=3306 Master_Log_File=bin.000002 \
        Read_Master_Log_Pos=900 Relay_Log_File=relay.000003 Relay_Log_Pos=250 Relay_Master_Log_File=bin.000001 Slave_IO_Running=Yes Slave_SQL_Running=No \
        Replicate_Do_DB=a,b Replicate_Ignore_DB= Replicate_Do_Table= Replicate_Ignore_Table= Replicate_Wild_Do_Table= \
        Replicate_Wild_Ignore_Table= Exec_Master_Log_Pos=400 Master_SSL_Allowed=Yes Master_SSL_CA_File= \
        Seconds_Behind_Master=NULL Master_SSL_Verify_Server_Cert=No Last_IO_Errno=0 Last_IO_Error= Last_SQL_Errno=1062 \
        Last_SQL_Error=x Master_Server_Id=7";

    fn row(text: &str) -> Row {
        let pair = |word: &str| {
            let (name, value) = word.split_once('=')?;
            Some((name.to_owned(), (value != "NULL").then(|| value.to_owned())))
        };
        Row::new(text.split_whitespace().filter_map(pair).collect())
    }

    #[test]
    fn a_channel_is_read_from_every_version() {
        let dialect = |text: &str| Dialect::of(ServerVersion::parse(text).expect("a version"));
        let old = channel(&row(OLD), dialect("5.5.62")).expect("all columns of 5.5");
        assert_eq!((old.name.as_str(), old.using_gtid, old.delay), ("", UsingGtid::No, 0));
        assert_eq!(old.read, BinlogPosition::new("bin.000002", 900));
        assert_eq!(old.relay, BinlogPosition::new("relay.000003", 250));
        assert_eq!((old.executed, old.seconds_behind), (BinlogPosition::new("bin.000001", 400), None));
        assert_eq!((old.sql_errno, old.filters.databases.len()), (1062, 2));
        let named = OLD.replace("SSL_CA_File=", "SSL_CA_File=/etc/ca.pem");
        let named = channel(&row(&named), dialect("5.6.24")).expect("all columns of 5.6");
        assert!(named.tls && !old.tls, "5.5 asks for TLS and names nothing: it is clear text");
        let new = OLD.replace("Master", "Source").replace("Slave", "Replica");
        let new = format!("{new} Channel_Name=eu Auto_Position=1 SQL_Delay=30");
        let new = channel(&row(&new), dialect("8.4.3")).expect("all columns of 8.4");
        assert_eq!((new.name.as_str(), new.using_gtid, new.delay), ("eu", UsingGtid::AutoPosition, 30));
        let maria = format!("{OLD} Connection_name=eu Using_Gtid=Slave_Pos Gtid_IO_Pos=0-1-2");
        let maria = channel(&row(&maria), dialect("10.6.4-MariaDB")).expect("all columns of 10.6");
        assert_eq!((maria.name.as_str(), maria.gtid_io_pos.as_str()), ("eu", "0-1-2"));
        assert_eq!(maria.using_gtid, UsingGtid::SlavePos);
    }

    #[test]
    fn a_column_that_is_missing_is_not_taken_for_empty() {
        let dialect = Dialect::of(ServerVersion::parse("8.4.3").expect("a version"));
        let said = channel(&row(OLD), dialect).expect_err("8.4 has other words").to_string();
        assert!(said.contains("source_host` is missing"), "{said}");
        let old = Dialect::of(ServerVersion::parse("5.6.24").expect("a version"));
        let delayed = row(&format!("{OLD} SQL_Delay=soon"));
        let said = channel(&delayed, old).expect_err("this is no delay").to_string();
        assert!(said.contains("sql_delay"), "{said}");
    }
}
