//! A row that stops an applier (errors 1032 and 1062): what the event would do, what both servers hold, and what
//! each repair loses. Pure.

use super::Repair;
use crate::{
    dialect::{Scalar, identifier, shown},
    model::{BinlogPosition, HostName},
};

/// Where the event stands that failed, out of the server's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FailedEvent {
    /// Database and table.
    pub table: (String, String),
    /// Where the event ends in the source's binary log.
    pub end: BinlogPosition,
}

impl FailedEvent {
    /// Reads `... event on table shop.t; ... log mysql-bin.000001, end_log_pos 1079`.
    pub(crate) fn of(errno: u32, text: &str) -> Option<Self> {
        if !matches!(errno, 1032 | 1062) {
            return None;
        }
        let (_, rest) = text.split_once(" event on table ")?;
        let (table, rest) = rest.split_once(';')?;
        let (database, table) = table.split_once('.')?;
        // A worker names the log in its first part, and an empty one (`FIRST`) in the second.
        let end = [rest, text].into_iter().find_map(|part| {
            let (before, after) = part.split_once(", end_log_pos ")?;
            let log = before.rsplit(' ').next()?;
            let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
            if log == "FIRST" { None } else { BinlogPosition::new(log, digits.parse().ok()?) }
        })?;
        Some(Self { table: (database.to_owned(), table.to_owned()), end })
    }
}

/// A value as a decoded event shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// NULL.
    Null,
    /// A number.
    Number(String),
    /// A text.
    Text(String),
}

impl Value {
    fn parse(text: &str) -> Option<Self> {
        let text = text.split(" /*").next().unwrap_or(text).trim();
        if text == "NULL" {
            return Some(Value::Null);
        }
        if let Some(inner) = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')) {
            return unescaped(inner).map(Value::Text);
        }
        // A negative number comes with the unsigned one behind it, in brackets.
        let number = text.split(' ').next()?;
        let digits = number.strip_prefix('-').unwrap_or(number);
        let valid = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
        valid.then(|| Value::Number(number.to_owned()))
    }

    /// The value for a statement that reads.
    pub fn scalar(&self) -> Scalar<'_> {
        match self {
            Value::Null => Scalar::Null,
            Value::Number(number) => Scalar::Number(number),
            Value::Text(text) => Scalar::Text(text),
        }
    }

    /// The value in a statement.
    pub fn sql(&self) -> String {
        match self {
            Value::Null => "NULL".to_owned(),
            Value::Number(number) => number.clone(),
            Value::Text(text) => shown(text),
        }
    }
}

/// What the decoder has written with a backslash.
fn unescaped(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next()? {
            'x' => {
                let code = u8::from_str_radix(&[chars.next()?, chars.next()?].iter().collect::<String>(), 16);
                out.push(char::from(code.ok().filter(u8::is_ascii)?));
            }
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            '0' => out.push('\0'),
            other => out.push(other),
        }
    }
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
pub(crate) fn row_events(text: &str, table: &(String, String)) -> Vec<RowEvent> {
    let wanted = format!("{}.{}", identifier(&table.0), identifier(&table.1));
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
            row[place - 1] = Value::parse(value);
        }
    }
    events
}

/// A row as a server has it: columns and values, NULL as none.
pub(super) type Row = Vec<(String, Option<String>)>;

/// All that is known of a row that stops an applier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowEvidence {
    /// Database and table.
    pub table: (String, String),
    /// Columns of the table, in their order.
    pub columns: Vec<String>,
    /// The places of the primary key's columns.
    pub key: Vec<usize>,
    /// What the event does.
    pub event: RowEvent,
    /// The row on the source now.
    pub source: RowThere,
    /// The row on the replica now.
    pub replica: RowThere,
}

/// What a host has of the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowThere {
    /// The host.
    pub host: HostName,
    /// The row, if it is there.
    pub row: Option<Row>,
}

impl RowEvidence {
    /// The values that find the row, if its key is known.
    pub fn key_values<'a>(
        columns: &'a [String],
        key: &[usize],
        event: &'a RowEvent,
    ) -> Option<Vec<(&'a str, &'a Value)>> {
        let values: Option<Vec<_>> = key
            .iter()
            .map(|place| Some((columns.get(*place)?.as_str(), event.row().get(*place)?.as_ref()?)))
            .collect();
        values.filter(|values| !values.is_empty())
    }

    /// The condition that finds the row, for a statement that a person runs.
    fn condition(columns: &[String], key: &[usize], event: &RowEvent) -> Option<String> {
        let values = Self::key_values(columns, key, event)?;
        let parts: Vec<String> = values
            .iter()
            .map(|(column, value)| format!("{} = {}", identifier(column), value.sql()))
            .collect();
        Some(parts.join(" AND "))
    }

    /// The ways out, the gentlest first. `start` starts the applier again.
    pub fn repairs(&self, start: &str) -> Vec<Repair> {
        let table = format!("{}.{}", identifier(&self.table.0), identifier(&self.table.1));
        let condition = Self::condition(&self.columns, &self.key, &self.event);
        let whole = |row: &[Option<Value>]| -> Option<Vec<String>> {
            (row.len() == self.columns.len()).then_some(())?;
            row.iter().map(|value| value.as_ref().map(Value::sql)).collect()
        };
        let (replica, start) = (self.replica.host.clone(), start.to_owned());
        let gentle = match (self.event.change, &self.replica.row, whole(&self.event.before), condition) {
            (Change::Update | Change::Delete, None, Some(values), _) => Some(Repair::PutBack {
                replica: replica.clone(),
                insert: format!("INSERT INTO {table} VALUES ({})", values.join(", ")),
                start,
            }),
            (Change::Insert, Some(_), _, Some(condition)) => Some(Repair::TakeOff {
                replica: replica.clone(),
                delete: format!("DELETE FROM {table} WHERE {condition}"),
                start,
            }),
            _ => None,
        };
        gentle.into_iter().chain([Repair::CopyAgain { replica }]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_an_event_is_found_in_every_wording() {
        for (text, file, end) in [
            (
                "Could not execute Update_rows_v1 event on table hello.t; Can't find record in 't', Error_code: 1032; handler \
                 error HA_ERR_KEY_NOT_FOUND; the event's master log mysql-bin.000001, end_log_pos 1079",
                "mysql-bin.000001",
                1079,
            ),
            (
                "Worker 1 failed executing transaction 'u:5' at source log binlog.000002, end_log_pos 1234; Could not execute \
                 Update_rows event on table hello.t; Can't find record in 't', Error_code: 1032; handler error \
                 HA_ERR_KEY_NOT_FOUND; the event's source log FIRST, end_log_pos 1234",
                "binlog.000002",
                1234,
            ),
        ] {
            let found = FailedEvent::of(1032, text).expect("a place");
            assert_eq!(found.table, ("hello".into(), "t".into()));
            assert_eq!(Some(found.end), BinlogPosition::new(file, end), "{text}");
        }
        assert_eq!(FailedEvent::of(1146, "event on table a.b; x log f, end_log_pos 1"), None);
    }

    const DECODED: &str = "# at 4\n### UPDATE `hello`.`t`\n### WHERE\n###   @1=-2 (4294967294)\n###   @2='it\\x27s'\n### SET\n\
                           ###   @1=2\n###   @2=NULL\n### INSERT INTO `other`.`t`\n### SET\n###   @1=9\n";

    #[test]
    fn an_event_becomes_evidence_and_repairs() {
        let table = ("hello".to_owned(), "t".to_owned());
        let events = row_events(DECODED, &table);
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!(events[0].before, [Some(Value::Number("-2".into())), Some(Value::Text("it's".into()))]);
        let evidence = RowEvidence {
            table,
            columns: vec!["id".into(), "v".into()],
            key: vec![0],
            event: events[0].clone(),
            source: there("db-a", Some(vec![("id".into(), Some("2".into())), ("v".into(), None)])),
            replica: there("db-b", None),
        };
        let put_back = Repair::PutBack {
            replica: "db-b".into(),
            insert: "INSERT INTO `hello`.`t` VALUES (-2, 'it''s')".into(),
            start: "START SLAVE".into(),
        };
        let copy = Repair::CopyAgain { replica: "db-b".into() };
        assert_eq!(evidence.repairs("START SLAVE"), [put_back, copy.clone()]);

        // A new row that meets another.
        let [id, v] = [Value::Number("-2".into()), Value::Text("it's".into())].map(Some);
        let event = RowEvent { change: Change::Insert, before: Vec::new(), after: vec![id, v] };
        let replica = there("db-b", Some(vec![("id".into(), Some("-2".into())), ("v".into(), None)]));
        let meets = RowEvidence { event, replica, ..evidence };
        let take_off = Repair::TakeOff {
            replica: "db-b".into(),
            delete: "DELETE FROM `hello`.`t` WHERE `id` = -2".into(),
            start: "START SLAVE".into(),
        };
        assert_eq!(meets.repairs("START SLAVE"), [take_off, copy]);
    }

    fn there(host: &str, row: Option<Row>) -> RowThere {
        RowThere { host: host.into(), row }
    }

    proptest::proptest! {
        #[test]
        fn nonsense_is_taken(text in "(###|@1=|'|\\\\x|INSERT INTO `a`.`b`|\n|\\PC){0,60}") {
            let _ = row_events(&text, &("a".into(), "b".into()));
            let _ = FailedEvent::of(1032, &text);
        }
    }
}
