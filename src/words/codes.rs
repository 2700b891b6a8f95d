//! What each code means, and what to do: the tables of docs/codes.md. The lists of codes are the enums' own.

mod causes;

use causes::CAUSES;

/// A code with what it means and what to do.
#[derive(Debug, Clone, Copy)]
pub struct Code {
    /// The code.
    pub code: &'static str,
    /// What it means.
    pub means: &'static str,
    /// What to do; empty where nothing has to be done.
    pub next: &'static str,
}

const fn code(code: &'static str, means: &'static str, next: &'static str) -> Code {
    Code { code, means, next }
}

/// The codes of refusals.
pub const REFUSED: &[Code] = &[
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
        "the source has no longer what the replica needs next",
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
        "no option file includes a directory",
        "add `!includedir` to one, or set `mysql_option_file`",
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

/// The codes of what waits.
pub const WAITING: &[Code] = &[
    code(
        "host-not-read",
        "the host could not be read, so nothing is planned for it",
        "let it be read; the sentence has the error",
    ),
    code(
        "server-not-read",
        "the host was read and its server was not",
        "let it be read; the sentence has the error",
    ),
    code(
        "channels-not-read",
        "the server's channels could not be read",
        "let them be read; the sentence has the error",
    ),
    code(
        "option-files-not-read",
        "the server's option files could not be read",
        "let them be read; the sentence has the error",
    ),
    code(
        "packages-not-read",
        "the packages of the server could not be read",
        "let them be read; the sentence has the error",
    ),
    code(
        "packet-filter-not-read",
        "the packet filter could not be read",
        "let it be read; the sentence has the error",
    ),
    code(
        "copy-mark-not-read",
        "whether a copy has begun on the host could not be read",
        "let it be read; the sentence has the error",
    ),
    code(
        "resource-not-read",
        "a package, file, service or guard of a role could not be read",
        "let it be read; the sentence has the error",
    ),
    code("source-not-read", "a source of the host was not read", "let it be read"),
    code("copy-first", "the source gets a copy of the data first", "apply that; the next plan goes on"),
    code(
        "channel-does-not-run",
        "the channel does not run, and no step of this plan changes that",
        "the sentence has the cause",
    ),
    code(
        "channel-could-not-reconnect",
        "the channel is connected, and another connection would not get through",
        "the sentence has the cause",
    ),
    code(
        "resource-waits",
        "a resource of a role can't be on the host yet, such as a kernel parameter whose module is not loaded",
        "the sentence says what it waits for",
    ),
    code(
        "server-id-unknown",
        "a server id can't be chosen while another member is not read",
        "let it be read, or set `server_id`",
    ),
    code(
        "partner-waits",
        "the host to be written to changes together with one where nothing is done",
        "see why nothing is done there",
    ),
    code(
        "still-needed",
        "something is to be taken away that a replica still needs",
        "move that replica first",
    ),
    code(
        "left-out-by-limit",
        "a step needs one on a host that `--limit` leaves out",
        "plan without `--limit`",
    ),
    code(
        "gtid-mode-together",
        "`gtid_mode` changes on all members together, and one was not read",
        "let it be read",
    ),
    code(
        "gtid-mode-everywhere",
        "the option file has `gtid_mode` off once every server runs with it",
        "apply; the next plan goes on",
    ),
    code(
        "authority-not-everywhere",
        "a certificate by the new authority is issued once all hosts trust that one",
        "apply; the next plan goes on",
    ),
    code(
        "after-takeover",
        "a wish is refused on this host, and a lost host's writes are not kept waiting for it",
        "let the takeover be done first; what is refused is told again then, with the way out",
    ),
    code(
        "may-still-write",
        "a host that was not read may still take writes, so no other is opened",
        "let it be read; if it is gone, declare it `lost:`, as `tandem failover` does",
    ),
    code(
        "no-other-writer",
        "the host takes writes until one that is to take them in its stead can",
        "see why that one can't",
    ),
    code(
        "no-server",
        "no database server is installed, and no role installs one",
        "add the role `server`, or install one",
    ),
    code("not-root", "only root can install a server", "set `ansible_become`"),
    code("server-first", "planned once the server is installed and runs", "apply; the next plan goes on"),
];

/// The codes of what is worth knowing.
pub const KNOWN: &[Code] = &[
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
        "several-writers",
        "clients are declared to write to one host, and several accept writes",
        "`apply` closes the others; `errant-transactions` says what they took",
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        doctor::Cause,
        plan::{Finding, Refused, WaitsFor},
    };

    fn table(codes: &[Code]) -> String {
        let mut text = String::from("| code | what it means | what to do |\n|---|---|---|\n");
        for Code { code, means, next } in codes {
            text.push_str(&format!("| `{code}` | {means} | {next} |\n"));
        }
        text
    }

    #[test]
    fn each_code_is_explained_and_each_explained_code_exists() {
        for (have, explained) in [
            (Refused::codes(), REFUSED),
            (WaitsFor::codes(), WAITING),
            (Finding::codes(), KNOWN),
            (Cause::codes(), CAUSES),
        ] {
            let have: BTreeSet<&str> = have.into_iter().collect();
            let listed: Vec<&str> = explained.iter().map(|entry| entry.code).collect();
            assert_eq!(have, listed.iter().copied().collect());
            assert_eq!(have.len(), listed.len(), "one stands twice");
        }
    }

    /// `TANDEM_WRITE=1 cargo test --lib codes` writes the document again.
    #[test]
    fn the_document_has_these_tables() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/codes.md");
        let document = std::fs::read_to_string(path).expect("docs/codes.md");
        let mut fresh = document.clone();
        for (heading, codes) in [
            ("## Refused", REFUSED),
            ("## Waiting", WAITING),
            ("## Worth knowing", KNOWN),
            ("## Why a channel does not run", CAUSES),
        ] {
            let section = fresh.find(heading).expect("the section");
            let begin = section + fresh[section..].find("| code ").expect("the table");
            let end = begin + fresh[begin..].find("\n\n").expect("its end") + 1;
            fresh.replace_range(begin..end, &table(codes));
        }
        if std::env::var_os("TANDEM_WRITE").is_some() {
            std::fs::write(path, &fresh).expect("docs/codes.md can be written");
        } else {
            assert!(document == fresh, "docs/codes.md is old: TANDEM_WRITE=1 cargo test --lib codes");
        }
    }
}
