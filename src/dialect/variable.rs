//! What is known of variables by their names.

use super::{Dialect, identifier};
use crate::model::Family;

/// Variables of MySQL that only a start of the server can set: it has no view that tells. Every variable of
/// 9.7.4 was asked by `SET GLOBAL name = @@GLOBAL.name` (error 1238); then those that only 8.0 and 8.4 know
/// (manual, 7.1.8 "Server System Variables").
const FIXED_IN_MYSQL: &str = "admin_address admin_port auto_generate_certs back_log basedir bind_address binlog_gtid_simple_recovery \
    binlog_rotate_encryption_master_key_at_startup binlog_row_event_max_size \
    caching_sha2_password_auto_generate_rsa_keys caching_sha2_password_private_key_path \
    caching_sha2_password_public_key_path character_set_system character_sets_dir container_aware core_file \
    create_admin_listener_thread datadir default_authentication_plugin disabled_storage_engines \
    disconnect_on_expired_password ft_max_word_len ft_min_word_len ft_query_expansion_limit ft_stopword_file \
    gtid_executed gtid_owned hostname ignore_builtin_innodb init_file innodb_adaptive_hash_index_parts \
    innodb_api_disable_rowlock innodb_api_enable_binlog innodb_api_enable_mdl innodb_api_trx_level \
    innodb_autoinc_lock_mode innodb_buffer_pool_chunk_size innodb_buffer_pool_instances \
    innodb_buffer_pool_load_at_startup innodb_data_file_path innodb_data_home_dir innodb_dedicated_server \
    innodb_directories innodb_doublewrite_batch_size innodb_doublewrite_dir innodb_doublewrite_files \
    innodb_doublewrite_pages innodb_flush_method innodb_force_load_corrupted innodb_force_recovery \
    innodb_ft_cache_size innodb_ft_max_token_size innodb_ft_min_token_size innodb_ft_sort_pll_degree \
    innodb_ft_total_cache_size innodb_log_file_size innodb_log_files_in_group innodb_log_group_home_dir \
    innodb_native_foreign_keys innodb_numa_interleave innodb_open_files innodb_page_cleaners innodb_page_size \
    innodb_purge_threads innodb_read_io_threads innodb_read_only innodb_rollback_on_timeout \
    innodb_sort_buffer_size innodb_sync_array_size innodb_temp_data_file_path innodb_temp_tablespaces_dir \
    innodb_undo_directory innodb_use_native_aio innodb_validate_tablespace_paths innodb_version \
    innodb_write_io_threads large_files_support large_page_size large_pages lc_messages_dir locked_in_memory \
    log_bin log_bin_basename log_bin_index log_error log_replica_updates log_slave_updates \
    lower_case_file_system lower_case_table_names max_digest_length myisam_mmap_size myisam_recover_options \
    mysqlx_bind_address mysqlx_port mysqlx_port_open_timeout mysqlx_socket ngram_token_size open_files_limit \
    persist_only_admin_x509_subject persist_sensitive_variables_in_plaintext persisted_globals_load pid_file \
    plugin_dir port protocol_version relay_log relay_log_basename relay_log_index relay_log_info_file \
    relay_log_recovery relay_log_space_limit replica_load_tmpdir replica_skip_errors report_host \
    report_password report_port report_user secure_file_priv server_id_bits server_memory server_uuid \
    sha256_password_auto_generate_rsa_keys sha256_password_private_key_path sha256_password_public_key_path \
    skip_external_locking skip_name_resolve skip_networking skip_replica_start skip_show_database \
    skip_slave_start slave_load_tmpdir slave_skip_errors socket ssl_fips_mode system_time_zone \
    table_open_cache_instances thread_handling thread_pool_size thread_stack \
    tls_certificates_enforced_validation tmpdir version version_comment version_compile_machine \
    version_compile_os";

/// More of them in MySQL 5.5 to 5.7, asked of 5.6.24 in the same way (tests/recordings/variables-5.6.24.txt).
const FIXED_BEFORE_8_0: &str = "date_format datetime_format have_compress have_crypt have_dynamic_loading have_geometry have_openssl \
    have_profiling have_query_cache have_rtree_keys have_ssl have_symlink ignore_db_dirs innodb_additional_mem_pool_size \
    innodb_checksums innodb_file_format_check innodb_locks_unsafe_for_binlog innodb_log_buffer_size \
    innodb_mirrored_log_groups innodb_undo_tablespaces innodb_use_sys_malloc license metadata_locks_cache_size \
    metadata_locks_hash_instances old simplified_binlog_gtid_recovery thread_concurrency time_format";
/// Those that a server can set later than the one before it (manuals, "Server System Variables", "InnoDB Startup Options").
const SET_ONLINE_SINCE: [(&str, (u16, u16, u16)); 3] = [
    ("innodb_buffer_pool_size", (5, 7, 5)),
    ("explicit_defaults_for_timestamp", (5, 7, 0)),
    ("innodb_doublewrite", (8, 0, 30)),
];
/// Those of the list of 9.7 that an older server can set.
const SET_ONLINE_BEFORE_8_0: [&str; 2] = ["innodb_api_trx_level", "server_id_bits"];

/// Options of an option file, and the variables that they set under another name (`mysqld --help --verbose` against `SHOW
/// VARIABLES`; the isolation level has one name on MySQL and on MariaDB 11.1).
const NAMED_OTHERWISE: [(&str, &str); 4] = [
    ("default_time_zone", "time_zone"),
    ("transaction_isolation", "tx_isolation"),
    ("transaction_read_only", "tx_read_only"),
    ("memlock", "locked_in_memory"),
];

/// Options of an option file that no variable shows.
const SHOWN_BY_NOTHING: [&str; 10] = [
    "performance_schema_instrument",
    "character_set_client_handshake",
    "allow_suspicious_udfs",
    "ansi",
    "chroot",
    "early_plugin_load",
    "feedback",
    "safe_user_create",
    "sysdate_is_now",
    "tc_heuristic_recover",
];

impl Dialect {
    /// Whether only a start can set this variable, where the server itself has no answer.
    pub fn is_fixed(self, name: &str) -> bool {
        let old = self.family() == Family::MySql && !self.mysql(8, 0, 0);
        if old && SET_ONLINE_BEFORE_8_0.contains(&name) {
            return false;
        }
        let listed = |list: &str| list.split_whitespace().any(|fixed| fixed == name);
        let later = SET_ONLINE_SINCE.iter().find(|(since, _)| *since == name);
        let not_yet = later.is_some_and(|(_, (major, minor, patch))| !self.mysql(*major, *minor, *patch));
        self.family() == Family::MySql
            && (not_yet
                || old && listed(FIXED_BEFORE_8_0)
                || matches!(name, "gtid_mode" | "enforce_gtid_consistency") && !self.sets_gtid_mode_online()
                || (name.starts_with("ssl_") && !self.mysql(8, 0, 16))
                || name.starts_with("performance_schema") && name != "performance_schema_show_processlist"
                || listed(FIXED_IN_MYSQL))
    }

    /// Built-in values of variables that roles set, where the server does not tell them: MySQL knows the default
    /// of a variable only as long as nobody has set it (manual, 7.1.8 and 19.1.6).
    pub fn known_defaults(self) -> Vec<(&'static str, &'static str)> {
        if self.family() == Family::MariaDb {
            return Vec::new();
        }
        let mut all = vec![
            ("read_only", "OFF"),
            ("auto_increment_increment", "1"),
            ("auto_increment_offset", "1"),
            ("relay_log_recovery", "OFF"),
            ("replicate_do_db", ""),
            ("replicate_ignore_db", ""),
            ("replicate_wild_do_table", ""),
            ("replicate_wild_ignore_table", ""),
            // MySQL 8.0 turned it on.
            ("event_scheduler", if self.mysql(8, 0, 0) { "ON" } else { "OFF" }),
        ];
        all.extend(self.has_super_read_only().then_some(("super_read_only", "OFF")));
        all.extend(self.mysql(5, 6, 6).then_some(("bind_address", "*")));
        match self.mysql(5, 7, 6) {
            // The certificate that a server makes for itself in its data directory.
            true => all.extend([
                ("ssl_ca", "ca.pem"),
                ("ssl_cert", "server-cert.pem"),
                ("ssl_key", "server-key.pem"),
            ]),
            false => all.extend([("ssl_ca", ""), ("ssl_cert", ""), ("ssl_key", "")]),
        }
        all
    }

    /// Whether `gtid_mode` can be brought up while the server runs (MySQL 5.7.6).
    pub fn sets_gtid_mode_online(self) -> bool {
        self.mysql(5, 7, 6)
    }

    /// Whether the performance schema tells where variables come from, which were persisted, and which filters
    /// hold for all channels (MySQL 8.0).
    pub fn tells_of_variables(self) -> bool {
        self.mysql(8, 0, 2)
    }

    /// Whether only a channel shows the server's replication filters.
    pub fn shows_filters_by_channel(self) -> bool {
        self.family() == Family::MySql && !self.tells_of_variables()
    }

    /// The name under which a server knows a variable: MySQL has words with `replica` and `source` for those
    /// with `slave` and `master` since 8.0.26, and keeps some of the old ones beside them. `known` tells what
    /// this server has.
    pub fn variable_name(self, name: &str, known: impl Fn(&str) -> bool) -> String {
        // A server knows them only once the plugin is loaded.
        if self.comes_with_a_plugin(name) && !self.mysql(8, 0, 26) {
            return name.replace("replica", "slave").replace("source", "master");
        }
        if self.family() == Family::MySql {
            let newer = name.replace("slave", "replica").replace("master", "source");
            if newer != name && known(&newer) {
                return newer;
            }
            let older = name.replace("replica", "slave").replace("source", "master");
            if !known(name) && known(&older) {
                return older;
            }
        }
        let variable = NAMED_OTHERWISE.iter().find(|(option, variable)| *option == name && known(variable));
        variable.filter(|_| !known(name)).map_or(name, |(_, variable)| variable).to_owned()
    }

    /// The word by which an option file sets a variable, for a server that has `known` variables.
    pub fn option_name(self, variable: &str, known: impl Fn(&str) -> bool) -> &str {
        let option = NAMED_OTHERWISE.iter().find(|(option, other)| *other == variable && !known(option));
        option.map_or(variable, |(option, _)| option)
    }

    /// Whether nothing shows what a server was given for an option: only a start takes it.
    pub fn shown_by_nothing(self, name: &str) -> bool {
        SHOWN_BY_NOTHING.contains(&name)
    }

    /// The option that a server takes a word of an option file for, and its value if the word itself says it:
    /// unique abbreviations, and `skip_`, `disable_` and `enable_` before a name (manual, "Program Option Modifiers").
    /// `names` are the server's variables. A double negation is none: `skip-read-only=0` is ON.
    pub fn option_meant<'a>(
        self,
        word: &str,
        value: Option<&str>,
        names: &(impl Iterator<Item = &'a str> + Clone),
    ) -> (String, Option<String>) {
        let find = |word: &str| {
            let name = self.variable_name(word, |n| names.clone().any(|known| known == n));
            // An option of its own, though a variable's name begins with it.
            let own = self.option_without_variable(&name) || name == "log_tc";
            if names.clone().any(|known| known == name) {
                return Some(name);
            }
            let mut longer = names.clone().filter(|known| known.starts_with(word));
            match (longer.next(), longer.next()) {
                (Some(one), None) if !own && !word.is_empty() && self.takes_abbreviations() => {
                    Some(one.to_owned())
                }
                _ => None,
            }
        };
        let value = value.map(str::to_owned);
        if let Some(name) = find(word) {
            return (name, value);
        }
        for (prefix, on) in [("skip_", false), ("disable_", false), ("enable_", true)] {
            if let Some(name) = word.strip_prefix(prefix).and_then(find) {
                let on = on != (value.as_deref() == Some("0"));
                return (name, Some(if on { "ON" } else { "OFF" }.to_owned()));
            }
        }
        (self.variable_name(word, |n| names.clone().any(|known| known == n)), value)
    }

    /// Whether it takes the unique beginning of an option's name for it. MySQL's server does so no more; with which
    /// version it stopped is not documented, and 9.7 was tried.
    pub fn takes_abbreviations(self) -> bool {
        self.family() == Family::MariaDb || !self.mysql(5, 7, 0)
    }

    /// Whether a data directory is made with one value of it, and its server starts with no other one (manuals, "InnoDB
    /// Page Sizes"; MySQL 8.0, 10.2.3 "Identifier Case Sensitivity").
    pub fn made_with_data(self, name: &str) -> bool {
        name == "innodb_page_size" || name == "lower_case_table_names" && self.mysql(8, 0, 0)
    }

    /// Whether only a start takes a variable that can be set otherwise from one value to another (manuals, "event_scheduler").
    pub fn changes_at_start(self, name: &str, running: &str, wished: &str) -> bool {
        let disabled = |value: &str| value.eq_ignore_ascii_case("DISABLED");
        name == "event_scheduler" && disabled(running) != disabled(wished)
    }

    /// Takes a value out of `mysqld-auto.cnf` and leaves the running one.
    pub fn reset_persisted(self, name: &str) -> String {
        format!("RESET PERSIST IF EXISTS {}", identifier(name))
    }

    /// Variables that let a server purge its binary logs by itself; 0 keeps them. A server has some of them:
    /// seconds came with MariaDB 10.6 and MySQL 8.0, the limit of size with MariaDB 11.4. Where seconds are
    /// known, days are another view of the same value.
    pub fn retention_variables(self) -> &'static [&'static str] {
        match self.family() {
            Family::MariaDb if !self.version.at_least(10, 6, 0) => &["expire_logs_days"],
            Family::MariaDb => &["binlog_expire_logs_seconds", "max_binlog_total_size"],
            Family::MySql if !self.mysql(8, 0, 1) => &["expire_logs_days"],
            Family::MySql => &["binlog_expire_logs_seconds"],
        }
    }

    /// Variables that can only be set while no channel runs (error 1198).
    pub fn needs_stopped_channels(self, variable: &str) -> bool {
        variable.starts_with("replicate_")
            || matches!(
                variable,
                "slave_parallel_threads"
                    | "slave_parallel_mode"
                    | "gtid_slave_pos"
                    | "gtid_ignore_duplicates"
                    | "replica_parallel_type"
                    | "replica_parallel_workers"
                    | "replica_preserve_commit_order"
                    | "slave_parallel_type"
                    | "slave_parallel_workers"
                    | "slave_preserve_commit_order"
                    | "master_info_repository"
                    | "relay_log_info_repository"
                    // A receiver asks for it when it connects.
                    | "rpl_semi_sync_slave_enabled"
                    | "rpl_semi_sync_replica_enabled"
            )
    }

    /// The files of plugins, which have new names since MySQL 8.0.26.
    pub fn plugin_files(self, value: &str) -> String {
        match self.family() == Family::MySql && !self.mysql(8, 0, 26) {
            true => value
                .replace("semisync_source.so", "semisync_master.so")
                .replace("semisync_replica.so", "semisync_slave.so"),
            false => value.to_owned(),
        }
    }

    /// Whether a variable that roles of ours set came with a later version: what it asks for is not to be had.
    pub fn came_later(self, name: &str) -> bool {
        let order = ["replica_preserve_commit_order", "slave_preserve_commit_order"];
        self.family() == Family::MySql && order.contains(&name) && !self.mysql(5, 7, 5)
    }

    /// Whether a variable of TLS counts only once the certificates are loaded anew (MySQL 8.0.16 and later;
    /// MariaDB can't set them at all while it runs).
    pub fn counts_after_reload(self, variable: &str) -> bool {
        self.family() == Family::MySql && (variable.starts_with("ssl_") || variable.starts_with("tls_"))
    }

    /// The variable of which a value must not be less, where the server says so only when it is set (MariaDB 10.9, which sets
    /// the size of its log while it runs).
    pub fn no_less_than(self, variable: &str) -> Option<&'static str> {
        (self.family() == Family::MariaDb && variable == "innodb_log_file_size")
            .then_some("innodb_log_buffer_size")
    }

    /// Variables that a server of MySQL has once it was started with a plugin. The plugins' old names are those
    /// of before 8.0.26.
    pub fn comes_with_a_plugin(self, name: &str) -> bool {
        self.family() == Family::MySql && name.starts_with("rpl_semi_sync_")
    }

    /// Options of the option file that are no variables of the server.
    pub fn option_without_variable(self, name: &str) -> bool {
        matches!(
            name,
            "binlog_do_db"
                | "binlog_ignore_db"
                | "replicate_rewrite_db"
                | "replicate_same_server_id"
                | "skip_slave_start"
                | "user"
                | "symbolic_links"
                | "console"
                | "daemonize"
        ) || name.split_once('.').is_some_and(|(_, option)| option.starts_with("replicate_"))
            || name.starts_with("skip_")
            || name.starts_with("plugin_load")
            || name.starts_with("loose_")
            || self.shown_by_nothing(name)
            || self.comes_with_a_plugin(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ServerVersion;

    #[test]
    fn a_variable_has_the_name_that_its_server_knows() {
        let dialect = |text: &str| Dialect::of(ServerVersion::parse(text).expect("a version"));
        let new = |name: &str| name == "log_replica_updates" || name == "server_id";
        let old = |name: &str| name == "log_slave_updates";
        for (version, known, wished, name) in [
            ("9.7.4", &new as &dyn Fn(&str) -> bool, "log_slave_updates", "log_replica_updates"),
            ("9.7.4", &new, "log_replica_updates", "log_replica_updates"),
            ("8.0.25", &old, "log_replica_updates", "log_slave_updates"),
            ("8.0.25", &old, "log_slave_updates", "log_slave_updates"),
            ("9.7.4", &new, "server_id", "server_id"),
            ("10.11.6-MariaDB", &old, "log_slave_updates", "log_slave_updates"),
        ] {
            assert_eq!(dialect(version).variable_name(wished, known), name, "{version} {wished}");
        }
    }

    #[test]
    fn words_of_an_option_file_mean_what_the_server_takes_them_for() {
        let dialect = Dialect::of(ServerVersion::parse("11.8.9-MariaDB").expect("a version"));
        let names = ["log_bin", "log_bin_index", "read_only", "server_id", "skip_networking", "userstat"];
        for (word, value, name, meant) in [
            ("skip_log_bin", None, "log_bin", Some("OFF")),
            ("disable_log_bin", None, "log_bin", Some("OFF")),
            ("skip_read_only", Some("0"), "read_only", Some("ON")),
            ("enable_read_only", None, "read_only", Some("ON")),
            ("server_i", Some("99"), "server_id", Some("99")),
            ("log_b", Some("x"), "log_b", Some("x")),
            ("skip_networking", None, "skip_networking", None),
            ("user", Some("mysql"), "user", Some("mysql")),
            ("skip_slave_start", None, "skip_slave_start", None),
        ] {
            let read = dialect.option_meant(word, value, &names.into_iter());
            assert_eq!(read, (name.to_owned(), meant.map(str::to_owned)), "{word}");
        }
    }

    #[test]
    fn mysql_can_set_some_only_at_its_start() {
        let mysql = Dialect::of(ServerVersion::parse("9.7.4").expect("a version"));
        for name in ["bind_address", "log_bin", "relay_log", "performance_schema", "skip_name_resolve"] {
            assert!(mysql.is_fixed(name), "{name}");
        }
        for name in ["server_id", "read_only", "ssl_cert", "gtid_mode", "max_connections"] {
            assert!(!mysql.is_fixed(name), "{name}");
        }
    }

    #[test]
    fn semi_synchronous_plugins_have_the_names_of_their_version() {
        let dialect = |text: &str| Dialect::of(ServerVersion::parse(text).expect("a version"));
        let none = |_: &str| false;
        let (old, new) = (dialect("5.6.24"), dialect("9.7.4"));
        assert_eq!(old.variable_name("rpl_semi_sync_source_enabled", none), "rpl_semi_sync_master_enabled");
        assert_eq!(new.variable_name("rpl_semi_sync_source_enabled", none), "rpl_semi_sync_source_enabled");
        assert_eq!(
            old.plugin_files("semisync_source.so;semisync_replica.so"),
            "semisync_master.so;semisync_slave.so"
        );
        assert!(
            old.came_later("replica_preserve_commit_order")
                && !new.came_later("replica_preserve_commit_order")
        );
    }

    #[test]
    fn an_old_server_was_asked_for_each_of_its_variables() {
        let old = Dialect::of(ServerVersion::parse("5.6.24").expect("a version"));
        let asked = include_str!("../../tests/recordings/variables-5.6.24.txt").lines();
        let asked: Vec<(&str, &str)> = asked.filter_map(|line| line.split_once(' ')).collect();
        assert!(asked.len() > 400);
        for (name, how) in asked {
            assert_eq!(old.is_fixed(name), how == "fixed", "{name}");
        }
        let defaults =
            |text: &str| Dialect::of(ServerVersion::parse(text).expect("a version")).known_defaults();
        assert!(defaults("5.6.24").contains(&("event_scheduler", "OFF")));
        assert!(defaults("9.7.4").contains(&("event_scheduler", "ON")));
    }
}
