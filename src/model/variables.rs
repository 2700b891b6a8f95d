//! Every variable that this program reads: one table for the schema, the reference and "did you mean".

use super::{FirewallChoice, OptionFileHolds, Positioning, RestartPrimary, SeedMethod, SeedPath, Tls};

/// What a variable may hold. A template may stand wherever a value may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Text.
    Text,
    /// An absolute path on a host.
    Path,
    /// The name of a unit of systemd.
    Unit,
    /// A secret: a reference, or out of a vault. Written out it is accepted with a warning.
    Secret,
    /// A whole number from the first to the second.
    Number(u64, u64),
    /// A time: a number of seconds, or one with a unit.
    Time,
    /// True or false.
    Flag,
    /// The same, also in the words that Ansible takes.
    Switch,
    /// One of these words.
    Words(&'static [&'static str]),
    /// A list of names; one name may stand by itself.
    Names,
    /// Server variables by name.
    Settings,
    /// Databases that shall exist.
    Databases,
    /// Rules for `drift`.
    Rules,
}

/// Variables that belong together: one line of the reference.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The names, each with what it may hold.
    pub names: &'static [(&'static str, Form)],
    /// The default, in Markdown.
    pub default: &'static str,
    /// What it is for, in Markdown.
    pub text: &'static str,
}

const fn row(names: &'static [(&'static str, Form)], default: &'static str, text: &'static str) -> Row {
    Row { names, default, text }
}

/// Keys of an item of `mysql_databases`, and what they are.
pub const DATABASE: [(&str, &str); 5] = [
    ("name", "the database"),
    ("character_set", "its default character set, if it matters"),
    ("collation", "its default collation, if it matters"),
    ("encoding", "the same as character_set, by the name that Ansible's modules have for it"),
    ("state", "present, as other roles write it; no database is ever dropped"),
];

const PORT: Form = Form::Number(1, 65_535);
const TLS: Form = Form::Words(Tls::WORDS);

/// tandem's own variables, in the order of the reference.
pub const OWN: &[Row] = &[
    row(
        &[("replication_user", Form::Text), ("replication_password", Form::Secret)],
        "`repl_user`, required",
        "the account `user@peer-address` on each source; it has no limits and its password does not expire",
    ),
    row(&[("replication_address", Form::Text)], "`ansible_host`", "where the peers reach this host"),
    row(&[("replication_tls", TLS)], "`required`", "`off`, `required`, `verify_ca`, `verify_identity`"),
    row(
        &[("replication_tls_ca", Form::Path)],
        "`/etc/mysql/tandem/ca.pem`",
        "the authority's file on a replica that verifies",
    ),
    row(
        &[("replication_account_host", Form::Text)],
        "the peer's address",
        "one account for several peers, such as `%` or `10.0.0.%`",
    ),
    row(
        &[
            ("replication_account_user", Form::Text),
            ("replication_account_tls", TLS),
            ("replication_account_privileges", Form::Names),
        ],
        "as the channels have it, `[REPLICATION SLAVE]`",
        "where the account on a source differs",
    ),
    row(&[("replication_positioning", Form::Words(Positioning::WORDS))], "`gtid`", "`gtid` or `file`"),
    row(
        &[("replication_semi_sync", Form::Flag)],
        "false",
        "a commit waits until a replica has received it; on MySQL with its plugins, which takes a restart",
    ),
    row(
        &[("replication_parallel_workers", Form::Number(0, 1024))],
        "the server's own",
        "threads that apply what a replica receives, in the order of the source's commits; 0 for one after the other",
    ),
    row(&[("tls_directory", Form::Text)], "`tls`", "the authority's directory, beside the inventory"),
    row(&[("server_id", Form::Number(1, 4_294_967_295))], "the host's own if unique, else assigned", ""),
    row(
        &[("gtid_domain_id", Form::Number(0, 4_294_967_295))],
        "the `server_id`, where there are several writers",
        "MariaDB: the domain of what is written on this host",
    ),
    row(
        &[("mysql_settings", Form::Settings)],
        "`{}`",
        "any server variable; `null` leaves one as it is, whatever a role wishes",
    ),
    row(
        &[("mysql_option_file_holds", Form::Words(OptionFileHolds::WORDS))],
        "`everything`",
        "`what_is_missing`: tandem's option file holds only what the server's other files and built-in values do not give",
    ),
    row(
        &[
            ("mysql_log_bin", Form::Text),
            ("mysql_binlog_format", Form::Words(&["ROW", "MIXED", "STATEMENT"])),
            ("mysql_relay_log", Form::Text),
            ("mysql_bind_address", Form::Text),
        ],
        "`mysql-bin` (MySQL: `binlog`), `ROW`, `mysqld-relay-bin`, `*`",
        "",
    ),
    row(
        &[("binlog_databases", Form::Names), ("binlog_ignore_databases", Form::Names)],
        "`[]`",
        "what the binary log holds",
    ),
    row(
        &[
            ("replicate_databases", Form::Names),
            ("replicate_ignore_databases", Form::Names),
            ("replicate_wild_tables", Form::Names),
            ("replicate_wild_ignore_tables", Form::Names),
        ],
        "`[]`",
        "what a replica applies",
    ),
    row(
        &[("auto_increment_increment", Form::Number(1, 65_535))],
        "10, or the number of writers if more",
        "where there are several writers; offsets follow",
    ),
    row(
        &[("auto_increment_offset", Form::Number(1, 65_535))],
        "the writer's number, from 1",
        "at which number this writer begins to count",
    ),
    row(
        &[("mysql_databases", Form::Databases)],
        "`[]`",
        "databases that shall exist: `{name, character_set, collation}`, or Ansible's `encoding`; `state` may be `present`",
    ),
    row(
        &[
            ("seed_method", Form::Words(SeedMethod::WORDS)),
            ("seed_databases", Form::Names),
            ("seed_accounts", Form::Flag),
        ],
        "`auto`, all, true",
        "the copy for an empty replica: `auto` (the same as `logical`), `logical`, `physical`, `clone`, `none`. See [below](#how-the-data-is-copied)",
    ),
    row(
        &[("seed_path", Form::Words(SeedPath::WORDS))],
        "`auto`",
        "the way of a copy's bytes: `direct`, straight from host to host; `relay`, through the controller; `auto`, the first where it is possible and worth it. See [below](#the-way-of-the-bytes)",
    ),
    row(
        &[("seed_position", Form::Text)],
        "none",
        "with `seed_method: none`: the place in the source's binary log at which data stands that was loaded by hand, as `FILE:POSITION` or GTIDs. See [below](#data-that-was-loaded-by-hand)",
    ),
    row(
        &[("firewall_backend", Form::Words(FirewallChoice::WORDS))],
        "`auto`",
        "`nftables`, `iptables`, `firewalld`, `ufw`, `none`",
    ),
    row(
        &[("firewall_deny_others", Form::Flag), ("firewall_allow", Form::Names)],
        "false, `[]`",
        "shut all others out of the port, but for these networks",
    ),
    row(
        &[("mysql_server_install", Form::Flag)],
        "false",
        "the built-in playbooks begin with the role `server`. See [below](#a-server-where-none-is)",
    ),
    row(
        &[("mysql_server_package", Form::Text), ("mysql_server_version", Form::Text)],
        "`mariadb-server`, the newest that is offered",
        "what the role `server` installs; a version or its beginning, in quotes: `\"10.11\"`",
    ),
    row(
        &[("mysql_server_start", Form::Flag), ("mysql_server_secure", Form::Flag)],
        "true, true",
        "it runs and starts at boot; what its installation leaves open is closed",
    ),
    row(
        &[("restart_wait", Form::Time)],
        "`10min`",
        "how long a restarted server may take until it answers; then its old option file is put back",
    ),
    row(
        &[("boot_read_only", Form::Flag)],
        "true where one host is written to",
        "a host comes up read-only and is opened only if it is the recorded writer and no peer \
         that answers is open. See \
         [below](#a-host-that-starts)",
    ),
    row(
        &[("switchover_wait", Form::Time), ("switchover_limit", Form::Time)],
        "`60s`, `2s`",
        "how long a switchover waits for long writes to end; how long writes may wait for it",
    ),
    row(
        &[("restart_primary", Form::Words(RestartPrimary::WORDS))],
        "`switchover` where a replica can take the writes, else `in_place`",
        "how the one server that clients write to is restarted: `switchover` lets a replica take the writes meanwhile",
    ),
    row(
        &[("heartbeat_interval", Form::Number(1, 3600))],
        "1",
        "seconds between two stamps of the role `heartbeat`",
    ),
    row(&[("drift_ignore", Form::Rules)], "`[]`", "what `drift` leaves out: `{what, reason, until}`"),
    row(
        &[
            ("mysql_port", PORT),
            ("mysql_socket", Form::Path),
            ("mysql_service", Form::Unit),
            ("mysql_option_file", Form::Path),
        ],
        "read from the host",
        "",
    ),
    row(
        &[("mysql_admin_user", Form::Text), ("mysql_admin_password", Form::Secret)],
        "the socket account of root",
        "",
    ),
];

/// Ansible's variables that are heeded, or known and left alone.
pub const ANSIBLE: &[Row] = &[
    row(
        &[("ansible_host", Form::Text), ("ansible_ssh_host", Form::Text)],
        "the host's name",
        "address or ssh alias",
    ),
    row(&[("ansible_port", PORT), ("ansible_ssh_port", PORT)], "ssh's own", "port of sshd"),
    row(&[("ansible_user", Form::Text), ("ansible_ssh_user", Form::Text)], "ssh's own", "user to log in as"),
    row(
        &[("ansible_password", Form::Secret), ("ansible_ssh_pass", Form::Secret)],
        "",
        "password of that user",
    ),
    row(&[("ansible_ssh_private_key_file", Form::Text)], "ssh's own", "key to log in with"),
    row(
        &[("ansible_ssh_common_args", Form::Text), ("ansible_ssh_extra_args", Form::Text)],
        "",
        "more arguments of ssh",
    ),
    row(&[("ansible_become", Form::Switch), ("ansible_become_user", Form::Text)], "false, `root`", "sudo"),
    row(
        &[("ansible_become_password", Form::Secret), ("ansible_become_pass", Form::Secret)],
        "",
        "password that sudo asks for",
    ),
    row(
        &[
            ("ansible_become_method", Form::Text),
            ("ansible_connection", Form::Text),
            ("ansible_python_interpreter", Form::Text),
        ],
        "",
        "known, and not used",
    ),
];

/// Every name with its form and its line.
pub fn all() -> impl Iterator<Item = (&'static str, Form, &'static Row)> {
    OWN.iter().chain(ANSIBLE).flat_map(|row| row.names.iter().map(move |(name, form)| (*name, *form, row)))
}

/// Whether this program reads a variable of this name.
pub fn is_known(name: &str) -> bool {
    all().any(|(known, ..)| known == name)
}

/// Whether a variable of this name holds a secret, whatever its value is.
pub fn is_secret_name(name: &str) -> bool {
    all().any(|(known, form, _)| known == name && form == Form::Secret)
}

/// Whether a name speaks of a secret: one of ours, or one of another role that lies in the same files.
pub fn looks_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    is_secret_name(name)
        || ["password", "passwd", "passphrase", "secret", "token"].iter().any(|part| lower.ends_with(part))
        || lower.ends_with("_pass")
}

/// Whether a text is a word that some variable takes: no secret, and part of every second sentence.
pub fn is_common(text: &str) -> bool {
    let word = |form| matches!(form, Form::Words(words) if words.contains(&text));
    matches!(text, "root" | "true" | "false") || all().any(|(_, form, _)| word(form))
}

/// The table of the reference.
pub fn table() -> String {
    let mut text = String::from("| variable | default | |\n|---|---|---|\n");
    for row in OWN {
        let names: Vec<String> = row.names.iter().map(|(name, _)| format!("`{name}`")).collect();
        text.push_str(
            &format!("| {} | {} | {} |\n", names.join(", "), row.default, row.text).replace("|  |", "| |"),
        );
    }
    text
}
