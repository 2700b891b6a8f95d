//! What stands out in a fleet that somebody else has set up.

use std::collections::BTreeSet;

use super::{Adoption, Arrow, Finding, Group, Named, server};
use crate::{
    desired::Tls,
    model::{Family, HostName, visible},
    observe::{Observed, ServerFacts},
};

impl Adoption {
    /// What whoever adopts these servers should look at; none of it is changed by a plan for them.
    pub(super) fn findings(&self, observed: &Observed) -> Vec<Finding> {
        let mut list = Findings(Vec::new());
        for play in &self.plays {
            for arrow in &play.group.arrows {
                list.channel(arrow);
            }
            for member in &play.group.members {
                let Some(server) = server(observed, member) else { continue };
                list.member(&play.group, member, server);
            }
        }
        for host in &self.hosts {
            let name = &host.named.name;
            let pattern = host.variables.get("replication_account_host").and_then(|h| h.as_str());
            if let Some(pattern) = pattern.filter(|p| p.contains('%')) {
                let text = format!(
                    "replicas log in as an account for {pattern}, so whoever has its password may come from elsewhere too"
                );
                list.add("account-pattern", name, text);
            }
            for (setting, remarked) in &host.settings {
                if remarked.value.is_null() {
                    list.add("left-alone", name, format!("{setting} {}", remarked.remark));
                }
            }
            if !self.plays.iter().any(|p| p.group.members.contains(name)) {
                list.add(
                    "alone",
                    name,
                    "replicates from none of these hosts and none from it; no play names it".into(),
                );
            }
            list.unknown_replicas(&host.named, self, observed);
        }
        list.0
    }
}

struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, code: &'static str, host: &HostName, text: String) {
        self.0.push(Finding { code, host: host.clone(), text });
    }

    fn channel(&mut self, arrow: &Arrow) {
        let (from, to) = (&arrow.from, &arrow.to);
        match arrow.tls() {
            Tls::Off => {
                self.add(
                    "no-tls",
                    to,
                    format!("the channel from {from} is not encrypted (replication_tls: off)"),
                );
            }
            Tls::Required => {
                let text = format!(
                    "the channel from {from} is encrypted, and nobody looks at the source's certificate"
                );
                self.add("tls-unverified", to, text);
            }
            Tls::VerifyCa | Tls::VerifyIdentity => {}
        }
        if !arrow.by_gtid() {
            let text = format!(
                "the channel from {from} goes by file and position; replication_positioning: gtid moves it"
            );
            self.add("file-position", to, text);
        }
        if !arrow.channel.running() {
            let channel = &arrow.channel;
            let text = format!(
                "the channel from {from} does not run (receiver {}, applier {}); tandem doctor says why",
                channel.io_running, channel.sql_running
            );
            self.add("not-running", to, text);
        }
        if !arrow.channel.filters.tables.is_empty()
            || !arrow.channel.filters.ignore_tables.is_empty()
            || !arrow.channel.filters.rewrites.is_empty()
        {
            let text = format!(
                "the channel from {from} has filters of single tables or renames databases; no variable of these files says so"
            );
            self.add("undeclared-filter", to, text);
        }
    }

    fn member(&mut self, group: &Group, member: &HostName, server: &ServerFacts) {
        let feeds = group.replicas_of(member).next().is_some();
        let follows = group.sources_of(member).next().is_some();
        let writes = group.writers().contains(&member);
        if feeds {
            for (name, safe) in [("sync_binlog", "1"), ("innodb_flush_log_at_trx_commit", "1")] {
                if let Some(value) = server.variable(name).filter(|v| *v != safe) {
                    let text = format!(
                        "{name} is {value}: after a crash its replicas may have what it has lost; {safe} is durable"
                    );
                    self.add("durability", member, text);
                }
            }
        }
        if follows && !writes && !server.is_on("read_only") {
            self.add(
                "writable-replica",
                member,
                "is a replica, and clients may write to it (read_only is OFF)".into(),
            );
        }
        let strict = server.version.family == Family::MySql || server.is_on("gtid_strict_mode");
        if !strict && group.arrows.iter().any(|a| a.by_gtid() && (a.from == *member || a.to == *member)) {
            let text = "gtid_strict_mode is OFF: writes on a replica get into the GTIDs unnoticed";
            self.add("gtid-not-strict", member, text.into());
        }
        if feeds && server.variable("binlog_format").is_some_and(|f| f.eq_ignore_ascii_case("STATEMENT")) {
            self.add("statement-format", member, "binlog_format is STATEMENT; ROW is safe".into());
        }
    }

    /// Replicas that are connected and none of the hosts.
    fn unknown_replicas(&mut self, named: &Named, adoption: &Adoption, observed: &Observed) {
        let known: BTreeSet<u64> = adoption
            .hosts
            .iter()
            .filter_map(|h| server(observed, &h.named.name)?.number("server_id"))
            .collect();
        let connected = server(observed, &named.name).and_then(|s| s.connected_replicas.known());
        for (id, from) in connected.into_iter().flatten().filter(|(id, _)| !known.contains(id)) {
            let at = if from.is_empty() { String::new() } else { format!(" at {}", visible(from)) };
            let text = format!(
                "a server with server_id {id}{at} replicates from it and is none of these hosts; name it too"
            );
            self.add("unknown-replica", &named.name, text);
        }
    }
}
