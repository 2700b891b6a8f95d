//! Rows out of what a decoder prints of a binary log (`mariadb-binlog --verbose`, `mysqlbinlog --verbose`). Pure.
//!
//! What it prints is no SQL: a negative number of an unsigned column, seconds for a TIMESTAMP, bytes of any character set.
//! Only with a column's type is it a value.

use crate::dialect::{Scalar, identifier, shown};

/// A column of the table that an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// How its values are decoded.
    pub kind: ColumnKind,
}

/// How a decoder shows the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// A whole number; of one without a sign the second number counts.
    Integer {
        /// Whether it has no sign.
        unsigned: bool,
    },
    /// A number as it is: DECIMAL.
    Decimal,
    /// A number that stands for the value: ENUM, SET, YEAR.
    Index,
    /// A text. Of a character set beyond UTF-8 what is no ASCII is not known.
    Text {
        /// Whether its bytes are UTF-8.
        utf8: bool,
    },
    /// A text that is a date, with colons.
    Date,
    /// A text that is a time: TIME, DATETIME.
    Time,
    /// Seconds since 1970.
    Timestamp,
    /// What the decoder does not show as it is, or what a server works out by itself.
    Other,
}

/// What `EXTRA` says of a column that the server works out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Generated {
    /// Anew each time it is read: it is in no event, and whether it has a number there depends on the version.
    Virtual,
    /// Once.
    Stored,
}

impl Generated {
    /// Reads it.
    pub(crate) fn of(extra: &str) -> Option<Self> {
        extra.split_whitespace().find_map(|word| match word.to_ascii_uppercase().as_str() {
            "VIRTUAL" => Some(Generated::Virtual),
            "STORED" | "PERSISTENT" => Some(Generated::Stored),
            _ => None,
        })
    }
}

impl ColumnKind {
    /// Reads `DATA_TYPE`, `COLUMN_TYPE`, `EXTRA` and `CHARACTER_SET_NAME` of `information_schema.COLUMNS`.
    pub(crate) fn of(data_type: &str, full: &str, extra: &str, charset: Option<&str>) -> Self {
        if Generated::of(extra).is_some() {
            return ColumnKind::Other;
        }
        match data_type {
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => {
                ColumnKind::Integer { unsigned: full.contains("unsigned") }
            }
            "decimal" => ColumnKind::Decimal,
            "enum" | "set" | "year" => ColumnKind::Index,
            "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => match charset {
                Some("ucs2" | "utf16" | "utf16le" | "utf32") | None => ColumnKind::Other,
                Some(name) => ColumnKind::Text { utf8: name.starts_with("utf8") },
            },
            "date" => ColumnKind::Date,
            "time" | "datetime" => ColumnKind::Time,
            "timestamp" => ColumnKind::Timestamp,
            _ => ColumnKind::Other,
        }
    }

    /// Whether its values can find a row.
    pub(crate) fn finds_rows(self) -> bool {
        matches!(self, ColumnKind::Integer { .. } | ColumnKind::Decimal | ColumnKind::Text { .. })
    }
}

/// A value of a decoded event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// NULL.
    Null,
    /// A number.
    Number(String),
    /// A text.
    Text(String),
    /// Seconds since 1970, with their fraction.
    Seconds(String),
    /// As the decoder shows it; what it is can't be said.
    Shown(String),
}

impl Value {
    fn parse(text: &str, kind: ColumnKind) -> Self {
        let text = text.trim();
        let quoted = || text.strip_prefix('\'').and_then(|t| t.strip_suffix('\''));
        let number = |text: &str| {
            let digits = text.strip_prefix('-').unwrap_or(text);
            let valid = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
            valid.then(|| text.to_owned())
        };
        let value = match kind {
            _ if text == "NULL" => Some(Value::Null),
            ColumnKind::Integer { unsigned } => {
                let (signed, other) = text.split_once(' ').unwrap_or((text, ""));
                let other = other.trim_start_matches('(').trim_end_matches(')');
                number(if unsigned && !other.is_empty() { other } else { signed }).map(Value::Number)
            }
            ColumnKind::Decimal | ColumnKind::Index => number(text).map(Value::Number),
            ColumnKind::Text { utf8 } => quoted()
                .and_then(unescaped)
                .filter(|text| text.is_ascii() || (utf8 && !text.contains(char::REPLACEMENT_CHARACTER)))
                .map(Value::Text),
            ColumnKind::Date => quoted().map(|date| Value::Text(date.replace(':', "-"))),
            ColumnKind::Time => quoted().map(|time| Value::Text(time.to_owned())),
            // Zero is a date that is none.
            ColumnKind::Timestamp => number(text).filter(|seconds| seconds != "0").map(Value::Seconds),
            ColumnKind::Other => None,
        };
        value.unwrap_or_else(|| Value::Shown(text.to_owned()))
    }

    /// The value for a statement that reads, where it can find a row.
    pub fn scalar(&self) -> Option<Scalar<'_>> {
        match self {
            Value::Number(number) => Some(Scalar::Number(number)),
            // What stands with a backslash could be meant otherwise.
            Value::Text(text) if !text.contains('\\') => Some(Scalar::Text(text)),
            Value::Null | Value::Text(_) | Value::Seconds(_) | Value::Shown(_) => None,
        }
    }

    /// The value in a statement, where it is known what it is.
    pub fn sql(&self) -> Option<String> {
        match self {
            Value::Null => Some("NULL".to_owned()),
            Value::Number(number) => Some(number.clone()),
            Value::Text(text) => Some(shown(text)),
            Value::Seconds(seconds) => Some(format!("FROM_UNIXTIME({seconds})")),
            Value::Shown(_) => None,
        }
    }
}

/// What the decoder has written with a backslash: `\xHH` for what can't be printed and for quotes, `\'` with newer MySQL. MariaDB lets
/// a backslash stand as it is, MySQL doubles it, so of two nothing is known.
fn unescaped(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let code = after.strip_prefix("\\x").and_then(|hex| u8::from_str_radix(hex.get(..2)?, 16).ok());
        let (meant, length) = match (code.filter(|code| *code < 0x20 || matches!(code, b'\'' | b'\\')), after)
        {
            (Some(code), _) => (char::from(code), 4),
            (None, text) if text.starts_with("\\'") => ('\'', 2),
            (None, text) if text.starts_with("\\\\") => return None,
            (None, _) => ('\\', 1),
        };
        out.push(meant);
        rest = &after[length..];
    }
    out.push_str(rest);
    Some(out)
}

/// What an event does to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A new row.
    Insert,
    /// Another row instead.
    Update,
    /// No row any more.
    Delete,
}

/// One row of an event, its values by the columns' places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowEvent {
    /// What is done.
    pub change: Change,
    /// The row that is looked for; empty for a new one.
    pub before: Vec<Option<Value>>,
    /// The row that shall be there; empty where none shall.
    pub after: Vec<Option<Value>>,
}

impl RowEvent {
    /// The row that tells which one it is: the one that is looked for, or the new one.
    pub fn row(&self) -> &[Option<Value>] {
        if self.before.is_empty() { &self.after } else { &self.before }
    }
}

/// Reads the rows of one table out of what `mysqlbinlog --verbose` prints.
pub(crate) fn row_events(text: &str, table: &(String, String), columns: &[Column]) -> Vec<RowEvent> {
    let wanted = format!("{}.{}", identifier(&table.0), identifier(&table.1));
    let kind = |place: usize| columns.get(place - 1).map_or(ColumnKind::Other, |column| column.kind);
    let mut events: Vec<RowEvent> = Vec::new();
    let (mut ours, mut into_after) = (false, false);
    for line in text.lines() {
        let Some(said) = line.strip_prefix("###") else { continue };
        let said = said.trim();
        let begin =
            [("INSERT INTO ", Change::Insert), ("UPDATE ", Change::Update), ("DELETE FROM ", Change::Delete)];
        if let Some((rest, change)) = begin.iter().find_map(|(word, c)| Some((said.strip_prefix(word)?, *c)))
        {
            ours = rest.trim() == wanted;
            if ours {
                events.push(RowEvent { change, before: Vec::new(), after: Vec::new() });
            }
        } else if matches!(said, "SET" | "WHERE") {
            into_after = said == "SET";
        } else if let (true, Some(event), Some((place, value))) =
            (ours, events.last_mut(), said.strip_prefix('@').and_then(|s| s.split_once('=')))
            && let Ok(place @ 1..=4096) = place.parse::<usize>()
        {
            let row = if into_after { &mut event.after } else { &mut event.before };
            row.resize(row.len().max(place), None);
            row[place - 1] = Some(Value::parse(value, kind(place)));
        }
    }
    events
}

/// What stands before the end of the first transaction.
pub(crate) fn first_transaction(text: &str) -> &str {
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with("COMMIT") {
            return &text[..end];
        }
        end += line.len();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_what_its_column_makes_of_it() {
        let unsigned = ColumnKind::Integer { unsigned: true };
        let signed = ColumnKind::Integer { unsigned: false };
        let (utf8, latin1) = (ColumnKind::Text { utf8: true }, ColumnKind::Text { utf8: false });
        for (text, kind, sql) in [
            ("-6 (4294967290)", unsigned, Some("4294967290")),
            ("-6 (4294967290)", signed, Some("-6")),
            ("7", unsigned, Some("7")),
            ("NULL", ColumnKind::Other, Some("NULL")),
            ("'NULL'", utf8, Some("'NULL'")),
            ("'it\\x27s \\x5c'", utf8, Some("'it''s \\\\'")),
            ("'a\\b /* x'", latin1, Some("'a\\\\b /* x'")),
            ("'it\\'s two'", utf8, Some("'it''s two'")),
            ("'a\\\\b'", utf8, None),
            ("'é'", utf8, Some("'é'")),
            ("'é'", latin1, None),
            ("'\u{fffd}'", utf8, None),
            ("'2024:02:03'", ColumnKind::Date, Some("'2024-02-03'")),
            ("1704103200.123", ColumnKind::Timestamp, Some("FROM_UNIXTIME(1704103200.123)")),
            ("0", ColumnKind::Timestamp, None),
            ("1.1234567890122999501", ColumnKind::Other, None),
            ("b'101'", ColumnKind::Index, None),
            ("1; DROP TABLE t", signed, None),
        ] {
            assert_eq!(Value::parse(text, kind).sql().as_deref(), sql, "{text} {kind:?}");
        }
    }

    #[test]
    fn a_column_that_the_server_works_out_is_no_value() {
        let of = |extra: &str| ColumnKind::of("int", "int(11)", extra, None);
        assert_eq!(of("auto_increment"), ColumnKind::Integer { unsigned: false });
        for extra in ["VIRTUAL GENERATED", "STORED GENERATED", "PERSISTENT", "VIRTUAL"] {
            assert_eq!(of(extra), ColumnKind::Other, "{extra}");
        }
    }

    #[test]
    fn the_first_transaction_ends_with_its_commit() {
        assert_eq!(first_transaction("a\nCOMMIT/*!*/;\nb\n"), "a\n");
        assert_eq!(first_transaction("a\nb"), "a\nb");
    }
}
