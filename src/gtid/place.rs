//! Places in a server's binary log, for channels that begin by file and position.

/// A log's file name and an offset in it.
pub type Place = (String, u64);

/// Whether one place lies at or behind another. Logs of one server differ in their number only, which gets longer
/// behind `.999999`; those of another name, as after a change of `log_bin`, can't be compared.
pub fn has_passed(at: &Place, goal: &Place) -> bool {
    match (numbered(&at.0), numbered(&goal.0)) {
        (Some((stem, number)), Some((other, of_goal))) => {
            stem == other && (number, at.1) >= (of_goal, goal.1)
        }
        _ => at.0 == goal.0 && at.1 >= goal.1,
    }
}

fn numbered(file: &str) -> Option<(&str, u64)> {
    let (stem, number) = file.rsplit_once('.')?;
    Some((stem, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_compared_by_number_and_only_with_their_own() {
        let place = |file: &str, at: u64| (file.to_owned(), at);
        for (at, goal, passed) in [
            (place("bin.000002", 4), place("bin.000001", 900), true),
            (place("bin.000001", 900), place("bin.000001", 900), true),
            (place("bin.000001", 899), place("bin.000001", 900), false),
            (place("bin.1000000", 4), place("bin.999999", 4), true),
            (place("bin.999999", 4), place("bin.1000000", 4), false),
            (place("old-bin.000007", 4), place("mysql-bin.000001", 4), false),
            (place("", 0), place("bin.000001", 4), false),
            (place("", 0), place("", 0), true),
        ] {
            assert_eq!(has_passed(&at, &goal), passed, "{at:?} {goal:?}");
        }
    }
}
