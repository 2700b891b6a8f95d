//! A position in a server's binary log, for channels that begin by file and offset.

use std::{cmp::Ordering, fmt};

use serde::{Deserialize, Serialize};

/// Where the first event of a file stands.
const FIRST: u64 = 4;

/// A position in the binary log of one server. Its files differ in their number only, which gets longer behind `.999999`:
/// positions in them are in order. Those in files of another name, as after a change of `log_bin`, can't be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BinlogPosition {
    file: String,
    offset: u64,
}

impl BinlogPosition {
    /// A position; nothing where no file is named, as servers answer that know none.
    pub fn new(file: impl Into<String>, offset: u64) -> Option<Self> {
        let file = file.into();
        (!file.is_empty()).then_some(Self { file, offset })
    }

    /// The first event of a file.
    pub fn start_of(file: impl Into<String>) -> Option<Self> {
        Self::new(file, FIRST)
    }

    /// The file's name, without a directory.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Bytes from the beginning of the file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether it lies at or behind another one. Positions that can't be compared have not reached each other.
    pub fn has_reached(&self, goal: &Self) -> bool {
        self >= goal
    }
}

impl PartialOrd for BinlogPosition {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(compare_files(&self.file, &other.file)?.then(self.offset.cmp(&other.offset)))
    }
}

impl fmt::Display for BinlogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.offset)
    }
}

/// The order of two files of one server's binary log; nothing where they are not of one series.
pub fn compare_files(one: &str, other: &str) -> Option<Ordering> {
    if one == other {
        return Some(Ordering::Equal);
    }
    let ((stem, number), (other, of_other)) = (numbered(one)?, numbered(other)?);
    (stem == other).then(|| number.cmp(&of_other))
}

fn numbered(file: &str) -> Option<(&str, u64)> {
    let (stem, number) = file.rsplit_once('.')?;
    Some((stem, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_compared_by_number_and_only_with_their_own() {
        let at = |file: &str, offset: u64| BinlogPosition::new(file, offset).expect("a position");
        for (here, goal, reached) in [
            (at("bin.000002", 4), at("bin.000001", 900), true),
            (at("bin.000001", 900), at("bin.000001", 900), true),
            (at("bin.000001", 899), at("bin.000001", 900), false),
            (at("bin.1000000", 4), at("bin.999999", 4), true),
            (at("bin.999999", 4), at("bin.1000000", 4), false),
            (at("old-bin.000007", 4), at("mysql-bin.000001", 4), false),
            (at("bin", 9), at("bin", 4), true),
        ] {
            assert_eq!(here.has_reached(&goal), reached, "{here} {goal}");
        }
        assert_eq!(at("a.000001", 4).partial_cmp(&at("b.000001", 4)), None);
        assert_eq!(
            (BinlogPosition::new("", 4), at("bin.000001", 4).to_string()),
            (None, "bin.000001:4".into())
        );
    }
}
