//! Shell scripts for hosts: constant text, quoted arguments, secrets on standard input only.

use super::frame::Mark;

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
pub(super) fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:@%+-=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A program and its arguments as one command line.
pub(crate) fn command_words(words: &[String]) -> String {
    words.iter().map(|w| word(w)).collect::<Vec<_>>().join(" ")
}

/// What a login shell is asked to run, for every script the same: it reads one line, the script, from standard input.
///
/// A login shell may be a csh, a fish or a restricted shell, and each has rules of its own for quotes, line feeds and
/// `!`. So there is none of these in here, and the script itself never passes through such a shell, nor stands in a list
/// of processes. `read` takes its input byte by byte, so all that follows the line is the script's own input.
pub(super) const BOOT: &str = r#"IFS= read -r t; t=$(printf "%b." "$t"); eval "${t%.}""#;

/// The line that [`BOOT`] reads: a script with its arguments, between the marks of its output.
pub(super) fn program(mark: &Mark, text: &str, args: &[&str]) -> String {
    let (begin, end) = (mark.begin(), mark.end());
    let args: String = args.iter().map(|arg| format!(" {}", word(arg))).collect();
    // What a profile has exported must not change what programs print or where `cd` goes.
    let program = format!(
        "LC_ALL=C; PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin; export LC_ALL PATH; umask 022\n\
         unset CDPATH GREP_OPTIONS POSIXLY_CORRECT\n\
         echo '{begin}'; echo '{begin}' >&2\n\
         (\nset --{args}\n{text}\n)\n\
         t=$?; echo '{end}'$t >&2; echo '{end}'$t; exit $t\n"
    );
    let mut line = program.replace('\\', r"\\").replace('\n', r"\n");
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        process::{Command, Stdio},
    };

    use super::*;

    /// Runs a script by a login shell, as sshd does; gives standard output between the marks.
    fn run(shell: &str, text: &str, args: &[&str], input: &[u8]) -> (Vec<u8>, i32) {
        let mark = Mark::draw().expect("a mark");
        let mut child = Command::new(shell)
            .arg("-c")
            .arg(format!("sh -c {}", word(BOOT)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let mut to = child.stdin.take().expect("a pipe");
        to.write_all(program(&mark, text, args).as_bytes()).expect("a program");
        to.write_all(input).expect("its input");
        drop(to);
        let output = child.wait_with_output().expect("it ends");
        let status = output.status.code().expect("a status");
        let framed = [&format!("{}\n", mark.begin()), &format!("{}{status}\n", mark.end())];
        let said = output.stdout.strip_prefix(framed[0].as_bytes()).expect("a begin");
        (said.strip_suffix(framed[1].as_bytes()).expect("an end").to_vec(), status)
    }

    #[test]
    fn a_script_may_end_in_any_way_and_has_its_own_input() {
        let all = "cat <<'END'\n$1 `x` \\n %s\nEND\nprintf '%s|' \"$@\"; cat; exec sh -c 'exit 3'";
        assert_eq!(
            run("sh", all, &["a b", ""], b"in\\n\nput"),
            (b"$1 `x` \\n %s\na b||in\\n\nput".to_vec(), 3)
        );
        assert_eq!(run("sh", "set -e\nfalse\necho no", &[], b""), (vec![], 1));
        assert_eq!(run("sh", "exit 9 # no line feed", &[], b""), (vec![], 9));
    }

    #[test]
    fn every_login_shell_passes_it_on() {
        for shell in ["sh", "bash", "tcsh", "csh", "fish", "zsh", "ksh"] {
            if Command::new(shell).args(["-c", "true"]).status().is_ok_and(|s| s.success()) {
                let said = run(shell, r#"printf '%s' "$1"; exit 5"#, &["a!b'c\"d\\e\nf$g`h"], b"");
                assert_eq!(said, (b"a!b'c\"d\\e\nf$g`h".to_vec(), 5), "{shell}");
            }
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn a_shell_gives_every_word_back(text in "[^\0]{0,40}") {
            let (said, _) = run("sh", r#"printf %s "$1""#, &[&text], b"");
            proptest::prop_assert_eq!(said, text.as_bytes());
        }
    }
}
