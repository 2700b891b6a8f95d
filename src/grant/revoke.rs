//! The way back from one line of `SHOW GRANTS`.

use super::read_grant;

/// The statement that takes away what a line of `SHOW GRANTS` gives: a role, a proxy, or a default role. Nothing for
/// privileges, which `REVOKE ALL PRIVILEGES` takes away, as it does not take these.
pub(crate) fn revocation(line: &str) -> Option<String> {
    if line.starts_with("SET DEFAULT ROLE ") {
        let (_, whose) = split(line, " FOR ")?;
        return Some(format!("SET DEFAULT ROLE NONE FOR {whose}"));
    }
    if !matches!(read_grant(line), Ok(None)) {
        return None;
    }
    let (given, to) = split(line.strip_prefix("GRANT ")?, " TO ")?;
    let more = [" WITH ", " REQUIRE ", " IDENTIFIED "];
    let to = more.iter().fold(to, |to, word| split(to, word).map_or(to, |(name, _)| name));
    Some(format!("REVOKE {given} FROM {to}"))
}

/// Splits a statement at words that stand outside of quotes.
pub(crate) fn split<'t>(text: &'t str, words: &str) -> Option<(&'t str, &'t str)> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match quote {
            Some(mark) if c == mark => quote = None,
            Some(_) => {}
            None if matches!(c, '\'' | '`' | '"') => quote = Some(c),
            None if text[at..].starts_with(words) => return Some((&text[..at], &text[at + words.len()..])),
            None => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::revocation;

    #[test]
    fn what_no_revoke_all_takes_away() {
        for (line, back) in [
            (
                "GRANT `r`@`%`,`q`@`%` TO `a`@`%` WITH ADMIN OPTION",
                Some("REVOKE `r`@`%`,`q`@`%` FROM `a`@`%`"),
            ),
            ("GRANT `x TO y` TO `a WITH b`@`%`", Some("REVOKE `x TO y` FROM `a WITH b`@`%`")),
            ("GRANT r TO a@'%'", Some("REVOKE r FROM a@'%'")),
            (
                "GRANT PROXY ON ''@'%' TO 'b'@'%' WITH GRANT OPTION",
                Some("REVOKE PROXY ON ''@'%' FROM 'b'@'%'"),
            ),
            ("SET DEFAULT ROLE `r` FOR `a`@`%`", Some("SET DEFAULT ROLE NONE FOR `a`@`%`")),
            ("GRANT SELECT ON *.* TO `a`@`%`", None),
            ("REVOKE INSERT ON `m`.* FROM `a`@`%`", None),
            ("nonsense", None),
        ] {
            assert_eq!(revocation(line).as_deref(), back, "{line}");
        }
    }
}
