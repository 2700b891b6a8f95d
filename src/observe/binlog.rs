//! The binary log of a server, and the GTIDs in it.

use std::collections::BTreeMap;

use super::BinlogFacts;
use crate::{
    dialect::{Dialect, ReadStatement, is_system_database},
    gtid::{BinlogState, Complete, GtidSet, GtidState, MariaDbGtid, MySqlGtid, Position, ServerGtid},
    model::{Fact, Family},
    transport::{Row, SqlError, SqlReader},
};

pub(super) async fn binlog(sql: &SqlReader, dialect: Dialect) -> Result<Option<BinlogFacts>, SqlError> {
    let (status, oldest) =
        tokio::join!(sql.query(dialect.show_binlog()), sql.query_first(ReadStatement::binary_logs()));
    let status = status?;
    let Some(row) = status.first() else { return Ok(None) };
    let list = |name: &str| {
        let names = row.need(name)?.split(',').filter(|v| !v.is_empty()).map(str::to_owned);
        Ok::<_, SqlError>(names.collect())
    };
    let oldest = oldest?;
    Ok(Some(BinlogFacts {
        end: row.position("file", "position")?,
        do_db: list("binlog_do_db")?,
        ignore_db: list("binlog_ignore_db")?,
        oldest: oldest.text("log_name")?,
        changes: Fact::Absent,
    }))
}

/// Events that are looked at for changes; a log that holds more is somebody's.
const EVENTS: u64 = 10_000;
/// Logs that are asked for together: a fresh server has written few.
const AT_ONCE: usize = 4;

/// Whether the binary logs of a server that holds no database hold changes of users' databases all the same.
pub(super) async fn changes(sql: &SqlReader) -> Fact<bool> {
    look_for_changes(sql).await.unwrap_or_else(|error| Fact::Unread(error.to_string()))
}

async fn look_for_changes(sql: &SqlReader) -> Result<Fact<bool>, SqlError> {
    let mut left = EVENTS;
    for logs in sql.query(ReadStatement::binary_logs()).await?.chunks(AT_ONCE) {
        let events = |log: &Row| Ok(ReadStatement::binlog_events(log.need("log_name")?, None, left));
        let events = logs.iter().map(events).collect::<Result<Vec<_>, SqlError>>()?;
        for rows in sql.query_each(&events).await? {
            let rows = rows?;
            for row in &rows {
                if is_change(row.need("event_type")?, row.need("info")?) {
                    return Ok(Fact::Known(true));
                }
            }
            left = left.saturating_sub(rows.len() as u64);
            if left == 0 {
                return Ok(Fact::Unread(format!("they hold more than {EVENTS} events")));
            }
        }
    }
    Ok(Fact::Known(false))
}

/// First words of statements that are about the server, its accounts, or a transaction, and about no table.
const ABOUT_NO_TABLE: [&str; 25] = [
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "XA",
    "GRANT",
    "REVOKE",
    "FLUSH",
    "SET",
    "INSTALL",
    "UNINSTALL",
    "ANALYZE",
    "CREATE USER",
    "ALTER USER",
    "DROP USER",
    "RENAME USER",
    "CREATE ROLE",
    "DROP ROLE",
    "CREATE DATABASE",
    "CREATE SCHEMA",
    "ALTER DATABASE",
    "ALTER SCHEMA",
    "CREATE SERVER",
    "ALTER INSTANCE",
    "DROP DATABASE IF EXISTS TEST",
];

/// Whether an event changes a database of users: rows of a table, or a statement that is not known to be about
/// something else.
fn is_change(kind: &str, info: &str) -> bool {
    let users = |name: &str| !is_system_database(name) && !name.starts_with("tandem_");
    match kind {
        "Table_map" => {
            let table = info.split_once('(').and_then(|(_, table)| table.split_once('.'));
            table.is_some_and(|(database, _)| users(database))
        }
        "Query" => {
            let (database, statement) =
                match info.strip_prefix("use `").and_then(|rest| rest.split_once("`; ")) {
                    Some((database, statement)) => (Some(database), statement),
                    None => (None, info),
                };
            let words: Vec<String> =
                statement.replace('`', "").split_whitespace().map(str::to_ascii_uppercase).collect();
            let words = words.join(" ");
            let begins =
                |known: &&str| words.strip_prefix(*known).is_some_and(|rest| !rest.starts_with(is_word));
            let own = ["MYSQL.", "SYS.", "TANDEM_"].iter().any(|name| words.contains(name));
            database.is_none_or(users) && !own && !ABOUT_NO_TABLE.iter().any(begins)
        }
        _ => false,
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// GTID state from variables that were read already.
pub(super) async fn gtid(
    variables: &BTreeMap<String, String>,
    binlog: &Fact<BinlogFacts>,
    sql: &SqlReader,
    dialect: Dialect,
) -> Fact<GtidState> {
    match dialect.family() {
        Family::MariaDb => mariadb(variables, binlog, sql).await,
        Family::MySql => mysql(variables),
    }
}

async fn mariadb(
    variables: &BTreeMap<String, String>,
    binlog: &Fact<BinlogFacts>,
    sql: &SqlReader,
) -> Fact<GtidState> {
    let text = |name: &str| variables.get(name).cloned().unwrap_or_default();
    let state: Result<BinlogState, _> = text("gtid_binlog_state").parse();
    let position: Result<Position, _> = text("gtid_slave_pos").parse();
    let (Ok(binlog_state), Ok(slave_pos)) = (state, position) else {
        return Fact::Unread("its GTID state makes no sense".into());
    };
    let (binlog_start, first) = match binlog {
        Fact::Known(facts) => begin_of_log(sql, &facts.oldest).await,
        Fact::Absent => (Fact::Absent, None),
        Fact::Unread(why) => (Fact::Unread(why.clone()), None),
    };
    Fact::Known(GtidState::MariaDb(ServerGtid {
        server_id: text("server_id").parse().unwrap_or(0),
        binlog_state,
        slave_pos,
        binlog_start,
        first,
        complete: Complete::default(),
    }))
}

fn mysql(variables: &BTreeMap<String, String>) -> Fact<GtidState> {
    if !variables.contains_key("gtid_executed") {
        return Fact::Absent;
    }
    let set = |name: &str| variables.get(name).map(String::as_str).unwrap_or_default().parse::<GtidSet>();
    match (set("gtid_executed"), set("gtid_purged")) {
        (Ok(executed), Ok(purged)) => Fact::Known(GtidState::MySql(MySqlGtid { executed, purged })),
        _ => Fact::Unread("its GTID state makes no sense".into()),
    }
}

/// A server's GTID state, read afresh.
///
/// # Errors
/// When it can't be read.
pub(crate) async fn gtid_state(sql: &SqlReader, dialect: Dialect) -> Result<GtidState, SqlError> {
    let names = dialect.gtid_variables();
    let row = sql.query_first(&ReadStatement::globals(names)).await?;
    let mut variables = BTreeMap::new();
    for name in names {
        variables.insert((*name).to_owned(), row.text(name)?);
    }
    match gtid(&variables, &Fact::Absent, sql, dialect).await {
        Fact::Known(state) => Ok(state),
        Fact::Unread(why) => Err(SqlError::Broken(why)),
        Fact::Absent => Err(SqlError::Broken("it has no GTID state".into())),
    }
}

/// The same with the beginning of the oldest binary log, without which nothing is known of what was purged.
///
/// # Errors
/// When it can't be read.
pub(crate) async fn gtid_state_with_start(sql: &SqlReader, dialect: Dialect) -> Result<GtidState, SqlError> {
    let mut state = gtid_state(sql, dialect).await?;
    if let GtidState::MariaDb(state) = &mut state {
        (state.binlog_start, state.first) = match binlog(sql, dialect).await? {
            Some(facts) => begin_of_log(sql, &facts.oldest).await,
            None => (Fact::Absent, None),
        };
    }
    Ok(state)
}

/// Events at the beginning of a log: its format, the Gtid_list right behind it, a checkpoint, the first with an id.
const BEGIN: u64 = 8;

/// What the beginning of a log says: what came before it, and which event is the first with an id.
async fn begin_of_log(sql: &SqlReader, file: &str) -> (Fact<BinlogState>, Option<MariaDbGtid>) {
    let rows = match sql.query(&ReadStatement::binlog_events(file, None, BEGIN)).await {
        Ok(rows) => rows,
        Err(error) => return (Fact::Unread(error.to_string()), None),
    };
    let of = |kind: &str| rows.iter().find(|r| r.get("event_type") == Some(kind)).map(|row| row.need("info"));
    let list = match of("Gtid_list") {
        None => Fact::Unread("the oldest binary log has no Gtid_list event".into()),
        Some(Err(error)) => Fact::Unread(error.to_string()),
        Some(Ok(info)) => {
            BinlogState::from_gtid_list(info).map_or_else(|e| Fact::Unread(e.to_string()), Fact::Known)
        }
    };
    let first = of("Gtid").and_then(Result::ok).and_then(id_of_event);
    (list, first)
}

/// The id in what a Gtid event shows: `BEGIN GTID 0-1-5`, or `GTID 0-1-5` for a statement of its own.
fn id_of_event(info: &str) -> Option<MariaDbGtid> {
    info.split_whitespace().skip_while(|word| *word != "GTID").nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::is_change;

    #[test]
    fn changes_of_users_databases_are_told_from_the_servers_own() {
        for (kind, info, is) in [
            ("Table_map", "table_id: 91 (hello.t)", true),
            ("Table_map", "table_id: 7 (mysql.time_zone_name)", false),
            ("Table_map", "table_id: 7 (tandem_7.canary)", false),
            ("Query", "use `hello`; CREATE TABLE t (id int) /* xid=5 */", true),
            ("Query", "use `mysql`; FLUSH PRIVILEGES", false),
            ("Query", "CREATE USER 'a'@'%'", false),
            ("Query", "insert into gone.t values (7)", true),
            ("Query", "create database gone", false),
            ("Query", "drop database gone", true),
            ("Query", "DROP DATABASE IF EXISTS `test`", false),
            ("Query", "DROP DATABASE IF EXISTS tests", true),
            ("Query", "use `hello`; GRANT SELECT ON hello.* TO a", false),
            ("Query", "DELETE FROM mysql.user WHERE User=''", false),
            ("Query", "BEGIN", false),
            ("Gtid", "SET @@SESSION.GTID_NEXT= 'x:1'", false),
        ] {
            assert_eq!(is_change(kind, info), is, "{info}");
        }
    }
}
