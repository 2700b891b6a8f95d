//! Statements about replication channels.

use super::{Dialect, Statement, identifier, literal};
use crate::model::{BinlogPosition, Family, Filters};

/// Bytes of a running statement that MariaDB's list of processes shows at most.
const SHOWN: usize = 65_535;

/// Everything that a statement for a channel says. It is always said in full, since the servers
/// differ in what they keep of options that are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelStatement<'a> {
    /// Connection or channel name; empty for the default one.
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
    /// `None` for GTIDs.
    pub coordinates: Option<&'a BinlogPosition>,
}

impl Dialect {
    /// The words for a source, a replica and a channel in the columns of that answer.
    pub fn status_words(self) -> (&'static str, &'static str, &'static str) {
        match self.family() {
            Family::MariaDb => ("master", "slave", "connection_name"),
            Family::MySql if self.says_replica() => ("source", "replica", "channel_name"),
            Family::MySql => ("master", "slave", "channel_name"),
        }
    }

    /// MySQL has said `REPLICA` since 8.0.22, and `SOURCE` since 8.0.23.
    pub(super) fn says_replica(self) -> bool {
        self.mysql(8, 0, 22)
    }

    /// Leaves out the event that stops an applier, where it is known by its GTID: an empty transaction takes
    /// its place. MariaDB, and MySQL without GTIDs, count the events to be skipped.
    pub fn leave_out(self, channel: &str, gtid: Option<&str>) -> Vec<String> {
        match (self.family(), gtid) {
            (Family::MariaDb, _) => vec![
                format!("SET SESSION default_master_connection = {}", literal(channel)),
                "SET GLOBAL sql_slave_skip_counter = 1".to_owned(),
            ],
            (Family::MySql, Some(gtid)) => vec![
                format!("SET SESSION GTID_NEXT = {}", literal(gtid)),
                "BEGIN".to_owned(),
                "COMMIT".to_owned(),
                "SET SESSION GTID_NEXT = 'AUTOMATIC'".to_owned(),
            ],
            (Family::MySql, None) if self.mysql(8, 0, 26) => {
                vec!["SET GLOBAL sql_replica_skip_counter = 1".to_owned()]
            }
            (Family::MySql, None) => vec!["SET GLOBAL sql_slave_skip_counter = 1".to_owned()],
        }
    }

    /// Makes or changes a channel. MariaDB shows a statement to all who may see others' processes as long as it runs, as
    /// far as its first 65,535 bytes: what the statement says comes after them. MySQL takes passwords out itself.
    pub fn change_channel(self, channel: &ChannelStatement<'_>) -> Statement {
        const WORDS: &str = "CHANGE MASTER";
        let statement = Statement::with_secret(channel.password, |password| self.change(channel, password));
        statement.sent_as(|text| match (self.family(), text.strip_prefix(WORDS)) {
            (Family::MariaDb, Some(rest)) => format!("{WORDS}{}{rest}", " ".repeat(SHOWN)),
            _ => text.to_owned(),
        })
    }

    /// `CHANGE MASTER` is MariaDB's only word for it.
    fn change(self, channel: &ChannelStatement<'_>, password: &str) -> String {
        match self.family() {
            Family::MariaDb => self.change_mariadb(channel, password),
            Family::MySql if self.mysql(8, 0, 23) => self.change_mysql(channel, password, "SOURCE"),
            Family::MySql => self.change_mysql(channel, password, "MASTER"),
        }
    }

    fn change_mariadb(self, channel: &ChannelStatement<'_>, password: &str) -> String {
        let mut options = options("MASTER", channel, password);
        options.push("MASTER_CONNECT_RETRY=10".to_owned());
        options.push("IGNORE_SERVER_IDS=()".to_owned());
        if self.version.at_least(10, 1, 2) {
            options.push("DO_DOMAIN_IDS=(), IGNORE_DOMAIN_IDS=()".to_owned());
        }
        match channel.coordinates {
            None => options.push("MASTER_USE_GTID=slave_pos".to_owned()),
            Some(at) => {
                options.push("MASTER_USE_GTID=no".to_owned());
                options.push(log("MASTER", at));
            }
        }
        format!("CHANGE MASTER {}TO {}", connection(channel.name), options.join(", "))
    }

    /// A replica of MySQL 8.1 and later gives up after ten attempts unless it is told more: a source that
    /// is away for a while must not end replication. Without TLS, `caching_sha2_password` needs the source's
    /// public key (manual, 8.4.1.2 "Caching SHA-2 Pluggable Authentication").
    /// Delays, the number of retries and GTIDs came with 5.6.
    fn change_mysql(self, channel: &ChannelStatement<'_>, password: &str, word: &str) -> String {
        let mut options = options(word, channel, password);
        options.push(format!("{word}_CONNECT_RETRY=10"));
        options.extend(self.mysql(5, 5, 0).then(|| "IGNORE_SERVER_IDS=()".to_owned()));
        let gtids = self.mysql(5, 6, 5);
        match gtids {
            true => options.push(format!("{word}_RETRY_COUNT=86400")),
            false => options.retain(|option| !option.starts_with("MASTER_DELAY=")),
        }
        if self.mysql(8, 0, 4) {
            options.push(format!("GET_{word}_PUBLIC_KEY={}", u8::from(!channel.tls)));
        }
        match channel.coordinates {
            None => options.push(format!("{word}_AUTO_POSITION=1")),
            Some(at) => {
                options.extend(gtids.then(|| format!("{word}_AUTO_POSITION=0")));
                options.push(log(word, at));
            }
        }
        let statement = if word == "SOURCE" { "CHANGE REPLICATION SOURCE TO" } else { "CHANGE MASTER TO" };
        format!("{statement} {}{}", options.join(", "), self.for_channel(channel.name))
    }

    /// Whether a replica can have several channels, and names for them (MySQL 5.7.6).
    pub fn has_channels(self) -> bool {
        self.family() == Family::MariaDb || self.mysql(5, 7, 6)
    }

    /// Whether a channel for which TLS was asked is encrypted, or fails. Before MySQL 5.7.3 `MASTER_SSL = 1` alone connects in
    /// clear text: only where an authority, a certificate, a key or a cipher is named does the client begin TLS.
    pub fn encrypts_without_authority(self) -> bool {
        self.family() == Family::MariaDb || self.mysql(5, 7, 3)
    }

    /// Whether its library loads the certificates that tandem issues. That of MySQL 5.6 knows no elliptic curves and reads keys
    /// as PKCS#1 only; what it can't load it leaves out without a word in its variables.
    pub fn loads_our_certificates(self) -> bool {
        self.family() == Family::MariaDb || self.mysql(5, 7, 0)
    }

    /// Channels came with MySQL 5.7.6; before, there is one without a name.
    fn for_channel(self, name: &str) -> String {
        if self.has_channels() { format!(" FOR CHANNEL {}", literal(name)) } else { String::new() }
    }

    /// Gives a channel its own filters. Its applier must not run.
    pub fn filter_channel(self, name: &str, filters: &Filters) -> Vec<String> {
        let joined = |list: &[String], quote: &dyn Fn(&str) -> String| {
            list.iter().map(|value| quote(value)).collect::<Vec<_>>().join(", ")
        };
        match self.family() {
            Family::MariaDb => {
                let connection = format!("SET SESSION default_master_connection = {}", literal(name));
                let list = |list: &Vec<String>| literal(&list.join(","));
                let set =
                    filters.lists().map(|(option, values)| format!("SET GLOBAL {option} = {}", list(values)));
                std::iter::once(connection).chain(set).collect()
            }
            Family::MySql => {
                let rules = filters.lists().map(|(option, values)| {
                    let wild = option.contains("wild");
                    let values = joined(values, &|v| if wild { literal(v) } else { identifier(v) });
                    format!("{} = ({values})", option.to_ascii_uppercase())
                });
                vec![format!("CHANGE REPLICATION FILTER {}{}", rules.join(", "), self.for_channel(name))]
            }
        }
    }

    /// The statements by which a person tells a channel where its source is, and where it goes on there; the place stays to be
    /// filled in.
    pub fn place_by_hand(self, name: &str, host: &str, port: u16) -> String {
        let (verb, word) = match self.family() {
            Family::MariaDb => (format!("CHANGE MASTER {}TO", connection(name)), "MASTER"),
            Family::MySql if self.mysql(8, 0, 23) => ("CHANGE REPLICATION SOURCE TO".to_owned(), "SOURCE"),
            Family::MySql => ("CHANGE MASTER TO".to_owned(), "MASTER"),
        };
        let of = if self.family() == Family::MariaDb { String::new() } else { self.for_channel(name) };
        format!(
            "{}; {verb} {word}_HOST={}, {word}_PORT={port}, {word}_LOG_FILE='FILE', {word}_LOG_POS=POSITION{of}",
            self.stop_channel(name),
            literal(host)
        )
    }

    /// Whether channels can have filters of their own: MariaDB's can, and MySQL's since 8.0.1.
    pub fn filters_by_channel(self) -> bool {
        self.family() == Family::MariaDb || self.mysql(8, 0, 1)
    }

    /// Starts a channel.
    pub fn start_channel(self, name: &str) -> String {
        self.about_channel("START", name, "")
    }

    /// Stops a channel; one that is stopped already is no error.
    pub fn stop_channel(self, name: &str) -> String {
        self.about_channel("STOP", name, "")
    }

    /// Gives a channel that runs another delay, in seconds, and nothing else.
    pub fn delay_channel(self, name: &str, seconds: u64) -> Vec<String> {
        let change = match self.family() {
            Family::MariaDb => format!("CHANGE MASTER {}TO MASTER_DELAY={seconds}", connection(name)),
            Family::MySql if self.mysql(8, 0, 23) => {
                format!("CHANGE REPLICATION SOURCE TO SOURCE_DELAY={seconds}{}", self.for_channel(name))
            }
            Family::MySql => format!("CHANGE MASTER TO MASTER_DELAY={seconds}{}", self.for_channel(name)),
        };
        vec![self.stop_channel(name), change, self.start_channel(name)]
    }

    /// Whether a channel that uses GTIDs, and of which both threads are stopped, discards its relay log when it is started
    /// (MariaDB manual, "START REPLICA").
    pub fn start_discards_received(self) -> bool {
        self.family() == Family::MariaDb
    }

    /// The statements by which a person lets a channel execute what it has received from a source that is gone. MariaDB
    /// discards the relay log with the next start by GTID where both threads are `stopped`; it keeps it where the `place` in it
    /// is named and GTIDs are not used ("CHANGE MASTER TO", `RELAY_LOG_FILE`). Both have to be stopped before a `delay` ends
    /// there, and the place is known after that.
    pub fn execute_received(
        self,
        name: &str,
        (stopped, delayed): (bool, bool),
        place: Option<&BinlogPosition>,
    ) -> Vec<String> {
        let (stop, start) = (self.about_applier("STOP", name), self.about_applier("START", name));
        match (self.family(), stopped, place) {
            (Family::MariaDb, true, Some(place)) => {
                let change = format!(
                    "CHANGE MASTER {}TO MASTER_DELAY=0, MASTER_USE_GTID=no, RELAY_LOG_FILE={}, RELAY_LOG_POS={}",
                    connection(name),
                    literal(place.file()),
                    place.offset()
                );
                vec![change, start]
            }
            (Family::MariaDb, ..) if delayed => vec![self.stop_channel(name)],
            (Family::MySql, ..) if delayed => {
                let change = self.delay_channel(name, 0).swap_remove(1);
                vec![stop, change, start]
            }
            _ => vec![start],
        }
    }

    fn about_applier(self, verb: &str, name: &str) -> String {
        self.about_receiver(verb, name).replace("IO_THREAD", "SQL_THREAD")
    }

    /// Stops a channel's receiver; the applier goes on with what was received.
    pub fn stop_receiver(self, name: &str) -> String {
        self.about_receiver("STOP", name)
    }

    /// Starts a channel's receiver again.
    pub fn start_receiver(self, name: &str) -> String {
        self.about_receiver("START", name)
    }

    fn about_receiver(self, verb: &str, name: &str) -> String {
        match self.family() {
            Family::MariaDb => format!("{verb} SLAVE {}IO_THREAD", connection(name)),
            Family::MySql => {
                let word = if self.says_replica() { "REPLICA" } else { "SLAVE" };
                format!("{verb} {word} IO_THREAD{}", self.for_channel(name))
            }
        }
    }

    /// Drops a channel's relay logs and keeps its options.
    pub fn reset_channel(self, name: &str) -> String {
        self.about_channel("RESET", name, "")
    }

    /// Removes a channel with all that it knows.
    pub fn drop_channel(self, name: &str) -> String {
        self.about_channel("RESET", name, " ALL")
    }

    fn about_channel(self, verb: &str, name: &str, all: &str) -> String {
        match self.family() {
            Family::MariaDb => format!("{verb} SLAVE {}", connection(name)).trim_end().to_owned() + all,
            Family::MySql => {
                let word = if self.says_replica() { "REPLICA" } else { "SLAVE" };
                format!("{verb} {word}{all}{}", self.for_channel(name))
            }
        }
    }
}

/// What both families say with the same words behind another prefix.
fn options(prefix: &str, channel: &ChannelStatement<'_>, password: &str) -> Vec<String> {
    vec![
        format!("{prefix}_HOST={}", literal(channel.host)),
        format!("{prefix}_PORT={}", channel.port),
        format!("{prefix}_USER={}", literal(channel.user)),
        format!("{prefix}_PASSWORD={password}"),
        format!("{prefix}_DELAY={}", channel.delay),
        format!("{prefix}_SSL={}", u8::from(channel.tls)),
        format!("{prefix}_SSL_CA={}", literal(channel.tls_ca)),
        format!("{prefix}_SSL_VERIFY_SERVER_CERT={}", u8::from(channel.tls_verify)),
    ]
}

fn log(prefix: &str, at: &BinlogPosition) -> String {
    format!("{prefix}_LOG_FILE={}, {prefix}_LOG_POS={}", literal(at.file()), at.offset())
}

/// MariaDB's way to name a connection.
fn connection(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!("{} ", literal(name)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ServerVersion;

    fn dialect(text: &str) -> Dialect {
        Dialect::of(ServerVersion::parse(text).expect("a version"))
    }

    /// The statement without what keeps it out of sight.
    fn said(dialect: Dialect, statement: &ChannelStatement<'_>) -> String {
        dialect.change(statement, &literal(statement.password))
    }

    const STATEMENT: ChannelStatement<'_> = ChannelStatement {
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

    #[test]
    fn a_channel_is_always_said_in_full() {
        assert_eq!(
            said(dialect("10.11.6-MariaDB"), &STATEMENT),
            "CHANGE MASTER TO MASTER_HOST='10.0.0.1', MASTER_PORT=3306, MASTER_USER='repl_user', \
             MASTER_PASSWORD='a\\'b\\\\c', MASTER_DELAY=0, MASTER_SSL=1, MASTER_SSL_CA='', \
             MASTER_SSL_VERIFY_SERVER_CERT=0, MASTER_CONNECT_RETRY=10, IGNORE_SERVER_IDS=(), \
             DO_DOMAIN_IDS=(), IGNORE_DOMAIN_IDS=(), MASTER_USE_GTID=slave_pos"
        );
        let first = BinlogPosition::start_of("bin.000001");
        let named = ChannelStatement { name: "eu", coordinates: first.as_ref(), ..STATEMENT };
        let sql = said(dialect("10.11.6-MariaDB"), &named);
        assert!(
            sql.starts_with("CHANGE MASTER 'eu' TO")
                && sql.ends_with("MASTER_LOG_FILE='bin.000001', MASTER_LOG_POS=4")
        );
        assert_eq!(
            said(dialect("9.7.4"), &ChannelStatement { tls: false, ..STATEMENT }),
            "CHANGE REPLICATION SOURCE TO SOURCE_HOST='10.0.0.1', SOURCE_PORT=3306, SOURCE_USER='repl_user', \
             SOURCE_PASSWORD='a\\'b\\\\c', SOURCE_DELAY=0, SOURCE_SSL=0, SOURCE_SSL_CA='', \
             SOURCE_SSL_VERIFY_SERVER_CERT=0, SOURCE_CONNECT_RETRY=10, IGNORE_SERVER_IDS=(), SOURCE_RETRY_COUNT=86400, \
             GET_SOURCE_PUBLIC_KEY=1, SOURCE_AUTO_POSITION=1 FOR CHANNEL ''"
        );
        let sql = said(dialect("8.0.46"), &named);
        assert!(sql.contains(
            "GET_SOURCE_PUBLIC_KEY=0, SOURCE_AUTO_POSITION=0, SOURCE_LOG_FILE='bin.000001', SOURCE_LOG_POS=4"
        ));
        assert!(sql.ends_with(" FOR CHANNEL 'eu'"));
        let clear = ChannelStatement { tls: false, ..STATEMENT };
        let sql = said(dialect("5.7.44-log"), &clear);
        assert!(
            sql.starts_with("CHANGE MASTER TO MASTER_HOST=")
                && sql.ends_with("MASTER_AUTO_POSITION=1 FOR CHANNEL ''"),
            "{sql}"
        );
        assert!(!sql.contains("PUBLIC_KEY") && sql.contains("MASTER_RETRY_COUNT=86400"), "{sql}");
        let sql = said(dialect("8.0.22"), &clear);
        assert!(sql.contains("GET_MASTER_PUBLIC_KEY=1, MASTER_AUTO_POSITION=1"), "{sql}");
        let old = ChannelStatement { coordinates: first.as_ref(), ..STATEMENT };
        let sql = said(dialect("5.5.62"), &old);
        assert!(
            sql.ends_with("MASTER_CONNECT_RETRY=10, IGNORE_SERVER_IDS=(), MASTER_LOG_FILE='bin.000001', MASTER_LOG_POS=4"),
            "{sql}"
        );
        assert!(!sql.contains("DELAY"), "{sql}");
    }

    #[test]
    fn a_person_names_the_place_in_the_words_of_the_version() {
        for (version, said) in [
            (
                "5.6.24",
                "STOP SLAVE; CHANGE MASTER TO MASTER_HOST='h', MASTER_PORT=3306, MASTER_LOG_FILE='FILE', MASTER_LOG_POS=POSITION",
            ),
            (
                "10.11.6-MariaDB",
                "STOP SLAVE; CHANGE MASTER TO MASTER_HOST='h', MASTER_PORT=3306, MASTER_LOG_FILE='FILE', MASTER_LOG_POS=POSITION",
            ),
            (
                "8.4.3",
                "STOP REPLICA FOR CHANNEL ''; CHANGE REPLICATION SOURCE TO SOURCE_HOST='h', SOURCE_PORT=3306, \
                 SOURCE_LOG_FILE='FILE', SOURCE_LOG_POS=POSITION FOR CHANNEL ''",
            ),
        ] {
            assert_eq!(dialect(version).place_by_hand("", "h", 3306), said);
        }
    }

    #[test]
    fn a_password_lies_beyond_what_a_list_of_processes_shows() {
        for (version, password) in
            [("10.5.29-MariaDB", "MASTER_PASSWORD"), ("11.8.3-MariaDB", "MASTER_PASSWORD")]
        {
            let named = ChannelStatement { name: "a TO b", ..STATEMENT };
            for statement in [STATEMENT, named] {
                let sent = dialect(version).change_channel(&statement);
                let text = sent.text();
                assert!(text.find(password) > Some(SHOWN), "{version}");
                let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
                assert_eq!(words(text), words(&said(dialect(version), &statement)));
            }
        }
    }

    #[test]
    fn a_channel_has_filters_of_its_own() {
        let filters = Filters {
            databases: vec!["shop".into(), "b`c".into()],
            wild_ignore_tables: vec!["shop.log_%".into()],
            ..Filters::default()
        };
        assert_eq!(
            dialect("10.11.6-MariaDB").filter_channel("east", &filters).join("; "),
            "SET SESSION default_master_connection = 'east'; SET GLOBAL replicate_do_db = 'shop,b`c'; \
             SET GLOBAL replicate_ignore_db = ''; SET GLOBAL replicate_wild_do_table = ''; \
             SET GLOBAL replicate_wild_ignore_table = 'shop.log_%'"
        );
        assert_eq!(
            dialect("9.7.4").filter_channel("east", &filters),
            ["CHANGE REPLICATION FILTER REPLICATE_DO_DB = (`shop`, `b``c`), REPLICATE_IGNORE_DB = (), \
              REPLICATE_WILD_DO_TABLE = (), REPLICATE_WILD_IGNORE_TABLE = ('shop.log_%') FOR CHANNEL 'east'"]
        );
    }

    #[test]
    fn what_is_done_to_a_channel() {
        let (old, new) = (dialect("10.5.29-MariaDB"), dialect("8.4.3"));
        for (words, wished) in [
            (old.start_channel(""), "START SLAVE"),
            (old.stop_channel("a'b"), "STOP SLAVE 'a\\'b'"),
            (old.reset_channel("eu"), "RESET SLAVE 'eu'"),
            (old.drop_channel(""), "RESET SLAVE ALL"),
            (old.drop_channel("eu"), "RESET SLAVE 'eu' ALL"),
            (dialect("5.7.44").drop_channel("eu"), "RESET SLAVE ALL FOR CHANNEL 'eu'"),
            (dialect("5.5.62").stop_channel(""), "STOP SLAVE"),
            (dialect("8.0.22").start_channel(""), "START REPLICA FOR CHANNEL ''"),
            (new.start_channel(""), "START REPLICA FOR CHANNEL ''"),
            (new.drop_channel("eu"), "RESET REPLICA ALL FOR CHANNEL 'eu'"),
        ] {
            assert_eq!(words, wished);
        }
    }
}
