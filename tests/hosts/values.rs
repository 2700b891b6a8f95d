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
    // A log that runs under another name is not exchanged without a word.
    lab.vars("replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\n");
    lab.sql("db-a", "create database hello; create table hello.t (id int primary key)");
    lab.sql("db-m", "create database hello; create table hello.t (id int primary key)");
    lab.tandem(&["apply", "play.yml", "--yes"]).expect(8);
    assert_eq!([pid(&lab, "db-a"), pid(&lab, "db-m")], before);
}

#[test]
fn a_value_that_the_running_server_refuses_is_not_left_in_its_file() {
    let lab = Lab::boot(&["db-a", "db-m=sid"]);
    lab.write("play.yml", "- name: one\n  hosts: db\n  roles: [config]\n");
    declare(&lab, "max_connections: 98");
    lab.apply("play.yml");
    declare(&lab, "max_connections: 99, default_time_zone: Europe/Nowhere");
    lab.tandem(&["apply", "play.yml", "--yes"]).expect(1);
    for (host, unit) in [("db-a", "mariadb"), ("db-m", "mysql")] {
        assert_eq!(
            lab.at(host, "grep -h -e zone -e max_conn /etc/mysql/*/zz-tandem.cnf"),
            "max_connections = 98"
        );
        lab.at(host, &format!("systemctl restart {unit}"));
    }
}
