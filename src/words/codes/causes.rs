//! The codes of causes: why a channel does not run, and why a server is down.

use super::{Code, code};

/// The codes of causes of channels.
pub(super) const CAUSES: &[Code] = &[
    code(
        "address-unknown",
        "the replica can't resolve the name of its source",
        "set `replication_address` of the source to an address that the replica can reach",
    ),
    code("source-down", "the source's server does not run", "fix what the sentence names, and start it"),
    code(
        "source-answers-again",
        "the last attempt to connect failed; another would not",
        "nothing, or `tandem apply`, which connects at once",
    ),
    code(
        "connection-refused",
        "nothing listens at the source's address and port",
        "check `bind_address`, `skip_networking` and the port; a firewall that rejects looks the same",
    ),
    code(
        "no-route-to-source",
        "the replica has no route to its source's address",
        "check `replication_address` and the network between the sites",
    ),
    code(
        "source-silent",
        "nobody answers at the source's address and port",
        "open the port for the replica, on the source and in between, and check `replication_address`",
    ),
    code(
        "address-not-allowed",
        "the source has no account for the address from which the replica comes",
        "check the replica's `replication_address`; `tandem apply` makes the account",
    ),
    code(
        "login-refused",
        "the source refuses the login: the account is missing, or its password is another one",
        "`tandem apply` sets both sides",
    ),
    code(
        "password-expired",
        "the password of the replication account has expired",
        "`tandem apply` sets it again, and lets it expire no more",
    ),
    code(
        "account-limited",
        "the replication account has reached one of its limits",
        "`tandem apply` takes the limits off the account",
    ),
    code(
        "account-locked",
        "the replication account is locked",
        "`tandem apply` unlocks it, unless the replica is declared lost",
    ),
    code(
        "privilege-missing",
        "the account may log in, and lacks `REPLICATION SLAVE`",
        "`tandem apply` grants it",
    ),
    code(
        "login-plugin-gone",
        "the account is made for `mysql_native_password`, which one of the servers no longer has",
        "make it with `caching_sha2_password`",
    ),
    code(
        "password-needs-tls",
        "the source takes the password over an encrypted connection only",
        "`replication_tls: required`",
    ),
    code(
        "tls-not-offered",
        "the replica asks for TLS, and the source offers none",
        "give the source a certificate (role `tls`), or declare `replication_tls: off`",
    ),
    code(
        "tls-fails",
        "the encrypted connection fails",
        "check the certificates, their names and their dates",
    ),
    code("channel-stopped", "the channel was stopped without an error", "`tandem apply` starts it"),
    code(
        "server-uuid-equal",
        "replica and source have the same `server_uuid`",
        "`tandem apply` gives one of them another, with a restart",
    ),
    code(
        "server-id-equal",
        "replica and source have the same `server_id` or `server_uuid`",
        "take `server_id` out of the files; `tandem apply` assigns a free one",
    ),
    code(
        "replica-id-equal",
        "another replica of the source has the same `server_id` or `server_uuid`",
        "make them differ; `tandem apply` assigns free ones",
    ),
    code(
        "gtid-modes-differ",
        "`gtid_mode` of the two servers does not fit together",
        "declare `gtid_mode` and `enforce_gtid_consistency` alike for both, and start the channel",
    ),
    code(
        "channel-record-unreadable",
        "the replica can't read its own record of the channel",
        "read its error log; repair `mysql.slave_master_info`, or make the channel again",
    ),
    code(
        "receiver-error",
        "the receiver reports an error that tandem does not know",
        "read the server's message and both error logs",
    ),
    code(
        "binlog-purged",
        "the source no longer has the binary log that the replica needs next",
        "`tandem apply --allow reseed`",
    ),
    code(
        "binlog-ends-before",
        "the source's binary log ends before the replica's position, as after a crash",
        "compare the two; then `tandem apply --allow reseed`",
    ),
    code(
        "binlog-off",
        "the source writes no binary log",
        "set `log_bin`; then `tandem apply --allow reseed`",
    ),
    code(
        "binlog-damaged",
        "the source's binary log is damaged at the replica's position",
        "check the disk; then `tandem apply --allow reseed`",
    ),
    code(
        "binlog-without-gtid",
        "the replica still needs transactions that have no GTID",
        "set `gtid_mode` to `ON` on the source; then `tandem apply --allow reseed`",
    ),
    code(
        "event-too-large",
        "an event is larger than `max_allowed_packet` allows",
        "raise the limits that the sentence names, on both",
    ),
    code(
        "replica-has-more",
        "the replica has transactions that the source never had",
        "look at them; bring them to the source, or copy the replica again",
    ),
    code(
        "source-lost-transactions",
        "the replica has transactions that the source itself has lost",
        "look at them; bring them back to the source, or copy the replica again",
    ),
    code(
        "relay-log-lost",
        "the replica can't find or read its relay log",
        "`tandem apply` fetches again what was not executed",
    ),
    code(
        "relay-log-not-written",
        "the replica could not write an event to its relay log",
        "look whether its disk is full; then `tandem apply`",
    ),
    code(
        "workers-stopped",
        "the workers stopped in the middle of their transactions",
        "fix what `performance_schema.replication_applier_status_by_worker` names, or start the channel",
    ),
    code(
        "event-not-parallel",
        "an event can't be shared out among the workers",
        "set `replica_parallel_workers` to 1 until it is applied",
    ),
    code(
        "workers-left-gaps",
        "a later transaction is there and an earlier one is not",
        "`START REPLICA UNTIL SQL_AFTER_MTS_GAPS` before anything else",
    ),
    code(
        "gtid-inconsistent",
        "a transaction can't be executed under one GTID",
        "compare `enforce_gtid_consistency` and the engines of the tables",
    ),
    code(
        "gtid-used-twice",
        "the source wrote several statements under one GTID",
        "look the transaction up in its binary log, compare, then repair or copy again",
    ),
    code(
        "row-exists",
        "a row that comes is already there",
        "`tandem doctor` shows both rows; repair the wrong one",
    ),
    code(
        "row-missing",
        "a row that was changed or deleted is not there",
        "`tandem doctor` shows the row; compare, then repair or copy again",
    ),
    code(
        "accounts-differ",
        "an account statement does not fit the replica's accounts",
        "make the accounts equal, then start the channel",
    ),
    code(
        "grant-without-account",
        "a grant is for an account that the replica does not have",
        "make the accounts equal, then start the channel",
    ),
    code(
        "column-refuses-value",
        "a column of the replica does not take the source's value",
        "make the table's definition and `sql_mode` equal, then start the channel",
    ),
    code(
        "foreign-key",
        "a foreign key forbids the change: rows that it points at differ",
        "compare the two tables, then repair or copy again",
    ),
    code(
        "schema-differs",
        "a table, column or database differs",
        "compare the schemas; a filter may have kept a statement away",
    ),
    code(
        "gtid-domain-taken",
        "the replica has written in the source's GTID domain",
        "give every writer a `gtid_domain_id` of its own",
    ),
    code(
        "event-error",
        "the replica can't apply an event, with an error that tandem does not know",
        "read the server's message",
    ),
];

/// The codes of causes for which a server is down.
pub(super) const DOWN: &[Code] = &[
    code("unit-masked", "the unit is masked, so nothing can start it", "`systemctl unmask` it"),
    code("server-starting", "the server is starting, and does not answer yet", ""),
    code("needed-unit-failed", "a unit that it needs has failed", "fix that one"),
    code("unit-condition-failed", "a condition of its unit did not hold", "see `systemctl status`"),
    code(
        "not-started-since-boot",
        "it was not started since the host's boot",
        "`tandem apply` starts it, and has it start at boot",
    ),
    code("server-stopped", "it was stopped, and not started again", "`tandem apply` starts it"),
    code(
        "server-out-of-memory",
        "the kernel ended it because memory ran out",
        "give it less, or the host more",
    ),
    code("server-exited", "it ended by itself, with an exit status", "read its error log"),
    code("server-killed", "a signal ended it", "find out who sent it; signal 9 may be a lack of memory"),
    code("server-crashed", "it crashed", "read its error log"),
    code("start-timeout", "systemd ended it, since it took too long", "see what it waited for"),
    code("watchdog-timeout", "systemd ended it, since it gave no sign of life", "read its error log"),
    code(
        "start-limit-hit",
        "it failed several times in a row, and systemd has given up",
        "read its error log",
    ),
    code(
        "not-up-in-time",
        "it did not come up within `restart_wait`",
        "read its error log, or raise the limit",
    ),
    code(
        "login-lost",
        "it came up, and refused the login that it took before",
        "take out what has changed its logins, such as a plugin that is loaded no more",
    ),
    code("unit-failed", "systemd has another word for its end", "see `systemctl status`"),
    code(
        "variable-not-known",
        "an option file has a variable that the server does not know",
        "correct the line that the sentence names",
    ),
    code(
        "option-not-known",
        "an option file has an option that the server does not know",
        "correct the line that the sentence names",
    ),
    code("option-ambiguous", "an option could mean two", "write its whole name"),
    code("option-value-impossible", "an option has an impossible value", "correct it"),
    code(
        "option-without-group",
        "an option file has a line before its first group",
        "put it below `[mysqld]`",
    ),
    code("disk-full", "the disk of its data is full", "make room"),
    code("port-in-use", "another program listens at its port", "end that one, or declare another port"),
    code("port-forbidden", "the server may not listen at its port", "declare another port"),
    code("address-not-there", "the host does not have the address of `bind_address`", "correct it"),
    code(
        "plugin-not-loaded",
        "a plugin's library can't be loaded",
        "install it, or take the plugin out of the files",
    ),
    code("file-forbidden", "the server may not read or write a file", "correct its owner and mode"),
    code("data-in-use", "another server runs on the same data directory", "end that one"),
    code("memory-not-enough", "there is not enough memory", "lower `innodb_buffer_pool_size`"),
    code("system-table-damaged", "a system table is damaged", "read its error log; repair the table"),
    code(
        "binlog-not-opened",
        "its binary log or the index of it can't be opened",
        "look at the files that it names",
    ),
    code(
        "data-of-another-user",
        "the data directory belongs to another user than the server's",
        "run the `chown` that the sentence names",
    ),
    code("error-in-log", "its log has an error that tandem does not know", "read the error log"),
];
