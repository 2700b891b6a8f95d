//! The digest of a row: the same on two servers exactly where the row is the same. Pure text.
//!
//! Each value becomes bytes without a loss. A text or a binary string carries its length before it, so that no
//! value can reach into the next; a long one stands there as its SHA-256; a row of zeros and ones in front says
//! which values are NULL. One row is the same as another if their SHA-256 is. Over the rows of a chunk sixty-four
//! bits for each row are added up, which no order and no duplicate disturbs; see [`Adding`].

use super::{Dialect, ReadStatement, identifier, literal};

/// One column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Column {
    /// Name.
    pub name: String,
    /// Type without its length, in lower case, such as `varchar`.
    pub data_type: String,
    /// Type in full, such as `varchar(20)`.
    pub column_type: String,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// Bytes at most, for texts and binary strings.
    pub bytes: u64,
    /// Character set, for texts.
    pub character_set: Option<String>,
    /// Collation, for texts.
    pub collation: Option<String>,
}

/// Bytes up to which a string is taken as it is.
const SHORT: u64 = 1024;
/// Bytes of a statement from which on no more is added to it; servers of old take one mebibyte.
const STATEMENT: usize = 128 * 1024;
/// What stands for a row whose digest the server would not make; more than all digests of a table together.
const NO_DIGEST: &str = "1000000000000000000000000000000";

/// What is added up for each row of a chunk. CRC-32 alone, which other tools take, is the same for two rows by
/// chance once in some thousand million, and where it is combined by `XOR`, two rows that have swapped a value
/// count as equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Adding {
    /// The first eight bytes of the row's SHA-256: on every server.
    Sha256,
    /// The product of two checksums with different polynomials, each plus one: in less time, where all sides have
    /// both. Together the two see every change within sixty-four bits of a row; that two rows with other checksums
    /// have one product happens about once in 2^59. A product, since checksums that are combined without one cancel
    /// each other.
    TwoCrcs,
}

impl Adding {
    /// What all of these servers can work out.
    pub(crate) fn of(servers: impl IntoIterator<Item = Dialect>) -> Self {
        if servers.into_iter().all(Dialect::has_crc32c) { Adding::TwoCrcs } else { Adding::Sha256 }
    }
}

/// The values of a key's columns, as [`key_value`] reads them.
pub(crate) type Key = Vec<String>;

/// Rows behind one key and up to another one; without keys the whole table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Range {
    /// Behind this key.
    pub after: Option<Key>,
    /// Up to this one.
    pub up_to: Option<Key>,
}

/// A column that has two types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherTypes {
    /// Its name.
    pub column: String,
    /// Its type on the source, with the character set.
    pub source: String,
    /// On the replica.
    pub replica: String,
}

/// The columns of a table as they are compared on all sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Compared {
    /// Columns, and whether they are compared in UTF-8, since the sides have other character sets.
    pub columns: Vec<(Column, bool)>,
    /// Columns of the key by which rows are found; empty where there is none.
    pub key: Vec<String>,
    /// Whether that is the primary key on both sides.
    pub primary: bool,
    /// What the definitions differ in.
    pub notes: Vec<OtherTypes>,
}

/// Statements that read rows of a table, which is named by its database and its name.
impl Compared {
    fn from(&self, (database, name): (&str, &str)) -> String {
        let force = if self.primary { " FORCE INDEX (PRIMARY)" } else { "" };
        format!("{}.{} t{force}", identifier(database), identifier(name))
    }

    /// Adds up ranges, in as few statements as their length allows: the columns are `piece`, the range's place
    /// in the list, `n` and `digest`.
    pub(crate) fn add_up(&self, table: (&str, &str), adding: Adding, ranges: &[Range]) -> Vec<ReadStatement> {
        let mut statements = Vec::new();
        let mut text = String::new();
        for (n, range) in ranges.iter().enumerate() {
            text.push_str(if text.is_empty() { "" } else { " UNION ALL " });
            text.push_str(&format!(
                "SELECT {n} AS piece, {} FROM {} WHERE {}",
                self.sum(adding),
                self.from(table),
                self.between(range.after.as_ref(), range.up_to.as_ref())
            ));
            if text.len() >= STATEMENT || n + 1 == ranges.len() {
                statements.push(ReadStatement::new(std::mem::take(&mut text)));
            }
        }
        statements
    }

    /// The key of the n-th row of a range, from 1.
    pub(crate) fn nth_key(&self, table: (&str, &str), range: &Range, n: u64) -> ReadStatement {
        ReadStatement::new(format!(
            "SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT {},1",
            self.key_values(),
            self.from(table),
            self.between(range.after.as_ref(), range.up_to.as_ref()),
            self.key_order(""),
            n.saturating_sub(1)
        ))
    }

    /// The key of the last row.
    pub(crate) fn last_key(&self, table: (&str, &str)) -> ReadStatement {
        ReadStatement::new(format!(
            "SELECT {} FROM {} ORDER BY {} LIMIT 1",
            self.key_values(),
            self.from(table),
            self.key_order(" DESC")
        ))
    }

    /// Rows of a range with their digests, in the order of the key and not more than `most`.
    pub(crate) fn list(&self, table: (&str, &str), range: &Range, most: usize) -> ReadStatement {
        ReadStatement::new(format!(
            "SELECT {}, {} AS digest FROM {} WHERE {} ORDER BY {} LIMIT {most}",
            self.key_values(),
            self.row(),
            self.from(table),
            self.between(range.after.as_ref(), range.up_to.as_ref()),
            self.key_order("")
        ))
    }

    /// Exactly these rows with their digests.
    pub(crate) fn rows(&self, table: (&str, &str), keys: &[&Key]) -> ReadStatement {
        ReadStatement::new(format!(
            "SELECT {}, {} AS digest FROM {} WHERE {}",
            self.key_values(),
            self.row(),
            self.from(table),
            self.these(keys)
        ))
    }

    /// How often each row stands in a table, by digest.
    pub(crate) fn bag(&self, table: (&str, &str), most: usize) -> ReadStatement {
        ReadStatement::new(format!(
            "SELECT digest, COUNT(*) AS n FROM (SELECT {} AS digest FROM {}) d GROUP BY digest LIMIT {most}",
            self.row(),
            self.from(table)
        ))
    }

    /// One row for a person: columns `v0`, `v1`, shortened, and beside them `x0`, `x1`, by which they are compared.
    pub(crate) fn show(&self, table: (&str, &str), key: &Key, most: usize) -> ReadStatement {
        self.shown_where(table, &self.these(&[key]), most)
    }

    /// The same for a row of a table without a key, by its digest.
    pub(crate) fn show_by_digest(&self, table: (&str, &str), digest: &str, most: usize) -> ReadStatement {
        self.shown_where(table, &format!("{} = {}", self.row(), literal(digest)), most)
    }

    fn shown_where(&self, table: (&str, &str), condition: &str, most: usize) -> ReadStatement {
        ReadStatement::new(format!(
            "SELECT {} FROM {} WHERE {condition} LIMIT 1",
            self.shown(most),
            self.from(table)
        ))
    }

    /// The digest of a row as text.
    pub(crate) fn row(&self) -> String {
        hash(&self.bytes())
    }

    /// All of a row, exactly.
    fn bytes(&self) -> String {
        let nulls: Vec<String> = self
            .columns
            .iter()
            .filter(|(c, _)| c.nullable)
            .map(|(c, _)| format!("ISNULL({})", identifier(&c.name)))
            .collect();
        let nulls = (!nulls.is_empty()).then(|| format!("CONCAT({})", nulls.join(", ")));
        let values = self.columns.iter().map(|(c, convert)| exact(c, *convert));
        let all: Vec<String> = nulls.into_iter().chain(values).collect();
        format!("CONCAT_WS('#', {})", all.join(", "))
    }

    /// The number of rows and the sum of what is added up for each.
    fn sum(&self, adding: Adding) -> String {
        let bytes = self.bytes();
        let number = match adding {
            Adding::Sha256 => format!("CAST(CONV(LEFT({}, 16), 16, 10) AS UNSIGNED)", hash(&bytes)),
            Adding::TwoCrcs => format!("(CRC32({bytes}) + 1) * (CRC32C({bytes}) + 1)"),
        };
        format!("COUNT(*) AS n, SUM(COALESCE({number}, {NO_DIGEST})) AS digest")
    }

    /// Whether the key is one whole number.
    pub(crate) fn counts(&self) -> bool {
        let whole = |c: &Column| c.data_type.ends_with("int") || c.data_type == "integer";
        self.key.len() == 1 && self.key_columns().all(whole)
    }

    fn key_columns(&self) -> impl Iterator<Item = &Column> {
        self.key.iter().filter_map(|name| self.columns.iter().map(|(c, _)| c).find(|c| c.name == *name))
    }

    /// Expressions that read the key as [`Key`], as columns `k0`, `k1`.
    fn key_values(&self) -> String {
        let values = self.key_columns().enumerate().map(|(n, c)| format!("{} AS k{n}", key_value(c)));
        values.collect::<Vec<_>>().join(", ")
    }

    /// The key's columns in their order; `t` is the table, lest a name of ours stand for a column of that name.
    fn key_order(&self, direction: &str) -> String {
        let column = |name: &String| format!("t.{}{direction}", identifier(name));
        self.key.iter().map(column).collect::<Vec<_>>().join(", ")
    }

    /// A condition for the rows of a range.
    pub(super) fn within(&self, range: &Range) -> String {
        self.between(range.after.as_ref(), range.up_to.as_ref())
    }

    /// A condition for rows behind one key and up to another one.
    fn between(&self, after: Option<&Key>, up_to: Option<&Key>) -> String {
        let conditions: Vec<String> =
            [after.map(|k| self.beside(k, '>', ">")), up_to.map(|k| self.beside(k, '<', "<="))]
                .into_iter()
                .flatten()
                .collect();
        if conditions.is_empty() { "1 = 1".to_owned() } else { conditions.join(" AND ") }
    }

    /// Rows on one side of a key. `(a, b) > (1, 2)` is written out, since few servers use an index for it.
    fn beside(&self, key: &Key, strict: char, last: &str) -> String {
        let pairs: Vec<(String, String)> = self
            .key_columns()
            .zip(key)
            .map(|(c, value)| (identifier(&c.name), key_literal(c, value)))
            .collect();
        let mut ways = Vec::new();
        for (n, (name, value)) in pairs.iter().enumerate() {
            let mut way: Vec<String> =
                pairs[..n].iter().map(|(name, value)| format!("{name} = {value}")).collect();
            let sign = if n + 1 == pairs.len() { last.to_owned() } else { strict.to_string() };
            way.push(format!("{name} {sign} {value}"));
            ways.push(way.join(" AND "));
        }
        match (pairs.as_slice(), ways.as_slice()) {
            (_, [only]) => format!("({only})"),
            // The first column alone is what any server finds a range by.
            ([(name, value), ..], ways) => {
                format!("({name} {strict}= {value} AND (({})))", ways.join(") OR ("))
            }
            ([], _) => "1 = 1".to_owned(),
        }
    }

    /// A condition for exactly these rows.
    fn these(&self, keys: &[&Key]) -> String {
        let one = |key: &Key| {
            let pairs = self.key_columns().zip(key);
            let equal =
                pairs.map(|(c, value)| format!("{} = {}", identifier(&c.name), key_literal(c, value)));
            format!("({})", equal.collect::<Vec<_>>().join(" AND "))
        };
        keys.iter().map(|key| one(key)).collect::<Vec<_>>().join(" OR ")
    }

    /// Expressions that show every column to a person, and their exact values beside them.
    fn shown(&self, most: usize) -> String {
        let pair = |(n, (c, convert)): (usize, &(Column, bool))| {
            format!("{} AS v{n}, HEX(CONCAT_WS('#', {})) AS x{n}", readable(c, most), exact(c, *convert))
        };
        self.columns.iter().enumerate().map(pair).collect::<Vec<_>>().join(", ")
    }
}

/// Whether the sum says that the server made no digest for some row.
pub(crate) fn incomplete(sum: &str) -> bool {
    sum.len() >= NO_DIGEST.len()
}

/// Whether a key may stand on a column of this type: one that can be named exactly in a condition.
pub(crate) fn orders(column: &Column) -> bool {
    !matches!(class(column), Class::Long | Class::Document | Class::Other)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Integers, decimals, years.
    Number,
    /// `float` and `double`.
    Real,
    /// `bit`.
    Bits,
    /// Dates and times.
    Time,
    /// A text with a character set.
    Text,
    /// A binary string.
    Bytes,
    /// One of some names.
    Named,
    /// Texts and binary strings of any length.
    Long,
    /// MySQL's JSON.
    Document,
    /// Everything else: geometry, `uuid`, `inet6`, `vector`.
    Other,
}

/// Whether a column holds a binary string that is compared as it is.
pub(crate) fn is_bytes(column: &Column) -> bool {
    class(column) == Class::Bytes
}

/// Whether a column holds a text or a binary string of any length, which has no order.
pub(crate) fn is_long(column: &Column) -> bool {
    class(column) == Class::Long
}

fn class(column: &Column) -> Class {
    match column.data_type.as_str() {
        "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint" | "decimal" | "numeric"
        | "year" => Class::Number,
        "float" | "double" | "real" => Class::Real,
        "bit" => Class::Bits,
        "date" | "datetime" | "timestamp" | "time" => Class::Time,
        "char" | "varchar" if column.bytes <= SHORT => Class::Text,
        "binary" | "varbinary" if column.bytes <= SHORT => Class::Bytes,
        "enum" | "set" => Class::Named,
        "char" | "varchar" | "binary" | "varbinary" => Class::Long,
        kind if kind.ends_with("text") || kind.ends_with("blob") => Class::Long,
        "json" => Class::Document,
        _ => Class::Other,
    }
}

/// MySQL 9.7 does not know `SHA1` any more; every server knows this one, and it is as fast.
fn hash(text: &str) -> String {
    format!("SHA2({text}, 256)")
}

/// A value as bytes, exactly, for `CONCAT_WS`, which turns numbers and times into text and leaves out NULL. Our
/// sessions have the time zone +00:00.
fn exact(column: &Column, convert: bool) -> String {
    let name = identifier(&column.name);
    let bytes = if convert { format!("CONVERT({name} USING utf8mb4)") } else { name.clone() };
    match class(column) {
        Class::Number | Class::Time => name,
        // A float alone is written with six digits; as a double it is written with all that it has.
        Class::Real => format!("{name} * 1e0"),
        Class::Bits => format!("{name} + 0"),
        Class::Bytes => format!("LENGTH({name}), {name}"),
        Class::Text | Class::Named => format!("LENGTH({bytes}), CAST({bytes} AS BINARY)"),
        Class::Long => hash(&format!("CAST({bytes} AS BINARY)")),
        Class::Document => hash(&format!("CAST({name} AS CHAR)")),
        Class::Other => hash(&format!("HEX({name})")),
    }
}

/// A value for a person.
fn readable(column: &Column, most: usize) -> String {
    let name = identifier(&column.name);
    let binary = column.character_set.is_none();
    match class(column) {
        Class::Bytes => format!("CONCAT('0x', LEFT(HEX({name}), {most}))"),
        Class::Long if binary => format!("CONCAT('0x', LEFT(HEX({name}), {most}))"),
        Class::Bits => format!("CAST({name} + 0 AS CHAR)"),
        Class::Other if matches!(column.data_type.as_str(), "uuid" | "inet4" | "inet6") => {
            format!("CAST({name} AS CHAR)")
        }
        Class::Other => format!("CONCAT('0x', LEFT(HEX({name}), {most}))"),
        Class::Text | Class::Named | Class::Long | Class::Document => {
            format!("LEFT(CONVERT({name} USING utf8mb4), {most})")
        }
        Class::Number | Class::Real | Class::Time => exact_number(column),
    }
}

fn exact_number(column: &Column) -> String {
    let name = identifier(&column.name);
    if class(column) == Class::Real {
        format!("CAST({name} * 1e0 AS CHAR)")
    } else {
        format!("CAST({name} AS CHAR)")
    }
}

/// Reads a key's column so that [`key_literal`] can write it.
fn key_value(column: &Column) -> String {
    let name = identifier(&column.name);
    match class(column) {
        Class::Text | Class::Bytes => format!("HEX({name})"),
        Class::Bits | Class::Named => format!("CAST({name} + 0 AS CHAR)"),
        _ => exact_number(column),
    }
}

/// Writes a key's value. A text is written in its own character set and collation: only so it has the order
/// of the index.
fn key_literal(column: &Column, value: &str) -> String {
    let number = !value.is_empty() && value.chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c));
    let hex = value.chars().all(|c| c.is_ascii_hexdigit());
    match (class(column), &column.character_set, &column.collation) {
        (Class::Text, Some(set), Some(collation)) if hex && is_word(set) && is_word(collation) => {
            format!("_{set} X'{value}' COLLATE {collation}")
        }
        (Class::Bytes, ..) if hex => format!("_binary X'{value}'"),
        (Class::Real, ..) if number && !value.contains(['e', 'E']) => format!("{value}e0"),
        (Class::Number | Class::Real | Class::Bits | Class::Named, ..) if number => value.to_owned(),
        _ => literal(value),
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::reads_only;

    #[test]
    fn statements_about_rows_pass_as_reads() {
        let column = |name: &str, data_type: &str, set: Option<&str>| Column {
            name: name.into(),
            data_type: data_type.into(),
            nullable: true,
            bytes: 20,
            character_set: set.map(str::to_owned),
            collation: set.map(|set| format!("{set}_bin")),
            ..Column::default()
        };
        let kinds = "int double bit datetime varbinary enum blob json uuid geometry point";
        let mut columns: Vec<_> =
            kinds.split(' ').map(|kind| (column(&format!("for `{kind}"), kind, None), false)).collect();
        columns.push((column("v", "varchar", Some("latin1")), true));
        columns.push((column("t", "text", Some("utf8mb4")), false));
        let key = ["for `int", "for `double", "for `bit", "for `varbinary", "v"].map(str::to_owned).to_vec();
        let compared = Compared { columns, key, primary: true, notes: Vec::new() };
        let (table, at) = (("into d", "t;"), ["-1", "1.5", "1", "FF", "AB"].map(str::to_owned).to_vec());
        let range = Range { after: Some(at.clone()), up_to: Some(at.clone()) };
        let mut all = compared.add_up(table, Adding::Sha256, &[range.clone(), Range::default()]);
        all.extend(compared.add_up(table, Adding::TwoCrcs, std::slice::from_ref(&range)));
        all.extend([
            compared.nth_key(table, &range, 5),
            compared.last_key(table),
            compared.list(table, &range, 5),
            compared.rows(table, &[&at]),
            compared.bag(table, 5),
            compared.show(table, &at, 5),
            compared.show_by_digest(table, "ab", 5),
        ]);
        for statement in all {
            assert!(reads_only(statement.text()), "{}", statement.text());
        }
    }
}
