//! States that real servers are in, one after the other on one pair of hosts: a copy ends with 0 and both servers are equal
//! in every row, definition and account, or it is refused (8) and nothing was touched.
//!
//! `make states` runs all of them, the suite runs some; see copies/states.sql. `TANDEM_STATES=float,names` runs these.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
};

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
            .replace("CHARACTER SET utf8mb3 COLLATE", "COLLATE")
            // A limit that was set to none is shown, one that never was set is not.
            .replace(" WITH MAX_USER_CONNECTIONS 0 ", " ");
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

/// What a change of either host would leave: when its server was started, its option files, what tandem keeps there, its
/// databases and accounts, and where its binary log ends.
fn traces(lab: &Lab) -> Vec<String> {
    let of_host = "systemctl show -p MainPID -p ExecMainStartTimestampMonotonic mariadb mysql 2>/dev/null; \
                   find /etc/mysql /etc/my.cnf /etc/my.cnf.d /var/lib/tandem -printf '%p %T@\\n' 2>/dev/null | sort";
    let of_server = "select schema_name from information_schema.schemata; select user, host from mysql.user order by 1, 2; \
                     show master status; show binary log status; show global variables like 'read_only';";
    ["db-a", "db-b"]
        .iter()
        .flat_map(|host| [lab.try_at(host, of_host).out, ask(lab, host, of_server)])
        .collect()
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
    let before = traces(lab);
    let done = lab.tandem(&["apply", "play.yml", "--yes"]);
    if done.code != 0 {
        return match done.code == 8 && traces(lab) == before {
            true => Ok(("refused", done.err)),
            false => Err(format!("half done ({})\n{}\n{}", done.code, done.out, done.err)),
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
                wrong.push(format!("{}: {found} instead of {}: {why}", state.name, state.outcome));
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

/// Does on the hosts what a refusal advises there, and gives back the server's variables that it advises to set.
fn follow(lab: &Lab, plan: &serde_json::Value) -> Vec<(String, String)> {
    let mut settings = Vec::new();
    for next in plan["refused"].as_array().unwrap().iter().flat_map(|r| r["next"].as_array().unwrap()) {
        match next["kind"].as_str().unwrap() {
            "run" => {
                let (host, sql) = (next["on"].as_str().unwrap(), next["command"].as_str().unwrap());
                assert_eq!(client(lab, host, "", sql).code, 0, "{next}");
                // An account of MySQL without a password does not compare equal after a copy.
                if sql.starts_with("CREATE USER 'maker'") {
                    lab.sql(host, "alter user maker@'%' identified by 'Right-1'");
                }
            }
            "set" => settings.push((
                next["variable"].as_str().unwrap().to_owned(),
                next["value"].as_str().unwrap().to_owned(),
            )),
            "install" => {
                let host = next["on"].as_str().unwrap();
                assert_eq!(next["what"], "the plugin ed25519");
                lab.sql(host, "install soname 'auth_ed25519'");
            }
            other => panic!("{other}: {next}"),
        }
    }
    settings
}

/// On hosts that nobody has configured yet a refused copy leaves everything as it was, however it is asked; and what is
/// advised lets it be made.
fn a_refused_copy_touches_nothing(suite: &str, source: &str, replica: &str, objects: &[&str], vars: &str) {
    let lab = Lab::boot(&[&format!("db-a={suite}"), &format!("db-b={suite}")]);
    let declare = |settings: &str| {
        let vars = format!("  vars: {{{vars}mysql_settings: {{{settings}}}}}\n");
        lab.write("play.yml", &format!("{PLAYBOOK}{vars}"))
    };
    declare("");
    let database = "create database s character set utf8mb4; use s;\n";
    assert_eq!(client(&lab, "db-a", "", &format!("{database}{source}")).code, 0);
    assert_eq!(client(&lab, "db-b", "", replica).code, 0);
    let before = traces(&lab);
    let plan = lab.plan("play.yml").expect(8);
    assert_eq!(plan.refusals(), ["cannot-be-copied"]);
    let plan = plan.json();
    let details = plan["refused"][0]["details"].as_array().unwrap();
    let named: BTreeSet<&str> =
        details.iter().filter_map(|line| Some(line.as_str()?.split_once(": ")?.0)).collect();
    assert_eq!(named, objects.iter().copied().collect(), "{details:#?}");
    lab.tandem(&["drift", "play.yml"]).expect(8);
    lab.tandem(&["apply", "play.yml", "--yes"]).expect(8);
    assert_eq!(traces(&lab), before);
    let settings = follow(&lab, &plan);
    let settings: Vec<String> = settings.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    declare(&settings.join(", "));
    lab.tandem(&["apply", "play.yml", "--yes"]).expect(0);
    assert_eq!(differences(&lab), [""; 0]);
}

#[test]
fn a_refused_copy_of_mariadb_touches_nothing() {
    a_refused_copy_touches_nothing(
        "bookworm",
        "create table t (id int primary key); create table gone (id int); create view bad as select id from gone; \
         create table nokey (a int); create table large (id int primary key, doc longblob); \
         set global max_allowed_packet=67108864; create user maker@'%'; grant all on s.* to maker@'%'; \
         create definer=maker@'%' function f(x int) returns int deterministic sql security definer return x; \
         create view calls as select f(id) as y from t; \
         install soname 'auth_ed25519'; create user app@'%' identified via ed25519 using password('x'); \
         grant select, insert on s.gone to app@'%'; grant select (id) on s.gone to app@'%'; drop table gone; \
         insert into large values (1, repeat('x', 10000000)); insert into large values (2, repeat('x', 15000000)); \
         create table alone (id int primary key, l longtext); insert into alone values (1, 'x'); \
         insert into t values (1); insert into nokey values (1), (1)",
        "set global innodb_force_primary_key=1; set global max_allowed_packet=8388608",
        &["view s.bad", "table s.nokey", "table s.large", "account 'app'@'%'"],
        // Some databases only, so that the whole server is not copied instead.
        "seed_databases: [s], ",
    );
}

#[test]
fn a_refused_copy_of_mysql_touches_nothing() {
    a_refused_copy_touches_nothing(
        "sid",
        "create table t (id int primary key); create table gone (id int, v int); create view bad as select id from gone; \
         create user app@'%' identified by 'Right-1'; grant update on s.gone to app@'%'; drop table gone; \
         create user maker@'%'; grant all on s.* to maker@'%'; \
         create definer=maker@'%' function f(x int) returns int deterministic sql security definer return x; \
         create view calls as select f(id) as y from t; drop user maker@'%'; \
         create tablespace ts1 add datafile 'ts1.ibd'; create table inside (id int primary key) tablespace ts1; \
         create table large (id int primary key, doc longblob); insert into large values (1, repeat('x', 15000000)); \
         insert into t values (1)",
        "set global max_allowed_packet=8388608",
        &["view s.bad", "view s.calls", "table s.inside", "table s.large", "account 'app'@'%'"],
        "seed_databases: [s], ",
    );
}
