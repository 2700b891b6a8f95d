//! Playbooks.

use serde_json::{Map, Value, json};

use super::{
    document, inventory,
    value::{definitions, described, object, refer},
};
use crate::playbook::Kind as TopologyKind;

/// Keys of a topology, of one channel of it, and of filters.
const TEXTS: &[(&str, &str, &str)] = &[
    ("members", "hosts", "the hosts in their order"),
    ("primary", "host", "the host that is written to"),
    ("master", "host", "the old name of `primary`"),
    (
        "replicas",
        "replicas",
        "who replicates: a name, or {host, source, delay, filters} further down the tree",
    ),
    ("slaves", "replicas", "the old name of `replicas`"),
    ("seed_from", "host", "whose data the others get"),
    ("standby", "host", "the member that is not written to"),
    ("channels", "channels", "every channel by itself"),
    ("lost", "hosts", "hosts that are gone: they are not needed, and take no writes when they are back"),
];

/// The schema of a playbook.
pub fn playbook() -> Value {
    let mut defs = definitions();
    defs.insert("variables".into(), inventory::mapping());
    defs.insert("filters".into(), filters());
    defs.insert(
        "delay".into(),
        json!({
            "description": "seconds by which the replica stays behind",
            "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]+$"}, refer("template")],
        }),
    );
    defs.insert(
        "replica".into(),
        edge(&[("host", "the replica"), ("source", "where it replicates from; else the primary")], &["host"]),
    );
    defs.insert("channel".into(), channel());
    defs.insert(
        "replicas".into(),
        json!({"anyOf": [{"type": "array", "items": {"anyOf": [refer("host"), refer("replica")]}}, {"type": "string"}]}),
    );
    defs.insert("channels".into(), json!({"type": "array", "items": refer("channel"), "minItems": 1}));
    defs.insert("topology".into(), topology());
    defs.insert("play".into(), play());
    document(
        "Playbook of tandem",
        "A list of plays: which hosts, which topology, which roles.",
        json!({"type": "array", "minItems": 1, "items": refer("play"), "$defs": defs}),
    )
}

fn play() -> Value {
    let mut keys = Map::new();
    keys.insert("name".into(), described(refer("scalar"), "its name, for headings"));
    keys.insert(
        "hosts".into(),
        json!({"type": ["string", "number"], "description": "names, groups, globs; `!` takes away"}),
    );
    keys.insert("topology".into(), refer("topology"));
    keys.insert(
        "vars".into(),
        described(refer("variables"), "variables of this play; they win over the inventory's"),
    );
    keys.insert(
        "roles".into(),
        json!({
            "description": "roles in their order: a folder in roles/ beside the playbook, or a built-in one",
            "type": "array",
            "items": {"anyOf": [{"type": ["string", "number"]}, {
                "type": "object",
                "properties": {
                    "role": {"type": ["string", "number"], "description": "the role"},
                    "vars": described(refer("variables"), "variables of this use"),
                    "when": described(refer("condition"), "a condition that decides for each host"),
                },
                "required": ["role"],
                "additionalProperties": false,
            }]},
        }),
    );
    object(keys, &[])
}

fn topology() -> Value {
    let kinds: Vec<&str> =
        TopologyKind::ALL.iter().flat_map(|(_, word, old)| [Some(*word), *old]).flatten().collect();
    let rules: Vec<Value> = TopologyKind::ALL
        .iter()
        .map(|(kind, word, old)| {
            let (needs, any, more): (&[&str], &[[&str; 2]], &[&str]) = match kind {
                TopologyKind::DualPrimary => (&["members"], &[], &["seed_from", "standby", "lost"]),
                TopologyKind::PrimaryReplica => {
                    (&[], &[["primary", "master"], ["replicas", "slaves"]], &["seed_from", "lost"])
                }
                TopologyKind::Ring => (&["members"], &[], &["seed_from", "lost"]),
                TopologyKind::Channels => (&["channels"], &[], &["seed_from", "lost"]),
            };
            let mut keys = Map::new();
            keys.insert("kind".into(), json!({}));
            for key in needs.iter().chain(any.iter().flatten()).chain(more) {
                keys.insert((*key).into(), member(key));
            }
            let words: Vec<&str> = [Some(*word), *old].into_iter().flatten().collect();
            let mut then = object(keys, needs);
            let one_of: Vec<Value> = any
                .iter()
                .map(|names| json!({"anyOf": names.map(|name| json!({"required": [name]}))}))
                .collect();
            if !one_of.is_empty() {
                then["allOf"] = one_of.into();
            }
            json!({"if": {"properties": {"kind": {"enum": words}}}, "then": then})
        })
        .collect();
    json!({
        "description": "who replicates from whom",
        "type": "object",
        "properties": {"kind": {
            "description": "the shape; master-master and master-slave are old names of the first two",
            "anyOf": [{"enum": kinds}, refer("template")],
        }},
        "required": ["kind"],
        "allOf": rules,
    })
}

fn member(key: &str) -> Value {
    let (name, text) =
        TEXTS.iter().find(|(known, ..)| *known == key).map_or(("host", ""), |(_, name, text)| (*name, *text));
    described(refer(name), text)
}

fn edge(names: &[(&str, &str)], required: &[&str]) -> Value {
    let mut keys = Map::new();
    for (name, text) in names {
        keys.insert((*name).into(), described(refer("host"), text));
    }
    keys.insert("delay".into(), refer("delay"));
    keys.insert("filters".into(), described(refer("filters"), "what this channel alone applies"));
    object(keys, required)
}

fn channel() -> Value {
    let mut channel = edge(&[("from", "the source"), ("to", "the replica")], &["from", "to"]);
    channel["properties"]["name"] =
        described(refer("scalar"), "the channel's name, where a replica has several");
    channel
}

fn filters() -> Value {
    let keys: Map<String, Value> = [
        ("replicate_databases", "only these databases"),
        ("replicate_ignore_databases", "all databases but these"),
        ("replicate_wild_tables", "only tables that fit, such as shop.order%"),
        ("replicate_wild_ignore_tables", "all tables but those that fit"),
    ]
    .into_iter()
    .map(|(key, text)| (key.to_owned(), described(refer("names"), text)))
    .collect();
    object(keys, &[])
}
