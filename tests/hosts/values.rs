//! Values in every spelling that a server takes: given once, and in sync from then on, whatever the server makes of them.

use crate::lab::Lab;

/// A variable, a value as it stands in the inventory, and what the server reports once it was given; `None` where that
/// depends on the machine.
type Row = (&'static str, &'static str, Option<&'static str>);

/// Spellings of sizes, booleans, times, sets and words that both families take.
const BOTH: &[Row] = &[
    ("max_allowed_packet", "64M", Some("67108864")),
    ("max_heap_table_size", "32m", Some("33554432")),
    ("tmp_table_size", "33554432", Some("33554432")),
    ("sort_buffer_size", "512K", Some("524288")),
    ("join_buffer_size", "300000", None),
    ("read_buffer_size", "200000", None),
    ("read_rnd_buffer_size", "0400k", None),
    ("key_buffer_size", "10000000", Some("9998336")),
    ("bulk_insert_buffer_size", "8M", Some("8388608")),
    ("max_binlog_size", "1G", Some("1073741824")),
    ("max_relay_log_size", "100000", None),
    ("binlog_cache_size", "50000", None),
    ("binlog_stmt_cache_size", "33000", None),
    ("max_connections", "120", Some("120")),
    ("max_connect_errors", "1000000", Some("1000000")),
    ("thread_cache_size", "9", Some("9")),
    ("table_open_cache", "700", None),
    ("table_definition_cache", "1000", None),
    ("wait_timeout", "\"0600\"", Some("600")),
    ("interactive_timeout", "3600", Some("3600")),
    ("net_read_timeout", "31", Some("31")),
    ("net_buffer_length", "20000", None),
    ("long_query_time", "0.1234567", Some("0.123457")),
    ("min_examined_row_limit", "10", Some("10")),
    ("slow_query_log", "1", Some("ON")),
    ("log_queries_not_using_indexes", "\"true\"", Some("ON")),
    ("log_slow_admin_statements", "\"on\"", Some("ON")),
    ("low_priority_updates", "no", Some("OFF")),
    ("general_log", "false", Some("OFF")),
    ("log_output", "TABLE,FILE", Some("FILE,TABLE")),
    ("sql_mode", "TRADITIONAL", None),
    ("optimizer_switch", "index_merge=off", None),
    ("optimizer_search_depth", "10", Some("10")),
    ("concurrent_insert", "2", Some("ALWAYS")),
    ("completion_type", "1", Some("CHAIN")),
    ("delay_key_write", "2", Some("ALL")),
    ("default_storage_engine", "innodb", Some("InnoDB")),
    ("character_set_server", "utf8mb4", Some("utf8mb4")),
    ("collation_server", "UTF8MB4_UNICODE_CI", Some("utf8mb4_unicode_ci")),
    ("lc_time_names", "de_DE", Some("de_DE")),
    ("init_connect", "set @a = 'x y'", Some("set @a = 'x y'")),
    ("group_concat_max_len", "1M", Some("1048576")),
    ("event_scheduler", "1", Some("ON")),
    ("sync_binlog", "1", Some("1")),
    ("sync_relay_log", "5000", Some("5000")),
    ("innodb_flush_log_at_trx_commit", "2", Some("2")),
    ("innodb_buffer_pool_size", "300M", None),
    ("innodb_io_capacity", "250", Some("250")),
    ("innodb_io_capacity_max", "3000", Some("3000")),
    ("innodb_max_dirty_pages_pct", "75", Some("75.000000")),
    ("innodb_max_dirty_pages_pct_lwm", "1e1", Some("10.000000")),
    ("innodb_lock_wait_timeout", "40", Some("40")),
    ("innodb_print_all_deadlocks", "TRUE", Some("ON")),
    ("innodb_stats_persistent", "on", Some("ON")),
    ("innodb_file_per_table", "\"yes\"", Some("ON")),
    ("innodb_adaptive_hash_index", "off", Some("OFF")),
    ("innodb_change_buffering", "2", None),
    ("innodb_read_io_threads", "2", Some("2")),
    ("innodb_write_io_threads", "3", Some("3")),
    ("innodb_autoinc_lock_mode", "2", Some("2")),
    ("innodb_open_files", "50000", None),
    ("open_files_limit", "100000", None),
    ("back_log", "900", None),
    ("skip_name_resolve", "true", Some("ON")),
    ("lower_case_table_names", "0", Some("0")),
    ("secure_file_priv", "/tmp/", None),
    ("tmpdir", "/var/tmp/", None),
    ("performance_schema_max_table_instances", "400", None),
    ("ft_min_word_len", "3", Some("3")),
    ("thread_stack", "300000", None),
    ("tls_version", "TLSv1.3,TLSv1.2", None),
];

const MARIADB: &[Row] = &[
    ("binlog_format", "2", Some("ROW")),
    ("innodb_log_file_size", "100000000", None),
    ("innodb_log_buffer_size", "9000000", None),
    ("innodb_flush_method", "O_DIRECT", Some("O_DIRECT")),
    ("slave_skip_errors", "1062,1032", None),
    ("thread_pool_size", "3", None),
    ("thread_handling", "2", Some("pool-of-threads")),
    ("pid_file", "x.pid", None),
    ("aria_pagecache_buffer_size", "16000000", None),
    ("query_cache_size", "1000000", None),
    ("userstat", "1", Some("ON")),
    ("plugin_maturity", "gamma", Some("gamma")),
    ("old_mode", "UTF8_IS_UTF8MB3", Some("UTF8_IS_UTF8MB3")),
    ("use_stat_tables", "2", None),
    ("histogram_type", "0", None),
    ("slave_parallel_mode", "2", None),
    ("slave_parallel_threads", "2", Some("2")),
    ("slave_net_timeout", "30", Some("30")),
    ("expire_logs_days", "7", None),
    ("max_statement_time", "1.5", Some("1.500000")),
    ("extra_max_connections", "2", Some("2")),
    ("log_warnings", "3", Some("3")),
    ("default_time_zone", "+02:00", None),
    ("transaction_isolation", "READ-COMMITTED", None),
    ("feedback", "off", None),
    // At the start the size turns it on.
    ("query_cache_type", "0", Some("OFF")),
    ("query_cache_size", "16M", Some("16777216")),
];

const MYSQL: &[Row] = &[
    ("innodb_redo_log_capacity", "100000000", Some("99614720")),
    ("innodb_page_cleaners", "64", None),
    ("innodb_buffer_pool_instances", "2", None),
    ("innodb_log_buffer_size", "9000000", None),
    ("innodb_flush_method", "O_DIRECT", Some("O_DIRECT")),
    ("binlog_expire_logs_seconds", "864000", Some("864000")),
    ("binlog_row_image", "1", None),
    ("transaction_isolation", "1", Some("READ-COMMITTED")),
    ("default_time_zone", "+02:00", None),
    ("replica_net_timeout", "30", Some("30")),
    ("replica_parallel_workers", "3", Some("3")),
    ("replica_skip_errors", "1062,1032", None),
    ("max_execution_time", "90000", Some("90000")),
    ("host_cache_size", "300", Some("300")),
    ("temptable_max_ram", "256M", Some("268435456")),
    ("authentication_policy", "\"*,,\"", None),
    ("log_error_verbosity", "2", Some("2")),
    ("log_timestamps", "1", Some("SYSTEM")),
    ("mysqlx_max_connections", "50", Some("50")),
    ("table_open_cache_instances", "4", None),
    ("gtid_mode", "3", Some("ON")),
    ("session_track_gtids", "1", None),
    ("pid_file", "x.pid", None),
    ("performance_schema_instrument", "'%=on'", None),
];

fn yaml(rows: &[Row]) -> String {
    let lines: Vec<String> =
        rows.iter().map(|(name, value, _)| format!("  {name}: {}", scalar(value))).collect();
    format!("mysql_settings:\n{}\n", lines.join("\n"))
}

/// As it stands: quotes where YAML needs them.
fn scalar(value: &str) -> String {
    let needs = value.contains([' ', '%', '*']) && !value.starts_with('"');
    if needs { format!("\"{value}\"") } else { value.to_owned() }
}

fn pid(lab: &Lab, host: &str) -> String {
    lab.at(host, "pidof mariadbd mysqld")
}

/// Declares a host's settings, applies them twice, and says what did not hold.
fn tried(lab: &Lab, host: &str, rows: &[Row]) -> Vec<String> {
    let mut wrong = Vec::new();
    lab.host_vars(host, &yaml(rows));
    let play = format!("{host}.yml");
    lab.write(&play, &format!("- name: one\n  hosts: {host}\n  roles: [config]\n"));
    let apply = lab.tandem(&["apply", &play, "--yes"]);
    if apply.code != 0 {
        wrong.push(format!("{host}: apply ends with {}\n{}\n{}", apply.code, apply.out, apply.err));
    }
    let before = pid(lab, host);
    let again = lab.tandem(&["apply", &play, "--yes", "--format", "json"]);
    let plan = again.plan_json();
    if again.code != 0 || plan["in_sync"] != true {
        wrong.push(format!("{host}: applied again: {}\n{plan:#}\n{}", again.code, again.err));
    }
    if pid(lab, host) != before {
        wrong.push(format!("{host}: it was restarted for a second time"));
    }
    let shown = lab.sql(host, "show global variables");
    for (name, _, reported) in rows {
        let line = shown.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('\t'));
        if let (Some(line), Some(reported)) = (line, reported)
            && line != *reported
        {
            wrong.push(format!("{host}: {name} is {line} and not {reported}"));
        }
    }
    wrong
}

#[test]
fn every_spelling_of_a_value_is_given_once() {
    let lab = Lab::boot(&["db-a", "db-m=sid"]);
    let mut wrong = Vec::new();
    for (host, own) in [("db-a", MARIADB), ("db-m", MYSQL)] {
        let rows: Vec<Row> = BOTH.iter().chain(own).copied().collect();
        assert!(rows.len() >= 60);
        wrong.extend(tried(&lab, host, &rows));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn declare(lab: &Lab, settings: &str) {
    let own = "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\nmysql_log_bin: own-bin\n";
    lab.vars(&format!("{own}mysql_settings: {{{settings}}}\n"));
}

#[test]
fn what_a_server_was_started_with_is_not_given_once_more() {
    const FIXED: &str = "open_files_limit: 100000, thread_stack: 300000, innodb_open_files: 50000";
    let lab = Lab::boot(&["db-a", "db-m=sid"]);
    lab.write("play.yml", "- name: one\n  hosts: db\n  roles: [config]\n");
    declare(&lab, "");
    lab.apply("play.yml");

    // Somebody else's file gives the values, and the server makes others of them.
    for (host, unit) in [("db-a", "mariadb"), ("db-m", "mysql")] {
        let text = FIXED.replace(": ", "=").replace(", ", "\\n");
        let own = "$(dirname /etc/mysql/*/zz-tandem.cnf)/own.cnf";
        lab.at(host, &format!("printf '[mysqld]\\n{text}\\n' > {own}; systemctl restart {unit}"));
    }
    let before = [pid(&lab, "db-a"), pid(&lab, "db-m")];
    declare(&lab, FIXED);
    lab.apply("play.yml");
    // Our file is another one by then, and gets older than its directory.
    declare(&lab, &format!("{FIXED}, max_connections: 99"));
    lab.apply("play.yml");
    assert_eq!([pid(&lab, "db-a"), pid(&lab, "db-m")], before);

    // After a start by somebody else, without what was noted.
    for (host, unit) in [("db-a", "mariadb"), ("db-m", "mysql")] {
        lab.at(host, &format!("rm -f /var/lib/tandem/values.json; systemctl restart {unit}"));
    }
    lab.tandem(&["plan", "play.yml"]).expect(0);

    // Another number is another value, and a value that is taken out goes back to the server's own.
    for settings in ["open_files_limit: 90000, thread_stack: 400000", ""] {
        declare(&lab, settings);
        lab.apply("play.yml");
        lab.tandem(&["plan", "play.yml"]).expect(0);
    }

    // What the server does not take as a number is known without a try.
    let before = [pid(&lab, "db-a"), pid(&lab, "db-m")];
    for value in ["64MB", "0.5G", "1T"] {
        declare(&lab, &format!("max_allowed_packet: {value}"));
        lab.refuses(&["plan", "play.yml"], "value-not-taken");
    }
    // A log that runs under another name than the built-in one stays; for a declared one it is not exchanged without a word.
    let nothing = "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\n";
    lab.vars(nothing);
    lab.tandem(&["apply", "play.yml", "--yes"]).expect(0);
    lab.vars(&format!("{nothing}mysql_log_bin: another-bin\n"));
    lab.sql("db-a", "create database hello; create table hello.t (id int primary key)");
    lab.sql("db-m", "create database hello; create table hello.t (id int primary key)");
    lab.tandem(&["apply", "play.yml", "--yes"]).expect(8);
    assert_eq!([pid(&lab, "db-a"), pid(&lab, "db-m")], before);
}

#[test]
fn what_a_step_has_set_is_taken_back_where_it_fails() {
    let lab = Lab::boot(&["db-m=sid"]);
    lab.write("play.yml", "- name: one\n  hosts: db\n  roles: [config]\n");
    declare(&lab, "max_connections: 98");
    lab.apply("play.yml");
    // That a certificate has another key shows only when it is loaded.
    declare(&lab, "max_connections: 99, ssl_cert: /var/lib/mysql/ca.pem");
    lab.tandem(&["apply", "play.yml", "--yes"]).expect(1);
    assert_eq!(
        lab.at("db-m", "grep -h -e ssl_cert -e max_conn /etc/mysql/*/zz-tandem.cnf"),
        "max_connections = 98"
    );
    assert_eq!(lab.sql("db-m", "select @@max_connections, @@ssl_cert"), "98\tserver-cert.pem");
    lab.at("db-m", "systemctl restart mysql");
}

/// What a run leaves that was cut off between the new file and what brings the server to it.
fn cut_off(lab: &Lab, host: &str, edit: &str) {
    let script = "file=$(ls /etc/mysql/*/zz-tandem.cnf); cd /var/lib/tandem/restart; cp -p $file before; \
                  sum() { sha256sum <$file | cut -d ' ' -f 1; }; old=$(sum); EDIT; \
                  printf 'path %s\\nold %s\\nnew %s\\n' $file $old $(sum) >file; echo written >state";
    lab.at(host, &script.replace("EDIT", edit));
}

#[test]
fn a_run_that_was_cut_off_behind_the_file_is_gone_on_with() {
    let lab = Lab::boot(&["db-a", "db-m=sid"]);
    lab.write("play.yml", "- name: one\n  hosts: db\n  roles: [config]\n");
    let unseen = [("db-a", "feedback: off"), ("db-m", "sysdate_is_now: 1")];
    let own = "log_bin: own-bin";
    let all = |settings: &str| {
        declare(&lab, own);
        for (host, option) in unseen {
            let option = settings.replace("UNSEEN", option);
            lab.host_vars(host, &format!("mysql_settings: {{{own}{option}}}\n"));
        }
    };
    all(", max_connections: 97, back_log: 91");
    lab.apply("play.yml");
    // Only what is set by a statement: no restart.
    let pids = || [pid(&lab, "db-a"), pid(&lab, "db-m")];
    let before = pids();
    for (host, _) in unseen {
        cut_off(&lab, host, "sed -i 's/^max_connections.*/max_connections = 98/' $file");
    }
    all(", max_connections: 98, back_log: 91");
    lab.apply("play.yml");
    lab.tandem(&["plan", "play.yml"]).expect(0);
    assert_eq!(pids(), before);
    for (host, _) in unseen {
        assert_eq!(lab.sql(host, "select @@max_connections, @@back_log"), "98\t91", "{host}");
    }
    // One that only a start can set is taken out, and an option that no variable shows is added.
    for (host, option) in unseen {
        let line = option.replace(": ", " = ");
        cut_off(&lab, host, &format!("sed -i -e '/^back_log/d' -e '$ a {line}' $file"));
    }
    all(", max_connections: 98, UNSEEN");
    lab.apply("play.yml");
    let once = pids();
    lab.tandem(&["apply", "play.yml", "--yes"]).expect(0);
    assert!(before[0] != once[0] && before[1] != once[1]);
    for (host, _) in unseen {
        assert_ne!(lab.sql(host, "select @@back_log"), "91", "{host}");
    }
    // And the other way round: it is taken out, which only another start shows.
    for (host, _) in unseen {
        cut_off(&lab, host, "sed -i -e '/^feedback/d' -e '/^sysdate/d' $file");
    }
    all(", max_connections: 98");
    lab.apply("play.yml");
    let twice = pids();
    lab.tandem(&["apply", "play.yml", "--yes"]).expect(0);
    assert!(twice == pids() && once[0] != twice[0] && once[1] != twice[1]);
}

#[test]
fn values_that_change_each_other_end_as_they_are_declared() {
    let lab = Lab::boot(&["db-a", "db-m=sid"]);
    lab.write("play.yml", "- name: one\n  hosts: db\n  roles: [config]\n");
    declare(
        &lab,
        "character_set_server: latin1, collation_server: latin1_swedish_ci, innodb_io_capacity_max: 4000, innodb_io_capacity: 300",
    );
    // Elsewhere in Debian's files of MariaDB stands a collation of its own, with which another character set would keep the server down.
    lab.apply("play.yml");
    declare(&lab, "character_set_server: latin1");
    lab.tandem(&["plan", "play.yml", "--limit", "db-a"]).expect(8);
    declare(&lab, "character_set_server: latin1, collation_server: latin1_swedish_ci");
    lab.apply("play.yml");
    declare(
        &lab,
        "collation_server: utf8mb4_bin, character_set_server: utf8mb4, innodb_io_capacity: 5000, innodb_io_capacity_max: 6000",
    );
    lab.apply("play.yml");
    for host in ["db-a", "db-m"] {
        let shown = "select @@global.collation_server, @@innodb_io_capacity, @@innodb_io_capacity_max";
        assert_eq!(lab.sql(host, shown), "utf8mb4_bin\t5000\t6000", "{host}");
    }
    lab.tandem(&["plan", "play.yml"]).expect(0);
    // Taken out again, each goes back to the server's own.
    declare(&lab, "");
    lab.apply("play.yml");
    lab.tandem(&["plan", "play.yml"]).expect(0);
    // Two that can't hold together are refused.
    declare(&lab, "collation_server: latin1_bin, character_set_server: utf8mb4");
    lab.refuses(&["plan", "play.yml"], "value-not-taken");
}

/// Values that no server takes, of variables of every kind: what is not known is asked for in the plan.
const TAKEN_BY_NONE: &[(&str, &str)] = &[
    ("sql_mode", "NO_SUCH_MODE"),
    ("character_set_server", "utf9"),
    ("collation_server", "utf8mb4_nowhere_ci"),
    ("default_time_zone", "Europe/Nowhere"),
    ("default_storage_engine", "nosuchengine"),
    ("lc_time_names", "xx_YY"),
    ("concurrent_insert", "SOMETIMES"),
    ("completion_type", "7"),
    ("slow_query_log", "perhaps"),
    ("log_output", "PAPER"),
    ("optimizer_switch", "no_such=on"),
    ("delay_key_write", "5"),
    ("event_scheduler", "maybe"),
    ("innodb_flush_log_at_trx_commit", "9"),
    ("binlog_row_image", "some"),
    ("max_connections", "-5"),
    ("long_query_time", "ten"),
    ("innodb_buffer_pool_size", "lots"),
    ("innodb_flush_method", "NEVER"),
    ("back_log", "many"),
    ("skip_no_such_thing", "1"),
    ("hostname", "other"),
    ("version_comment", "mine"),
    ("tmpdir", "/nowhere/at/all"),
    ("datadir", "/srv/mysql"),
    ("general_log_file", "/etc/mysql/general.log"),
    ("innodb_undo_directory", "/root"),
    ("log_bin", "/usr/local/binlog"),
    ("secure_file_priv", "/nowhere"),
    ("ssl_cert", "/etc/os-release"),
    ("ssl_key", "/etc/os-release"),
    ("init_file", "/nowhere.sql"),
    ("log_error", "/nowhere/error.log"),
    ("slow_query_log_file", "/nowhere/slow.log"),
    ("relay_log", "/nowhere/relay"),
    ("innodb_page_size", "8192"),
    ("max_allowed_packet", "64MB"),
    ("innodb_io_capacity", "80%"),
    ("wait_timeout", "1.5h"),
    ("transaction_isolation", "WHENEVER"),
    ("lc_messages", "xx_YY"),
    ("innodb_stats_method", "nulls"),
    ("myisam_recover_options", "PERHAPS"),
    ("slave_type_conversions", "SOME"),
    ("old_alter_table", "sometimes"),
    ("key_buffer_size", "-1G"),
    ("server_id", "many"),
    ("general_log", "2"),
    ("innodb_autoinc_lock_mode", "7"),
    ("innodb_adaptive_hash_index", "partly"),
    ("ft_boolean_syntax", "abc"),
    ("bind_address", "192.0.2.77"),
];

/// Settings of public roles and questions that kept servers down or never settled: names that a version has no more.
const KNOWN_BY_NONE: &[&str] = &[
    "innodb_additional_mem_pool_size",
    "thread_concurrency",
    "key_buffer",
    "log_slow_queries",
    "innodb_large_prefix",
    "innodb_file_format",
    "table_cache",
];

#[test]
fn what_no_server_takes_is_refused_in_the_plan() {
    let lab = Lab::boot(&["db-a", "db-m=sid"]);
    lab.write("play.yml", "- name: one\n  hosts: db\n  roles: [config]\n");
    declare(&lab, "max_connections: 98");
    lab.apply("play.yml");
    let state = |host| {
        let sums = "sha256sum /etc/mysql/*/* /var/lib/tandem/values.json 2>/dev/null; cat /proc/$(pidof mariadbd mysqld)/stat | cut -d ' ' -f 22";
        (
            lab.sql(host, "show global variables where variable_name not in ('gtid_executed', 'timestamp')"),
            lab.at(host, sums),
        )
    };
    let before = [state("db-a"), state("db-m")];
    let unknown = KNOWN_BY_NONE.iter().map(|name| (*name, "1"));
    let rows: Vec<(&str, &str)> = TAKEN_BY_NONE.iter().copied().chain(unknown).collect();
    let all: Vec<String> = rows.iter().map(|(name, value)| format!("{name}: '{value}'")).collect();
    declare(&lab, &all.join(", "));
    let plan = lab.tandem(&["plan", "play.yml", "--format", "json"]).expect(8).json();
    let mut wrong = Vec::new();
    for host in ["db-a", "db-m"] {
        let said: Vec<String> = plan["refused"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|one| one["host"] == host)
            .filter(|one| one["code"] == "value-not-taken" || one["code"] == "unknown-variable")
            .map(|one| one["reason"].as_str().expect("a reason").to_owned())
            .collect();
        for (name, _) in &rows {
            // The name under which the server knows it.
            let names = match *name {
                "default_time_zone" => ["time_zone", ""],
                "slave_type_conversions" => [*name, "replica_type_conversions"],
                "transaction_isolation" => [*name, "tx_isolation"],
                name => [name, ""],
            };
            if !said.iter().any(|text| names.iter().any(|name| text.contains(&format!("`{name}`")))) {
                wrong.push(format!("{host}: {name} is not refused"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{:#}", wrong.join("\n"), plan["refused"]);
    assert_eq!(before, [state("db-a"), state("db-m")], "the question has changed something");
}

/// What a restart would end in whatever our own file says.
#[test]
fn what_other_files_the_memory_or_the_socket_forbid_is_refused_in_the_plan() {
    let lab = Lab::boot(&["db-a", "db-m=sid"]);
    lab.write("play.yml", "- name: one\n  hosts: db\n  roles: [config]\n");
    let refused = |code: &str| {
        let plan = lab.tandem(&["plan", "play.yml", "--format", "json"]).expect(8).json();
        let all = plan["refused"].as_array().cloned().unwrap_or_default();
        assert!(all.iter().all(|one| one["code"] == code), "{all:#?}");
        all.into_iter().map(|one| format!("{}: {}", one["host"], one["reason"])).collect::<Vec<_>>()
    };
    let beside =
        "for d in /etc/mysql/mariadb.conf.d /etc/mysql/mysql.conf.d; do [ ! -d $d ] || f=$d/10x.cnf; done; ";
    for host in ["db-a", "db-m"] {
        lab.at(host, &format!("{beside} printf '[mysqld]\\nnonesuch=1\\n' >$f"));
    }
    declare(&lab, "back_log: 99");
    let said = refused("option-files-refused");
    assert!(said.len() == 2 && said.iter().all(|text| text.contains("10x.cnf:2")), "{said:#?}");
    for host in ["db-a", "db-m"] {
        lab.at(host, &format!("{beside} rm $f"));
    }
    lab.tandem(&["plan", "play.yml"]).expect(2);
    for setting in ["innodb_buffer_pool_size: 8T", "socket: /run/mysqld/other.sock"] {
        declare(&lab, setting);
        assert_eq!(refused("value-not-taken").len(), 2, "{setting}");
    }
}

#[test]
fn a_question_sets_nothing() {
    let lab = Lab::boot(&["db-a", "db-m=sid"]);
    for host in ["db-a", "db-m"] {
        let shown = || {
            lab.sql(host, "show global variables where variable_name not in ('timestamp', 'gtid_executed')")
        };
        let before = shown();
        let mut questions = String::new();
        for name in before.lines().filter_map(|line| line.split('\t').next()) {
            for value in ["DEFAULT", "0", "1", "'x'", "''", "7"] {
                questions += &format!(
                    "SET GLOBAL `{name}` = {value}, SESSION lc_time_names = 'nowhere (a question of tandem)';\n"
                );
                questions += &format!(
                    "SET GLOBAL `{name}` = {value}, SESSION sql_mode = 'NOTHING (A QUESTION OF TANDEM)';\n"
                );
            }
        }
        // Several in one question, so that each of them stands beside others that would be taken.
        let names: Vec<&str> = before.lines().filter_map(|line| line.split('\t').next()).collect();
        for some in (1..names.len()).map(|n| &names[n.saturating_sub(6)..n]) {
            for value in ["DEFAULT", "1", "7"] {
                let all: Vec<String> = some.iter().map(|name| format!("GLOBAL `{name}` = {value}")).collect();
                let all = all.join(", ");
                questions +=
                    &format!("SET {all}, SESSION lc_time_names = 'nowhere (a question of tandem)';\n");
            }
        }
        lab.bytes_at(host, "cat >/root/questions.sql", questions.as_bytes());
        let client = "$(command -v mariadb || command -v mysql)";
        let said = lab.at(host, &format!("{client} --force </root/questions.sql 2>&1 | grep -c '^ERROR'"));
        assert_eq!(said, questions.lines().count().to_string(), "{host}: every question ends with an error");
        assert_eq!(shown(), before, "{host}");
    }
}

/// Only a start takes the scheduler there and back, and a server on which it is `DISABLED` shows no events.
#[test]
fn a_scheduler_that_is_disabled_is_started_so_and_read() {
    let lab = Lab::boot(&["db-a", "db-m=sid"]);
    lab.write("play.yml", "- name: one\n  hosts: db\n  roles: [config]\n");
    for value in ["DISABLED", "\"ON\""] {
        declare(&lab, &format!("event_scheduler: {value}"));
        lab.tandem(&["apply", "play.yml", "--yes", "--allow", "restart"]).expect(0);
        lab.plan("play.yml").expect(0);
        for host in ["db-a", "db-m"] {
            assert_eq!(lab.sql(host, "select @@global.event_scheduler"), value.trim_matches('"'));
        }
    }
}
