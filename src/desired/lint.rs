//! What can be known to be wrong of a play's wishes without a connection.

use std::collections::BTreeMap;

use super::{Built, DesiredSeed, DesiredSetting, Positioning, SeedMethod};
use crate::{
    model::{HostName, Place},
    source::{Problem, Problems},
};

/// Checks wishes against each other.
pub(crate) fn lint(built: &Built) -> Problems {
    let mut problems = Problems::default();
    unique(
        built,
        "server_id",
        "server-id",
        "two servers with one server_id never replicate from each other",
        &mut problems,
    );
    if built.edges.writers.len() > 1 {
        offsets(built, &mut problems);
        // Domains follow from the ids, unless somebody sets them.
        if uses_gtid(built) && problems.0.is_empty() {
            unique(
                built,
                "gtid_domain_id",
                "gtid-domain",
                "each writer needs a GTID domain of its own",
                &mut problems,
            );
        }
    }
    ring_filters(built, &mut problems);
    for host in built.desired.hosts.values() {
        let address = &host.endpoint.address;
        let strange = address.is_empty()
            || address.starts_with('-')
            || !address.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '_'));
        if strange {
            let place = host.channels.first().map_or_else(|| Place::file("inventory"), |c| c.place.clone());
            let message =
                format!("`{address}`, the address of {}, is neither an address nor a name", host.name);
            problems.push(Problem::error("topology::address", &place, message, "in this topology"));
        }
        let here = ["127.0.0.1", "localhost", "::1"].contains(&address.as_str());
        if here && built.edges.members.len() > 1 && !host.replicas.is_empty() {
            let place = host.channels.first().map_or_else(|| Place::file("inventory"), |c| c.place.clone());
            let message = format!("the peers can't reach {} at {address}", host.name);
            problems
                .push(Problem::error("topology::loopback", &place, message, "in this topology").help(
                    format!("Set replication_address of {} to its address in the network.", host.name),
                ));
        }
        for seed in &host.seeds {
            whole_copy(seed, &mut problems);
        }
    }
    problems
}

/// What a copy of a whole server can't leave out.
fn whole_copy(seed: &DesiredSeed, problems: &mut Problems) {
    let word = seed.method;
    if !matches!(word, SeedMethod::Physical | SeedMethod::Clone) {
        return;
    }
    let mut refuse = |place: &Place, message: String, label: &str, leave_out: &str| {
        let help = format!("Leave out `{leave_out}`, or use `seed_method: logical`.");
        let problem = Problem::error("seed::whole", place, message, label);
        problems.push(problem.see(&seed.method_place, "a whole server is copied").help(help));
    };
    if !seed.databases.is_empty() {
        let message = format!("`{word}` copies a whole server, and seed_databases chooses some of it");
        refuse(&seed.databases_place, message, "these databases", "seed_databases");
    }
    if !seed.accounts {
        let message = format!("`{word}` copies a whole server, accounts and all, and seed_accounts is false");
        refuse(&seed.accounts_place, message, "no accounts", "seed_accounts");
    }
}

/// Filters that decide what goes on to the next server.
const FILTERS: [&str; 8] = [
    "binlog_do_db",
    "binlog_ignore_db",
    "replicate_do_db",
    "replicate_ignore_db",
    "replicate_do_table",
    "replicate_ignore_table",
    "replicate_wild_do_table",
    "replicate_wild_ignore_table",
];

/// In a ring of three and more each member passes on what the others write: one that filters differently
/// keeps events from those behind it.
fn ring_filters(built: &Built, problems: &mut Problems) {
    let edges = &built.edges;
    let one_each =
        edges.members.iter().all(|m| edges.sources_of(m).count() == 1 && edges.replicas_of(m).count() == 1);
    if edges.members.len() < 3 || !one_each {
        return;
    }
    for name in FILTERS {
        let values = |host: &HostName| {
            let mut values = setting(built, host, name).map(|s| s.values.clone()).unwrap_or_default();
            values.sort();
            values
        };
        let Some(first) = edges.members.first() else { return };
        let Some(other) = edges.members.iter().find(|m| values(m) != values(first)) else { continue };
        let (here, there) = (setting(built, first, name), setting(built, other, name));
        let Some(wish) = there.filter(|s| !s.values.is_empty()).or(here) else { continue };
        let message = format!(
            "{first} and {other} have different {name}, and in a ring each passes on what the others write"
        );
        problems.push(
            Problem::error("topology::ring-filters", &wish.place, message, "this filter")
                .help("Give all members of a ring the same filters."),
        );
    }
}

/// The setting that counts, since the last of a name wins.
fn setting<'a>(built: &'a Built, host: &HostName, name: &str) -> Option<&'a DesiredSetting> {
    built.desired.hosts.get(host)?.settings.as_ref()?.iter().rev().find(|s| s.name == name)
}

fn uses_gtid(built: &Built) -> bool {
    built.desired.hosts.values().flat_map(|h| &h.channels).any(|c| c.positioning == Positioning::Gtid)
}

fn unique(built: &Built, name: &str, code: &str, why: &str, problems: &mut Problems) {
    let mut seen: BTreeMap<&str, (&HostName, &Place)> = BTreeMap::new();
    for host in &built.edges.members {
        let Some(wish) = setting(built, host, name) else { continue };
        let Some(value) = wish.values.first() else { continue };
        if let Some((other, place)) = seen.get(value.as_str()) {
            let message = format!("{other} and {host} both have {name} {value}");
            let code = if code == "server-id" {
                "topology::duplicate-server-id"
            } else {
                "topology::duplicate-gtid-domain"
            };
            problems.push(
                Problem::error(code, &wish.place, message, format!("of {host}"))
                    .see(place, format!("of {other}"))
                    .help(format!("Make them differ, or leave them out and tandem assigns them: {why}.")),
            );
        } else {
            seen.insert(value, (host, &wish.place));
        }
    }
}

fn offsets(built: &Built, problems: &mut Problems) {
    let number = |host: &HostName, name: &str| -> Option<(u64, Place)> {
        let wish = setting(built, host, name)?;
        Some((wish.values.first()?.parse().ok()?, wish.place.clone()))
    };
    let mut increments: BTreeMap<u64, (HostName, Place)> = BTreeMap::new();
    for host in &built.edges.writers {
        let (Some((increment, increment_place)), Some((offset, offset_place))) =
            (number(host, "auto_increment_increment"), number(host, "auto_increment_offset"))
        else {
            continue;
        };
        let writers = built.edges.writers.len() as u64;
        if offset > increment || offset == 0 {
            let message = format!(
                "auto_increment_offset {offset} of {host} lies beyond auto_increment_increment {increment}"
            );
            problems.push(Problem::error("topology::offset", &offset_place, message, "this offset").help(
                format!("An offset is a number from 1 to {increment}; the server ignores a larger one."),
            ));
        }
        if increment < writers {
            let message = format!("auto_increment_increment {increment} is too small for {writers} writers");
            problems.push(Problem::error("topology::increment", &increment_place, message, "this increment"));
        }
        increments.entry(increment).or_insert((host.clone(), increment_place));
    }
    if let [(first, (a, a_place)), (second, (b, place)), ..] =
        increments.iter().collect::<Vec<_>>().as_slice()
    {
        let message =
            format!("{a} counts in steps of {first}, {b} in steps of {second}: their numbers will meet");
        problems.push(
            Problem::error("topology::increment", place, message, "this one").see(a_place, "and this one"),
        );
    }
    unique_offsets(built, problems);
}

fn unique_offsets(built: &Built, problems: &mut Problems) {
    let mut seen: BTreeMap<&str, (&HostName, &Place)> = BTreeMap::new();
    for host in &built.edges.writers {
        let Some(wish) = setting(built, host, "auto_increment_offset") else { continue };
        let Some(value) = wish.values.first() else { continue };
        if let Some((other, place)) = seen.get(value.as_str()) {
            let message = format!("{other} and {host} both have auto_increment_offset {value}");
            problems.push(
                Problem::error("topology::duplicate-offset", &wish.place, message, format!("of {host}"))
                    .see(place, format!("of {other}"))
                    .help("Two writers with one offset give out the same numbers."),
            );
        } else {
            seen.insert(value, (host, &wish.place));
        }
    }
}
