//! Statements and names by version.

use super::{identifier, literal};
use crate::model::{Family, ServerVersion};

/// The words of one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    version: ServerVersion,
}

/// Everything that a statement for a channel says. It is always said in full, since the servers
/// differ in what they keep of options that are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelStatement<'a> {
    /// Connection name; empty for the default one.
    pub name: &'a str,
    /// Source address.
    pub host: &'a str,
    /// Source port.
    pub port: u16,
    /// Replication user.
    pub user: &'a str,
    /// Its password.
    pub password: &'a str,
    /// Whether the channel is encrypted.
    pub tls: bool,
    /// The authority's file against which the source's certificate is verified; empty for none.
    pub tls_ca: &'a str,
    /// Whether the certificate must also name the source.
    pub tls_verify: bool,
    /// Delay in seconds.
    pub delay: u64,
    /// `None` for GTIDs; else file and position.
    pub coordinates: Option<(&'a str, u64)>,
}

impl Dialect {
    /// The dialect of a version.
    pub fn of(version: ServerVersion) -> Self {
        Self { version }
    }

    /// What this program can't do with such a server, if anything.
    pub fn unsupported(self) -> Option<String> {
        match self.version.family {
            Family::MySql => {
                Some(format!("{} is not supported yet; MariaDB 10.3 and later are", self.version))
            }
            Family::MariaDb if !self.version.at_least(10, 3, 0) => {
                Some(format!("{} is older than 10.3 and not supported", self.version))
            }
            Family::MariaDb => None,
        }
    }

    /// What to say about a version that this program does not know.
    pub fn note(self) -> Option<String> {
        let newest = self.version.family == Family::MariaDb && self.version.major > 12;
        newest.then(|| format!("{} is newer than this program; it is treated like MariaDB 12", self.version))
    }

    /// All channels. The columns keep the old words in every MariaDB.
    pub fn show_channels(self) -> &'static str {
        "SHOW ALL SLAVES STATUS"
    }

    /// The current binary log file and position. `SHOW BINLOG STATUS` came with 10.5.2; the old word stayed.
    pub fn show_binlog(self) -> &'static str {
        "SHOW MASTER STATUS"
    }

    /// Variables that let a server purge its binary logs by itself; 0 keeps them. A server has some of them:
    /// seconds came with MariaDB 10.6 and MySQL 8.0, the limit of size with MariaDB 11.4. Where seconds are
    /// known, days are another view of the same value.
    pub fn retention_variables(self) -> &'static [&'static str] {
        match self.version.family {
            Family::MariaDb if !self.version.at_least(10, 6, 0) => &["expire_logs_days"],
            Family::MySql if !self.version.at_least(8, 0, 1) => &["expire_logs_days"],
            _ => &["binlog_expire_logs_seconds", "max_binlog_total_size"],
        }
    }

    /// Empties the binary logs.
    pub fn reset_binlogs(self) -> &'static str {
        "RESET MASTER"
    }

    /// Makes or changes a channel. `CHANGE MASTER` is MariaDB's only word for it.
    pub fn change_channel(self, channel: &ChannelStatement<'_>) -> String {
        let mut options = vec![
            format!("MASTER_HOST={}", literal(channel.host)),
            format!("MASTER_PORT={}", channel.port),
            format!("MASTER_USER={}", literal(channel.user)),
            format!("MASTER_PASSWORD={}", literal(channel.password)),
            "MASTER_CONNECT_RETRY=10".to_owned(),
            format!("MASTER_DELAY={}", channel.delay),
            format!("MASTER_SSL={}", u8::from(channel.tls)),
            format!("MASTER_SSL_CA={}", literal(channel.tls_ca)),
            format!("MASTER_SSL_VERIFY_SERVER_CERT={}", u8::from(channel.tls_verify)),
        ];
        match channel.coordinates {
            None => options.push("MASTER_USE_GTID=slave_pos".to_owned()),
            Some((file, position)) => {
                options.push("MASTER_USE_GTID=no".to_owned());
                options.push(format!("MASTER_LOG_FILE={}, MASTER_LOG_POS={position}", literal(file)));
            }
        }
        format!("CHANGE MASTER {}TO {}", self.named(channel.name), options.join(", "))
    }

    /// Loads certificates anew without a restart (MariaDB 10.4 and later).
    pub fn reload_certificates(self) -> &'static str {
        "FLUSH SSL"
    }

    /// Starts a channel.
    pub fn start_channel(self, name: &str) -> String {
        format!("START SLAVE {}", self.named(name)).trim_end().to_owned()
    }

    /// Stops a channel; one that is stopped already is no error.
    pub fn stop_channel(self, name: &str) -> String {
        format!("STOP SLAVE {}", self.named(name)).trim_end().to_owned()
    }

    /// Drops a channel's relay logs and keeps its options.
    pub fn reset_channel(self, name: &str) -> String {
        format!("RESET SLAVE {}", self.named(name)).trim_end().to_owned()
    }

    /// Takes this session out of the general log and the slow log, or lets it back in.
    pub fn statement_logs(self, on: bool) -> &'static str {
        match on {
            false => "SET SESSION sql_log_off=1, SESSION slow_query_log=0",
            true => "SET SESSION sql_log_off=0, SESSION slow_query_log=DEFAULT",
        }
    }

    /// Removes a channel with all that it knows.
    pub fn drop_channel(self, name: &str) -> String {
        format!("RESET SLAVE {}ALL", self.named(name))
    }

    fn named(self, name: &str) -> String {
        if name.is_empty() { String::new() } else { format!("{} ", literal(name)) }
    }

    /// Creates or changes an account so that it logs in by exactly one password, given as its stored
    /// form, so that no clear text reaches any log of the server.
    pub fn account(self, user: &str, host: &str, native_hash: &str, tls: bool) -> Vec<String> {
        let name = format!("{}@{}", literal(user), literal(host));
        let require = if tls { "SSL" } else { "NONE" };
        let how = format!("IDENTIFIED VIA mysql_native_password USING {}", literal(native_hash));
        let mut statements = vec![
            format!("CREATE USER IF NOT EXISTS {name} {how} REQUIRE {require}"),
            format!("ALTER USER {name} {how} REQUIRE {require}"),
        ];
        if self.version.at_least(10, 4, 2) {
            statements.push(format!("ALTER USER {name} ACCOUNT UNLOCK"));
        }
        statements
    }

    /// A database with its defaults.
    pub fn database(self, name: &str, exists: bool, set: Option<&str>, collation: Option<&str>) -> String {
        let verb = if exists { "ALTER DATABASE" } else { "CREATE DATABASE IF NOT EXISTS" };
        let mut sql = format!("{verb} {}", identifier(name));
        if let Some(set) = set {
            sql.push_str(&format!(" CHARACTER SET {}", literal(set)));
        }
        if let Some(collation) = collation {
            sql.push_str(&format!(" COLLATE {}", literal(collation)));
        }
        sql
    }

    /// Variables that can only be set while no channel runs (error 1198).
    pub fn needs_stopped_channels(self, variable: &str) -> bool {
        variable.starts_with("replicate_")
            || matches!(variable, "slave_parallel_threads" | "slave_parallel_mode" | "gtid_slave_pos")
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
        ) || name.starts_with("skip_")
            || name.starts_with("plugin_load")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_always_said_in_full() {
        let version = ServerVersion::parse("10.11.6-MariaDB").expect("a version");
        let statement = ChannelStatement {
            name: "",
            host: "10.0.0.1",
            port: 3306,
            user: "repl_user",
            password: "a'b\\c",
            tls: true,
            tls_ca: "",
            tls_verify: false,
            delay: 0,
            coordinates: None,
        };
        assert_eq!(
            Dialect::of(version).change_channel(&statement),
            "CHANGE MASTER TO MASTER_HOST='10.0.0.1', MASTER_PORT=3306, MASTER_USER='repl_user', \
             MASTER_PASSWORD='a''b\\\\c', MASTER_CONNECT_RETRY=10, MASTER_DELAY=0, MASTER_SSL=1, MASTER_SSL_CA='', \
             MASTER_SSL_VERIFY_SERVER_CERT=0, MASTER_USE_GTID=slave_pos"
        );
        let named = ChannelStatement { name: "eu", coordinates: Some(("bin.000001", 4)), ..statement };
        let sql = Dialect::of(version).change_channel(&named);
        assert!(
            sql.starts_with("CHANGE MASTER 'eu' TO")
                && sql.ends_with("MASTER_LOG_FILE='bin.000001', MASTER_LOG_POS=4")
        );
    }
}
