//! What stands out in a fleet that somebody else has set up.

use std::collections::BTreeSet;

use super::{Adoption, Arrow, Finding, Group, Named, server};
use crate::{
    desired::Tls,
    dialect::Dialect,
    model::{HostName, visible},
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
                    "replicates from none of these hosts and none from it; no play names it",
                );
            }
            list.unknown_replicas(&host.named, self, observed);
        }
        list.0
    }
}

struct Findings(Vec<Finding>);

impl Findings {
    /// Notes it; what is the same of several is said once.
    fn add(&mut self, code: &'static str, of: &dyn std::fmt::Display, text: impl Into<String>) {
        let (of, text) = (of.to_string(), text.into());
        match self.0.iter_mut().find(|f| f.code == code && f.text == text) {
            Some(there) if there.of.contains(&of) => {}
            Some(there) => there.of.push(of),
            None => self.0.push(Finding { code, of: vec![of], text }),
        }
    }

    fn channel(&mut self, arrow: &Arrow) {
        let name = format!("{} -> {}", arrow.from, arrow.to);
        match arrow.tls() {
            Tls::Off => self.add("no-tls", &name, "not encrypted (replication_tls: off)"),
            Tls::Required => {
                self.add("tls-unverified", &name, "encrypted, and the source's certificate is not looked at");
            }
            Tls::VerifyCa | Tls::VerifyIdentity => {}
        }
        if !arrow.by_gtid() {
            self.add(
                "file-position",
                &name,
                "by file and position; `replication_positioning: gtid` moves it",
            );
        }
        let channel = &arrow.channel;
        if !channel.running() {
            let threads = format!("receiver {}, applier {}", channel.io_running, channel.sql_running);
            self.add("not-running", &name, format!("does not run ({threads}); tandem doctor says why"));
        }
        let filters = &channel.filters;
        if [&filters.tables, &filters.ignore_tables, &filters.rewrites].iter().any(|list| !list.is_empty()) {
            let text = "filters single tables or renames databases; no variable of these files says so";
            self.add("undeclared-filter", &name, text);
        }
    }

    fn member(&mut self, group: &Group, member: &HostName, server: &ServerFacts) {
        let feeds = group.replicas_of(member).next().is_some();
        let follows = group.sources_of(member).next().is_some();
        let writes = group.writers().contains(&member);
        if feeds {
            for (name, safe) in [("sync_binlog", "1"), ("innodb_flush_log_at_trx_commit", "1")] {
                if let Some(value) = server.variable(name).filter(|v| *v != safe) {
                    let text =
                        format!("{name} is {value}: after a crash its replicas may have what it has lost");
                    self.add("durability", member, text);
                }
            }
        }
        if follows && !writes && !server.is_on("read_only") {
            self.add("writable-replica", member, "a replica to which clients may write (read_only is OFF)");
        }
        let strict =
            Dialect::of(server.version).always_tells_writers_apart() || server.is_on("gtid_strict_mode");
        if !strict && group.arrows.iter().any(|a| a.by_gtid() && (a.from == *member || a.to == *member)) {
            let text = "gtid_strict_mode is OFF: a write on a replica gets into its GTIDs unnoticed";
            self.add("gtid-not-strict", member, text);
        }
        if feeds && server.variable("binlog_format").is_some_and(|f| f.eq_ignore_ascii_case("STATEMENT")) {
            self.add("statement-format", member, "binlog_format is STATEMENT; ROW is safe");
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
