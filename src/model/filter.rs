//! What one channel applies.

use serde::{Deserialize, Serialize};

/// Filters of one channel. A list that is empty filters nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filters {
    /// Only these databases.
    pub databases: Vec<String>,
    /// All databases but these.
    pub ignore_databases: Vec<String>,
    /// Only tables that fit one of these patterns, as `database.table` with `%` and `_`.
    pub wild_tables: Vec<String>,
    /// All tables but those that fit.
    pub wild_ignore_tables: Vec<String>,
}

impl Filters {
    /// The options of the server, in the order of the fields.
    pub const OPTIONS: [&str; 4] =
        ["replicate_do_db", "replicate_ignore_db", "replicate_wild_do_table", "replicate_wild_ignore_table"];

    /// Every list with its option.
    pub fn lists(&self) -> [(&'static str, &Vec<String>); 4] {
        let [databases, ignored, wild, wild_ignored] = Self::OPTIONS;
        [
            (databases, &self.databases),
            (ignored, &self.ignore_databases),
            (wild, &self.wild_tables),
            (wild_ignored, &self.wild_ignore_tables),
        ]
    }

    /// Every list, to be changed.
    pub fn lists_mut(&mut self) -> [(&'static str, &mut Vec<String>); 4] {
        let [databases, ignored, wild, wild_ignored] = Self::OPTIONS;
        [
            (databases, &mut self.databases),
            (ignored, &mut self.ignore_databases),
            (wild, &mut self.wild_tables),
            (wild_ignored, &mut self.wild_ignore_tables),
        ]
    }

    /// Whether nothing is filtered.
    pub fn is_empty(&self) -> bool {
        self.lists().iter().all(|(_, list)| list.is_empty())
    }

    /// Whether a database comes through at all, as far as its name tells.
    pub fn let_through(&self, database: &str) -> bool {
        let of =
            |pattern: &String| pattern.split_once('.').map(|(db, table)| (db.to_owned(), table.to_owned()));
        let some_of =
            |pattern: &String| of(pattern).is_some_and(|(db, _)| db == database || db.contains(['%', '_']));
        let all_of = |pattern: &String| of(pattern).is_some_and(|(db, table)| db == database && table == "%");
        (self.databases.is_empty() || self.databases.iter().any(|d| d == database))
            && !self.ignore_databases.iter().any(|d| d == database)
            && (self.wild_tables.is_empty() || self.wild_tables.iter().any(some_of))
            && !self.wild_ignore_tables.iter().any(all_of)
    }
}

impl std::fmt::Display for Filters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lists = self.lists().into_iter().filter(|(_, list)| !list.is_empty());
        let text: Vec<String> = lists.map(|(name, list)| format!("{name} {}", list.join(", "))).collect();
        f.write_str(if text.is_empty() { "none" } else { "" })?;
        f.write_str(&text.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::Filters;

    #[test]
    fn a_database_comes_through_or_not() {
        let list = |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
        for (databases, ignored, wild, wild_ignored, comes) in [
            ("", "", "", "", true),
            ("shop", "", "", "", true),
            ("other", "", "", "", false),
            ("", "shop", "", "", false),
            ("", "", "shop.%", "", true),
            ("", "", "s%.t", "", true),
            ("", "", "other.%", "", false),
            ("", "", "", "shop.%", false),
            ("", "", "", "shop.log_%", true),
        ] {
            let filters = Filters {
                databases: list(databases),
                ignore_databases: list(ignored),
                wild_tables: list(wild),
                wild_ignore_tables: list(wild_ignored),
            };
            assert_eq!(filters.let_through("shop"), comes, "{filters}");
        }
    }
}
