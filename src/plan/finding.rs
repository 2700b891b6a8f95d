//! What a person should know of the hosts: one variant for each code. None of it changes anything.

use crate::{
    dialect::CannotFollow,
    doctor::ErrantExplanation,
    model::{Endpoint, HostName, ServerVersion, coded, families},
    role_unit::Lack,
};

/// What a person should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The host and another one that replicates from it, or the other way round, differ.
    Pair {
        /// The other one.
        with: HostName,
        /// In what.
        what: PairFinding,
    },
    /// The host is a source, and has something that replication takes badly.
    Source(SourceFinding),
    /// Something on the host that nobody declared.
    Undeclared(Undeclared),
    /// The host is the one that clients are declared to write to, and it is not the one that accepts writes.
    Writers(WritersFinding),
    /// Events of the host that clients write to.
    Events(EventsFinding),
    /// The host is declared lost, and is back.
    Lost(LostFinding),
    /// The host's server.
    Server(ServerFinding),
    /// A name in a wish that no database answers to.
    Name(NameFinding),
    /// The authority that the servers trust.
    Authority(AuthorityFinding),
    /// The host has written to its own binary log, and without GTIDs nothing tells what.
    Errant(Box<ErrantExplanation>),
    /// Rows that were compared with those of a source.
    Rows(RowsFinding),
}

/// How `drift` counts a finding as a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DriftKind {
    /// Nobody declared it.
    Undeclared,
    /// Rows differ.
    Data,
    /// Not one host accepts writes, but none or several.
    Writers,
    /// A lost host is back.
    Returned,
    /// Events run nowhere.
    Events,
}

const ERRANT: &[&str] = &["own-writes"];

impl Finding {
    /// Its code, stable from version to version.
    pub fn code(&self) -> &'static str {
        match self {
            Finding::Pair { what, .. } => what.code(),
            Finding::Source(what) => what.code(),
            Finding::Undeclared(what) => what.code(),
            Finding::Writers(what) => what.code(),
            Finding::Events(what) => what.code(),
            Finding::Lost(what) => what.code(),
            Finding::Server(what) => what.code(),
            Finding::Name(what) => what.code(),
            Finding::Authority(what) => what.code(),
            Finding::Errant(found) => found.code(),
            Finding::Rows(what) => what.code(),
        }
    }

    /// The codes of all findings; one may stand twice.
    pub fn codes() -> Vec<&'static str> {
        let families = [
            PairFinding::CODES,
            SourceFinding::CODES,
            Undeclared::CODES,
            WritersFinding::CODES,
            EventsFinding::CODES,
            LostFinding::CODES,
            ServerFinding::CODES,
            NameFinding::CODES,
            AuthorityFinding::CODES,
            ERRANT,
            RowsFinding::CODES,
        ];
        families.concat()
    }

    /// Whether, and as what, `drift` counts it as a difference.
    pub fn drift(&self) -> Option<DriftKind> {
        match self {
            Finding::Undeclared(Undeclared::ReplicasUnread { .. }) => None,
            Finding::Undeclared(_)
            | Finding::Errant(_)
            | Finding::Authority(AuthorityFinding::EndsSoon { .. }) => Some(DriftKind::Undeclared),
            Finding::Rows(_) => Some(DriftKind::Data),
            Finding::Writers(_) => Some(DriftKind::Writers),
            Finding::Events(_) => Some(DriftKind::Events),
            Finding::Lost(_) => Some(DriftKind::Returned),
            Finding::Pair { .. }
            | Finding::Source(_)
            | Finding::Server(_)
            | Finding::Name(_)
            | Finding::Authority(AuthorityFinding::Ends { .. }) => None,
        }
    }
}

/// A variable on two hosts.
pub type OnBoth = [(HostName, String); 2];

coded! {
    /// In what two servers of one edge differ.
    pub enum PairFinding {
        /// The replica is older than its source, and the channel exists.
        OlderReplica(CannotFollow) = "older-replica",
        /// In these words of `sql_mode`.
        SqlMode {
            /// The words that one of the two has.
            words: Vec<String>,
        } = "sql-mode",
        /// In `collation_server`.
        ServerCollation {
            /// Its values.
            values: OnBoth,
        } = "server-collation",
        /// One of them has no named time zones.
        TimeZoneNames {
            /// That one.
            lacks: HostName,
        } = "time-zone-names",
        /// In their time zones.
        TimeZone {
            /// The variable.
            variable: &'static str,
            /// Its values.
            values: OnBoth,
        } = "time-zone",
        /// In their clocks.
        Clocks {
            /// By so many seconds.
            apart: u64,
        } = "clocks",
        /// The source takes larger packets than the replica takes events.
        PacketSize {
            /// The source.
            source: HostName,
            /// Bytes that it takes.
            largest: u64,
            /// The replica.
            replica: HostName,
            /// Its variable.
            variable: &'static str,
            /// Bytes that it takes.
            limit: u64,
        } = "packet-size",
        /// The replica's pages are smaller.
        PageSize {
            /// The source.
            source: HostName,
            /// Bytes of its pages.
            source_bytes: u64,
            /// The replica.
            replica: HostName,
            /// Bytes of its pages.
            replica_bytes: u64,
        } = "page-size",
        /// Filters by database are judged by the session's default database.
        DatabaseFilter {
            /// The filters, each with the host that has it.
            filters: Vec<(&'static str, HostName)>,
            /// The source's `binlog_format`.
            format: String,
            /// What that means for them.
            judged: Judged,
        } = "database-filter",
    }
}

/// By what filters by database are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// Rows by their table's database, definitions by the session's.
    Rows,
    /// What is logged as rows by its table's database, statements by the session's.
    Mixed,
    /// Everything by the session's default database.
    Statements,
}

coded! {
    /// What a source has that replication takes badly.
    pub enum SourceFinding {
        /// `binlog_format` is `STATEMENT`.
        StatementFormat = "statement-format",
        /// Rows are logged in part, and there are several writers.
        RowImage {
            /// `binlog_row_image`.
            image: String,
        } = "row-image",
        /// Tables without a primary key.
        NoPrimaryKey {
            /// Their names.
            tables: Vec<String>,
        } = "no-primary-key",
    }
}

coded! {
    /// What is there and nobody declared.
    pub enum Undeclared {
        /// A channel.
        Channel {
            /// Where it leads.
            end: Endpoint,
            /// Its name; empty for the default one.
            name: String,
            /// The statements that end it.
            ending: [String; 2],
        } = "extra-channel",
        /// An account of ours for a peer that is none.
        Account {
            /// Its user.
            user: String,
            /// Its host part.
            at: String,
        } = "extra-account",
        /// A replica that is connected.
        Replica {
            /// Its server id.
            id: u64,
            /// Its address, where the server tells it.
            at: Option<String>,
        } = "extra-replica",
        /// Which replicas are connected could not be read.
        ReplicasUnread {
            /// Why, in the words of whoever tried.
            why: String,
        } = "replicas-not-read",
    }
}

coded! {
    /// How many hosts accept writes where one is declared to.
    pub enum WritersFinding {
        /// None does.
        None = "no-writer",
        /// Another one does.
        Other {
            /// That one.
            open: HostName,
            /// Whether the declared one was read, and is closed.
            read: bool,
        } = "other-host-open",
        /// Several do.
        Several {
            /// Which.
            writers: Vec<HostName>,
            /// Those of them of whose `read_only` nothing is declared: no step closes them.
            undeclared: Vec<HostName>,
        } = "several-writers",
    }
}

coded! {
    /// Events of the host that clients write to.
    pub enum EventsFinding {
        /// They rest there as on a replica.
        Rest {
            /// The events, as `database.name`.
            events: Vec<String>,
        } = "events-run-nowhere",
    }
}

coded! {
    /// A host that is declared lost.
    pub enum LostFinding {
        /// It is back.
        Returned {
            /// Whether its server accepts writes; nothing where that could not be read.
            writes: Option<bool>,
        } = "returned",
    }
}

coded! {
    /// What is to know of a server.
    pub enum ServerFinding {
        /// It runs, and a package of it is half installed.
        HalfInstalled {
            /// The package.
            package: String,
            /// Its state, in the package manager's words.
            status: String,
        } = "half-installed",
        /// It runs with another version than the declared one.
        OtherVersion {
            /// The declared one.
            declared: String,
            /// The one that runs.
            runs: ServerVersion,
        } = "server-version",
        /// It has root from other hosts, and no root@localhost that would be left.
        RemoteRoot {
            /// User and host part of each account.
            accounts: Vec<(String, String)>,
        } = "remote-root",
        /// Its own program reads an option otherwise than it was read here.
        OptionReadOtherwise {
            /// The option, as its files have it.
            name: String,
            /// The value that was read here; nothing where none was.
            ours: Option<String>,
            /// The value that the server reads; nothing where it reads none.
            server: Option<String>,
        } = "option-read-otherwise",
        /// Its program could not be asked how it reads its option files.
        OptionsUnasked {
            /// Why not.
            why: String,
        } = "options-not-asked",
        /// It leaves out an option file, since everybody may write to it.
        FileIgnored {
            /// The file.
            path: String,
        } = "option-file-ignored",
        /// It runs, and would not start again with its option files.
        WouldNotStart {
            /// What its program says of them.
            said: String,
            /// The file and line that are to blame, where one is.
            at: Option<(String, u32)>,
        } = "would-not-start",
        /// It starts read-only, and nothing can open it then but `tandem apply`.
        StartsClosed {
            /// What is missing for the unit that would open it.
            lack: Lack,
        } = "starts-closed",
        /// It has a database `test` that is not empty.
        TestDatabase {
            /// Its tables.
            tables: u64,
        } = "test-database",
    }
}

coded! {
    /// A name in a wish that no database of a source answers to.
    pub enum NameFinding {
        /// In `seed_databases`.
        Seed {
            /// The source.
            source: HostName,
            /// The name.
            name: String,
            /// A database with nearly that name.
            near: Option<String>,
        } = "seed-database-missing",
        /// In a filter.
        Filter {
            /// Its variable; nothing where it is a channel's own.
            variable: Option<&'static str>,
            /// The source.
            source: HostName,
            /// The name.
            name: String,
            /// A database with nearly that name.
            near: Option<String>,
        } = "filter-without-database",
    }
}

coded! {
    /// When the authority ends, and with it every certificate by it.
    pub enum AuthorityFinding {
        /// Within half a year.
        Ends {
            /// The directory beside the inventory.
            directory: String,
            /// Its end, as seconds since 1970.
            end: i64,
        } = "authority-ends",
        /// Within a month, or before now.
        EndsSoon {
            /// The directory beside the inventory.
            directory: String,
            /// Its end, as seconds since 1970.
            end: i64,
            /// Whether it has ended.
            ended: bool,
        } = "authority-ends-soon",
    }
}

/// A table of which some rows were compared and differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampledTable {
    /// As `database.table`.
    pub table: String,
    /// How many rows were compared.
    pub rows: u64,
    /// The key behind which they stand; nothing where they are the first.
    pub after: Option<Vec<String>>,
}

coded! {
    /// What a comparison of some rows has found.
    pub enum RowsFinding {
        /// Some differ.
        Differ {
            /// The source.
            source: HostName,
            /// The tables.
            tables: Vec<SampledTable>,
        } = "data-differs",
        /// They could not be compared.
        NotCompared {
            /// The source.
            source: HostName,
            /// Why, in the server's words.
            why: String,
        } = "data-differs",
    }
}

families! { Finding:
    Source(SourceFinding), Undeclared(Undeclared), Server(ServerFinding), Name(NameFinding),
    Authority(AuthorityFinding), Rows(RowsFinding), Writers(WritersFinding), Lost(LostFinding),
    Events(EventsFinding),
}
