//! A row that stops an applier (errors 1032 and 1062): what the event would do, what both servers hold, and what
//! each repair loses. Pure.

use super::{Change, Column, Repair, RowEvent, Value};
use crate::{
    dialect::identifier,
    model::{BinlogPosition, HostName},
};

/// Where the event stands that failed, out of the server's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FailedEvent {
    /// Database and table.
    pub table: (String, String),
    /// Where the event ends in the source's binary log. MariaDB from 11.8 on says 0 of one that it has written to the log out of
    /// a cache.
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

/// A row as a server has it: columns and values, NULL as none.
pub(super) type Row = Vec<(String, Option<String>)>;

/// All that is known of a row that stops an applier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowEvidence {
    /// Database and table.
    pub table: (String, String),
    /// Columns of the table, in their order.
    pub columns: Vec<Column>,
    /// The places of the primary key's columns.
    pub key: Vec<usize>,
    /// What the event does.
    pub event: RowEvent,
    /// The row on the source now.
    pub source: RowThere,
    /// The row on the replica now.
    pub replica: RowThere,
    /// What a statement by hand meets on the replica.
    pub by_hand: ByHand,
}

/// What a statement by hand meets on a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ByHand {
    /// The table has triggers, which an event would not run.
    pub triggers: bool,
    /// `super_read_only` is on: not even an administrator may write.
    pub locked: bool,
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
        columns: &'a [Column],
        key: &[usize],
        event: &'a RowEvent,
    ) -> Option<Vec<(&'a str, &'a Value)>> {
        let value = |place: &usize| {
            let value = event.row().get(*place)?.as_ref().filter(|value| value.scalar().is_some())?;
            Some((columns.get(*place)?.name.as_str(), value))
        };
        let values: Option<Vec<_>> = key.iter().map(value).collect();
        values.filter(|values| !values.is_empty())
    }

    /// The condition that finds the row, for a statement that a person runs.
    fn condition(&self) -> Option<String> {
        let values = Self::key_values(&self.columns, &self.key, &self.event)?;
        let parts =
            values.iter().map(|(column, value)| Some(format!("{} = {}", identifier(column), value.sql()?)));
        Some(parts.collect::<Option<Vec<_>>>()?.join(" AND "))
    }

    /// The row that the event looks for, as far as it is known what it is: the event replaces every column or takes the
    /// row away. Nothing where it does not say all columns.
    fn lost_row(&self) -> Option<String> {
        let whole =
            |row: &[Option<Value>]| row.len() == self.columns.len() && row.iter().all(Option::is_some);
        let replaced = self.event.change == Change::Delete || whole(&self.event.after);
        if !replaced || !whole(&self.event.before) {
            return None;
        }
        let known = self.columns.iter().zip(self.event.before.iter().flatten());
        let known = known.filter_map(|(column, value)| Some((identifier(&column.name), value.sql()?)));
        let (names, values): (Vec<String>, Vec<String>) = known.unzip();
        Some(format!("({}) VALUES ({})", names.join(", "), values.join(", ")))
    }

    /// The ways out, the gentlest first. `start` starts the applier again.
    pub fn repairs(&self, start: &str) -> Vec<Repair> {
        let table = format!("{}.{}", identifier(&self.table.0), identifier(&self.table.1));
        let replica = self.replica.host.clone();
        let by_hand = |statement: String| self.by_hand(statement, start);
        let gentle = match (self.event.change, &self.replica.row) {
            _ if self.by_hand.triggers => None,
            (Change::Update | Change::Delete, None) => self.lost_row().map(|row| Repair::PutBack {
                replica: replica.clone(),
                statements: by_hand(format!("INSERT INTO {table} {row}")),
            }),
            (Change::Insert, Some(_)) => self.condition().map(|condition| Repair::TakeOff {
                replica: replica.clone(),
                statements: by_hand(format!("DELETE FROM {table} WHERE {condition}")),
            }),
            _ => None,
        };
        gentle.into_iter().chain([Repair::CopyAgain { replica }]).collect()
    }

    /// A statement in a session that changes nothing but this row: no binary log, no other row by a foreign key, no value by
    /// the session's zone, character set or mode.
    fn by_hand(&self, statement: String, start: &str) -> Vec<String> {
        let session = "SET SESSION sql_log_bin=0, time_zone='+00:00', sql_mode='NO_AUTO_VALUE_ON_ZERO', foreign_key_checks=0";
        let mut all = vec![session.to_owned(), "SET NAMES utf8mb4".to_owned(), statement, start.to_owned()];
        if self.by_hand.locked {
            all.insert(2, "SET GLOBAL super_read_only=OFF".to_owned());
            all.insert(4, "SET GLOBAL super_read_only=ON".to_owned());
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{ColumnKind, row_events};

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
                "Could not execute Update_rows_v1 event on table hello.t; Can't find record in 't', Error_code: 1032; handler \
                 error HA_ERR_KEY_NOT_FOUND; the event's master log mysql-bin.000001, end_log_pos 0",
                "mysql-bin.000001",
                0,
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

    /// What MariaDB 11.8 printed of a table with a column of each kind, and of another table.
    const DECODED: &str = include_str!("decoded/rows.txt");

    fn columns() -> Vec<Column> {
        let column = |(name, data_type, full, charset): (&str, &str, &str, Option<&str>)| Column {
            name: name.to_owned(),
            kind: ColumnKind::of(data_type, full, "", charset),
        };
        let all = [
            ("id", "int", "int(10) unsigned", None),
            ("v", "varchar", "varchar(20)", Some("latin1")),
            ("ts", "timestamp", "timestamp(3)", None),
            ("d", "date", "date", None),
            ("f", "double", "double", None),
            ("e", "enum", "enum('a','b')", Some("utf8mb4")),
            ("dec", "decimal", "decimal(10,2)", None),
            ("b", "blob", "blob", None),
            ("tm", "time", "time", None),
        ];
        all.map(column).into()
    }

    fn evidence(change: Change, replica: Option<Row>) -> RowEvidence {
        let (table, columns) = (("hello".to_owned(), "t".to_owned()), columns());
        let mut events = row_events(DECODED, &table, &columns);
        assert_eq!(events.len(), 1, "{events:?}");
        let mut event = events.remove(0);
        event.change = change;
        if change == Change::Insert {
            event.before.clear();
        }
        RowEvidence {
            table,
            columns,
            key: vec![0],
            event,
            source: there("db-a", None),
            replica: there("db-b", replica),
            by_hand: ByHand::default(),
        }
    }

    const SESSION: &str = "SET SESSION sql_log_bin=0, time_zone='+00:00', sql_mode='NO_AUTO_VALUE_ON_ZERO', foreign_key_checks=0";

    #[test]
    fn a_row_that_is_missed_is_put_back_as_far_as_it_is_known() {
        let mut missed = evidence(Change::Update, None);
        let insert = "INSERT INTO `hello`.`t` (`id`, `ts`, `d`, `e`, `dec`, `tm`) VALUES (4294967290, \
                      FROM_UNIXTIME(1704103200.123), '2024-02-03', 2, -1.50, '-10:11:12')";
        let copy = Repair::CopyAgain { replica: "db-b".into() };
        let put_back = |statements: &[&str]| Repair::PutBack {
            replica: "db-b".into(),
            statements: statements.iter().map(|&text| text.to_owned()).collect(),
        };
        let plain = put_back(&[SESSION, "SET NAMES utf8mb4", insert, "START SLAVE"]);
        assert_eq!(missed.repairs("START SLAVE"), [plain, copy.clone()]);
        missed.by_hand.locked = true;
        let [off, on] = ["SET GLOBAL super_read_only=OFF", "SET GLOBAL super_read_only=ON"];
        let locked = put_back(&[SESSION, "SET NAMES utf8mb4", off, insert, on, "START REPLICA"]);
        assert_eq!(missed.repairs("START REPLICA"), [locked, copy.clone()]);
        // An event that leaves columns out would leave what is not known here as it is.
        missed.event.after[1] = None;
        assert_eq!(missed.repairs("START SLAVE"), std::slice::from_ref(&copy));
        let mut triggers = evidence(Change::Update, None);
        triggers.by_hand.triggers = true;
        assert_eq!(triggers.repairs("START SLAVE"), [copy]);
    }

    #[test]
    fn a_row_that_is_in_the_way_is_taken_off_by_its_key() {
        let meets = evidence(Change::Insert, Some(Vec::new()));
        let delete = "DELETE FROM `hello`.`t` WHERE `id` = 4294967290";
        let statements = [SESSION, "SET NAMES utf8mb4", delete, "START SLAVE"];
        let take_off =
            Repair::TakeOff { replica: "db-b".into(), statements: statements.map(str::to_owned).into() };
        assert_eq!(meets.repairs("START SLAVE")[0], take_off);
    }

    fn there(host: &str, row: Option<Row>) -> RowThere {
        RowThere { host: host.into(), row }
    }

    proptest::proptest! {
        #[test]
        fn nonsense_is_taken(text in "(###|@1=|'|\\\\x|INSERT INTO `a`.`b`|\n|\\PC){0,60}") {
            let _ = row_events(&text, &("a".into(), "b".into()), &columns());
            let _ = FailedEvent::of(1032, &text);
        }
    }
}
