//! Patterns for names.

/// Whether a text fits a pattern with `*` and `?`.
pub fn glob(pattern: &str, text: &str) -> bool {
    let parts: Vec<Part> = pattern
        .chars()
        .map(|c| match c {
            '*' => Part::Any,
            '?' => Part::One,
            c => Part::Char(c),
        })
        .collect();
    fits(&parts, text)
}

/// Whether a text fits a pattern of Python's `fnmatch`: the same with `[abc]`, `[a-c]` and `[!abc]`.
pub fn fnmatch(pattern: &str, text: &str) -> bool {
    let mut parts = Vec::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        parts.push(match c {
            '*' => Part::Any,
            '?' => Part::One,
            '[' => match set(rest) {
                Some((part, length)) => {
                    rest = &rest[length..];
                    part
                }
                None => Part::Char('['),
            },
            c => Part::Char(c),
        });
    }
    fits(&parts, text)
}

enum Part {
    Any,
    One,
    Char(char),
    Set { not: bool, ranges: Vec<(char, char)> },
}

/// What stands behind `[`, with its length; nothing where it does not end.
fn set(text: &str) -> Option<(Part, usize)> {
    let not = text.starts_with('!');
    let begin = usize::from(not);
    // A bracket that comes first is one of the set.
    let first = text[begin..].chars().next()?;
    let end = begin + first.len_utf8() + text[begin + first.len_utf8()..].find(']')?;
    let chars: Vec<char> = text[begin..end].chars().collect();
    let mut ranges = Vec::new();
    let mut n = 0;
    while n < chars.len() {
        match chars.get(n + 1..n + 3) {
            Some(['-', last]) => {
                ranges.push((chars[n], *last));
                n += 3;
            }
            _ => {
                ranges.push((chars[n], chars[n]));
                n += 1;
            }
        }
    }
    Some((Part::Set { not, ranges }, end + 1))
}

fn fits(pattern: &[Part], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        let one = match pattern.get(p) {
            Some(Part::Any) => {
                star = Some((p, t));
                p += 1;
                continue;
            }
            Some(Part::One) => true,
            Some(Part::Char(c)) => *c == text[t],
            Some(Part::Set { not, ranges }) => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&text[t])) != *not
            }
            None => false,
        };
        if one {
            p += 1;
            t += 1;
            continue;
        }
        match star {
            Some((at, seen)) => {
                star = Some((at, seen + 1));
                p = at + 1;
                t = seen + 1;
            }
            None => return false,
        }
    }
    pattern[p..].iter().all(|part| matches!(part, Part::Any))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        assert!(glob("db-?", "db-a") && glob("*", "") && glob("a*c*", "abcd") && glob("db-a", "db-a"));
        assert!(!glob("db-?", "db-") && !glob("a*c", "abcd") && !glob("db-[ab]", "db-a"));
    }

    #[test]
    fn sets() {
        assert!(fnmatch("db-[ab]", "db-a") && fnmatch("db-[a-c]*", "db-c1") && fnmatch("db-[!x]", "db-a"));
        assert!(fnmatch("db[", "db[") && fnmatch("[]]", "]") && fnmatch("db-[a-]", "db--"));
        assert!(!fnmatch("db-[!ab]", "db-a") && !fnmatch("db-[a-c]", "db-d"));
    }
}
