//! What two lists of rows, or several looks at one row, say about a difference. Pure.

use std::{cmp::Ordering, collections::BTreeMap};

use crate::dialect::Key;

/// Rows by key, with their digests.
pub(super) type Listing = BTreeMap<Key, String>;

/// What a round of looks says about one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Look {
    /// The replica has what the source had at one of the moments.
    Equal,
    /// The source had the same all the time, and the replica has something else: that is a difference.
    Differs(Option<String>, Option<String>),
    /// The source's row changed meanwhile.
    Moving,
}

/// Judges one row. `source` are the looks at the source, the first one before the position that the replica was
/// then waited for to execute, the last one after the replica's own events have come back; nothing stands for
/// no row.
pub(super) fn judge(source: &[Option<&String>], replica: Option<&String>) -> Look {
    if source.contains(&replica) {
        return Look::Equal;
    }
    match source {
        [first, rest @ ..] if rest.iter().all(|s| s == first) => {
            Look::Differs(first.cloned(), replica.cloned())
        }
        _ => Look::Moving,
    }
}

/// Keys of rows that are not the same in two lists.
pub(super) fn differing(source: &Listing, replica: &Listing) -> Vec<Key> {
    let missing = replica.keys().filter(|key| !source.contains_key(*key));
    let mut keys: Vec<Key> = source
        .iter()
        .filter(|(key, digest)| replica.get(*key) != Some(*digest))
        .map(|(key, _)| key)
        .chain(missing)
        .cloned()
        .collect();
    keys.sort();
    keys
}

/// The order in which a person expects keys: numbers by their size.
pub(super) fn by_size(one: &Key, other: &Key) -> Ordering {
    let number = |text: &String| text.parse::<i128>();
    for (a, b) in one.iter().zip(other) {
        let order = match (number(a), number(b)) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            _ => a.cmp(b),
        };
        if order.is_ne() {
            return order;
        }
    }
    one.len().cmp(&other.len())
}

/// How often a row was seen to differ in the same way, one look after the other.
#[derive(Debug, Clone, Default)]
pub(super) struct Suspect {
    last: Option<(Option<String>, Option<String>)>,
    times: u32,
}

impl Suspect {
    /// Takes one more look into account; how often it was the same difference by now.
    pub(super) fn note(&mut self, look: &Look) -> u32 {
        match look {
            Look::Differs(source, replica) => {
                let seen = Some((source.clone(), replica.clone()));
                self.times = if self.last == seen { self.times + 1 } else { 1 };
                self.last = seen;
            }
            Look::Equal | Look::Moving => *self = Self::default(),
        }
        self.times
    }
}

/// How many rows the next chunk shall have, so that it takes as long as is wished. `took` and `target` are in
/// the same unit.
pub(super) fn next_size(size: u64, took: f64, target: f64) -> u64 {
    let factor = if took > 0.0 { (target / took).clamp(0.1, 16.0) } else { 16.0 };
    ((size as f64 * factor) as u64).clamp(100, 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_look_says_what_it_can() {
        let (a, b, c) = ("a".to_owned(), "b".to_owned(), "c".to_owned());
        let (a, b, c) = (Some(&a), Some(&b), Some(&c));
        let differs = |x: Option<&String>, y: Option<&String>| Look::Differs(x.cloned(), y.cloned());
        for (source, replica, look) in [
            (vec![a, a], a, Look::Equal),
            (vec![a, b], b, Look::Equal),
            (vec![None, b], None, Look::Equal),
            (vec![a, a, a], b, differs(a, b)),
            (vec![a, a], None, differs(a, None)),
            (vec![None, None], b, differs(None, b)),
            (vec![a, b], c, Look::Moving),
            (vec![a, b, a], c, Look::Moving),
        ] {
            assert_eq!(judge(&source, replica), look, "{source:?} {replica:?}");
        }
    }

    #[test]
    fn only_the_same_difference_counts_twice() {
        let differs = |r: &str| Look::Differs(Some("s".into()), Some(r.into()));
        let mut suspect = Suspect::default();
        let times: Vec<u32> =
            [differs("x"), differs("x"), differs("y"), Look::Moving, differs("y"), differs("y")]
                .iter()
                .map(|look| suspect.note(look))
                .collect();
        assert_eq!(times, [1, 2, 1, 0, 1, 2]);
    }

    #[test]
    fn keys_are_shown_in_the_order_of_their_numbers() {
        let mut keys: Vec<Key> = [["10", "b"], ["9", "b"], ["9", "a"], ["-1", "z"]]
            .map(|k| k.map(str::to_owned).to_vec())
            .to_vec();
        keys.sort_by(by_size);
        assert_eq!(keys.iter().map(|k| k.concat()).collect::<Vec<_>>(), ["-1z", "9a", "9b", "10b"]);
    }

    proptest::proptest! {
        /// Exactly the rows are named that are not the same.
        #[test]
        fn lists_differ_where_rows_do(
            source in proptest::collection::btree_map(0_u8..20, 0_u8..3, 0..20),
            replica in proptest::collection::btree_map(0_u8..20, 0_u8..3, 0..20),
        ) {
            let listing = |rows: &BTreeMap<u8, u8>| -> Listing {
                rows.iter().map(|(k, v)| (vec![format!("{k:02}")], v.to_string())).collect()
            };
            let named = differing(&listing(&source), &listing(&replica));
            let expected: Vec<Key> =
                (0..20).filter(|k| source.get(k) != replica.get(k)).map(|k| vec![format!("{k:02}")]).collect();
            proptest::prop_assert_eq!(named, expected);
        }

        #[test]
        fn chunks_come_near_their_time(size in 100_u64..1_000_000, rows_a_second in 1.0_f64..1e7) {
            let mut size = size;
            for _ in 0..12 {
                size = next_size(size, size as f64 / rows_a_second, 0.5);
            }
            let wished = (rows_a_second * 0.5).clamp(100.0, 1e6);
            proptest::prop_assert!((size as f64) > wished * 0.9 - 1.0 && (size as f64) < wished * 1.1 + 1.0);
        }
    }
}
