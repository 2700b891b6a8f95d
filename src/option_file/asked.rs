//! What the server's own program has said of its option files.

/// What the server's program has said of its option files (`--print-defaults`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// It was not asked, and why, where there is something to ask.
    Unasked(Option<String>),
    /// It does not take them, in its own words: it would not start with them.
    Refused(String),
    /// The options that it takes out of them, one behind the other as it prints them.
    Said(String),
}

impl Default for Asked {
    fn default() -> Self {
        Self::Unasked(None)
    }
}

impl Asked {
    /// Out of what the host's script prints.
    pub fn read(text: &str) -> Self {
        let (first, rest) = text.trim_matches('\n').split_once('\n').unwrap_or((text.trim(), ""));
        match first.split_once(' ').map_or((first, ""), |(word, why)| (word, why)) {
            ("asked", _) => Self::Said(rest.split_once('\n').map_or("", |(_, options)| options).to_owned()),
            ("refused", _) => Self::Refused(rest.to_owned()),
            ("unasked", why) => Self::Unasked(Some(why.to_owned())),
            _ => Self::Unasked(None),
        }
    }
}

impl Asked {
    /// The place that the server names where it does not take a file.
    pub fn place(&self) -> Option<(String, u32)> {
        let Self::Refused(said) = self else { return None };
        let (_, rest) = said.split_once(" config file")?;
        let (file, rest) = rest.trim_start_matches([':', ' ']).split_once(" at line")?;
        let number = rest.trim_start_matches([':', ' ']).split(|c: char| !c.is_ascii_digit()).next()?;
        Some((file.to_owned(), number.parse().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_not_asked_or_says_no_disputes_nothing() {
        assert_eq!(Asked::read("\n"), Asked::Unasked(None));
        assert_eq!(Asked::read("unasked a b\n"), Asked::Unasked(Some("a b".into())));
        assert_eq!(Asked::read("refused\nerror: x\ny\n"), Asked::Refused("error: x\ny".into()));
        for said in [
            "error: Found option without preceding group in config file: /etc/t.cnf at line: 12\nFatal error",
            "mysqld: [ERROR] Found option without preceding group in config file /etc/t.cnf at line 12.\n",
            "mysqld: [ERROR] Wrong group definition in config file /etc/t.cnf at line 12.",
        ] {
            assert_eq!(Asked::Refused(said.into()).place(), Some(("/etc/t.cnf".into(), 12)));
        }
        assert_eq!(Asked::read("asked\nx would:\n"), Asked::Said(String::new()));
    }
}
