//! Values and names inside SQL. Every one of ours goes through here.

/// A text literal. Our sessions set `sql_mode` so that a backslash is an escape; see `transport::sql`.
///
/// A quote gets a backslash: MariaDB's audit plugin takes out a password as far as the next quote without one, and
/// would log what stands behind a doubled one.
pub(crate) fn literal(text: &str) -> String {
    escaped(text, "\\'")
}

fn escaped(text: &str, quote: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\'' => quoted.push_str(quote),
            '\\' => quoted.push_str("\\\\"),
            '\0' => quoted.push_str("\\0"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\u{1a}' => quoted.push_str("\\Z"),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// A text literal for people, who paste it into sessions of their own: a quote is doubled, which is right whatever
/// their `sql_mode` says of backslashes.
pub(crate) fn shown(text: &str) -> String {
    escaped(text, "''")
}

/// A name in backticks.
pub(crate) fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a literal as the server does.
    fn read(quoted: &str) -> Option<String> {
        let mut chars = quoted.strip_prefix('\'')?.chars().peekable();
        let mut text = String::new();
        while let Some(c) = chars.next() {
            match c {
                '\'' if chars.peek() == Some(&'\'') => {
                    chars.next();
                    text.push('\'');
                }
                '\'' => return chars.next().is_none().then_some(text),
                '\\' => text.push(match chars.next()? {
                    '0' => '\0',
                    'n' => '\n',
                    'r' => '\r',
                    'Z' => '\u{1a}',
                    other => other,
                }),
                other => text.push(other),
            }
        }
        None
    }

    proptest::proptest! {
        #[test]
        fn no_text_leaves_its_quotes(text in "\\PC*|[\0'\"\\\\\n;]*") {
            proptest::prop_assert_eq!(read(&literal(&text)), Some(text.clone()));
            proptest::prop_assert_eq!(read(&shown(&text)), Some(text.clone()));
            let name = identifier(&text);
            proptest::prop_assert_eq!(name[1..name.len() - 1].replace("``", "").contains('`'), false);
        }
    }
}
