//! What stands out in a fleet that somebody else has set up.

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};

use super::{Adoption, Arrow, Group, Named, Remark, server};
use crate::{
    desired::Tls,
    dialect::Dialect,
    model::{HostName, ThreadState, coded},
    observe::{Observed, ServerFacts},
};

coded! {
    /// What stands out: one variant for each code.
    pub enum StandsOut {
        /// One account serves several replicas.
        AccountPattern {
            /// The addresses from which it may log in.
            pattern: String,
        } = "account-pattern",
        /// A host without a channel to or from the others.
        Alone = "alone",
        /// A source whose commits a crash may undo.
        Durability {
            /// The variable that says so.
            variable: &'static str,
            /// Its value.
            value: String,
        } = "durability",
        /// A channel by file and position.
        FilePosition = "file-position",
        /// A server that gives a GTID to what a replica writes itself.
        GtidNotStrict = "gtid-not-strict",
        /// A variable whose value no option file gives.
        LeftAlone {
            /// Its name.
            setting: String,
            /// What the files say of it.
            remark: Remark,
        } = "left-alone",
        /// A channel in clear text.
        NoTls = "no-tls",
        /// A channel that does not run.
        NotRunning {
            /// Its receiver.
            receiver: ThreadState,
            /// Its applier.
            applier: ThreadState,
        } = "not-running",
        /// A source that logs statements.
        StatementFormat = "statement-format",
        /// A channel that is encrypted with whoever answers.
        TlsUnverified = "tls-unverified",
        /// A channel with a filter that no variable declares.
        UndeclaredFilter = "undeclared-filter",
        /// A server that replicates from the host and is none of the named ones.
        UnknownReplica {
            /// Its id.
            server_id: u64,
            /// From where; empty where it is not known.
            address: String,
        } = "unknown-replica",
        /// A replica to which clients may write.
        WritableReplica = "writable-replica",
    }
}

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of thing it is; in the document its code.
    #[serde(rename = "code", serialize_with = "as_code")]
    pub what: StandsOut,
    /// The hosts, or the channels.
    pub of: Vec<String>,
    /// What it is.
    pub text: String,
}

fn as_code<S: Serializer>(what: &StandsOut, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(what.code())
}

impl Adoption {
    /// What whoever adopts these servers should look at; none of it is changed by a plan for them.
    pub(super) fn findings(&self, observed: &Observed, words: fn(&StandsOut) -> String) -> Vec<Finding> {
        let mut list = Findings { list: Vec::new(), words };
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
                list.add(StandsOut::AccountPattern { pattern: pattern.to_owned() }, name);
            }
            for (setting, remarked) in &host.settings {
                if remarked.value.is_null() {
                    let (setting, remark) = (setting.clone(), remarked.remark.clone());
                    list.add(StandsOut::LeftAlone { setting, remark }, name);
                }
            }
            if !self.plays.iter().any(|p| p.group.members.contains(name)) {
                list.add(StandsOut::Alone, name);
            }
            list.unknown_replicas(&host.named, self, observed);
        }
        list.list
    }
}

struct Findings {
    list: Vec<Finding>,
    words: fn(&StandsOut) -> String,
}

impl Findings {
    /// Notes it; what is the same of several is said once.
    fn add(&mut self, what: StandsOut, of: &dyn std::fmt::Display) {
        let of = of.to_string();
        match self.list.iter_mut().find(|found| found.what == what) {
            Some(there) if there.of.contains(&of) => {}
            Some(there) => there.of.push(of),
            None => {
                let text = (self.words)(&what);
                self.list.push(Finding { what, of: vec![of], text });
            }
        }
    }

    fn channel(&mut self, arrow: &Arrow) {
        let name = format!("{} -> {}", arrow.from, arrow.to);
        match arrow.tls() {
            Tls::Off => self.add(StandsOut::NoTls, &name),
            Tls::Required => self.add(StandsOut::TlsUnverified, &name),
            Tls::VerifyCa | Tls::VerifyIdentity => {}
        }
        if !arrow.by_gtid() {
            self.add(StandsOut::FilePosition, &name);
        }
        let channel = &arrow.channel;
        if !channel.running() {
            let (receiver, applier) = (channel.io_running, channel.sql_running);
            self.add(StandsOut::NotRunning { receiver, applier }, &name);
        }
        let filters = &channel.filters;
        if [&filters.tables, &filters.ignore_tables, &filters.rewrites].iter().any(|list| !list.is_empty()) {
            self.add(StandsOut::UndeclaredFilter, &name);
        }
    }

    fn member(&mut self, group: &Group, member: &HostName, server: &ServerFacts) {
        let feeds = group.replicas_of(member).next().is_some();
        let follows = group.sources_of(member).next().is_some();
        let writes = group.writers().contains(&member);
        if feeds {
            for (variable, safe) in [("sync_binlog", "1"), ("innodb_flush_log_at_trx_commit", "1")] {
                if let Some(value) = server.variable(variable).filter(|v| *v != safe) {
                    self.add(StandsOut::Durability { variable, value: value.to_owned() }, member);
                }
            }
        }
        if follows && !writes && !server.is_on("read_only") {
            self.add(StandsOut::WritableReplica, member);
        }
        let strict =
            Dialect::of(server.version).always_tells_writers_apart() || server.is_on("gtid_strict_mode");
        if !strict && group.arrows.iter().any(|a| a.by_gtid() && (a.from == *member || a.to == *member)) {
            self.add(StandsOut::GtidNotStrict, member);
        }
        if feeds && server.variable("binlog_format").is_some_and(|f| f.eq_ignore_ascii_case("STATEMENT")) {
            self.add(StandsOut::StatementFormat, member);
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
            self.add(StandsOut::UnknownReplica { server_id: *id, address: from.clone() }, &named.name);
        }
    }
}
