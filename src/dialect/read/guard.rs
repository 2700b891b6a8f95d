//! The second line behind the type: whether a text reads and does nothing else. What it does not know it refuses.

use super::ask::REFUSED_ENDS;

/// Settings of a session that readers make. None of them reaches beyond the session or makes it write.
const SETTINGS: [&str; 5] =
    ["AUTOCOMMIT", "TIME_ZONE", "MAX_STATEMENT_TIME", "MAX_EXECUTION_TIME", "PRINT_IDENTIFIED_WITH_AS_HEX"];
/// Functions that readers call. A function that is not here may write, wait, or take a lock.
const FUNCTIONS: &str = "BINLOG_GTID_POS CAST COALESCE CONCAT CONCAT_WS CONV CONVERT COUNT CRC32 CRC32C CURRENT_USER HEX \
    IFNULL ISNULL JSON_EXTRACT JSON_TABLE JSON_TYPE JSON_VALUE LEFT LENGTH LOCATE LOWER MAX QUOTE REPLACE SHA2 \
    SUBSTRING_INDEX SUM TIMESTAMPDIFF";
/// Words behind which a bracket is no call.
const BEFORE_BRACKETS: &str = "ALL AND AS COLUMNS EXISTS FROM IN INDEX NOT OR SELECT WHERE";
/// Words that make a query write, lock, or run a procedure.
const NOT_IN_QUERIES: [&str; 8] =
    ["INTO", "FOR", "LOCK", "PROCEDURE", "HANDLER", "NEXT", "OUTFILE", "DUMPFILE"];

/// Whether a statement only reads: a SELECT without side effects, a SHOW, or a setting of the
/// session that readers make.
pub(crate) fn reads_only(sql: &str) -> bool {
    let Some(bare) = unquoted(sql) else { return false };
    let bare = bare.to_ascii_uppercase();
    if [";", "/*", "--", "#", ":="].iter().any(|mark| bare.contains(mark)) {
        return false;
    }
    let mut words = words(&bare).skip(1);
    match bare.split_whitespace().next() {
        Some("SELECT") => is_query(&bare),
        Some("SHOW") => !bare.contains('(') && !words.any(|word| word == "INTO"),
        Some("XA") => bare.trim() == "XA RECOVER",
        Some("SET") => {
            bare.trim() == "SET SESSION TRANSACTION READ ONLY" || sets_session(&bare) || is_question(sql)
        }
        _ => false,
    }
}

fn is_query(bare: &str) -> bool {
    let listed = |list: &str, word: &str| list.split_whitespace().any(|one| one == word);
    if words(bare).any(|word| NOT_IN_QUERIES.contains(&word)) {
        return false;
    }
    // `@@` is a variable of the server; one of the user's own can be written to.
    if bare.replace("@@", "").contains('@') {
        return false;
    }
    bare.match_indices('(').all(|(place, _)| {
        let before = bare[..place].trim_end();
        let word: &str = before.rsplit(|c: char| !is_word(c)).next().unwrap_or_default();
        match word {
            // A name in quotes may be that of a function.
            "" => !before.ends_with(['`', '"', '\'']),
            word => listed(FUNCTIONS, word) || listed(BEFORE_BRACKETS, word),
        }
    })
}

/// `SET SESSION a = 1, SESSION b = 2`, each of them a setting that readers make.
fn sets_session(bare: &str) -> bool {
    let Some(list) = bare.trim().strip_prefix("SET ") else { return false };
    let simple = |c: char| is_word(c) || matches!(c, '\'' | '+' | ':' | ' ');
    list.split(',').all(|part| {
        let Some(setting) = part.trim().strip_prefix("SESSION ") else { return false };
        let Some((name, value)) = setting.split_once('=') else { return false };
        SETTINGS.contains(&name.trim()) && !value.trim().is_empty() && value.chars().all(simple)
    })
}

/// `SET GLOBAL a = 1, GLOBAL b = 2` with one of the ends behind it that every server refuses: it is looked at, and sets
/// nothing.
pub(super) fn is_question(sql: &str) -> bool {
    let Some(bare) = unquoted(sql) else { return false };
    let simple = |value: &str| {
        value == "DEFAULT"
            || value == "''"
            || value.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-'))
    };
    REFUSED_ENDS.iter().filter(|(end, _)| sql.ends_with(end)).any(|(end, _)| {
        let one = || {
            let rest = bare.strip_suffix(unquoted(end)?.as_str())?.strip_prefix("SET GLOBAL ``")?;
            let mut all = rest.split(", GLOBAL ``").map(|one| one.strip_prefix(" = "));
            Some(all.all(|value| value.is_some_and(|value| !value.is_empty() && simple(value))))
        };
        one() == Some(true)
    })
}

fn words(bare: &str) -> impl Iterator<Item = &str> {
    bare.split(|c: char| !is_word(c)).filter(|word| !word.is_empty())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '.')
}

/// A statement without what stands in quotes; `None` where a quote does not end.
fn unquoted(sql: &str) -> Option<String> {
    let mut bare = String::with_capacity(sql.len());
    let mut chars = sql.chars();
    while let Some(c) = chars.next() {
        bare.push(c);
        if !matches!(c, '\'' | '"' | '`') {
            continue;
        }
        // A doubled quote is the end of one and the begin of the next, which comes to the same here.
        loop {
            match chars.next()? {
                '\\' if c != '`' => drop(chars.next()?),
                end if end == c => break,
                _ => {}
            }
        }
        bare.push(c);
    }
    Some(bare)
}

#[cfg(test)]
mod tests {
    use super::reads_only;
    use crate::{
        dialect::{Dialect, ReadStatement, Scalar},
        model::{BinlogPosition, ServerVersion},
    };

    #[test]
    fn a_reader_reads() {
        for sql in [
            "SELECT 1",
            "show all slaves status",
            "XA RECOVER",
            "SET SESSION autocommit=1, SESSION time_zone='+00:00'",
            "SET SESSION TRANSACTION READ ONLY",
            "SET GLOBAL `x` = '\\'', SESSION lc_time_names = 'nowhere (a question of tandem)'",
            "SET GLOBAL `x` = 1, GLOBAL `y` = ', ', SESSION lc_time_names = 'nowhere (a question of tandem)'",
            "SHOW CREATE USER 'o''k`\\';/*'@`%;`",
            "SELECT COUNT(*) AS n FROM `for update`.`into outfile` WHERE `sleep(` = 'x; --'",
        ] {
            assert!(reads_only(sql), "{sql}");
        }
    }

    #[test]
    fn nothing_else_passes() {
        for sql in [
            "SET GLOBAL read_only=0",
            "SET GLOBAL `x` = 1",
            "SET GLOBAL `x` = 1, SESSION lc_time_names = 'de_DE'",
            "SET GLOBAL `x` = 1, GLOBAL `y` = f(), SESSION lc_time_names = 'nowhere (a question of tandem)'",
            "SET GLOBAL `x` = 1, GLOBAL y = 2, SESSION lc_time_names = 'nowhere (a question of tandem)'",
            "SET GLOBAL `x` = 1, SESSION `y` = 2, SESSION lc_time_names = 'nowhere (a question of tandem)'",
            "SET GLOBAL `x` = 1, PERSIST `y` = 2, SESSION lc_time_names = 'nowhere (a question of tandem)'",
            "SET GLOBAL `x` = f(), SESSION lc_time_names = 'nowhere (a question of tandem)'",
            "SET GLOBAL `x` = ', SESSION lc_time_names = 'nowhere (a question of tandem)'",
            "SET GLOBAL x = 1; SET GLOBAL `y` = 1, SESSION lc_time_names = 'nowhere (a question of tandem)'",
            "SET SESSION autocommit=1, GLOBAL read_only=0",
            "SET SESSION autocommit=1, PERSIST max_connections=2",
            "SET SESSION autocommit=1, PERSIST_ONLY max_connections=2",
            "SET SESSION autocommit=1, @@GLOBAL.read_only=0",
            "SET SESSION autocommit=1, @@PERSIST.max_connections=2",
            "SET SESSION a=1, GLOBAL read_only=0",
            "SET SESSION\tautocommit=1,\nGLOBAL\tread_only=0",
            "SET SESSION autocommit=(SELECT GET_LOCK('x', 1))",
            "SET SESSION sql_log_bin=0",
            "SET SESSION gtid_next='AUTOMATIC'",
            "SET SESSION TRANSACTION READ WRITE",
            "SET PASSWORD = 'x'",
            "SET autocommit=1",
            "DELETE FROM t",
            "SELECT 1; DROP TABLE t",
            "SELECT '\\''; DROP TABLE t -- '",
            "SELECT `\\`; DROP TABLE t -- `",
            "SELECT 'x",
            "SELECT 1 INTO OUTFILE '/x'",
            "SELECT 1 INTO\tOUTFILE '/x'",
            "SELECT 1 INTO\nDUMPFILE '/x'",
            "SELECT 1 into outfile '/x'",
            "SELECT 1 INTO @var",
            "SELECT 1 INTO x",
            "SELECT @x := 1",
            "SELECT @x",
            "SELECT * FROM t FOR UPDATE",
            "SELECT * FROM t FOR\tUPDATE",
            "SELECT * FROM t FOR SHARE",
            "SELECT * FROM t LOCK IN SHARE MODE",
            "SELECT GET_LOCK('x', 10)",
            "SELECT get_lock ('x', 10)",
            "SELECT `GET_LOCK`('x', 10)",
            "SELECT RELEASE_ALL_LOCKS()",
            "SELECT SLEEP(5)",
            "SELECT BENCHMARK(1000000000, SHA2('x', 256))",
            "SELECT LOAD_FILE('/etc/passwd')",
            "SELECT NEXTVAL(s)",
            "SELECT NEXT VALUE FOR s",
            "SELECT SETVAL(s, 5)",
            "SELECT shop.f(1)",
            "SELECT `shop`.`f`(1)",
            "SELECT `shop`.`f` (1)",
            "SELECT LAST_INSERT_ID(5)",
            "SELECT MASTER_POS_WAIT('x', 1)",
            "SELECT * FROM t PROCEDURE ANALYSE()",
            "/*!50000 DROP */ TABLE t",
            "SELECT /*!50000 1 INTO OUTFILE */ 1",
            "SELECT /*M! 1 INTO OUTFILE */ 1",
            "SELECT 1 -- x\n INTO OUTFILE '/x'",
            "SELECT 1 # x\n INTO OUTFILE '/x'",
            "WITH x AS (SELECT 1) DELETE FROM t",
            "(SELECT 1)",
            "CALL p()",
            "DO SLEEP(1)",
            "EXPLAIN ANALYZE SELECT 1",
            "FLUSH TABLES",
            "CHECKSUM TABLE t, (SELECT 1)",
            "",
        ] {
            assert!(!reads_only(sql), "{sql}");
        }
    }

    #[test]
    fn every_question_passes() {
        for question in [
            ReadStatement::would_take("sql_mode", "'x\\'; --'").0,
            ReadStatement::would_take("lc_messages", "DEFAULT").0,
            ReadStatement::would_take("max_connections", "-1.5").0,
            ReadStatement::would_take_all(&[("a", "1".into()), ("b", "'x, \\'; --'".into())]).0,
        ] {
            assert!(reads_only(question.text()), "{}", question.text());
        }
    }

    #[test]
    fn statements_about_one_table_and_about_the_database_mysql_pass() {
        for statement in [
            ReadStatement::views_on_system(),
            ReadStatement::system_objects(),
            ReadStatement::columns("a", "b"),
            ReadStatement::triggers_of("a", "b"),
        ] {
            assert!(reads_only(statement.text()), "{}", statement.text());
        }
    }

    #[test]
    fn every_statement_of_the_dialect_passes() {
        for version in ["10.3.39-MariaDB", "11.8.3-MariaDB", "5.5.62", "5.6.51", "5.7.44", "8.0.46", "9.7.4"]
        {
            let dialect = Dialect::of(ServerVersion::parse(version).expect("a version"));
            let mut all = vec![
                dialect.show_binlog(),
                dialect.show_channels(),
                dialect.show_connected_replicas(),
                dialect.show_create_user("a'b", "%"),
                dialect.show_accounts(),
                dialect.show_heartbeat_event(),
                dialect.show_heartbeats(),
                dialect.file_sizes(),
                dialect.schema(),
                dialect.compared_columns(),
                ReadStatement::read_only_session(),
                ReadStatement::version(),
                ReadStatement::globals(&["gtid_mode", "server_id"]),
                ReadStatement::variable("a'b"),
                ReadStatement::variables(),
                ReadStatement::variables_with_defaults(dialect),
                ReadStatement::variable_origins(),
                ReadStatement::persisted_variables(),
                ReadStatement::global_filters(),
                ReadStatement::counter("Uptime"),
                ReadStatement::owned_gtids(),
                ReadStatement::sessions(),
                ReadStatement::binary_logs(),
                ReadStatement::binlog_events("bin.000001", Some(4), 1),
                ReadStatement::gtid_at(&BinlogPosition::start_of("bin.000001").expect("a file")),
                ReadStatement::account_names(),
                ReadStatement::replicating_accounts(),
                ReadStatement::locked_accounts(),
                ReadStatement::roles_of_accounts(),
                ReadStatement::grants("a'b", Some("%")),
                ReadStatement::own_privileges(),
                ReadStatement::clone_plugin(),
                ReadStatement::clone_under_way(),
                ReadStatement::clone_progress(),
                ReadStatement::clone_result("2026-01-01"),
                ReadStatement::databases(),
                ReadStatement::tables_of_databases(),
                ReadStatement::tables_without_snapshot(),
                dialect.events(),
                dialect.programs_of_databases(),
                dialect.contents_of_databases(),
                ReadStatement::tables_by_size(),
                ReadStatement::count("a`b", "c"),
                ReadStatement::columns("a'b", "c"),
                ReadStatement::row("a`b", "c", &[("d", Scalar::Number("-5")), ("e", Scalar::Text("x';--"))]),
                ReadStatement::scratch_database("tandem_1", &["canary"]),
                ReadStatement::tables_of("tandem_1"),
                ReadStatement::database_there("tandem_1"),
                ReadStatement::count_with("tandem_1", "canary", "run", "x"),
                ReadStatement::count_both("tandem_1", ["a", "b"]),
                ReadStatement::column("tandem_1", "a", "id"),
                ReadStatement::granted_objects(),
                ReadStatement::routines(),
                ReadStatement::demanding_tables(),
                ReadStatement::tables_with_key(),
                ReadStatement::calling_views(),
                ReadStatement::engines(),
                ReadStatement::login_plugins(),
                ReadStatement::largest_row("a`b", "for", &["c(d".to_owned()]),
                dialect.login_plugins_of_accounts(),
                ReadStatement::compared_tables(),
                ReadStatement::compared_indexes(),
            ];
            all.extend(dialect.in_tablespaces());
            all.extend(dialect.typed_json("a`b", "for", "x("));
            all.extend(dialect.worker_errors());
            all.extend(dialect.who_writes_past_read_only());
            all.extend(dialect.stored_channel_passwords());
            all.extend(dialect.show_hashes_as_hex());
            all.extend(dialect.comparing_session(std::time::Duration::from_secs(1)));
            for statement in all {
                assert!(reads_only(statement.text()), "{version}: {}", statement.text());
            }
        }
    }
}
