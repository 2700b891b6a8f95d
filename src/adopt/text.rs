//! The files as text.

use std::fmt::Write as _;

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::{Adopted, Adoption, Play, Remark, Remarked};
use crate::playbook::Kind;

/// Variables that mean nothing where a host has none: they may stand for all hosts.
const HARMLESS: [&str; 11] = [
    "mysql_relay_log",
    "auto_increment_increment",
    "replication_tls_ca",
    "replicate_databases",
    "replicate_ignore_databases",
    "replicate_wild_tables",
    "replicate_wild_ignore_tables",
    "replication_account_user",
    "replication_account_host",
    "replication_account_privileges",
    "replication_account_tls",
];

impl Adoption {
    /// Every file with its text, by its path below the directory that was asked for; `words` has those of remarks.
    pub(crate) fn files(&self, words: fn(&Remark) -> String) -> Vec<(String, String)> {
        let mut files = vec![("inventory.yml".to_owned(), self.inventory())];
        let common = self.common();
        let with: Vec<&Adopted> = self.hosts.iter().filter(|h| !h.variables.is_empty()).collect();
        let settings = with.first().map(|first| &first.settings);
        let settings = settings.filter(|one| with.iter().all(|h| h.settings == **one));
        let mut text = String::from("# What all hosts have in common.\n");
        write_variables(&mut text, common.iter());
        write_settings(&mut text, settings.into_iter().flatten(), words);
        files.push((format!("group_vars/{}.yml", self.group), text));
        for host in &self.hosts {
            let mut text = String::new();
            write_variables(&mut text, host.variables.iter().filter(|(name, _)| !common.contains_key(*name)));
            if settings.is_none() {
                write_settings(&mut text, host.settings.iter(), words);
            }
            if !text.is_empty() {
                files.push((format!("host_vars/{}.yml", host.named.name), text));
            }
        }
        files.push(("playbook.yml".to_owned(), self.playbook()));
        files
    }

    fn inventory(&self) -> String {
        let mut text = String::from(
            "# The hosts, in the form of an Ansible inventory; group_vars/ and host_vars/ beside this file are read too.\n\
             all:\n  children:\n",
        );
        let _ = writeln!(text, "    {}:\n      hosts:", self.group);
        let shared: Vec<&(&str, Json)> = match self.hosts.first() {
            Some(first) => first
                .named
                .connection
                .iter()
                .filter(|one| {
                    one.0 != "ansible_host" && self.hosts.iter().all(|h| h.named.connection.contains(one))
                })
                .collect(),
            None => Vec::new(),
        };
        for host in &self.hosts {
            let _ = writeln!(text, "        {}:", quoted(host.named.name.as_str()));
            for one in host.named.connection.iter().filter(|one| !shared.contains(one)) {
                let _ = writeln!(text, "          {}: {}", one.0, inline(&one.1));
            }
        }
        if !shared.is_empty() {
            text.push_str("  vars:\n");
            for (name, value) in shared {
                let _ = writeln!(text, "    {name}: {}", inline(value));
            }
        }
        text
    }

    /// Variables that all hosts have alike.
    fn common(&self) -> IndexMap<&'static str, Json> {
        let with: Vec<&Adopted> = self.hosts.iter().filter(|h| !h.variables.is_empty()).collect();
        let mut common = IndexMap::new();
        for (name, value) in with.iter().flat_map(|h| &h.variables) {
            let alike = with.iter().all(|h| match h.variables.get(name) {
                Some(other) => other == value,
                None => HARMLESS.contains(name),
            });
            if alike {
                common.insert(*name, value.clone());
            }
        }
        common
    }

    fn playbook(&self) -> String {
        let mut text = String::from(
            "# Read off living servers by `tandem init --from`. A plan for it is empty until they, or these files, change.\n",
        );
        if self.plays.is_empty() {
            text.push_str("[]\n");
        }
        for (n, play) in self.plays.iter().enumerate() {
            if n > 0 {
                text.push('\n');
            }
            self.play(play, &mut text);
        }
        text
    }

    fn play(&self, play: &Play, text: &mut String) {
        let group = &play.group;
        let names: Vec<&str> = group.members.iter().map(|m| m.as_str()).collect();
        let everyone = self.plays.len() == 1;
        let hosts = if everyone { self.group.clone() } else { names.join(",") };
        let _ = writeln!(text, "- name: {}", scalar(&title(play)));
        let _ = writeln!(text, "  hosts: {}\n  topology:\n    kind: {}", scalar(&hosts), group.kind.word());
        match group.kind {
            Kind::DualPrimary | Kind::Ring => {
                let _ = writeln!(text, "    members: {}", flow(&names));
                if let Some(standby) = &group.standby {
                    let _ = writeln!(text, "    standby: {}", scalar(standby.as_str()));
                }
            }
            Kind::PrimaryReplica => {
                let primary = names.first().copied().unwrap_or_default();
                let _ = writeln!(text, "    primary: {}\n    replicas:", scalar(primary));
                for arrow in group.members.iter().flat_map(|m| group.sources_of(m)) {
                    let mut more = Vec::new();
                    if arrow.from.as_str() != primary {
                        more.push(format!("source: {}", scalar(arrow.from.as_str())));
                    }
                    more.extend(channel_keys(arrow, self));
                    let host = scalar(arrow.to.as_str());
                    let _ = match more.is_empty() {
                        true => writeln!(text, "      - {host}"),
                        false => writeln!(text, "      - {{host: {host}, {}}}", more.join(", ")),
                    };
                }
            }
            Kind::Channels => {
                text.push_str("    channels:\n");
                for arrow in &group.arrows {
                    let mut keys = vec![
                        format!("from: {}", scalar(arrow.from.as_str())),
                        format!("to: {}", scalar(arrow.to.as_str())),
                    ];
                    if !arrow.channel.name.is_empty() {
                        keys.push(format!("name: {}", scalar(&arrow.channel.name)));
                    }
                    keys.extend(channel_keys(arrow, self));
                    let _ = writeln!(text, "      - {{{}}}", keys.join(", "));
                }
            }
        }
        for (role, why) in &play.left_out {
            let _ = writeln!(text, "  # Left out: {role}; {why}.");
        }
        let _ = writeln!(
            text,
            "  # Left out: tls; it would give every server a certificate by an authority beside the inventory."
        );
        let _ = writeln!(text, "  roles: {}", flow(&play.roles));
    }
}

/// A play's name.
fn title(play: &Play) -> String {
    let names: Vec<&str> = play.group.members.iter().map(|m| m.as_str()).collect();
    match (play.group.kind, names.as_slice()) {
        (Kind::DualPrimary, [a, b]) => format!("{a} and {b} replicate from each other"),
        (Kind::PrimaryReplica, [primary, ..]) => format!("Replicas of {primary}"),
        (Kind::Ring, _) => format!("Ring of {}", names.join(", ")),
        _ => format!("Channels between {}", names.join(", ")),
    }
}

/// What a channel has for itself: a delay, and filters that are not the server's.
fn channel_keys(arrow: &super::Arrow, adoption: &Adoption) -> Vec<String> {
    let mut keys = Vec::new();
    if arrow.channel.delay > 0 {
        keys.push(format!("delay: {}", arrow.channel.delay));
    }
    let host = adoption.hosts.iter().find(|h| h.named.name == arrow.to);
    let of_server = |variable: &str| -> Vec<String> {
        let list = host.and_then(|h| h.variables.get(variable)).and_then(Json::as_array);
        list.into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
    };
    let filters = &arrow.channel.filters;
    let lists: Vec<String> = [
        ("databases", "replicate_databases", &filters.databases),
        ("ignore_databases", "replicate_ignore_databases", &filters.ignore_databases),
        ("wild_tables", "replicate_wild_tables", &filters.wild_tables),
        ("wild_ignore_tables", "replicate_wild_ignore_tables", &filters.wild_ignore_tables),
    ]
    .into_iter()
    .filter(|(_, variable, list)| {
        let (mut found, mut declared) = (of_server(variable), (*list).clone());
        found.sort();
        declared.sort();
        !arrow.channel.name.is_empty() && !list.is_empty() && found != declared
    })
    .map(|(_, variable, list)| {
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        format!("{variable}: {}", flow(&list))
    })
    .collect();
    if !lists.is_empty() {
        keys.push(format!("filters: {{{}}}", lists.join(", ")));
    }
    keys
}

fn write_settings<'a>(
    text: &mut String,
    settings: impl Iterator<Item = (&'a String, &'a Remarked)>,
    words: fn(&Remark) -> String,
) {
    let mut settings = settings.peekable();
    if settings.peek().is_none() {
        return;
    }
    text.push_str(
        "# What is there now and the roles would not give. `null` leaves a variable as it is; take a line out, and plan\n\
         # shows what changes.\nmysql_settings:\n",
    );
    for (name, Remarked { value, remark }) in settings {
        let _ = writeln!(text, "  {}: {}  # {}", quoted(name), inline(value), one_line(&words(remark)));
    }
}

fn write_variables<'a>(text: &mut String, variables: impl Iterator<Item = (&'a &'static str, &'a Json)>) {
    for (name, value) in variables {
        let remark = match *name {
            "replication_password" => {
                "# The password that the replication accounts have now; it is not read off them.\n"
            }
            "boot_read_only" => {
                "# After a start the writer takes writes at once. Without this line it first asks the others who does.\n"
            }
            "mysql_option_file_holds" => {
                "# tandem's option file holds only what the servers' own files and built-in values do not give.\n"
            }
            _ => "",
        };
        let _ = writeln!(text, "{remark}{name}: {}", inline(value));
    }
}

/// A value on one line.
fn inline(value: &Json) -> String {
    match value {
        Json::String(text) => scalar(text),
        Json::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Json::Object(map) => {
            let entries: Vec<String> =
                map.iter().map(|(k, v)| format!("{}: {}", quoted(k), inline(v))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

fn flow(names: &[&str]) -> String {
    format!("[{}]", names.iter().map(|n| scalar(n)).collect::<Vec<_>>().join(", "))
}

/// A text, in quotes where YAML would take it for something else. JSON's quotes are YAML's.
///
/// What a server has as a name or a value is a text and nothing else: where it could be taken for a template, it is
/// tagged, so that neither Ansible nor tandem evaluates it.
fn scalar(text: &str) -> String {
    match text.contains('{') {
        true => format!("!unsafe {}", quoted(text)),
        false => quoted(text),
    }
}

fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ' ');
    let harmless = text.chars().all(plain)
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && !text.ends_with(' ')
        && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
            .contains(&text.to_ascii_lowercase().as_str());
    let address = text.parse::<std::net::Ipv4Addr>().is_ok();
    if harmless || address { text.to_owned() } else { escaped(&Json::String(text.to_owned()).to_string()) }
}

/// JSON without characters that YAML allows only as escapes.
fn escaped(json: &str) -> String {
    let printable = |c: char| {
        matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
            && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
    };
    json.chars()
        .map(|c| if printable(c) { c.to_string() } else { format!("\\u{:04x}", u32::from(c)) })
        .collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::scalar;

    proptest::proptest! {
        #[test]
        fn any_text_comes_back_from_yaml(text in "([a-z0-9.%:#{}'\"\\\\ ,!&*@-]|on|null|1e3|é|\\PC|\\p{Cc}){0,12}") {
            let yaml = format!("a: [{}]\n", scalar(&text));
            let (mut sources, mut problems) = Default::default();
            let node = crate::source::Sources::built_in(&mut sources, "f.yml", &yaml, &mut problems).expect("YAML");
            let back = node.get("a").map(crate::source::Node::to_json);
            proptest::prop_assert_eq!(back, Some(serde_json::json!([text])));
            // Nor does a template come of it.
            let template = node.get("a").map(crate::source::Node::to_template).unwrap_or_default();
            let value = crate::template::Scope::default().evaluate(&template);
            proptest::prop_assert_eq!(value, Ok(serde_json::json!([text])));
        }
    }
}
