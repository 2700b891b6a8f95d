//! What the compatibility of two servers depends on, beside their variables.

use std::collections::BTreeSet;

use crate::{
    dialect::Dialect,
    transport::{SqlError, SqlReader},
};

/// What a server's schemas need, and what it could take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchemaFacts {
    /// Collations that the server knows.
    pub collations: BTreeSet<String>,
    /// Collations of users' tables and databases.
    pub used: BTreeSet<String>,
    /// InnoDB tables without a key by which a row could be found, as `database.table`.
    pub keyless: Vec<String>,
    /// How many time zones have names.
    pub time_zones: u64,
}

/// Reads it in one answer.
pub(super) async fn schema(sql: &SqlReader, dialect: Dialect) -> Result<SchemaFacts, SqlError> {
    let mut facts = SchemaFacts::default();
    for row in sql.query(&dialect.schema()).await? {
        let name = row.text("name")?;
        match row.need("what")? {
            "has" => {
                facts.collations.insert(name);
            }
            "uses" => {
                facts.used.insert(name);
            }
            // A partition has a name of its own behind its table's.
            "keyless" => {
                let table = as_named(name.split('#').next().unwrap_or_default());
                if !facts.keyless.contains(&table) {
                    facts.keyless.push(table);
                }
            }
            _ => facts.time_zones = row.number("name")?,
        }
    }
    facts.keyless.sort();
    Ok(facts)
}

/// InnoDB names a table as its file is named: signs other than letters and digits are `@` and four
/// hexadecimal digits (MySQL manual, "Mapping of Identifiers to File Names").
pub(super) fn as_named(file: &str) -> String {
    let mut parts = file.replacen('/', ".", 1).split('@').map(str::to_owned).collect::<Vec<_>>().into_iter();
    let mut name = parts.next().unwrap_or_default();
    for part in parts {
        let sign = part.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
        match sign {
            Some(sign) => {
                name.push(sign);
                name.push_str(&part[4..]);
            }
            None => {
                name.push('@');
                name.push_str(&part);
            }
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::as_named;

    #[test]
    fn tables_are_named_as_people_name_them() {
        for (file, name) in [
            ("hello/t", "hello.t"),
            ("hello/bare@0020table", "hello.bare table"),
            ("a@002db/@0040x", "a-b.@x"),
            ("d/n@ae", "d.n@ae"),
            ("d/x@", "d.x@"),
            ("d/@00e9@00ffé", "d.éÿé"),
        ] {
            assert_eq!(as_named(file), name);
        }
    }
}
