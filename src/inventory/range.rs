//! Host ranges such as `db[01:10]`, `db[a:c]`, `db[:3]` and `db[0:10:2]`, as Ansible has them.

/// Hosts that one name may stand for.
const MOST: usize = 100_000;
const MOST_RANGES: usize = 8;

/// All names that a pattern stands for, in order. A name without a range stands for itself.
///
/// # Errors
/// What is wrong with the range, in words.
pub(crate) fn expand(pattern: &str) -> Result<Vec<String>, String> {
    if pattern.matches('[').count() > MOST_RANGES {
        return Err(format!("a host name with more than {MOST_RANGES} ranges"));
    }
    let Some(open) = pattern.find('[') else { return Ok(vec![pattern.to_owned()]) };
    let Some(close) = pattern[open..].find(']').map(|n| open + n) else {
        return Err(format!("`{pattern}`: the range has no closing bracket"));
    };
    let (head, body, tail) = (&pattern[..open], &pattern[open + 1..close], &pattern[close + 1..]);
    let middle = steps(body).map_err(|why| format!("`{pattern}`: {why}"))?;
    let rests = expand(tail)?;
    if middle.len().saturating_mul(rests.len()) > MOST {
        return Err(format!("`{pattern}` stands for more than {MOST} hosts"));
    }
    let name = |part: &String| rests.iter().map(|rest| format!("{head}{part}{rest}")).collect::<Vec<_>>();
    Ok(middle.iter().flat_map(name).collect())
}

/// What stands in the brackets, step by step.
fn steps(body: &str) -> Result<Vec<String>, String> {
    let parts: Vec<&str> = body.split(':').collect();
    let (from, to, step) = match parts.as_slice() {
        [from, to] => (*from, *to, 1),
        [from, to, step] => match step.parse::<usize>() {
            Ok(step) if step > 0 => (*from, *to, step),
            _ => return Err(format!("the step `{step}` is not a number above 0")),
        },
        _ => return Err("a range is [from:to] or [from:to:step]".into()),
    };
    let from = if from.is_empty() { "0" } else { from };
    if to.is_empty() {
        return Err("the range has no end".into());
    }
    let width = if from.starts_with('0') && from.len() > 1 { from.len() } else { 0 };
    if width > 0 && width != to.len() {
        return Err("both ends of a range with leading zeros must have the same number of digits".into());
    }
    if let (Some(first), Some(last)) = (letter(from), letter(to)) {
        if first > last {
            return Err("the range is empty".into());
        }
        return Ok(LETTERS[first..=last].chars().step_by(step).map(String::from).collect());
    }
    match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(first), Ok(last)) if first > last => Err("the range is empty".into()),
        (Ok(first), Ok(last)) if (last - first) as usize / step >= MOST => {
            Err(format!("the range has more than {MOST} hosts"))
        }
        (Ok(first), Ok(last)) => Ok((first..=last).step_by(step).map(|n| format!("{n:0width$}")).collect()),
        _ => Err("a range goes from a number to a number, or from a letter to a letter".into()),
    }
}

/// Python's letters: from `a` to `C` there are the small ones and three capitals.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

fn letter(text: &str) -> Option<usize> {
    (text.len() == 1).then(|| LETTERS.find(text)).flatten()
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn ranges_are_ansibles() {
        assert_eq!(expand("db-a").as_deref(), Ok(&["db-a".to_owned()][..]));
        assert_eq!(expand("db[08:10]").unwrap_or_default(), ["db08", "db09", "db10"]);
        assert_eq!(expand("db[0:4:2].x").unwrap_or_default(), ["db0.x", "db2.x", "db4.x"]);
        assert_eq!(expand("db[:2]").unwrap_or_default(), ["db0", "db1", "db2"]);
        assert_eq!(expand("[y:B]").unwrap_or_default(), ["y", "z", "A", "B"]);
        assert_eq!(expand("[a:b][1:2]").unwrap_or_default(), ["a1", "a2", "b1", "b2"]);
        for wrong in
            ["db[1:", "db[3:1]", "db[1]", "db[1:2:0]", "db[1:x]", "db[1:99999999]", "db[1:]", "db[01:100]"]
        {
            assert!(expand(wrong).is_err(), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_pattern_is_taken_or_refused(pattern in "[a-zA-Z0-9\\[\\]:é]{0,20}") {
            let _ = expand(&pattern);
        }
    }
}
