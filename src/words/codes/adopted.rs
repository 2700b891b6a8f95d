//! What `init --from` finds on living servers.

use super::{Code, code};

pub(super) const ADOPTED: &[Code] = &[
    code("account-pattern", "one account serves several replicas", ""),
    code("alone", "the host has no channel to or from the others", ""),
    code(
        "durability",
        "a source does not write each commit to its disk: after a crash its replicas may have what it has lost",
        "",
    ),
    code("file-position", "the channel runs by file and position", ""),
    code("gtid-not-strict", "`gtid_strict_mode` is off on MariaDB", ""),
    code("left-alone", "a variable has a value that no option file gives; it is declared as `null`", ""),
    code("no-tls", "the channel is not encrypted", ""),
    code("not-running", "the channel does not run", ""),
    code("statement-format", "`binlog_format` is `STATEMENT`", ""),
    code("tls-unverified", "the channel is encrypted, and the certificate of its source is not verified", ""),
    code(
        "undeclared-filter",
        "the channel filters single tables or renames databases, which no variable declares",
        "",
    ),
    code("unknown-replica", "a server that is not among the hosts replicates from one of them", ""),
    code("writable-replica", "clients may write on a replica", ""),
];
