//! One option file as a lossless list of lines.

use super::canonical_name;

/// One line, or several where a byte sequence has no line feed at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    raw: Vec<u8>,
    /// What it means.
    pub meaning: Meaning,
}

/// What a line means to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Nothing, a comment, or something that can't be read.
    Nothing,
    /// `[group]`.
    Group(String),
    /// `!include path`.
    Include(String),
    /// `!includedir path`.
    IncludeDir(String),
    /// `name`, or `name=value`.
    Option {
        /// Canonical name.
        name: String,
        /// Value without quotes and escapes; `None` for a bare flag.
        value: Option<String>,
    },
}

/// A file that prints exactly as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Document {
    lines: Vec<Line>,
}

impl Document {
    /// Reads any bytes. What makes no sense is kept as it is.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let lines = bytes
            .split_inclusive(|b| *b == b'\n')
            .map(|raw| Line { raw: raw.to_vec(), meaning: meaning(&String::from_utf8_lossy(raw)) })
            .collect();
        Self { lines }
    }

    /// The bytes that were read.
    #[cfg(test)]
    fn to_bytes(&self) -> Vec<u8> {
        self.lines.iter().flat_map(|line| line.raw.iter().copied()).collect()
    }

    /// Lines with their numbers, from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (u32, &Line)> {
        (1..).zip(&self.lines)
    }
}

/// A blank as the servers know it: U+00A0 is none.
fn blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}')
}

fn meaning(line: &str) -> Meaning {
    let line = line.trim_matches(blank);
    if line.is_empty() || line.starts_with(['#', ';']) {
        return Meaning::Nothing;
    }
    if let Some(rest) = line.strip_prefix('!') {
        return match rest.trim_start_matches(blank).split_once(blank) {
            Some(("includedir", path)) => Meaning::IncludeDir(path.trim_matches(blank).to_owned()),
            Some(("include", path)) => Meaning::Include(path.trim_matches(blank).to_owned()),
            _ => Meaning::Nothing,
        };
    }
    if let Some(rest) = line.strip_prefix('[') {
        // Blanks before the name belong to it: `[ mysqld ]` is no group of the server.
        return rest
            .split_once(']')
            .map_or(Meaning::Nothing, |(name, _)| Meaning::Group(name.trim_end_matches(blank).to_owned()));
    }
    let line = without_comment(line);
    let (name, value) = match line.split_once('=') {
        Some((name, value)) => (name, Some(read_value(value))),
        None => (line, None),
    };
    let name = name.trim_matches(blank);
    let name = canonical_name(name);
    if name.is_empty() {
        return Meaning::Nothing;
    }
    Meaning::Option { name, value }
}

/// `#` begins a comment outside of quotes, wherever it stands.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut escape = false;
    for (at, c) in line.char_indices() {
        match quote {
            None if c == '#' => return &line[..at],
            None if c == '\'' || c == '"' => quote = Some(c),
            Some(open) if c == open && !escape => quote = None,
            _ => {}
        }
        escape = quote.is_some() && c == '\\' && !escape;
    }
    line
}

/// A value as the server reads it: one pair of quotes goes away, and the escapes are
/// `\b \t \n \r \\ \s \" \'`; another backslash stays.
fn read_value(text: &str) -> String {
    let kept = text.trim_matches(blank);
    let unquoted = ['\'', '"']
        .into_iter()
        .find_map(|q| kept.strip_prefix(q)?.strip_suffix(q).filter(|_| kept.len() > 1))
        .unwrap_or(kept);
    let mut value = String::with_capacity(unquoted.len());
    let mut chars = unquoted.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            value.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => value.push('\n'),
            Some('t') => value.push('\t'),
            Some('r') => value.push('\r'),
            Some('b') => value.push('\u{8}'),
            Some('s') => value.push(' '),
            Some(c @ ('\\' | '"' | '\'')) => value.push(c),
            Some(other) => {
                value.push('\\');
                value.push(other);
            }
            None => value.push('\\'),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(line: &str) -> Option<(String, Option<String>)> {
        match meaning(line) {
            Meaning::Option { name, value } => Some((name, value)),
            _ => None,
        }
    }

    #[test]
    fn options_are_read_as_the_manual_says() {
        let some = |n: &str, v: &str| Some((n.to_owned(), Some(v.to_owned())));
        assert_eq!(option("max-allowed_packet = 1G # a comment"), some("max_allowed_packet", "1G"));
        assert_eq!(option("basedir=\"C:\\\\x\\sy\""), some("basedir", "C:\\x y"));
        assert_eq!(option("a = 'x # y'"), some("a", "x # y"));
        assert_eq!(option("skip-networking"), Some(("skip_networking".into(), None)));
        assert_eq!(option("empty ="), some("empty", ""));
        assert_eq!(
            meaning("!includedir /etc/mysql/conf.d/"),
            Meaning::IncludeDir("/etc/mysql/conf.d/".into())
        );
        assert_eq!(option("skip-log-bin # a = b"), Some(("skip_log_bin".into(), None)));
        assert_eq!(option("server-id=\u{a0}9"), some("server_id", "\u{a0}9"));
        assert_eq!(meaning("[ mysqld ]"), Meaning::Group(" mysqld".into()));
        assert_eq!(meaning("[mysqld] # x"), Meaning::Group("mysqld".into()));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_print_as_they_were(bytes: Vec<u8>) {
            proptest::prop_assert_eq!(Document::parse(&bytes).to_bytes(), bytes);
        }
    }
}
