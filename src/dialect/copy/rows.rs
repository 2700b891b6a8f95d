//! How rows are read and written so that each value arrives as it is.
//!
//! A session of a copy speaks bytes (`SET NAMES binary`), so a text is the bytes that its column holds, and no character
//! set is converted on the way. What the server's text would change is read by another expression: a FLOAT shows six
//! digits, a number of an ENUM says which of its names is meant.

use super::super::rows::{Adding, Compared};
use crate::{
    dialect::{Column, Dialect, Key, Range, ReadStatement, identifier},
    model::Family,
};

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Literal {
    /// Digits, as they are.
    Number,
    /// Bytes in quotes.
    Bytes,
    /// Text in quotes that the server has to take for text: a value that it would refuse as bytes, or read as its own
    /// inner form.
    Text,
}

/// A column of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Carried {
    name: String,
    /// The expression that reads it.
    read: String,
    written: Literal,
}

/// Whether old versions of rows are copied, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum History {
    /// The table keeps none.
    None,
    /// All versions of each row.
    All,
}

/// A piece of a table: rows of a range of its primary key.
pub(crate) type Slice = Range;

/// A table whose rows are copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CopiedTable {
    /// Database.
    pub database: String,
    /// Name.
    pub name: String,
    columns: Vec<Carried>,
    history: History,
    /// Its columns as they are compared, with the primary key where rows can be named by it.
    compared: Compared,
}

impl CopiedTable {
    /// A table with the columns that it stores and the columns of its primary key, if it has one.
    pub(crate) fn new(
        (database, name): (&str, &str),
        columns: &[Column],
        key: &[String],
        history: History,
        dialect: Dialect,
    ) -> Self {
        let ordered =
            key.iter().all(|name| columns.iter().any(|c| c.name == *name && super::super::orders(c)));
        // Old versions have the keys of new ones.
        let by_key = ordered && !key.is_empty() && history == History::None;
        Self {
            database: database.to_owned(),
            name: name.to_owned(),
            columns: columns.iter().map(|column| carried(column, dialect)).collect(),
            history,
            compared: Compared {
                columns: columns.iter().map(|column| (column.clone(), false)).collect(),
                key: if by_key { key.to_vec() } else { Vec::new() },
                primary: by_key,
                notes: Vec::new(),
            },
        }
    }

    /// Lets a row whose life ends with the time of its server live until the time of another one ends; see
    /// [`Dialect::time_ends_late`].
    pub(crate) fn live_longer(&mut self, ends: &str) {
        for column in self.columns.iter_mut().filter(|column| column.name == ends) {
            let name = identifier(ends);
            column.read =
                format!("IF({name}='2038-01-19 03:14:07.999999','2106-02-07 06:28:15.999999',{name})");
        }
    }

    /// As a person writes it.
    pub(crate) fn title(&self) -> String {
        format!("{}.{}", self.database, self.name)
    }

    fn path(&self) -> String {
        format!("{}.{}", identifier(&self.database), identifier(&self.name))
    }

    fn table(&self) -> (&str, &str) {
        (&self.database, &self.name)
    }

    /// Whether the primary key is one whole number.
    pub(crate) fn counts(&self) -> bool {
        self.compared.counts()
    }

    /// Whether it can be read in slices.
    pub(crate) fn has_slices(&self) -> bool {
        !self.compared.key.is_empty()
    }

    /// The first and the last key, where that is one whole number: columns `first` and `last`, NULL without rows.
    pub(crate) fn ends(&self) -> Option<String> {
        let key = identifier(self.compared.key.first().filter(|_| self.counts())?);
        Some(format!("SELECT MIN({key}) AS first, MAX({key}) AS last FROM {}", self.path()))
    }

    /// The key of the n-th row behind another one, as columns `k0`, `k1`.
    pub(crate) fn nth_key(&self, after: Option<Key>, n: u64) -> Option<String> {
        let range = Range { after, up_to: None };
        self.has_slices().then(|| self.compared.nth_key(self.table(), &range, n).text().to_owned())
    }

    /// How many columns the key has.
    pub(crate) fn key_columns(&self) -> usize {
        self.compared.key.len()
    }

    /// Adds up the rows of a slice: columns `n` and `digest`; see [`Adding`].
    pub(crate) fn add_up(&self, slice: &Slice, adding: Adding) -> String {
        let one = self.compared.add_up(self.table(), adding, std::slice::from_ref(slice));
        one.iter().map(ReadStatement::text).collect()
    }

    /// Shows the statement that makes it, in the second column.
    pub(crate) fn show_create(&self) -> String {
        format!("SHOW CREATE TABLE {}", self.path())
    }

    /// Takes indexes out, by their quoted names.
    pub(crate) fn drop_keys(&self, names: &[&str]) -> String {
        let all: Vec<String> = names.iter().map(|name| format!("DROP KEY {name}")).collect();
        format!("ALTER TABLE {} {}", self.path(), all.join(", "))
    }

    /// Puts indexes in, as they stand in the statement that makes a table; all of them are made in one pass over the rows.
    pub(crate) fn add_keys(&self, keys: &[String]) -> String {
        let all: Vec<String> = keys.iter().map(|key| format!("ADD {key}")).collect();
        format!("ALTER TABLE {} {}", self.path(), all.join(", "))
    }

    /// Takes away the rows of a slice, or all of them.
    pub(crate) fn clear(&self, slice: &Slice) -> String {
        match *slice == Range::default() {
            true => format!("TRUNCATE TABLE {}", self.path()),
            false => format!("DELETE FROM {} WHERE {}", self.path(), self.compared.within(slice)),
        }
    }

    /// Reads the rows of a slice.
    pub(crate) fn select(&self, slice: &Slice) -> String {
        let columns: Vec<&str> = self.columns.iter().map(|column| column.read.as_str()).collect();
        let columns = if columns.is_empty() { "1".to_owned() } else { columns.join(",") };
        let history = match self.history {
            History::None => "",
            History::All => " FOR SYSTEM_TIME ALL",
        };
        match self.has_slices() && *slice != Range::default() {
            true => {
                format!(
                    "SELECT {columns} FROM {} FORCE INDEX (PRIMARY) WHERE {}",
                    self.path(),
                    self.compared.within(slice)
                )
            }
            false => format!("SELECT {columns} FROM {}{history}", self.path()),
        }
    }

    /// The beginning of a statement that writes rows; [`CopiedTable::push_row`] appends them.
    pub(crate) fn insert(&self) -> String {
        let columns: Vec<String> = self.columns.iter().map(|column| identifier(&column.name)).collect();
        format!("INSERT INTO {} ({}) VALUES ", self.path(), columns.join(","))
    }

    /// Appends a row to a statement, without a comma.
    pub(crate) fn push_row(&self, statement: &mut Vec<u8>, row: &[Option<Vec<u8>>]) {
        let mut begin = b'(';
        for (column, value) in self.columns.iter().zip(row) {
            statement.push(begin);
            begin = b',';
            push_value(statement, column.written, value.as_deref());
        }
        if begin == b'(' {
            statement.push(begin);
        }
        statement.push(b')');
    }

    /// The same in printable bytes, for a script.
    pub(crate) fn push_printable_row(&self, statement: &mut Vec<u8>, row: &[Option<Vec<u8>>]) {
        let mut begin = b'(';
        for (column, value) in self.columns.iter().zip(row) {
            statement.push(begin);
            begin = b',';
            match value.as_deref() {
                Some(bytes) if !bytes.iter().all(|byte| (b' '..=b'~').contains(byte)) => {
                    push_digits(statement, column.written, bytes);
                }
                value => push_value(statement, column.written, value),
            }
        }
        if begin == b'(' {
            statement.push(begin);
        }
        statement.push(b')');
    }

    /// Writes one row whose values travel beside the statement.
    pub(crate) fn insert_one(&self) -> String {
        let value = |column: &Carried| match column.written {
            Literal::Number | Literal::Bytes => "?",
            Literal::Text => "CONVERT(? USING utf8mb4)",
        };
        let values: Vec<&str> = self.columns.iter().map(value).collect();
        format!("{}({})", self.insert(), values.join(","))
    }
}

/// A value as a literal of a session whose character set is `binary`. A quote gets a backslash, as in `dialect::literal`;
/// these sessions take one for an escape. Nothing else has a meaning between quotes there.
fn push_value(statement: &mut Vec<u8>, written: Literal, value: Option<&[u8]>) {
    let Some(value) = value else {
        statement.extend_from_slice(b"NULL");
        return;
    };
    match written {
        Literal::Number if is_number(value) => {
            statement.extend_from_slice(value);
            return;
        }
        Literal::Number | Literal::Bytes => {}
        Literal::Text => statement.extend_from_slice(b"_utf8mb4"),
    }
    statement.push(b'\'');
    let mut rest = value;
    while let Some(at) = memchr::memchr2(b'\'', b'\\', rest) {
        statement.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        // A value may consist of them.
        while let [special @ (b'\'' | b'\\'), tail @ ..] = rest {
            statement.push(b'\\');
            statement.push(*special);
            rest = tail;
        }
    }
    statement.extend_from_slice(rest);
    statement.push(b'\'');
}

/// The same as hexadecimal digits.
fn push_digits(statement: &mut Vec<u8>, written: Literal, value: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    if written == Literal::Text {
        statement.extend_from_slice(b"_utf8mb4 ");
    }
    statement.extend_from_slice(b"X'");
    statement.extend(value.iter().flat_map(|byte| [byte >> 4, byte & 15].map(|n| DIGITS[usize::from(n)])));
    statement.push(b'\'');
}

/// Nothing but a whole number may stand without quotes, whatever a server has answered.
fn is_number(value: &[u8]) -> bool {
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

fn carried(column: &Column, dialect: Dialect) -> Carried {
    let name = identifier(&column.name);
    let (read, written) = match column.data_type.as_str() {
        kind if kind.ends_with("int") || kind == "integer" => (name, Literal::Number),
        // As a double it has all its digits.
        "float" | "double" | "real" => (format!("{name}*1e0"), Literal::Bytes),
        // Their names may be the same in another character set, or empty; a number says which is meant.
        "enum" | "set" => (format!("CAST({name} AS UNSIGNED)"), Literal::Number),
        "json" if dialect.family() == Family::MySql => (name, Literal::Text),
        // From bytes they would take their inner form.
        "uuid" | "inet4" | "inet6" => (name, Literal::Text),
        _ => (name, Literal::Bytes),
    };
    Carried { name: column.name.clone(), read, written }
}

impl Dialect {
    /// Asks whether a TIMESTAMP lasts until 2106, as since MariaDB 11.5 where numbers have 64 bits, and not until 2038: a
    /// column `late`. A row of a table with system versioning that is valid now ends at that moment, and no other.
    pub fn time_ends_late(self) -> &'static str {
        "SELECT FROM_UNIXTIME(4294967295) IS NOT NULL AS late"
    }

    /// Whether old versions of rows can be written: MariaDB 10.11 takes them.
    pub fn writes_history(self) -> bool {
        self.family() == Family::MariaDb && self.version.at_least(10, 11, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ServerVersion;

    fn column(name: &str, data_type: &str) -> Column {
        Column { name: name.into(), data_type: data_type.into(), ..Column::default() }
    }

    fn table(kinds: &[&str]) -> CopiedTable {
        let dialect = Dialect::of(ServerVersion::parse("9.7.0").expect("a version"));
        let columns: Vec<Column> =
            kinds.iter().enumerate().map(|(n, kind)| column(&format!("c{n}"), kind)).collect();
        CopiedTable::new(("d", "t"), &columns, &["c0".to_owned()], History::None, dialect)
    }

    #[test]
    fn what_a_text_would_change_is_read_otherwise() {
        let table = table(&["bigint", "float", "enum", "json", "bit"]);
        assert_eq!(
            table.select(&Slice::default()),
            "SELECT `c0`,`c1`*1e0,CAST(`c2` AS UNSIGNED),`c3`,`c4` FROM `d`.`t`"
        );
        let slice = Slice { after: Some(vec!["5".into()]), up_to: Some(vec!["7".into()]) };
        assert!(table.select(&slice).ends_with(" FORCE INDEX (PRIMARY) WHERE (`c0` > 5) AND (`c0` <= 7)"));
        let mut text = Vec::new();
        let value = |text: &str| Some(text.as_bytes().to_vec());
        table
            .push_row(&mut text, &[value("-7"), value("1.5"), value("0"), value("{\"a\": \"'\\\\\"}"), None]);
        assert_eq!(String::from_utf8_lossy(&text), r#"(-7,'1.5',0,_utf8mb4'{"a": "\'\\\\"}',NULL)"#);
        assert_eq!(
            table.insert_one(),
            "INSERT INTO `d`.`t` (`c0`,`c1`,`c2`,`c3`,`c4`) VALUES (?,?,?,CONVERT(? USING utf8mb4),?)"
        );
    }

    /// Reads a literal as a server does whose client speaks bytes.
    fn read(literal: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = literal.strip_prefix(b"'")?.iter();
        let mut value = Vec::new();
        while let Some(byte) = bytes.next() {
            match byte {
                b'\'' => return bytes.next().is_none().then_some(value),
                b'\\' => value.push(*bytes.next()?),
                byte => value.push(*byte),
            }
        }
        None
    }

    proptest::proptest! {
        #[test]
        fn bytes_stay_in_their_quotes(value in proptest::collection::vec(
            proptest::prop_oneof![proptest::prelude::any::<u8>(), proptest::strategy::Just(b'\''), proptest::strategy::Just(b'\\')], 0..64,
        )) {
            let mut literal = Vec::new();
            push_value(&mut literal, Literal::Bytes, Some(&value));
            proptest::prop_assert_eq!(read(&literal), Some(value.clone()));
            let mut number = Vec::new();
            push_value(&mut number, Literal::Number, Some(&value));
            let plain = number.first() != Some(&b'\'');
            proptest::prop_assert!(!plain || number.iter().all(|b| b.is_ascii_digit() || *b == b'-'));
        }
    }
}
