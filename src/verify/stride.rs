//! Where a chunk ends, without asking the server. Pure.
//!
//! To find the key that lies so many rows ahead, a server reads all rows up to it, which costs a good part of what
//! adding them up costs. Where a key counts (1, 2, 3, or every tenth number), a look at the last chunk says how
//! far to go. Where it has large gaps, the server is asked: behind a gap the next chunk could be a whole table.

use std::collections::BTreeSet;

use super::{
    digest::{Compared, Key},
    side::{Pieces, Range},
};

/// Numbers for each row up to which a key counts: as many rows more than wished may lie in a chunk at most.
const SPARSE: i128 = 16;
/// Pieces of a chunk that are added up apart from each other.
const PIECES: i128 = 64;

/// How rows lay along a key that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stride {
    rows: i128,
    width: i128,
}

impl Stride {
    /// Of a range that has so many rows. Nothing where the key does not count, or where an end is open.
    pub fn of(compared: &Compared, range: &Range, rows: u64) -> Option<Self> {
        let number = |key: &Option<Key>| match key.as_deref()? {
            [value] => value.parse::<i128>().ok(),
            _ => None,
        };
        if !compared.counts() {
            return None;
        }
        let width = number(&range.up_to)?.checked_sub(number(&range.after)?)?;
        let stride = Self { rows: rows.into(), width };
        (width > 0 && stride.rows.checked_mul(SPARSE)? >= width).then_some(stride)
    }

    /// How wide the pieces of a chunk of so many rows are.
    pub fn piece(self, rows: u64) -> i128 {
        (i128::from(rows).saturating_mul(self.width) / self.rows.max(1) / PIECES).max(1)
    }

    /// The key that lies about so many rows behind another one.
    pub fn ahead(self, after: &Key, rows: u64) -> Option<Key> {
        let [after] = after.as_slice() else { return None };
        let far = i128::from(rows).checked_mul(self.width)?.checked_div(self.rows)?.max(1);
        Some(vec![after.parse::<i128>().ok()?.checked_add(far)?.to_string()])
    }
}

/// The ranges of pieces that are not the same on two sides; pieces are of this width and within one range.
pub fn differing(here: &Pieces, there: &Pieces, width: i128, within: &Range) -> Vec<Range> {
    let numbers: BTreeSet<i128> = here.keys().chain(there.keys()).copied().collect();
    let mut ranges: Vec<(i128, i128)> = Vec::new();
    for piece in numbers.into_iter().filter(|piece| here.get(piece) != there.get(piece)) {
        // `DIV` cuts towards zero.
        let first = if piece > 0 { piece * width } else { (piece - 1) * width + 1 };
        let last = if piece < 0 { piece * width } else { (piece + 1) * width - 1 };
        match ranges.last_mut() {
            Some((_, end)) if *end + 1 == first => *end = last,
            _ => ranges.push((first, last)),
        }
    }
    let number = |key: &Option<Key>| key.as_ref()?.first()?.parse::<i128>().ok();
    let (begin, end) = (number(&within.after), number(&within.up_to));
    let key = |number: i128| Some(vec![number.to_string()]);
    ranges
        .into_iter()
        .map(|(first, last)| Range {
            after: key(begin.map_or(first - 1, |begin| begin.max(first - 1))),
            up_to: key(end.map_or(last, |end| end.min(last))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::{side::Sum, table::Column};

    fn compared(data_type: &str) -> Compared {
        let column = Column { name: "id".into(), data_type: data_type.into(), ..Column::default() };
        Compared { columns: vec![(column, false)], key: vec!["id".into()], primary: true, notes: Vec::new() }
    }

    fn range(after: &str, up_to: &str) -> Range {
        let key = |text: &str| (!text.is_empty()).then(|| vec![text.to_owned()]);
        Range { after: key(after), up_to: key(up_to) }
    }

    #[test]
    fn a_key_that_counts_is_gone_along_in_its_own_steps() {
        let stride = Stride::of(&compared("bigint"), &range("-1000", "1000"), 200).expect("it counts");
        assert_eq!(stride.ahead(&vec!["1000".into()], 500), Some(vec!["6000".into()]));
        let last = u64::MAX.to_string();
        let stride = Stride::of(&compared("bigint"), &range("0", &last), u64::MAX).expect("it counts");
        assert_eq!(stride.ahead(&vec![last], 1), Some(vec!["18446744073709551616".into()]));
    }

    #[test]
    fn pieces_that_differ_are_found_again() {
        let sum = |rows: u64| Sum { rows, digest: String::new() };
        let pieces = |all: &[(i128, u64)]| all.iter().map(|(piece, rows)| (*piece, sum(*rows))).collect();
        let here: Pieces = pieces(&[(-1, 1), (0, 1), (1, 9), (3, 9), (7, 2)]);
        let there: Pieces = pieces(&[(-1, 2), (0, 1), (1, 8), (2, 1), (3, 9), (7, 2), (8, 1)]);
        let within = Range { after: Some(vec!["-15".into()]), up_to: None };
        let found = differing(&here, &there, 10, &within);
        assert_eq!(found, [range("-15", "-10"), range("9", "29"), range("79", "89")]);
    }

    #[test]
    fn where_there_are_gaps_the_server_is_asked() {
        assert_eq!(Stride::of(&compared("int"), &range("0", "1000"), 50), None);
        assert_eq!(Stride::of(&compared("int"), &range("0", "1000"), 0), None);
        assert_eq!(Stride::of(&compared("int"), &range("", "1000"), 1000), None);
        assert_eq!(Stride::of(&compared("varchar"), &range("0", "1000"), 1000), None);
        assert_eq!(Stride::of(&compared("decimal"), &range("0", "1000"), 1000), None);
    }
}
