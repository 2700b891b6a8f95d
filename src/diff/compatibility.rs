//! What may go wrong between a source and its replica because the two are not alike: found before any change.
//!
//! A rule looks at what both servers will run with once the plan is done: the wish where there is one, else
//! the running value. What would break replication is refused; what a person should know is a warning, and
//! is said once for two hosts, whichever way their channels go.

use std::collections::BTreeSet;

use super::{Context, Draft};
use crate::{
    desired::{ChannelWish, DesiredHost},
    dialect::Dialect,
    model::{Fact, visible},
    observe::{HostFacts, SchemaFacts, ServerFacts},
    option_file::{canonical_value, same_value},
    plan::{PairRefused, Refused, Warning},
};

/// Names that are said at most.
const NAMES: usize = 5;
/// Seconds by which two clocks may differ. Reading them takes a moment too.
const SKEW: f64 = 5.0;

/// One server of an edge.
struct End<'a> {
    host: &'a DesiredHost,
    facts: &'a HostFacts,
    server: &'a ServerFacts,
}

impl<'a> End<'a> {
    fn of(context: &Context<'a>, name: &crate::model::HostName) -> Option<Self> {
        let facts = context.observed.get(name).and_then(Fact::known)?;
        Some(End { host: context.desired.hosts.get(name)?, facts, server: facts.server.known()? })
    }

    /// A variable's value once the plan is done.
    fn will(&self, name: &str) -> Option<String> {
        let wish = self.host.settings.iter().flatten().rfind(|w| w.name == name && !w.values.is_empty());
        match wish {
            Some(wish) => wish.values.last().cloned(),
            // These are options; the binary log's own status names them.
            None if name == "binlog_do_db" => self.server.binlog.known().map(|b| b.do_db.join(",")),
            None if name == "binlog_ignore_db" => self.server.binlog.known().map(|b| b.ignore_db.join(",")),
            None => self.server.variable(name).map(str::to_owned),
        }
    }

    fn number(&self, name: &str) -> Option<u64> {
        canonical_value(name, &self.will(name)?).parse().ok()
    }

    fn schema(&self) -> Option<&SchemaFacts> {
        self.server.schema.known()
    }
}

/// One source and one replica of it.
struct Edge<'a> {
    source: End<'a>,
    replica: End<'a>,
    /// Whether there are other writers beside the source.
    writers: bool,
}

/// What a rule has found.
enum Finding {
    /// Replication would break, or lose something.
    Refuse(PairRefused),
    /// The two hosts differ in something that matters at times.
    Differ(&'static str, String),
    /// One host has something that replication takes badly.
    Mind(&'static str, String),
}

/// Adds what the rules find on every edge of the topology.
pub fn check(context: &Context<'_>, draft: &mut Draft) {
    let mut warnings: BTreeSet<Warning> = BTreeSet::new();
    let sources: BTreeSet<_> =
        context.desired.hosts.values().flat_map(|h| h.channels.iter().map(|c| &c.source)).collect();
    let writers = sources
        .iter()
        .filter(|s| context.desired.hosts.get(**s).is_some_and(|h| !h.channels.is_empty()))
        .count()
        > 1;
    for name in &context.desired.members {
        let Some(host) = context.desired.hosts.get(name) else { continue };
        for wish in &host.channels {
            let ends = End::of(context, &wish.source).zip(End::of(context, name));
            let Some((source, replica)) = ends else { continue };
            let edge = Edge { source, replica, writers };
            for finding in
                versions(&edge, wish).into_iter().chain(RULES.iter().filter_map(|rule| rule(&edge)))
            {
                report(&edge, finding, draft, &mut warnings);
            }
        }
    }
    draft.warnings.extend(warnings);
}

fn report(edge: &Edge<'_>, finding: Finding, draft: &mut Draft, warnings: &mut BTreeSet<Warning>) {
    let (source, replica) = (&edge.source.host.name, &edge.replica.host.name);
    let (host, code, text) = match finding {
        Finding::Refuse(why) => {
            draft.refuse(replica, Refused::Pair { source: source.clone(), why });
            draft.barred.extend([replica.clone(), source.clone()]);
            return;
        }
        Finding::Differ(code, why) => {
            (source.min(replica), code, format!("{} and {}: {why}", source.min(replica), source.max(replica)))
        }
        Finding::Mind(code, why) => (source, code, format!("{source}: {why}")),
    };
    warnings.insert(Warning { host: host.clone(), code: code.to_owned(), text });
}

/// A channel that exists already shows that it can: it is only warned of, as in the middle of an upgrade.
fn versions(edge: &Edge<'_>, wish: &ChannelWish) -> Option<Finding> {
    let (source, replica) = (edge.source.server, edge.replica.server);
    let why = Dialect::of(replica.version).cannot_follow(Dialect::of(source.version))?;
    let exists = replica.channels.known().is_some_and(|list| {
        list.iter().any(|c| c.name == wish.name && c.source_host == wish.endpoint.address)
    });
    Some(match exists && source.version.family == replica.version.family {
        true => {
            let why = crate::render::words::cannot_follow(why);
            Finding::Differ("older-replica", format!("{why}. The channel exists, so it is left as it is."))
        }
        false => Finding::Refuse(PairRefused::Versions(why)),
    })
}

type Rule = fn(&Edge<'_>) -> Option<Finding>;

const RULES: &[Rule] = &[
    lower_case_table_names,
    unknown_collations,
    sql_mode,
    server_collation,
    time_zones,
    clocks,
    statement_format,
    row_image,
    packets,
    keyless_tables,
    page_size,
    database_filters,
];

/// Both values where a variable differs.
fn differ(edge: &Edge<'_>, name: &str) -> Option<(String, String)> {
    let (theirs, ours) = (edge.source.will(name)?, edge.replica.will(name)?);
    (!same_value(name, &theirs, &ours)).then_some((theirs, ours))
}

fn both(edge: &Edge<'_>, name: &str, (theirs, ours): &(String, String)) -> String {
    let mut list = [(&edge.source.host.name, theirs.as_str()), (&edge.replica.host.name, ours.as_str())];
    list.sort();
    let one = |(host, value): (&crate::model::HostName, &str)| {
        format!("{} on {host}", if value.is_empty() { "empty" } else { value })
    };
    format!("{name} is {} and {}", one(list[0]), one(list[1]))
}

/// A name in another case is another table on one of the two (MySQL manual, "Identifier Case Sensitivity").
fn lower_case_table_names(edge: &Edge<'_>) -> Option<Finding> {
    const NAME: &str = "lower_case_table_names";
    let (theirs, ours) = differ(edge, NAME)?;
    let values = [(edge.source.host.name.clone(), theirs), (edge.replica.host.name.clone(), ours)];
    Some(Finding::Refuse(PairRefused::TableNames { values }))
}

/// A table in a collation that the replica lacks can't be made there (error 1273).
fn unknown_collations(edge: &Edge<'_>) -> Option<Finding> {
    let (theirs, ours) = (edge.source.schema()?, edge.replica.schema()?);
    // MariaDB 10.6 and MySQL 8.0.30 call the three-byte set utf8mb3, and both take the old name where a table is made.
    let known = |name: &str| match name.strip_prefix("utf8_") {
        Some(rest) => ours.collations.contains(name) || ours.collations.contains(&format!("utf8mb3_{rest}")),
        None => ours.collations.contains(name),
    };
    let names: Vec<String> = theirs.used.iter().filter(|name| !known(name)).cloned().collect();
    let version = edge.replica.server.version;
    (!names.is_empty() && !ours.collations.is_empty())
        .then_some(Finding::Refuse(PairRefused::Collation { names, version }))
}

/// Sessions get other defaults, roundings and errors after a switch from one to the other.
fn sql_mode(edge: &Edge<'_>) -> Option<Finding> {
    let words = |end: &End<'_>| -> Option<BTreeSet<String>> {
        let value = end.will("sql_mode")?;
        Some(value.split(',').map(|w| w.trim().to_ascii_uppercase()).filter(|w| !w.is_empty()).collect())
    };
    let (theirs, ours) = (words(&edge.source)?, words(&edge.replica)?);
    let only: Vec<&str> = theirs.symmetric_difference(&ours).map(String::as_str).collect();
    (!only.is_empty()).then(|| {
        let why = format!("sql_mode differs in {}; clients meet other rules after a switch.", some(&only));
        Finding::Differ("sql-mode", why)
    })
}

/// A database without a collation of its own gets the server's.
fn server_collation(edge: &Edge<'_>) -> Option<Finding> {
    let values = differ(edge, "collation_server")?;
    let why = format!(
        "{}; databases made after a switch get another default.",
        both(edge, "collation_server", &values)
    );
    Some(Finding::Differ("server-collation", why))
}

/// Events carry the session's time zone: `SYSTEM` means the replica's own, and a name must be known there
/// (error 1298; MySQL manual, "Replication and Time Zones").
fn time_zones(edge: &Edge<'_>) -> Option<Finding> {
    if let (Some(theirs), Some(ours)) = (edge.source.schema(), edge.replica.schema())
        && theirs.time_zones > 0
        && ours.time_zones == 0
    {
        let replica = &edge.replica.host.name;
        let why = format!(
            "{replica} has no named time zones; a session that uses one stops the channel (mysql_tzinfo_to_sql loads them)."
        );
        return Some(Finding::Differ("time-zone-names", why));
    }
    let name = match differ(edge, "time_zone") {
        Some(_) => "time_zone",
        None if edge.source.will("time_zone").as_deref() == Some("SYSTEM") => "system_time_zone",
        None => return None,
    };
    let values = differ(edge, name)?;
    let why = format!("{}; the same TIMESTAMP is shown differently.", both(edge, name, &values));
    Some(Finding::Differ("time-zone", why))
}

/// Certificates, `NOW()` in statements and the lag in seconds all go by the clock.
fn clocks(edge: &Edge<'_>) -> Option<Finding> {
    let (theirs, ours) = (edge.source.facts.os.ahead?, edge.replica.facts.os.ahead?);
    let apart = (theirs - ours).abs();
    (apart > SKEW).then(|| {
        Finding::Differ("clocks", format!("their clocks are {apart:.0} seconds apart; let NTP set them."))
    })
}

/// Statements that are not deterministic give other rows on the replica.
fn statement_format(edge: &Edge<'_>) -> Option<Finding> {
    let format = edge.source.will("binlog_format")?;
    format.eq_ignore_ascii_case("STATEMENT").then(|| {
        Finding::Mind(
            "statement-format",
            "binlog_format is STATEMENT; a statement that is not deterministic makes the replicas differ."
                .into(),
        )
    })
}

/// With several writers a row is found by its whole image before it is changed; less hides a conflict.
fn row_image(edge: &Edge<'_>) -> Option<Finding> {
    let image = edge.source.will("binlog_row_image")?;
    (edge.writers && !image.eq_ignore_ascii_case("FULL")).then(|| {
        let why = format!("binlog_row_image is {image}; with several writers a conflict goes unseen.");
        Finding::Mind("row-image", why)
    })
}

/// An event larger than the replica takes stops the channel (error 1153 or 1236).
fn packets(edge: &Edge<'_>) -> Option<Finding> {
    let largest = edge.source.number("max_allowed_packet")?;
    let takes = ["replica_max_allowed_packet", "slave_max_allowed_packet"];
    let (name, limit) = takes.iter().find_map(|name| Some((*name, edge.replica.number(name)?)))?;
    (limit < largest).then(|| {
        let (source, replica) = (&edge.source.host.name, &edge.replica.host.name);
        let why = format!(
            "{source} takes packets of {largest} bytes and {replica} only events of {limit}; raise {name} on {replica}."
        );
        Finding::Differ("packet-size", why)
    })
}

/// For each changed row of such a table a replica reads the whole table.
fn keyless_tables(edge: &Edge<'_>) -> Option<Finding> {
    let keyless = &edge.source.schema()?.keyless;
    (!keyless.is_empty()).then(|| {
        let names: Vec<&str> = keyless.iter().map(String::as_str).collect();
        let why = format!(
            "no primary key: {}; a replica reads such a table whole for every row that changes.",
            some(&names)
        );
        Finding::Mind("no-primary-key", why)
    })
}

/// Filters by database judge a statement by the session's default database; only rows are judged by their
/// table's (MySQL manual, "How Servers Evaluate Replication Filtering Rules").
fn database_filters(edge: &Edge<'_>) -> Option<Finding> {
    let has =
        |end: &End<'_>, name: &'static str| end.will(name).is_some_and(|v| !v.is_empty()).then_some(name);
    let on_source = ["binlog_do_db", "binlog_ignore_db"].into_iter().filter_map(|n| has(&edge.source, n));
    let on_replica =
        ["replicate_do_db", "replicate_ignore_db"].into_iter().filter_map(|n| has(&edge.replica, n));
    let names: Vec<String> = on_source
        .map(|n| format!("{n} on {}", edge.source.host.name))
        .chain(on_replica.map(|n| format!("{n} on {}", edge.replica.host.name)))
        .collect();
    let format = edge.source.will("binlog_format").unwrap_or_default().to_ascii_uppercase();
    let judged = match format.as_str() {
        "ROW" => {
            "rows are judged by their table's database, but CREATE, ALTER and DROP by the session's default database"
        }
        "MIXED" => {
            "what is logged as rows is judged by its table's database, every statement by the session's default database"
        }
        _ => "every statement is judged by the session's default database, whatever tables it names",
    };
    (!names.is_empty()).then(|| {
        let why = format!(
            "{}: under binlog_format {format} {judged}. A wild table filter judges both by the table.",
            names.join(", ")
        );
        Finding::Differ("database-filter", why)
    })
}

/// The longest row and key depend on it.
fn page_size(edge: &Edge<'_>) -> Option<Finding> {
    let (theirs, ours) = (edge.source.number("innodb_page_size")?, edge.replica.number("innodb_page_size")?);
    (theirs > ours).then(|| {
        let why = format!(
            "innodb_page_size is {theirs} on {} and {ours} on {}; a long row or key does not fit there.",
            edge.source.host.name, edge.replica.host.name
        );
        Finding::Differ("page-size", why)
    })
}

/// The first few of a list, and how many more there are.
fn some(names: &[&str]) -> String {
    let first: Vec<String> = names.iter().take(NAMES).map(|n| visible(n)).collect();
    match names.len().saturating_sub(NAMES) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
