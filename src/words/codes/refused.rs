//! The codes of refusals: why nothing is done on a host.

use super::{Code, code};

/// The codes of refusals.
pub(super) const REFUSED: &[Code] = &[
    code(
        "not-allowed-restart",
        "a server that has client sessions would be restarted",
        "read the risk of the step, then pass `--allow restart`",
    ),
    code(
        "not-allowed-cut-clients",
        "clients that are connected now would be cut off",
        "the risk names them; then pass `--allow cut-clients`",
    ),
    code(
        "not-allowed-reseed",
        "a replica's own data would be replaced",
        "see what would be lost, then pass `--allow reseed`",
    ),
    code(
        "not-allowed-reset-binlogs",
        "a server's binary logs would start over, or go on under another name",
        "read who may need them, then pass `--allow reset-binlogs`",
    ),
    code(
        "not-allowed-edit-option-file",
        "the server's option files include no directory, and a line that includes one would be added to a file of yours",
        "see which file it is, then pass `--allow edit-option-file`; or add the line yourself",
    ),
    code(
        "not-allowed-drop-account",
        "an account would be dropped",
        "see that nobody uses it, then pass `--allow drop-account`",
    ),
    code(
        "not-allowed-drop-channel",
        "an undeclared channel would end",
        "see that nobody needs it, then pass `--allow drop-channel`",
    ),
    code(
        "not-allowed-new-authority",
        "the authority that the servers trust would be replaced",
        "pass `--allow new-authority`",
    ),
    code(
        "not-allowed-lock-accounts",
        "accounts may write past `read_only` on a host that hands its writes over (MariaDB)",
        "take READ_ONLY ADMIN from them by the statements that it names, or pass `--allow lock-accounts`",
    ),
    code(
        "unfenced",
        "a replica would take the writes of a lost host, and nothing makes sure that the host takes none any more",
        "end it for good (power, hypervisor), or let `--fence COMMAND` do so; then pass `--allow unfenced`",
    ),
    code(
        "member-unread",
        "a replica would take the writes of a lost host, and another one that may have received more could not be read",
        "bring that one back, or give up what only it has: `--allow skip-unread`",
    ),
    code(
        "not-allowed-discard-errant",
        "transactions that only a host has which comes back would be given up",
        "they are saved on the host first; see what they are, then pass `--allow discard-errant`",
    ),
    code(
        "still-alive",
        "a host is declared lost, and its server or its port still answers",
        "let it hand its writes over by `switchover`, or end it for good with `--fence COMMAND`",
    ),
    code(
        "not-superset",
        "a replica would take the writes of a lost host, and others have received what it lacks",
        "let the one that has everything take them; where none has, decide whose events count and declare the others lost",
    ),
    code(
        "other-writer",
        "a replica would take the writes of a lost host, and another member accepts writes already",
        "go on with the one that does: `tandem failover PLAYBOOK --to` it; if nobody has written there, close it (`SET GLOBAL read_only = ON`)",
    ),
    code(
        "writes-elsewhere",
        "a replica accepts writes and has what the closed host lacks that is declared to take them, as after a switch that was cut off",
        "go on from there: `tandem switchover PLAYBOOK --to` that replica, and back afterwards if you wish",
    ),
    code(
        "target-gone-apart",
        "a replica would take the writes of its source, and has transactions that the source lacks, or nothing proves that it has none",
        "see what it alone has (`tandem doctor`); bring that to the source, or let the replica be copied anew (`--allow discard-errant`) before the switch",
    ),
    code(
        "declared-closed",
        "a host would take the writes, and `read_only: true` is declared for it: no host would accept any",
        "take the line out of the host's `mysql_settings`; the roles open the host that clients are declared to write to",
    ),
    code(
        "old-writer-declared-open",
        "a host would take the writes of another one, and `read_only: false` is declared for that one: both would accept writes",
        "take the line out of the old writer's `mysql_settings`; the roles close a replica",
    ),
    code(
        "no-stand-in",
        "`restart_primary: switchover` is set, and no replica can take the writes while the primary is restarted",
        "fix the replica that is named with its reason, or set `restart_primary: in_place`",
    ),
    code(
        "data-on-both",
        "both servers hold data, and nothing proves that the replica's is the source's",
        "see what would be lost; `--allow reseed` copies the source again; with `seed_from` it goes the other way",
    ),
    code(
        "data-on-replica-only",
        "the replica holds data and its source holds none",
        "`seed_from` names where the data is, or make that host the primary; the role `seed` copies it",
    ),
    code(
        "data-beside-unfinished-copy",
        "beside an unfinished copy lies data that is not of it",
        "move it away",
    ),
    code(
        "copy-needed",
        "the source holds data, the replica none, and nothing copies it",
        "add the role `seed` with a `seed_method` other than `none`, or load the data yourself",
    ),
    code(
        "copy-not-passed-on",
        "a copy would be loaded on a host that is a source itself, and would not reach its replicas",
        "take their channels out of the topology first, and back in afterwards",
    ),
    code(
        "seed-method",
        "the method of copying does not fit these servers",
        "the sentence says why; use another `seed_method`",
    ),
    code(
        "unknown-database",
        "`seed_databases` names a database that the source does not have",
        "correct the name",
    ),
    code(
        "same-database-twice",
        "two sources of a replica have a database of one name",
        "filter it out of one channel",
    ),
    code(
        "cannot-be-copied",
        "a copy row by row can't carry everything of the source to the replica as it is; each object is named with its \
         reason",
        "copy the whole server where that carries it (`seed_method`), or change what is named; the sentence has the \
         statements",
    ),
    code("disk-too-small", "the copy does not fit on the replica's disk", "make room"),
    code(
        "disk-full",
        "a restart needs room, and the file system of the data directory has none",
        "make room",
    ),
    code(
        "source-purged",
        "the source has no longer what the replica needs next, or has it under the replica's own id: a primary that came back without the end of its binary log takes none of its own rows",
        "`--allow reseed` copies it again",
    ),
    code(
        "other-channels",
        "a copy would replace the data of a host that has other channels, whose positions would be lost",
        "end them by the statements that it names",
    ),
    code(
        "shared-gtid-domain",
        "two independent sources write in one GTID domain (MariaDB)",
        "`replication_positioning: file`; another `gtid_domain_id` does not change what is written already",
    ),
    code(
        "move-needs-gtid",
        "a replica is to follow another source, and by file and position nobody can compute where to begin",
        "`replication_positioning: gtid`, or `--allow reseed` copies the new source",
    ),
    code(
        "moved-apart",
        "the replica has transactions that the new source does not have",
        "see what would be lost; `--allow reseed` copies the new source",
    ),
    code(
        "seed-position",
        "the replica's channel can't begin where `seed_position` says that its data stands",
        "look at what was noted when the data was taken, and of which server; load newer data where the source has it no longer",
    ),
    code(
        "way-back-needs-gtid",
        "a channel back to this host can't be proven by file and position",
        "`replication_positioning: gtid`",
    ),
    code(
        "errant-transactions",
        "the replica has transactions that none of its sources has",
        "[choose](reference.md#errant-transactions) one of the ways out that are listed",
    ),
    code(
        "source-lost-transactions",
        "the source does not have its own transactions any more, and the replica has them",
        "[choose](reference.md#errant-transactions) one of the ways out that are listed",
    ),
    code(
        "delayed-takeover",
        "the host that is to be written to is a delayed replica",
        "choose another one, or end the delay first by the statements that it names",
    ),
    code(
        "writers-not-one",
        "more than one host accepts writes, and one of them is to hand them over",
        "close all but the one that clients write to, then plan again",
    ),
    code(
        "xa-prepared",
        "transactions that are prepared by XA wait on the old writer for their end, which could not be written there any more",
        "commit them or roll them back there (`XA RECOVER` lists them), then plan again",
    ),
    code(
        "applier-stopped",
        "what a lost source has sent is received and not executed, and the applier is stopped; MariaDB discards a relay log when a channel starts by GTID whose two threads are stopped",
        "run the statements that the sentence names: they execute it, then run `failover` again",
    ),
    code(
        "other-parameters",
        "the old and the new writer are of one version and differ in `sql_mode`, in the server's character set or collation, or in the time zone: what clients write would be taken otherwise",
        "declare the same value for both (`mysql_settings`), or set it there by SQL, then plan again",
    ),
    code(
        "target-broken",
        "the host that is to be written to does not replicate from the present writer",
        "the sentence has the cause and the way out; `tandem doctor` shows the row",
    ),
    code(
        "target-behind",
        "the host that is to be written to is more than 30 s behind",
        "wait until it has caught up",
    ),
    code(
        "gtid-mode-off",
        "`gtid_mode` is declared off, and channels are declared with GTIDs",
        "set it to `ON`, or `replication_positioning: file`, too",
    ),
    code(
        "place-lost",
        "a channel by file and position would be changed, and does not say where it stands: somebody has given it another host and no place",
        "give it the place back by the statements of the sentence; the server's error log has it (`Previous state`)",
    ),
    code(
        "one-channel-only",
        "several channels, or one with a name, are declared for a MySQL before 5.7.6, which has one without a name",
        "declare one source for that host, or use a newer server there",
    ),
    code(
        "gtid-mode-offline",
        "a MySQL before 5.7.6 changes `gtid_mode` with a restart only, and replicates already",
        "keep its channels by file and position: `replication_positioning: file`",
    ),
    code(
        "tls-too-old",
        "encryption is declared, and a MySQL before 5.7 would not encrypt: it can't load the certificates of the role `tls`, or no authority is named",
        "give it RSA certificates of your own and declare `replication_tls: verify_ca` with `replication_tls_ca`, or declare `replication_tls: off`",
    ),
    code(
        "port-differs",
        "`mysql_port` is not the port at which the server listens",
        "correct it; both are named",
    ),
    code(
        "end-not-read",
        "a running channel would change to a source that could not be read",
        "let it be read, then plan again",
    ),
    code(
        "end-unreachable",
        "the replica can't reach the new address of its source",
        "correct the address or port, or let the replica in",
    ),
    code("end-of-another", "at the new address another server answers", "correct the address"),
    code(
        "channel-broken",
        "the channel has stopped on an error that no step repairs",
        "the sentence has the cause and the ways out; `tandem doctor` shows the row",
    ),
    code(
        "channel-filter",
        "filters of one channel can't be set on this version",
        "filter for the whole server",
    ),
    code(
        "password-too-long",
        "the password of a channel is longer than what the replica's server keeps",
        "choose a shorter one",
    ),
    code(
        "tls-without-certificate",
        "encryption is declared, and the source's server has no certificate",
        "add the roles `tls` and `config`, give it a certificate, or declare `replication_tls: off`",
    ),
    code(
        "tls-without-authority",
        "the source is to be verified, and the authority's file is not on the replica",
        "add the role `tls`, put the file there (`replication_tls_ca`), or declare `replication_tls: required`",
    ),
    code(
        "account-for-a-name",
        "the account is for a host name, and the server looks up none (`skip_name_resolve`)",
        "set `replication_address` to an address",
    ),
    code(
        "no-account",
        "the source has no account by which the channel would log in, and no role makes one",
        "add the role `accounts`, or make the account",
    ),
    code(
        "account-unfit",
        "the account by which a channel would log in does not fit, and no role corrects it",
        "add the role `accounts`, or correct the account",
    ),
    code(
        "versions-cannot-replicate",
        "by its version the replica can't follow its source",
        "upgrade the replica, or turn the channel round",
    ),
    code(
        "lower-case-table-names",
        "the two servers don't agree on which table a name means",
        "make the data directory of one of them again",
    ),
    code(
        "unknown-collation",
        "the source has tables in a collation that the replica does not have",
        "convert them, or take a newer replica",
    ),
    code(
        "server-family",
        "`mysql_server_package` is of the other family than a source or replica",
        "declare the package of the same family",
    ),
    code(
        "no-package-manager",
        "a server is to be installed, and neither apt nor dnf nor yum is there",
        "install one by hand",
    ),
    code(
        "data-without-server",
        "no server is installed, and the data directory of one is there",
        "install the version that wrote it, or move the directory away",
    ),
    code(
        "unit-masked",
        "the server's unit is masked, so nothing can start it",
        "`systemctl unmask` on the host",
    ),
    code(
        "setting-failed",
        "the server did not start with these settings the last time, and the host put the old option file back",
        "correct the setting; the sentence says how to try the same once more",
    ),
    code(
        "setting-keeps-server-down",
        "the server is down because of a setting that an option file of yours holds",
        "correct it in the inventory",
    ),
    code(
        "reads-no-option-files",
        "the server is started with `--no-defaults`, so no setting would last",
        "take `--no-defaults` out of its unit and restart it",
    ),
    code("value-not-taken", "the server takes no such value", "correct `mysql_settings`"),
    code("unknown-variable", "the server has no such variable", "correct `mysql_settings`"),
    code(
        "overridden-setting",
        "an option file that is read later says something else",
        "take the line out there",
    ),
    code(
        "undeclared-filter",
        "a server leaves something out of replication that nobody declared: a filter, or errors that are skipped",
        "declare it, or take it out of the option file that says it",
    ),
    code(
        "overridden-by-argument",
        "the server is started with an argument that says something else",
        "take it out of the unit, or declare its value",
    ),
    code(
        "disputed-option",
        "the server's own program reads the option otherwise than tandem does, so nothing is planned on it",
        "write it once in one plain line, or take it out of the files",
    ),
    code(
        "option-files-refused",
        "the server would not start with its option files as they are",
        "correct the line that it names",
    ),
    code(
        "no-place-for-option-file",
        "the server reads no option file, so none can include a directory for tandem's",
        "make one that includes a directory, or set `mysql_option_file`",
    ),
    code(
        "option-file-not-ours",
        "`mysql_option_file` names a file that tandem has not written; it would be replaced as a whole",
        "take `mysql_option_file` out; where no directory is included, `--allow edit-option-file` adds one line",
    ),
    code(
        "option-file-not-read",
        "`mysql_option_file` names a place at which the server reads no file",
        "take `mysql_option_file` out, or name a `.cnf` in a directory that its option files include",
    ),
    code(
        "option-file-moved",
        "tandem's option file is to be elsewhere, and the one that it has written would count, too",
        "move the file on the host, or name its place in `mysql_option_file`",
    ),
    code("firewall-backend", "`firewall_backend` is not what the host uses", "leave it at `auto`"),
    code(
        "firewall-missing",
        "`firewall_deny_others` is declared, and the host has no packet filter",
        "install nftables",
    ),
    code("firewall-name", "the address of a peer is a name that has no address", "use an address"),
    code(
        "resource-blocked",
        "a host can't have what a role declares for it: a kernel parameter that it may not change, or that a later file overrides; a file in the place of tandem's that tandem did not write",
        "the sentence names the cause and the way out",
    ),
    code("authority-unreadable", "the authority in `tls/` can't be read", "restore the file"),
    code(
        "another-authority",
        "hosts trust another authority than the one in `tls/`",
        "copy that one there from where the fleet was set up, or replace it with `--allow new-authority`",
    ),
    code("authority-ended", "a certificate is due, and the authority has ended", "`--allow new-authority`"),
    code(
        "authority-key-missing",
        "a certificate is due, and the key that issues it is not there",
        "run this where the key is kept",
    ),
    code("steps-in-a-circle", "steps wait for each other: a fault of tandem", "report it"),
];
