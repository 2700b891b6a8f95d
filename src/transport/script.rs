//! Shell scripts for hosts: constant text, quoted arguments, secrets on standard input only.

/// A script that only reads. The constructor is `const` so that the text is part of the program.
#[derive(Debug, Clone, Copy)]
pub struct ReadScript {
    /// What it does, to be read after "to", such as "read the host".
    pub what: &'static str,
    /// POSIX shell.
    pub text: &'static str,
}

impl ReadScript {
    /// Declares that a script changes nothing on its host.
    pub const fn new(what: &'static str, text: &'static str) -> Self {
        Self { what, text }
    }
}

/// What a script printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// Exit status.
    pub status: i32,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error as text.
    pub stderr: String,
}

impl Output {
    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

/// Quotes a word for a POSIX shell. Every word of ours goes through here.
pub fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:@%+-=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A program and its arguments as one command line.
pub fn command_words(words: &[String]) -> String {
    words.iter().map(|w| word(w)).collect::<Vec<_>>().join(" ")
}

/// The command line that runs a script with arguments: `sh -c SCRIPT tandem ARGS`.
pub fn command_line(text: &str, args: &[&str]) -> String {
    let mut line = format!("sh -c {} tandem", word(text));
    for arg in args {
        line.push(' ');
        line.push_str(&word(arg));
    }
    line
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn a_shell_gives_every_word_back(text in "[^\0]{0,40}") {
            let line = command_line(r#"printf %s "$1""#, &[&text]);
            let output = Command::new("sh").arg("-c").arg(line).output().expect("sh runs");
            proptest::prop_assert_eq!(output.stdout, text.as_bytes());
        }
    }
}
