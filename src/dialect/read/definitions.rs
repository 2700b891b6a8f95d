//! Queries for the definitions of everything that a database holds.
//!
//! `information_schema` is asked and not `SHOW CREATE`: one statement for all tables, values instead of a text to be
//! taken apart, and the same columns in every version as far as they exist there.

use super::ReadStatement;
use crate::{
    dialect::{Dialect, identifier, literal},
    model::{DefinedKind, Family},
};

/// One query. Its rows have the columns `db`, `name` and `part`, which say whose definition it is, and those in
/// `aspects`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinitionQuery {
    /// Of what.
    pub kind: DefinedKind,
    /// What is defined, by the names of the columns.
    pub aspects: Vec<&'static str>,
    /// The statement.
    pub sql: ReadStatement,
}

/// A source of definitions: kind, what follows FROM, the columns for database, name and part, and the aspects.
type Source = (DefinedKind, &'static str, [&'static str; 3], Vec<&'static str>);

const CREATED_UNDER: [&str; 3] = ["DEFINER", "CHARACTER_SET_CLIENT", "COLLATION_CONNECTION"];

impl Dialect {
    /// Queries for the definitions in these databases.
    ///
    /// Left out: what a server works out by itself (row estimates, the format of rows where nobody named one), the
    /// counter of `AUTO_INCREMENT`, which moves, and the state of an event, which is meant to differ on a replica.
    pub fn definitions(self, databases: &[String]) -> Vec<DefinitionQuery> {
        let names = databases.iter().map(|name| literal(name)).collect::<Vec<_>>().join(", ");
        let query = |(kind, from, [db, name, part], aspects): Source| {
            let joins = if from.contains(" WHERE ") { "AND" } else { "WHERE" };
            let sql = format!(
                "SELECT {db} AS db, {name} AS name, {part} AS part, {} FROM information_schema.{from} {joins} {db} IN ({names})",
                aspects.join(", ")
            );
            DefinitionQuery { kind, aspects, sql: ReadStatement::new(sql) }
        };
        self.definition_sources().into_iter().map(query).collect()
    }

    fn definition_sources(self) -> Vec<Source> {
        let mut sources = self.table_sources();
        sources.extend(code_sources());
        sources
    }

    fn column_aspects(self) -> Vec<&'static str> {
        let generated = !matches!(self.family(), Family::MySql) || self.mysql(5, 7, 6);
        let mut column = vec![
            "ORDINAL_POSITION",
            "COLUMN_TYPE",
            "IS_NULLABLE",
            "COLUMN_DEFAULT",
            "CHARACTER_SET_NAME",
            "COLLATION_NAME",
            "EXTRA",
            "COLUMN_COMMENT",
        ];
        column.extend(generated.then_some("GENERATION_EXPRESSION"));
        column
    }

    fn index_aspects(self) -> Vec<&'static str> {
        let mut index =
            vec!["NON_UNIQUE", "COLUMN_NAME", "SUB_PART", "COLLATION", "INDEX_TYPE", "INDEX_COMMENT"];
        // MySQL 8.0.0 made indexes invisible, 8.0.13 made them of expressions; MariaDB 10.6 ignores them.
        index.extend(self.mysql(8, 0, 0).then_some("IS_VISIBLE"));
        index.extend(self.mysql(8, 0, 13).then_some("EXPRESSION"));
        index.extend(
            (self.family() == Family::MariaDb && self.version.at_least(10, 6, 0)).then_some("IGNORED"),
        );
        index
    }

    fn table_sources(self) -> Vec<Source> {
        let mut sources = vec![
            (
                DefinedKind::Database,
                "SCHEMATA",
                ["SCHEMA_NAME", "''", "''"],
                [
                    &["DEFAULT_CHARACTER_SET_NAME", "DEFAULT_COLLATION_NAME"][..],
                    if self.comments_databases() { &["SCHEMA_COMMENT"] } else { &[] },
                ]
                .concat(),
            ),
            (
                DefinedKind::Table,
                "TABLES WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE')",
                ["TABLE_SCHEMA", "TABLE_NAME", "''"],
                vec!["TABLE_TYPE", "ENGINE", "TABLE_COLLATION", "CREATE_OPTIONS", "TABLE_COMMENT"],
            ),
            (
                DefinedKind::Column,
                "COLUMNS",
                ["TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME"],
                self.column_aspects(),
            ),
            (
                DefinedKind::Index,
                "STATISTICS",
                ["TABLE_SCHEMA", "TABLE_NAME", "CONCAT(INDEX_NAME, ', column ', SEQ_IN_INDEX)"],
                self.index_aspects(),
            ),
            (
                DefinedKind::ForeignKey,
                "KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA \
                 AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND r.TABLE_NAME = k.TABLE_NAME WHERE k.REFERENCED_TABLE_NAME IS NOT NULL",
                [
                    "k.TABLE_SCHEMA",
                    "k.TABLE_NAME",
                    "CONCAT(k.CONSTRAINT_NAME, ', column ', k.ORDINAL_POSITION)",
                ],
                vec![
                    "COLUMN_NAME",
                    "REFERENCED_TABLE_SCHEMA",
                    "k.REFERENCED_TABLE_NAME",
                    "REFERENCED_COLUMN_NAME",
                    "UPDATE_RULE",
                    "DELETE_RULE",
                ],
            ),
            (
                DefinedKind::Partition,
                "PARTITIONS WHERE PARTITION_NAME IS NOT NULL",
                ["TABLE_SCHEMA", "TABLE_NAME", "CONCAT_WS('/', PARTITION_NAME, SUBPARTITION_NAME)"],
                vec![
                    "PARTITION_METHOD",
                    "PARTITION_EXPRESSION",
                    "PARTITION_DESCRIPTION",
                    "SUBPARTITION_METHOD",
                    "SUBPARTITION_EXPRESSION",
                ],
            ),
        ];
        sources.extend(self.check_source());
        sources
    }

    /// MariaDB 10.2.22 and MySQL 8.0.16 list checks; only MariaDB's name their table.
    fn check_source(self) -> Option<Source> {
        match self.family() {
            Family::MariaDb => Some((
                DefinedKind::Check,
                "CHECK_CONSTRAINTS",
                ["CONSTRAINT_SCHEMA", "TABLE_NAME", "CONSTRAINT_NAME"],
                vec!["CHECK_CLAUSE"],
            )),
            Family::MySql if self.mysql(8, 0, 16) => Some((
                DefinedKind::Check,
                "CHECK_CONSTRAINTS c JOIN information_schema.TABLE_CONSTRAINTS t ON t.CONSTRAINT_SCHEMA = c.CONSTRAINT_SCHEMA \
                 AND t.CONSTRAINT_NAME = c.CONSTRAINT_NAME WHERE t.CONSTRAINT_TYPE = 'CHECK'",
                ["c.CONSTRAINT_SCHEMA", "t.TABLE_NAME", "c.CONSTRAINT_NAME"],
                vec!["CHECK_CLAUSE", "ENFORCED"],
            )),
            Family::MySql => None,
        }
    }

    /// What a sequence of MariaDB counts by; the number that comes next moves with every use. Of each of these
    /// sequences, as database and name.
    pub fn sequence_definitions(self, sequences: &[(String, String)]) -> Option<DefinitionQuery> {
        let aspects =
            vec!["minimum_value", "maximum_value", "start_value", "increment", "cache_size", "cycle_option"];
        let one = |(db, name): &(String, String)| {
            format!(
                "SELECT {} AS db, {} AS name, 'sequence' AS part, {} FROM {}.{}",
                literal(db),
                literal(name),
                aspects.join(", "),
                identifier(db),
                identifier(name)
            )
        };
        let sql = sequences.iter().map(one).collect::<Vec<_>>().join(" UNION ALL ");
        (!sql.is_empty()).then_some(DefinitionQuery {
            kind: DefinedKind::Table,
            aspects,
            sql: ReadStatement::new(sql),
        })
    }
}

/// Views and stored programs, which all versions list alike.
fn code_sources() -> Vec<Source> {
    let with = |aspects: &[&'static str]| aspects.iter().chain(&CREATED_UNDER).copied().collect();
    vec![
        (
            DefinedKind::View,
            "VIEWS",
            ["TABLE_SCHEMA", "TABLE_NAME", "''"],
            with(&["VIEW_DEFINITION", "CHECK_OPTION", "SECURITY_TYPE"]),
        ),
        (
            DefinedKind::Routine,
            "ROUTINES",
            ["ROUTINE_SCHEMA", "ROUTINE_NAME", "ROUTINE_TYPE"],
            with(&[
                "DTD_IDENTIFIER",
                "ROUTINE_DEFINITION",
                "IS_DETERMINISTIC",
                "SQL_DATA_ACCESS",
                "SECURITY_TYPE",
                "SQL_MODE",
                "ROUTINE_COMMENT",
                "DATABASE_COLLATION",
            ]),
        ),
        (
            DefinedKind::Parameter,
            "PARAMETERS",
            ["SPECIFIC_SCHEMA", "SPECIFIC_NAME", "CONCAT(ROUTINE_TYPE, ' parameter ', ORDINAL_POSITION)"],
            vec!["PARAMETER_MODE", "PARAMETER_NAME", "DTD_IDENTIFIER"],
        ),
        (
            DefinedKind::Trigger,
            "TRIGGERS",
            ["TRIGGER_SCHEMA", "TRIGGER_NAME", "''"],
            with(&[
                "EVENT_OBJECT_TABLE",
                "EVENT_MANIPULATION",
                "ACTION_TIMING",
                "ACTION_ORDER",
                "ACTION_STATEMENT",
                "SQL_MODE",
                "DATABASE_COLLATION",
            ]),
        ),
        (
            DefinedKind::Event,
            "EVENTS",
            ["EVENT_SCHEMA", "EVENT_NAME", "''"],
            with(&[
                "EVENT_DEFINITION",
                "EVENT_TYPE",
                "EXECUTE_AT",
                "INTERVAL_VALUE",
                "INTERVAL_FIELD",
                "STARTS",
                "ENDS",
                "ON_COMPLETION",
                "EVENT_COMMENT",
                "SQL_MODE",
                "TIME_ZONE",
                "DATABASE_COLLATION",
            ]),
        ),
    ]
}
