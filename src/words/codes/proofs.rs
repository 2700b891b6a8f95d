//! What `verify` says of what it could not prove, left out, or found wrong.

use super::{Code, code};

pub(super) const PROOFS: &[Code] = &[
    code(
        "restart-untried",
        "no server was restarted, since replication has to run before that is tried",
        "fix what stands above it, then `tandem verify --reboot` again",
    ),
    code("no-tables", "the two hosts have no table that could be compared", ""),
    code(
        "replica-not-read",
        "the replica of the channel could not be read, so nothing is known of it",
        "`tandem status` shows why",
    ),
    code(
        "canary-filtered",
        "a filter keeps the database of the canary row out of the channel",
        "the tables are compared all the same",
    ),
    code(
        "canary-not-sent",
        "no canary row could be sent; the errors of the run say why",
        "fix what the errors name, then verify again",
    ),
    code("no-canary", "no host whose rows come along this channel is written to", ""),
    code(
        "writer-not-read",
        "the server of a host that is written to could not be read, so no canary row starts there",
        "`tandem status` shows why",
    ),
    code(
        "writer-read-only",
        "the host is read-only, so no canary row starts there",
        "`tandem plan` shows whether it shall be",
    ),
    code(
        "writer-without-log",
        "the host has no binary log, so nothing that is written there reaches anybody",
        "`tandem plan` shows what turns it on",
    ),
    code(
        "may-break",
        "a canary row would reach a replica that has errant transactions, or may have, and could end its replication",
        "`tandem doctor` lists the ways out",
    ),
    code(
        "two-ways",
        "a canary row would reach a host on two ways, and without GTIDs the host would take it for two rows",
        "",
    ),
    code(
        "shared-domain",
        "two hosts that are written to share a `gtid_domain_id` under `gtid_strict_mode`, so writes on both could end replication",
        "give each a domain of its own; `tandem plan` shows it",
    ),
    code(
        "source-not-known",
        "the channel leads to an address that none of the hosts has",
        "add the host to the inventory, or set its `replication_address`",
    ),
    code(
        "no-stranger",
        "that a port is shut to others can't be tried: every host that could is let in, or does not reach the address",
        "try it from a machine that has no business there",
    ),
    code(
        "channel-stopped",
        "tables were not compared, since the channel does not run",
        "`tandem doctor` says why",
    ),
    code(
        "no-way-back",
        "tables were not compared: what is written on one host does not reach the other for now, so a difference would mean nothing",
        "`tandem doctor` says why",
    ),
    code("far-apart", "tables were not compared, since the replica is delayed by more than a minute", ""),
    code("rows-move", "rows change faster than they can be compared", "verify again when fewer rows change"),
    code("many-rows-move", "too many rows of a table change at once", "verify again when fewer rows change"),
    code("table-filtered", "a filter keeps the table from the replica", ""),
    code("no-rows-of-its-own", "the storage engine of the table holds no rows itself", ""),
    code("several-sources", "the table holds rows of another source, too, so it can't equal this one", ""),
    code(
        "other-types",
        "a column has another type on the replica; its values were compared all the same",
        "",
    ),
    code(
        "read-in-one-go",
        "a large table has no key, so it was read in one statement",
        "give the table a primary key",
    ),
    code(
        "canary-left",
        "the deletion of a canary row did not reach a host in time",
        "the next `tandem verify` removes what is left",
    ),
    code(
        "failed",
        "something could not be done, for the reason in the sentence",
        "fix that, then verify again",
    ),
    code("no-channel", "no host replicates from another", "`tandem plan` shows what makes one"),
    code("nothing-tested", "nothing could be put to the test", "the lines above say why"),
    code(
        "errant",
        "no canary row was sent to a replica that has errant transactions",
        "`tandem doctor` lists the ways out",
    ),
    code(
        "errant-not-read",
        "whether the replica has errant transactions could not be read, so no canary row was sent to it",
        "`tandem doctor` shows more",
    ),
    code("no-row", "no row was sent along the channel", ""),
    code("fault", "the channel does not run", "`tandem doctor` says why"),
    code("stopped", "the channel does not run", "`tandem doctor` says why"),
    code("late", "the canary row did not arrive in time", "`tandem verify --wait TIME` waits longer"),
    code(
        "offset-ignored",
        "the server ignores its `auto_increment_offset`, since it is larger than `auto_increment_increment`",
        "`tandem plan` shows the values that fit",
    ),
    code(
        "same-numbers",
        "two writers can give out the same AUTO_INCREMENT number",
        "`tandem plan` shows the values that fit",
    ),
    code(
        "given-twice",
        "two writers did give out the same number",
        "`tandem plan` shows the values that fit",
    ),
    code(
        "rows-missing",
        "rows that one writer inserted while the others did the same did not all arrive",
        "`tandem doctor` says why",
    ),
    code(
        "missing-table",
        "a table stands on one host alone",
        "`tandem doctor`; a copy brings it (`--allow reseed`)",
    ),
    code("missing-columns", "a table lacks columns on one host", "run there the ALTER TABLE that it missed"),
    code("no-unit", "the unit of the server is not known, so it was not restarted", "set `mysql_service`"),
    code("channel-gone", "a channel did not run again after the restart", "`tandem doctor` says why"),
    code("row-late", "after the restart a row did not arrive in time", "`tandem doctor` says why"),
    code(
        "restart-failed",
        "the server could not be restarted, or not be looked at afterwards",
        "the sentence has the error",
    ),
];
