//! What an edge carries of a table, by the filters of both its ends. Pure.
//!
//! The rules are those for row events (MySQL manual, "How Servers Evaluate Replication Filtering Rules";
//! MariaDB documentation, "Replication Filters"): databases first, then tables, and what is named wins over
//! a pattern.

use crate::{observe::ChannelFilters, proof::Filter};

/// The filters between a source's table and a replica's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filters {
    /// `binlog_do_db` of the source.
    pub logged: Vec<String>,
    /// `binlog_ignore_db` of the source.
    pub not_logged: Vec<String>,
    /// What the replica applies.
    pub channel: ChannelFilters,
}

impl Filters {
    /// The filter that keeps a table from the replica; `None` where the edge carries it.
    pub(crate) fn leaves_out(&self, database: &str, table: &str) -> Option<Filter> {
        let channel = &self.channel;
        let has = |list: &[String], name: &str| list.iter().any(|n| n.eq_ignore_ascii_case(name));
        if !self.logged.is_empty() && !has(&self.logged, database) {
            return Some(Filter::Source("binlog_do_db"));
        }
        if self.logged.is_empty() && has(&self.not_logged, database) {
            return Some(Filter::Source("binlog_ignore_db"));
        }
        if channel.rewrites.iter().any(|rule| renames(rule, database)) {
            return Some(Filter::Replica("replicate_rewrite_db"));
        }
        if !channel.databases.is_empty() && !has(&channel.databases, database) {
            return Some(Filter::Replica("replicate_do_db"));
        }
        if channel.databases.is_empty() && has(&channel.ignore_databases, database) {
            return Some(Filter::Replica("replicate_ignore_db"));
        }
        let full = format!("{database}.{table}");
        let fits = |list: &[String]| list.iter().any(|pattern| like(pattern, &full));
        if has(&channel.tables, &full) {
            return None;
        }
        if has(&channel.ignore_tables, &full) {
            return Some(Filter::Replica("replicate_ignore_table"));
        }
        if fits(&channel.wild_tables) {
            return None;
        }
        if fits(&channel.wild_ignore_tables) {
            return Some(Filter::Replica("replicate_wild_ignore_table"));
        }
        match (channel.tables.is_empty(), channel.wild_tables.is_empty()) {
            (true, true) => None,
            (false, _) => Some(Filter::Replica("replicate_do_table")),
            (true, false) => Some(Filter::Replica("replicate_wild_do_table")),
        }
    }
}

/// Whether a rule such as `from->to`, or a half of `(from,to)`, is about a database.
fn renames(rule: &str, database: &str) -> bool {
    rule.split("->").map(|part| part.trim_matches(['(', ')', ' '])).any(|part| part == database)
}

/// `LIKE` as replication has it: `%`, `_`, and a backslash before either; letters are alike in both cases.
fn like(pattern: &str, text: &str) -> bool {
    fn fits(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['%', rest @ ..], _) => (0..=text.len()).any(|n| fits(rest, &text[n..])),
            (['\\', c, rest @ ..], [first, text @ ..]) => c == first && fits(rest, text),
            (['_', rest @ ..], [_, text @ ..]) => fits(rest, text),
            ([c, rest @ ..], [first, text @ ..]) => c == first && fits(rest, text),
            _ => false,
        }
    }
    let chars = |text: &str| text.to_lowercase().chars().collect::<Vec<char>>();
    fits(&chars(pattern), &chars(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(set: impl Fn(&mut Filters)) -> Filters {
        let mut filters = Filters::default();
        set(&mut filters);
        filters
    }

    #[test]
    fn filters_are_read_as_replication_reads_them() {
        let list = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let table: [(Filters, &str, &[&str]); 9] = [
            (Filters::default(), "", &["a.t", "tandem.canary"]),
            (filters(|f| f.logged = list(&["a"])), "b.t", &["a.t"]),
            (filters(|f| f.not_logged = list(&["a"])), "a.t", &["b.t"]),
            (filters(|f| f.channel.databases = list(&["a"])), "tandem.canary", &["a.t"]),
            (filters(|f| f.channel.ignore_databases = list(&["a", "b"])), "b.t", &["c.t"]),
            (filters(|f| f.channel.tables = list(&["a.t"])), "a.u", &["a.t"]),
            (filters(|f| f.channel.wild_tables = list(&["a.%", r"b\_x.t_"])), "bax.t1", &["a.t", "b_x.t1"]),
            (filters(|f| f.channel.wild_ignore_tables = list(&["a%.%"])), "ab.t", &["b.a"]),
            (filters(|f| f.channel.rewrites = list(&["a->b"])), "a.t", &["c.t"]),
        ];
        for (filters, out, carried) in table {
            let left = |name: &str| {
                let (database, table) = name.split_once('.').expect("a database and a table");
                filters.leaves_out(database, table)
            };
            assert!(out.is_empty() || left(out).is_some(), "{filters:?} carries {out}");
            for name in carried {
                assert_eq!(left(name), None, "{filters:?} {name}");
            }
        }
        // What is named wins over a pattern.
        let both = filters(|f| {
            f.channel.tables = list(&["a.t"]);
            f.channel.wild_ignore_tables = list(&["a.%"]);
        });
        assert_eq!(both.leaves_out("a", "t"), None);
    }
}
