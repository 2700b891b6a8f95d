//! Whether two servers define the same: databases, tables to the last index, views, routines, triggers and events.
//! What decides is pure.

use std::collections::BTreeMap;

use crate::{
    dialect::{DefinitionQuery, Dialect},
    model::{AspectValue, CopyDifference, Defined, DefinedKind},
    transport::{Row, SqlError, SqlReader},
};

/// All definitions, each with its aspects in a form that is the same on every server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Definitions(BTreeMap<Defined, BTreeMap<&'static str, Option<String>>>);

/// Reads all definitions in these databases.
///
/// # Errors
/// When the server refuses to show them.
pub(crate) async fn read(
    sql: &SqlReader,
    dialect: Dialect,
    databases: &[String],
) -> Result<Definitions, SqlError> {
    let mut definitions = Definitions::default();
    if databases.is_empty() {
        return Ok(definitions);
    }
    definitions.add(sql, &dialect.definitions(databases)).await?;
    let sequences: Vec<(String, String)> = definitions
        .0
        .iter()
        .filter(|(of, aspects)| {
            of.kind == DefinedKind::Table
                && aspects.get("TABLE_TYPE").is_some_and(|t| t.as_deref() == Some("SEQUENCE"))
        })
        .map(|(of, _)| (of.database.clone(), of.name.clone()))
        .collect();
    let queries: Vec<_> =
        sequences.chunks(200).filter_map(|some| dialect.sequence_definitions(some)).collect();
    definitions.add(sql, &queries).await?;
    Ok(definitions)
}

impl Definitions {
    async fn add(&mut self, sql: &SqlReader, queries: &[DefinitionQuery]) -> Result<(), SqlError> {
        let statements: Vec<_> = queries.iter().map(|query| query.sql.clone()).collect();
        for (query, rows) in queries.iter().zip(sql.query_each(&statements).await?) {
            self.put(query, &rows?)?;
        }
        Ok(())
    }

    fn put(&mut self, query: &DefinitionQuery, rows: &[Row]) -> Result<(), SqlError> {
        for row in rows {
            let text = |n: usize| row.at(n).map(str::to_owned);
            let of = Defined { kind: query.kind, database: text(0)?, name: text(1)?, part: text(2)? };
            let mut aspects = BTreeMap::new();
            for (n, aspect) in query.aspects.iter().enumerate() {
                aspects.insert(*aspect, row.optional_at(n + 3)?.map(|value| normal(aspect, value)));
            }
            self.0.insert(of, aspects);
        }
        Ok(())
    }

    /// How many things are defined, without their parts.
    pub(crate) fn objects(&self) -> usize {
        let whole = |of: &&Defined| {
            matches!(
                of.kind,
                DefinedKind::View | DefinedKind::Routine | DefinedKind::Trigger | DefinedKind::Event
            ) || of.kind == DefinedKind::Table && of.part.is_empty()
        };
        self.0.keys().filter(whole).count()
    }

    /// What a replica defines otherwise than its source, as far as these take an object into account. The parts of
    /// something that is missing altogether are not told.
    pub(crate) fn differences(
        &self,
        replica: &Definitions,
        takes: impl Fn(&Defined) -> bool,
    ) -> Vec<CopyDifference> {
        let mut found = Vec::new();
        for (of, here) in self.0.iter().filter(|(of, _)| takes(of)) {
            match replica.0.get(of) {
                None if replica.lacks_whole(of) => {}
                None => found.push(CopyDifference::MissingDefinition { of: of.clone() }),
                // A view's columns follow from its text and its tables; how wide they are is every version's own matter.
                Some(_) if self.is_of_view(of) => {}
                Some(there) => found.extend(differing(of, here, there)),
            }
        }
        for of in replica.0.keys().filter(|of| takes(of) && !self.0.contains_key(of)) {
            if !self.lacks_whole(of) {
                found.push(CopyDifference::ExtraDefinition { of: of.clone() });
            }
        }
        found
    }

    fn is_of_view(&self, part: &Defined) -> bool {
        let view = || Defined { kind: DefinedKind::View, part: String::new(), ..part.clone() };
        part.kind == DefinedKind::Column && self.0.contains_key(&view())
    }

    /// Whether the thing of which this is a part is not there either.
    fn lacks_whole(&self, part: &Defined) -> bool {
        let whole = |kind, part: &str, of: &Defined| Defined { kind, part: part.to_owned(), ..of.clone() };
        match part.kind {
            DefinedKind::Column
            | DefinedKind::Index
            | DefinedKind::ForeignKey
            | DefinedKind::Check
            | DefinedKind::Partition => {
                let table = self.0.contains_key(&whole(DefinedKind::Table, "", part));
                !table && !self.0.contains_key(&whole(DefinedKind::View, "", part))
            }
            DefinedKind::Table if !part.part.is_empty() => {
                !self.0.contains_key(&whole(DefinedKind::Table, "", part))
            }
            DefinedKind::Parameter => {
                let kind = part.part.split(' ').next().unwrap_or_default();
                !self.0.contains_key(&whole(DefinedKind::Routine, kind, part))
            }
            _ => false,
        }
    }
}

fn differing(
    of: &Defined,
    source: &BTreeMap<&'static str, Option<String>>,
    replica: &BTreeMap<&'static str, Option<String>>,
) -> Vec<CopyDifference> {
    // An aspect that only one version tells of is none that could be compared.
    let both = source.iter().filter_map(|(aspect, value)| Some((*aspect, value, replica.get(aspect)?)));
    both.filter(|(_, source, replica)| source != replica)
        .map(|(aspect, source, replica)| CopyDifference::OtherDefinition {
            of: of.clone(),
            aspect: aspect.to_owned(),
            source: AspectValue::of(source.as_deref()),
            replica: AspectValue::of(replica.as_deref()),
        })
        .collect()
}

/// A value as every version would write it.
fn normal(aspect: &str, value: &str) -> String {
    // MySQL 8.0.29 and MariaDB 10.6 call the old three-byte character set by its full name.
    let value = value.replace("utf8mb3", "utf8");
    match aspect {
        "COLUMN_TYPE" | "DTD_IDENTIFIER" => without_width(&value),
        "ENGINE" => value.to_ascii_lowercase(),
        // MySQL 8.0 says so of each default that is an expression, 5.7 does not.
        "EXTRA" => {
            let words = value.split_whitespace().filter(|w| *w != "DEFAULT_GENERATED");
            words.collect::<Vec<_>>().join(" ").to_ascii_lowercase()
        }
        // Aria writes down these two where a statement names them, and they hold without that, too. MariaDB quotes names and
        // values from 10.6 on.
        "CREATE_OPTIONS" => {
            let lower = value.to_ascii_lowercase().replace(['`', '\''], "");
            let words = lower.split(' ').filter(|w| !matches!(*w, "page_checksum=1" | "transactional=1"));
            sorted(&words.collect::<Vec<_>>().join(" "), ' ')
        }
        // MySQL 8.0 took this mode away.
        "SQL_MODE" => sorted(&value.replace("NO_AUTO_CREATE_USER", ""), ','),
        _ => value,
    }
}

fn sorted(list: &str, separator: char) -> String {
    let mut words: Vec<&str> = list.split(separator).filter(|w| !w.is_empty()).collect();
    words.sort_unstable();
    words.join(&separator.to_string())
}

/// An integer's type without the width in which a client may show it; MySQL 8.0.19 has none any more. `tinyint(1)`
/// and the width of `zerofill` mean something to clients.
fn without_width(kind: &str) -> String {
    let lower = kind.to_ascii_lowercase();
    if lower.starts_with("tinyint(1)") || lower.contains("zerofill") {
        return kind.to_owned();
    }
    for word in ["tinyint(", "smallint(", "mediumint(", "bigint(", "int(", "year("] {
        if lower.starts_with(word)
            && let Some((_, rest)) = kind.split_once(')')
        {
            return format!("{}{rest}", word.trim_end_matches('('));
        }
    }
    kind.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_versions_write_otherwise_is_the_same() {
        use DefinedKind::{Column, Table, View};
        let old = definitions(&[
            (Table, "t", "", "CREATE_OPTIONS", "page_compressed=1 page_compression_level=3"),
            (View, "v", "", "VIEW_DEFINITION", "select now() AS `n`"),
            (Column, "v", "n", "COLUMN_TYPE", "datetime /* mariadb-5.3 */"),
        ]);
        let new = definitions(&[
            (Table, "t", "", "CREATE_OPTIONS", "`page_compressed`='1' `page_compression_level`='3'"),
            (View, "v", "", "VIEW_DEFINITION", "select now() AS `n`"),
            (Column, "v", "n", "COLUMN_TYPE", "timestamp /* mariadb-5.3 */"),
        ]);
        assert_eq!(old.differences(&new, |_| true), []);
    }

    fn definitions(list: &[(DefinedKind, &str, &str, &'static str, &str)]) -> Definitions {
        let mut all = Definitions::default();
        for (kind, name, part, aspect, value) in list {
            let of =
                Defined { kind: *kind, database: "d".into(), name: (*name).into(), part: (*part).into() };
            all.0.entry(of).or_default().insert(aspect, Some(normal(aspect, value)));
        }
        all
    }

    #[test]
    fn the_same_in_two_versions_is_no_difference() {
        for (aspect, one, other) in [
            ("COLUMN_TYPE", "int(11) unsigned", "int unsigned"),
            ("COLUMN_TYPE", "year(4)", "year"),
            ("COLLATION_NAME", "utf8_general_ci", "utf8mb3_general_ci"),
            ("SQL_MODE", "STRICT_ALL_TABLES,NO_AUTO_CREATE_USER", "STRICT_ALL_TABLES"),
            ("EXTRA", "DEFAULT_GENERATED on update CURRENT_TIMESTAMP", "on update CURRENT_TIMESTAMP"),
        ] {
            assert_eq!(normal(aspect, one), normal(aspect, other), "{aspect}");
        }
        for (aspect, one, other) in [
            ("COLUMN_TYPE", "tinyint(1)", "tinyint(4)"),
            ("COLUMN_TYPE", "int(5) unsigned zerofill", "int(6) unsigned zerofill"),
            ("COLUMN_TYPE", "decimal(10,2)", "decimal(10,0)"),
            ("COLUMN_TYPE", "enum('int(1)','b')", "enum('int(2)','b')"),
        ] {
            assert_ne!(normal(aspect, one), normal(aspect, other), "{aspect}");
        }
    }

    #[test]
    fn a_missing_table_is_told_once() {
        use DefinedKind::{Column, Parameter, Routine, Table};
        let source = definitions(&[
            (Table, "t", "", "ENGINE", "InnoDB"),
            (Column, "t", "a", "COLUMN_TYPE", "int"),
            (Table, "u", "", "ENGINE", "InnoDB"),
            (Column, "u", "a", "COLUMN_TYPE", "int"),
            (Column, "u", "b", "COLUMN_TYPE", "int"),
            (Routine, "f", "FUNCTION", "SQL_MODE", ""),
            (Parameter, "f", "FUNCTION parameter 1", "PARAMETER_NAME", "x"),
        ]);
        let replica = definitions(&[
            (Table, "u", "", "ENGINE", "MyISAM"),
            (Column, "u", "a", "COLUMN_TYPE", "int"),
            (Column, "u", "c", "COLUMN_TYPE", "int"),
        ]);
        let found = source.differences(&replica, |_| true);
        let of = |found: &CopyDifference| match found {
            CopyDifference::MissingDefinition { of } => (0, of.kind, of.name.clone(), of.part.clone()),
            CopyDifference::ExtraDefinition { of } => (1, of.kind, of.name.clone(), of.part.clone()),
            CopyDifference::OtherDefinition { of, .. } => (2, of.kind, of.name.clone(), of.part.clone()),
            other => panic!("{other:?}"),
        };
        let one = |found: u8, kind, name: &str, part: &str| (found, kind, name.to_owned(), part.to_owned());
        assert_eq!(
            found.iter().map(of).collect::<Vec<_>>(),
            [
                one(0, Table, "t", ""),
                one(2, Table, "u", ""),
                one(0, Column, "u", "b"),
                one(0, Routine, "f", "FUNCTION"),
                one(1, Column, "u", "c"),
            ]
        );
        assert_eq!(source.differences(&source, |_| true), []);
        assert_eq!(source.differences(&replica, |of| of.name == "f").len(), 1);
    }
}
