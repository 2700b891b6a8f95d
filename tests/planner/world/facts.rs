//! What is observed of a host before anything is done to it.

use std::collections::{BTreeMap, BTreeSet};

use tandem::inside::{
    firewall::{Backend, Chain, FirewallState},
    grant::{AccountState, native_hash},
    gtid::ServerGtid,
    model::{Fact, ServerVersion},
    observe::{DatabaseFacts, DiskFacts, HostFacts, ServerFacts, ServiceFacts},
    option_file,
};

use super::{Host, SECRET, address};

const OWNED: &str = "/etc/mysql/mariadb.conf.d/zz-tandem.cnf";

pub(super) fn account(user: &str, host: &str, password: &str, privileges: &str) -> AccountState {
    let create = format!("CREATE USER `{user}`@`{host}` IDENTIFIED BY PASSWORD '{}'", native_hash(password));
    let grant = format!("GRANT {privileges} ON *.* TO `{user}`@`{host}`");
    AccountState::read(&create, &[grant]).expect("an account")
}

const VARIABLES: &[(&str, &str, bool)] = &[
    ("server_id", "1", false),
    ("port", "3306", true),
    ("bind_address", "127.0.0.1", true),
    ("log_bin", "OFF", true),
    ("log_bin_basename", "", true),
    ("binlog_format", "MIXED", false),
    ("log_slave_updates", "OFF", true),
    ("gtid_strict_mode", "OFF", false),
    ("gtid_domain_id", "0", false),
    ("relay_log", "", true),
    ("relay_log_recovery", "OFF", true),
    ("auto_increment_increment", "1", false),
    ("auto_increment_offset", "1", false),
    ("read_only", "OFF", false),
    ("event_scheduler", "OFF", false),
    ("max_connections", "151", false),
    ("back_log", "80", true),
    ("replicate_do_db", "", false),
    ("replicate_ignore_db", "", false),
    ("replicate_wild_do_table", "", false),
    ("replicate_wild_ignore_table", "", false),
    ("have_ssl", "DISABLED", true),
];

pub(super) fn server(n: usize, host: &Host, count: usize) -> ServerFacts {
    let mut variables: BTreeMap<String, String> =
        VARIABLES.iter().map(|(n, v, _)| ((*n).to_owned(), (*v).to_owned())).collect();
    let defaults = variables.clone();
    if host.own_id {
        variables.insert("server_id".into(), (n + 40).to_string());
    }
    if host.stale_file {
        variables.insert("max_connections".into(), "7".into());
    }
    if host.filters && host.stale_file {
        variables.insert("replicate_ignore_db".into(), "private".into());
    }
    let mut accounts = Vec::new();
    for peer in (0..count).filter(|p| *p != n) {
        let mut one = account("repl_user", &address(peer), SECRET, "REPLICATION SLAVE");
        match host.account {
            1 => one = account("repl_user", &address(peer), "other", "REPLICATION SLAVE"),
            2 => one = account("repl_user", &address(peer), SECRET, "REPLICATION SLAVE, PROCESS"),
            3 => one.locked = true,
            _ => continue,
        }
        accounts.push(one);
    }
    let shop = DatabaseFacts { name: "shop".into(), tables: 3, bytes: 1 << 20, ..DatabaseFacts::default() };
    ServerFacts {
        version: ServerVersion::parse("10.11.6-MariaDB").expect("a version"),
        version_text: "10.11.6-MariaDB".into(),
        static_variables: VARIABLES
            .iter()
            .filter(|(.., fixed)| *fixed)
            .map(|(n, ..)| (*n).to_owned())
            .collect(),
        variables,
        ranges: BTreeMap::from([(
            "auto_increment_increment".to_owned(),
            ("1".to_owned(), "65535".to_owned()),
        )]),
        found_in: BTreeMap::new(),
        of_start: BTreeSet::new(),
        persisted: BTreeMap::new(),
        defaults,
        unit: "mariadb.service".into(),
        account_names: BTreeSet::new(),
        replicating: Default::default(),
        accounts,
        databases: if host.data { vec![shop] } else { Vec::new() },
        events: Fact::Known(Vec::new()),
        binlog: Fact::Absent,
        gtid: Fact::Known(tandem::inside::gtid::GtidState::MariaDb(ServerGtid {
            binlog_start: Fact::Known(tandem::inside::gtid::BinlogState::default()),
            ..ServerGtid::default()
        })),
        channels: Fact::Known(Vec::new()),
        sessions: Fact::Known(Vec::new()),
        connected_replicas: Fact::Known(Vec::new()),
        replica_addresses: Fact::Known(BTreeSet::new()),
        heartbeat: Fact::Absent,
        schema: Fact::Known(tandem::inside::observe::SchemaFacts::default()),
    }
}

pub(super) fn facts(host: &Host) -> HostFacts {
    let mut files =
        vec![("/etc/mysql/my.cnf".to_owned(), b"!includedir /etc/mysql/mariadb.conf.d/\n".to_vec())];
    if host.stale_file {
        let filter = if host.filters { "replicate_ignore_db = private\n" } else { "" };
        files.push((OWNED.to_owned(), format!("[mysqld]\nmax_connections = 7\n{filter}").into_bytes()));
    }
    HostFacts {
        service: Fact::Known(ServiceFacts {
            unit: "mariadb.service".into(),
            active: if host.running { "inactive" } else { "active" }.into(),
            enabled: !host.boots,
            ..ServiceFacts::default()
        }),
        option_files: Fact::Known(option_file::Files {
            files,
            directories: vec!["/etc/mysql/mariadb.conf.d/".into()],
            ..option_file::Files::default()
        }),
        firewall: Fact::Known(FirewallState {
            backend: (host.firewall > 0).then_some(Backend::Nftables).or(Some(Backend::Nftables)),
            available: [Backend::Nftables].into(),
            chains: match host.firewall {
                2 => vec![Chain::dropping("inet filter input")],
                _ => Vec::new(),
            },
            ..FirewallState::default()
        }),
        disk: Fact::Known(DiskFacts {
            datadir: "/var/lib/mysql".into(),
            free: 1 << 40,
            total: 1 << 41,
            owner: String::new(),
            file_system: "ext2/ext3".into(),
            renamable: true,
        }),
        seeds: Fact::Absent,
        retention: Fact::Absent,
        content: Fact::Absent,
        ..HostFacts::default()
    }
}
