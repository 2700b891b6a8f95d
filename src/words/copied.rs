//! How a copy differs from its source.

use crate::model::{AspectValue, CopyDifference, Defined, DefinedKind, HostName, visible};

/// What is not the same on a source and its replica.
pub(crate) fn difference(found: &CopyDifference, source: &HostName, replica: &HostName) -> String {
    match found {
        CopyDifference::MissingDefinition { of } => format!("{} is missing on {replica}", defined(of)),
        CopyDifference::ExtraDefinition { of } => format!("{} is only on {replica}", defined(of)),
        CopyDifference::OtherDefinition { of, aspect, source: there, replica: here } => format!(
            "{}: {} is {} on {source} and {} on {replica}",
            defined(of),
            visible(&aspect.to_ascii_lowercase()),
            value(there),
            value(here)
        ),
        CopyDifference::MissingAccount { account } => {
            format!("account {} is missing on {replica}", visible(account))
        }
        CopyDifference::OtherLogin { account } => {
            format!(
                "account {}: login, limits or lock differ between {source} and {replica}",
                visible(account)
            )
        }
        CopyDifference::MissingGrant { account, grant } => {
            format!("account {} lacks on {replica}: {}", visible(account), visible(grant))
        }
        CopyDifference::ExtraGrant { account, grant } => {
            format!("account {} has on {replica} only: {}", visible(account), visible(grant))
        }
        CopyDifference::MissingTable { table, host } => {
            format!("table {} is missing on {host}", visible(table))
        }
        CopyDifference::MissingColumns { table, host, names } => match names.as_slice() {
            [name] => format!("table {}: {host} has no column {}", visible(table), visible(name)),
            names => {
                format!("table {}: {host} has no columns {}", visible(table), visible(&names.join(", ")))
            }
        },
        CopyDifference::Rows { table, count, at_least } => {
            let at_least = if *at_least { "at least " } else { "" };
            let rows = if *count == 1 { "1 row differs".to_owned() } else { format!("{count} rows differ") };
            format!("table {}: {at_least}{rows} between {source} and {replica}", visible(table))
        }
    }
}

fn value(value: &AspectValue) -> String {
    match value {
        AspectValue::Null => "NULL".to_owned(),
        AspectValue::Long => "another text".to_owned(),
        AspectValue::Text(text) => format!("`{}`", visible(text)),
    }
}

/// What a definition is of.
pub(crate) fn defined(of: &Defined) -> String {
    let name = visible(&format!("{}.{}", of.database, of.name));
    let part = visible(&of.part);
    match of.kind {
        DefinedKind::Database => format!("database {}", visible(&of.database)),
        DefinedKind::Table if of.part.is_empty() => format!("table {name}"),
        DefinedKind::Table => format!("sequence {name}"),
        DefinedKind::Column => format!("column {part} of {name}"),
        DefinedKind::Index => format!("index {part} of {name}"),
        DefinedKind::ForeignKey => format!("foreign key {part} of {name}"),
        DefinedKind::Check => format!("check {part} of {name}"),
        DefinedKind::Partition => format!("partition {part} of {name}"),
        DefinedKind::View => format!("view {name}"),
        DefinedKind::Routine | DefinedKind::Parameter => format!("{} {name}", part.to_ascii_lowercase()),
        DefinedKind::Trigger => format!("trigger {name}"),
        DefinedKind::Event => format!("event {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_named_as_its_users_call_it() {
        let of = |kind, name: &str, part: &str| {
            defined(&Defined { kind, database: "d".into(), name: name.into(), part: part.into() })
        };
        assert_eq!(of(DefinedKind::Database, "", ""), "database d");
        assert_eq!(of(DefinedKind::Table, "t", "SEQUENCE"), "sequence d.t");
        assert_eq!(of(DefinedKind::Column, "t", "a"), "column a of d.t");
        assert_eq!(of(DefinedKind::Routine, "f", "FUNCTION"), "function d.f");
        assert_eq!(of(DefinedKind::Trigger, "t\u{1b}[31m", ""), "trigger d.t\\u{1b}[31m");
    }

    #[test]
    fn one_row_differs_and_two_differ() {
        let (source, replica) = (HostName::new("db-a"), HostName::new("db-b"));
        let rows = |count, at_least| CopyDifference::Rows { table: "d.t".into(), count, at_least };
        let told = |found: &CopyDifference| difference(found, &source, &replica);
        assert_eq!(told(&rows(1, false)), "table d.t: 1 row differs between db-a and db-b");
        assert_eq!(told(&rows(2, true)), "table d.t: at least 2 rows differ between db-a and db-b");
    }
}
