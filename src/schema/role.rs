//! Roles.

use serde_json::{Map, Value, json};

use super::{
    document,
    value::{definitions, described, object, refer, settings},
};
use crate::{
    model::{FirewallChoice, SeedMethod, SeedPath, Tls},
    playbook::ResourceKind,
};

/// The schema of a role's `role.yml`.
pub fn role() -> Value {
    let mut defs = definitions();
    defs.insert(
        "any".into(),
        json!({"anyOf": [
            refer("scalar"), refer("reference"), {"type": "null"},
            {"type": "array", "items": refer("scalar")},
            {"type": "object", "description": "a mapping, such as filters"},
        ]}),
    );
    defs.insert("resource".into(), resource());
    let mut keys = Map::new();
    keys.insert("description".into(), described(refer("scalar"), "what the role is for"));
    keys.insert(
        "resources".into(),
        json!({"type": "array", "items": refer("resource"), "description": "what it declares, in order"}),
    );
    let mut body = object(keys, &[]);
    body["$defs"] = defs.into();
    document("Role of tandem", "The file role.yml of a role: resources with types.", body)
}

fn resource() -> Value {
    let mut keys = Map::new();
    keys.insert("name".into(), described(refer("scalar"), "what it is, for readers"));
    keys.insert("when".into(), described(refer("condition"), "a condition that decides for each host"));
    keys.insert(
        "for_each".into(),
        json!({
            "type": ["string", "array"],
            "description": "a list, or an expression for one: the resource is declared once for each `item`",
        }),
    );
    keys.insert(
        "at_next_restart".into(),
        json!({
            "type": "boolean",
            "description": "beside `settings`: what takes a restart waits for one that happens anyway",
        }),
    );
    keys.insert(
        "at_start".into(),
        json!({
            "type": "boolean",
            "description": "beside `settings`: the server starts with them, whatever it is declared to run with",
        }),
    );
    for kind in ResourceKind::all() {
        let (text, required) = about(kind);
        let body = match kind {
            ResourceKind::Plain(kind) => kind.shape().schema.clone(),
            ResourceKind::Settings => {
                json!({"anyOf": [settings(), refer("template"), {"type": "null"}]})
            }
            _ => {
                let described = |name: &str| (name.to_owned(), described(refer("any"), key(kind, name)));
                object(kind.keys().into_iter().map(described).collect(), required)
            }
        };
        keys.insert(kind.word().into(), described(body, text));
    }
    let mut resource = object(keys, &[]);
    let one: Vec<Value> = ResourceKind::all().map(|kind| json!({"required": [kind.word()]})).collect();
    resource["oneOf"] = one.into();
    resource
}

/// The table of the reference: each resource with its keys.
pub fn resources() -> String {
    let mut text = String::from("| resource | what it declares | keys |\n|---|---|---|\n");
    for kind in ResourceKind::all() {
        let keys: Vec<String> = kind.keys().iter().map(|key| format!("`{key}`")).collect();
        let keys = if keys.is_empty() { "the variables' names".to_owned() } else { keys.join(", ") };
        text.push_str(&format!("| `{}` | {} | {keys} |\n", kind.word(), about(kind).0));
    }
    text
}

/// What a resource is, and the keys that it needs.
fn about(kind: ResourceKind) -> (&'static str, &'static [&'static str]) {
    match kind {
        ResourceKind::Plain(kind) => (&kind.shape().about, &[]),
        ResourceKind::Server => ("the database server itself, where none is installed", &["package"]),
        ResourceKind::Settings => ("server variables; a list stands for an option that repeats", &[]),
        ResourceKind::Firewall => ("the server's port in the packet filter", &["backend"]),
        ResourceKind::Account => ("an account", &["user", "host", "password"]),
        ResourceKind::Database => ("a database", &["name"]),
        ResourceKind::Seed => ("the copy of a source's data for an empty replica", &["from", "method"]),
        ResourceKind::Channel => {
            ("a replication channel", &["source", "user", "password", "tls", "positioning"])
        }
        ResourceKind::Certificates => ("a certificate by the authority beside the inventory", &[]),
        ResourceKind::Heartbeat => ("the row by which lag is measured", &[]),
        ResourceKind::RoleUnit => (
            "the unit that opens the recorded writer after a start of its server",
            &["user", "password", "tls"],
        ),
    }
}

/// What a key of a resource is for.
fn key(kind: ResourceKind, key: &str) -> &'static str {
    match (kind, key) {
        (_, "package") => "name of the package",
        (_, "version") => "a version or its beginning, in quotes; it counts for an installation only",
        (_, "start") => "whether it shall run and start at boot",
        (_, "secure") => "whether what an installation leaves open is closed",
        (_, "port") => "TCP port of the server",
        (_, "peers") => "addresses that are always let in",
        (_, "allow") => "networks that are let in where others are shut out",
        (_, "deny_others") => "whether all others are shut out",
        (_, "backend") => FirewallChoice::LIST,
        (_, "user") => "user name of the account",
        (_, "host") => "host part of the account",
        (_, "password") => "its password: a secret",
        (_, "privileges") => "privileges by name",
        (_, "on") => "where they hold; *.* where nothing is said",
        (_, "tls") => Tls::LIST,
        (_, "tls_ca") => "the authority's file on the replica",
        (_, "character_set") => "default character set, if it matters",
        (_, "collation") => "default collation, if it matters",
        (_, "from") => "the host that gives its data",
        (_, "method") => SeedMethod::LIST,
        (ResourceKind::Seed, "path") => SeedPath::LIST,
        (_, "databases") => "which databases; all where none are named",
        (_, "accounts") => "whether the source's accounts come along",
        (_, "position") => {
            "with the method none, where data stands that was loaded by hand, in the source's binary log"
        }
        (ResourceKind::Channel, "source") => "the host to replicate from",
        (_, "name") => "the name",
        (_, "positioning") => "gtid or file",
        (_, "delay") => "seconds by which the replica stays behind",
        (_, "filters") => "what this channel alone applies",
        (_, "directory") => "the authority's directory, beside the inventory",
        (_, "interval") => "seconds between two stamps",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_says_what_it_is_for() {
        for kind in ResourceKind::all().filter(|kind| !matches!(kind, ResourceKind::Plain(_))) {
            let names = kind.keys();
            for name in &names {
                assert!(!key(kind, name).is_empty(), "{}.{name}", kind.word());
            }
            assert!(about(kind).1.iter().all(|name| names.contains(name)), "{}", kind.word());
        }
    }
}
