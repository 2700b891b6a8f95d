//! States that real servers are in, one after the other on one pair of hosts: a copy ends with 0 and both servers are equal
//! in every row, definition and account, or it is refused and nothing was touched.
//!
//! `make states` runs all of them, the suite runs some; see copies/states.sql. `TANDEM_STATES=float,names` runs these.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use crate::lab::{Lab, Run};

const STATES: &str = include_str!("copies/states.sql");
/// Those that the suite runs.
const SAMPLE: [&str; 16] = [
    "float-without-key",
    "zero-and-invalid-dates",
    "json-with-types",
    "texts-of-many-character-sets",
    "system-versioned",
    "sequences",
    "names",
    "memory-tables",
    "foreign-keys",
    "large-rows",
    "views-by-other-definers",
    "routines",
    "events",
    "accounts",
    "grants-on-what-is-gone",
    "limits-of-the-replica",
];
const PLAYBOOK: &str = "- hosts: db\n  topology: {kind: primary-replica, primary: db-a, replicas: [db-b]}\n  \
                        roles: [config, accounts, seed, replication]\n";
const SYSTEM: &str = "('mysql','information_schema','performance_schema','sys')";
const OURS: &str = "('root','mysql','repl_user','debian-sys-maint','mysql.sys','mysql.session','mysql.infoschema','mariadb.sys','PUBLIC','')";

/// A state as the file has it.
struct State<'s> {
    name: &'s str,
    on: &'s str,
    outcome: &'s str,
    /// SQL on the source.
    source: &'s str,
    /// SQL on the replica, or shell commands on a host.
    more: Vec<(&'s str, &'s str)>,
}

fn states() -> Vec<State<'static>> {
    let state = |block: &'static str| {
        let (head, body) = block.split_once('\n').expect("a head");
        let [name, on, outcome] = head.split(" | ").collect::<Vec<_>>()[..] else { panic!("{head}") };
        let mut parts = body.split("\n--- ");
        let source = parts.next().expect("SQL");
        let more = parts.map(|part| part.split_once('\n').expect("a place and what to do there")).collect();
        State { name, on, outcome, source, more }
    };
    STATES.split("\n=== ").skip(1).map(state).collect()
}

/// The server's own client, whatever its option files say.
fn client(lab: &Lab, host: &str, options: &str, sql: &str) -> Run {
    lab.try_at_with(host, &format!("$(command -v mariadb || command -v mysql) --no-defaults -N -B --default-character-set=utf8mb4 {options} 2>&1"), sql)
}

fn ask(lab: &Lab, host: &str, sql: &str) -> String {
    let plain =
        "set names utf8mb4, time_zone='+00:00', sql_mode='', sql_select_limit=18446744073709551615;\n";
    client(lab, host, "-f", &format!("{plain}{sql}")).out
}

fn name(text: &str) -> String {
    format!("`{}`", text.replace('`', "``"))
}

fn text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// Takes a state away again, all of it.
fn reset(lab: &Lab, host: &str, mysql: bool, restart: bool) {
    if restart {
        lab.at(host, "systemctl restart mariadb 2>/dev/null || systemctl restart mysql");
    }
    let mut sql = String::from(match mysql {
        true => {
            "set global super_read_only=0; set global read_only=0; stop replica; reset replica all; set sql_log_bin=0; set foreign_key_checks=0;"
        }
        false => {
            "set global read_only=0; stop all slaves; reset slave all; set sql_log_bin=0; set foreign_key_checks=0;"
        }
    });
    let databases = format!(
        "select schema_name from information_schema.schemata where schema_name not in {SYSTEM} and schema_name not like '#%';"
    );
    for database in ask(lab, host, &databases).lines() {
        let _ = write!(sql, "drop database {};", name(database));
    }
    let role = if mysql { "'N'" } else { "is_role" };
    for account in
        ask(lab, host, &format!("select {role}, user, host from mysql.user where user not in {OURS};"))
            .lines()
    {
        let [role, user, at] = account.split('\t').collect::<Vec<_>>()[..] else { continue };
        match role {
            "Y" => write!(sql, "drop role {};", text(user)),
            _ => write!(sql, "drop user {}@{};", text(user), text(at)),
        }
        .expect("a string");
    }
    sql.push_str(match mysql {
        true => "reset binary logs and gtids; drop tablespace ts1;",
        false => {
            "delete from mysql.db where user='PUBLIC'; delete from mysql.tables_priv where user not in ('mariadb.sys','root'); \
             flush privileges; reset master; set global gtid_slave_pos='';"
        }
    });
    client(lab, host, "-f", &sql);
    lab.at(
        host,
        "rm -rf /var/lib/tandem/seed.json /var/lib/mysql/lost+found /etc/mysql/conf.d/other.cnf /root/.my.cnf.d /root/.other.cnf; \
         sed -i /MYSQL_HOST/d /etc/environment",
    );
}

/// What is asked of both hosts, which have to answer alike.
fn questions(lab: &Lab, host: &str) -> Vec<String> {
    let columns = format!(
        "select table_schema, table_name, column_name, data_type from information_schema.columns where table_schema not in {SYSTEM} \
         order by table_schema, table_name, ordinal_position;"
    );
    let mut of_table: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for line in ask(lab, host, &columns).lines() {
        let [database, table, column, kind] = line.split('\t').collect::<Vec<_>>()[..] else { continue };
        let column = name(column);
        let shown = match kind {
            "float" | "double" => format!("{column}*1e0"),
            "enum" | "set" => format!("concat({column}+0,hex({column}))"),
            "json" => format!("hex(cast({column} as char))"),
            "date" | "datetime" | "timestamp" | "time" | "year" | "decimal" | "uuid" | "inet4" | "inet6" => {
                column
            }
            kind if kind.ends_with("int") => column,
            kind if kind.ends_with("text") || kind.ends_with("blob") => {
                format!("concat(length({column}),' ',sha2({column},256))")
            }
            _ => format!("hex({column})"),
        };
        of_table.entry((database.to_owned(), table.to_owned())).or_default().push(shown);
    }
    let tables = format!(
        "select table_schema, table_name, table_type from information_schema.tables where table_schema not in {SYSTEM} order by 1, 2"
    );
    let mut questions = vec![tables.clone()];
    for line in ask(lab, host, &format!("{tables};")).lines() {
        let [database, table, kind] = line.split('\t').collect::<Vec<_>>()[..] else { continue };
        let path = format!("{}.{}", name(database), name(table));
        questions.push(format!("show create table {path}"));
        let Some(columns) = of_table.get(&(database.to_owned(), table.to_owned())).filter(|_| kind != "VIEW")
        else {
            continue;
        };
        let places: Vec<String> = (1..=columns.len()).map(|n| n.to_string()).collect();
        let history = if kind == "SYSTEM VERSIONED" { " for system_time all" } else { "" };
        questions.push(format!(
            "select {} from {path}{history} order by {}",
            columns.join(","),
            places.join(",")
        ));
    }
    let rest = [
        format!(
            "select * from information_schema.schemata where schema_name not in {SYSTEM} and schema_name not like '#%' order by schema_name"
        ),
        format!(
            "select table_schema,table_name,view_definition,check_option,definer,security_type,character_set_client,collation_connection from information_schema.views where table_schema not in {SYSTEM} order by 1,2"
        ),
        format!(
            "select routine_schema,routine_name,routine_type,dtd_identifier,hex(routine_definition),is_deterministic,sql_data_access,security_type,sql_mode,routine_comment,definer,character_set_client,collation_connection,database_collation from information_schema.routines where routine_schema not in {SYSTEM} order by 1,2,3"
        ),
        format!(
            "select trigger_schema,trigger_name,event_manipulation,event_object_table,action_order,hex(action_statement),action_timing,sql_mode,definer,character_set_client,collation_connection,database_collation from information_schema.triggers where trigger_schema not in {SYSTEM} order by 1,2"
        ),
        format!(
            "select event_schema,event_name,definer,time_zone,hex(event_definition),event_type,execute_at,interval_value,interval_field,sql_mode,starts,ends,on_completion,event_comment,character_set_client,collation_connection,database_collation from information_schema.events where event_schema not in {SYSTEM} order by 1,2"
        ),
        format!("select user,host from mysql.user where user not in {OURS} order by 1,2"),
    ];
    questions.extend(rest);
    for account in
        ask(lab, host, &format!("select user,host from mysql.user where user not in {OURS} order by 1,2;"))
            .lines()
    {
        let (user, at) = account.split_once('\t').unwrap_or((account, ""));
        let at = if at.is_empty() { String::new() } else { format!("@{}", text(at)) };
        questions.push(format!("show grants for {}{at}", text(user)));
        questions.push(format!("show create user {}{at}", text(user)));
    }
    questions
}

/// What the two answer otherwise.
fn differences(lab: &Lab) -> Vec<String> {
    let questions = questions(lab, "db-a");
    let script: String = questions
        .iter()
        .fold(String::new(), |all, question| format!("{all}select '## next';\n{question};\n"));
    let answers = |host: &str| {
        let said = ask(lab, host, &script);
        // Of two ways to write the same, a column that was made by a longer statement shows the longer one.
        let plain = said
            .replace("CHARACTER SET utf8mb4 COLLATE", "COLLATE")
            .replace("CHARACTER SET utf8mb3 COLLATE", "COLLATE");
        let blocks: Vec<Vec<String>> = plain
            .split("## next\n")
            .skip(1)
            .map(|block| block.lines().map(str::to_owned).collect())
            .collect();
        blocks
    };
    let (there, here) = (answers("db-a"), answers("db-b"));
    assert_eq!(there.len(), questions.len(), "not everything was answered");
    let differing = questions.iter().enumerate().filter(|(n, _)| there.get(*n) != here.get(*n));
    differing.map(|(n, question)| format!("{question}: {:?} and {:?}", there.get(n), here.get(n))).collect()
}

/// How a state comes out.
fn outcome(lab: &Lab, state: &State<'_>) -> Result<(&'static str, String), String> {
    let made = client(
        lab,
        "db-a",
        "",
        &format!(
            "create database s character set utf8mb4 collate utf8mb4_unicode_ci; use s;\n{}",
            state.source
        ),
    );
    assert_eq!(made.code, 0, "{}: {}", state.name, made.out);
    for (place, what) in &state.more {
        let done = match place.strip_prefix("shell ") {
            Some(host) => lab.try_at(host, what),
            None => client(lab, "db-b", "", what),
        };
        assert_eq!(done.code, 0, "{}, {place}: {} {}", state.name, done.out, done.err);
    }
    let done = lab.tandem(&["apply", "play.yml", "--yes"]);
    if done.code != 0 {
        let there =
            ask(lab, "db-b", "select count(*) from information_schema.schemata where schema_name = 's';");
        let marked = lab.try_at("db-b", "test -e /var/lib/tandem/seed.json").code == 0;
        return match there.trim() == "0" && !marked {
            true => Ok(("refused", done.err)),
            false => Err(format!("half done\n{}\n{}", done.out, done.err)),
        };
    }
    match differences(lab) {
        none if none.is_empty() => Ok(("equal", String::new())),
        some => Err(some.join("\n")),
    }
}

fn all_come_out(suite: &str, family: &str) {
    let lab = Lab::boot(&[&format!("db-a={suite}"), &format!("db-b={suite}")]);
    lab.write("play.yml", PLAYBOOK);
    let wish = std::env::var("TANDEM_STATES").unwrap_or_else(|_| SAMPLE.join(","));
    let (all, some) = (wish == "all", wish.split(',').collect::<Vec<_>>());
    let (mut wrong, mut rows, mut dirty) = (Vec::new(), String::new(), true);
    for state in states() {
        if !["both", family].contains(&state.on) || !all && !some.contains(&state.name) {
            continue;
        }
        for host in ["db-a", "db-b"] {
            reset(&lab, host, family == "mysql", dirty);
        }
        let changes = |text: &str| text.contains("set global") || text.contains("install ");
        dirty = changes(state.source)
            || state.more.iter().any(|(place, text)| place.starts_with("shell") || changes(text));
        match outcome(&lab, &state) {
            Ok((found, _)) if found == state.outcome => {
                let _ = writeln!(rows, "{} {found}", state.name);
            }
            Ok((found, why)) => {
                wrong.push(format!("{}: {found} instead of {}: {why}", state.name, state.outcome))
            }
            Err(why) => wrong.push(format!("{}: {why}", state.name)),
        }
    }
    if all {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("states");
        fs::create_dir_all(&directory).unwrap();
        let version = lab.sql("db-a", "select version()");
        let family = if family == "mysql" { "MySQL" } else { "MariaDB" };
        let version = version.split('-').next().unwrap_or_default();
        fs::write(directory.join(family), format!("{family} {version}\n{rows}")).unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn states_of_mariadb_are_copied_or_refused() {
    all_come_out("bookworm", "mariadb");
}

#[test]
fn states_of_mysql_are_copied_or_refused() {
    all_come_out("sid", "mysql");
}
