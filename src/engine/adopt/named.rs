//! How hosts are named: as destinations of ssh, and by the names that they have themselves.

use std::net::IpAddr;

use serde_json::{Value as Json, json};

use super::Fleet;
use crate::{
    adopt::Named,
    model::{Fact, HostName},
    observe::Reading,
};

/// `[user@]host[:port]`, with an IPv6 address in brackets.
pub(super) fn destination(text: &str, r#become: bool) -> Result<Named, String> {
    let rest = text.strip_prefix("ssh://").unwrap_or(text);
    let (user, rest) = match rest.rsplit_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, rest),
    };
    let (host, port) = match rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
        Some((address, "")) => (address, None),
        Some((address, port)) => (address, Some(port.strip_prefix(':').ok_or("a port follows `]:`")?)),
        None if rest.matches(':').count() > 1 => (rest, None),
        None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() || host.starts_with('-') || user == Some("") {
        return Err("an ssh destination is user@host:port, user and port may be left out".into());
    }
    let mut connection: Vec<(&'static str, Json)> = Vec::new();
    let is_v6 = host.contains(':');
    let name = if is_v6 { host.replace(':', "-").trim_matches('-').to_owned() } else { host.to_owned() };
    if is_v6 {
        connection.push(("ansible_host", json!(host)));
    }
    if let Some(port) = port {
        let port: u16 = port.parse().map_err(|_| format!("`{port}` is no port"))?;
        connection.push(("ansible_port", json!(port)));
    }
    connection.extend(user.map(|user| ("ansible_user", json!(user))));
    if r#become {
        connection.push(("ansible_become", json!(true)));
    }
    Ok(Named { name: HostName::new(name), destination: host.to_owned(), connection })
}

impl Fleet {
    /// Hosts that were named by an address get the name that they have themselves.
    pub(super) fn rename(&mut self, reading: &mut Reading, ours: bool) {
        for n in 0..self.named.len() {
            let old = self.named[n].name.clone();
            let known = reading.observed.get(&old).and_then(Fact::known);
            let Some(hostname) = known.map(|facts| facts.os.hostname.clone()) else { continue };
            let is_address = self.named[n].destination.parse::<IpAddr>().is_ok();
            let fits = hostname.starts_with(|c: char| c.is_ascii_alphanumeric())
                && hostname.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
                && hostname != "localhost";
            let new = HostName::new(hostname);
            if !(ours && is_address && fits) || self.named.iter().any(|other| other.name == new) {
                continue;
            }
            if let Some(fact) = reading.observed.remove(&old) {
                reading.observed.insert(new.clone(), fact);
            }
            if let Some(session) = reading.sessions.remove(&old) {
                reading.sessions.insert(new.clone(), session);
            }
            let address = Json::String(self.named[n].destination.clone());
            let connection = &mut self.named[n].connection;
            if !connection.iter().any(|(name, _)| *name == "ansible_host") {
                connection.insert(0, ("ansible_host", address));
            }
            self.named[n].name = new;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_read_as_ssh_does() {
        for (text, name, host, rest) in [
            ("db-a", "db-a", "db-a", "[]"),
            (
                "root@10.0.0.1:2222",
                "10.0.0.1",
                "10.0.0.1",
                r#"[["ansible_port",2222],["ansible_user","root"]]"#,
            ),
            ("[fd00::1]:22", "fd00--1", "fd00::1", r#"[["ansible_host","fd00::1"],["ansible_port",22]]"#),
            ("ssh://me@db", "db", "db", r#"[["ansible_user","me"]]"#),
        ] {
            let found = destination(text, false).expect(text);
            let connection = serde_json::to_string(&found.connection).expect("JSON");
            assert_eq!(
                (found.name.as_str(), found.destination.as_str(), connection.as_str()),
                (name, host, rest)
            );
        }
        for text in ["", "@db", "db:ssh", "-oProxyCommand=x", "[::1]x"] {
            assert!(destination(text, false).is_err(), "{text}");
        }
    }
}
