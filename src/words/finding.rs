//! What is worth knowing and changes nothing.

use super::{
    Message, end, errant, few,
    pair::{both, cannot_follow},
};
use crate::{
    model::{HostName, visible},
    plan::{
        AuthorityFinding, Finding, Judged, NameFinding, PairFinding, RowsFinding, SampledTable,
        ServerFinding, SourceFinding, Undeclared, Warning, WritersFinding,
    },
    role_unit::Lack,
};

/// What a person should know, and what may come of it.
pub(crate) fn finding(warning: &Warning) -> Message {
    let host = &warning.host;
    Message::plain(match &warning.what {
        Finding::Pair { with, what } => {
            let (first, second) = (host.min(with), host.max(with));
            format!("{first} and {second}: {}", of_pair(what))
        }
        Finding::Source(what) => format!("{host}: {}", of_source(what)),
        Finding::Undeclared(what) => undeclared(host, what),
        Finding::Writers(what) => writers(host, what),
        Finding::Events(what) => super::takeover::events(host, what),
        Finding::Lost(what) => super::takeover::found(host, what),
        Finding::Server(what) => of_server(host, what),
        Finding::Name(what) => of_name(host, what),
        Finding::Authority(what) => of_authority(what),
        Finding::Errant(found) => {
            return Message { reason: errant::cause(found), details: errant::details(found) };
        }
        Finding::Rows(RowsFinding::Differ { source, tables }) => format!(
            "rows of {source} and {host} differ in {}. `tandem verify` names them.",
            tables.iter().map(sampled).collect::<Vec<_>>().join("; ")
        ),
        Finding::Rows(RowsFinding::NotCompared { source, why }) => {
            format!("rows could not be compared with {source}: {why}")
        }
    })
}

fn sampled(found: &SampledTable) -> String {
    let after = found.after.as_ref().map(|key| format!(" behind the key {}", key.join(", ")));
    format!("{}, among {} rows{}", found.table, found.rows, after.unwrap_or_default())
}

/// How many hosts accept writes where one is declared to.
fn writers(declared: &HostName, what: &WritersFinding) -> String {
    match what {
        WritersFinding::None => {
            format!("no host accepts writes; clients are declared to write to {declared}.")
        }
        WritersFinding::Other { open, read } => super::fault::other_writer(open, declared, *read),
        WritersFinding::Several { writers, undeclared } => {
            let names =
                |hosts: &[HostName]| hosts.iter().map(HostName::as_str).collect::<Vec<_>>().join(" and ");
            let closes = match (undeclared.as_slice(), writers.contains(declared)) {
                ([], true) => {
                    "`tandem apply` closes the others, whatever else it refuses; by hand: SET GLOBAL read_only = ON."
                        .to_owned()
                }
                ([], false) => {
                    "`tandem apply` closes the others, unless something is refused; by hand: SET GLOBAL read_only = ON."
                        .to_owned()
                }
                (hosts, _) => format!(
                    "Nothing is declared of read_only of {}: run SET GLOBAL read_only = ON there, or take \
                     `read_only: null` out.",
                    names(hosts)
                ),
            };
            format!(
                "{} hosts accept writes, {}; clients are declared to write to {declared} alone. {closes}",
                writers.len(),
                names(writers)
            )
        }
    }
}

fn of_pair(what: &PairFinding) -> String {
    match what {
        PairFinding::OlderReplica(why) => {
            format!("{}. The channel exists, so it is left as it is.", cannot_follow(*why))
        }
        PairFinding::SqlMode { words } => {
            format!("sql_mode differs in {}; clients meet other rules after a switch.", few(words))
        }
        PairFinding::ServerCollation { values } => format!(
            "{}; databases made after a switch get another default.",
            both("collation_server", values)
        ),
        PairFinding::TimeZoneNames { lacks } => format!(
            "{lacks} has no named time zones; a session that uses one stops the channel (mysql_tzinfo_to_sql loads them)."
        ),
        PairFinding::TimeZone { variable, values } => {
            format!("{}; the same TIMESTAMP is shown differently.", both(variable, values))
        }
        PairFinding::Clocks { apart } => {
            format!("their clocks are {apart} seconds apart; let NTP set them.")
        }
        PairFinding::PacketSize { source, largest, replica, variable, limit } => format!(
            "{source} takes packets of {largest} bytes and {replica} only events of {limit}; raise {variable} on {replica}."
        ),
        PairFinding::PageSize { source, source_bytes, replica, replica_bytes } => format!(
            "innodb_page_size is {source_bytes} on {source} and {replica_bytes} on {replica}; a long row or key does not fit there."
        ),
        PairFinding::DatabaseFilter { filters, format, judged } => database_filter(filters, format, *judged),
    }
}

fn database_filter(filters: &[(&'static str, HostName)], format: &str, judged: Judged) -> String {
    let names: Vec<String> = filters.iter().map(|(option, host)| format!("{option} on {host}")).collect();
    let judged = match judged {
        Judged::Rows => {
            "rows are judged by their table's database, but CREATE, ALTER and DROP by the session's default database"
        }
        Judged::Mixed => {
            "what is logged as rows is judged by its table's database, every statement by the session's default database"
        }
        Judged::Statements => {
            "every statement is judged by the session's default database, whatever tables it names"
        }
    };
    format!(
        "{}: under binlog_format {format} {judged}. A wild table filter judges both by the table.",
        names.join(", ")
    )
}

fn of_source(what: &SourceFinding) -> String {
    match what {
        SourceFinding::StatementFormat => {
            "binlog_format is STATEMENT; a statement that is not deterministic makes the replicas differ."
                .to_owned()
        }
        SourceFinding::RowImage { image } => {
            format!("binlog_row_image is {image}; with several writers a conflict goes unseen.")
        }
        SourceFinding::NoPrimaryKey { tables } => format!(
            "no primary key: {}; a replica reads such a table whole for every row that changes.",
            few(tables)
        ),
    }
}

fn undeclared(host: &HostName, what: &Undeclared) -> String {
    match what {
        Undeclared::Channel { end, name, ending: [stop, drop] } => {
            let channel = match name.is_empty() {
                true => String::new(),
                false => format!(" on the channel {}", visible(name)),
            };
            format!(
                "{host} replicates from {}{channel}, which nobody declared. --allow drop-channel ends it: {stop}; {drop};",
                end::at(end)
            )
        }
        Undeclared::Account { user, at } => format!(
            "{host} has the account {}, and no replica that is declared comes from there; --allow drop-account drops it.",
            visible(&format!("{user}@{at}"))
        ),
        Undeclared::Replica { id, at } => {
            let at = at.as_ref().map(|at| format!(" at {}", visible(at))).unwrap_or_default();
            format!("a server with server_id {id}{at} replicates from {host}, which nobody declared.")
        }
        Undeclared::ReplicasUnread { why } => {
            format!("which replicas are connected to {host} could not be read: {why}.")
        }
    }
}

fn of_server(host: &HostName, what: &ServerFinding) -> String {
    match what {
        ServerFinding::HalfInstalled { package, status } => format!(
            "{host} runs, and its package {package} is {status}: `dpkg --configure -a` there finishes it, and may restart \
             the server."
        ),
        ServerFinding::OtherVersion { declared, runs } => format!(
            "{host} runs {runs}, and mysql_server_version is {declared}: it counts for an installation, and a server that \
             lives is neither up- nor downgraded."
        ),
        ServerFinding::RemoteRoot { accounts } => {
            let names: Vec<String> = accounts.iter().map(|(user, at)| format!("'{user}'@'{at}'")).collect();
            format!("{host} has {}, and no root@localhost that would be left without it.", names.join(", "))
        }
        ServerFinding::OptionReadOtherwise { name, ours, server } => {
            let (ours, server) = super::setting::read_by_both(ours.as_ref(), server.as_ref());
            format!(
                "out of the option files of {host} the server reads {server} for {}, and tandem reads {ours}; nothing is \
                 planned on it.",
                visible(name)
            )
        }
        ServerFinding::OptionsUnasked { why } => {
            format!("the server of {host} could not be asked how it reads its option files: {why}.")
        }
        ServerFinding::FileIgnored { path } => format!(
            "the server of {host} leaves out {0}, since every user may write to it; take that away and it counts: chmod o-w {0}",
            visible(path)
        ),
        ServerFinding::WouldNotStart { said, at } => {
            let at = super::setting::at_line(at.as_ref());
            format!("the server of {host} runs, and would not start again with its option files: {said}{at}.")
        }
        ServerFinding::StartsClosed { lack } => {
            let why = match lack {
                Lack::Systemd => "systemd does not run its services",
                Lack::ServerUnit => "its server was not started by a unit of systemd",
                Lack::Role => "no role of this playbook declares the unit that would (`role_unit`)",
                Lack::Client => "it has no client program (mariadb or mysql) to ask the other hosts with",
            };
            format!("{host} starts read-only, and nothing opens it then but `tandem apply`: {why}.")
        }
        ServerFinding::TestDatabase { tables } => {
            let tables = if *tables == 1 { "1 table".to_owned() } else { format!("{tables} tables") };
            format!("{host} has a database test with {tables} in it: it stays.")
        }
    }
}

fn of_name(host: &HostName, what: &NameFinding) -> String {
    let hint = |near: &Option<String>| {
        near.as_ref().map_or(".".to_owned(), |near| format!("; did you mean {near}?"))
    };
    match what {
        NameFinding::Seed { source, name, near } => {
            format!("seed_databases names {name}, which {source} does not have{}", hint(near))
        }
        NameFinding::Filter { variable, source, name, near } => format!(
            "{} of {host} names {name}, which {source} does not have{}",
            variable.unwrap_or("the filter of a channel"),
            hint(near)
        ),
    }
}

fn of_authority(what: &AuthorityFinding) -> String {
    let (directory, end, verb) = match what {
        AuthorityFinding::EndsSoon { directory, end, ended: true } => (directory, end, "ended"),
        AuthorityFinding::EndsSoon { directory, end, .. } | AuthorityFinding::Ends { directory, end } => {
            (directory, end, "ends")
        }
    };
    let day = jiff::Timestamp::from_second(*end).map(|t| t.strftime("%Y-%m-%d").to_string());
    format!(
        "the authority in {directory} {verb} on {}, and with it every certificate by it. Renew it: tandem apply --allow \
         new-authority",
        day.unwrap_or_default()
    )
}
