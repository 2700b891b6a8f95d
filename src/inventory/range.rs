//! Host ranges such as `db[01:10]`, `db[a:c]` and `db[0:10:2]`, as Ansible has them.

/// All names that a pattern stands for, in order. A name without a range stands for itself.
///
/// # Errors
/// What is wrong with the range, in words.
pub fn expand(pattern: &str) -> Result<Vec<String>, String> {
    const MOST: usize = 10_000;
    const MOST_RANGES: usize = 8;
    if pattern.matches('[').count() > MOST_RANGES {
        return Err(format!("a host name with more than {MOST_RANGES} ranges"));
    }
    let Some(open) = pattern.find('[') else { return Ok(vec![pattern.to_owned()]) };
    let Some(close) = pattern[open..].find(']').map(|n| open + n) else {
        return Err(format!("`{pattern}`: the range has no closing bracket"));
    };
    let (head, body, tail) = (&pattern[..open], &pattern[open + 1..close], &pattern[close + 1..]);
    let parts: Vec<&str> = body.split(':').collect();
    let (from, to, step) = match parts.as_slice() {
        [from, to] => (*from, *to, 1),
        [from, to, step] => match step.parse::<usize>() {
            Ok(step) if step > 0 => (*from, *to, step),
            _ => return Err(format!("`{pattern}`: the step `{step}` is not a number above 0")),
        },
        _ => return Err(format!("`{pattern}`: a range is [from:to] or [from:to:step]")),
    };
    let middle: Vec<String> = match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last && (last - first) as usize / step < MOST => {
            let width = if from.starts_with('0') { from.len() } else { 0 };
            (first..=last).step_by(step).map(|n| format!("{n:0width$}")).collect()
        }
        (Ok(_), Ok(_)) => {
            return Err(format!("`{pattern}`: the range is empty or has more than {MOST} hosts"));
        }
        _ => match (single_letter(from), single_letter(to)) {
            (Some(first), Some(last)) if first <= last => {
                (first..=last).step_by(step).map(|c| char::from(c).to_string()).collect()
            }
            _ => {
                return Err(format!(
                    "`{pattern}`: a range goes from a number to a number, or from a letter to a letter"
                ));
            }
        },
    };
    let mut names = Vec::new();
    for part in middle {
        for rest in expand(tail)? {
            names.push(format!("{head}{part}{rest}"));
            if names.len() > MOST {
                return Err(format!("`{pattern}` stands for more than {MOST} hosts"));
            }
        }
    }
    Ok(names)
}

fn single_letter(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [letter] if letter.is_ascii_alphabetic() => Some(*letter),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn ranges_are_ansibles() {
        assert_eq!(expand("db-a").as_deref(), Ok(&["db-a".to_owned()][..]));
        assert_eq!(expand("db[08:10]").unwrap_or_default(), ["db08", "db09", "db10"]);
        assert_eq!(expand("db[0:4:2].x").unwrap_or_default(), ["db0.x", "db2.x", "db4.x"]);
        assert_eq!(expand("[a:b][1:2]").unwrap_or_default(), ["a1", "a2", "b1", "b2"]);
        for wrong in ["db[1:", "db[3:1]", "db[1]", "db[1:2:0]", "db[1:x]", "db[1:99999999]"] {
            assert!(expand(wrong).is_err(), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_pattern_is_taken_or_refused(pattern in "[a-z0-9\\[\\]:é]{0,20}") {
            let _ = expand(&pattern);
        }
    }
}
