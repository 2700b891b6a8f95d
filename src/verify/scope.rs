//! What a run of `verify` is to prove: which hosts and tables, and how gently.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    model::{HostName, glob},
    source::closest,
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

    /// Names and patterns that fit none of these tables, each with one that may have been meant.
    pub fn unmatched(&self, tables: &BTreeSet<&(String, String)>) -> Vec<String> {
        let full: Vec<String> =
            tables.iter().map(|(database, table)| format!("{database}.{table}")).collect();
        let hint = |word: &str, known: &[&str]| {
            let near = closest(word, known.iter().copied());
            near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
        };
        let databases: Vec<&str> = tables.iter().map(|(database, _)| database.as_str()).collect();
        let unknown = self.databases.iter().filter(|name| !databases.contains(&name.as_str()));
        let unknown = unknown
            .map(|name| format!("--databases: no database `{name}` holds a table{}", hint(name, &databases)));
        let names: Vec<&str> = full.iter().map(String::as_str).collect();
        let fits = |pattern: &&String| full.iter().any(|name| glob(pattern, name));
        let idle = self.tables.iter().filter(|pattern| !fits(pattern)).map(|pattern| {
            let shape = match pattern.contains('.') {
                true => String::new(),
                false => "; a pattern is `database.table`".to_owned(),
            };
            format!("--tables: `{pattern}` fits no table{shape}{}", hint(pattern, &names))
        });
        let none = (!self.databases.is_empty() && !self.tables.is_empty())
            .then(|| tables.iter().any(|(database, table)| self.takes(database, table)));
        let apart = (none == Some(false)).then(|| "no table fits both --databases and --tables".to_owned());
        let mut all: Vec<String> = unknown.chain(idle).collect();
        if all.is_empty() {
            all.extend(apart);
        }
        all
    }
}
