//! Words of a host's line, split as Python's `shlex` does: quotes, backslashes, and `#` that begins a comment
//! wherever it stands outside of quotes.

/// A word and where it stands in its line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// The word without its quotes.
    pub text: String,
    /// Where it begins.
    pub begin: usize,
    /// Where it ends.
    pub end: usize,
}

/// The words of a line.
pub(super) fn split(line: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut quote: Option<char> = None;
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (None, '#') => break,
            (None, c) if c.is_whitespace() => {
                words.extend(word.take());
                continue;
            }
            _ => {}
        }
        let now = word.get_or_insert_with(|| Word { text: String::new(), begin: at, end: at });
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '\\') | (Some('"'), '\\') => {
                let Some((at, next)) = chars.next() else {
                    return Err("the line ends with a backslash".into());
                };
                // In double quotes only the quote and the backslash can be escaped.
                if quote.is_some() && !matches!(next, '"' | '\\') {
                    now.text.push('\\');
                }
                now.text.push(next);
                now.end = at + next.len_utf8();
                continue;
            }
            (_, c) => now.text.push(c),
        }
        now.end = at + c.len_utf8();
    }
    if quote.is_some() {
        return Err("a quote is not closed".into());
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_are_pythons() {
        for (line, words) in [
            ("a b=c", vec!["a", "b=c"]),
            ("a b='c d' e=\"f g\" # h", vec!["a", "b=c d", "e=f g"]),
            ("a b=c#d", vec!["a", "b=c"]),
            ("a b=c\\ d e=\"\\\"\\x\"", vec!["a", "b=c d", "e=\"\\x"]),
            ("a b=''", vec!["a", "b="]),
            ("a b=\"{'c': 1}\"", vec!["a", "b={'c': 1}"]),
        ] {
            let found: Vec<String> = split(line).unwrap_or_default().into_iter().map(|w| w.text).collect();
            assert_eq!(found, words, "{line}");
        }
        assert!(split("a b='c").is_err() && split("a\\").is_err());
    }
}
