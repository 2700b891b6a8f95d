//! The variables that say what a host is now.

use indexmap::IndexMap;
use serde_json::{Value as Json, json};

use super::{Adopted, Arrow, Group, Named, Play, Remark, Remarked, arrows::is_called, facts, server};
use crate::{
    desired::Tls,
    model::{HostName, like},
    observe::{Observed, ServerFacts},
    option_file::Files,
};

/// A host's part of the files.
pub(super) fn of(named: &Named, plays: &[Play], all: &[Named], observed: &Observed) -> Adopted {
    let mut adopted = Adopted { named: named.clone(), variables: IndexMap::new(), settings: IndexMap::new() };
    let play = plays.iter().find(|p| p.group.members.contains(&named.name));
    let found = play.zip(facts(observed, &named.name));
    if let Some((play, facts)) = found
        && let Some(server) = facts.server.known()
    {
        let empty = Files::default();
        let files = facts.option_files.known().unwrap_or(&empty);
        let host = Host { named, group: &play.group, plays, all, observed, server, files };
        host.replication(&mut adopted.variables);
        host.identity(&mut adopted);
        host.logs(&mut adopted.variables);
        host.filters(&mut adopted.variables);
    }
    adopted
}

struct Host<'a> {
    named: &'a Named,
    group: &'a Group,
    plays: &'a [Play],
    all: &'a [Named],
    observed: &'a Observed,
    server: &'a ServerFacts,
    files: &'a Files,
}

impl Host<'_> {
    fn sources(&self) -> Vec<&Arrow> {
        self.group.sources_of(&self.named.name).collect()
    }

    fn replicas(&self) -> Vec<&Arrow> {
        self.group.replicas_of(&self.named.name).collect()
    }

    /// The channels that say how this host replicates, or else how it is replicated from.
    fn telling(&self) -> Option<&Arrow> {
        self.sources().first().or(self.replicas().first()).copied()
    }

    fn replication(&self, variables: &mut IndexMap<&'static str, Json>) {
        let Some(telling) = self.telling() else { return };
        variables.insert("replication_user", json!(telling.channel.user));
        variables.insert("replication_password", json!({"env": self.password_variable()}));
        if let Some(address) = self.address() {
            variables.insert("replication_address", json!(address));
        }
        let positioning = if telling.by_gtid() { "gtid" } else { "file" };
        variables.insert("replication_positioning", json!(positioning));
        variables.insert("replication_tls", json!(telling.tls().word()));
        if !matches!(telling.tls(), Tls::Off | Tls::Required) {
            variables.insert("replication_tls_ca", json!(telling.channel.tls_ca));
        }
        self.accounts(variables);
        if self.semi_sync() {
            variables.insert("replication_semi_sync", json!(true));
        }
        if self.group.comes_up_open(self.observed) {
            variables.insert("boot_read_only", json!(false));
        }
    }

    /// One password for all, unless the channels keep different ones.
    fn password_variable(&self) -> String {
        const NAME: &str = "REPLICATION_PASSWORD";
        let mut all: Vec<&String> =
            self.plays.iter().flat_map(|p| &p.group.arrows).filter_map(|a| a.password.as_ref()).collect();
        all.sort();
        all.dedup();
        if all.len() < 2 {
            return NAME.to_owned();
        }
        // A host that replicates from nobody has the password of whoever replicates from it.
        let of = self.telling().map_or(&self.named.name, |a| &a.to);
        let word: String = of
            .as_str()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
            .collect();
        format!("{NAME}_{word}")
    }

    /// Where its peers reach it, if that is not where ssh does.
    fn address(&self) -> Option<String> {
        let address = address_of(self.named, self.group, self.observed);
        (address != self.named.destination).then_some(address)
    }

    /// Which account its replicas use, where that is none for each of their addresses.
    fn accounts(&self, variables: &mut IndexMap<&'static str, Json>) {
        let users: Vec<&str> = self.replicas().iter().map(|a| a.channel.user.as_str()).collect();
        let Some(user) = users.first().filter(|first| users.iter().all(|u| u == *first)) else { return };
        if variables.get("replication_user").and_then(Json::as_str) != Some(user) {
            variables.insert("replication_account_user", json!(user));
        }
        let mut hosts: Vec<Option<String>> =
            self.replicas().iter().map(|a| self.account_host(user, &a.to)).collect();
        hosts.dedup();
        let [Some(host)] = hosts.as_slice() else { return };
        let by_address = self.replicas().iter().all(|a| {
            let replica = self.all.iter().find(|n| n.name == a.to);
            replica.is_some_and(|n| address_of(n, self.group, self.observed) == *host)
        });
        if !by_address {
            variables.insert("replication_account_host", json!(host));
        }
        let account = self.server.accounts.iter().find(|a| a.user == *user && a.host == *host);
        let Some(account) = account else { return };
        let privileges: Vec<&str> = account
            .privileges
            .get("*.*")
            .into_iter()
            .flatten()
            // The name that both families know.
            .map(|p| if p == "BINLOG MONITOR" { "REPLICATION CLIENT" } else { p.as_str() })
            .collect();
        if privileges != ["REPLICATION SLAVE"] {
            variables.insert("replication_account_privileges", json!(privileges));
        }
        if account.requires_tls() != self.telling().is_some_and(|a| a.tls().encrypted()) {
            let word = if account.requires_tls() { "required" } else { "off" };
            variables.insert("replication_account_tls", json!(word));
        }
    }

    /// The host part of the account by which a replica logs in: its address, or the narrowest pattern that fits.
    fn account_host(&self, user: &str, replica: &HostName) -> Option<String> {
        let named = self.all.iter().find(|n| n.name == *replica)?;
        let addresses = &facts(self.observed, replica)?.os.addresses;
        let hosts = || self.server.account_names.iter().filter(|(u, _)| u == user).map(|(_, host)| host);
        if let Some(own) = hosts().find(|h| is_called(named, self.observed, h)) {
            return Some(own.clone());
        }
        let fits =
            |pattern: &String| pattern.contains(['%', '_']) && addresses.iter().any(|a| like(pattern, a));
        hosts().filter(|h| fits(h)).max_by_key(|h| h.len()).cloned()
    }

    /// Whether commits wait as the role would have it.
    fn semi_sync(&self) -> bool {
        let on = |host: &HostName, names: [&str; 2]| {
            server(self.observed, host).is_some_and(|s| names.iter().any(|n| s.is_on(n)))
        };
        const SOURCE: [&str; 2] = ["rpl_semi_sync_master_enabled", "rpl_semi_sync_source_enabled"];
        const REPLICA: [&str; 2] = ["rpl_semi_sync_slave_enabled", "rpl_semi_sync_replica_enabled"];
        self.group.arrows.iter().all(|a| on(&a.from, SOURCE) && on(&a.to, REPLICA))
    }

    fn identity(&self, adopted: &mut Adopted) {
        let variables = &mut adopted.variables;
        if let Some(id) = self.server.number("server_id") {
            variables.insert("server_id", json!(id));
        }
        let writers = self.group.writers();
        let of = |host: &HostName, name: &str| server(self.observed, host).and_then(|s| s.number(name));
        if writers.len() > 1 && writers.contains(&&self.named.name) {
            let counts: Option<Vec<(u64, u64)>> = writers
                .iter()
                .map(|w| Some((of(w, "auto_increment_increment")?, of(w, "auto_increment_offset")?)))
                .collect();
            let (increment, offset) = (
                self.server.number("auto_increment_increment").unwrap_or(1),
                self.server.number("auto_increment_offset").unwrap_or(1),
            );
            if counts.is_some_and(|counts| never_meet(&counts)) {
                variables.insert("auto_increment_increment", json!(increment));
                variables.insert("auto_increment_offset", json!(offset));
            } else {
                for (name, value) in
                    [("auto_increment_increment", increment), ("auto_increment_offset", offset)]
                {
                    let remark = Remark::NumbersCollide { now: value };
                    adopted.settings.insert(name.to_owned(), Remarked { value: Json::Null, remark });
                }
            }
        }
        if let Some(domain) = of(&self.named.name, "gtid_domain_id").filter(|_| writers.len() > 1) {
            let mut domains: Vec<Option<u64>> = writers.iter().map(|w| of(w, "gtid_domain_id")).collect();
            domains.sort_unstable();
            domains.dedup();
            let by_gtid = self.group.arrows.iter().any(Arrow::by_gtid);
            if by_gtid && domains.len() < writers.len() {
                let remark = Remark::SharedDomain { domain };
                adopted.settings.insert("gtid_domain_id".into(), Remarked { value: Json::Null, remark });
            } else {
                adopted.variables.insert("gtid_domain_id", json!(domain));
            }
        }
    }

    fn logs(&self, variables: &mut IndexMap<&'static str, Json>) {
        variables.insert("mysql_option_file_holds", json!("what_is_missing"));
        let bind = self.server.variable("bind_address").filter(|b| !b.is_empty()).unwrap_or("*");
        variables.insert("mysql_bind_address", json!(bind));
        variables.insert("mysql_log_bin", self.log_bin());
        if let Some(format) = self.server.variable("binlog_format") {
            variables.insert("mysql_binlog_format", json!(format));
        }
        if !self.sources().is_empty() {
            let running = self.server.variable("relay_log").unwrap_or_default().to_owned();
            variables
                .insert("mysql_relay_log", json!(self.in_a_file("relay_log").flatten().unwrap_or(running)));
        }
    }

    fn log_bin(&self) -> Json {
        if !self.server.is_on("log_bin") {
            return json!(false);
        }
        match self.in_a_file("log_bin") {
            Some(Some(name)) => json!(name),
            Some(None) => json!(true),
            None => {
                let base = self.server.variable("log_bin_basename").unwrap_or_default();
                let datadir = self.server.variable("datadir").unwrap_or_default();
                let inside = base.strip_prefix(datadir).filter(|name| !name.contains('/'));
                json!(inside.unwrap_or(base))
            }
        }
    }

    /// What the option files say of an option: nothing, that it is there, or its value.
    fn in_a_file(&self, name: &str) -> Option<Option<String>> {
        self.files.meant(self.server.known()).into_iter().rfind(|o| o.name == name).map(|o| o.value)
    }

    fn filters(&self, variables: &mut IndexMap<&'static str, Json>) {
        let binlog = self.server.binlog.known();
        let split = |text: &str| -> Vec<String> {
            text.split(',').map(str::trim).filter(|v| !v.is_empty()).map(str::to_owned).collect()
        };
        let mut lists: Vec<(&'static str, Vec<String>)> = vec![
            ("binlog_databases", binlog.map(|b| b.do_db.clone()).unwrap_or_default()),
            ("binlog_ignore_databases", binlog.map(|b| b.ignore_db.clone()).unwrap_or_default()),
        ];
        if !self.sources().is_empty() {
            lists.extend(
                [
                    ("replicate_databases", "replicate_do_db"),
                    ("replicate_ignore_databases", "replicate_ignore_db"),
                    ("replicate_wild_tables", "replicate_wild_do_table"),
                    ("replicate_wild_ignore_tables", "replicate_wild_ignore_table"),
                ]
                .map(|(variable, option)| {
                    (variable, split(self.server.variable(option).unwrap_or_default()))
                }),
            );
        }
        for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            variables.insert(name, json!(list));
        }
    }
}

/// Where the peers reach a host: where its replicas do, or where it comes from when it logs in, or where ssh does.
fn address_of(named: &Named, group: &Group, observed: &Observed) -> String {
    if let Some(arrow) = group.replicas_of(&named.name).next() {
        return arrow.channel.source_host.clone();
    }
    let addresses = facts(observed, &named.name).map(|f| f.os.addresses.as_slice()).unwrap_or_default();
    for arrow in group.sources_of(&named.name) {
        let accounts = server(observed, &arrow.from).map(|s| &s.account_names);
        let own = accounts
            .into_iter()
            .flatten()
            .find(|(user, host)| *user == arrow.channel.user && is_called(named, observed, host));
        if let Some((_, host)) = own {
            return host.clone();
        }
    }
    if named.destination.parse::<std::net::IpAddr>().is_ok() {
        return named.destination.clone();
    }
    addresses.first().cloned().unwrap_or_else(|| named.destination.clone())
}

/// Whether writers that count so never give out one number twice.
fn never_meet(counts: &[(u64, u64)]) -> bool {
    let increment = counts.first().map_or(1, |c| c.0);
    let mut offsets: Vec<u64> = counts.iter().map(|c| c.1).collect();
    offsets.sort_unstable();
    offsets.dedup();
    counts.iter().all(|(i, offset)| *i == increment && (1..=increment).contains(offset))
        && offsets.len() == counts.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_meet() {
        assert!(never_meet(&[(10, 1), (10, 2)]));
        for counts in [[(1, 1), (1, 1)], [(10, 1), (10, 1)], [(10, 1), (5, 2)], [(2, 1), (2, 3)]] {
            assert!(!never_meet(&counts), "{counts:?}");
        }
    }
}
