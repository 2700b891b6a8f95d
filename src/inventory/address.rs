//! What stands in an inventory for a host: a name, an address, a range, each perhaps with a port.

use super::expand;

/// The names that a host's entry stands for, and the port behind it.
///
/// # Errors
/// What is wrong with its range.
pub(super) fn hosts(entry: &str) -> Result<(Vec<String>, Option<u16>), String> {
    let (pattern, port) = split_port(entry).unwrap_or((entry, None));
    Ok((expand(pattern)?, port))
}

/// The host and the port, where the text is the name of a host, an address, or a range of them.
pub(super) fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            let bracketed = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
            match bracketed.filter(|inner| !is_range(inner)) {
                Some(inner) => (inner, Some(port.parse().ok()?)),
                None if no_colon_outside_brackets(host) => (host, Some(port.parse().ok()?)),
                None => (text, None),
            }
        }
        _ => (text, None),
    };
    (is_hostname(host) || is_ipv6(host)).then_some((host, port))
}

/// Whether brackets hold a range and not an address: `[a:c]`, `[1:10:2]`.
fn is_range(inner: &str) -> bool {
    let parts: Vec<&str> = inner.split(':').collect();
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let letter = |text: &str| text.len() == 1 && text.bytes().all(|b| b.is_ascii_alphabetic());
    match parts.as_slice() {
        [from, to] => (number(from) && number(to)) || (letter(from) && letter(to)),
        [from, to, step] => number(step) && ((number(from) && number(to)) || (letter(from) && letter(to))),
        _ => false,
    }
}

fn no_colon_outside_brackets(text: &str) -> bool {
    let mut inside = false;
    text.chars().all(|c| {
        match c {
            '[' if inside => return false,
            '[' => inside = true,
            ']' if !inside => return false,
            ']' => inside = false,
            ':' if !inside => return false,
            _ => {}
        }
        true
    }) && !inside
}

/// Labels joined by dots, of letters, digits, `_`, `-` and ranges; an IPv4 address is one.
fn is_hostname(text: &str) -> bool {
    let mut label_begins = true;
    let mut before = '.';
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        match c {
            '.' if label_begins || matches!(before, '_' | '-') => return false,
            '.' => label_begins = true,
            '[' => {
                let Some(end) = rest.find(']') else { return false };
                if !is_range(&rest[1..end]) {
                    return false;
                }
                length = end + 1;
                label_begins = false;
            }
            '-' if label_begins => return false,
            c if c.is_alphanumeric() || matches!(c, '_' | '-') => label_begins = false,
            _ => return false,
        }
        before = c;
        rest = &rest[length..];
    }
    !label_begins && !matches!(before, '_' | '-')
}

fn is_ipv6(text: &str) -> bool {
    if !text.contains('[') {
        return text.parse::<std::net::Ipv6Addr>().is_ok();
    }
    // With a range in it, it is an address if each range's first value makes one.
    let mut first = String::new();
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once('[') {
        let Some((body, after)) = tail.split_once(']') else { return false };
        let mut ends = body.split(':');
        let (Some(from), Some(_)) = (ends.next(), ends.next()) else { return false };
        first.push_str(head);
        first.push_str(from);
        rest = after;
    }
    first.push_str(rest);
    first.parse::<std::net::Ipv6Addr>().is_ok()
}

/// Whether a text can be a host's name here: what an address or a login is made of.
pub(super) fn valid(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '@'))
        && !matches!(name, "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_taken_off_names_and_addresses() {
        for (text, host, port) in [
            ("db-a", "db-a", None),
            ("db-a:2222", "db-a", Some(2222)),
            ("10.0.0.1:22", "10.0.0.1", Some(22)),
            ("::1", "::1", None),
            ("2001:db8::1", "2001:db8::1", None),
            ("[2001:db8::1]:2222", "2001:db8::1", Some(2222)),
            ("db[01:10]", "db[01:10]", None),
            ("db[01:10]:2222", "db[01:10]", Some(2222)),
            ("2001:db8::[1:3]", "2001:db8::[1:3]", None),
        ] {
            assert_eq!(split_port(text), Some((host, port)), "{text}");
        }
        for text in ["db:web", "db*", "!db", "a:b:1", "[::1]", "-x", "db-", "a..b", "~x"] {
            assert_eq!(split_port(text), None, "{text}");
        }
        assert_eq!(hosts("root@db-a"), Ok((vec!["root@db-a".into()], None)));
    }
}
