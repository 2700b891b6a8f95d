//! Whether several writers can give out the same number. Pure.

use crate::proof::{Collision, Counting};

/// Two writers that can give out the same number, with the first such number as an example.
///
/// A writer gives out `offset + n * increment`; two such rows meet where the offsets are the same modulo the
/// greatest common divisor of the increments. An offset above the increment is ignored by the server (MySQL
/// manual, "auto_increment_offset").
pub(super) fn collision(writers: &[Counting]) -> Option<Collision> {
    for (number, one) in writers.iter().enumerate() {
        if one.offset > one.increment {
            let Counting { host, increment, offset } = one.clone();
            return Some(Collision::OffsetIgnored { host, offset, increment });
        }
        for other in &writers[..number] {
            let step = gcd(one.increment, other.increment).max(1);
            if one.offset % step == other.offset % step {
                return Some(Collision::SameNumbers(Box::new([other.clone(), one.clone()])));
            }
        }
    }
    None
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        /// The arithmetic says the same as counting does.
        #[test]
        fn arithmetic_agrees_with_counting(a in 1_u64..12, b in 1_u64..12, x in 1_u64..12, y in 1_u64..12) {
            let (x, y) = (x.min(a), y.min(b));
            let numbers = |offset: u64, increment: u64| (0..200).map(move |n| offset + n * increment);
            let meet = numbers(x, a).any(|n| n >= y && (n - y) % b == 0);
            let counting = |host: &str, increment, offset| Counting { host: host.into(), increment, offset };
            let found = collision(&[counting("a", a, x), counting("b", b, y)]);
            proptest::prop_assert_eq!(found.is_some(), meet);
        }
    }

    #[test]
    fn an_offset_that_is_ignored_is_told() {
        let found = collision(&[Counting { host: "db-a".into(), increment: 1, offset: 2 }]);
        assert_eq!(found, Some(Collision::OffsetIgnored { host: "db-a".into(), offset: 2, increment: 1 }));
    }
}
