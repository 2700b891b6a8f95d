//! Where data stands that somebody has loaded by hand: a place in its source's binary log, as people note it.

use std::{fmt, str::FromStr};

use super::BinlogPosition;

/// The first event of a binary log stands behind four bytes.
const FIRST: u64 = 4;

/// Such a place. Whether a server knows it is found out later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenPosition {
    /// A file and a place in it, as `SHOW MASTER STATUS` and every dump have them.
    File(BinlogPosition),
    /// A GTID position of MariaDB, such as `0-1-318`.
    Positions(String),
    /// A set of GTIDs of MySQL.
    Set(String),
}

/// What a place looks like.
pub const GIVEN_POSITION: &str =
    "FILE:POSITION (such as mysql-bin.000007:1542), or GTIDs as the source writes them";

impl FromStr for GivenPosition {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let mut parts = text.split(',').filter(|part| !part.is_empty()).peekable();
        parts.peek().ok_or(())?;
        let (mut positions, mut sets) = (true, true);
        for part in parts {
            positions &= is_position(part);
            sets &= part.split_once(':').is_some_and(|(uuid, numbers)| is_uuid(uuid) && are_numbers(numbers));
        }
        match (positions, sets) {
            (true, _) => Ok(GivenPosition::Positions(text)),
            (_, true) => Ok(GivenPosition::Set(text)),
            _ => place(&text).map(GivenPosition::File).ok_or(()),
        }
    }
}

fn place(text: &str) -> Option<BinlogPosition> {
    let (file, offset) = text.rsplit_once(':')?;
    let offset = offset.parse().ok().filter(|offset| *offset >= FIRST)?;
    let (_, number) = file.rsplit_once('.')?;
    let plain = !file.contains([':', ',', '/', '\'', '"', '`', '\\']);
    (plain && !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()))
        .then(|| BinlogPosition::new(file, offset))?
}

/// DOMAIN-SERVER-NUMBER.
fn is_position(text: &str) -> bool {
    let numbers: Vec<&str> = text.split('-').collect();
    numbers.len() == 3 && numbers.iter().all(|n| n.parse::<u64>().is_ok())
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

/// Intervals, and tags before them (MySQL 8.3).
fn are_numbers(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_'))
}

impl fmt::Display for GivenPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GivenPosition::File(at) => at.fmt(f),
            GivenPosition::Positions(text) | GivenPosition::Set(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_people_note_it() {
        let uuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
        let file = |file: &str, at| GivenPosition::File(BinlogPosition::new(file, at).expect("a file"));
        for (text, read) in [
            ("mysql-bin.000007:1542", Some(file("mysql-bin.000007", 1542))),
            (" db-a-bin.0001 : 4 ", Some(file("db-a-bin.0001", 4))),
            ("0-1-318", Some(GivenPosition::Positions("0-1-318".into()))),
            ("0-1-318, 1-2-7", Some(GivenPosition::Positions("0-1-318,1-2-7".into()))),
            (&format!("{uuid}:1-77"), Some(GivenPosition::Set(format!("{uuid}:1-77")))),
            (&format!("{uuid}:1-7:9,\n{uuid}:5"), Some(GivenPosition::Set(format!("{uuid}:1-7:9,{uuid}:5")))),
            ("mysql-bin.000007:3", None),
            ("mysql-bin.000007", None),
            ("mysql-bin:7", None),
            ("/var/log/mysql-bin.000007:7", None),
            ("a'.000007:7", None),
            ("0-1", None),
            ("", None),
            (",", None),
        ] {
            assert_eq!(text.parse().ok(), read, "{text}");
        }
    }
}
