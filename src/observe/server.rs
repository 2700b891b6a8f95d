//! What a running server says of itself, by SELECT and SHOW.

use std::collections::{BTreeMap, BTreeSet};

use super::{BinlogFacts, ChannelFacts, DatabaseFacts, ServerFacts, SessionFacts};
use crate::{
    dialect::{Dialect, literal},
    grant::AccountState,
    gtid::{BinlogState, Position, ServerGtid},
    model::{Fact, Family, ServerVersion},
    transport::{Row, SqlError, SqlReader},
};

/// Databases that are the server's own.
pub(super) const SYSTEM: &str = "'mysql','information_schema','performance_schema','sys'";

/// Reads everything. `ours` are the user names of the replication accounts.
pub async fn read(sql: &mut SqlReader, ours: &[String]) -> Result<ServerFacts, SqlError> {
    let first = sql.query("SELECT @@version AS version, CONNECTION_ID() AS id").await?;
    let version_text = first.first().map(|r| r.text("version")).unwrap_or_default();
    let version = ServerVersion::parse(&version_text)
        .ok_or_else(|| SqlError::Broken(format!("it calls its version `{version_text}`")))?;
    let dialect = Dialect::of(version);
    let (variables, static_variables, defaults) = variables(sql, version).await?;
    let (account_names, accounts) = accounts(sql, ours).await?;
    let binlog = match variables.get("log_bin").map(String::as_str) {
        Some("ON") => match binlog(sql, dialect).await {
            Ok(facts) => facts.into(),
            Err(error) => Fact::Unread(error.to_string()),
        },
        _ => Fact::Absent,
    };
    let gtid = match version.family {
        Family::MariaDb => gtid(&variables, &binlog, sql).await,
        Family::MySql => Fact::Absent,
    };
    Ok(ServerFacts {
        version,
        version_text,
        static_variables,
        defaults,
        unit: String::new(),
        account_names,
        accounts,
        databases: databases(sql).await?,
        binlog,
        gtid,
        channels: match version.family {
            Family::MariaDb => {
                channels(sql, dialect).await.map_or_else(|e| Fact::Unread(e.to_string()), Fact::Known)
            }
            Family::MySql => Fact::Unread(dialect.unsupported().unwrap_or_default()),
        },
        sessions: client_sessions(sql, ours).await.map_or_else(|e| Fact::Unread(e.to_string()), Fact::Known),
        variables,
    })
}

type Variables = (BTreeMap<String, String>, BTreeSet<String>, BTreeMap<String, String>);

/// Running values, which of them are fixed, and built-in defaults.
async fn variables(sql: &mut SqlReader, version: ServerVersion) -> Result<Variables, SqlError> {
    let (mut values, mut fixed, mut defaults) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
    if version.family == Family::MySql {
        for row in sql.query("SHOW GLOBAL VARIABLES").await? {
            values.insert(row.text("variable_name").to_ascii_lowercase(), row.text("value"));
        }
        return Ok((values, fixed, defaults));
    }
    let rows = sql
        .query(
            "SELECT VARIABLE_NAME AS name, GLOBAL_VALUE AS value, READ_ONLY AS fixed, DEFAULT_VALUE AS def \
             FROM information_schema.SYSTEM_VARIABLES WHERE GLOBAL_VALUE IS NOT NULL OR VARIABLE_SCOPE <> 'SESSION ONLY'",
        )
        .await?;
    for row in rows {
        let name = row.text("name").to_ascii_lowercase();
        if row.get("fixed") == Some("YES") {
            fixed.insert(name.clone());
        }
        if let Some(default) = row.get("def") {
            defaults.insert(name.clone(), default.to_owned());
        }
        values.insert(name, row.text("value"));
    }
    Ok((values, fixed, defaults))
}

/// The names of all accounts, and those of ours in full.
async fn accounts(
    sql: &mut SqlReader,
    ours: &[String],
) -> Result<(BTreeSet<(String, String)>, Vec<AccountState>), SqlError> {
    let rows = sql.query("SELECT User AS user, Host AS host FROM mysql.user").await?;
    let names: BTreeSet<(String, String)> = rows.iter().map(|r| (r.text("user"), r.text("host"))).collect();
    let mine: Vec<_> = names.iter().filter(|(user, _)| ours.contains(user)).cloned().collect();
    let accounts = read_accounts(sql, &mine).await?;
    Ok((names, accounts))
}

/// Accounts in full.
///
/// # Errors
/// When a statement is refused, or its answer makes no sense.
pub async fn read_accounts(
    sql: &mut SqlReader,
    names: &[(String, String)],
) -> Result<Vec<AccountState>, SqlError> {
    let mut accounts = Vec::new();
    for (user, host) in names {
        let name = format!("{}@{}", literal(user), literal(host));
        let create = sql.query(&format!("SHOW CREATE USER {name}")).await?;
        let grants = sql.query(&format!("SHOW GRANTS FOR {name}")).await?;
        let create = create.first().and_then(|r| r.at(0)).unwrap_or_default().to_owned();
        let grants: Vec<String> = grants.iter().filter_map(|r| r.at(0)).map(str::to_owned).collect();
        accounts.push(AccountState::read(&create, &grants).map_err(|e| SqlError::Broken(e.to_string()))?);
    }
    Ok(accounts)
}

async fn databases(sql: &mut SqlReader) -> Result<Vec<DatabaseFacts>, SqlError> {
    let schemata = sql
        .query(&format!(
            "SELECT SCHEMA_NAME AS name, DEFAULT_CHARACTER_SET_NAME AS cs, DEFAULT_COLLATION_NAME AS co \
             FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN ({SYSTEM}) ORDER BY SCHEMA_NAME"
        ))
        .await?;
    let mut databases: Vec<DatabaseFacts> = schemata
        .iter()
        .map(|r| DatabaseFacts {
            name: r.text("name"),
            character_set: r.text("cs"),
            collation: r.text("co"),
            ..DatabaseFacts::default()
        })
        .collect();
    if databases.is_empty() {
        return Ok(databases);
    }
    let tables = sql
        .query(&format!(
            "SELECT TABLE_SCHEMA AS db, COUNT(*) AS n, SUM(IFNULL(DATA_LENGTH, 0) + IFNULL(INDEX_LENGTH, 0)) AS bytes \
             FROM information_schema.TABLES WHERE TABLE_SCHEMA NOT IN ({SYSTEM}) GROUP BY TABLE_SCHEMA"
        ))
        .await?;
    let locked = sql
        .query(&format!(
            "SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name, ENGINE AS engine FROM information_schema.TABLES \
             WHERE TABLE_SCHEMA NOT IN ({SYSTEM}) AND TABLE_TYPE = 'BASE TABLE' \
             AND ENGINE NOT IN ('InnoDB', 'ROCKSDB', 'TokuDB') ORDER BY 1, 2"
        ))
        .await?;
    let programs = sql
        .query(&format!(
            "SELECT ROUTINE_SCHEMA AS db, COUNT(*) AS n FROM information_schema.ROUTINES \
             WHERE ROUTINE_SCHEMA NOT IN ({SYSTEM}) GROUP BY 1 \
             UNION ALL SELECT EVENT_SCHEMA, COUNT(*) FROM information_schema.EVENTS GROUP BY 1"
        ))
        .await?;
    // The statistics behind the first query may be old; the files' sizes are not. Reading them takes the
    // privilege PROCESS, and the view has another name in MySQL: without it the statistics have to do.
    let files = sql
        .query(
            "SELECT SUBSTRING_INDEX(NAME, '/', 1) AS db, SUM(FILE_SIZE) AS bytes \
             FROM information_schema.INNODB_SYS_TABLESPACES WHERE NAME LIKE '%/%' GROUP BY 1",
        )
        .await
        .unwrap_or_default();
    for database in &mut databases {
        for row in tables.iter().filter(|r| r.get("db") == Some(&database.name)) {
            database.tables = row.number("n").unwrap_or(0);
            database.bytes = row.number("bytes").unwrap_or(0);
        }
        for row in files.iter().filter(|r| r.get("db") == Some(&database.name)) {
            database.bytes = database.bytes.max(row.number("bytes").unwrap_or(0));
        }
        for row in locked.iter().filter(|r| r.get("db") == Some(&database.name)) {
            database.locked_tables.push((row.text("name"), row.text("engine")));
        }
        database.programs = programs
            .iter()
            .filter(|r| r.get("db") == Some(&database.name))
            .filter_map(|r| r.number("n"))
            .sum();
    }
    Ok(databases)
}

/// Databases of users that hold anything.
///
/// # Errors
/// When the server refuses to show them.
pub async fn databases_with_content(sql: &mut SqlReader) -> Result<Vec<String>, SqlError> {
    Ok(databases(sql).await?.into_iter().filter(|d| !d.is_empty()).map(|d| d.name).collect())
}

async fn binlog(sql: &mut SqlReader, dialect: Dialect) -> Result<Option<BinlogFacts>, SqlError> {
    let status = sql.query(dialect.show_binlog()).await?;
    let Some(row) = status.first() else { return Ok(None) };
    let list = |name: &str| row.text(name).split(',').filter(|v| !v.is_empty()).map(str::to_owned).collect();
    let logs = sql.query("SHOW BINARY LOGS").await?;
    Ok(Some(BinlogFacts {
        file: row.text("file"),
        position: row.number("position").unwrap_or(0),
        do_db: list("binlog_do_db"),
        ignore_db: list("binlog_ignore_db"),
        oldest: logs.first().map(|r| r.text("log_name")).unwrap_or_default(),
    }))
}

async fn gtid(
    variables: &BTreeMap<String, String>,
    binlog: &Fact<BinlogFacts>,
    sql: &mut SqlReader,
) -> Fact<ServerGtid> {
    let text = |name: &str| variables.get(name).cloned().unwrap_or_default();
    let state: Result<BinlogState, _> = text("gtid_binlog_state").parse();
    let position: Result<Position, _> = text("gtid_slave_pos").parse();
    let (Ok(binlog_state), Ok(slave_pos)) = (state, position) else {
        return Fact::Unread("its GTID state makes no sense".into());
    };
    let binlog_start = match binlog {
        Fact::Known(facts) => oldest_gtid_list(sql, &facts.oldest).await,
        Fact::Absent => Fact::Absent,
        Fact::Unread(why) => Fact::Unread(why.clone()),
    };
    Fact::Known(ServerGtid {
        server_id: text("server_id").parse().unwrap_or(0),
        binlog_state,
        slave_pos,
        binlog_start,
        complete: crate::gtid::Complete::default(),
    })
}

/// A server's GTID state, read afresh.
///
/// # Errors
/// When it can't be read.
pub async fn gtid_state(sql: &mut SqlReader) -> Result<ServerGtid, SqlError> {
    let rows = sql
        .query("SELECT @@server_id AS server_id, @@gtid_binlog_state AS gtid_binlog_state, @@gtid_slave_pos AS gtid_slave_pos")
        .await?;
    let row = rows.first().cloned().unwrap_or_default();
    let variables: BTreeMap<String, String> = ["server_id", "gtid_binlog_state", "gtid_slave_pos"]
        .iter()
        .map(|n| ((*n).to_owned(), row.text(n)))
        .collect();
    match gtid(&variables, &Fact::Absent, sql).await {
        Fact::Known(state) => Ok(state),
        Fact::Unread(why) => Err(SqlError::Broken(why)),
        Fact::Absent => Err(SqlError::Broken("it has no GTID state".into())),
    }
}

/// The Gtid_list event stands right behind the format description.
async fn oldest_gtid_list(sql: &mut SqlReader, file: &str) -> Fact<BinlogState> {
    match sql.query(&format!("SHOW BINLOG EVENTS IN {} LIMIT 4", literal(file))).await {
        Err(error) => Fact::Unread(error.to_string()),
        Ok(rows) => match rows.iter().find(|r| r.get("event_type") == Some("Gtid_list")) {
            None => Fact::Unread("the oldest binary log has no Gtid_list event".into()),
            Some(row) => BinlogState::from_gtid_list(&row.text("info"))
                .map_or_else(|e| Fact::Unread(e.to_string()), Fact::Known),
        },
    }
}

/// All channels of a replica.
///
/// # Errors
/// When the server refuses to show them.
pub async fn channels(sql: &mut SqlReader, dialect: Dialect) -> Result<Vec<ChannelFacts>, SqlError> {
    Ok(sql.query(dialect.show_channels()).await?.iter().map(channel).collect())
}

fn channel(row: &Row) -> ChannelFacts {
    let yes = |name: &str| row.get(name).is_some_and(|v| v.eq_ignore_ascii_case("yes"));
    ChannelFacts {
        name: row.text("connection_name"),
        source_host: row.text("master_host"),
        source_port: row.number("master_port").and_then(|n| n.try_into().ok()).unwrap_or(0),
        user: row.text("master_user"),
        io_running: row.text("slave_io_running"),
        sql_running: row.text("slave_sql_running"),
        io_errno: row.number("last_io_errno").and_then(|n| n.try_into().ok()).unwrap_or(0),
        io_error: row.text("last_io_error"),
        sql_errno: row.number("last_sql_errno").and_then(|n| n.try_into().ok()).unwrap_or(0),
        sql_error: row.text("last_sql_error"),
        seconds_behind: row.number("seconds_behind_master"),
        read: (row.text("master_log_file"), row.number("read_master_log_pos").unwrap_or(0)),
        executed: (row.text("relay_master_log_file"), row.number("exec_master_log_pos").unwrap_or(0)),
        using_gtid: row.text("using_gtid"),
        gtid_io_pos: row.text("gtid_io_pos"),
        tls: yes("master_ssl_allowed"),
        tls_verify: yes("master_ssl_verify_server_cert"),
        tls_ca: row.text("master_ssl_ca_file"),
        delay: row.number("sql_delay").unwrap_or(0),
        source_server_id: row.number("master_server_id").unwrap_or(0),
        sql_state: row.text("slave_sql_running_state"),
        io_state: row.text("slave_io_state"),
    }
}

/// Sessions of clients: not the server's own threads, not replication, not ours.
pub async fn client_sessions(sql: &mut SqlReader, ours: &[String]) -> Result<Vec<SessionFacts>, SqlError> {
    let rows = sql
        .query(
            "SELECT USER AS user, HOST AS host, DB AS db, COMMAND AS command FROM information_schema.PROCESSLIST \
             WHERE ID <> CONNECTION_ID() AND COMMAND NOT IN ('Daemon', 'Binlog Dump', 'Binlog Dump GTID', 'Slave_IO', \
             'Slave_SQL', 'Slave_worker', 'Connect')",
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| {
            let host = row.text("host");
            // An address comes with a port behind it, `localhost` without.
            let host = host.rsplit_once(':').map_or(host.as_str(), |(address, _)| address).to_owned();
            SessionFacts { user: row.text("user"), host, database: row.text("db") }
        })
        .filter(|s| s.user != "system user" && s.user != "event_scheduler" && !ours.contains(&s.user))
        .collect())
}
