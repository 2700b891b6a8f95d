//! What may go wrong between a source and its replica because the two are not alike: found before any change.
//!
//! A rule looks at what both servers will run with once the plan is done: the wish where there is one, else
//! the running value. What would break replication is refused; what a person should know is a warning, and
//! is said once for two hosts, whichever way their channels go.

use std::collections::BTreeSet;

use super::{
    Context, Draft,
    pair::{will, will_number},
};
use crate::{
    desired::{DesiredChannel, DesiredHost},
    dialect::{Dialect, Gap},
    model::{Fact, HostName, limits},
    observe::{HostFacts, SchemaFacts, ServerFacts},
    option_file::same_value,
    plan::{Finding, Judged, OnBoth, PairFinding, PairRefused, Refused, SourceFinding, Warning},
};

/// One server of an edge.
struct End<'a> {
    host: &'a DesiredHost,
    facts: &'a HostFacts,
    server: &'a ServerFacts,
}

impl<'a> End<'a> {
    fn of(context: &Context<'a>, name: &HostName) -> Option<Self> {
        let facts = context.observed.get(name).and_then(Fact::known)?;
        Some(End { host: context.desired.hosts.get(name)?, facts, server: facts.server.known()? })
    }

    /// A variable's value once the plan is done.
    fn will(&self, name: &str) -> Option<String> {
        // These are options; the binary log's own status names them.
        let declared = || self.host.settings.iter().flatten().any(|w| w.name == name && !w.values.is_empty());
        match name {
            "binlog_do_db" if !declared() => self.server.binlog.known().map(|b| b.do_db.join(",")),
            "binlog_ignore_db" if !declared() => self.server.binlog.known().map(|b| b.ignore_db.join(",")),
            _ => will(self.host, self.server, name),
        }
    }

    fn number(&self, name: &str) -> Option<u64> {
        will_number(self.host, self.server, name)
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
enum Found {
    /// Replication would break, or lose something.
    Refuse(PairRefused),
    /// The two hosts differ in something that matters at times.
    Pair(PairFinding),
    /// The source has something that replication takes badly.
    Source(SourceFinding),
}

/// Adds what the rules find on every edge of the topology.
pub(super) fn check(context: &Context<'_>, draft: &mut Draft) {
    let mut warnings: Vec<Warning> = Vec::new();
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
    warnings.sort_by(|a, b| (&a.host, a.what.code()).cmp(&(&b.host, b.what.code())));
    draft.warnings.extend(warnings);
}

fn report(edge: &Edge<'_>, found: Found, draft: &mut Draft, warnings: &mut Vec<Warning>) {
    let (source, replica) = (&edge.source.host.name, &edge.replica.host.name);
    let (host, what) = match found {
        Found::Refuse(why) => {
            draft.refuse(replica, Refused::Pair { source: source.clone(), why });
            draft.blocked.extend([replica.clone(), source.clone()]);
            return;
        }
        Found::Pair(what) => (source.min(replica), Finding::Pair { with: source.max(replica).clone(), what }),
        Found::Source(what) => (source, what.into()),
    };
    let warning = Warning { host: host.clone(), what };
    // It is said once for two hosts, whichever way their channels go.
    if !warnings.contains(&warning) {
        warnings.push(warning);
    }
}

/// A channel that exists already shows that it can: it is only warned of, as in the middle of an upgrade.
fn versions(edge: &Edge<'_>, wish: &DesiredChannel) -> Option<Found> {
    let (source, replica) = (edge.source.server, edge.replica.server);
    let why = Dialect::of(replica.version).cannot_follow(Dialect::of(source.version))?;
    let exists = replica.channels.known().is_some_and(|list| {
        list.iter().any(|c| c.name == wish.name && c.source_host == wish.endpoint.address)
    });
    Some(match exists && !matches!(why.gap, Gap::Family | Gap::FamilyByHand) {
        true => Found::Pair(PairFinding::OlderReplica(why)),
        false => Found::Refuse(PairRefused::Versions(why)),
    })
}

type Rule = fn(&Edge<'_>) -> Option<Found>;

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

/// Both values where a variable differs, in the order of the hosts' names.
fn differ(edge: &Edge<'_>, name: &str) -> Option<OnBoth> {
    let (of_source, of_replica) = (edge.source.will(name)?, edge.replica.will(name)?);
    (!same_value(name, &of_source, &of_replica)).then(|| {
        let mut values =
            [(edge.source.host.name.clone(), of_source), (edge.replica.host.name.clone(), of_replica)];
        values.sort();
        values
    })
}

/// A name in another case is another table on one of the two (MySQL manual, "Identifier Case Sensitivity").
fn lower_case_table_names(edge: &Edge<'_>) -> Option<Found> {
    const NAME: &str = "lower_case_table_names";
    Some(Found::Refuse(PairRefused::TableNames { values: differ(edge, NAME)? }))
}

/// A table in a collation that the replica lacks can't be made there (error 1273).
fn unknown_collations(edge: &Edge<'_>) -> Option<Found> {
    let (of_source, of_replica) = (edge.source.schema()?, edge.replica.schema()?);
    // MariaDB 10.6 and MySQL 8.0.30 call the three-byte set utf8mb3, and both take the old name where a table is made.
    let known = |name: &str| match name.strip_prefix("utf8_") {
        Some(rest) => {
            of_replica.collations.contains(name) || of_replica.collations.contains(&format!("utf8mb3_{rest}"))
        }
        None => of_replica.collations.contains(name),
    };
    let names: Vec<String> = of_source.used.iter().filter(|name| !known(name)).cloned().collect();
    let version = edge.replica.server.version;
    (!names.is_empty() && !of_replica.collations.is_empty())
        .then_some(Found::Refuse(PairRefused::Collation { names, version }))
}

/// Sessions get other defaults, roundings and errors after a switch from one to the other.
fn sql_mode(edge: &Edge<'_>) -> Option<Found> {
    let words = |end: &End<'_>| -> Option<BTreeSet<String>> {
        let value = end.will("sql_mode")?;
        Some(value.split(',').map(|w| w.trim().to_ascii_uppercase()).filter(|w| !w.is_empty()).collect())
    };
    let (of_source, of_replica) = (words(&edge.source)?, words(&edge.replica)?);
    let words: Vec<String> = of_source.symmetric_difference(&of_replica).cloned().collect();
    (!words.is_empty()).then_some(Found::Pair(PairFinding::SqlMode { words }))
}

/// A database without a collation of its own gets the server's.
fn server_collation(edge: &Edge<'_>) -> Option<Found> {
    Some(Found::Pair(PairFinding::ServerCollation { values: differ(edge, "collation_server")? }))
}

/// Events carry the session's time zone: `SYSTEM` means the replica's own, and a name must be known there
/// (error 1298; MySQL manual, "Replication and Time Zones").
fn time_zones(edge: &Edge<'_>) -> Option<Found> {
    if let (Some(of_source), Some(of_replica)) = (edge.source.schema(), edge.replica.schema())
        && of_source.time_zones > 0
        && of_replica.time_zones == 0
    {
        return Some(Found::Pair(PairFinding::TimeZoneNames { lacks: edge.replica.host.name.clone() }));
    }
    let variable = match differ(edge, "time_zone") {
        Some(_) => "time_zone",
        None if edge.source.will("time_zone").as_deref() == Some("SYSTEM") => "system_time_zone",
        None => return None,
    };
    Some(Found::Pair(PairFinding::TimeZone { variable, values: differ(edge, variable)? }))
}

/// Certificates, `NOW()` in statements and the lag in seconds all go by the clock.
fn clocks(edge: &Edge<'_>) -> Option<Found> {
    let (of_source, of_replica) = (edge.source.facts.os.ahead?, edge.replica.facts.os.ahead?);
    let apart = (of_source - of_replica).abs();
    (apart > limits::CLOCKS.as_secs_f64())
        .then_some(Found::Pair(PairFinding::Clocks { apart: apart.round() as u64 }))
}

/// Statements that are not deterministic give other rows on the replica.
fn statement_format(edge: &Edge<'_>) -> Option<Found> {
    let format = edge.source.will("binlog_format")?;
    format.eq_ignore_ascii_case("STATEMENT").then_some(Found::Source(SourceFinding::StatementFormat))
}

/// With several writers a row is found by its whole image before it is changed; less hides a conflict.
fn row_image(edge: &Edge<'_>) -> Option<Found> {
    let image = edge.source.will("binlog_row_image")?;
    (edge.writers && !image.eq_ignore_ascii_case("FULL"))
        .then_some(Found::Source(SourceFinding::RowImage { image }))
}

/// An event larger than the replica takes stops the channel (error 1153 or 1236).
fn packets(edge: &Edge<'_>) -> Option<Found> {
    let largest = edge.source.number("max_allowed_packet")?;
    let takes = ["replica_max_allowed_packet", "slave_max_allowed_packet"];
    let (variable, limit) = takes.iter().find_map(|name| Some((*name, edge.replica.number(name)?)))?;
    (limit < largest).then(|| {
        let (source, replica) = (edge.source.host.name.clone(), edge.replica.host.name.clone());
        Found::Pair(PairFinding::PacketSize { source, largest, replica, variable, limit })
    })
}

/// For each changed row of such a table a replica reads the whole table.
fn keyless_tables(edge: &Edge<'_>) -> Option<Found> {
    let keyless = &edge.source.schema()?.keyless;
    let tables = keyless.to_vec();
    (!tables.is_empty()).then_some(Found::Source(SourceFinding::NoPrimaryKey { tables }))
}

/// Filters by database judge a statement by the session's default database; only rows are judged by their
/// table's (MySQL manual, "How Servers Evaluate Replication Filtering Rules").
fn database_filters(edge: &Edge<'_>) -> Option<Found> {
    let has =
        |end: &End<'_>, name: &'static str| end.will(name).is_some_and(|v| !v.is_empty()).then_some(name);
    let on_source = ["binlog_do_db", "binlog_ignore_db"].into_iter().filter_map(|n| has(&edge.source, n));
    let on_replica =
        ["replicate_do_db", "replicate_ignore_db"].into_iter().filter_map(|n| has(&edge.replica, n));
    let filters: Vec<(&'static str, HostName)> = on_source
        .map(|name| (name, edge.source.host.name.clone()))
        .chain(on_replica.map(|name| (name, edge.replica.host.name.clone())))
        .collect();
    let format = edge.source.will("binlog_format").unwrap_or_default().to_ascii_uppercase();
    let judged = match format.as_str() {
        "ROW" => Judged::Rows,
        "MIXED" => Judged::Mixed,
        _ => Judged::Statements,
    };
    (!filters.is_empty()).then_some(Found::Pair(PairFinding::DatabaseFilter { filters, format, judged }))
}

/// The longest row and key depend on it.
fn page_size(edge: &Edge<'_>) -> Option<Found> {
    let (source_bytes, replica_bytes) =
        (edge.source.number("innodb_page_size")?, edge.replica.number("innodb_page_size")?);
    (source_bytes > replica_bytes).then(|| {
        let (source, replica) = (edge.source.host.name.clone(), edge.replica.host.name.clone());
        Found::Pair(PairFinding::PageSize { source, source_bytes, replica, replica_bytes })
    })
}
