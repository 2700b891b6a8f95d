//! What a run of `verify` is to prove: which hosts and tables, and how gently.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    model::{HostName, glob},
    proof::{Note, Stage, Unmatched},
    source::closest,
    words::verified,
};

/// What is to be proven, and how gently.
pub struct Scope<'a> {
    /// Only the tables of these two hosts; all pairs where none is named.
    pub pair: Option<(HostName, HostName)>,
    /// Only tables of these databases; all where none is named.
    pub databases: Vec<String>,
    /// Only tables that fit one of these patterns, as `database.table`.
    pub tables: Vec<String>,
    /// Whether writers insert at the same time.
    pub ids: bool,
    /// Whether tables are compared.
    pub checksums: bool,
    /// Whether servers are restarted.
    pub restart: bool,
    /// Statements at once on a source from which on nothing is compared.
    pub max_load: u64,
    /// How far a replica may be behind before nothing is compared.
    pub max_lag: Duration,
    /// How long a row may take beyond the delay that was asked for.
    pub wait: Duration,
    /// Rows that are shown of those that differ, for each pair of hosts.
    pub show: usize,
    /// Told once what a person should know while it goes on.
    pub note: &'a (dyn Fn(&str) + Send + Sync),
    /// Told what is done now.
    pub progress: &'a (dyn Fn(&str) + Send + Sync),
}

impl Scope<'_> {
    /// Whether no load and no lag makes it rest, so that neither has to be looked at.
    pub fn never_rests(&self) -> bool {
        self.max_load == u64::MAX && self.max_lag == Duration::MAX
    }

    /// Whether a table is to be compared.
    pub fn takes(&self, database: &str, table: &str) -> bool {
        let full = format!("{database}.{table}");
        let named = self.databases.is_empty() || self.databases.iter().any(|d| d == database);
        named && (self.tables.is_empty() || self.tables.iter().any(|pattern| glob(pattern, &full)))
    }

    /// Says what is done now.
    pub(super) fn progress(&self, stage: &Stage) {
        (self.progress)(&verified::stage(stage));
    }

    /// Says what a person should know.
    pub(super) fn note(&self, note: &Note) {
        (self.note)(&verified::note(note));
    }

    /// Names and patterns that fit none of these tables, each with one that may have been meant.
    pub(super) fn unmatched(&self, tables: &BTreeSet<&(String, String)>) -> Vec<Unmatched> {
        let full: Vec<String> =
            tables.iter().map(|(database, table)| format!("{database}.{table}")).collect();
        let near = |word: &str, known: &[&str]| closest(word, known.iter().copied()).map(str::to_owned);
        let databases: Vec<&str> = tables.iter().map(|(database, _)| database.as_str()).collect();
        let unknown = self.databases.iter().filter(|name| !databases.contains(&name.as_str()));
        let unknown =
            unknown.map(|name| Unmatched::Database { name: name.clone(), near: near(name, &databases) });
        let names: Vec<&str> = full.iter().map(String::as_str).collect();
        let fits = |pattern: &&String| full.iter().any(|name| glob(pattern, name));
        let idle = self.tables.iter().filter(|pattern| !fits(pattern));
        let idle =
            idle.map(|pattern| Unmatched::Table { pattern: pattern.clone(), near: near(pattern, &names) });
        let none = (!self.databases.is_empty() && !self.tables.is_empty())
            .then(|| tables.iter().any(|(database, table)| self.takes(database, table)));
        let mut all: Vec<Unmatched> = unknown.chain(idle).collect();
        if all.is_empty() && none == Some(false) {
            all.push(Unmatched::Both);
        }
        all
    }
}
