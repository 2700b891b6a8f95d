//! Values of INI inventories: a literal of Python where the text is one, else the text.

use std::iter::Peekable;
use std::str::Chars;

use crate::{
    model::Place,
    source::{Key, Node, Yaml},
};

/// What a value of an INI inventory stands for. The text stays beside it: a password of digits is one.
pub(crate) fn value(text: &str, place: &Place) -> Node {
    let mut reader =
        Reader { chars: text.trim_start_matches([' ', '\t']).chars().peekable(), place, depth: 0 };
    let value = reader.whole().unwrap_or_else(|| Yaml::Text(text.to_owned()));
    let written = (!matches!(value, Yaml::Text(_))).then(|| text.into());
    Node { written, ..Node::new(place.clone(), value) }
}

/// Brackets in brackets that a value may have.
const DEEPEST: usize = 60;

struct Reader<'a> {
    chars: Peekable<Chars<'a>>,
    place: &'a Place,
    depth: usize,
}

/// Each part is `None` where it is not such a literal.
impl Reader<'_> {
    fn node(&self, value: Yaml) -> Node {
        Node::new(self.place.clone(), value)
    }

    fn blanks(&mut self) {
        // Line breaks can't be there: a value is one line.
        while self.chars.next_if(|c| matches!(c, ' ' | '\t' | '\u{c}')).is_some() {}
    }

    fn eat(&mut self, c: char) -> bool {
        self.chars.next_if_eq(&c).is_some()
    }

    /// One literal, or several with commas, which are a list; then nothing but a comment.
    fn whole(&mut self) -> Option<Yaml> {
        let first = self.item()?;
        self.blanks();
        let value = if self.chars.peek() == Some(&',') {
            let mut items = vec![first];
            while self.eat(',') {
                self.blanks();
                if matches!(self.chars.peek(), None | Some('#')) {
                    break;
                }
                items.push(self.item()?);
                self.blanks();
            }
            Yaml::Seq(items.into_iter().map(|value| self.node(value)).collect())
        } else {
            first
        };
        matches!(self.chars.peek(), None | Some('#')).then_some(value)
    }

    fn item(&mut self) -> Option<Yaml> {
        self.blanks();
        match *self.chars.peek()? {
            '[' => self.list('[', ']').map(|(items, _)| Yaml::Seq(items)),
            '(' => {
                let (mut items, comma) = self.list('(', ')')?;
                // Brackets around one value are only brackets.
                if items.len() == 1 && !comma {
                    items.pop().map(|node| node.value)
                } else {
                    Some(Yaml::Seq(items))
                }
            }
            '{' => self.dictionary(),
            '\'' | '"' => self.texts(),
            '-' | '+' => {
                let minus = self.chars.next() == Some('-');
                self.blanks();
                match self.number()? {
                    Yaml::Int(n) => Some(Yaml::Int(if minus { -n } else { n })),
                    Yaml::Float(n) => Some(Yaml::Float(if minus { -n } else { n })),
                    _ => None,
                }
            }
            c if c.is_ascii_digit() || c == '.' => self.number(),
            _ => self.word(),
        }
    }

    fn list(&mut self, open: char, close: char) -> Option<(Vec<Node>, bool)> {
        self.depth += 1;
        if !self.eat(open) || self.depth > DEEPEST {
            return None;
        }
        let (mut items, mut comma) = (Vec::new(), false);
        loop {
            self.blanks();
            if self.eat(close) {
                self.depth -= 1;
                return Some((items, comma));
            }
            if !items.is_empty() && !comma {
                return None;
            }
            let value = self.item()?;
            items.push(self.node(value));
            self.blanks();
            comma = self.eat(',');
        }
    }

    fn dictionary(&mut self) -> Option<Yaml> {
        self.depth += 1;
        if !self.eat('{') || self.depth > DEEPEST {
            return None;
        }
        let (mut entries, mut comma): (Vec<(Key, Node)>, bool) = (Vec::new(), true);
        loop {
            self.blanks();
            if self.eat('}') {
                self.depth -= 1;
                return Some(Yaml::Map(entries));
            }
            if !comma {
                return None;
            }
            let key = self.item()?;
            let key = self.node(key).scalar()?;
            self.blanks();
            if !self.eat(':') {
                return None;
            }
            let value = self.item()?;
            let value = self.node(value);
            entries.retain(|(known, _)| known.text != key);
            entries.push((Key { text: key, place: self.place.clone() }, value));
            self.blanks();
            comma = self.eat(',');
        }
    }

    /// Texts beside each other are one.
    fn texts(&mut self) -> Option<Yaml> {
        let mut text = String::new();
        while matches!(self.chars.peek(), Some('\'' | '"')) {
            self.text(&mut text, false)?;
            self.blanks();
        }
        Some(Yaml::Text(text))
    }

    fn text(&mut self, into: &mut String, raw: bool) -> Option<()> {
        let quote = self.chars.next()?;
        loop {
            match self.chars.next()? {
                c if c == quote => return Some(()),
                '\\' if raw => {
                    into.push('\\');
                    into.push(self.chars.next()?);
                }
                '\\' => self.escape(into)?,
                c => into.push(c),
            }
        }
    }

    fn escape(&mut self, into: &mut String) -> Option<()> {
        let c = self.chars.next()?;
        let coded = |reader: &mut Self, digits: usize| {
            let hex: String =
                (0..digits).filter_map(|_| reader.chars.next_if(char::is_ascii_hexdigit)).collect();
            (hex.len() == digits).then(|| u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32))?
        };
        let meant = match c {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            '\\' | '\'' | '"' => c,
            'x' => coded(self, 2)?,
            'u' => coded(self, 4)?,
            'U' => coded(self, 8)?,
            '0'..='7' => {
                let mut code = c.to_digit(8)?;
                for _ in 0..2 {
                    let Some(digit) = self.chars.next_if(|c| c.is_digit(8)) else { break };
                    code = code * 8 + digit.to_digit(8)?;
                }
                char::from_u32(code)?
            }
            'N' => return None,
            // Python keeps a backslash that means nothing.
            other => {
                into.push('\\');
                other
            }
        };
        into.push(meant);
        Some(())
    }

    fn number(&mut self) -> Option<Yaml> {
        let mut text = String::new();
        while let Some(c) = self.chars.next_if(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_')) {
            text.push(c);
            if matches!(c, 'e' | 'E')
                && !text.starts_with("0x")
                && let Some(sign) = self.chars.next_if(|c| matches!(c, '-' | '+'))
            {
                text.push(sign);
            }
        }
        // Underscores stand between digits only.
        if text.starts_with('_') || text.ends_with('_') || text.contains("__") {
            return None;
        }
        let digits = text.replace('_', "");
        let small = digits.to_ascii_lowercase();
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
            if let Some(rest) = small.strip_prefix(prefix) {
                return i128::from_str_radix(rest, radix).ok().map(Yaml::Int);
            }
        }
        if digits.bytes().all(|b| b.is_ascii_digit()) {
            // `010` is no number in Python, and `00` is.
            let zeros = digits.len() > 1 && digits.starts_with('0') && digits.bytes().any(|b| b != b'0');
            return if zeros { None } else { digits.parse().ok().map(Yaml::Int) };
        }
        let float =
            digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-' | b'+'));
        (float && digits.bytes().any(|b| b.is_ascii_digit())).then(|| digits.parse().ok().map(Yaml::Float))?
    }

    fn word(&mut self) -> Option<Yaml> {
        let mut word = String::new();
        while let Some(c) = self.chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
            word.push(c);
        }
        let prefix = matches!(self.chars.peek(), Some('\'' | '"'));
        match word.as_str() {
            "True" => Some(Yaml::Bool(true)),
            "False" => Some(Yaml::Bool(false)),
            "None" => Some(Yaml::Null),
            "r" | "R" | "u" | "U" | "b" | "B" if prefix => {
                let mut text = String::new();
                self.text(&mut text, word.eq_ignore_ascii_case("r"))?;
                Some(Yaml::Text(text))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_pythons_literals_or_text() {
        for (text, json) in [
            ("7", "7"),
            ("-7", "-7"),
            ("0755", "\"0755\""),
            ("1_000", "1000"),
            ("0x1f", "31"),
            ("1e3", "1000.0"),
            ("1.50", "1.5"),
            ("True", "true"),
            ("true", "\"true\""),
            ("yes", "\"yes\""),
            ("None", "null"),
            ("", "\"\""),
            ("a b", "\"a b\""),
            ("'a b'", "\"a b\""),
            ("'a' 'b'", "\"ab\""),
            ("\"a\\tb\\q\"", "\"a\\tb\\\\q\""),
            ("[1, 'a', [True]]", "[1,\"a\",[true]]"),
            ("['a', b]", "\"['a', b]\""),
            ("{'a': 1, \"b\": {'c': []}}", "{\"a\":1,\"b\":{\"c\":[]}}"),
            ("(1, 2)", "[1,2]"),
            ("(1)", "1"),
            ("1,2", "[1,2]"),
            ("a,b", "\"a,b\""),
            ("1 # one", "1"),
            ("abc # c", "\"abc # c\""),
            ("'abc' # c", "\"abc\""),
            ("10.0.0.1", "\"10.0.0.1\""),
            ("8e12x", "\"8e12x\""),
            ("{{ x }}", "\"{{ x }}\""),
            ("--1", "\"--1\""),
            ("1 2", "\"1 2\""),
            ("'open", "\"'open\""),
        ] {
            assert_eq!(value(text, &Place::file("f")).to_json().to_string(), json, "{text}");
        }
        assert_eq!(value("0x10", &Place::file("f")).scalar().as_deref(), Some("0x10"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_a_value(text in "[-+0-9a-e_.,'\"\\\\{}()\\[\\]:# ]{0,30}") {
            let _ = value(&text, &Place::file("f"));
        }
    }
}
