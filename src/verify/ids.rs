//! Whether several writers can give out the same number. Pure.

use super::Counting;

/// Two writers that can give out the same number, with the first such number as an example.
///
/// A writer gives out `offset + n * increment`; two such rows meet where the offsets are the same modulo the
/// greatest common divisor of the increments. An offset above the increment is ignored by the server (MySQL
/// manual, "auto_increment_offset").
pub fn collision(writers: &[Counting]) -> Option<String> {
    for (number, one) in writers.iter().enumerate() {
        if one.offset > one.increment {
            return Some(format!(
                "{} ignores auto_increment_offset {}, since auto_increment_increment is only {}",
                one.host, one.offset, one.increment
            ));
        }
        for other in &writers[..number] {
            let step = gcd(one.increment, other.increment).max(1);
            if one.offset % step == other.offset % step {
                return Some(format!(
                    "{} and {} can give out the same number: {} from {} and {} from {}",
                    other.host,
                    one.host,
                    steps(other),
                    other.offset,
                    steps(one),
                    one.offset
                ));
            }
        }
    }
    None
}

fn steps(counting: &Counting) -> String {
    format!("steps of {}", counting.increment)
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
            let said = collision(&[counting("a", a, x), counting("b", b, y)]);
            proptest::prop_assert_eq!(said.is_some(), meet);
        }
    }

    #[test]
    fn an_offset_that_is_ignored_is_told() {
        let said = collision(&[Counting { host: "db-a".into(), increment: 1, offset: 2 }]);
        assert!(said.is_some_and(|s| s.contains("db-a ignores auto_increment_offset 2")));
    }
}
