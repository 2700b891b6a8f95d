//! The codes of what is worth knowing.

use super::{Code, code};

/// The codes of what is worth knowing.
pub(super) const KNOWN: &[Code] = &[
    code("extra-channel", "a channel that nobody declared", "declare it, or `--allow drop-channel`"),
    code(
        "no-writer",
        "clients are declared to write to one host, and no host accepts writes",
        "`apply` opens it, as far as that is safe",
    ),
    code(
        "events-run-nowhere",
        "events of the host that clients write to rest there as on a replica, so they run nowhere",
        "`apply` enables those that were enabled on the former writer, for all hosts to know",
    ),
    code(
        "returned",
        "a host that is declared lost is back",
        "`tandem rejoin PLAYBOOK HOST` makes it a replica again; until then `apply` keeps it closed",
    ),
    code(
        "other-host-open",
        "clients are declared to write to one host, which is closed or could not be read, and a replica of it accepts writes",
        "where a failover or a switch was cut off, run the same command again; else close it, or declare it the primary",
    ),
    code(
        "several-writers",
        "clients are declared to write to one host, and several accept writes",
        "`apply` closes the others, also where it refuses something; `errant-transactions` says what they took",
    ),
    code(
        "extra-replica",
        "a server that nobody declared replicates from the host",
        "declare it, or end it there",
    ),
    code(
        "extra-account",
        "an account of ours for an address from which no declared replica comes",
        "`--allow drop-account`",
    ),
    code(
        "replicas-not-read",
        "which replicas are connected could not be read",
        "let it be read; the sentence has the error",
    ),
    code(
        "data-differs",
        "`drift --sample-data` found rows that differ, or could not compare them",
        "`tandem verify` names them",
    ),
    code(
        "own-writes",
        "the replica has written to its own binary log, and without GTIDs nothing tells what",
        "compare the tables; see [errant transactions](reference.md#errant-transactions)",
    ),
    code(
        "authority-ends",
        "the authority in `tls/` ends within 180 days",
        "`tandem apply --allow new-authority` renews it without breaking a channel",
    ),
    code(
        "authority-ends-soon",
        "it ends within 30 days, or has ended; every certificate by it ends with it",
        "the same, now",
    ),
    code(
        "older-replica",
        "the replica is older than its source, and the channel exists",
        "upgrade the replica",
    ),
    code("sql-mode", "`sql_mode` differs", "declare the same for both"),
    code("server-collation", "`collation_server` differs", "declare the same for both"),
    code("time-zone", "the two servers have different time zones", "declare the same for both"),
    code("time-zone-names", "the replica has no named time zones", "`mysql_tzinfo_to_sql` loads them"),
    code("clocks", "the clocks of two hosts differ", "let NTP set them"),
    code("statement-format", "`binlog_format` is `STATEMENT`", "`binlog_format: ROW`"),
    code("row-image", "rows are logged in part, and there are several writers", "`binlog_row_image: FULL`"),
    code(
        "packet-size",
        "the source takes larger packets than the replica takes events",
        "raise the replica's limit",
    ),
    code("no-primary-key", "tables without a primary key", "give them one"),
    code(
        "page-size",
        "the replica's pages are smaller than its source's",
        "make the replica's data directory again",
    ),
    code(
        "database-filter",
        "a filter by database is judged by the session's default database",
        "filter by wild tables",
    ),
    code(
        "seed-database-missing",
        "`seed_databases` names a database that the source does not have",
        "correct the name, or make it",
    ),
    code(
        "filter-without-database",
        "a filter names a database that the source does not have",
        "correct the name, or make it",
    ),
    code(
        "option-read-otherwise",
        "the server's own program reads an option otherwise than tandem does, and nothing is planned on it",
        "write it once in one plain line",
    ),
    code(
        "options-not-asked",
        "the server's own program could not be asked how it reads its option files; tandem's own reading counts",
        "what the sentence names",
    ),
    code(
        "option-file-ignored",
        "the server leaves out an option file, since every user may write to it",
        "`chmod o-w` it where it is to count, or remove it",
    ),
    code(
        "would-not-start",
        "an option file was changed since the server was started, and the server's own program refuses it: the server runs, and its next start fails",
        "correct the line that the sentence names",
    ),
    code(
        "starts-closed",
        "the writer starts read-only, and the unit that would open it can't work: no systemd, no unit that runs the server, no client program, or no role that declares it",
        "install `mariadb-client` or `mysql-client` there; or declare `boot_read_only: false`",
    ),
    code(
        "half-installed",
        "the server runs, and a package of it is half installed",
        "`dpkg --configure -a` on the host",
    ),
    code(
        "server-version",
        "the server runs with another version than the declared one",
        "upgrade it yourself; a server that is there is never changed",
    ),
    code(
        "remote-root",
        "root may log in from other hosts, and there is no root@localhost that would be left",
        "make root@localhost first",
    ),
    code("test-database", "the database `test` is not empty, so it stays", "drop it yourself"),
];
