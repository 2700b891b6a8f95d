//! The channels of a replica, and the sessions of clients.

use std::collections::{BTreeMap, BTreeSet};

use super::{ChannelFacts, ChannelFilters, SessionFacts};
use crate::{
    dialect::{Dialect, ReadStatement},
    model::Family,
    transport::{Row, SqlError, SqlReader},
};

/// All channels of a replica.
///
/// # Errors
/// When the server refuses to show them.
pub async fn channels(sql: &mut SqlReader, dialect: Dialect) -> Result<Vec<ChannelFacts>, SqlError> {
    let rows = sql.query(&dialect.show_channels()).await?;
    let mut list: Vec<ChannelFacts> = rows.iter().map(|row| channel(row, dialect)).collect();
    if let (Some(query), false) = (dialect.stored_channel_passwords(), list.is_empty()) {
        // Who may not read the table learns nothing of a wrong password before the channel says so.
        let stored = sql.query(&query).await.unwrap_or_default();
        let digests: BTreeMap<String, String> =
            stored.iter().map(|row| (row.text("name"), row.text("digest"))).collect();
        for channel in &mut list {
            channel.password_digest = digests.get(&channel.name).cloned();
        }
    }
    if let (Some(query), true) = (dialect.worker_errors(), list.iter().any(|c| c.sql_errno != 0)) {
        let errors = sql.query(&query).await.unwrap_or_default();
        for channel in list.iter_mut().filter(|c| c.sql_errno != 0) {
            if let Some(error) = errors.iter().find(|row| row.text("name") == channel.name) {
                channel.sql_errno =
                    error.number("errno").and_then(|n| n.try_into().ok()).unwrap_or(channel.sql_errno);
                channel.sql_error = error.text("text");
            }
        }
    }
    Ok(list)
}

/// The columns have kept their order and got new words: `Master_Host` is `Source_Host`, `Slave_IO_Running` is
/// `Replica_IO_Running` (MySQL manual, "SHOW REPLICA STATUS").
fn channel(row: &Row, dialect: Dialect) -> ChannelFacts {
    let (source, replica, name) = dialect.status_words();
    let text = |column: &str| {
        row.text(&column.replace("SOURCE", source).replace("REPLICA", replica).to_ascii_lowercase())
    };
    let number = |column: &str| text(column).parse::<u64>().ok();
    let errno = |column: &str| number(column).and_then(|n| n.try_into().ok()).unwrap_or(0);
    let yes = |column: &str| text(column).eq_ignore_ascii_case("yes");
    ChannelFacts {
        name: row.text(name),
        source_host: text("SOURCE_host"),
        source_port: number("SOURCE_port").and_then(|n| n.try_into().ok()).unwrap_or(0),
        user: text("SOURCE_user"),
        io_running: text("REPLICA_io_running"),
        sql_running: text("REPLICA_sql_running"),
        io_errno: errno("last_io_errno"),
        io_error: text("last_io_error"),
        sql_errno: errno("last_sql_errno"),
        sql_error: text("last_sql_error"),
        seconds_behind: number("seconds_behind_SOURCE"),
        read: (text("SOURCE_log_file"), number("read_SOURCE_log_pos").unwrap_or(0)),
        executed: (text("relay_SOURCE_log_file"), number("exec_SOURCE_log_pos").unwrap_or(0)),
        using_gtid: match dialect.family() {
            Family::MariaDb => text("using_gtid"),
            Family::MySql if text("auto_position") == "1" => "Auto_Position".into(),
            Family::MySql => "No".into(),
        },
        gtid_io_pos: match dialect.family() {
            Family::MariaDb => text("gtid_io_pos"),
            Family::MySql => text("retrieved_gtid_set"),
        },
        tls: yes("SOURCE_ssl_allowed"),
        tls_verify: yes("SOURCE_ssl_verify_server_cert"),
        tls_ca: text("SOURCE_ssl_ca_file"),
        delay: number("sql_delay").unwrap_or(0),
        source_server_id: number("SOURCE_server_id").unwrap_or(0),
        sql_state: text("REPLICA_sql_running_state"),
        io_state: text("REPLICA_io_state"),
        password_digest: None,
        filters: filters(row),
    }
}

/// The columns have the same names in every version.
fn filters(row: &Row) -> ChannelFilters {
    let list = |column: &str| {
        let text = row.text(column);
        text.split(',').map(str::trim).filter(|v| !v.is_empty()).map(str::to_owned).collect()
    };
    ChannelFilters {
        databases: list("replicate_do_db"),
        ignore_databases: list("replicate_ignore_db"),
        tables: list("replicate_do_table"),
        ignore_tables: list("replicate_ignore_table"),
        wild_tables: list("replicate_wild_do_table"),
        wild_ignore_tables: list("replicate_wild_ignore_table"),
        // `(from,to),(from,to)` in MySQL, `from->to` in MariaDB.
        rewrites: list("replicate_rewrite_db"),
    }
}

/// Replicas that are connected, by their server ids.
///
/// # Errors
/// When the server refuses to show them.
pub(super) async fn connected_replicas(
    sql: &mut SqlReader,
    dialect: Dialect,
) -> Result<Vec<(u64, String)>, SqlError> {
    let rows = sql.query(&dialect.show_connected_replicas()).await?;
    Ok(rows.iter().filter_map(|row| Some((row.number("server_id")?, row.text("host")))).collect())
}

/// Addresses from which replicas are connected: a replica that does not report its own is known by nothing else.
///
/// # Errors
/// When the server refuses to show them.
pub(super) async fn replica_addresses(sql: &mut SqlReader) -> Result<BTreeSet<String>, SqlError> {
    let rows = sql.query(&ReadStatement::sessions()).await?;
    let dumps = rows.iter().filter(|row| row.text("command").starts_with("Binlog Dump"));
    Ok(dumps.map(|row| address(&row.text("host")).to_owned()).collect())
}

/// An address comes with a port behind it, `localhost` without.
fn address(host: &str) -> &str {
    host.rsplit_once(':').map_or(host, |(address, _)| address)
}

/// Sessions of clients: not the server's own threads, not replication, not ours.
///
/// # Errors
/// When the server refuses to show them.
pub(super) async fn client_sessions(
    sql: &mut SqlReader,
    ours: &[String],
) -> Result<Vec<SessionFacts>, SqlError> {
    const NO_CLIENT: [&str; 7] =
        ["Daemon", "Binlog Dump", "Binlog Dump GTID", "Slave_IO", "Slave_SQL", "Slave_worker", "Connect"];
    let own = sql.session_id();
    let rows = sql.query(&ReadStatement::sessions()).await?;
    Ok(rows
        .iter()
        .filter(|row| {
            row.number("id").is_none_or(|id| id & u64::from(u32::MAX) != own)
                && !NO_CLIENT.contains(&row.text("command").as_str())
        })
        .map(|row| {
            let host = address(&row.text("host")).to_owned();
            SessionFacts { user: row.text("user"), host, database: row.text("db") }
        })
        .filter(|s| s.user != "system user" && s.user != "event_scheduler" && !ours.contains(&s.user))
        .collect())
}
