//! Where a chunk ends, without asking the server. Pure.
//!
//! To find the key that lies so many rows ahead, a server reads all rows up to it, which costs a good part of what
//! adding them up costs. Where a key counts (1, 2, 3, or every tenth number), a look at the last chunk says how
//! far to go. Where it has large gaps, the server is asked: behind a gap the next chunk could be a whole table.

use crate::dialect::{Compared, Key, Range};

/// Numbers for each row up to which a key counts: as many rows more than wished may lie in a chunk at most.
const SPARSE: i128 = 16;
/// Pieces of a chunk that are added up apart from each other.
const PIECES: i128 = 16;

/// How rows lay along a key that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stride {
    rows: i128,
    width: i128,
}

impl Stride {
    /// Of a range that has so many rows. Nothing where the key does not count, or where an end is open.
    pub(super) fn of(compared: &Compared, range: &Range, rows: u64) -> Option<Self> {
        if !compared.counts() {
            return None;
        }
        let width = number(range.up_to.as_ref())?.checked_sub(number(range.after.as_ref())?)?;
        let stride = Self { rows: rows.into(), width };
        (width > 0 && stride.rows.checked_mul(SPARSE)? >= width).then_some(stride)
    }

    /// The pieces of a range that begins behind a key and has about so many rows; an open end stays open.
    pub(super) fn pieces(self, range: &Range, rows: u64) -> Vec<Range> {
        let Some(begin) = number(range.after.as_ref()) else { return vec![range.clone()] };
        let far = match number(range.up_to.as_ref()) {
            Some(end) => end.saturating_sub(begin),
            None => self.far(rows),
        };
        let width = (far / PIECES).max(1);
        let key = |number: i128| Some(vec![number.to_string()]);
        let mut pieces = Vec::new();
        let mut after = begin;
        while pieces.len() < PIECES as usize - 1 && after.saturating_add(width) < begin.saturating_add(far) {
            pieces.push(Range { after: key(after), up_to: key(after + width) });
            after += width;
        }
        pieces.push(Range { after: key(after), up_to: range.up_to.clone() });
        pieces
    }

    /// The key that lies about so many rows behind another one.
    pub(super) fn ahead(self, after: &Key, rows: u64) -> Option<Key> {
        Some(vec![number(Some(after))?.checked_add(self.far(rows).max(1))?.to_string()])
    }

    /// How far about so many rows reach.
    fn far(self, rows: u64) -> i128 {
        i128::from(rows).saturating_mul(self.width) / self.rows.max(1)
    }
}

/// The number that a key is.
fn number(key: Option<&Key>) -> Option<i128> {
    match key?.as_slice() {
        [value] => value.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Column;

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

    proptest::proptest! {
        /// Pieces follow each other without a gap, from the range's beginning to its end.
        #[test]
        fn pieces_are_the_range(begin in -1000_i64..1000, far in 1_i64..5000, rows in 1_u64..1000, open: bool) {
            let up_to = if open { String::new() } else { (begin + far).to_string() };
            let range = range(&begin.to_string(), &up_to);
            let pieces = Stride { rows: 10, width: 70 }.pieces(&range, rows);
            proptest::prop_assert!(!pieces.is_empty() && pieces.len() <= 16);
            proptest::prop_assert_eq!(&pieces[0].after, &range.after);
            proptest::prop_assert_eq!(&pieces[pieces.len() - 1].up_to, &range.up_to);
            for pair in pieces.windows(2) {
                proptest::prop_assert_eq!(&pair[0].up_to, &pair[1].after);
                proptest::prop_assert!(number(pair[0].after.as_ref()) < number(pair[0].up_to.as_ref()));
            }
        }
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
